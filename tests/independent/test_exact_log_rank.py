"""The exact log-rank test beside scipy's permutation test and beside counting by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from trialsim.analysis import log_rank
from trialsim.analysis.survival import FlemingHarrington, log_rank_block
from trialsim.errors import AnalysisError

COLUMNS = {"time": "t", "event": "e", "arm": "arm"}


def trial(seed: int, arms: tuple[int, int]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = np.repeat([0, 1], arms)
    return pd.DataFrame(
        {
            "t": rng.exponential(1, len(arm)).round(1),
            "e": (rng.random(len(arm)) < 0.7).astype(int),
            "arm": rng.permutation(arm),
            "s": np.arange(len(arm)) % 2,
        }
    )


def score(data: pd.DataFrame, arm: np.ndarray, weights: FlemingHarrington) -> float:
    return log_rank(data.assign(arm=arm), **COLUMNS, weights=weights, test="asymptotic", control=0).score


def test_three_against_three_apart_has_p_of_a_tenth() -> None:
    """The normal p is .025: of 20 assignments two are as extreme."""
    data = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": 1, "arm": list("aaabbb")})
    found = log_rank(data, **COLUMNS)
    assert_allclose(found.p_value, 0.1, rtol=1e-12)
    assert (found.test, found.reason) == ("exact", "fewer than 10 participants in an arm")
    assert "exact: fewer than 10 participants in an arm" in str(found)
    assert_allclose(log_rank(data, **COLUMNS, test="asymptotic").p_value, 0.024602, rtol=0, atol=5e-7)


@pytest.mark.parametrize("weights", [FlemingHarrington(), FlemingHarrington(0, 1)])
def test_scipys_permutation_test_agrees(weights: FlemingHarrington) -> None:
    data = trial(1, (4, 5))

    def statistic(rows: np.ndarray) -> float:
        arm = np.zeros(9, int)
        arm[rows.astype(int)] = 1
        return score(data, arm, weights)

    active = np.flatnonzero(data.arm == 1).astype(float)
    control = np.flatnonzero(data.arm == 0).astype(float)
    draws = stats.permutation_test(
        (active, control), lambda x, y: statistic(x), permutation_type="independent", n_resamples=np.inf,
        alternative="two-sided", vectorized=False,
    )  # fmt: skip
    by_size = np.mean(np.abs(draws.null_distribution) >= abs(draws.statistic) - 1e-9)
    assert_allclose(log_rank(data, **COLUMNS, weights=weights, test="exact").p_value, by_size, rtol=1e-12)


def test_strata_are_re_assigned_within_themselves() -> None:
    data = trial(2, (5, 7))
    seen = log_rank(data, **COLUMNS, strata="s", test="exact")
    inside = data.s == 0
    more = total = 0
    for rows in combinations(range(12), 7):
        arm = np.zeros(12, int)
        arm[list(rows)] = 1
        if arm[inside].sum() == data.arm[inside].sum():
            one = log_rank(data.assign(arm=arm), **COLUMNS, strata="s", test="asymptotic").score
            more, total = more + (abs(one) >= abs(seen.score) - 1e-9), total + 1
    assert_allclose(seen.p_value, more / total, rtol=1e-12)


def test_random_assignments_near_the_exact_p_value_and_repeat_themselves() -> None:
    data = trial(3, (9, 12))
    exact = log_rank(data, **COLUMNS, test="exact").p_value
    drawn = log_rank(data, **COLUMNS, test="permutation")
    assert abs(drawn.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 9_999)
    assert drawn.p_value == log_rank(data, **COLUMNS, test="permutation").p_value
    assert drawn.p_value != log_rank(data, **COLUMNS, test="permutation", seed=2).p_value


def test_the_automatic_rule_is_the_normal_test_in_a_sample_that_is_not_small() -> None:
    data = trial(4, (30, 30))
    found = log_rank(data, **COLUMNS)
    assert found.test == "asymptotic"
    assert found.p_value == log_rank(data, **COLUMNS, test="asymptotic").p_value
    few = data.assign(e=(np.arange(60) < 5).astype(int))
    assert log_rank(few, **COLUMNS).reason == "fewer than 10 events; 9999 random assignments"
    with pytest.raises(AnalysisError, match="test: has too many assignments to count"):
        log_rank(data, **COLUMNS, test="exact")


def test_the_exact_test_keeps_its_level_where_the_normal_one_does_not() -> None:
    rng = np.random.default_rng(6)
    arm = np.tile([0, 0, 0, 1, 1, 1], (1500, 1))
    time = rng.exponential(1, arm.shape)
    exact = log_rank_block(time, np.ones_like(arm), arm, test="exact")
    normal = log_rank_block(time, np.ones_like(arm), arm)
    error = 4 * np.sqrt(0.1 * 0.9 / 1500)
    assert abs(exact.rejects(0.1).mean() - 0.1) < error
    assert not exact.rejects(0.05).any()
    assert normal.rejects(0.05).mean() > 0.08
