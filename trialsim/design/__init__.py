"""How big, and at what risk: variance formulas, sizes, and operating characteristics.

- `PlanningMoments`, `SizingQuestion`: what a size rests on, and what is asked of it.
- `power_of_size`, `size_for_power`, `controls_for_power`: from size to power and back.
- `asymptotic_size`, `asymptotic_controls`: the same in the normal approximation, to check by hand.
- `simulated_power`: the power of a size by simulation, a check on the formula.
- `plan_control_arm`: sizes of every analysis and the saving beyond baseline ANCOVA, in three figures.
- `group_sequential_design`: bounds of a trial that is read more than once.
- `conditional_power`, `predictive_power`: what an interim result says about the end.
- `means_size`, `rates_size`, `survival_size`: classical sizes.
- `EventForecast`, `survival_looks`: events over calendar time, and when the looks fall.
- `OperatingCharacteristics`, `Tally`, `tally`: what simulation says, with Monte Carlo errors.
"""

from trialsim.design.asymptotic import asymptotic_controls, asymptotic_size
from trialsim.design.conditional_power import (
    conditional_bounds,
    conditional_power,
    predictive_power,
    predictive_power_normal,
    repeated_interval,
    repeated_p_value,
)
from trialsim.design.control_arm import (
    FIGURES,
    ControlArmPlan,
    PrognosticGain,
    Saving,
    plan_control_arm,
)
from trialsim.design.expected_events import Accrual, EventForecast, PiecewiseRate
from trialsim.design.futility import BetaSpending, FutilityBounds, FutilityRule, NullSpending
from trialsim.design.group_sequential import GroupSequentialDesign, group_sequential_design
from trialsim.design.means_size import (
    MeansQuestion,
    TwoArmSize,
    drift_of_means,
    means_size,
    power_of_means,
)
from trialsim.design.operating_characteristics import (
    OperatingCharacteristics,
    Tally,
    tally,
    to_frame,
)
from trialsim.design.rates_size import RatesQuestion, power_of_rates, rates_size
from trialsim.design.simulated_power import simulated_power
from trialsim.design.size import (
    Size,
    SizingQuestion,
    controls_for_power,
    power_of_size,
    size_for_power,
)
from trialsim.design.spending import (
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
from trialsim.design.survival_size import (
    SurvivalLooks,
    SurvivalSize,
    drift_of_events,
    events_for_power,
    survival_looks,
    survival_size,
)
from trialsim.design.variance import (
    Adjustment,
    PlanningMoments,
    adjustment,
    asymptotic_variance,
)

__all__ = [
    "FIGURES",
    "Accrual",
    "Adjustment",
    "BetaSpending",
    "ControlArmPlan",
    "EfficacyRule",
    "EventForecast",
    "ExponentialSpending",
    "FutilityBounds",
    "FutilityRule",
    "GivenBounds",
    "GroupSequentialDesign",
    "HaybittlePeto",
    "HwangShihDeCani",
    "MeansQuestion",
    "NullSpending",
    "OBrienFlemingSpending",
    "OperatingCharacteristics",
    "PiecewiseRate",
    "PlanningMoments",
    "PocockSpending",
    "PowerSpending",
    "PrognosticGain",
    "RatesQuestion",
    "Saving",
    "Size",
    "SizingQuestion",
    "SpendingFunction",
    "SpendingTable",
    "SurvivalLooks",
    "SurvivalSize",
    "Tally",
    "TwoArmSize",
    "WangTsiatis",
    "adjustment",
    "asymptotic_controls",
    "asymptotic_size",
    "asymptotic_variance",
    "conditional_bounds",
    "conditional_power",
    "controls_for_power",
    "drift_of_events",
    "drift_of_means",
    "events_for_power",
    "group_sequential_design",
    "means_size",
    "o_brien_fleming",
    "plan_control_arm",
    "pocock",
    "power_of_means",
    "power_of_rates",
    "power_of_size",
    "predictive_power",
    "predictive_power_normal",
    "rates_size",
    "repeated_interval",
    "repeated_p_value",
    "simulated_power",
    "size_for_power",
    "survival_looks",
    "survival_size",
    "tally",
    "to_frame",
]
