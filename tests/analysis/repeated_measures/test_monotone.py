"""The closed-form MMRM equals slow, obvious twins: least squares visit by visit, and a dense likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from trialsim.analysis.repeated_measures.closed_form.block import (
    REASONS,
    fit_monotone,
    monotone_block,
    monotone_moments,
)
from trialsim.errors import AnalysisError


def trial(seed: int, participants: int = 60, visits: int = 4, hazard: float = 0.12):
    generator = np.random.default_rng(seed)
    outcomes = 3.0 + generator.standard_normal((participants, visits)).cumsum(axis=1)
    last = generator.geometric(hazard, participants)
    outcomes[np.arange(visits) >= last[:, None]] = np.nan
    arm = np.arange(participants) % 2
    return outcomes, np.column_stack([np.ones(participants), arm, generator.normal(5.0, 1.0, participants)])


def twin(outcomes, covariates, restricted=True):
    """Least squares of each visit on the covariates and the earlier visits."""
    visits, q = outcomes.shape[1], covariates.shape[1]
    regression, innovation, conditional = np.zeros((visits, visits)), np.zeros(visits), np.zeros((q, visits))
    for j in range(visits):
        here = ~np.isnan(outcomes[:, j])
        design = np.column_stack([covariates[here], outcomes[here, :j]])
        solution, *_ = np.linalg.lstsq(design, outcomes[here, j])
        residual = outcomes[here, j] - design @ solution
        innovation[j] = residual @ residual / (here.sum() - (q if restricted else 0))
        conditional[:, j], regression[j, :j] = solution[:q], solution[q:]
    lower = np.linalg.inv(np.eye(visits) - regression)
    return lower @ np.diag(innovation) @ lower.T, conditional @ lower.T


def dense_deviance(sigma, outcomes, covariates, restricted=True):
    """Return -2 (restricted) log-likelihood and the generalised least squares of the stacked model."""
    q, visits = covariates.shape[1], outcomes.shape[1]
    information, right = np.zeros((q * visits, q * visits)), np.zeros(q * visits)
    deviance, size, quadratic = 0.0, 0, 0.0
    for y, z in zip(outcomes, covariates, strict=True):
        seen = ~np.isnan(y)
        inverse = np.linalg.inv(sigma[np.ix_(seen, seen)])
        design = np.kron(np.eye(visits)[seen], z)
        information += design.T @ inverse @ design
        right += design.T @ inverse @ y[seen]
        quadratic += y[seen] @ inverse @ y[seen]
        deviance -= np.linalg.slogdet(inverse)[1]
        size += seen.sum()
    mean = np.linalg.solve(information, right)
    deviance += quadratic - right @ mean
    free = q * visits if restricted else 0
    if restricted:
        deviance += np.linalg.slogdet(information)[1]
    return deviance + (size - free) * np.log(2 * np.pi), mean.reshape(visits, q).T, np.linalg.inv(information)


@pytest.mark.parametrize("likelihood", ["reml", "ml"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kernel_equals_least_squares_twin(seed, likelihood):
    outcomes, covariates = trial(seed)
    fit = fit_monotone(outcomes, covariates, likelihood)
    sigma, means = twin(outcomes, covariates, likelihood == "reml")
    np.testing.assert_allclose(fit.sigma, sigma, rtol=1e-10)
    np.testing.assert_allclose(fit.coefficients, means, rtol=1e-9, atol=1e-10)
    block_sigma, block_means, status = monotone_moments(outcomes[None], covariates, likelihood)
    assert status[0] == 0
    np.testing.assert_allclose(block_sigma[0], sigma, rtol=1e-8)
    np.testing.assert_allclose(block_means[0], means, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("likelihood", ["reml", "ml"])
def test_fit_is_the_optimum_of_the_dense_likelihood(likelihood):
    outcomes, covariates = trial(4, participants=40, visits=3)
    restricted = likelihood == "reml"
    fit = fit_monotone(outcomes, covariates, likelihood)
    deviance, means, variance = dense_deviance(fit.sigma, outcomes, covariates, restricted)
    assert fit.minus_two_log_likelihood == pytest.approx(deviance, rel=1e-12)
    np.testing.assert_allclose(fit.coefficients, means, rtol=1e-8)
    assert fit.contrast([0, 1, 0])[1] == pytest.approx(np.sqrt(variance[7, 7]), rel=1e-10)

    rows, columns = np.tril_indices(3)

    def of(elements):
        sigma = np.zeros((3, 3))
        sigma[rows, columns] = elements
        sigma[columns, rows] = elements
        return dense_deviance(sigma, outcomes, covariates, restricted)

    start = fit.sigma[rows, columns]
    assert np.abs(approx_fprime(start, lambda s: of(s)[0], 1e-6)).max() < 2e-3

    step, size = 1e-3, len(start)
    eye = np.eye(size) * step
    hessian = np.array(
        [
            [
                of(start + a + b)[0] - of(start + a - b)[0] - of(start - a + b)[0] + of(start - a - b)[0]
                for b in eye
            ]
            for a in eye
        ]
    ) / (4 * step**2)
    gradient = np.array([(of(start + a)[2][7, 7] - of(start - a)[2][7, 7]) / (2 * step) for a in eye])
    spread = gradient @ np.linalg.solve(hessian / 2, gradient)
    assert fit.contrast([0, 1, 0])[2] == pytest.approx(2 * variance[7, 7] ** 2 / spread, rel=1e-4)


def test_block_equals_single_fits():
    trials = [trial(seed) for seed in range(10, 16)]
    outcomes, covariates = (np.array(part) for part in zip(*trials, strict=True))
    for visit in (0, 2, -1):
        found = monotone_block(outcomes, covariates, visit=visit)
        single = np.array([fit_monotone(y, z).contrast([0, 1, 0], visit) for y, z in trials])
        np.testing.assert_allclose(found.estimate, single[:, 0], rtol=1e-8)
        np.testing.assert_allclose(found.standard_error, single[:, 1], rtol=1e-8)
        np.testing.assert_allclose(found.df, single[:, 2], rtol=1e-6)


def test_contrast_follows_a_shift_of_the_covariate():
    outcomes, covariates = trial(5)
    moved = covariates + np.array([0.0, 0.0, 1e4])
    here = fit_monotone(outcomes, covariates).contrast([1.0, 0.5, 5.0], 1)
    there = fit_monotone(outcomes, moved).contrast([1.0, 0.5, 5.0 + 1e4], 1)
    np.testing.assert_allclose(here, there, rtol=1e-8)


def test_participants_without_outcome_do_not_enter():
    outcomes, covariates = trial(6)
    more = np.vstack([outcomes, np.full((2, 4), np.nan)])
    both = np.vstack([covariates, [[1.0, 0.0, np.nan], [1.0, 1.0, 3.0]]])
    np.testing.assert_allclose(fit_monotone(more, both).sigma, fit_monotone(outcomes, covariates).sigma)


def broken(kind):
    outcomes, covariates = trial(7)
    if kind == "not_monotone":
        outcomes[np.flatnonzero(~np.isnan(outcomes[:, 2]))[0], 1] = np.nan
    elif kind == "too_few_participants_at_visit":
        outcomes[6:, 3] = np.nan
    elif kind == "singular_design":
        covariates[:, 2] = covariates[:, 1] * 2 + 1
    elif kind == "no_residual_variance":
        outcomes[~np.isnan(outcomes[:, 1]), 1] = 4.0
    return outcomes, covariates


@pytest.mark.parametrize("kind", REASONS[1:])
def test_failures_carry_their_name(kind):
    outcomes, covariates = broken(kind)
    good = trial(8)
    found = monotone_block(np.array([good[0], outcomes]), np.array([good[1], covariates]))
    assert found.status[0] == 0
    assert REASONS[found.status[1]] == kind
    assert np.isfinite(found.estimate[0])
    assert np.isnan(found.estimate[1])
    assert not found.rejects(1.0)[1]
    with pytest.raises(AnalysisError, match=kind):
        fit_monotone(outcomes, covariates)


def test_non_finite_values_are_refused_by_position():
    outcomes, covariates = trial(9)
    outcomes[11, 0] = np.inf
    with pytest.raises(AnalysisError, match="position 11 of replicate 0"):
        monotone_block(outcomes[None], covariates)
    with pytest.raises(AnalysisError, match="not finite"):
        fit_monotone(outcomes, covariates)


def test_shapes_and_names_are_checked():
    outcomes, covariates = trial(9)
    with pytest.raises(AnalysisError, match="participants of the outcomes"):
        monotone_block(outcomes[None], covariates[:-1])
    with pytest.raises(AnalysisError, match="first covariate must be 1"):
        monotone_block(outcomes[None], covariates[:, 1:])
    with pytest.raises(AnalysisError, match="'reml' or 'ml'"):
        fit_monotone(outcomes, covariates, "REML")  # type: ignore[arg-type]  # the fault under test
