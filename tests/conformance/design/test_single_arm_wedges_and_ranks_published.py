"""Published numbers of sequential designs of one arm, inner wedges, bounds for harm, ranks, and several arms.

- Truncated sequential probability ratio test: the snapshot of gsDesign's ``gsBinomialExact``
  (tests/testthat/_snaps/independent-test-as_gt.md of keaven/gsDesign). Its bounds are Wald's lines.
- Inner wedges: crossing probabilities by ``pmvnorm`` (Miwa) of mvtnorm 1.1-3; outer bounds by rpact 3.3.4.
- Wilcoxon's size by Noether 1987: the manual of ``size.test.mann`` in the R package statpsych 1.4.
- Win ratio: ``wr.ss`` and ``wr.power`` of WRestimates 0.1.0 (Yu and Ganju 2022), run in R 4.2.2.
- Stepped wedges: ``swPwr`` of swCRTdesign 4.0 (Hussey and Hughes 2007), run in R 4.2.2.
- Many to one: ``qmvt`` and ``pmvt`` (Kshirsagar's noncentral t) of mvtnorm 1.1-3.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import mannwhitneyu

from trialsim.design import HwangShihDeCani, OBrienFlemingSpending, PocockSpending, group_sequential_design
from trialsim.design.group_sequential import harm_bounds, two_sided_futility_design
from trialsim.design.other_trials import (
    ManyToOneQuestion,
    SteppedWedge,
    many_to_one_power,
    power_of_wedge,
    rank_sum_size,
    wedge,
    win_ratio_power,
    win_ratio_size,
)
from trialsim.design.other_trials.many_arms import many_to_one_bound
from trialsim.design.single_arm import BinomialLooks

SNAPSHOT = {  # rate: probability of crossing low and high, average sample size
    0.02: (0.964, 0.001, 34.8), 0.04: (0.769, 0.019, 46.4), 0.06: (0.506, 0.108, 54.3),
    0.08: (0.291, 0.290, 56.1), 0.10: (0.155, 0.516, 52.8), 0.12: (0.079, 0.714, 46.8),
    0.14: (0.039, 0.851, 40.2), 0.16: (0.020, 0.930, 34.2),
}  # fmt: skip


def ratio_test(p0: float, p1: float, alpha: float, beta: float, least: int, most: int) -> BinomialLooks:
    """Return looks after every participant at which Wald's lines may be crossed (Wald 1947)."""
    a = math.log((1 - p1) / (1 - p0))
    b = math.log(p1 / p0) - a
    n = np.arange(least, most + 1)
    upper = np.ceil(-a / b * n + math.log((1 - beta) / alpha) / b).astype(int)
    lower = np.maximum(np.floor(-a / b * n + math.log(beta / (1 - alpha)) / b).astype(int), -1)
    kept = (n >= upper) | (lower >= 0)
    return BinomialLooks(tuple(n[kept]), tuple(upper[kept]), tuple(lower[kept]))


@pytest.mark.parametrize("rate", SNAPSHOT)
def test_truncated_sequential_ratio_test_as_gsdesign_gsbinomialexact_snapshot(rate: float) -> None:
    looks = ratio_test(0.04, 0.1, 0.04, 0.2, 4, 75)
    up, down = looks.stopping(rate)
    low, high, size = SNAPSHOT[rate]
    assert down.sum() == pytest.approx(low, abs=5.1e-4)
    assert up.sum() == pytest.approx(high, abs=5.1e-4)
    assert looks.expected_participants(rate) == pytest.approx(size, abs=0.051)


WEDGES = {  # looks: futility, type II error, error without an effect where the wedge is obeyed
    (0.5, 1.0): (HwangShihDeCani(-2.0), 0.1, 0.0475724351),
    (1 / 3, 2 / 3, 1.0): (OBrienFlemingSpending(), 0.2, 0.0439433826),
}


@pytest.mark.parametrize("looks", WEDGES, ids=str)
def test_an_inner_wedge_has_its_power_and_the_error_of_r_mvtnorm_pmvnorm_miwa(
    looks: tuple[float, ...],
) -> None:
    futility, beta, error = WEDGES[looks]
    plan = two_sided_futility_design(looks, OBrienFlemingSpending(), futility, alpha=0.05, power=1 - beta)
    assert plan.stopping(plan.drift)[0].sum() == pytest.approx(1 - beta, abs=1e-7)
    assert plan.stopping(0.0)[0].sum() == pytest.approx(error, abs=1e-7)


