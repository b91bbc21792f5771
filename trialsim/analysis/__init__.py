"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.linear_frame import ancova, dose_response, prognostic_adjustment, unadjusted
from trialsim.analysis.linear_result import LinearResult
from trialsim.analysis.linear_safety import UnsafeStandardErrorWarning, model_based_type_one_error
from trialsim.analysis.linear_weights import fit_twin_weighted
from trialsim.analysis.mmrm import mmrm
from trialsim.analysis.mmrm_block import fit_mmrm_block
from trialsim.analysis.mmrm_result import MmrmResult
from trialsim.analysis.monotone import MonotoneFit, fit_monotone, monotone_block, monotone_moments

__all__ = [
    "LinearResult",
    "MmrmResult",
    "MonotoneFit",
    "UnsafeStandardErrorWarning",
    "ancova",
    "dose_response",
    "fit_linear",
    "fit_mmrm_block",
    "fit_monotone",
    "fit_twin_weighted",
    "mmrm",
    "model_based_type_one_error",
    "monotone_block",
    "monotone_moments",
    "prognostic_adjustment",
    "unadjusted",
]
