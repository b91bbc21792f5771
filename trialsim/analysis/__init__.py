"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.imputation import reference_based_imputation
from trialsim.analysis.imputation_block import imputation_block, tipping_point_block
from trialsim.analysis.imputation_result import ImputationResult
from trialsim.analysis.linear import fit_linear
from trialsim.analysis.linear_frame import ancova, dose_response, prognostic_adjustment, unadjusted
from trialsim.analysis.linear_result import LinearResult
from trialsim.analysis.linear_safety import UnsafeStandardErrorWarning, model_based_type_one_error
from trialsim.analysis.linear_weights import fit_twin_weighted
from trialsim.analysis.marginal_effects import MarginalEstimates, fit_marginal
from trialsim.analysis.marginal_effects_frame import MarginalResult, g_computation
from trialsim.analysis.mmrm import mmrm
from trialsim.analysis.mmrm_block import fit_mmrm_block
from trialsim.analysis.mmrm_result import MmrmResult
from trialsim.analysis.monotone import MonotoneFit, fit_monotone, monotone_block, monotone_moments
from trialsim.analysis.multiplicity import (
    Graph,
    bonferroni_holm_graph,
    fixed_sequence,
    fixed_sequence_graph,
    hochberg,
    holm,
)
from trialsim.analysis.tipping import TippingPoint, tipping_point

__all__ = [
    "Graph",
    "ImputationResult",
    "LinearResult",
    "MarginalEstimates",
    "MarginalResult",
    "MmrmResult",
    "MonotoneFit",
    "TippingPoint",
    "UnsafeStandardErrorWarning",
    "ancova",
    "bonferroni_holm_graph",
    "dose_response",
    "fit_linear",
    "fit_marginal",
    "fit_mmrm_block",
    "fit_monotone",
    "fit_twin_weighted",
    "fixed_sequence",
    "fixed_sequence_graph",
    "g_computation",
    "hochberg",
    "holm",
    "imputation_block",
    "mmrm",
    "model_based_type_one_error",
    "monotone_block",
    "monotone_moments",
    "prognostic_adjustment",
    "reference_based_imputation",
    "tipping_point",
    "tipping_point_block",
    "unadjusted",
]
