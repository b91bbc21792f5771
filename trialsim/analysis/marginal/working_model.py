"""Generalised linear working models of one replicate, by iteratively reweighted least squares.

Canonical logit and log links, the identity, and the negative binomial with a log link. Where maximum
likelihood runs to infinity (separation) the mean-bias-reducing penalty of Firth (1993, Biometrika 80:27;
Kosmidis and Firth 2009, Biometrika 96:793) keeps it finite: each score contribution gains
h_i d'_i / (2 d_i), with d = dμ/dη, which is h(½ − μ) for the logit and h/2 for the log link.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.linear.gram import invert
from trialsim.data import Floats

GAUSSIAN, BINOMIAL, POISSON, NEGATIVE_BINOMIAL = 0, 1, 2, 3

CONVERGED, SINGULAR, DIVERGED, AT_LIMIT = 0, 1, 2, 3

MOST_STEPS = 200
MOST_PENALISED_STEPS = 500
MOST_THETA_STEPS = 100
DECREMENT = 1e-15
LARGEST_PREDICTOR = 25.0
LARGEST_STEP = 5.0
LIMIT_DECREMENT = 1e-7
MOST_HALVINGS = 30
ROUNDING = 1e-12
LARGEST_THETA = 1e7
THETA_DECREMENT = 1e-13
LARGEST_SUMMED_COUNT = 200.0


@njit(cache=True)
def inverse_link(family: int, eta: float) -> float:
    """Return the mean for a linear predictor."""
    if family == GAUSSIAN:
        return eta
    if family == BINOMIAL:
        return 1.0 / (1.0 + np.exp(-eta))
    return np.exp(eta)


@njit(cache=True)
def working_weight(family: int, mu: float, theta: float) -> float:
    """Return d²/Var, with d = dμ/dη."""
    if family == GAUSSIAN:
        return 1.0
    if family == BINOMIAL:
        return mu * (1.0 - mu)
    if family == POISSON:
        return mu
    return mu / (1.0 + mu / theta)


@njit(cache=True)
def start(family: int, y: Floats, beta: Floats) -> None:
    """Fill the coefficients of the model that knows the overall mean alone."""
    beta[:] = 0.0
    mean = y.mean()
    if family == GAUSSIAN:
        beta[0] = mean
    elif family == BINOMIAL:
        beta[0] = np.log(mean / (1.0 - mean))
    else:
        beta[0] = np.log(mean)


@njit(cache=True)
def accumulate(family: int, theta: float, X: Floats, beta: Floats, gram: Floats, mu: Floats) -> float:
    """Fill the information and the means; return the largest absolute linear predictor."""
    n, K = X.shape
    gram[:] = 0.0
    largest = 0.0
    for i in range(n):
        eta = 0.0
        for k in range(K):
            eta += X[i, k] * beta[k]
        largest = max(largest, abs(eta))
        mu[i] = inverse_link(family, eta)
        w = working_weight(family, mu[i], theta)
        for j in range(K):
            scaled = w * X[i, j]
            for k in range(j + 1):
                gram[j, k] += scaled * X[i, k]
    return largest


@njit(cache=True)
def score(
    family: int,
    theta: float,
    X: Floats,
    y: Floats,
    mu: Floats,
    inverse: Floats,
    penalised: bool,
    moment: Floats,
) -> None:
    """Fill the score, with Firth's term if `penalised`."""
    n, K = X.shape
    moment[:] = 0.0
    for i in range(n):
        w = working_weight(family, mu[i], theta)
        u = y[i] - mu[i]
        if family == NEGATIVE_BINOMIAL:
            u /= 1.0 + mu[i] / theta
        if penalised:
            h = 0.0
            for j in range(K):
                inner = 0.0
                for k in range(K):
                    inner += inverse[j, k] * X[i, k]
                h += X[i, j] * inner
            u += w * h * (0.5 - mu[i] if family == BINOMIAL else 0.5)
        for k in range(K):
            moment[k] += u * X[i, k]


@njit(cache=True)
def step_matrix(family: int, X: Floats, mu: Floats, inverse: Floats, lower: Floats, step: Floats) -> None:
    """Fill what a penalised step is divided by: the inverse of Σ w (1 + h) x x' for the logit.

    There h (½ − μ) adds as much to the slope of the score as the residual does where h = 1, so that steps
    of the information alone go to and fro for ever around a participant who fixes a coefficient alone.
    """
    step[:] = inverse
    if family != BINOMIAL:
        return
    n, K = X.shape
    gram = np.zeros((K, K))
    for i in range(n):
        w, h = mu[i] * (1.0 - mu[i]), 0.0
        for j in range(K):
            inner = 0.0
            for k in range(K):
                inner += inverse[j, k] * X[i, k]
            h += X[i, j] * inner
        for j in range(K):
            scaled = w * (1.0 + w * h) * X[i, j]
            for k in range(j + 1):
                gram[j, k] += scaled * X[i, k]
    if invert(gram, K, lower, step) >= 0:
        step[:] = inverse


