"""How many participants give the power, by formula?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.sizes.asymptotic import asymptotic_controls, asymptotic_size
    from trialsim.design.sizes.binary_scale import BinaryScale
    from trialsim.design.sizes.claim import Claim
    from trialsim.design.sizes.expected_events import EventForecast
    from trialsim.design.sizes.heterogeneity import DialSizes, PredictionMoments, dial_sizes
    from trialsim.design.sizes.marginal_scale import (
        MarginalQuestion,
        marginal_controls,
        marginal_power,
        marginal_size,
    )
    from trialsim.design.sizes.margins import guenther_schouten_power, guenther_schouten_size
    from trialsim.design.sizes.means import MeansQuestion, TwoArmSize, means_size, power_of_means
    from trialsim.design.sizes.outcome_scale import CountScale, OutcomeScale, SurvivalScale
    from trialsim.design.sizes.rates import RatesQuestion, power_of_rates, rates_size
    from trialsim.design.sizes.size_for_mean import (
        Size,
        SizingQuestion,
        controls_for_power,
        power_of_size,
        size,
        size_for_power,
    )
    from trialsim.design.sizes.stratified import StratifiedQuestion, stratified_power, stratified_size
    from trialsim.design.sizes.variance import Adjustment, PlanningMoments, adjustment
    from trialsim.rates import PiecewiseRate, PlannedAccrual
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Adjustment",
    "BinaryScale",
    "Claim",
    "CountScale",
    "DialSizes",
    "EventForecast",
    "MarginalQuestion",
    "MeansQuestion",
    "OutcomeScale",
    "PiecewiseRate",
    "PlannedAccrual",
    "PlanningMoments",
    "PredictionMoments",
    "RatesQuestion",
    "Size",
    "SizingQuestion",
    "StratifiedQuestion",
    "SurvivalScale",
    "TwoArmSize",
    "adjustment",
    "asymptotic_controls",
    "asymptotic_size",
    "controls_for_power",
    "dial_sizes",
    "guenther_schouten_power",
    "guenther_schouten_size",
    "marginal_controls",
    "marginal_power",
    "marginal_size",
    "means_size",
    "power_of_means",
    "power_of_rates",
    "power_of_size",
    "rates_size",
    "size",
    "size_for_power",
    "stratified_power",
    "stratified_size",
]
