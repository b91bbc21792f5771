"""Proportional odds regression of replicate trials by Newton's method.

P(Y ≤ c) = F(α_c − x'β) with F the logistic distribution. The likelihood is concave in (α, β) (Pratt
1981, JASA 76:103), so a step that lowers it is halved. Parameters stand in the order α, β.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.gram import invert, sandwich
from trialsim.analysis.linear.kernel import (
    COLLINEAR_COVARIATE,
    NO_RESIDUAL_VARIANCE,
    OK,
    TOO_FEW_PARTICIPANTS,
    centre,
)
from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

NOT_CONVERGED = 5
INFINITE_COEFFICIENT = 8
REASONS = (
    "ok",
    "too_few_participants",
    "arm_empty",
    "collinear_covariate",
    "constant_outcome",
    "not_converged",
    "no_residual_variance",
    "not_finite",
    "infinite_coefficient",
)

WITHOUT_ESTIMATE = (COLLINEAR_COVARIATE, NOT_CONVERGED, NO_RESIDUAL_VARIANCE, INFINITE_COEFFICIENT)

MOST_STEPS = 100
DECREMENT = 1e-18
LARGEST_PREDICTOR = 25.0
ROUNDING = 1e-13
VARIANCE_ROUNDING = 1e-16


@njit(cache=True)
def logistic(x: float) -> float:
    """Return F(x) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + np.exp(-x))
    return np.exp(x) / (1.0 + np.exp(x))


@njit(cache=True)
def probability(low: float, high: float) -> float:
    """Return F(high) − F(low), taken in the tail where it does not cancel."""
    if low > 0.0:
        return logistic(-low) - logistic(-high)
    return logistic(high) - logistic(low)


@njit(cache=True)
def limits(category: int, cuts: int, parameters: Floats, X: Floats, i: int) -> tuple[float, float]:
    """Return the limits of a row's category on the logistic scale, infinite at the ends."""
    eta = 0.0
    for k in range(X.shape[1]):
        eta += X[i, k] * parameters[cuts + k]
    low = -np.inf if category == 0 else parameters[category - 1] - eta
    high = np.inf if category == cuts else parameters[category] - eta
    return low, high


@njit(cache=True)
def log_likelihood(category: Ints, weight: Floats, X: Floats, parameters: Floats) -> float:
    """Return the log-likelihood; minus infinity where the cut points are not ascending."""
    cuts = parameters.size - X.shape[1]
    total = 0.0
    for i in range(category.size):
        low, high = limits(category[i], cuts, parameters, X, i)
        if not high > low:
            return -np.inf
        total += weight[i] * np.log(probability(low, high))
    return total


@njit(cache=True)
def derivatives(low: float, high: float) -> tuple[float, float, float, float, float]:
    """Return ∂ log p by the upper and the lower limit, and −∂² by (upper, upper), (lower, lower), (both)."""
    p = probability(low, high)
    f_high, f_low = logistic(high) * logistic(-high), logistic(low) * logistic(-low)
    up, down = f_high / p, -f_low / p
    up_up = up * up - up * (logistic(-high) - logistic(high))
    down_down = down * down - down * (logistic(-low) - logistic(low))
    return up, down, up_up, down_down, up * down


@njit(cache=True)
def row_score(category: int, cuts: int, X: Floats, i: int, up: float, down: float, score: Floats) -> None:
    """Fill the score of one row (cuts + P,)."""
    score[:] = 0.0
    if category < cuts:
        score[category] = up
    if category > 0:
        score[category - 1] = down
    for k in range(X.shape[1]):
        score[cuts + k] = -X[i, k] * (up + down)


