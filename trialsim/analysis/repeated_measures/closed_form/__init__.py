"""How is the mixed model fitted without iterations, where visits are missing only from one on?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.repeated_measures.closed_form.block import (
        MonotoneFit,
        fit_monotone,
        monotone_block,
        monotone_moments,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["MonotoneFit", "fit_monotone", "monotone_block", "monotone_moments"]
