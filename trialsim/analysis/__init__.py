"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.adjustment_prior import (
    AdjustmentPrior,
    AdjustmentPriorPart,
    HistoryFit,
    adjustment_prior,
    fit_history,
)
from trialsim.analysis.bayesian_adjustment import (
    BayesianAdjustment,
    bayesian_adjustment,
    bayesian_adjustment_block,
)
from trialsim.analysis.beta_mixture import BetaMixture
from trialsim.analysis.commensurate_prior import (
    CommensuratePrior,
    commensurate_binomial,
    commensurate_exponential,
    commensurate_normal,
    pooled_exponential,
)
from trialsim.analysis.effective_sample_size import (
    EffectiveSampleSize,
    borrowed_ess,
    borrowing_shift,
    effective_sample_sizes,
    elir_ess,
    entropy_ess,
    kish_ess,
    moment_ess,
    morita_ess,
    posterior_ess,
    precision_ess,
)
from trialsim.analysis.gamma_mixture import GammaMixture
from trialsim.analysis.imputation import reference_based_imputation
from trialsim.analysis.imputation_block import imputation_block, tipping_point_block
from trialsim.analysis.imputation_result import ImputationResult
from trialsim.analysis.large_sample_mmrm import large_sample_inflation, large_sample_size
from trialsim.analysis.linear import fit_linear
from trialsim.analysis.linear_frame import ancova, dose_response, prognostic_adjustment, unadjusted
from trialsim.analysis.linear_result import LinearResult
from trialsim.analysis.linear_safety import UnsafeStandardErrorWarning, model_based_type_one_error
from trialsim.analysis.linear_weights import fit_twin_weighted
from trialsim.analysis.log_rank_looks import LogRankLooks, log_rank_looks, sweep_looks
from trialsim.analysis.marginal_effects import MarginalEstimates, fit_marginal
from trialsim.analysis.marginal_effects_frame import MarginalResult, g_computation
from trialsim.analysis.meta_analytic_predictive import (
    MapPrior,
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
)
from trialsim.analysis.mixture_difference import probability_difference_above
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
from trialsim.analysis.negative_binomial import (
    CountEstimates,
    negative_binomial_block,
    negative_binomial_events_block,
)
from trialsim.analysis.negative_binomial_frame import (
    NegativeBinomialResult,
    negative_binomial,
    negative_binomial_events,
)
from trialsim.analysis.normal_mixture import NormalMixture, normal_difference_below
from trialsim.analysis.null_library import NullLibrary, PowerCurve, PowerSurface, null_library, power_surface
from trialsim.analysis.power_prior import (
    normalized_power_prior_binomial,
    normalized_power_prior_normal,
    power_prior_binomial,
    power_prior_normal,
    weighted_power_prior_binomial,
)
from trialsim.analysis.probabilistic_index import probabilistic_index_block
from trialsim.analysis.probabilistic_index_frame import ProbabilisticIndexResult, probabilistic_index
from trialsim.analysis.probability_of_success import NormalSuccessRule
from trialsim.analysis.proportional_odds import proportional_odds_block
from trialsim.analysis.proportional_odds_frame import ProportionalOddsResult, proportional_odds
from trialsim.analysis.self_adapting_mixture import (
    sam_binomial,
    sam_normal,
    sam_weight_binomial,
    sam_weight_normal,
)
from trialsim.analysis.survival_adjusted_log_rank import (
    AdjustedLogRankResult,
    adjusted_log_rank,
    adjusted_log_rank_block,
)
from trialsim.analysis.survival_cox import CoxResult, cox, cox_block
from trialsim.analysis.survival_fine_gray import FineGrayResult, fine_gray, fine_gray_block
from trialsim.analysis.survival_gray import GrayResult, gray_test, gray_test_block
from trialsim.analysis.survival_incidence import (
    CumulativeIncidenceResult,
    cumulative_incidence,
    cumulative_incidence_block,
)
from trialsim.analysis.survival_kaplan_meier import KaplanMeierResult, kaplan_meier
from trialsim.analysis.survival_log_rank import LogRankResult, log_rank, log_rank_block
from trialsim.analysis.survival_max_combo import MaxComboResult, max_combo, max_combo_block
from trialsim.analysis.survival_milestone import MilestoneResult, milestone_survival, milestone_survival_block
from trialsim.analysis.survival_recurrent_events import RateRatioResult, lwyy, lwyy_block
from trialsim.analysis.survival_restricted_mean import (
    RestrictedMeanResult,
    restricted_mean_survival,
    restricted_mean_survival_block,
)
from trialsim.analysis.survival_weights import AtRisk, EarlyZero, FlemingHarrington, MagirrBurman, PetoPeto
from trialsim.analysis.tabulated_prior import TabulatedPrior
from trialsim.analysis.tipping import TippingPoint, tipping_point
from trialsim.analysis.two_sample_operating_characteristics import (
    BinaryBorrowingDesign,
    DecisionRule,
    NormalBorrowingDesign,
    borrowing_table,
    normal_borrowing_estimates,
)

