"""Negative binomial regression of replicate trials: coefficients and dispersion by maximum likelihood.

Counts have mean μ = exposure × exp(x'β) and variance μ + k μ². Fisher scoring for β and Newton's method
for θ = 1/k take turns until both decrements vanish. Where the likelihood falls as k leaves 0, that is
where Σ (y − μ)² ≤ Σ y in the Poisson model, the maximum lies at k = 0 exactly.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear_gram import invert, sandwich
from trialsim.analysis.linear_kernel import (
    COLLINEAR_COVARIATE,
    CONSTANT_OUTCOME,
    NO_RESIDUAL_VARIANCE,
    OK,
    TOO_FEW_PARTICIPANTS,
    centre,
    fill_row,
)
from trialsim.analysis.marginal_effects_working_model import (
    AT_LIMIT,
    CONVERGED,
    DIVERGED,
    LARGEST_PREDICTOR,
    MOST_THETA_STEPS,
    NEGATIVE_BINOMIAL,
    POISSON,
    SINGULAR,
    THETA_DECREMENT,
    fit_given_theta,
    improve_theta,
    start,
)
from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

NO_EVENTS = 4
NOT_CONVERGED = 5
INFINITE_COEFFICIENT = 8
REASONS = (
    "ok",
    "too_few_participants",
    "arm_empty",
    "collinear_covariate",
    "no_events",
    "not_converged",
    "no_residual_variance",
    "not_finite",
    "infinite_coefficient",
)

ESTIMATED = -1.0
ROUNDING = 1e-16  # variance of a log ratio that only rounding leaves


@njit(cache=True)
def fit_counts(
    X: Floats, y: Floats, offset: Floats, dispersion: float, beta: Floats, mu: Floats
) -> tuple[int, int, float]:
    """Fit one trial; return an outcome of the working model, a dependent column, and k.

    k is estimated if `dispersion` is ESTIMATED, else kept; 0 is the Poisson model.
    """
    start(POISSON, y, offset, beta)
    if dispersion > 0.0:
        outcome, column = fit_given_theta(NEGATIVE_BINOMIAL, 1.0 / dispersion, X, y, offset, False, beta, mu)
        return outcome, column, dispersion
    outcome, column = fit_given_theta(POISSON, 0.0, X, y, offset, False, beta, mu)
    if outcome != CONVERGED or dispersion == 0.0:
        return outcome, column, 0.0
    excess = np.sum((y - mu) ** 2 - y)
    if excess <= 0.0:
        return CONVERGED, -1, 0.0
    theta = np.sum(mu * mu) / excess
    for _ in range(MOST_THETA_STEPS):
        before = theta
        theta, entered = improve_theta(theta, y, mu)
        if entered < THETA_DECREMENT or theta == before:
            return CONVERGED, -1, 1.0 / theta
        outcome, column = fit_given_theta(NEGATIVE_BINOMIAL, theta, X, y, offset, False, beta, mu)
        if outcome != CONVERGED:
            return outcome, column, 1.0 / theta
    return DIVERGED, -1, 1.0 / theta


@njit(cache=True)
def coefficient_covariance(
    X: Floats, y: Floats, mu: Floats, dispersion: float, robust: bool, covariance: Floats
) -> None:
    """Fill the inverse of the expected information (K, K), or the sandwich around it."""
    n, K = X.shape
    gram, meat = np.zeros((K, K)), np.zeros((K, K))
    for i in range(n):
        spread = 1.0 + dispersion * mu[i]
        square = ((y[i] - mu[i]) / spread) ** 2
        for j in range(K):
            for k in range(j + 1):
                product = X[i, j] * X[i, k]
                gram[j, k] += mu[i] / spread * product
                meat[j, k] += square * product
    lower, inverse = np.zeros((K, K)), np.zeros((K, K))
    invert(gram, K, lower, inverse)
    if robust:
        sandwich(inverse, meat, K, covariance)
    else:
        covariance[:] = inverse


@njit(cache=True)
def status_of(outcome: int, mu: Floats) -> int:
    """Return the status of a fit that ended with an outcome of the working model."""
    if outcome == CONVERGED:
        return OK
    if outcome == SINGULAR:
        return COLLINEAR_COVARIATE
    if outcome == AT_LIMIT:
        return INFINITE_COEFFICIENT
    for i in range(mu.size):
        if not abs(np.log(mu[i])) <= LARGEST_PREDICTOR:
            return INFINITE_COEFFICIENT
    return NOT_CONVERGED


@njit(cache=True)
def prepare(
    count: Floats,
    exposure: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    seen: Floats,
    mean: Floats,
    arm_count: Ints,
) -> tuple[int, int]:
    """Fill the counts of those who were observed (else NaN) and the means of their columns.

    Return how many they are, and a status.
    """
    events = np.zeros(arms)
    for i in range(count.size):
        seen[i] = count[i] if exposure[i] > 0.0 else np.nan
        if not np.isnan(seen[i]):
            events[arm[i]] += seen[i]
    n, status = centre(seen, arm, arms, covariates, np.empty(0), mean, arm_count)
    if status not in (OK, CONSTANT_OUTCOME):
        return n, status
    if events.sum() == 0.0:
        return n, NO_EVENTS
    return n, INFINITE_COEFFICIENT if events.min() == 0.0 else OK


@njit(cache=True)
def fit_replicates(
    count: Floats,
    exposure: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    dispersion: float,
    robust: bool,
    coefficients: Floats,
    covariance: Floats,
    means: Floats,
    dispersions: Floats,
    status: Labels,
    dependent: Ints,
) -> None:
    """Fit every replicate; see `trialsim.analysis.negative_binomial` for what it means."""
    R, N = count.shape
    P = covariates.shape[2]
    K = arms + P
    X, y, offset, mu = np.empty((N, K)), np.empty(N), np.empty(N), np.empty(N)
    seen, arm_count, interact = np.empty(N), np.zeros(arms, np.int64), np.zeros(P, np.bool_)
    for r in range(R):
        n, status[r] = prepare(count[r], exposure[r], arm[r], arms, covariates[r], seen, means[r], arm_count)
        if status[r] == OK and n - K < 1:
            status[r] = TOO_FEW_PARTICIPANTS
        if status[r] != OK:
            continue
        j = 0
        for i in range(N):
            if not np.isnan(seen[i]):
                y[j], offset[j] = seen[i], np.log(exposure[r, i])
                fill_row(arm[r, i], arms, covariates[r], i, means[r], interact, X, j)
                j += 1
        outcome, dependent[r], dispersions[r] = fit_counts(
            X[:n], y[:n], offset[:n], dispersion, coefficients[r], mu[:n]
        )
        status[r] = status_of(outcome, mu[:n])
        if status[r] != OK:
            continue
        coefficient_covariance(X[:n], y[:n], mu[:n], dispersions[r], robust, covariance[r])
        for b in range(1, arms):
            if not covariance[r, b, b] > ROUNDING:
                status[r] = NO_RESIDUAL_VARIANCE