@njit(cache=True)
def log_likelihood(family: int, theta: float, X: Floats, y: Floats, beta: Floats) -> float:
    """Return the log-likelihood up to what does not depend on `beta`."""
    total = 0.0
    for i in range(len(y)):
        eta = 0.0
        for k in range(beta.size):
            eta += X[i, k] * beta[k]
        if family == GAUSSIAN:
            total -= 0.5 * (y[i] - eta) ** 2
        elif family == BINOMIAL:
            total += y[i] * eta - max(eta, 0.0) - np.log1p(np.exp(-abs(eta)))
        elif family == POISSON:
            total += y[i] * eta - np.exp(eta)
        else:
            total += y[i] * eta - (y[i] + theta) * np.log(theta + np.exp(eta))
    return total


@njit(cache=True)
def half_log_determinant(lower: Floats) -> float:
    """Return half the log determinant of a matrix from its Cholesky factor."""
    total = 0.0
    for k in range(lower.shape[0]):
        total += np.log(lower[k, k])
    return total


@njit(cache=True)
def objective(
    family: int, theta: float, X: Floats, y: Floats, penalised: bool, beta: Floats, lower: Floats
) -> float:
    """Return what scoring climbs; 0 for the penalised negative binomial, whose score has no potential."""
    if penalised and family == NEGATIVE_BINOMIAL:
        return 0.0
    value = log_likelihood(family, theta, X, y, beta)
    return value + half_log_determinant(lower) if penalised else value


@njit(cache=True)
def scoring_step(inverse: Floats, moment: Floats, X: Floats, change: Floats) -> tuple[float, float]:
    """Fill the Fisher scoring step; return its decrement and its longest move of a linear predictor."""
    n, K = X.shape
    decrement, longest = 0.0, 0.0
    for j in range(K):
        change[j] = 0.0
        for k in range(K):
            change[j] += inverse[j, k] * moment[k]
        decrement += change[j] * moment[j]
    for i in range(n):
        along = 0.0
        for k in range(K):
            along += X[i, k] * change[k]
        longest = max(longest, abs(along))
    return abs(decrement), longest


@njit(cache=True)
def fit_given_theta(
    family: int, theta: float, X: Floats, y: Floats, penalised: bool, beta: Floats, mu: Floats
) -> tuple[int, int]:
    """Improve `beta` by Fisher scoring until the decrement vanishes; return an outcome and a column.

    A step that lowers the (penalised) log-likelihood is halved; penalised steps are those of `step_matrix`.
    The outcome is AT_LIMIT where coefficients run to infinity while the fitted means have settled. The
    column is the one that depends on those before it, if the information is singular at the start.
    """
    K = X.shape[1]
    gram, lower, inverse = np.zeros((K, K)), np.zeros((K, K)), np.zeros((K, K))
    step_inverse = np.zeros((K, K))
    moment, change, decrement, best = np.zeros(K), np.zeros(K), np.inf, -np.inf
    tolerance = DECREMENT * max(1.0, y.var() * len(y) if family == GAUSSIAN else 1.0)
    halvings = 0
    for step in range(MOST_PENALISED_STEPS if penalised else MOST_STEPS):
        largest = accumulate(family, theta, X, beta, gram, mu)
        if not penalised and family != GAUSSIAN and not largest <= LARGEST_PREDICTOR:
            return (AT_LIMIT if decrement < LIMIT_DECREMENT else DIVERGED), -1
        dependent = invert(gram, K, lower, inverse)
        if dependent >= 0 and (step == 0 or not penalised):
            return (SINGULAR if step == 0 else DIVERGED), dependent
        value = -np.inf
        if dependent < 0:
            value = objective(family, theta, X, y, penalised, beta, lower)
        if value < best - ROUNDING * abs(best) and halvings < MOST_HALVINGS:
            halvings += 1
            for k in range(K):
                change[k] *= 0.5
                beta[k] -= change[k]
            continue
        if dependent >= 0:
            return DIVERGED, dependent
        halvings, best = 0, value
        score(family, theta, X, y, mu, inverse, penalised, moment)
        if penalised:
            step_matrix(family, X, mu, inverse, lower, step_inverse)
        decrement, longest = scoring_step(step_inverse if penalised else inverse, moment, X, change)
        if longest > LARGEST_STEP and family != GAUSSIAN:
            change *= LARGEST_STEP / longest
        for k in range(K):
            beta[k] += change[k]
        if decrement <= tolerance:
            accumulate(family, theta, X, beta, gram, mu)
            return CONVERGED, -1
    return DIVERGED, -1


