"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.bayesian.block import (
    BayesianAdjustment,
    bayesian_adjustment,
    bayesian_adjustment_block,
)
from trialsim.analysis.bayesian.prior import (
    AdjustmentPrior,
    AdjustmentPriorPart,
    HistoryFit,
    adjustment_prior,
    fit_history,
)
from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.commensurate_prior import (
    CommensuratePrior,
    commensurate_binomial,
    commensurate_exponential,
    commensurate_normal,
    pooled_exponential,
)
from trialsim.analysis.borrowing.effective_sample_size import (
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
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.meta_analytic_predictive import (
    MapPrior,
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
)
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below
from trialsim.analysis.borrowing.power_prior import (
    normalized_power_prior_binomial,
    normalized_power_prior_normal,
    power_prior_binomial,
    power_prior_normal,
    weighted_power_prior_binomial,
)
from trialsim.analysis.borrowing.probability_of_success import NormalSuccessRule
from trialsim.analysis.borrowing.self_adapting_mixture import (
    sam_binomial,
    sam_normal,
    sam_weight_binomial,
    sam_weight_normal,
)
from trialsim.analysis.borrowing.tabulated_prior import TabulatedPrior
from trialsim.analysis.borrowing.two_sample_characteristics import (
    BinaryBorrowingDesign,
    DecisionRule,
    NormalBorrowingDesign,
    borrowing_table,
    normal_borrowing_estimates,
)
from trialsim.analysis.competing_risks.fine_gray import FineGrayResult, fine_gray, fine_gray_block
from trialsim.analysis.competing_risks.gray import GrayResult, gray_test, gray_test_block
from trialsim.analysis.competing_risks.incidence import (
    CumulativeIncidenceResult,
    cumulative_incidence,
    cumulative_incidence_block,
)
from trialsim.analysis.counts.block import (
    CountEstimates,
    negative_binomial_block,
    negative_binomial_events_block,
)
from trialsim.analysis.counts.frame import (
    NegativeBinomialResult,
    negative_binomial,
    negative_binomial_events,
)
from trialsim.analysis.imputation.block import imputation_block, tipping_point_block
from trialsim.analysis.imputation.frame import reference_based_imputation
from trialsim.analysis.imputation.result import ImputationResult
from trialsim.analysis.imputation.tipping import TippingPoint, tipping_point
from trialsim.analysis.linear.block import fit_linear
from trialsim.analysis.linear.frame import ancova, dose_response, prognostic_adjustment, unadjusted
from trialsim.analysis.linear.result import LinearResult
from trialsim.analysis.linear.safety import UnsafeStandardErrorWarning, model_based_type_one_error
from trialsim.analysis.linear.twin_weights import fit_twin_weighted
from trialsim.analysis.marginal.block import MarginalEstimates, fit_marginal
from trialsim.analysis.marginal.frame import MarginalResult, g_computation
from trialsim.analysis.multiplicity import (
    Graph,
    bonferroni_holm_graph,
    fixed_sequence,
    fixed_sequence_graph,
    hochberg,
    holm,
)
from trialsim.analysis.ordinal.probabilistic_index import probabilistic_index_block
from trialsim.analysis.ordinal.probabilistic_index_frame import ProbabilisticIndexResult, probabilistic_index
from trialsim.analysis.ordinal.proportional_odds import proportional_odds_block
from trialsim.analysis.ordinal.proportional_odds_frame import ProportionalOddsResult, proportional_odds
from trialsim.analysis.recurrent_events.lwyy import RateRatioResult, lwyy, lwyy_block
from trialsim.analysis.repeated_measures.block import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form.block import (
    MonotoneFit,
    fit_monotone,
    monotone_block,
    monotone_moments,
)
from trialsim.analysis.repeated_measures.frame import mmrm
from trialsim.analysis.repeated_measures.result import MmrmResult
from trialsim.analysis.survival.adjusted_log_rank import (
    AdjustedLogRankResult,
    adjusted_log_rank,
    adjusted_log_rank_block,
)
from trialsim.analysis.survival.cox import CoxResult, cox, cox_block
from trialsim.analysis.survival.kaplan_meier import KaplanMeierResult, kaplan_meier
from trialsim.analysis.survival.log_rank import LogRankResult, log_rank, log_rank_block
from trialsim.analysis.survival.looks import LogRankLooks, log_rank_looks, sweep_looks
from trialsim.analysis.survival.max_combo import MaxComboResult, max_combo, max_combo_block
from trialsim.analysis.survival.milestone import MilestoneResult, milestone_survival, milestone_survival_block
from trialsim.analysis.survival.restricted_mean import (
    RestrictedMeanResult,
    restricted_mean_survival,
    restricted_mean_survival_block,
)
from trialsim.analysis.survival.weights import AtRisk, EarlyZero, FlemingHarrington, MagirrBurman, PetoPeto

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
    "PetoPeto",
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
    "pooled_exponential",
    "posterior_ess",
    "power_prior_binomial",
    "power_prior_normal",
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
