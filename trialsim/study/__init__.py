"""How it is carried out and proved: histories, registers, plans, blocks, back ends and run bundles.

- `run_study`: the main job; `StudyResult` is what it finds.
- `generate_history`, `load_history`, `learn`, `build_register`, `plan_from`, `plan_cells`, `simulate`: its
  steps, each usable alone.
- `estimand_ledger`, `usual_analyses`: each analysis against the true value of each estimand.
- `survival_group_sequential` with a `SurvivalPlan`: log-rank looks by events; `SequentialCharacteristics`.
- `adaptive_characteristics`: what an adaptive design in stages does.
- `longitudinal_characteristics` with a `LongitudinalPlan`: whole trials with visits, read by one analysis.
- `run_until_precise` with a `PrecisionRule`: as many blocks as a declared precision needs.
- `moments_of_history`, `sizes_at_history`: the sizes if the trial's placebo arm spread as the history's.
- `new_bundle`, `seal`, `check_bundle`, `write_inputs`, `write_results`, `ReplicateRecorder`: the bundle.
"""

from trialsim.study.adaptive_trials import AdaptiveCharacteristics, adaptive_characteristics, tally_staged
from trialsim.study.bundle import check_bundle, new_bundle, seal
from trialsim.study.cells import Cell, plan_cells
from trialsim.study.estimand_ledger import estimand_ledger, usual_analyses
from trialsim.study.history import check_composition, generate_history, load_history
from trialsim.study.history_size import moments_of_history, sizes_at_history
from trialsim.study.longitudinal_trials import (
    BlockAnalysis,
    LongitudinalBlock,
    LongitudinalPlan,
    ancova_at_last_visit,
    longitudinal_characteristics,
    mmrm_at_last_visit,
    simulate_longitudinal_block,
)
from trialsim.study.precision import Precise, PrecisionRule, run_until_precise
from trialsim.study.record import (
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
from trialsim.study.register import Register, RegisterFacts, build_register
from trialsim.study.result import CellResult, HistoryFacts, StudyResult
from trialsim.study.run import build_registers, learn, plan_from, run_study, simulate
from trialsim.study.sequential_characteristics import (
    SequentialCharacteristics,
    SequentialTally,
    tally_stopping,
)
from trialsim.study.survival_group_sequential import (
    SurvivalPlan,
    run_survival_block,
    survival_group_sequential,
)

__all__ = [
    "AdaptiveCharacteristics",
    "BlockAnalysis",
    "Cell",
    "CellResult",
    "HistoryFacts",
    "LongitudinalBlock",
    "LongitudinalPlan",
    "Precise",
    "PrecisionRule",
    "Register",
    "RegisterFacts",
    "ReplicateRecorder",
    "SequentialCharacteristics",
    "SequentialTally",
    "StudyResult",
    "SurvivalPlan",
    "adaptive_characteristics",
    "ancova_at_last_visit",
    "answer",
    "build_register",
    "build_registers",
    "calibration_frame",
    "check_bundle",
    "check_composition",
    "estimand_ledger",
    "gain_frame",
    "generate_history",
    "input_hashes",
    "learn",
    "load_history",
    "longitudinal_characteristics",
    "mmrm_at_last_visit",
    "moments_of_history",
    "new_bundle",
    "plan_cells",
    "plan_from",
    "run_facts",
    "run_study",
    "run_survival_block",
    "run_until_precise",
    "seal",
    "simulate",
    "simulate_longitudinal_block",
    "sizes_at_history",
    "sizes_frame",
    "survival_group_sequential",
    "tally_staged",
    "tally_stopping",
    "usual_analyses",
    "write_inputs",
    "write_results",
]
