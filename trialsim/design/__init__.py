"""How big, and at what risk: variance formulas, sizes, and operating characteristics.

- `PlanningMoments`, `SizingQuestion`: what a size rests on, and what is asked of it.
- `power_of_size`, `size_for_power`, `controls_for_power`: from size to power and back.
- `asymptotic_size`, `asymptotic_controls`: the same in the normal approximation, to check by hand.
- `simulated_power`: the power of a size by simulation, a check on the formula.
- `plan_control_arm`: sizes of every analysis and the saving beyond baseline ANCOVA, in three figures.
- `PredictionMoments`, `dial_sizes`, `conservative_moments`: how much of a shared prognosis counts.
- `guenther_schouten_size`, `mmrm_variance`: margins, and dropout visit by visit.
- `marginal_size`, `marginal_controls`, `prognostic_events`: binary, count and survival outcomes.
- `BorrowingQuestion`, `control_frontier`: the fewest controls under a cap on the type I error.
- `BinaryScale`, `CountScale`, `SurvivalScale`, `ScaleBorrowingQuestion`: the same on other scales.
- `cheapest_allocation`, `compare_allocations`: allocations of least cost, or for the same money.
- `StratifiedQuestion`, `stratified_size`: binary outcomes in strata of the score (CMH).
- `ScaleSizing`, `scale_size`, `scale_savings`, `assured_sizes_on_scale`: sizes, savings and assurance on
  the binary, count and survival scales.
- `safe_priors`: priors tuned to the cap, and what gain is left.
- `assured_sizes`: power averaged over what the history leaves uncertain.
- `virtual_controls`: placebo twins as controls, behind a calibration gate.
- `savings`, `compare_alternatives`: participants, months and money beyond baseline ANCOVA.
- `drift_map`, `tipping_drift`: what borrowing risks over drift, and whether that would be seen.
- `group_sequential_design`: bounds of a trial that is read more than once.
- `adapted_bounds`: bounds of many trials, found again from the information that each really had.
- `conditional_power`, `predictive_power`: what an interim result says about the end.
- `means_size`, `rates_size`, `survival_size`: classical sizes.
- `EventForecast`, `survival_looks`: events over calendar time, and when the looks fall.
- `OperatingCharacteristics`, `Tally`, `tally`: what simulation says, with Monte Carlo errors.
"""

