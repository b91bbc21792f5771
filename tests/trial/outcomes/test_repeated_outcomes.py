"""Subgroup and slope effects of every kind of outcome, against closed forms and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from trialsim.errors import DesignError
from trialsim.trial import (
    GompertzLaw,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    VisitEffect,
    count_outcomes,
    recurrent_events,
    simulate_survival,
)
from trialsim.trial.outcomes import binary_visits, constant_shift, count_visits, ordinal_visits, slope_change

N = 40_000
ARM = np.tile(np.array([0, 1], np.int8), (N, 2))
# Two of the four are in the subgroup: one of each arm.
GROUP = np.tile(np.array([False, False, True, True]), (N, 1))
EFFECT = VisitEffect(slope_change([4.0, 8.0], 0.3, 4.0).shift, np.array([0.5, -0.4]))
CELLS = [(a, g) for a in (0, 1) for g in (False, True)]


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def link(a: int, g: bool) -> np.ndarray:
    return a * (np.array([0.3, 0.6]) + g * np.array([0.5, -0.4]))


def close(values: np.ndarray, expected: np.ndarray) -> bool:
    error = values.std(axis=0) / math.sqrt(len(values))
    return bool((np.abs(values.mean(axis=0) - expected) < 4 * error).all())


@pytest.mark.parametrize("sd", [0.0, 1.2])
def test_binary_visits_have_their_marginal_probabilities(sd: float) -> None:
    draws = binary_visits(ARM, [0.3, 0.4], (EFFECT,), chance(), person_sd=sd, subgroup=GROUP).astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for a, g in CELLS:
        mine = draws[(a == ARM) & (g == GROUP)]
        given = expit(logit([0.3, 0.4]) + link(a, g) + sd * nodes[:, None])
        assert close(mine, weights @ given / weights.sum())
    together = np.corrcoef(draws[:, 0, 0], draws[:, 0, 1])[0, 1]
    assert (together > 0.1) == (sd > 0)


def test_ordinal_visits_are_proportional_odds() -> None:
    shares, course = np.array([0.2, 0.5, 0.3]), np.array([0.0, 0.7])
    draws = ordinal_visits(ARM, shares, course, (EFFECT,), chance(2), subgroup=GROUP)
    above = logit(1 - np.cumsum(shares)[:-1])
    for a, g in CELLS:
        mine = draws[(a == ARM) & (g == GROUP)]
        for cut in (0, 1):
            assert close((mine > cut).astype(float), expit(above[cut] + course + link(a, g)))


def test_count_visits_are_overdispersed_and_share_a_frailty() -> None:
    draws = count_visits(ARM, [0.5, 0.8], [2.0, 5.0], (EFFECT,), chance(3), dispersion=0.6, subgroup=GROUP)
    for a, g in CELLS:
        mine = draws[(a == ARM) & (g == GROUP)].astype(float)
        mean = np.array([1.0, 2.4]) * np.exp(link(a, g))
        assert close(mine, mean)
        np.testing.assert_allclose(mine.var(axis=0), mean + 0.6 * mean**2, rtol=0.06)
        assert np.cov(mine.T)[0, 1] == pytest.approx(0.6 * mean.prod(), rel=0.1)


def test_counts_take_a_subgroup_effect_and_stay_as_they_were_without() -> None:
    log_rate = np.where(GROUP & (ARM == 1), math.log(0.5), 0.0)
    draws = count_outcomes(ARM, [0.4, 0.3], 5.0, 0.3, chance(4), log_rate).astype(float)
    for a, g in CELLS:
        mine = draws[(a == ARM) & (g == GROUP)]
        assert close(mine, 5 * (0.4, 0.3)[a] * (0.5 if a and g else 1.0))
    same = count_outcomes(ARM[:50], [0.4, 0.3], 5.0, 0.3, chance(5), np.zeros((50, 4)))
    np.testing.assert_array_equal(same, count_outcomes(ARM[:50], [0.4, 0.3], 5.0, 0.3, chance(5)))


def test_recurrent_events_change_their_rate_over_time() -> None:
    arm = np.tile(np.array([0, 1], np.int8), (4_000, 1))
    who, when = recurrent_events(arm, [0.3, 0.3], 6.0, 0.0, chance(6), growth=[0.2, -0.1])
    mine = arm.ravel()[who]
    for a, g in ((0, 0.2), (1, -0.1)):
        expected = 0.3 * math.expm1(6 * g) / g
        count = (mine == a).sum()
        assert abs(count / 4_000 - expected) < 4 * math.sqrt(expected / 4_000)
        law = lambda t, g=g: np.expm1(g * np.asarray(t)) / math.expm1(6 * g)  # noqa: E731 -- a distribution
        assert stats.kstest(when[mine == a], law).pvalue > 1e-3
    ordered = np.diff(when)[np.diff(who) == 0]
    assert (ordered >= 0).all()
    level = recurrent_events(arm[:200], [0.3, 0.3], 6.0, 0.5, chance(7), growth=[0.0, 0.0])
    plain = recurrent_events(arm[:200], [0.3, 0.3], 6.0, 0.5, chance(7))
    for one, other in zip(level, plain, strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("growth", [0.15, 0.0, -0.2])
def test_gompertz_times_have_their_survival(growth: float) -> None:
    law = GompertzLaw(0.05, growth)
    times = law.time_of(chance(8).standard_exponential(50_000), 1.4)
    for month in (3.0, 8.0, 15.0):
        expected = float(law.survival(month)) ** 1.4
        assert abs((times > month).mean() - expected) < 4 * math.sqrt(expected * (1 - expected) / 50_000)
    never = math.exp(-1.4 * 0.05 / 0.2) if growth < 0 else 0.0
    assert abs(np.isinf(times).mean() - never) < 4 * math.sqrt(max(never, 1e-9) / 50_000)


def test_a_hazard_ratio_that_grows_and_one_in_a_subgroup_alone() -> None:
    laws = (GompertzLaw(0.05, 0.05), GompertzLaw(0.05, -0.05))
    world = SurvivalWorld(
        400, PlannedAccrual((40,), (10,)), laws, (None, None), strata_shares=(0.5, 0.5),
        strata_hazards=(1.0, 1.0), strata_effects=(1.0, 0.5),
    )  # fmt: skip
    found = simulate_survival(world, 200, lambda name: chance(9 + len(name)))
    for a in (0, 1):
        for s in (0, 1):
            times = found.time[(found.arm == a) & (found.stratum == s)]
            expected = float(laws[a].survival(10.0)) ** (0.5 if a and s else 1.0)
            assert abs((times > 10).mean() - expected) < 4 * math.sqrt(0.25 / len(times))


@pytest.mark.parametrize(
    ("draw", "field"),
    [
        (lambda: binary_visits(ARM[:2], [1.2], (constant_shift(1, 0.1),), chance()), "probability"),
        (lambda: binary_visits(ARM[:2], [0.2], (constant_shift(2, 0.1),), chance()), "effects[0].shift"),
        (lambda: binary_visits(ARM[:2], [0.2], (), chance()), "effects"),
        (lambda: binary_visits(ARM[:2], [0.2, 0.2], (EFFECT,), chance()), "subgroup"),
        (
            lambda: binary_visits(ARM[:2], [0.2], (constant_shift(1, 0.1),), chance(), person_sd=-1.0),
            "person_sd",
        ),
        (lambda: ordinal_visits(ARM[:2], [0.5, 0.6], [0.0], (constant_shift(1, 0.1),), chance()), "shares"),
        (lambda: ordinal_visits(ARM[:2], [0.5, 0.5], [], (constant_shift(1, 0.1),), chance()), "course"),
        (lambda: count_visits(ARM[:2], [0.0], [1.0], (constant_shift(1, 0.1),), chance()), "rate"),
        (lambda: count_visits(ARM[:2], [1.0, 1.0], [2.0, 1.0], (EFFECT,), chance()), "months"),
        (lambda: GompertzLaw(0.0, 0.1), "hazard"),
        (lambda: GompertzLaw(0.1, np.nan), "growth"),
        (lambda: PiecewiseHazard((0.0,)), "rates"),
        (lambda: recurrent_events(ARM[:2], [1.0, 1.0], 1.0, 0.0, chance(), growth=[0.1]), "growth"),
    ],
)
def test_impossible_outcomes_are_refused(draw, field: str) -> None:
    with pytest.raises(DesignError) as caught:
        draw()
    assert caught.value.field == field
