"""Negative binomial regression of replicate trials: coefficients and dispersion by maximum likelihood.

Counts have mean μ = exposure × exp(x'β) and variance μ + k μ². Newton's method for β, in which the likelihood
is concave, and for θ = 1/k take turns until both decrements vanish. Where the likelihood falls as k leaves 0,
that is where Σ (y − μ)² ≤ Σ y in the Poisson model, the maximum lies at k = 0 exactly.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.gram import invert, sandwich
from trialsim.analysis.linear.kernel import (
    COLLINEAR_COVARIATE,
    CONSTANT_OUTCOME,
    NO_RESIDUAL_VARIANCE,
    OK,
    TOO_FEW_PARTICIPANTS,
    centre,
    fill_row,
)
from trialsim.analysis.marginal.working_model import THETA_DECREMENT, improve_theta
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

WITHOUT_ESTIMATE = (COLLINEAR_COVARIATE, NOT_CONVERGED, NO_RESIDUAL_VARIANCE, INFINITE_COEFFICIENT)

ESTIMATED = -1.0
MOST_STEPS = 100
DECREMENT = 1e-11  # before the last step, which about squares it
LARGEST_STEP = 5.0  # of a log mean
SMALLEST_LOG_MEAN = -25.0
ROUNDING = 1e-13
VARIANCE_ROUNDING = 1e-16  # of a log ratio
LEVERAGE_ROUNDING = 1e-9  # of one less the leverage
VARIANCES = ("model", "robust", "corrected")  # a kernel is told the position
MODEL, ROBUST, CORRECTED = 0, 1, 2


@njit(cache=True)
def accumulate(
    X: Floats,
    y: Floats,
    offset: Floats,
    k: float,
    beta: Floats,
    mu: Floats,
    score: Floats,
    gram: Floats,
) -> float:
    """Fill means, score and the lower triangle of the observed information; return the log-likelihood."""
    n, K = X.shape
    score[:], gram[:] = 0.0, 0.0
    loglik = 0.0
    for i in range(n):
        eta = offset[i]
        for j in range(K):
            eta += X[i, j] * beta[j]
        mu[i] = np.exp(eta)
        spread = 1.0 + k * mu[i]
        loglik += y[i] * eta - (mu[i] if k == 0.0 else (y[i] + 1.0 / k) * np.log1p(k * mu[i]))
        residual, weight = (y[i] - mu[i]) / spread, mu[i] * (1.0 + k * y[i]) / (spread * spread)
        for j in range(K):
            score[j] += residual * X[i, j]
            scaled = weight * X[i, j]
            for m in range(j + 1):
                gram[j, m] += scaled * X[i, m]
    return loglik


@njit(cache=True)
def longest_move(X: Floats, change: Floats) -> float:
    """Return the largest absolute move of a log mean by a step."""
    longest = 0.0
    for i in range(X.shape[0]):
        along = 0.0
        for j in range(change.size):
            along += X[i, j] * change[j]
        longest = max(longest, abs(along))
    return longest


@njit(cache=True)
def maximise(X: Floats, y: Floats, offset: Floats, k: float, beta: Floats, mu: Floats) -> tuple[int, int]:
    """Improve `beta` given k by Newton's method with halved steps; return a status and a dependent column."""
    K = beta.size
    score, gram, lower, inverse = np.zeros(K), np.zeros((K, K)), np.zeros((K, K)), np.zeros((K, K))
    trial, change = beta.copy(), np.zeros(K)
    best = -np.inf
    for step in range(MOST_STEPS):
        share = 1.0
        while True:
            for j in range(K):
                trial[j] = beta[j] + share * change[j]
            value = accumulate(X, y, offset, k, trial, mu, score, gram)
            if value >= best - ROUNDING * abs(best) or share < 1e-9:
                break
            share *= 0.5
        beta[:], best = trial, value
        if not np.log(mu.min()) >= SMALLEST_LOG_MEAN:
            return INFINITE_COEFFICIENT, -1
        dependent = invert(gram, K, lower, inverse)
        if dependent >= 0:
            return (COLLINEAR_COVARIATE if step == 0 else INFINITE_COEFFICIENT), dependent
        change[:] = inverse @ score
        if score @ change <= DECREMENT:
            beta += change
            accumulate(X, y, offset, k, beta, mu, score, gram)
            return OK, -1
        longest = longest_move(X, change)
        if longest > LARGEST_STEP:
            change *= LARGEST_STEP / longest
    return NOT_CONVERGED, -1


