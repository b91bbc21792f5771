from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from trialsim.prognosis.histories.learnable import learnable_rows
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.gram import SCALES, draw_coefficients, gram_sums, weighted_gram

POINT = np.array([[0.3, 0.2, 0.9, 0.6, -0.4, 0.7]])


@pytest.fixture
def small(simulate_history):
    """Return a small history with monotone and intermittent gaps."""
    history = simulate_history(participants=25, dropout=0.15, seed=3)
    outcomes = history.outcomes.copy()
    outcomes[::7, 1] = np.nan
    history = replace(history, outcomes=outcomes)
    return history.take(learnable_rows(history))


def dense(history, scales, varies=(1.0, 1.0)):
    """Return outcomes, regression, noise covariance and prior variance, one row an observation."""
    standardisation = standardise(history)
    x = standardisation.matrix(history.covariates, history.baseline)
    clock = standardisation.clock(history.weeks)
    tau_level, tau_slope, sd0, sd1, rho, sigma = scales
    sd0, sd1 = sd0 * varies[0], sd1 * varies[1]
    y, z, owner, time = [], [], [], []
    for i in range(len(history)):
        for v, t in enumerate(clock):
            if np.isfinite(history.outcomes[i, v]):
                y.append((history.outcomes[i, v] - history.baseline[i]) / standardisation.unit)
                z.append(np.concatenate([np.eye(len(clock))[v], x[i], x[i] * t]))
                owner.append(i)
                time.append(t)
    owner, time = np.array(owner), np.array(time)
    effects = sd0**2 + rho * sd0 * sd1 * (time[:, None] + time) + sd1**2 * np.outer(time, time)
    covariance = np.where(owner[:, None] == owner, effects, 0.0) + sigma**2 * np.eye(len(y))
    prior = np.concatenate([np.full(len(clock), 25.0), np.full(x.shape[1], tau_level**2)])
    prior = np.concatenate([prior, np.full(x.shape[1], tau_slope**2)])
    return np.array(y), np.array(z), covariance, prior


def test_weighted_gram_equals_dense_generalised_least_squares(small):
    y, z, covariance, _ = dense(small, POINT[0])
    gram, log_determinant = weighted_gram(gram_sums(small, standardise(small)), POINT)
    w = np.column_stack([y, z])
    np.testing.assert_allclose(gram[0], w.T @ np.linalg.solve(covariance, w), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_determinant[0], np.linalg.slogdet(covariance)[1], rtol=1e-12)


@pytest.mark.parametrize("visits", [1, 2, 4])
def test_pymc_density_equals_dense_multivariate_normal(simulate_history, visits):
    import pytensor

    from trialsim.prognosis.fit.model import as_data, log_marginal_likelihood

    history = simulate_history(participants=25, weeks=(12.0, 24.0, 36.0, 52.0)[:visits], dropout=0.15, seed=3)
    history = history.take(learnable_rows(history))
    sums = gram_sums(history, standardise(history))
    y, z, covariance, prior = dense(history, POINT[0], sums.varies)
    expected = multivariate_normal(np.zeros(len(y)), covariance + (z * prior) @ z.T).logpdf(y)

    data = {name: pytensor.tensor.constant(value) for name, value in as_data(sums).items()}
    scale = {name: pytensor.tensor.constant(value) for name, value in zip(SCALES, POINT[0], strict=True)}
    density = log_marginal_likelihood(data, scale, scale["correlation"])
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    assert float(pytensor.function([], density, mode=plain)()) == pytest.approx(expected, rel=1e-11)


def test_coefficients_have_their_exact_conditional_distribution(small):
    y, z, covariance, prior = dense(small, POINT[0])
    precision = z.T @ np.linalg.solve(covariance, z) + np.diag(1 / prior)
    mean = np.linalg.solve(precision, z.T @ np.linalg.solve(covariance, y))
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))

    draws = 40_000
    sums = gram_sums(small, standardise(small))
    theta = draw_coefficients(sums, np.repeat(POINT, draws, axis=0), np.random.default_rng(5))
    z_scores = (theta.mean(axis=0) - mean) / (sd / np.sqrt(draws))
    assert np.abs(z_scores).max() < 4.5
    whitened = (theta - mean) @ np.linalg.cholesky(precision)
    assert np.abs(np.cov(whitened.T) - np.eye(len(mean))).max() < 4.5 * np.sqrt(2 / draws)


def test_sums_do_not_depend_on_the_order_of_participants(small):
    turned = small.take(np.arange(len(small))[::-1])
    forth, back = (weighted_gram(gram_sums(h, standardise(h)), POINT)[0] for h in (small, turned))
    np.testing.assert_allclose(forth, back, rtol=1e-9, atol=1e-9)


def test_sums_do_not_grow_with_participants(simulate_history):
    few, many = (simulate_history(participants=n, dropout=0.0) for n in (50, 500))
    shapes = [gram_sums(h, standardise(h)).by_pattern.shape for h in (few, many)]
    assert shapes[0] == shapes[1]
