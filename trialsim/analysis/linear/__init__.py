"""How far do means differ at one visit, given the baseline and a prognostic score?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.linear.block import fit_linear
    from trialsim.analysis.linear.frame import ancova, dose_response, prognostic_adjustment, unadjusted
    from trialsim.analysis.linear.result import LinearResult
    from trialsim.analysis.linear.safety import UnsafeStandardErrorWarning, model_based_type_one_error
    from trialsim.analysis.linear.twin_weights import fit_twin_weighted
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "LinearResult",
    "UnsafeStandardErrorWarning",
    "ancova",
    "dose_response",
    "fit_linear",
    "fit_twin_weighted",
    "model_based_type_one_error",
    "prognostic_adjustment",
    "unadjusted",
]
