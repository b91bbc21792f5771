"""How does a trial of any other design run, and how often does it claim, stop or mislead?

- `survival_group_sequential` with a `SurvivalPlan`: log-rank looks by events; `SequentialCharacteristics`.
- `characteristics_of(run_block, plan)`: the same table for every design below, each a plan of numbers.
- `SpendingSurvivalPlan`: looks by calendar, events or information; bounds follow what came.
- `StagedPlan`, `DelayedPlan` with a rule plan (`BoundsPlan`, `ClosedTestPlan`, `ThompsonPlan`, ...): adaptive
  trials in stages, seen at once or with delayed outcomes.
- `JointPlan`: a marker, and an event that follows it.
- `EventResizingPlan`, `BlindedSurvivalPlan`, `ArmDroppingPlan`: survival trials that add events or
  participants, or drop arms.
- `simulate_longitudinal_block` with a `LongitudinalPlan`: whole trials with visits.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.designs.delayed_trials import (
        DelayedPlan,
        StagedPlan,
        run_delayed_block,
        run_staged_block,
    )
    from trialsim.study.designs.event_resizing import (
        BlindedSurvivalPlan,
        EventResizingPlan,
        run_blinded_survival_block,
        run_event_resizing_block,
    )
    from trialsim.study.designs.joint_trials import JointPlan, run_joint_block
    from trialsim.study.designs.longitudinal_trials import (
        LongitudinalPlan,
        ancova_at_last_visit,
        mmrm_at_last_visit,
        simulate_longitudinal_block,
    )
    from trialsim.study.designs.rule_plans import (
        BlindedResizingPlan,
        BoundsPlan,
        ClosedTestPlan,
        PredictivePlan,
        PromisingZonePlan,
        RulePlan,
        ThompsonPlan,
    )
    from trialsim.study.designs.sequential_block import SequentialBlock, characteristics_of
    from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics
    from trialsim.study.designs.survival_arm_dropping import ArmDroppingPlan, run_arm_dropping_block
    from trialsim.study.designs.survival_plan import (
        SurvivalPlan,
        run_survival_block,
        survival_group_sequential,
    )
    from trialsim.study.designs.survival_spending import SpendingSurvivalPlan, run_spending_survival_block
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ArmDroppingPlan",
    "BlindedResizingPlan",
    "BlindedSurvivalPlan",
    "BoundsPlan",
    "ClosedTestPlan",
    "DelayedPlan",
    "EventResizingPlan",
    "JointPlan",
    "LongitudinalPlan",
    "PredictivePlan",
    "PromisingZonePlan",
    "RulePlan",
    "SequentialBlock",
    "SequentialCharacteristics",
    "SpendingSurvivalPlan",
    "StagedPlan",
    "SurvivalPlan",
    "ThompsonPlan",
    "ancova_at_last_visit",
    "characteristics_of",
    "mmrm_at_last_visit",
    "run_arm_dropping_block",
    "run_blinded_survival_block",
    "run_delayed_block",
    "run_event_resizing_block",
    "run_joint_block",
    "run_spending_survival_block",
    "run_staged_block",
    "run_survival_block",
    "simulate_longitudinal_block",
    "survival_group_sequential",
]