@njit(cache=True)
def digamma(x: float) -> float:
    """Return ψ(x) for x > 0 by recurrence and its asymptotic series."""
    total = 0.0
    while x < 12.0:
        total -= 1.0 / x
        x += 1.0
    s = 1.0 / (x * x)
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132)))))
    return total + np.log(x) - 0.5 / x - series


@njit(cache=True)
def trigamma(x: float) -> float:
    """Return ψ'(x) for x > 0 by recurrence and its asymptotic series."""
    total = 0.0
    while x < 12.0:
        total += 1.0 / (x * x)
        x += 1.0
    s = 1.0 / (x * x)
    return total + 1.0 / x + 0.5 * s + (s / x) * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * (1 / 30))))


@njit(cache=True)
def polygamma_differences(y: float, theta: float) -> tuple[float, float]:
    """Return ψ(y + θ) − ψ(θ) and ψ'(y + θ) − ψ'(θ) for a whole y, without cancellation where y is small."""
    if y > LARGEST_SUMMED_COUNT:
        return digamma(y + theta) - digamma(theta), trigamma(y + theta) - trigamma(theta)
    first, second = 0.0, 0.0
    for k in range(int(y)):
        first += 1.0 / (theta + k)
        second -= 1.0 / (theta + k) ** 2
    return first, second


@njit(cache=True)
def improve_theta(theta: float, y: Floats, mu: Floats) -> tuple[float, float]:
    """Return the maximum-likelihood θ of Var = μ + μ²/θ given the means, by Newton in log θ.

    Also return the Newton decrement at the θ given, which is nearly 0 where that was the maximum.
    """
    log_theta, entered = np.log(theta), np.inf
    for step in range(MOST_THETA_STEPS):
        theta = np.exp(log_theta)
        slope, curvature = 0.0, 0.0
        for i in range(len(y)):
            total = mu[i] + theta
            first, second = polygamma_differences(y[i], theta)
            slope += first - np.log1p(mu[i] / theta) + (mu[i] - y[i]) / total
            curvature += second + mu[i] / (theta * total) - (mu[i] - y[i]) / total**2
        gradient = theta * slope
        hessian = gradient + theta * theta * curvature
        change = -gradient / hessian if hessian < 0.0 else np.sign(gradient)
        if step == 0:
            entered = abs(gradient * change)
        log_theta = min(log_theta + min(max(change, -2.0), 2.0), np.log(LARGEST_THETA))
        if abs(gradient * change) < THETA_DECREMENT or (
            log_theta == np.log(LARGEST_THETA) and gradient > 0.0
        ):
            break
    return np.exp(log_theta), entered


@njit(cache=True)
def moment_theta(y: Floats) -> float:
    """Return a start for θ from the marginal mean and variance."""
    mean, variance = y.mean(), y.var()
    return min(mean * mean / (variance - mean), LARGEST_THETA) if variance > mean else LARGEST_THETA


@njit(cache=True)
def farthest(X: Floats, beta: Floats) -> int:
    """Return the column whose coefficient moves the linear predictor most: the one that separates."""
    column, most = -1, 0.0
    for k in range(1, beta.size):
        move = abs(beta[k]) * (X[:, k].max() - X[:, k].min())
        if move > most:
            column, most = k, move
    return column


@njit(cache=True)
def fit_working_model(
    family: int, theta: float, X: Floats, y: Floats, at_limit: bool, beta: Floats, mu: Floats
) -> tuple[int, int, bool, float]:
    """Fit the working model; return an outcome, a column, whether it is penalised, and θ.

    The column is the dependent one where singular, else the one that separates the outcome, or -1. Where
    the maximum likelihood lies at infinity, its limit is kept if `at_limit`, else the fit is
    penalised. θ of the negative binomial is estimated by maximum likelihood if given as 0.
    """
    estimate = family == NEGATIVE_BINOMIAL and theta == 0.0
    current = moment_theta(y) if estimate else theta
    penalised, separating = False, -1
    start(family, y, beta)
    for _ in range(MOST_THETA_STEPS):
        outcome, column = fit_given_theta(family, current, X, y, penalised, beta, mu)
        if outcome in (DIVERGED, AT_LIMIT) and not penalised:
            separating = farthest(X, beta)
        stays = outcome != DIVERGED and (outcome != AT_LIMIT or at_limit)
        if not stays and outcome != SINGULAR and not penalised and family != GAUSSIAN:
            penalised = True
            start(family, y, beta)
            outcome, column = fit_given_theta(family, current, X, y, penalised, beta, mu)
        column = column if outcome == SINGULAR else separating
        if outcome not in (CONVERGED, AT_LIMIT) or not estimate:
            return outcome, column, penalised, current
        before = current
        current, entered = improve_theta(current, y, mu)
        if entered < THETA_DECREMENT or current == before:
            return outcome, column, penalised, current
    return DIVERGED, separating, penalised, current
