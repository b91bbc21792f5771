"""How big, and at what risk: variance formulas, sizes, and operating characteristics.

- `PlanningMoments`, `SizingQuestion`: what a size rests on, and what is asked of it.
- `power_of_size`, `size_for_power`, `controls_for_power`: from size to power and back.
- `asymptotic_size`, `asymptotic_controls`: the same in the normal approximation, to check by hand.
- `simulated_power`: the power of a size by simulation, a check on the formula.
- `plan_control_arm`: sizes of every analysis and the saving beyond baseline ANCOVA, in three figures.
- `group_sequential_design`: bounds of a trial that is read more than once, by spending functions and shapes.
- `OperatingCharacteristics`, `Tally`, `tally`: what simulation says, with Monte Carlo errors.
"""

from trialsim.design.asymptotic import asymptotic_controls, asymptotic_size
from trialsim.design.control_arm import (
    FIGURES,
    ControlArmPlan,
    PrognosticGain,
    Saving,
    plan_control_arm,
)
from trialsim.design.futility import BetaSpending, FutilityBounds, FutilityRule, NullSpending
from trialsim.design.group_sequential import GroupSequentialDesign, group_sequential_design
from trialsim.design.operating_characteristics import (
    OperatingCharacteristics,
    Tally,
    tally,
    to_frame,
)
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
from trialsim.design.variance import (
    Adjustment,
    PlanningMoments,
    adjustment,
    asymptotic_variance,
)

__all__ = [
    "FIGURES",
    "Adjustment",
    "BetaSpending",
    "ControlArmPlan",
    "EfficacyRule",
    "ExponentialSpending",
    "FutilityBounds",
    "FutilityRule",
    "GivenBounds",
    "GroupSequentialDesign",
    "HaybittlePeto",
    "HwangShihDeCani",
    "NullSpending",
    "OBrienFlemingSpending",
    "OperatingCharacteristics",
    "PlanningMoments",
    "PocockSpending",
    "PowerSpending",
    "PrognosticGain",
    "Saving",
    "Size",
    "SizingQuestion",
    "SpendingFunction",
    "SpendingTable",
    "Tally",
    "WangTsiatis",
    "adjustment",
    "asymptotic_controls",
    "asymptotic_size",
    "asymptotic_variance",
    "controls_for_power",
    "group_sequential_design",
    "o_brien_fleming",
    "plan_control_arm",
    "pocock",
    "power_of_size",
    "simulated_power",
    "size_for_power",
    "tally",
    "to_frame",
]
