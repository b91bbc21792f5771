"""g-computation of a block: arm means standardised over everyone, with their robust covariance.

Per replicate: fit the working model, predict everyone under every arm, add each arm's mean residual
(within strata for Pocock and Simon's minimisation), average, and

    n·V_aa = [S²_a(Y) + S²(μ_a) − 2 C_a(Y, μ_a)] / π_a + 2 C_a(Y, μ_a) − S²(μ_a)
    n·V_ab = C_a(Y, μ_b) + C_b(Y, μ_a) − C(μ_a, μ_b)

S², C are sample variances and covariances, with subscript a within arm a, else over everyone.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.kernel import (
    COLLINEAR_COVARIATE,
    NO_RESIDUAL_VARIANCE,
    OK,
    TOO_FEW_PARTICIPANTS,
    centre,
    fill_row,
    fixed_by_blocks,
)
from trialsim.analysis.marginal.working_model import (
    AT_LIMIT,
    CONVERGED,
    SINGULAR,
    fit_working_model,
    inverse_link,
)
from trialsim.data import Bools, Floats, Ints

Labels = NDArray[np.int8]

NOT_CONVERGED = 5
MEAN_OUT_OF_RANGE = 8
PENALISED = 9
LIMIT_OF_SEPARATION = 10
SEPARATED = (PENALISED, LIMIT_OF_SEPARATION)
REASONS = (
    "ok",
    "too_few_participants",
    "arm_empty",
    "collinear_covariate",
    "constant_outcome",
    "not_converged",
    "no_residual_variance",
    "not_finite",
    "mean_out_of_range",
    "penalised_for_separation",
    "limit_of_separation",
)

WITHOUT_ESTIMATE = (COLLINEAR_COVARIATE, NOT_CONVERGED, NO_RESIDUAL_VARIANCE, MEAN_OUT_OF_RANGE)

SIMPLE, PERMUTED_BLOCKS, POCOCK_SIMON = 0, 1, 2


@njit(cache=True)
def predict(
    family: int,
    arms: int,
    covariates: Floats,
    rows: Ints,
    mean: Floats,
    interact: Bools,
    beta: Floats,
    predicted: Floats,
) -> None:
    """Fill the mean of every analysed participant under every arm (n, A)."""
    K = beta.size
    row = np.empty((1, K))
    for i in range(rows.size):
        for a in range(arms):
            fill_row(a, arms, covariates, rows[i], mean, interact, row, 0)
            eta = 0.0
            for k in range(K):
                eta += row[0, k] * beta[k]
            predicted[i, a] = inverse_link(family, eta)


@njit(cache=True)
def correct(y: Floats, arm: Labels, strata: Ints, levels: int, predicted: Floats) -> None:
    """Add to every prediction the mean residual of its arm, within each stratum."""
    arms = predicted.shape[1]
    total, count = np.zeros((levels, arms)), np.zeros((levels, arms))
    for i in range(y.size):
        total[strata[i], arm[i]] += y[i] - predicted[i, arm[i]]
        count[strata[i], arm[i]] += 1.0
    for i in range(y.size):
        for a in range(arms):
            predicted[i, a] += total[strata[i], a] / max(count[strata[i], a], 1.0)


@njit(cache=True)
def robust_covariance(y: Floats, arm: Labels, predicted: Floats, average: Floats, covariance: Floats) -> None:
    """Fill the arm means (A,) and their covariance (A, A)."""
    n, arms = predicted.shape
    size, y_mean, m_mean = np.zeros(arms), np.zeros(arms), np.zeros((arms, arms))
    average[:] = 0.0
    for i in range(n):
        a = arm[i]
        size[a] += 1.0
        y_mean[a] += y[i]
        for b in range(arms):
            m_mean[a, b] += predicted[i, b]
            average[b] += predicted[i, b]
    for a in range(arms):
        average[a] /= n
        y_mean[a] /= size[a]
        for b in range(arms):
            m_mean[a, b] /= size[a]
    y_variance, y_with_m, m_with_m = np.zeros(arms), np.zeros((arms, arms)), np.zeros((arms, arms))
    for i in range(n):
        a = arm[i]
        y_variance[a] += (y[i] - y_mean[a]) ** 2 / (size[a] - 1.0)
        for b in range(arms):
            y_with_m[a, b] += (y[i] - y_mean[a]) * (predicted[i, b] - m_mean[a, b]) / (size[a] - 1.0)
            for c in range(b + 1):
                m_with_m[b, c] += (predicted[i, b] - average[b]) * (predicted[i, c] - average[c]) / (n - 1.0)
    for a in range(arms):
        inside = y_variance[a] + m_with_m[a, a] - 2.0 * y_with_m[a, a]
        covariance[a, a] = (inside * n / size[a] + 2.0 * y_with_m[a, a] - m_with_m[a, a]) / n
        for b in range(a):
            covariance[a, b] = (y_with_m[a, b] + y_with_m[b, a] - m_with_m[a, b]) / n
            covariance[b, a] = covariance[a, b]


@njit(cache=True)
def standardise_replicates(
    outcome: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    interact: Bools,
    strata: Ints,
    levels: int,
    family: int,
    theta: float,
    at_limit: bool,
    randomisation: int,
    averages: Floats,
    covariance: Floats,
    thetas: Floats,
    status: Labels,
    detail: Ints,
) -> None:
    """Standardise every replicate; see `trialsim.analysis.marginal.block` for what it means.

    Filled: averages (R, A), covariance (R, A, A), thetas (R,), status (R,) and detail (R,), the
    dependent column where collinear, or the one that separates.
    """
    R, N = outcome.shape
    P = covariates.shape[2]
    K = arms + P + int(interact.sum()) * (arms - 1)
    X, y, mu = np.empty((N, K)), np.empty(N), np.empty(N)
    a, z, rows = np.empty(N, np.int8), np.zeros(N, np.int64), np.empty(N, np.int64)
    one_stratum = np.zeros(N, np.int64)
    predicted, residual, beta, mean = np.empty((N, arms)), np.empty(N), np.empty(K), np.empty(P + 1)
    arm_count, no_weights = np.zeros(arms, np.int64), np.empty(0)
    for r in range(R):
        n, status[r] = centre(outcome[r], arm[r], arms, covariates[r], no_weights, mean, arm_count)
        if status[r] == OK and n - K < 1:
            status[r] = TOO_FEW_PARTICIPANTS
        if status[r] != OK:
            continue
        j = 0
        for i in range(N):
            if not np.isnan(outcome[r, i]):
                y[j], a[j], rows[j] = outcome[r, i], arm[r, i], i
                z[j] = strata[r, i] if levels > 0 else 0
                fill_row(arm[r, i], arms, covariates[r], i, mean, interact, X, j)
                j += 1
        fitted, column, penalised, thetas[r] = fit_working_model(
            family, theta, X[:n], y[:n], at_limit, beta, mu[:n]
        )
        if fitted not in (CONVERGED, AT_LIMIT):
            status[r] = COLLINEAR_COVARIATE if fitted == SINGULAR else NOT_CONVERGED
            detail[r] = column
            continue
        predict(family, arms, covariates[r], rows[:n], mean, interact, beta, predicted[:n])
        within = z[:n] if randomisation == POCOCK_SIMON else one_stratum[:n]
        correct(y[:n], a[:n], within, levels if randomisation == POCOCK_SIMON else 1, predicted[:n])
        robust_covariance(y[:n], a[:n], predicted[:n], averages[r], covariance[r])
        if randomisation == PERMUTED_BLOCKS:
            for i in range(n):
                residual[i] = y[i] - predicted[i, a[i]]
            covariance[r] -= fixed_by_blocks(a[:n], arm_count, z[:n], levels, residual[:n])
        if penalised:
            status[r], detail[r] = PENALISED, column
        elif fitted == AT_LIMIT:
            status[r], detail[r] = LIMIT_OF_SEPARATION, column
