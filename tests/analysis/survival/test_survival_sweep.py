"""The fast sweeps equal slow, obvious NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

from trialsim.analysis.survival.block import SurvivalBlock, read_block
from trialsim.analysis.survival.log_rank_test import log_rank_block, weighted_scores
from trialsim.analysis.survival.max_combo_kernel import pivoted_factor, tail_probability
from trialsim.analysis.survival.max_combo_test import FOUR_WEIGHTS, max_combo_block
from trialsim.analysis.survival.milestone import milestone_survival_block
from trialsim.analysis.survival.restricted_mean import restricted_mean_survival_block
from trialsim.analysis.survival.time_order import time_order
from trialsim.analysis.survival.weights import (
    AtRisk,
    EarlyZero,
    FlemingHarrington,
    MagirrBurman,
    PetoPeto,
    Weight,
)

WEIGHTS: tuple[Weight, ...] = (
    FlemingHarrington(0, 0),
    FlemingHarrington(0.5, 2),
    MagirrBurman(3, 1.7),
    EarlyZero(2),
    AtRisk(0.5),
    PetoPeto(),
)


def simulate(seed: int, replicates: int = 3, participants: int = 60, strata: int = 1) -> SurvivalBlock:
    """Return heavily tied replicates."""
    generator = np.random.default_rng(seed)
    shape = (replicates, participants)
    return read_block(
        np.ceil(generator.exponential(6, shape)),
        generator.random(shape) < 0.7,
        generator.permuted(np.tile(np.arange(participants) % 2, (replicates, 1)), axis=1),
        generator.integers(0, strata, shape),
    )


def slow_weight(weight: Weight, t: float, n: float, curve: list[tuple[float, float, float]]) -> float:
    """`curve` holds (time, at risk, deaths) of the pooled stratum."""

    def left(limit: float) -> float:
        return float(np.prod([1 - d / m for u, m, d in curve if u < limit]))

    match weight:
        case FlemingHarrington(rho, gamma):
            return left(t) ** rho * (1 - left(t)) ** gamma
        case MagirrBurman(delay, w_max):
            last = max((u for u, _, _ in curve if u <= delay), default=0.0)
            return min(w_max, 1 / max(left(t), left(last)))
        case EarlyZero(period):
            return float(t >= period)
        case AtRisk(power):
            return n**power
        case PetoPeto():
            return float(np.prod([1 - d / (m + 1) for u, m, d in curve if u <= t]))


def slow_scores(block: SurvivalBlock, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score, variance, information = (
        np.zeros(len(WEIGHTS)),
        np.zeros((len(WEIGHTS),) * 2),
        np.zeros(len(WEIGHTS)),
    )
    for s in range(block.strata):
        here = block.stratum[r] == s
        time, event, arm = block.time[r][here], block.event[r][here], block.arm[r][here]
        times = np.unique(time[event == 1])
        curve = [(t, (time >= t).sum(), ((time == t) & (event == 1)).sum()) for t in times]
        for t, n, d in curve:
            n1, d1 = ((time >= t) & (arm == 1)).sum(), ((time == t) & (event == 1) & (arm == 1)).sum()
            w = np.array([slow_weight(weight, t, n, curve) for weight in WEIGHTS])
            p = n1 / n
            v = d * p * (1 - p) * (n - d) / (n - 1) if n > 1 else 0.0
            score += w * (d1 - d * p)
            variance += np.outer(w, w) * v
            information += w * v
    return score, variance, information


@pytest.mark.parametrize("strata", [1, 3])
def test_weighted_scores_equal_the_slow_twin(strata: int) -> None:
    block = simulate(1, strata=strata)
    scores = weighted_scores(block, WEIGHTS)
    for r in range(len(block.time)):
        score, variance, information = slow_scores(block, r)
        assert_allclose(scores.score[r], score, rtol=1e-11, atol=1e-11)
        assert_allclose(scores.variance[r], variance, rtol=1e-11)
        assert_allclose(scores.information[r], information, rtol=1e-11)


def test_time_order_is_a_stable_sort_even_of_neighbouring_doubles() -> None:
    generator = np.random.default_rng(2)
    base = generator.exponential(size=(4, 300))
    base[:, 100:200] = np.nextafter(base[:, :100], np.inf)
    base[:, 200:250] = base[:, :50]
    base[:, 250] = 0.0
    time = generator.permuted(base, axis=1)
    assert_array_equal(time_order(time), np.argsort(time, axis=1, kind="stable"))


def slow_curve(time: np.ndarray, event: np.ndarray, tau: float) -> tuple[float, float, float, float]:
    """Return S(τ), Greenwood's sum, area and its variance, by literal sums."""
    times = [t for t in np.unique(time[event == 1]) if t <= tau]
    jumps = [(t, (time >= t).sum(), ((time == t) & (event == 1)).sum()) for t in times]

    def curve(t: float) -> float:
        return float(np.prod([1 - d / n for u, n, d in jumps if u <= t]))

    grid = np.array([0.0, *times, tau])

    def area_from(t: float) -> float:
        cuts = np.concatenate([[t], grid[grid > t]])
        return sum(curve(a) * (b - a) for a, b in itertools.pairwise(cuts))

    greenwood = sum(d / (n * (n - d)) for _, n, d in jumps if n > d)
    variance = sum(area_from(t) ** 2 * d / (n * (n - d)) for t, n, d in jumps if n > d)
    return curve(tau), greenwood, area_from(0.0), variance


