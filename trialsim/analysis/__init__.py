"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.adjusted_log_rank import (
    AdjustedLogRankResult,
    adjusted_log_rank,
    adjusted_log_rank_block,
)
from trialsim.analysis.cox import CoxResult, cox, cox_block
from trialsim.analysis.cumulative_incidence import (
    CumulativeIncidenceResult,
    cumulative_incidence,
    cumulative_incidence_block,
)
from trialsim.analysis.gray_test import GrayResult, gray_test, gray_test_block
from trialsim.analysis.imputation import reference_based_imputation
from trialsim.analysis.imputation_block import imputation_block, tipping_point_block
from trialsim.analysis.imputation_result import ImputationResult
from trialsim.analysis.kaplan_meier import KaplanMeierResult, kaplan_meier
from trialsim.analysis.large_sample_mmrm import large_sample_inflation, large_sample_size
from trialsim.analysis.linear import fit_linear
from trialsim.analysis.linear_frame import ancova, dose_response, prognostic_adjustment, unadjusted
from trialsim.analysis.linear_result import LinearResult
from trialsim.analysis.linear_safety import UnsafeStandardErrorWarning, model_based_type_one_error
from trialsim.analysis.linear_weights import fit_twin_weighted
from trialsim.analysis.log_rank import LogRankResult, log_rank, log_rank_block
from trialsim.analysis.marginal_effects import MarginalEstimates, fit_marginal
from trialsim.analysis.marginal_effects_frame import MarginalResult, g_computation
from trialsim.analysis.max_combo import MaxComboResult, max_combo, max_combo_block
from trialsim.analysis.milestone_survival import MilestoneResult, milestone_survival, milestone_survival_block
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
from trialsim.analysis.null_library import NullLibrary, PowerCurve, PowerSurface, null_library, power_surface
from trialsim.analysis.recurrent_events import RateRatioResult, lwyy, lwyy_block
from trialsim.analysis.restricted_mean_survival import (
    RestrictedMeanResult,
    restricted_mean_survival,
    restricted_mean_survival_block,
)
from trialsim.analysis.survival_weights import AtRisk, EarlyZero, FlemingHarrington, MagirrBurman, PetoPeto
from trialsim.analysis.tipping import TippingPoint, tipping_point

__all__ = [
    "AdjustedLogRankResult",
    "AtRisk",
    "CoxResult",
    "CumulativeIncidenceResult",
    "EarlyZero",
    "FlemingHarrington",
    "Graph",
    "GrayResult",
    "ImputationResult",
    "KaplanMeierResult",
    "LinearResult",
    "LogRankResult",
    "MagirrBurman",
    "MarginalEstimates",
    "MarginalResult",
    "MaxComboResult",
    "MilestoneResult",
    "MmrmResult",
    "MonotoneFit",
    "NullLibrary",
    "PetoPeto",
    "PowerCurve",
    "PowerSurface",
    "RateRatioResult",
    "RestrictedMeanResult",
    "TippingPoint",
    "UnsafeStandardErrorWarning",
    "adjusted_log_rank",
    "adjusted_log_rank_block",
    "ancova",
    "bonferroni_holm_graph",
    "cox",
    "cox_block",
    "cumulative_incidence",
    "cumulative_incidence_block",
    "dose_response",
    "fit_linear",
    "fit_marginal",
    "fit_mmrm_block",
    "fit_monotone",
    "fit_twin_weighted",
    "fixed_sequence",
    "fixed_sequence_graph",
    "g_computation",
    "gray_test",
    "gray_test_block",
    "hochberg",
    "holm",
    "imputation_block",
    "kaplan_meier",
    "large_sample_inflation",
    "large_sample_size",
    "log_rank",
    "log_rank_block",
    "lwyy",
    "lwyy_block",
    "max_combo",
    "max_combo_block",
    "milestone_survival",
    "milestone_survival_block",
    "mmrm",
    "model_based_type_one_error",
    "monotone_block",
    "monotone_moments",
    "null_library",
    "power_surface",
    "prognostic_adjustment",
    "reference_based_imputation",
    "restricted_mean_survival",
    "restricted_mean_survival_block",
    "tipping_point",
    "tipping_point_block",
    "unadjusted",
]
