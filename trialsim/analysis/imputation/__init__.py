"""What would the effect be if those who stopped treatment did as a reference arm does?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.imputation.block import imputation_block, tipping_point_block
    from trialsim.analysis.imputation.frame import reference_based_imputation
    from trialsim.analysis.imputation.result import ImputationResult
    from trialsim.analysis.imputation.tipping import TippingPoint, tipping_point
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ImputationResult",
    "TippingPoint",
    "imputation_block",
    "reference_based_imputation",
    "tipping_point",
    "tipping_point_block",
]
