"""How it is carried out and proved: histories, registers, plans, blocks, back ends and run bundles.

- `run_study`: the main job; `StudyResult` is what it finds.
- `generate_history`, `load_history`, `learn`, `build_register`, `plan_from`, `plan_cells`, `simulate`: its
  steps, each usable alone.
- `estimand_ledger`, `usual_analyses`: each analysis against the true value of each estimand.
- `trialsim.study.designs`: plans of numbers for every other way a trial can run, and their characteristics.
- `trialsim.study.declared`: trials that a file declares.
- `run_cells`, with any `Work`: every cell of a plan through back ends, checkpoints and stopping rules.
- `moments_of_history`, `sizes_at_history`: the sizes if the trial's placebo arm spread as the history's.
- `open_backend`, `map_blocks`, `Job`, `Checkpoints`, `StoppingRule`, `estimate_work`: how it runs.
- `open_bundle`, `replay_trial`, `replay_declared_trial`, `replay_blocks`, `pick_examples`: what a bundle lets
  anybody compute again.
- `require_detectable`: is there any trial that detects the effect, before anything is fitted.
- `supplementary_analyses`: `time_and_cost`, `borrowing_risk`, `card_sensitivity`; `write_supplementary`.
- `decision_fidelity`: would synthetic participants have led to the same trial.
- `new_bundle`, `seal`, `check_bundle`, `write_inputs`, `write_results`, `ReplicateRecorder`: the bundle.
"""

from trialsim.study.bundles.bundle import check_bundle, checkpoint_folder, kept_blocks, new_bundle, seal
from trialsim.study.bundles.bundled import Bundled
from trialsim.study.bundles.examples import pick_examples, write_examples
from trialsim.study.bundles.of_declared_trial import BundledTrial, declared_work, trial_facts, write_trial
from trialsim.study.bundles.of_sized_trial import BundledStudy, replay_trial
from trialsim.study.bundles.opening import open_bundle
from trialsim.study.bundles.record import (
    ReplicateRecorder,
    answer,
    calibration_frame,
    gain_frame,
    input_hashes,
    run_facts,
    sizes_frame,
    write_inputs,
    write_results,
)
from trialsim.study.bundles.replay import Replayed, ReplayedTrial, replay_blocks
from trialsim.study.bundles.replay_declared import replay_declared_trial
from trialsim.study.designs import (
    AdaptiveCharacteristics,
    ArmDroppingPlan,
    BlindedResizingPlan,
    BlindedSurvivalPlan,
    BlockAnalysis,
    BoundsPlan,
    CalendarPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    JointPlan,
    LongitudinalBlock,
    LongitudinalLooksPlan,
    LongitudinalPlan,
    NaiveEstimate,
    PredictivePlan,
    PromisingZonePlan,
    RulePlan,
    SequentialBlock,
    SequentialCharacteristics,
    SequentialTally,
    SpendingSurvivalPlan,
    StagedPlan,
    SurvivalPlan,
    ThompsonPlan,
    adaptive_characteristics,
    ancova_at_last_visit,
    characteristics_of,
    joint_rank_block,
    longitudinal_characteristics,
    mmrm_at_last_visit,
    run_arm_dropping_block,
    run_blinded_survival_block,
    run_calendar_block,
    run_delayed_block,
    run_event_resizing_block,
    run_joint_block,
    run_longitudinal_looks_block,
    run_spending_survival_block,
    run_staged_block,
    run_survival_block,
    simulate_delayed_block,
    simulate_longitudinal_block,
    survival_group_sequential,
    tally_staged,
    tally_stopping,
)
from trialsim.study.designs.estimand_ledger import estimand_ledger, usual_analyses
from trialsim.study.running.backend import Backend, InProcess, Processes, map_blocks
from trialsim.study.running.checkpoints import Checkpoints, checkpoint_key
from trialsim.study.running.estimate import WorkEstimate, estimate_work
from trialsim.study.running.open_backend import open_backend
from trialsim.study.running.simulation import run_cells
from trialsim.study.running.stopping import StoppingRule
from trialsim.study.running.work import BlockResult, Work
from trialsim.study.sized.blocks import StudySums
from trialsim.study.sized.cells import Cell, plan_cells
from trialsim.study.sized.feasibility import require_detectable
from trialsim.study.sized.history import (
    check_composition,
    generate_history,
    load_history,
    require_population_of_card,
)
from trialsim.study.sized.history_size import moments_of_history, sizes_at_history
from trialsim.study.sized.job import Job
from trialsim.study.sized.register import Register, RegisterFacts, build_register
from trialsim.study.sized.result import CellResult, HistoryFacts, StudyResult
from trialsim.study.sized.run import build_registers, learn, plan_from, run_study
from trialsim.study.sized.simulation import simulate
from trialsim.study.supplementary.borrowing_risk import BorrowingRisk, borrowing_risk
from trialsim.study.supplementary.card_sensitivity import CardSensitivity, card_sensitivity
from trialsim.study.supplementary.decision_fidelity import decision_fidelity
from trialsim.study.supplementary.time_and_cost import time_and_cost
from trialsim.study.supplementary.together import (
    SupplementaryAnalyses,
    supplementary_analyses,
    write_supplementary,
)

