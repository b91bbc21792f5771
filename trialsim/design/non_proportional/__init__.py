"""What power has each survival test where the hazard ratio changes over time? By formula."""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.non_proportional.course import RiskCourse, risk_course
    from trialsim.design.non_proportional.restricted_mean import (
        RestrictedMeanLaw,
        restricted_mean_law,
        restricted_mean_power,
        restricted_mean_size,
    )
    from trialsim.design.non_proportional.weighted import (
        WeightedLaw,
        average_hazard_ratio_size,
        max_combo_power,
        weighted_law,
        weighted_survival_size,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "RestrictedMeanLaw",
    "RiskCourse",
    "WeightedLaw",
    "average_hazard_ratio_size",
    "max_combo_power",
    "restricted_mean_law",
    "restricted_mean_power",
    "restricted_mean_size",
    "risk_course",
    "weighted_law",
    "weighted_survival_size",
]