__all__ = [
    "AdjustedLogRankResult",
    "AdjustmentPrior",
    "AdjustmentPriorPart",
    "AtRisk",
    "BayesianAdjustment",
    "BetaMixture",
    "BinaryBorrowingDesign",
    "CommensuratePrior",
    "CountEstimates",
    "CoxResult",
    "CumulativeIncidenceResult",
    "DecisionRule",
    "EarlyZero",
    "EffectiveSampleSize",
    "FineGrayResult",
    "FlemingHarrington",
    "GammaMixture",
    "Graph",
    "GrayResult",
    "HistoryFit",
    "ImputationResult",
    "KaplanMeierResult",
    "LinearResult",
    "LogRankLooks",
    "LogRankResult",
    "MagirrBurman",
    "MapPrior",
    "MarginalEstimates",
    "MarginalResult",
    "MaxComboResult",
    "MilestoneResult",
    "MmrmResult",
    "MonotoneFit",
    "NegativeBinomialResult",
    "NormalBorrowingDesign",
    "NormalMixture",
    "NormalSuccessRule",
    "NullLibrary",
    "PetoPeto",
    "PowerCurve",
    "PowerSurface",
    "ProbabilisticIndexResult",
    "ProportionalOddsResult",
    "RateRatioResult",
    "RestrictedMeanResult",
    "TabulatedPrior",
    "TippingPoint",
    "UnsafeStandardErrorWarning",
    "adjusted_log_rank",
    "adjusted_log_rank_block",
    "adjustment_prior",
    "ancova",
    "bayesian_adjustment",
    "bayesian_adjustment_block",
    "bonferroni_holm_graph",
    "borrowed_ess",
    "borrowing_shift",
    "borrowing_table",
    "commensurate_binomial",
    "commensurate_exponential",
    "commensurate_normal",
    "cox",
    "cox_block",
    "cumulative_incidence",
    "cumulative_incidence_block",
    "dose_response",
    "effective_sample_sizes",
    "elir_ess",
    "entropy_ess",
    "fine_gray",
    "fine_gray_block",
    "fit_history",
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
    "kish_ess",
    "large_sample_inflation",
    "large_sample_size",
    "log_rank",
    "log_rank_block",
    "log_rank_looks",
    "lwyy",
    "lwyy_block",
    "map_prior_binomial",
    "map_prior_normal",
    "map_prior_poisson",
    "max_combo",
    "max_combo_block",
    "milestone_survival",
    "milestone_survival_block",
    "mmrm",
    "model_based_type_one_error",
    "moment_ess",
    "monotone_block",
    "monotone_moments",
    "morita_ess",
    "negative_binomial",
    "negative_binomial_block",
    "negative_binomial_events",
    "negative_binomial_events_block",
    "normal_borrowing_estimates",
    "normal_difference_below",
    "normalized_power_prior_binomial",
    "normalized_power_prior_normal",
    "null_library",
    "pooled_exponential",
    "posterior_ess",
    "power_prior_binomial",
    "power_prior_normal",
    "power_surface",
    "precision_ess",
    "probabilistic_index",
    "probabilistic_index_block",
    "probability_difference_above",
    "prognostic_adjustment",
    "proportional_odds",
    "proportional_odds_block",
    "reference_based_imputation",
    "restricted_mean_survival",
    "restricted_mean_survival_block",
    "sam_binomial",
    "sam_normal",
    "sam_weight_binomial",
    "sam_weight_normal",
    "sweep_looks",
    "tipping_point",
    "tipping_point_block",
    "unadjusted",
    "weighted_power_prior_binomial",
]
