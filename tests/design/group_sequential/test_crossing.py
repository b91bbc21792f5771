"""The compiled recursion equals a slow one written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from trialsim.design import BetaSpending, HwangShihDeCani, OBrienFlemingSpending, group_sequential_design
from trialsim.design.group_sequential import NullSpending, adapted_bounds
from trialsim.design.group_sequential.crossing import crossing_probabilities, crossings, walk
from trialsim.design.group_sequential.spending import increments


def slow_crossings(time: np.ndarray, upper: np.ndarray, lower: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return (K, 2) probabilities of crossing up and down, on 8 panels of 60 nodes."""
    x, w = np.polynomial.legendre.leggauss(60)
    nodes, mass, spread, found = mean[:1], np.ones(1), 1.0, []
    for k in range(len(time)):
        points = nodes
        if k > 0:
            r = np.sqrt(time[k - 1] / time[k])
            spread = np.sqrt(1 - r**2)
            points = r * (nodes - mean[k - 1]) + mean[k]
        crossed_up = np.sum(mass * norm.sf((upper[k] - points) / spread))
        crossed_down = np.sum(mass * norm.cdf((lower[k] - points) / spread))
        found.append([crossed_up, crossed_down])
        edges = np.linspace(max(lower[k], mean[k] - 9), min(upper[k], mean[k] + 9), 9)
        half = np.diff(edges)[:, None] / 2
        nodes = (edges[:-1, None] + half * (1 + x)).ravel()
        kernel = norm.pdf((nodes[:, None] - points) / spread) / spread
        mass = (half * w).ravel() * (kernel @ mass)
    return np.array(found)


PATHS = {
    "one-sided": ([0.3, 0.6, 1.0], [3.0, 2.4, 2.0], [-np.inf] * 3),
    "two-sided": ([0.3, 0.6, 1.0], [3.0, 2.4, 2.0], [-3.0, -2.4, -2.0]),
    "futility": ([0.2, 0.5, 0.9, 1.0], [4.0, 2.9, 2.1, 2.0], [-0.5, 0.2, 1.0, 2.0]),
    "close looks": ([0.5, 0.52, 1.0, 1.01], [2.9, 2.8, 2.1, 2.0], [-1.0, -0.9, 0.5, 2.0]),
    "no interim bound": ([0.4, 1.0], [np.inf, 1.96], [-np.inf, -np.inf]),
}


@pytest.mark.parametrize("drift", [-2.0, 0.0, 3.3])
@pytest.mark.parametrize("name", PATHS)
def test_recursion_equals_slow_one(name: str, drift: float) -> None:
    time, upper, lower = (np.array(part) for part in PATHS[name])
    mean = drift * np.sqrt(time)
    slow = slow_crossings(time, upper, lower, mean)
    fast = crossing_probabilities(time, upper, lower, mean)
    np.testing.assert_allclose(np.array(fast).T, slow, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", PATHS)
def test_tilted_walk_equals_walk_under_the_drift(name: str) -> None:
    time, upper, lower = (np.array(part) for part in PATHS[name])
    base = 0.4 * time  # Not a constant effect.
    path = walk(time, upper, lower, mean=base, drifts=(-1.5, 3.0))
    for drift in (-1.5, 3.0):
        direct = crossing_probabilities(time, upper, lower, base + drift * np.sqrt(time))
        np.testing.assert_allclose(np.array(crossings(path, drift)), np.array(direct), rtol=0, atol=1e-11)


def test_spending_bounds_equal_slow_search() -> None:
    time = np.array([0.25, 0.6, 1.0])
    steps = increments(HwangShihDeCani(-2.0), 0.025, time)
    upper = np.full(3, np.inf)
    for k in range(3):

        def excess(z: float, k: int = k) -> float:
            upper[k] = z
            found = slow_crossings(time, upper, np.full(3, -np.inf), np.zeros(3))
            return float(found[k, 0] - steps[k])

        upper[k] = brentq(excess, 0.5, 6.0, xtol=1e-12)
    found = walk(time, np.full(3, np.nan), upper_spending=steps).upper
    np.testing.assert_allclose(found, upper, rtol=0, atol=1e-9)


def test_beta_spending_meets_its_own_definition() -> None:
    rule = HwangShihDeCani(-2.0)
    design = group_sequential_design([0.3, 0.7, 1.0], futility=BetaSpending(rule, binding=True))
    time, upper, lower = (np.array(part) for part in (design.information, design.upper, design.lower))
    null = slow_crossings(time, upper, lower, np.zeros(3))
    alternative = slow_crossings(time, upper, lower, design.drift * np.sqrt(time))
    np.testing.assert_allclose(null[:, 0], increments(OBrienFlemingSpending(), 0.025, time), atol=1e-10)
    np.testing.assert_allclose(alternative[:, 1], increments(rule, 0.1, time), atol=1e-10)
    assert alternative[:, 0].sum() == pytest.approx(0.9, abs=1e-10)


def test_null_spending_leaves_nothing_under_the_null() -> None:
    rule = HwangShihDeCani(-2.0)
    design = group_sequential_design([0.3, 0.7, 1.0], futility=NullSpending(rule))
    stops = design.under_null
    assert stops.stopped.sum() == pytest.approx(1.0, abs=1e-12)
    assert stops.upper.sum() < 0.025
    np.testing.assert_allclose(
        np.cumsum(stops.lower), rule.cumulative(1 - stops.upper.sum(), design.information), atol=1e-11
    )
    assert design.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)


@pytest.mark.parametrize(
    ("before", "last"), [(0.997, None), (0.998, 2.02316), (0.999, 2.01208), (0.9998, None)]
)
def test_the_last_bound_is_finite_where_the_look_before_has_almost_all_the_information(
    before: float, last: float | None
) -> None:
    """Values of mvtnorm's Miwa algorithm; the others are held to the bivariate normal itself."""
    design = group_sequential_design([0.5, before, 1.0])
    if last is not None:
        assert design.upper[-1] == pytest.approx(last, abs=6e-6)
    time = np.array(design.information)
    cor = np.sqrt(np.minimum.outer(time, time) / np.maximum.outer(time, time))
    inside = multivariate_normal.cdf(
        design.upper, np.zeros(3), cor, abseps=1e-9, maxpts=2_000_000, rng=np.random.default_rng(1)
    )
    assert 1 - inside == pytest.approx(0.025, abs=2e-6)
    assert design.alpha_spent[-1] == pytest.approx(0.025, rel=1e-9)


def test_a_look_that_adds_almost_nothing_has_a_bound_in_adapted_trials_too() -> None:
    seen = np.array([[0.5, 0.998, 1.0], [0.4, 0.9985, 1.0]])
    upper, _ = adapted_bounds(seen, OBrienFlemingSpending(), 0.025)
    assert np.isfinite(upper).all()
    assert upper[0, -1] == pytest.approx(2.02316, abs=6e-6)
