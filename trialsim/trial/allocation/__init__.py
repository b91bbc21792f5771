"""To which arm does each participant go?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.trial.allocation.blocks import check_blocks, permuted_blocks, simple_randomisation
    from trialsim.trial.allocation.minimisation import minimise
    from trialsim.trial.allocation.ratio import Labels
    from trialsim.trial.allocation.reallocation import reallocate
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Labels",
    "check_blocks",
    "minimise",
    "permuted_blocks",
    "reallocate",
    "simple_randomisation",
]
