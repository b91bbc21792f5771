"""When may a trial stop early, and what does an interim result say about the end?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.group_sequential.adaptation import adapted_bounds
    from trialsim.design.group_sequential.delayed_looks import DelayedDesign, delayed_design
    from trialsim.design.group_sequential.design import GroupSequentialDesign, group_sequential_design
    from trialsim.design.group_sequential.futility import (
        BetaSpending,
        FutilityBounds,
        FutilityRule,
        NullSpending,
    )
    from trialsim.design.group_sequential.harm import HarmBounds, harm_bounds
    from trialsim.design.group_sequential.interim_result import (
        conditional_bounds,
        conditional_power,
        predictive_power,
        predictive_power_normal,
        repeated_interval,
        repeated_p_value,
    )
    from trialsim.design.group_sequential.levels import crosses_at_level, graph_over_looks
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
    )
    from trialsim.design.group_sequential.survival_events import (
        SurvivalSize,
        drift_of_events,
        events_for_power,
        survival_size,
    )
    from trialsim.design.group_sequential.survival_look_times import SurvivalLooks, survival_looks
    from trialsim.design.group_sequential.tabulated import bounds_table, expected_sizes
    from trialsim.design.group_sequential.two_sided_futility import (
        TwoSidedFutility,
        two_sided_futility_design,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BetaSpending",
    "DelayedDesign",
    "EfficacyRule",
    "ExponentialSpending",
    "FutilityBounds",
    "FutilityRule",
    "GivenBounds",
    "GroupSequentialDesign",
    "HarmBounds",
    "HaybittlePeto",
    "HwangShihDeCani",
    "NullSpending",
    "OBrienFlemingSpending",
    "PocockSpending",
    "PowerSpending",
    "SpendingFunction",
    "SpendingTable",
    "SurvivalLooks",
    "SurvivalSize",
    "TwoSidedFutility",
    "WangTsiatis",
    "adapted_bounds",
    "bounds_table",
    "conditional_bounds",
    "conditional_power",
    "crosses_at_level",
    "delayed_design",
    "drift_of_events",
    "events_for_power",
    "expected_sizes",
    "graph_over_looks",
    "group_sequential_design",
    "harm_bounds",
    "predictive_power",
    "predictive_power_normal",
    "repeated_interval",
    "repeated_p_value",
    "survival_looks",
    "survival_size",
    "two_sided_futility_design",
]
