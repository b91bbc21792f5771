"""How does a trial of any other design run, and how often does it claim, stop or mislead?

- `survival_group_sequential` with a `SurvivalPlan`: log-rank looks by events; `SequentialCharacteristics`.
- `characteristics_of(run_block, plan)`: the same table for every design below, each a plan of numbers.
- `SpendingSurvivalPlan`: looks by calendar, events or information; bounds follow what came.
- `StagedPlan`, `DelayedPlan` with a rule plan (`BoundsPlan`, `ClosedTestPlan`, `ThompsonPlan`, ...): adaptive
  trials in stages, seen at once or with delayed outcomes.
- `CalendarPlan`: calendar looks at normal or binary outcomes that come late; bounds follow what was seen.
- `LongitudinalLooksPlan`: calendar looks at trials with visits, by a mixed model.
- `JointPlan`: a marker, and an event that follows it.
- `EventResizingPlan`, `BlindedSurvivalPlan`, `ArmDroppingPlan`: survival trials that add events or
  participants, or drop arms.
- `adaptive_characteristics`: what an adaptive design in stages does.
- `longitudinal_characteristics` with a `LongitudinalPlan`: whole trials with visits, read by one analysis.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.designs.adaptive_trials import AdaptiveCharacteristics, adaptive_characteristics
    from trialsim.study.designs.calendar_trials import CalendarPlan, run_calendar_block
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
    from trialsim.study.designs.ledger import estimand_ledger, usual_analyses
    from trialsim.study.designs.longitudinal_looks import LongitudinalLooksPlan, run_longitudinal_looks_block
    from trialsim.study.designs.longitudinal_trials import (
        LongitudinalPlan,
        ancova_at_last_visit,
        longitudinal_characteristics,
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
    "AdaptiveCharacteristics",
    "ArmDroppingPlan",
    "BlindedResizingPlan",
    "BlindedSurvivalPlan",
    "BoundsPlan",
    "CalendarPlan",
    "ClosedTestPlan",
    "DelayedPlan",
    "EventResizingPlan",
    "JointPlan",
    "LongitudinalLooksPlan",
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
    "adaptive_characteristics",
    "ancova_at_last_visit",
    "characteristics_of",
    "estimand_ledger",
    "longitudinal_characteristics",
    "mmrm_at_last_visit",
    "run_arm_dropping_block",
    "run_blinded_survival_block",
    "run_calendar_block",
    "run_delayed_block",
    "run_event_resizing_block",
    "run_joint_block",
    "run_longitudinal_looks_block",
    "run_spending_survival_block",
    "run_staged_block",
    "run_survival_block",
    "simulate_longitudinal_block",
    "survival_group_sequential",
    "usual_analyses",
]