@njit(cache=True)
def fit_counts(
    X: Floats, y: Floats, offset: Floats, dispersion: float, beta: Floats, mu: Floats
) -> tuple[int, int, float]:
    """Fit one trial; return a status, a dependent column, and k.

    k is estimated if `dispersion` is ESTIMATED, else kept; 0 is the Poisson model.
    """
    beta[:] = 0.0
    beta[0] = np.log(y.sum() / np.exp(offset).sum())
    known = max(dispersion, 0.0)
    status, column = maximise(X, y, offset, known, beta, mu)
    if status != OK or dispersion != ESTIMATED:
        return status, column, known
    excess = np.sum((y - mu) ** 2 - y)
    if excess <= 0.0:
        return OK, -1, 0.0
    theta = np.sum(mu * mu) / excess
    for _ in range(MOST_STEPS):
        before = theta
        theta, entered = improve_theta(theta, y, mu)
        if entered < THETA_DECREMENT or theta == before:
            return OK, -1, 1.0 / theta
        status, column = maximise(X, y, offset, 1.0 / theta, beta, mu)
        if status != OK:
            return status, column, 1.0 / theta
    return NOT_CONVERGED, -1, 1.0 / theta


@njit(cache=True)
def coefficient_covariance(
    X: Floats, y: Floats, mu: Floats, dispersion: float, variance: int, covariance: Floats, df: Floats
) -> None:
    """Fill the inverse of the expected information (K, K), or a sandwich around it.

    Corrected, df (K,) is filled too; the variance is 0 where a coefficient cannot be told without somebody.
    """
    n, K = X.shape
    gram, meat = np.zeros((K, K)), np.zeros((K, K))
    for i in range(n):
        weight = mu[i] / (1.0 + dispersion * mu[i])
        for j in range(K):
            for k in range(j + 1):
                gram[j, k] += weight * (X[i, j] * X[i, k])
    lower, inverse = np.zeros((K, K)), np.zeros((K, K))
    invert(gram, K, lower, inverse)
    if variance == MODEL:
        covariance[:] = inverse
        return
    owed, owed2 = np.zeros(K), np.zeros(K)
    for i in range(n):
        spread = 1.0 + dispersion * mu[i]
        rest = 1.0
        if variance == CORRECTED:
            along = inverse @ X[i]
            rest -= mu[i] / spread * (X[i] @ along)
            if rest < LEVERAGE_ROUNDING:
                covariance[:], df[:] = 0.0, np.nan
                return
            for j in range(K):
                q = mu[i] / spread * along[j] ** 2 / rest
                owed[j] += q
                owed2[j] += q * q
        square = ((y[i] - mu[i]) / (spread * rest)) ** 2
        for j in range(K):
            for k in range(j + 1):
                meat[j, k] += square * (X[i, j] * X[i, k])
    sandwich(inverse, meat, K, covariance)
    if variance == CORRECTED:
        df[:] = owed**2 / owed2


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
    variance: int,
    coefficients: Floats,
    covariance: Floats,
    df: Floats,
    means: Floats,
    dispersions: Floats,
    status: Labels,
    dependent: Ints,
) -> None:
    """Fit every replicate; see `trialsim.analysis.counts.block` for what it means."""
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
        status[r], dependent[r], dispersions[r] = fit_counts(
            X[:n], y[:n], offset[:n], dispersion, coefficients[r], mu[:n]
        )
        if status[r] != OK:
            continue
        coefficient_covariance(X[:n], y[:n], mu[:n], dispersions[r], variance, covariance[r], df[r])
        for b in range(1, arms):
            if not covariance[r, b, b] > VARIANCE_ROUNDING:
                status[r] = NO_RESIDUAL_VARIANCE