__all__ = [
    "AdaptiveCharacteristics",
    "ArmDroppingPlan",
    "Backend",
    "BlindedResizingPlan",
    "BlindedSurvivalPlan",
    "BlockAnalysis",
    "BlockResult",
    "BorrowingRisk",
    "BoundsPlan",
    "Bundled",
    "BundledStudy",
    "BundledTrial",
    "CalendarPlan",
    "CardSensitivity",
    "Cell",
    "CellResult",
    "Checkpoints",
    "ClosedTestPlan",
    "DelayedPlan",
    "EventResizingPlan",
    "HistoryFacts",
    "InProcess",
    "Job",
    "JointPlan",
    "LongitudinalBlock",
    "LongitudinalLooksPlan",
    "LongitudinalPlan",
    "NaiveEstimate",
    "PredictivePlan",
    "Processes",
    "PromisingZonePlan",
    "Register",
    "RegisterFacts",
    "Replayed",
    "ReplayedTrial",
    "ReplicateRecorder",
    "RulePlan",
    "SequentialBlock",
    "SequentialCharacteristics",
    "SequentialTally",
    "SpendingSurvivalPlan",
    "StagedPlan",
    "StoppingRule",
    "StudyResult",
    "StudySums",
    "SupplementaryAnalyses",
    "SurvivalPlan",
    "ThompsonPlan",
    "Work",
    "WorkEstimate",
    "adaptive_characteristics",
    "ancova_at_last_visit",
    "answer",
    "borrowing_risk",
    "build_register",
    "build_registers",
    "calibration_frame",
    "card_sensitivity",
    "characteristics_of",
    "check_bundle",
    "check_composition",
    "checkpoint_folder",
    "checkpoint_key",
    "decision_fidelity",
    "declared_work",
    "estimand_ledger",
    "estimate_work",
    "gain_frame",
    "generate_history",
    "input_hashes",
    "joint_rank_block",
    "kept_blocks",
    "learn",
    "load_history",
    "longitudinal_characteristics",
    "map_blocks",
    "mmrm_at_last_visit",
    "moments_of_history",
    "new_bundle",
    "open_backend",
    "open_bundle",
    "pick_examples",
    "plan_cells",
    "plan_from",
    "replay_blocks",
    "replay_declared_trial",
    "replay_trial",
    "require_detectable",
    "require_population_of_card",
    "run_arm_dropping_block",
    "run_blinded_survival_block",
    "run_calendar_block",
    "run_cells",
    "run_delayed_block",
    "run_event_resizing_block",
    "run_facts",
    "run_joint_block",
    "run_longitudinal_looks_block",
    "run_spending_survival_block",
    "run_staged_block",
    "run_study",
    "run_survival_block",
    "seal",
    "simulate",
    "simulate_delayed_block",
    "simulate_longitudinal_block",
    "sizes_at_history",
    "sizes_frame",
    "supplementary_analyses",
    "survival_group_sequential",
    "tally_staged",
    "tally_stopping",
    "time_and_cost",
    "trial_facts",
    "usual_analyses",
    "write_examples",
    "write_inputs",
    "write_results",
    "write_supplementary",
    "write_trial",
]
