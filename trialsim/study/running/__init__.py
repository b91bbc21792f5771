"""How are blocks computed: here, on many processes, or on a cluster, and resumed?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.running.backend import Backend, InProcess, Processes, map_blocks
    from trialsim.study.running.checkpoints import Checkpoints, checkpoint_key
    from trialsim.study.running.estimate import WorkEstimate, estimate_work
    from trialsim.study.running.opening import open_backend
    from trialsim.study.running.simulation import run_cells
    from trialsim.study.running.stopping import StoppingRule
    from trialsim.study.running.work import BlockResult, Work
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Backend",
    "BlockResult",
    "Checkpoints",
    "InProcess",
    "Processes",
    "StoppingRule",
    "Work",
    "WorkEstimate",
    "checkpoint_key",
    "estimate_work",
    "map_blocks",
    "open_backend",
    "run_cells",
]
