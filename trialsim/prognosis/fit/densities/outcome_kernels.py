"""Log posteriors of the outcome families of `trialsim.prognosis.families`, with their gradients.

A kernel takes an unbounded vector, laid out as `Family.priors` names the parameters, and the responses. Each
participant's likelihood has a derivative by the linear predictor; the rest is the same for all families.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from trialsim.data import Floats, Ints
from trialsim.prognosis.families.common import SCALE
from trialsim.prognosis.families.count import SCALE_RATE_CV
from trialsim.prognosis.families.ordinal import CONCENTRATION
from trialsim.prognosis.families.weibull import CURE_CENTRE, CURE_SD, SD_LOG_SHAPE
from trialsim.prognosis.fit.densities.unconstrained import (
    normal_prior,
    scale_prior,
    shares_of,
    shares_prior,
)


@numba.njit(cache=True, nogil=True)
def _predictor(
    q: Floats, gradient: Floats, columns: Floats, study: Ints, studies: int, sd_intercept: float
) -> tuple[float, int, Floats]:
    """Return the log prior of the linear predictor's parameters, where the others begin, and eta (N,)."""
    log_density = 0.0
    eta = np.zeros(columns.shape[1])
    at = 0
    if sd_intercept > 0:
        log_density += normal_prior(q, gradient, 0, 1, 0.0, sd_intercept)
        eta += q[0]
        at = 1
    tau = math.exp(q[at])
    log_density += scale_prior(q, gradient, at, SCALE)
    at += 1
    size = len(columns)
    log_density += normal_prior(q, gradient, at, size, 0.0, 1.0)
    for k in range(size):
        b, column = tau * q[at + k], columns[k]
        for i in range(len(eta)):
            eta[i] += b * column[i]
    at += size
    if studies:
        omega = math.exp(q[at])
        log_density += scale_prior(q, gradient, at, SCALE)
        log_density += normal_prior(q, gradient, at + 1, studies, 0.0, 1.0)
        for i in range(len(eta)):
            eta[i] += omega * q[at + 1 + study[i]]
        at += 1 + studies
    return log_density, at, eta


@numba.njit(cache=True, nogil=True)
def _back(
    q: Floats,
    gradient: Floats,
    of_eta: Floats,
    x: Floats,
    study: Ints,
    studies: int,
    sd_intercept: float,
) -> None:
    """Add the gradient by the linear predictor's parameters from that by eta (N,)."""
    at = 0
    if sd_intercept > 0:
        gradient[0] += of_eta.sum()
        at = 1
    tau, size = math.exp(q[at]), x.shape[1]
    of_beta = np.zeros(size)
    for i in range(len(of_eta)):
        one, row = of_eta[i], x[i]
        for k in range(size):
            of_beta[k] += one * row[k]
    for k in range(size):
        gradient[at] += of_beta[k] * tau * q[at + 1 + k]
        gradient[at + 1 + k] += of_beta[k] * tau
    at += 1 + size
    if studies:
        omega = math.exp(q[at])
        for i in range(len(of_eta)):
            g = at + 1 + study[i]
            gradient[at] += of_eta[i] * omega * q[g]
            gradient[g] += of_eta[i] * omega


@numba.njit(cache=True, nogil=True)
def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


