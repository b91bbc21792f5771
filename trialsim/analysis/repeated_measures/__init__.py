"""How far do means differ at each visit, by a mixed model that uses every visit?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.repeated_measures import closed_form
    from trialsim.analysis.repeated_measures.block import fit_mmrm_block
    from trialsim.analysis.repeated_measures.closed_form.block import (
        MonotoneFit,
        fit_monotone,
        monotone_block,
        monotone_moments,
    )
    from trialsim.analysis.repeated_measures.frame import mmrm
    from trialsim.analysis.repeated_measures.result import MmrmResult
    from trialsim.analysis.repeated_measures.slope_difference import SlopesResult, slopes
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "MmrmResult",
    "MonotoneFit",
    "SlopesResult",
    "closed_form",
    "fit_mmrm_block",
    "fit_monotone",
    "mmrm",
    "monotone_block",
    "monotone_moments",
    "slopes",
]