from trialsim.design.assured.assured_size import (
    AssuranceQuestion,
    AssuredSizes,
    PlanningDraws,
    assurance,
    assured_sizes,
    draws_from_history,
    power_draws,
    total_for_mean_assurance,
    total_for_quantile_assurance,
)
from trialsim.design.assured.scale import ScaleDraws, assured_sizes_on_scale, draws_on_scale
from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.drift_curves import (
    DriftMap,
    TippingDrift,
    borrowing_assurance,
    drift_map,
    tipping_drift,
)
from trialsim.design.borrowing.exact_bayesian import ExactBayesian
from trialsim.design.borrowing.frontier import (
    ControlFrontier,
    FrontierPoint,
    control_frontier,
    default_methods,
    methods_for,
    weighted_adjustment,
)
from trialsim.design.borrowing.normal import (
    Commensurate,
    PowerPrior,
    RobustMap,
    SelfAdapting,
)
from trialsim.design.borrowing.question import (
    DECLARED_DRIFTS,
    BorrowingCharacteristics,
    BorrowingMethod,
    BorrowingQuestion,
    NoBorrowing,
)
from trialsim.design.borrowing.safe_prior import SafePriors, safe_priors
from trialsim.design.borrowing.scale import (
    DECLARED_LOG_DRIFTS,
    ScaleBorrowingQuestion,
    check_frontier,
    simulated_characteristics,
)
from trialsim.design.borrowing.twin_informed import TwinInformedPrior, vague_weight_from_calibration
from trialsim.design.borrowing.virtual_controls import (
    CalibrationEvidence,
    CalibrationLimits,
    VirtualControls,
    calibration_failures,
    virtual_controls,
)
from trialsim.design.control_arm.allocation import (
    Allocation,
    AllocationTable,
    cheapest_allocation,
    compare_allocations,
    equal_cost_allocation,
)
from trialsim.design.control_arm.on_scales import (
    ScaleSizing,
    scale_controls,
    scale_savings,
    scale_size,
    thin_arms,
)
from trialsim.design.control_arm.plan import (
    FIGURES,
    ControlArmPlan,
    PrognosticGain,
    Saving,
    plan_control_arm,
    savings_frame,
)
from trialsim.design.control_arm.savings import (
    Alternative,
    AlternativesTable,
    Prices,
    SavingsTable,
    ScaleAlternative,
    compare_alternatives,
    savings,
    savings_table,
)
from trialsim.design.control_arm.score_gain import (
    PrognosticEvents,
    martingale_correlation,
    martingale_residuals,
    prognostic_events,
    weighted_variance_factor,
)
from trialsim.design.group_sequential.adapted_bounds import adapted_bounds
from trialsim.design.group_sequential.conditional_power import (
    conditional_bounds,
    conditional_power,
    predictive_power,
    predictive_power_normal,
    repeated_interval,
    repeated_p_value,
)
from trialsim.design.group_sequential.delayed_looks import DelayedDesign, delayed_design
from trialsim.design.group_sequential.design import GroupSequentialDesign, group_sequential_design
from trialsim.design.group_sequential.futility import BetaSpending, FutilityBounds, FutilityRule, NullSpending
from trialsim.design.group_sequential.spending import (
    EfficacyRule,
    ExponentialSpending,
    GivenBounds,
    HaybittlePeto,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    PowerSpending,
    SpendingFunction,
    SpendingTable,
    WangTsiatis,
    o_brien_fleming,
    pocock,
)
from trialsim.design.group_sequential.survival_size import (
    SurvivalLooks,
    SurvivalSize,
    drift_of_events,
    events_for_power,
    survival_looks,
    survival_size,
)
from trialsim.design.operating_characteristics import (
    OperatingCharacteristics,
    Tally,
    tally,
    to_frame,
)
from trialsim.design.repeated_measures.exact_law import (
    NullLibrary,
    PowerCurve,
    PowerSurface,
    null_library,
    power_surface,
)
from trialsim.design.repeated_measures.large_sample import large_sample_inflation, large_sample_size
from trialsim.design.sizes.asymptotic import asymptotic_controls, asymptotic_size
from trialsim.design.sizes.expected_events import Accrual, EventForecast, PiecewiseRate
from trialsim.design.sizes.heterogeneity import (
    DialSizes,
    PredictionMoments,
    conservative_moments,
    detectable_drift,
    dial_sizes,
    fixed_slope_variance,
)
from trialsim.design.sizes.marginal_scale import (
    MarginalQuestion,
    MarginalVariance,
    control_cut,
    marginal_controls,
    marginal_power,
    marginal_size,
    marginal_variance,
)
from trialsim.design.sizes.margins import (
    guenther_schouten_power,
    guenther_schouten_size,
    mmrm_variance,
    score_adjusted_covariance,
    two_visit_inflation,
)
from trialsim.design.sizes.means import (
    MeansQuestion,
    TwoArmSize,
    drift_of_means,
    means_size,
    power_of_means,
)
from trialsim.design.sizes.outcome_scale import BinaryScale, CountScale, OutcomeScale, SurvivalScale
from trialsim.design.sizes.rates import RatesQuestion, power_of_rates, rates_size
from trialsim.design.sizes.simulated_power import simulated_power
from trialsim.design.sizes.size import (
    Size,
    SizingQuestion,
    controls_for_power,
    power_of_size,
    size_for_power,
)
from trialsim.design.sizes.stratified import (
    StratifiedQuestion,
    strata_of_score,
    stratified_power,
    stratified_size,
)
from trialsim.design.sizes.variance import (
    Adjustment,
    PlanningMoments,
    adjustment,
    asymptotic_variance,
)

