"""Exact designs of one arm against plain enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from trialsim.design import OBrienFlemingSpending, PocockSpending
from trialsim.design.single_arm import binomial_looks, one_stage_size, simon_designs, spending_binomial_looks
from trialsim.errors import DesignError


def test_stopping_equals_the_enumeration_of_every_course() -> None:
    looks = binomial_looks([4, 7, 9], [4, 5, 5], [0, 1, 4])
    up, down = looks.stopping(0.35)
    found_up, found_down = np.zeros(3), np.zeros(3)
    for course in product((0, 1), repeat=9):
        chance = 0.35 ** sum(course) * 0.65 ** (9 - sum(course))
        for k, n in enumerate((4, 7, 9)):
            x = sum(course[:n])
            if x >= looks.upper[k]:
                found_up[k] += chance
                break
            if x <= looks.lower[k]:
                found_down[k] += chance
                break
    assert up == pytest.approx(found_up, abs=1e-12)
    assert down == pytest.approx(found_down, abs=1e-12)
    assert up.sum() + down.sum() == pytest.approx(1.0, abs=1e-12)


def test_simon_designs_equal_a_plain_search() -> None:
    null, alternative, best = 0.2, 0.5, {}
    for n in range(5, 30):
        for n1 in range(1, n):
            for r1 in range(n1):
                for r in range(r1, n):
                    x = np.arange(r1 + 1, n1 + 1)
                    over = [
                        float(binom.pmf(x, n1, p) @ binom.sf(r - x, n - n1, p)) for p in (null, alternative)
                    ]
                    if over[0] <= 0.1:
                        if over[1] >= 0.8:
                            early = binom.cdf(r1, n1, null)
                            key = n1 + (1 - early) * (n - n1)
                            best[n] = min(best.get(n, (np.inf,)), (key, r1, n1, r))
                        break
    found = simon_designs(null, alternative, alpha=0.1, largest=29)
    smallest = min(best)
    assert (found["minimax"].participants, found["minimax"].expected) == (
        smallest,
        pytest.approx(best[smallest][0], abs=1e-9),
    )
    assert found["optimal"].expected == pytest.approx(min(best.values())[0], abs=1e-9)


@pytest.mark.parametrize("spending", [OBrienFlemingSpending(), PocockSpending()])
def test_exact_looks_never_spend_more_than_they_may(spending: object) -> None:
    n = np.array([15, 30, 45, 60])
    looks = spending_binomial_looks(n.tolist(), 0.25, spending, 0.05)
    spent = np.cumsum(looks.stopping(0.25)[0])
    assert (spent <= spending.cumulative(0.05, n / 60) + 1e-12).all()
    over = [looks.power(p) for p in (0.1, 0.25, 0.35, 0.45, 0.6)]
    assert (np.diff(over) > 0).all()
    tighter = binomial_looks(
        n.tolist(), [*looks.upper[:-1], looks.upper[-1] - 1], [-1, -1, -1, looks.upper[-1] - 2]
    )
    assert tighter.power(0.25) > 0.05


def test_one_stage_is_the_first_size_that_reaches_the_power() -> None:
    found = one_stage_size(0.15, 0.3, alpha=0.05, power=0.9)
    for n in range(1, found.participants):
        claim = int(binom.isf(0.05, n, 0.15)) + 1
        assert binom.sf(claim - 1, n, 0.3) < 0.9
    assert found.alpha <= 0.05 < binom.sf(found.responders - 2, found.participants, 0.15)


@pytest.mark.parametrize("sized", [one_stage_size, simon_designs])
def test_a_rate_below_the_null_has_no_size(sized: object) -> None:
    with pytest.raises(DesignError, match="wrong side"):
        sized(0.3, 0.1)


def test_bounds_that_cross_or_leave_a_gap_are_refused() -> None:
    for upper, lower, words in (([3, 4], [3, 3], "at or above"), ([5, 6], [1, 3], "next to the upper")):
        with pytest.raises(DesignError, match=words):
            binomial_looks([5, 9], upper, lower)