@numba.njit(cache=True, nogil=True)
def _expit(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    raised = math.exp(value)
    return raised / (1 + raised)


@numba.njit(cache=True, nogil=True)
def binary(
    q: Floats, x: Floats, columns: Floats, study: Ints, studies: int, sd_intercept: float, outcome: Floats
) -> tuple[float, Floats]:
    """Return the log posterior of responses (N,) and its gradient."""
    gradient = np.zeros(len(q))
    log_density, _, eta = _predictor(q, gradient, columns, study, studies, sd_intercept)
    of_eta = np.empty(len(eta))
    for i in range(len(eta)):
        log_density += outcome[i] * eta[i] - _softplus(eta[i])
        of_eta[i] = outcome[i] - _expit(eta[i])
    _back(q, gradient, of_eta, x, study, studies, sd_intercept)
    return log_density, gradient


@numba.njit(cache=True, nogil=True)
def ordinal(
    q: Floats,
    x: Floats,
    columns: Floats,
    study: Ints,
    studies: int,
    sd_intercept: float,
    level: Ints,
    levels: int,
) -> tuple[float, Floats]:
    """Return the log posterior of ordered levels (N,) and its gradient."""
    gradient = np.zeros(len(q))
    log_density, at, eta = _predictor(q, gradient, columns, study, studies, sd_intercept)
    share = shares_of(q, at, levels)
    upto, beyond = np.cumsum(share), np.cumsum(share[::-1])[::-1]
    cuts, of_cut = np.empty(levels - 1), np.zeros(levels - 1)
    for k in range(levels - 1):
        cuts[k] = math.log(upto[k]) - math.log(beyond[k + 1])
    of_eta, count = np.zeros(len(eta)), np.zeros(levels)
    for i in range(len(eta)):
        y = level[i]
        count[y] += 1
        if y < levels - 1:
            log_density -= _softplus(eta[i] - cuts[y])
            more = _expit(eta[i] - cuts[y])
            of_eta[i] -= more
            of_cut[y] += more
        if y > 0:
            log_density -= _softplus(cuts[y - 1] - eta[i])
            less = _expit(cuts[y - 1] - eta[i])
            of_eta[i] += less
            of_cut[y - 1] -= less
    for k in range(1, levels - 1):
        gap = cuts[k] - cuts[k - 1]
        log_density += count[k] * math.log(-math.expm1(-gap))
        of_gap = count[k] / math.expm1(gap)
        of_cut[k] += of_gap
        of_cut[k - 1] -= of_gap
    of_share = np.zeros(levels)
    for k in range(levels - 1):
        for j in range(levels):
            of_share[j] += of_cut[k] / upto[k] if j <= k else -of_cut[k] / beyond[k + 1]
    log_density += shares_prior(share, of_share, gradient, at, CONCENTRATION)
    _back(q, gradient, of_eta, x, study, studies, sd_intercept)
    return log_density, gradient


@numba.njit(cache=True, nogil=True)
def count(
    q: Floats,
    x: Floats,
    columns: Floats,
    study: Ints,
    studies: int,
    sd_intercept: float,
    outcome: Floats,
    log_time: Floats,
    more_than: Floats,
    log_factorials: float,
) -> tuple[float, Floats]:
    """Return the log posterior of counts (N,) and its gradient.

    `more_than` (Y,) has how many participants have more than 0, 1, ... events: the gamma functions are sums.
    """
    gradient = np.zeros(len(q))
    log_density, at, eta = _predictor(q, gradient, columns, study, studies, sd_intercept)
    log_density += scale_prior(q, gradient, at, SCALE_RATE_CV) - log_factorials
    size = math.exp(-2 * q[at])
    of_size, log_size = 0.0, -2 * q[at]
    for j in range(len(more_than)):
        log_density += more_than[j] * math.log(size + j)
        of_size += more_than[j] / (size + j)
    of_eta = np.empty(len(eta))
    for i in range(len(eta)):
        y, log_mean = outcome[i], eta[i] + log_time[i]
        odds = log_mean - log_size
        ratio = _softplus(odds)
        log_density += y * odds - (size + y) * ratio
        p = _expit(odds)
        of_eta[i] = y - (size + y) * p
        # Odds fall as 1 / size.
        of_size += -ratio - (y - (size + y) * p) / size
    gradient[at] += of_size * -2 * size
    _back(q, gradient, of_eta, x, study, studies, sd_intercept)
    return log_density, gradient


@numba.njit(cache=True, nogil=True)
def weibull(
    q: Floats,
    x: Floats,
    columns: Floats,
    study: Ints,
    studies: int,
    sd_intercept: float,
    outcome: Floats,
    log_time: Floats,
    cures: bool,
) -> tuple[float, Floats]:
    """Return the log posterior of Weibull times (N,), some censored, with or without a cured share."""
    gradient = np.zeros(len(q))
    log_density, at, eta = _predictor(q, gradient, columns, study, studies, sd_intercept)
    log_density += normal_prior(q, gradient, at, 1, 0.0, SD_LOG_SHAPE)
    log_shape, shape, of_shape, of_cure = q[at], math.exp(q[at]), 0.0, 0.0
    cured, log_not = 0.0, 0.0
    if cures:
        log_density += normal_prior(q, gradient, at + 1, 1, CURE_CENTRE, CURE_SD)
        cured, log_not = _expit(q[at + 1]), -_softplus(q[at + 1])
    of_eta = np.empty(len(eta))
    for i in range(len(eta)):
        hazard = math.exp(eta[i] + shape * log_time[i])
        by_shape = shape * log_time[i]
        if outcome[i] > 0:
            log_density += log_shape + (shape - 1) * log_time[i] + eta[i] - hazard + log_not
            of_eta[i] = 1 - hazard
            of_shape += 1 + by_shape - hazard * by_shape
            of_cure -= cured
        elif cures:
            alive = math.exp(log_not - hazard)
            seen = cured + alive
            log_density += math.log(seen)
            of_eta[i] = -alive / seen * hazard
            of_shape -= alive / seen * hazard * by_shape
            of_cure += cured * (1 - cured - alive) / seen
        else:
            log_density -= hazard
            of_eta[i] = -hazard
            of_shape -= hazard * by_shape
    gradient[at] += of_shape
    if cures:
        gradient[at + 1] += of_cure
    _back(q, gradient, of_eta, x, study, studies, sd_intercept)
    return log_density, gradient


@numba.njit(cache=True, nogil=True)
def piecewise(
    q: Floats,
    x: Floats,
    columns: Floats,
    study: Ints,
    studies: int,
    sd_intercept: float,
    outcome: Floats,
    exposure: Floats,
    events: Floats,
) -> tuple[float, Floats]:
    """Return the log posterior of times (N,) with exposure (N, J) to a piecewise constant hazard.

    `events` (J,) counts those in each interval.
    """
    gradient = np.zeros(len(q))
    log_density, at, eta = _predictor(q, gradient, columns, study, studies, sd_intercept)
    intervals = exposure.shape[1]
    level, of_level = np.zeros(intervals), events.copy()
    delta = 0.0
    if intervals > 1:
        log_density += scale_prior(q, gradient, at, SCALE)
        log_density += normal_prior(q, gradient, at + 1, intervals - 1, 0.0, 1.0)
        delta = math.exp(q[at])
        for j in range(1, intervals):
            level[j] = level[j - 1] + delta * q[at + j]
    hazard = np.exp(level)
    for j in range(intervals):
        log_density += events[j] * level[j]
    of_eta = np.empty(len(eta))
    for i in range(len(eta)):
        raised, row = math.exp(eta[i]), exposure[i]
        spent = 0.0
        for j in range(intervals):
            one = row[j] * hazard[j] * raised
            spent += one
            of_level[j] -= one
        log_density += outcome[i] * eta[i] - spent
        of_eta[i] = outcome[i] - spent
    later = 0.0
    for j in range(intervals - 1, 0, -1):
        later += of_level[j]
        gradient[at + j] += later * delta
        gradient[at] += later * delta * q[at + j]
    _back(q, gradient, of_eta, x, study, studies, sd_intercept)
    return log_density, gradient