__all__ = [
    "DECLARED_DRIFTS",
    "DECLARED_LOG_DRIFTS",
    "FIGURES",
    "Accrual",
    "Adjustment",
    "Allocation",
    "AllocationTable",
    "Alternative",
    "AlternativesTable",
    "AssuranceQuestion",
    "AssuredSizes",
    "BetaSpending",
    "BinaryScale",
    "BorrowingCharacteristics",
    "BorrowingMethod",
    "BorrowingQuestion",
    "CalibrationEvidence",
    "CalibrationLimits",
    "Commensurate",
    "ControlArmPlan",
    "ControlFrontier",
    "ControlQuestion",
    "CountScale",
    "DelayedDesign",
    "DialSizes",
    "DriftMap",
    "EfficacyRule",
    "EventForecast",
    "ExactBayesian",
    "ExponentialSpending",
    "FrontierPoint",
    "FutilityBounds",
    "FutilityRule",
    "GivenBounds",
    "GroupSequentialDesign",
    "HaybittlePeto",
    "HwangShihDeCani",
    "MarginalQuestion",
    "MarginalVariance",
    "MeansQuestion",
    "NoBorrowing",
    "NullLibrary",
    "NullSpending",
    "OBrienFlemingSpending",
    "OperatingCharacteristics",
    "OutcomeScale",
    "PiecewiseRate",
    "PlanningDraws",
    "PlanningMoments",
    "PocockSpending",
    "PowerCurve",
    "PowerPrior",
    "PowerSpending",
    "PowerSurface",
    "PredictionMoments",
    "Prices",
    "PrognosticEvents",
    "PrognosticGain",
    "RatesQuestion",
    "RobustMap",
    "SafePriors",
    "Saving",
    "SavingsTable",
    "ScaleAlternative",
    "ScaleBorrowingQuestion",
    "ScaleDraws",
    "ScaleSizing",
    "SelfAdapting",
    "Size",
    "SizingQuestion",
    "SpendingFunction",
    "SpendingTable",
    "StratifiedQuestion",
    "SurvivalLooks",
    "SurvivalScale",
    "SurvivalSize",
    "Tally",
    "TippingDrift",
    "TwinInformedPrior",
    "TwoArmSize",
    "VirtualControls",
    "WangTsiatis",
    "adapted_bounds",
    "adjustment",
    "assurance",
    "assured_sizes",
    "assured_sizes_on_scale",
    "asymptotic_controls",
    "asymptotic_size",
    "asymptotic_variance",
    "borrowing_assurance",
    "calibration_failures",
    "cheapest_allocation",
    "check_frontier",
    "compare_allocations",
    "compare_alternatives",
    "conditional_bounds",
    "conditional_power",
    "conservative_moments",
    "control_cut",
    "control_frontier",
    "controls_for_power",
    "default_methods",
    "delayed_design",
    "detectable_drift",
    "dial_sizes",
    "draws_from_history",
    "draws_on_scale",
    "drift_map",
    "drift_of_events",
    "drift_of_means",
    "equal_cost_allocation",
    "events_for_power",
    "fixed_slope_variance",
    "group_sequential_design",
    "guenther_schouten_power",
    "guenther_schouten_size",
    "large_sample_inflation",
    "large_sample_size",
    "marginal_controls",
    "marginal_power",
    "marginal_size",
    "marginal_variance",
    "martingale_correlation",
    "martingale_residuals",
    "means_size",
    "methods_for",
    "mmrm_variance",
    "null_library",
    "o_brien_fleming",
    "plan_control_arm",
    "pocock",
    "power_draws",
    "power_of_means",
    "power_of_rates",
    "power_of_size",
    "power_surface",
    "predictive_power",
    "predictive_power_normal",
    "prognostic_events",
    "rates_size",
    "repeated_interval",
    "repeated_p_value",
    "safe_priors",
    "savings",
    "savings_frame",
    "savings_table",
    "scale_controls",
    "scale_savings",
    "scale_size",
    "score_adjusted_covariance",
    "simulated_characteristics",
    "simulated_power",
    "size_for_power",
    "strata_of_score",
    "stratified_power",
    "stratified_size",
    "survival_looks",
    "survival_size",
    "tally",
    "thin_arms",
    "tipping_drift",
    "to_frame",
    "total_for_mean_assurance",
    "total_for_quantile_assurance",
    "two_visit_inflation",
    "vague_weight_from_calibration",
    "virtual_controls",
    "weighted_adjustment",
    "weighted_variance_factor",
]
