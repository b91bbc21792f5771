"""Conditional and predictive power against closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from trialsim.design import PocockSpending, conditional_power, group_sequential_design, predictive_power
from trialsim.design.group_sequential import conditional_bounds, predictive_power_normal, repeated_p_value
from trialsim.streams import stream

TWO = group_sequential_design([0.4, 1.0])


@pytest.mark.parametrize("z", [-0.5, 1.0, 2.2])
@pytest.mark.parametrize("drift", [-3.0, 0.0, 3.0, 9.0])
def test_conditional_power_of_one_later_look(z: float, drift: float) -> None:
    expected = norm.cdf((z * math.sqrt(0.4) + drift * 0.6 - TWO.upper[1]) / math.sqrt(0.6))
    assert conditional_power(TWO, 1, z, drift).upper.sum() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("z", [-0.5, 1.0, 2.2])
def test_predictive_power_closed_forms(z: float) -> None:
    flat = norm.cdf((z / math.sqrt(0.4) - TWO.upper[1]) / math.sqrt(0.6 / 0.4))
    assert predictive_power_normal(TWO, 1, z) == pytest.approx(flat, abs=1e-10)
    sure = conditional_power(TWO, 1, z, 2.0).upper.sum()
    assert predictive_power_normal(TWO, 1, z, mean=2.0, sd=1e-6) == pytest.approx(sure, abs=1e-9)
    assert predictive_power(TWO, 1, z, [2.0], [3.0]) == pytest.approx(sure, abs=1e-12)


def test_normal_prior_is_the_limit_of_a_fine_one() -> None:
    design = group_sequential_design([0.3, 0.6, 1.0], efficacy=PocockSpending())
    drifts = np.linspace(-6, 9, 301)
    weights = norm.pdf(drifts, 1.5, 1.0)
    fine = predictive_power(design, 1, 1.1, drifts.tolist(), weights.tolist())
    assert predictive_power_normal(design, 1, 1.1, mean=1.5, sd=1.0) == pytest.approx(fine, abs=1e-8)


def test_conditional_power_counts_later_looks_by_simulated_paths() -> None:
    design = group_sequential_design([0.3, 0.6, 1.0], efficacy=PocockSpending())
    z, drift, paths = 1.1, 2.5, 400_000
    steps = stream(11, "conditional", 0, "outcome").normal(
        drift * np.array([0.3, 0.4]), np.sqrt([0.3, 0.4]), (paths, 2)
    )
    later = (z * math.sqrt(0.3) + np.cumsum(steps, axis=1)) / np.sqrt([0.6, 1.0])
    rejected = np.mean(np.any(later >= design.upper[1:], axis=1))
    power = conditional_power(design, 1, z, drift).upper.sum()
    assert abs(rejected - power) < 4 * math.sqrt(power * (1 - power) / paths)


def test_more_information_keeps_the_conditional_type_one_error() -> None:
    design = group_sequential_design([0.3, 0.6, 1.0])
    planned = conditional_power(design, 1, 1.5, 0.0).upper
    added, upper, _ = conditional_bounds(design, 1, 1.5, information=[0.6, 1.4])
    doubled = conditional_power(design, 1, 1.5, 0.0, information=[0.6, 1.4])
    np.testing.assert_allclose(doubled.upper, planned, atol=1e-12)
    np.testing.assert_allclose(upper, conditional_bounds(design, 1, 1.5)[1])
    assert added.tolist() == [0.6, 1.4]
    more = conditional_power(design, 1, 1.5, 2.5, information=[0.6, 1.4]).upper.sum()
    assert more > conditional_power(design, 1, 1.5, 2.5).upper.sum()


def test_conditional_error_averages_to_alpha() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    error = [
        1.0 if z >= TWO.upper[0] else conditional_power(TWO, 1, float(z), 0.0).upper.sum() for z in nodes
    ]
    assert np.dot(weights, error) / weights.sum() == pytest.approx(0.025, abs=2e-5)


def test_repeated_p_value_is_in_range_and_falls_with_z() -> None:
    found = [repeated_p_value(TWO, 1, z) for z in (-1.0, 0.5, 2.0, 3.5)]
    assert found[0] == 0.5
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < 0.025
