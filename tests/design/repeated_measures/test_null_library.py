"""The null library equals its slow twins, and obeys the symmetries of the law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.design.repeated_measures import large_sample_inflation, null_library, power_surface
from trialsim.design.repeated_measures.exact_law_kernel import read_direction
from trialsim.errors import AnalysisError

VISITS = 4
RETENTION = [1.0, 0.9, 0.85, 0.7]
SIGMA = np.array([[0.7 ** abs(i - j) for j in range(VISITS)] for i in range(VISITS)]) * 1.3


@pytest.fixture(scope="module")
def library():
    return null_library((25, 31), RETENTION, np.random.default_rng(1), draws=4_000, covariates=1)


def test_reading_a_direction_equals_matrix_algebra_and_numeric_derivatives(library):
    direction = np.linalg.cholesky(SIGMA)[-1]
    rest, error, df = (np.full(len(library), np.nan) for _ in range(3))
    read_direction(direction, library.draws, rest, error, df)
    made = library.draws
    for d in (0, 7, 23):
        lower, t, a = made.lower[d], made.innovations[d], made.precisions[d]
        regression = np.eye(VISITS) - np.linalg.inv(lower)

        def variance(f, t, a=a):
            root = np.linalg.inv(np.eye(VISITS) - f)
            return direction @ root @ np.diag(t * a) @ root.T @ direction

        def slope(move, f=regression, t=t, variance=variance):
            return (variance(f + move[0], t + move[1]) - variance(f - move[0], t - move[1])) / 2e-6

        spread = 0.0
        for j in range(VISITS):
            unit = np.zeros(VISITS)
            unit[j] = 1e-6
            spread += slope((0.0, unit)) ** 2 * 2 * t[j] ** 2 / made.freedom[d, j]
            part = np.zeros(j)
            for s in range(j):
                step = np.zeros((VISITS, VISITS))
                step[j, s] = 1e-6
                part[s] = slope((step, 0.0))
            cross = made.factors[d, j, :j, :j] @ made.factors[d, j, :j, :j].T
            spread += t[j] * part @ np.linalg.solve(cross, part) if j else 0.0
        assert rest[d] == pytest.approx(direction @ made.effects[d], rel=1e-12)
        assert error[d] == pytest.approx(np.sqrt(variance(regression, t)), rel=1e-12)
        assert df[d] == pytest.approx(2 * variance(regression, t) ** 2 / spread, rel=1e-6)


def test_power_averages_both_signs_and_integrates_the_first_contrast(library):
    """Direct Monte Carlo over the integrated part and the sign gives the same power."""
    generator = np.random.default_rng(2)
    found = [(library.estimates(0.8, SIGMA, generator).p_value <= 0.05).mean() for _ in range(40)]
    curve = library.power([0.8], SIGMA)
    error = np.hypot(np.std(found) / np.sqrt(40), curve.monte_carlo_error[0])
    assert abs(np.mean(found) - curve.power[0]) < 4 * error


def test_power_is_symmetric_and_follows_units(library):
    curve = library.power([-0.6, 0.6], SIGMA)
    assert curve.power[0] == pytest.approx(curve.power[1], rel=1e-12)
    assert library.power([6.0], 100.0 * SIGMA).power[0] == pytest.approx(curve.power[1], rel=1e-10)


def test_level_is_near_nominal_and_power_rises(library):
    curve = library.power([0.0, 0.5, 1.0, 5.0], SIGMA)
    assert curve.power[0] == pytest.approx(0.05, abs=0.006)
    assert (np.diff(curve.power) > 0).all()
    assert curve.power[-1] > 0.999


def test_large_trials_tend_to_the_large_sample_formula():
    library = null_library(
        (2_000, 2_000), RETENTION, np.random.default_rng(3), draws=2_000, random_dropout=False
    )
    correlation = SIGMA / 1.3
    error = np.sqrt(2 * large_sample_inflation(correlation, RETENTION) / 2_000)
    effect = 2.5 * error
    expected = stats.norm.sf(1.959964 - 2.5)
    curve = library.power([effect], correlation)
    assert curve.power[0] == pytest.approx(expected, abs=0.003 + 3 * curve.monte_carlo_error[0])


def test_everybody_observed_gives_the_t_test_at_every_visit():
    library = null_library((12, 15), np.ones(3), np.random.default_rng(4), draws=20_000)
    for visit in range(3):
        error = np.sqrt(1 / 12 + 1 / 15)
        expected = stats.nct.sf(stats.t.ppf(0.975, 25), 25, 1.1 / error)
        curve = library.power([1.1], np.eye(3), visit=visit)
        assert curve.power[0] == pytest.approx(expected, abs=4 * curve.monte_carlo_error[0] + 1e-4)


def test_control_variate_has_expectation_zero_and_errors_are_honest(library):
    control = library._control(SIGMA, -1)
    assert abs(control.mean()) < 4 * control.std() / np.sqrt(len(control))
    effects = np.array([0.4, 0.8])
    truth = (
        null_library((25, 31), RETENTION, np.random.default_rng(5), draws=60_000).power(effects, SIGMA).power
    )
    scores = []
    for seed in range(60):
        curve = null_library((25, 31), RETENTION, np.random.default_rng(100 + seed), draws=300).power(
            effects, SIGMA
        )
        scores.append((curve.power - truth) / curve.monte_carlo_error)
    assert np.std(scores, axis=0) == pytest.approx(1.0, abs=0.3)
    assert np.abs(np.mean(scores, axis=0)).max() < 4 / np.sqrt(60)


def test_surface_meets_its_tolerance_and_is_smooth():
    retentions = [np.linspace(1.0, last, 3) for last in (0.9, 0.8, 0.7, 0.6)]
    surface = power_surface(
        [0.0, 0.5, 1.0], retentions, (30, 30), np.eye(3), np.random.default_rng(6), tolerance=0.002
    )
    assert surface.monte_carlo_error.max() <= 0.002
    assert (np.diff(surface.power[1:], axis=1) < 0).all()
    assert len(surface.to_frame()) == 12
    assert surface.plot().data[0].z.shape == (3, 4)


def test_draws_without_a_fit_are_counted_and_never_reject():
    library = null_library((6, 6), [1.0, 0.5, 0.3], np.random.default_rng(7), draws=2_000)
    curve = library.power([50.0], np.eye(3))
    assert 0.1 < curve.failed < 0.9
    assert curve.power[0] == pytest.approx(1 - curve.failed, abs=0.02)
    found = library.estimates(50.0, np.eye(3), np.random.default_rng(8))
    assert (found.status > 0).mean() == pytest.approx(curve.failed)
    assert np.isnan(found.estimate[found.status > 0]).all()


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda g: null_library((10, 10), [1.0, 1.1], g), "retention"),
        (lambda g: null_library((10, 10), [0.8, 0.9], g), "never rise"),
        (lambda g: null_library((0, 10), [1.0, 0.9], g), "at least 1"),
        (lambda g: null_library((10, 10), [1.0, 0.9], g, draws=10).power([1.0], np.eye(3)), "2 x 2"),
        (
            lambda g: null_library((10, 10), [1.0, 0.9], g, draws=10).power([1.0], -np.eye(2)),
            "positive definite",
        ),
        (lambda g: null_library((10, 10), [1.0, 0.9], g, draws=10).power([1.0], np.eye(2), alpha=5), "alpha"),
        (lambda g: power_surface([1.0], [[1.0, 0.9]], (9, 9), np.eye(2), g, tolerance=0.0), "tolerance"),
        (lambda _: large_sample_inflation(2 * np.eye(2), [1.0, 0.9]), "ones on its diagonal"),
    ],
)
def test_impossible_designs_are_refused(work, words):
    with pytest.raises(AnalysisError, match=words):
        work(np.random.default_rng(1))
