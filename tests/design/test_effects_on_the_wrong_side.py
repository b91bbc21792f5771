"""An effect on the wrong side has no power and no size, in every size and power function of the room."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from trialsim import design
from trialsim.design import (
    AssuranceQuestion,
    BinaryScale,
    CountScale,
    MarginalQuestion,
    MeansQuestion,
    PlanningMoments,
    PocockSpending,
    RatesQuestion,
    SizingQuestion,
    SurvivalScale,
    assured,
    borrowing,
    control_arm,
    controls_for_power,
    events_for_power,
    group_sequential,
    group_sequential_design,
    guenther_schouten_size,
    marginal_size,
    means_size,
    non_proportional,
    other_trials,
    power_of_size,
    rates_size,
    repeated_measures,
    single_arm,
    size_for_power,
    sizes,
    survival_size,
)
from trialsim.design.assured.assured_size import power_draws
from trialsim.design.assured.planning_draws import PlanningDraws
from trialsim.design.control_arm import ScaleSizing
from trialsim.design.group_sequential import drift_of_events, survival_looks
from trialsim.design.other_trials import (
    ClusterQuestion,
    CountsQuestion,
    FollowUp,
    ManyToOneQuestion,
    SteppedWedge,
    clusters_size,
    counts_size,
    many_to_one_power,
    many_to_one_size,
    power_of_clusters,
    power_of_counts,
    power_of_wedge,
    proportional_odds_power,
    proportional_odds_size,
    rank_sum_power,
    rank_sum_size,
    wedge,
    wedge_size,
    win_ratio_power,
    win_ratio_size,
)
from trialsim.design.sizes import (
    EventForecast,
    PredictionMoments,
    StratifiedQuestion,
    dial_sizes,
    guenther_schouten_power,
    marginal_controls,
    marginal_power,
    power_of_means,
    power_of_rates,
    stratified_power,
    stratified_size,
)
from trialsim.errors import DesignError
from trialsim.rates import PiecewiseRate, PlannedAccrual

ONE = np.ones(2)
MOMENTS = PlanningMoments((1.0, 1.0), (0.3, 0.3), (0.2, 0.2))


# Sizes and powers whose wrong side is tested with their own rooms.
ELSEWHERE = {
    "anova_power": "no direction",
    "anova_size": "no direction",
    "k_sample_events": "no direction",
    "asymptotic_size": "no margin: the effect is its own side",
    "asymptotic_controls": "no margin: the effect is its own side",
    "equivalence_power": "two sides: outside the limits, in its own test",
    "equivalence_of_means_size": "two sides: outside the limits, in its own test",
    "equivalence_of_rates_size": "two sides: outside the limits, in its own test",
    "equivalence_of_hazards_events": "two sides: outside the limits, in its own test",
    "average_hazard_ratio_size": "non_proportional/test_survival_tests.py",
    "max_combo_power": "non_proportional/test_survival_tests.py",
    "weighted_survival_size": "non_proportional/test_survival_tests.py",
    "restricted_mean_power": "non_proportional/test_survival_tests.py",
    "restricted_mean_size": "non_proportional/test_survival_tests.py",
    "one_stage_size": "single_arm/test_exact_designs.py",
    "conditional_power": "group_sequential/test_conditional_power.py",
    "predictive_power": "group_sequential/test_conditional_power.py",
    "predictive_power_normal": "group_sequential/test_conditional_power.py",
    "scale_size": "refused where its question is stated: ScaleSizing",
    "scale_power": "refused where its question is stated: ScaleSizing",
    "scale_controls": "refused where its question is stated: ScaleSizing",
    "large_sample_size": "two-sided test, power of either side",
    "power_surface": "two-sided test, power of either side",
    "size": "size_for_power by another name",
    "prognostic_events": "events_for_power times a factor",
    "virtual_controls": "no size: past participants as controls",
}


def forecast(*ratios: float) -> EventForecast:
    starts = (0.0, 6.0)[: len(ratios)]
    return EventForecast(
        PlannedAccrual((50.0,), (12.0,)), PiecewiseRate((0.06,)), PiecewiseRate(tuple(ratios), starts)
    )


def counts(ratio: float, margin: float) -> CountsQuestion:
    return CountsQuestion(2.0, ratio, 0.3, FollowUp(1.0), margin)


def marginal(active: float) -> MarginalQuestion:
    return MarginalQuestion("binary", (0.3, active), (1.0, 1.0), direction="greater")


def strata(shift: float) -> StratifiedQuestion:
    return StratifiedQuestion([0.5, 0.5], [0.3, 0.5], [0.3 + shift, 0.5 + shift], direction="greater")


# Power as a function of how far the effect lies on the side of the claim; below 0 it does harm.
POWERS: dict[str, Callable[[float], float]] = {
    "power_of_means, margin": lambda x: power_of_means(400, MeansQuestion(x - 0.2, margin=-0.2)),
    "power_of_means, less, z": lambda x: power_of_means(400, MeansQuestion(-x, direction="less", test="z")),
    "power_of_rates": lambda x: power_of_rates(200, RatesQuestion(0.4, 0.3 + x, margin=-0.1)),
    "power_of_rates, ratio": lambda x: power_of_rates(
        200, RatesQuestion(0.4, 0.4 * (1.2 - x), "ratio", 1.2, direction="less")
    ),
    "power_of_rates, odds": lambda x: power_of_rates(
        200, RatesQuestion(0.4, 0.4 + x, "odds ratio", direction="greater")
    ),
    "guenther_schouten_power": lambda x: guenther_schouten_power(300, 4.0, x - 0.3, margin=-0.3),
    "power_of_size": lambda x: power_of_size(
        150, 150, MOMENTS, "ancova", SizingQuestion(x, direction="greater")
    ),
    "marginal_power": lambda x: marginal_power(150, 150, marginal(0.3 + x), adjusted=True),
    "stratified_power": lambda x: stratified_power(300, strata(x), "cmh"),
    "stratified_power, mh": lambda x: stratified_power(300, strata(x), "mantel-haenszel"),
    "survival_looks": lambda x: (
        survival_looks(group_sequential_design([0.5, 1.0]), forecast(float(np.exp(-x))), 300).power
    ),
    "drift_of_events": lambda x: group_sequential_design([0.5, 1.0]).power_at(
        drift_of_events(300, float(np.exp(-x)))
    ),
}
POWERS |= {
    "proportional_odds_power": lambda x: proportional_odds_power(
        400, [0.3, 0.3, 0.4], float(np.exp(3 * x)), direction="greater"
    ),
    "rank_sum_power": lambda x: rank_sum_power(300, 0.5 + x, direction="greater"),
    "win_ratio_power": lambda x: win_ratio_power(300, math.exp(x), direction="greater"),
    "power_of_counts": lambda x: power_of_counts(150, counts(1.3 - x, 1.3)),
    "power_of_clusters": lambda x: power_of_clusters(
        60, ClusterQuestion(x, (1.0, 1.0), 20, 0.02, direction="greater")
    ),
    "power_of_wedge": lambda x: power_of_wedge(
        SteppedWedge(wedge(4, 5), 20, 1.0, 0.05), x, direction="greater"
    ),
    "many_to_one_power": lambda x: many_to_one_power(600, ManyToOneQuestion((x, x), test="none")),
}
POWERS["power_draws"] = lambda x: float(
    power_draws(400, PlanningDraws((ONE, ONE), (0 * ONE, 0 * ONE), ONE, x * ONE), AssuranceQuestion())[0]
)
BENEFITS = (0.02, 0.05, 0.1, 0.15, 0.25)

# Sizes of effects that do harm.
SIZES: dict[str, Callable[[], object]] = {
    "means_size": lambda: means_size(MeansQuestion(-0.5, margin=-0.2)),
    "means_size, upper margin": lambda: means_size(MeansQuestion(0.5, margin=0.2, direction="less")),
    "means_size, direction": lambda: means_size(MeansQuestion(0.5, direction="less")),
    "rates_size": lambda: rates_size(RatesQuestion(0.6, 0.4, margin=-0.1)),
    "rates_size, ratio": lambda: rates_size(RatesQuestion(0.6, 0.4, "ratio", 0.8)),
    "guenther_schouten_size": lambda: guenther_schouten_size(4.0, -0.5, margin=-0.2),
    "size_for_power": lambda: size_for_power(MOMENTS, "ancova", SizingQuestion(-0.3, direction="greater")),
    "controls_for_power": lambda: controls_for_power(
        200, MOMENTS, "ancova", SizingQuestion(-0.3, direction="greater")
    ),
    "dial_sizes": lambda: dial_sizes(PredictionMoments((0.9, 0.9), (0.4, 0.4)), -0.5, margin=-0.2),
    "marginal_size": lambda: marginal_size(marginal(0.2), adjusted=True),
    "marginal_controls": lambda: marginal_controls(200, marginal(0.2)),
    "stratified_size": lambda: stratified_size(strata(-0.1)),
    "events_for_power": lambda: events_for_power(1.5, margin=1.3),
    "events_for_power, direction": lambda: events_for_power(1.5, direction="less"),
    "survival_size": lambda: survival_size(forecast(1.5), 24),
    "survival_size, lachin-foulkes": lambda: survival_size(forecast(1.5), 24, method="lachin-foulkes"),
    "proportional_odds_size": lambda: proportional_odds_size([0.5, 0.5], 0.5, direction="greater"),
    "rank_sum_size": lambda: rank_sum_size(0.4, direction="greater"),
    "win_ratio_size": lambda: win_ratio_size(0.8, direction="greater"),
    "counts_size": lambda: counts_size(counts(1.5, 1.3)),
    "clusters_size": lambda: clusters_size(ClusterQuestion(-0.3, (1.0, 1.0), 20, 0.05, direction="greater")),
    "wedge_size": lambda: wedge_size(4, 20, -0.3, 1.0, 0.05, direction="greater"),
    "many_to_one_size": lambda: many_to_one_size(ManyToOneQuestion((-0.3, 0.0))),
    "ScaleSizing, binary": lambda: ScaleSizing(BinaryScale(0.3, 0.5), direction="greater"),
    "ScaleSizing, count": lambda: ScaleSizing(CountScale(1.0, 1.5), direction="less"),
    "ScaleSizing, survival": lambda: ScaleSizing(SurvivalScale(12, 1.5, 12, 24), direction="less"),
}


def test_every_public_size_and_power_function_has_its_wrong_side_tested() -> None:
    rooms = [
        design, assured, borrowing, control_arm, group_sequential, non_proportional, other_trials,
        repeated_measures, single_arm, sizes,
    ]  # fmt: skip
    public = {name for room in rooms for name in room.__all__ if name.islower()}
    kind = re.compile(r"(^|_)(size|power|controls|events)($|_)")
    asked = {name for name in public if kind.search(name) and callable(getattr_of(rooms, name))}
    here = {re.split(r"[, ]", name)[0] for name in (*POWERS, *SIZES)}
    assert asked - here - set(ELSEWHERE) == set()


def getattr_of(rooms: list[ModuleType], name: str) -> object:
    room = next(room for room in rooms if name in room.__all__)
    return getattr(room, name)


@pytest.mark.parametrize("name", POWERS)
def test_harm_has_no_power_and_power_grows_with_the_effect(name: str) -> None:
    power = POWERS[name]
    assert power(-0.25) < 0.001
    assert power(-0.02) < 0.025
    over = [power(-0.1), power(-0.02), *(power(x) for x in BENEFITS)]
    assert (np.diff(over) >= 0).all()
    assert (np.diff(over[2:]) > 0).all()


@pytest.mark.parametrize("name", SIZES)
def test_harm_has_no_size(name: str) -> None:
    with pytest.raises(DesignError, match="wrong side"):
        SIZES[name]()


def test_crossing_hazards_that_harm_at_first_do_not_stop_the_trial_for_benefit() -> None:
    """Hazard ratio 2.5 for six months and 0.5 after: 2,000 simulated trials claimed nothing."""
    design = group_sequential_design([0.3, 1.0], efficacy=PocockSpending())
    looks = survival_looks(design, forecast(2.5, 0.5), 400.0)
    assert looks.means[0] < 0 < -looks.forecast.average_hazard_ratio(looks.times[0]) + 3
    assert looks.power < 1e-6


def test_an_event_that_is_good_turns_the_direction() -> None:
    one = survival_size(forecast(1.5), 24, direction="greater")
    assert one.events == pytest.approx(events_for_power(1.5, direction="greater"), rel=1e-9)
    design = group_sequential_design([0.5, 1.0])
    assert survival_looks(design, forecast(1.5), 300, direction="greater").power == pytest.approx(
        design.power_at(-drift_of_events(300, 1.5)), abs=0.002
    )


def test_no_other_direction() -> None:
    for made in (
        lambda: MeansQuestion(0.5, direction="up"),
        lambda: survival_looks(group_sequential_design([1.0]), forecast(0.5), 50, direction="up"),
        lambda: events_for_power(0.5, direction="up"),
    ):
        with pytest.raises(DesignError, match="direction: is not known"):
            made()
