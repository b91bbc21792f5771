"""How big, and at what risk?

- `sizes`: from an effect and variances to a size, and from a size to power, on every outcome scale.
- `control_arm`: the fewest controls, allocations, and what is saved in participants, months and money.
- `borrowing`: fewer controls by borrowing from a history, and the risk that comes with it.
- `assured`: power averaged over what a history leaves uncertain.
- `group_sequential`: bounds of a trial that is read more than once, and what an interim result says about
  the end.
- `other_trials`: the same for equivalence, ranks, counts, more than two arms, clusters and stepped wedges.
- `non_proportional`: power of weighted log-rank, MaxCombo and restricted mean tests for any hazards.
- `single_arm`: exact one-stage, two-stage and group-sequential designs of one response rate.
- `repeated_measures`: the exact law of the mixed model's test.

Also `operating_characteristics`: what simulation says about a design, with Monte Carlo errors. The names
here are those that most trials need; each sub-room offers the rest.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design import (
        assured,
        borrowing,
        control_arm,
        group_sequential,
        non_proportional,
        operating_characteristics,
        other_trials,
        repeated_measures,
        single_arm,
        sizes,
    )
    from trialsim.design.assured.assured_size import AssuranceQuestion, assured_sizes
    from trialsim.design.borrowing.drift_curves import drift_map
    from trialsim.design.borrowing.frontier import control_frontier
    from trialsim.design.borrowing.question import BorrowingQuestion
    from trialsim.design.control_arm.allocation import compare_allocations
    from trialsim.design.control_arm.on_scales import scale_size
    from trialsim.design.control_arm.plan import PrognosticGain, plan_control_arm
    from trialsim.design.group_sequential.design import group_sequential_design
    from trialsim.design.group_sequential.futility import BetaSpending
    from trialsim.design.group_sequential.interim_result import conditional_power, predictive_power
    from trialsim.design.group_sequential.spending import (
        HwangShihDeCani,
        OBrienFlemingSpending,
        PocockSpending,
    )
    from trialsim.design.group_sequential.survival_events import events_for_power, survival_size
    from trialsim.design.operating_characteristics import OperatingCharacteristics, tally
    from trialsim.design.sizes.binary_scale import BinaryScale
    from trialsim.design.sizes.marginal_scale import MarginalQuestion, marginal_size
    from trialsim.design.sizes.margins import guenther_schouten_size
    from trialsim.design.sizes.means import MeansQuestion, means_size
    from trialsim.design.sizes.outcome_scale import CountScale, SurvivalScale
    from trialsim.design.sizes.rates import RatesQuestion, rates_size
    from trialsim.design.sizes.size_for_mean import (
        Size,
        SizingQuestion,
        controls_for_power,
        power_of_size,
        size,
        size_for_power,
    )
    from trialsim.design.sizes.variance import PlanningMoments
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AssuranceQuestion",
    "BetaSpending",
    "BinaryScale",
    "BorrowingQuestion",
    "CountScale",
    "HwangShihDeCani",
    "MarginalQuestion",
    "MeansQuestion",
    "OBrienFlemingSpending",
    "OperatingCharacteristics",
    "PlanningMoments",
    "PocockSpending",
    "PrognosticGain",
    "RatesQuestion",
    "Size",
    "SizingQuestion",
    "SurvivalScale",
    "assured",
    "assured_sizes",
    "borrowing",
    "compare_allocations",
    "conditional_power",
    "control_arm",
    "control_frontier",
    "controls_for_power",
    "drift_map",
    "events_for_power",
    "group_sequential",
    "group_sequential_design",
    "guenther_schouten_size",
    "marginal_size",
    "means_size",
    "non_proportional",
    "operating_characteristics",
    "other_trials",
    "plan_control_arm",
    "power_of_size",
    "predictive_power",
    "rates_size",
    "repeated_measures",
    "scale_size",
    "single_arm",
    "size",
    "size_for_power",
    "sizes",
    "survival_size",
    "tally",
]