def test_outer_bounds_beside_a_wedge_that_does_not_bind_are_those_of_rpact_3_3_4() -> None:
    plan = two_sided_futility_design([1 / 3, 2 / 3, 1.0], OBrienFlemingSpending(), OBrienFlemingSpending())
    assert plan.outer == pytest.approx([3.71030287, 2.51142748, 1.99304748], abs=2e-6)


def test_harm_bounds_are_pocock_spending_of_rpact_3_3_4_with_their_sign_turned() -> None:
    found = harm_bounds(group_sequential_design([0.5, 1.0]), PocockSpending(), 0.05)
    assert found.z == pytest.approx([-1.86621386, -1.88487532], abs=2e-7)
    three = harm_bounds(group_sequential_design([1 / 3, 2 / 3, 1.0]), PocockSpending(), 0.05)
    assert three.z == pytest.approx([-2.00201384, -1.99379682, -1.98030422], abs=2e-7)


def test_wilcoxon_needs_44_in_each_group_by_noether_1987_as_statpsych_1_4_size_test_mann() -> None:
    found = rank_sum_size(0.3, power=0.9, alpha=0.025)
    assert found.whole == (44, 44)


def test_power_of_two_arms_against_one_control_as_r_mvtnorm_pmvt() -> None:
    """50 in each arm, effects of .4 and .5 SD, one-sided family-wise level .025."""
    assert many_to_one_bound(2, 0.025, "dunnett", 0.5, 147) == pytest.approx(2.23361, abs=2e-4)
    for claims, power in (("any", 0.68945566), ("all", 0.32604420)):
        found = many_to_one_power(150, ManyToOneQuestion((0.4, 0.5), claims=claims))
        assert found == pytest.approx(power, abs=2e-4)


@pytest.mark.parametrize(
    ("steps", "per_step", "size", "effect", "between", "within", "after", "power"),
    [
        (4, 6, 120, -0.015, 0.01**2, 0.0425 * 0.9575, 0, 0.7861895925),
        (5, 2, 1, 1.5, 0.9**2, 16.0, 0, 0.1720226924),
        (4, 6, 20, 0.25, 0.05, 0.95, 0, 0.9515215277),
        (3, 3, 10, 0.4, 0.1, 0.9, 2, 0.655100769),
    ],
)
def test_stepped_wedges_of_hussey_and_hughes_2007_as_swcrtdesign_4_0_swpwr(
    steps: int, per_step: int, size: int, effect: float, between: float, within: float, after: int,
    power: float,
) -> None:  # fmt: skip
    """The first is the package's own example, as a normal outcome; its power counts both tails."""
    table = np.hstack([wedge(steps, per_step), np.ones((steps * per_step, after))])
    sd = math.sqrt(between + within)
    design = SteppedWedge(table, size, sd, between / sd**2)
    wrong_side = ndtr(-1.959963984540054 - abs(effect) / math.sqrt(design.variance()))
    assert power_of_wedge(design, effect) + wrong_side == pytest.approx(power, abs=5e-10)


def test_win_ratio_of_1_5_with_a_tenth_of_ties_needs_417_as_wrestimates_0_1_0_wr_ss() -> None:
    assert math.ceil(win_ratio_size(1.5, tied=0.1).total) == 417
    assert win_ratio_power(417, 1.5, tied=0.1) == pytest.approx(0.9002604, abs=5e-8)
    uneven = win_ratio_size(1.2, tied=0.25, power=0.8, allocation=2.0)
    assert math.ceil(uneven.total) == 2362


@pytest.mark.parametrize(("win_ratio", "total"), [(1.1, 4610), (1.2, 1260), (1.3, 610), (1.5, 256)])
def test_win_ratios_at_80_percent_by_the_formula_of_yu_and_ganju_2022(win_ratio: float, total: int) -> None:
    """Totals that a user of ``WRestimates::wr.ss`` printed, rounded to whole pairs."""
    assert 2 * math.ceil(win_ratio_size(win_ratio, power=0.8).total / 2) == total


def test_win_ratio_size_has_its_power_in_simulated_trials_without_ties() -> None:
    """Of one continuous outcome the win odds are exp(shift of a logistic law), and the test is Wilcoxon's."""
    size = win_ratio_size(1.8, power=0.8)
    p = 1.8 / 2.8  # P(win) of two normals that are √2 Φ⁻¹(p) apart
    rng = np.random.default_rng(12)
    n = size.whole[0]
    active = math.sqrt(2) * ndtri(p) + rng.standard_normal((3000, n))
    won = mannwhitneyu(active, rng.standard_normal((3000, n)), axis=1, method="asymptotic").pvalue < 0.05
    assert won.mean() == pytest.approx(0.8, abs=0.035)