@njit(cache=True)
def accumulate(
    category: Ints, weight: Floats, X: Floats, parameters: Floats, score: Floats, gram: Floats, meat: Floats
) -> None:
    """Fill the score, the lower triangle of the observed information, and that of Σ score score'."""
    P = X.shape[1]
    cuts = parameters.size - P
    score[:] = 0.0
    gram[:] = 0.0
    meat[:] = 0.0
    one = np.empty(parameters.size)
    for i in range(category.size):
        c, w = category[i], weight[i]
        low, high = limits(c, cuts, parameters, X, i)
        up, down, up_up, down_down, both = derivatives(low, high)
        row_score(c, cuts, X, i, up, down, one)
        for j in range(parameters.size):
            if one[j] != 0.0:
                score[j] += w * one[j]
                for k in range(j + 1):
                    meat[j, k] += w * one[j] * one[k]
        if c < cuts:
            gram[c, c] += w * up_up
        if c > 0:
            gram[c - 1, c - 1] += w * down_down
        if 0 < c < cuts:
            gram[c, c - 1] += w * both
        for k in range(P):
            x = w * X[i, k]
            if c < cuts:
                gram[cuts + k, c] -= x * (up_up + both)
            if c > 0:
                gram[cuts + k, c - 1] -= x * (down_down + both)
            for m in range(k + 1):
                gram[cuts + k, cuts + m] += x * X[i, m] * (up_up + down_down + 2.0 * both)


@njit(cache=True)
def expect(weight: Floats, X: Floats, parameters: Floats, information: Floats) -> None:
    """Fill the lower triangle of the expected information (K, K)."""
    K = parameters.size
    cuts = K - X.shape[1]
    information[:] = 0.0
    one = np.empty(K)
    for i in range(weight.size):
        for c in range(cuts + 1):
            low, high = limits(c, cuts, parameters, X, i)
            up, down, _, _, _ = derivatives(low, high)
            row_score(c, cuts, X, i, up, down, one)
            scale = weight[i] * probability(low, high)
            for j in range(K):
                for k in range(j + 1):
                    information[j, k] += scale * one[j] * one[k]


@njit(cache=True)
def largest_predictor(X: Floats, parameters: Floats) -> float:
    """Return the largest absolute x'β of the rows."""
    cuts = parameters.size - X.shape[1]
    largest = 0.0
    for i in range(X.shape[0]):
        eta = 0.0
        for k in range(X.shape[1]):
            eta += X[i, k] * parameters[cuts + k]
        largest = max(largest, abs(eta))
    return largest


@njit(cache=True)
def maximise(
    category: Ints, weight: Floats, X: Floats, parameters: Floats, inverse: Floats, meat: Floats
) -> tuple[int, int]:
    """Improve the parameters by Newton's method; return a status and a dependent column.

    Filled: the inverse observed information and the meat of the sandwich, at the maximum.
    """
    K = parameters.size
    cuts = K - X.shape[1]
    score, gram, lower = np.empty(K), np.empty((K, K)), np.zeros((K, K))
    trial, change = np.empty(K), np.empty(K)
    best = log_likelihood(category, weight, X, parameters)
    for step in range(MOST_STEPS):
        accumulate(category, weight, X, parameters, score, gram, meat)
        dependent = invert(gram, K, lower, inverse)
        if dependent >= 0:
            if step == 0:
                return COLLINEAR_COVARIATE, dependent - cuts
            far = largest_predictor(X, parameters) > 0.5 * LARGEST_PREDICTOR
            return INFINITE_COEFFICIENT if far else NOT_CONVERGED, -1
        decrement = 0.0
        for j in range(K):
            change[j] = 0.0
            for k in range(K):
                change[j] += inverse[j, k] * score[k]
            decrement += change[j] * score[j]
        if decrement <= DECREMENT * max(1.0, abs(best)):
            return OK, -1
        share, value = 2.0, -np.inf
        while not value >= best - ROUNDING * abs(best) and share > 1e-9:
            share *= 0.5
            for j in range(K):
                trial[j] = parameters[j] + share * change[j]
            value = log_likelihood(category, weight, X, trial)
        parameters[:] = trial
        best = value
        if not largest_predictor(X, parameters) <= LARGEST_PREDICTOR:
            return INFINITE_COEFFICIENT, -1
    return NOT_CONVERGED, -1


