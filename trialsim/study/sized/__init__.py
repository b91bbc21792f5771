"""How is the main job carried out, from a protocol to a sized control arm?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
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
    from trialsim.study.sized.run import Announce, build_registers, learn, plan_from, run_study
    from trialsim.study.sized.simulation import simulate
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Announce",
    "Cell",
    "CellResult",
    "HistoryFacts",
    "Job",
    "Register",
    "RegisterFacts",
    "StudyResult",
    "StudySums",
    "build_register",
    "build_registers",
    "check_composition",
    "generate_history",
    "learn",
    "load_history",
    "moments_of_history",
    "plan_cells",
    "plan_from",
    "require_detectable",
    "require_population_of_card",
    "run_study",
    "simulate",
    "sizes_at_history",
]
