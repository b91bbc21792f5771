"""Subgroup and slope effects of every kind of outcome, against closed forms and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import DesignError
from trialsim.trial import (
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    VisitEffect,
    WeibullLaw,
    count_outcomes,
    recurrent_events,
    simulate_survival,
)

N = 40_000
ARM = np.tile(np.array([0, 1], np.int8), (N, 2))
# Two of the four are in the subgroup: one of each arm.
GROUP = np.tile(np.array([False, False, True, True]), (N, 1))
EFFECT = VisitEffect(np.array([0.3, 0.6]), np.array([0.5, -0.4]))
CELLS = [(a, g) for a in (0, 1) for g in (False, True)]


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def link(a: int, g: bool) -> np.ndarray:
    return a * (np.array([0.3, 0.6]) + g * np.array([0.5, -0.4]))


def close(values: np.ndarray, expected: np.ndarray) -> bool:
    error = values.std(axis=0) / math.sqrt(len(values))
    return bool((np.abs(values.mean(axis=0) - expected) < 4 * error).all())


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


def test_a_hazard_ratio_that_grows_and_one_in_a_subgroup_alone() -> None:
    laws = (WeibullLaw(18.0, 1.3), WeibullLaw(18.0, 0.8))
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
        (lambda: PiecewiseHazard((0.0,)), "rates"),
        (lambda: recurrent_events(ARM[:2], [1.0, 1.0], 1.0, 0.0, chance(), growth=[0.1]), "growth"),
    ],
)
def test_impossible_outcomes_are_refused(draw, field: str) -> None:
    with pytest.raises(DesignError) as caught:
        draw()
    assert caught.value.field == field