@njit(cache=True)
def start(category: Ints, weight: Floats, cuts: int, parameters: Floats) -> None:
    """Fill the parameters of the model that knows the shares of the categories alone."""
    parameters[:] = 0.0
    share = np.zeros(cuts + 1)
    for i in range(category.size):
        share[category[i]] += weight[i]
    below, total = 0.0, share.sum()
    for c in range(cuts):
        below += share[c]
        parameters[c] = np.log(below / (total - below))


@njit(cache=True)
def gather(
    outcome: Ints,
    arm: Labels,
    arms: int,
    covariates: Floats,
    mean: Floats,
    place: Ints,
    category: Ints,
    weight: Floats,
    X: Floats,
) -> tuple[int, int]:
    """Fill the rows of a trial and return their number and that of the cut points.

    Categories that nobody is in are left out. Without covariates a row is a category of an arm.
    """
    place[:] = 0
    for i in range(outcome.size):
        if outcome[i] >= 0:
            place[outcome[i]] = 1
    present = 0
    for c in range(place.size):
        present += place[c]
        place[c] = present - 1
    P = covariates.shape[1]
    rows = 0
    if P == 0:
        rows = present * arms
        for m in range(rows):
            category[m], weight[m] = m // arms, 0.0
            for b in range(1, arms):
                X[m, b - 1] = 1.0 if m % arms == b else 0.0
        for i in range(outcome.size):
            if outcome[i] >= 0:
                weight[place[outcome[i]] * arms + arm[i]] += 1.0
        return rows, present - 1
    for i in range(outcome.size):
        if outcome[i] >= 0:
            category[rows], weight[rows] = place[outcome[i]], 1.0
            for b in range(1, arms):
                X[rows, b - 1] = 1.0 if arm[i] == b else 0.0
            for k in range(P):
                X[rows, arms - 1 + k] = covariates[i, k] - mean[k]
            rows += 1
    return rows, present - 1


@njit(cache=True)
def fit_replicates(
    outcome: Ints,
    categories: int,
    arm: Labels,
    arms: int,
    covariates: Floats,
    robust: bool,
    coefficients: Floats,
    covariance: Floats,
    status: Labels,
    dependent: Ints,
) -> None:
    """Fit every replicate; see `trialsim.analysis.ordinal.odds_block` for what it means.

    `outcome` holds categories from 0, -1 where missing.
    """
    R, N = outcome.shape
    P = covariates.shape[2]
    slopes = arms - 1 + P
    most = max(N, categories * arms)
    category, weight, X = np.empty(most, np.int64), np.empty(most), np.empty((most, slopes))
    place, mean, arm_count = np.empty(categories, np.int64), np.empty(P + 1), np.empty(arms, np.int64)
    seen = np.empty(N)
    for r in range(R):
        for i in range(N):
            seen[i] = outcome[r, i] if outcome[r, i] >= 0 else np.nan
        n, status[r] = centre(seen, arm[r], arms, covariates[r], np.empty(0), mean, arm_count)
        if status[r] != OK:
            continue
        rows, cuts = gather(outcome[r], arm[r], arms, covariates[r], mean, place, category, weight, X)
        K = cuts + slopes
        if n - K < 1:
            status[r] = TOO_FEW_PARTICIPANTS
            continue
        parameters, inverse, meat = np.empty(K), np.empty((K, K)), np.empty((K, K))
        start(category[:rows], weight[:rows], cuts, parameters)
        status[r], dependent[r] = maximise(
            category[:rows], weight[:rows], X[:rows], parameters, inverse, meat
        )
        if status[r] != OK:
            continue
        if robust:
            spread = np.empty((K, K))
            sandwich(inverse, meat, K, spread)
            inverse = spread
        coefficients[r], covariance[r] = parameters[cuts:], inverse[cuts:, cuts:]
        for b in range(arms - 1):
            if not covariance[r, b, b] > VARIANCE_ROUNDING:
                status[r] = NO_RESIDUAL_VARIANCE