def test_restricted_means_and_milestones_equal_the_slow_twin() -> None:
    block, tau = simulate(3), 7.5
    means = restricted_mean_survival_block(block.time, block.event, block.arm, tau)
    milestones = milestone_survival_block(block.time, block.event, block.arm, tau, scale="log_log")
    for r in range(len(block.time)):
        control, active = (
            slow_curve(block.time[r][block.arm[r] == a], block.event[r][block.arm[r] == a], tau)
            for a in (0, 1)
        )
        assert_allclose(means.estimate[r], active[2] - control[2], rtol=1e-11)
        assert_allclose(means.standard_error[r], np.sqrt(active[3] + control[3]), rtol=1e-11)
        log_log = [np.log(-np.log(one[0])) for one in (active, control)]
        variance = sum(one[1] / np.log(one[0]) ** 2 for one in (active, control))
        assert_allclose(milestones.estimate[r], log_log[0] - log_log[1], rtol=1e-11)
        assert_allclose(milestones.standard_error[r], np.sqrt(variance), rtol=1e-11)


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-2.3, np.inf), (-np.inf, 1.1), (-6.0, 6.0)])
def test_tail_probability_equals_the_bivariate_integral(low: float, high: float) -> None:
    rho = 0.83
    root = np.sqrt(1 - rho**2)

    def outside(x: float) -> float:
        return stats.norm.pdf(x) * (
            stats.norm.cdf((low - rho * x) / root) + stats.norm.sf((high - rho * x) / root)
        )

    knots = [max(low, -9.0), 0.0, min(high, 9.0)]
    inside = sum(
        integrate.quad(outside, a, b, epsabs=0, epsrel=1e-11, limit=400)[0]
        for a, b in itertools.pairwise(knots)
    )
    exact = stats.norm.cdf(low) + stats.norm.sf(high) + inside
    assert_allclose(tail_probability(np.array([[1, rho], [rho, 1]]), low, high), exact, rtol=2e-6)


def test_tail_probability_of_independent_and_of_identical_variables() -> None:
    single = 2 * stats.norm.sf(2.2)
    assert_allclose(tail_probability(np.eye(3), -2.2, 2.2), 1 - (1 - single) ** 3, rtol=1e-6)
    assert_allclose(tail_probability(np.ones((3, 3)), -2.2, 2.2), single, rtol=1e-12)


@pytest.mark.parametrize("bound", [1.0, 2.0, 3.0])
def test_tail_probability_equals_the_trivariate_normal_of_scipy(bound: float) -> None:
    correlation = np.array([[1, 0.848, 0.906], [0.848, 1, 0.981], [0.906, 0.981, 1]])
    law = stats.multivariate_normal(cov=correlation, abseps=1e-8, releps=1e-8, maxpts=2_000_000)
    both = 1 - law.cdf([bound] * 3, lower_limit=[-bound] * 3)
    one = 1 - law.cdf([bound] * 3)
    assert_allclose(tail_probability(correlation, -bound, bound), both, rtol=0, atol=2e-6)
    assert_allclose(tail_probability(correlation, -np.inf, bound), one, rtol=0, atol=2e-6)


def test_four_weights_are_a_problem_of_rank_three() -> None:
    variance = weighted_scores(simulate(4, participants=200), FOUR_WEIGHTS).variance[0]
    root = np.sqrt(np.diag(variance))
    factor, last = np.zeros((4, 4)), np.zeros(4, np.int64)
    assert pivoted_factor(variance / np.outer(root, root), factor, last) == 3
    assert_allclose(factor @ factor.T, variance / np.outer(root, root), atol=1e-12)


def test_screened_decisions_equal_integrated_ones() -> None:
    block = simulate(5, replicates=400, participants=80)
    arguments = (block.time, block.event, block.arm)
    exact = max_combo_block(*arguments)
    for level in (0.01, 0.05, 0.3):
        screened = max_combo_block(*arguments, decide_at=level)
        assert_array_equal(screened.rejects(level), exact.rejects(level))
        assert (screened.p_value != exact.p_value).any()


def test_max_combo_of_one_weight_is_the_log_rank_test() -> None:
    block = simulate(6)
    arguments = (block.time, block.event, block.arm)
    alone, single = max_combo_block(*arguments, weights=FOUR_WEIGHTS[:1]), log_rank_block(*arguments)
    assert_allclose(alone.p_value, single.p_value, rtol=1e-12)
    assert_array_equal(alone.estimate, single.estimate)
