"""Designs and sizes that cannot be: one clear error each, naming the field."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from trialsim.design import (
    AssuranceQuestion,
    BinaryScale,
    BorrowingQuestion,
    HwangShihDeCani,
    MarginalQuestion,
    MeansQuestion,
    PlanningMoments,
    PocockSpending,
    PrognosticGain,
    RatesQuestion,
    SizingQuestion,
    conditional_power,
    control_frontier,
    events_for_power,
    group_sequential_design,
    guenther_schouten_size,
    marginal_size,
    means_size,
    plan_control_arm,
    predictive_power,
    scale_size,
    size_for_power,
    survival_size,
)
from trialsim.design.control_arm import ScaleSizing, scale_controls, scale_savings
from trialsim.design.group_sequential import (
    ExponentialSpending,
    FutilityBounds,
    GivenBounds,
    HaybittlePeto,
    PowerSpending,
    SpendingTable,
    WangTsiatis,
    repeated_p_value,
)
from trialsim.design.sizes import (
    Adjustment,
    EventForecast,
    asymptotic_controls,
    asymptotic_size,
    marginal_controls,
)
from trialsim.design.sizes.variance import asymptotic_variance
from trialsim.errors import DesignError
from trialsim.rates import PiecewiseRate, PlannedAccrual

gs = group_sequential_design


class Scaled:
    """A spending function of a user, with its first and last share."""

    label = "scaled"

    def __init__(self, first: float, last: float) -> None:
        self.shares = (first, last)

    def cumulative(self, total: float, time: object) -> np.ndarray:
        return total * np.array(self.shares)


HALVES = [0.5, 1.0]
PLAN = gs([0.5, 0.75, 1.0])
CONSTANT, NONE = PiecewiseRate((0.05,)), (PiecewiseRate((0.0,)), PiecewiseRate((0.0,)))


def forecast(ratio: PiecewiseRate) -> EventForecast:
    return EventForecast(PlannedAccrual((10.0,), (12.0,)), CONSTANT, ratio, NONE)


CASES: dict[str, tuple[Callable[[], object], str, str]] = {
    "interim after final": (lambda: gs([0.5, 1.2, 1.0]), "information", "must ascend"),
    "look past the end": (lambda: gs([0.5, 1.2]), "information", "must end with 1"),
    "two looks at once": (lambda: gs([0.5, 0.5, 1.0]), "information", "must ascend"),
    "look at nothing": (lambda: gs([0.0, 1.0]), "information", "must ascend"),
    "no looks": (lambda: gs([]), "information", "list of numbers"),
    "clock of another length": (lambda: gs(HALVES, spending_time=[1.0]), "spending_time", "one time"),
    "clock backwards": (lambda: gs(HALVES, spending_time=[1.5, 1.0]), "spending_time", "must ascend"),
    "alpha of 0": (lambda: gs(HALVES, alpha=0.0), "alpha", "between 0 and 0.5"),
    "alpha of 0.6": (lambda: gs(HALVES, alpha=0.6), "alpha", "between 0 and 0.5"),
    "power of 1": (lambda: gs(HALVES, power=1.0), "power", "between alpha and 1"),
    "power under alpha": (lambda: gs(HALVES, power=0.01), "power", "between alpha and 1"),
    "three sides": (lambda: gs(HALVES, sides=3), "sides", "1 or 2"),
    "two-sided futility": (
        lambda: gs(HALVES, sides=2, futility=FutilityBounds((0.0,))),
        "futility",
        "one-sided designs only",
    ),
    "table that overspends": (
        lambda: SpendingTable((0.5, 1.0), (0.6, 1.1)),
        "share",
        "more than the whole error",
    ),
    "table that takes back": (lambda: SpendingTable((0.5, 0.7, 1.0), (0.6, 0.5, 1.0)), "share", "never fall"),
    "table out of order": (lambda: SpendingTable((0.7, 0.5, 1.0), (0.1, 0.2, 1.0)), "time", "must ascend"),
    "table of two lengths": (lambda: SpendingTable((1.0,), (0.5, 1.0)), "share", "one share"),
    "function that overspends": (
        lambda: gs(HALVES, efficacy=Scaled(0.5, 1.1)),
        "spending",
        "more than the whole error",
    ),
    "function that takes back": (lambda: gs(HALVES, efficacy=Scaled(1.1, 1.0)), "spending", "takes back"),
    "bounds that overspend": (
        lambda: gs(HALVES, efficacy=GivenBounds((2.0, 1.9))),
        "efficacy.z",
        "more than the 0.025",
    ),
    "bounds of another length": (lambda: gs(HALVES, efficacy=GivenBounds((2.0,))), "efficacy.z", "2 bounds"),
    "Haybittle-Peto that overspends": (
        lambda: gs(HALVES, efficacy=HaybittlePeto(1.5)),
        "efficacy.z",
        "whole error before the last look",
    ),
    "futility of another length": (
        lambda: gs(HALVES, futility=FutilityBounds((0.0, 0.0))),
        "futility.z",
        "each of 1 interim",
    ),
    "crossed bounds": (
        lambda: gs(HALVES, futility=FutilityBounds((3.5,))),
        "futility",
        "crosses the efficacy bound at look 1",
    ),
    "futility that stops all": (
        lambda: gs([0.001, 1.0], futility=FutilityBounds((6.0,))),
        "power",
        "not reached at any effect",
    ),
    "gamma of 100": (lambda: HwangShihDeCani(100), "gamma", "between -40 and 40"),
    "rho of 0": (lambda: PowerSpending(0), "rho", "above 0"),
    "nu of 0": (lambda: ExponentialSpending(0), "nu", "above 0"),
    "delta of 1": (lambda: WangTsiatis(1.0), "delta", "0.7"),
    "Haybittle-Peto of 0": (lambda: HaybittlePeto(0.0), "z", "above 0"),
    "shape at other looks": (
        lambda: gs(HALVES, efficacy=WangTsiatis(0.25)).at_observed([0.6]),
        "efficacy",
        "no bounds for other looks",
    ),
    "observed past the end": (lambda: PLAN.at_observed([1.1]), "observed", "no look ahead"),
    "observed out of order": (lambda: PLAN.at_observed([0.5, 0.4], final=True), "observed", "must ascend"),
    "calendar forgotten": (
        lambda: gs(HALVES, spending_time=[0.6, 1.0]).at_observed([0.5]),
        "spending_time",
        "spends by calendar",
    ),
    "conditional on the last look": (lambda: conditional_power(PLAN, 3, 1.0), "look", "interim look"),
    "conditional on no look": (lambda: conditional_power(PLAN, 0, 1.0), "look", "interim look"),
    "added information that falls": (
        lambda: conditional_power(PLAN, 1, 1.0, information=[0.5, 0.4]),
        "information",
        "must ascend",
    ),
    "added information of another spacing": (
        lambda: conditional_power(PLAN, 1, 1.0, information=[0.1, 0.5]),
        "information",
        "planned spacing",
    ),
    "prior without weight": (lambda: predictive_power(PLAN, 1, 1.0, [0.0], [0.0]), "weights", "not all 0"),
    "repeated p of no look": (lambda: repeated_p_value(PLAN, 4, 1.0), "look", "from 1 to 3"),
    "no effect": (lambda: MeansQuestion(0.2, margin=0.2), "effect", "no size detects it"),
    "no spread": (lambda: MeansQuestion(0.2, sd=0.0), "sd", "above 0"),
    "no allocation": (lambda: MeansQuestion(0.2, allocation=0.0), "allocation", "above 0"),
    "means of power 1": (lambda: means_size(MeansQuestion(0.2), 1.0), "power", "between alpha and 1"),
    "effect too small for any trial": (lambda: means_size(MeansQuestion(1e-6)), "power", "a billion"),
    "rate of 1": (lambda: RatesQuestion(1.0, 0.5), "control", "between 0 and 1"),
    "rates at the margin": (lambda: RatesQuestion(0.5, 0.4, margin=-0.1), "active", "no size detects it"),
    "ratio margin of 0": (lambda: RatesQuestion(0.5, 0.4, scale="ratio", margin=0.0), "margin", "above 0"),
    "odds ratio margin": (
        lambda: RatesQuestion(0.5, 0.4, scale="odds ratio", margin=2.0),
        "margin",
        "differences and ratios only",
    ),
    "hazard ratio of 1": (lambda: events_for_power(1.0), "hazard_ratio", "no number of events"),
    "hazard ratio of 0": (lambda: events_for_power(0.0), "hazard_ratio", "above 0"),
    "Freedman with a margin": (
        lambda: events_for_power(0.9, margin=1.3, method="freedman"),
        "margin",
        "Schoenfeld",
    ),
    "unknown formula": (lambda: events_for_power(0.9, method="cox"), "method", "not a formula"),
    "unknown size": (
        lambda: survival_size(forecast(PiecewiseRate((0.7,))), 24, method="cox"),
        "method",
        "known",
    ),
    "Lachin-Foulkes at 1": (
        lambda: survival_size(forecast(PiecewiseRate((1.0,))), 24, method="lachin-foulkes"),
        "hazard_ratio",
        "must not be 1",
    ),
    "delayed effect in a formula": (
        lambda: survival_size(forecast(PiecewiseRate((1.0, 0.6), (0.0, 3.0))), 24),
        "hazard_ratio",
        "proportional hazards",
    ),
    "analysis before the close": (
        lambda: survival_size(forecast(PiecewiseRate((0.7,))), 6),
        "analysis_time",
        "before accrual closes",
    ),
    "nobody enters": (lambda: PlannedAccrual((0.0,), (12.0,)), "rates", "nobody would enter"),
    "period of no length": (lambda: PlannedAccrual((1.0,), (0.0,)), "durations", "above 0"),
    "periods of two lengths": (lambda: PlannedAccrual((1.0,), (1.0, 2.0)), "durations", "one length"),
    "no event ever": (
        lambda: EventForecast(PlannedAccrual((1.0,), (1.0,)), PiecewiseRate((0.0,)), PiecewiseRate((0.7,))),
        "control_hazard",
        "no event would come",
    ),
    "hazard below 0": (lambda: PiecewiseRate((-0.1,)), "rates", "below 0"),
    "overlapping pieces": (lambda: PiecewiseRate((0.1, 0.2), (0.0, 0.0)), "starts", "ascend from 0"),
    "Pocock that crosses futility": (
        lambda: gs(HALVES, efficacy=PocockSpending(), futility=FutilityBounds((2.5,))),
        "futility",
        "crosses",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_impossible_design_is_refused_by_name(name: str) -> None:
    attempt, field, words = CASES[name]
    with pytest.raises(DesignError) as caught:
        attempt()
    assert caught.value.field == field
    assert words in str(caught.value)


_MOMENTS = PlanningMoments((1.0, 1.0), (0.3, 0.3), (0.4, 0.4))
_LEFT = Adjustment((0.75, 0.75), 0.0, 1)
_SCALE = ScaleSizing(BinaryScale(0.3, 2.0))
_MARGINAL = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0))


def _plan(discount: float, inflation: float) -> object:
    gain = PrognosticGain(0.3, 0.1, {}, 0.1, 0.05)
    options = {"correlation_discount": discount, "sd_inflation": inflation}
    return plan_control_arm(_MOMENTS, gain, SizingQuestion(0.3), smallest_worthwhile_saving=0.02, **options)


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        # A misspelt word would be sized as another analysis; a number out of range gives a size all the same.
        (lambda: size_for_power(_MOMENTS, "ancva", SizingQuestion(0.3)), "analysis"),
        (lambda: SizingQuestion(0.3, slopes="comon"), "slopes"),
        (lambda: SizingQuestion(0.3, variance="hc9"), "variance"),
        (lambda: asymptotic_variance(_LEFT, (0.5, 0.5), "comon"), "slopes"),
        (lambda: asymptotic_variance(_LEFT, (0.5, 0.6), "common"), "shares"),
        (lambda: PlanningMoments((float("nan"), 1.0), (0.0, 0.0), (0.0, 0.0)), "sd"),
        (lambda: PlanningMoments((1.0, 1.0), (0.0, 0.0), (0.0, 1.0)), "partial_correlation"),
        (lambda: asymptotic_size(-4.0, 0.3), "variance"),
        (lambda: asymptotic_size(4.0, 0.0), "effect"),
        (lambda: asymptotic_size(4.0, 0.3, power=1.2), "power"),
        (lambda: asymptotic_controls(0.0, _LEFT, 0.3), "active"),
        (lambda: guenther_schouten_size(4.0, float("nan")), "effect"),
        (lambda: marginal_size(_MARGINAL, (0.5, 0.9)), "allocation"),
        (lambda: marginal_controls(0.0, _MARGINAL), "active"),
        (lambda: MarginalQuestion("binary", (0.3, 0.45), (float("nan"), 1.0)), "slopes"),
        (lambda: MarginalQuestion("count", (0.3, 0.45), (1.0, 1.0), dispersion=float("nan")), "dispersion"),
        (lambda: scale_size(_SCALE, "prog", 0.3), "analysis"),
        (lambda: scale_size(_SCALE, "prognostic", 0.3, variance_inflation=-1.0), "variance_inflation"),
        (lambda: scale_savings(_SCALE, 0.3, (0.4, 0.2)), "interval"),
        (lambda: scale_controls(0, _SCALE, "prognostic", 0.3), "active"),
        (lambda: AssuranceQuestion(margin=float("nan")), "margin"),
        (lambda: control_frontier(BorrowingQuestion(0.4, 120, 1000), most_controls=0), "most_controls"),
        (lambda: BorrowingQuestion(0.4, 120, 1000, dropout=(float("nan"), 0.0)), "dropout"),
        (lambda: _plan(2.0, 1.0), "correlation_discount"),
        (lambda: _plan(0.9, 0.5), "correlation_discount"),
    ],
)
def test_no_size_is_given_for_what_cannot_be(ask: Callable[[], object], field: str) -> None:
    with pytest.raises(DesignError) as refused:
        ask()
    assert refused.value.field == field
