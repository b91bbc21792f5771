"""Newton's method on Cox's partial likelihood, with Efron's or Breslow's ties and Lin–Wei residuals.

Rows stand sorted by stratum and then by the end of their interval; `segment` holds where each stratum
starts. A row is at risk on (start, stop]. At a time with d deaths, S0, S1, S2 are the sums of w, wx, wxx'
(w = exp(β'x)) over those at risk and D0, D1, D2 those over the deaths; Efron's k-th death sees
S − (k/d) D, Breslow's sees S.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.data import STATUS_OK, Floats, Ints

COLLINEAR, INFINITE_COEFFICIENT, NOT_CONVERGED = 3, 4, 5

_MOST_STEPS = 60
_MOST_HALVINGS = 30
_RELATIVE_CHANGE = 1e-9  # of the log likelihood: R's coxph stops here too, so that digits agree
_SINGULAR = 1e-11
_WIDEST = 50.0
_LARGEST_EXPONENT = 500.0


@njit(cache=True)
def invert(matrix: Floats, inverse: Floats) -> bool:
    """Fill the inverse of a symmetric positive definite matrix; return whether it is one."""
    P = len(matrix)
    lower = np.zeros((P, P))
    for j in range(P):
        rest = matrix[j, j]
        for k in range(j):
            rest -= lower[j, k] ** 2
        if not rest > _SINGULAR * matrix[j, j]:
            return False
        lower[j, j] = np.sqrt(rest)
        for i in range(j + 1, P):
            value = matrix[i, j]
            for k in range(j):
                value -= lower[i, k] * lower[j, k]
            lower[i, j] = value / lower[j, j]
    column = np.empty(P)
    for unit in range(P):
        for i in range(P):
            value = 1.0 if i == unit else 0.0
            for k in range(i):
                value -= lower[i, k] * column[k]
            column[i] = value / lower[i, i]
        for i in range(P - 1, -1, -1):
            value = column[i]
            for k in range(i + 1, P):
                value -= lower[k, i] * column[k]
            column[i] = value / lower[i, i]
        inverse[:, unit] = column
    return True


@njit(cache=True)
def _add_row(w: float, x: Floats, s0: float, s1: Floats, s2: Floats) -> float:
    """Add a weighted row to the sums and return the new sum of weights."""
    for p in range(x.size):
        s1[p] += w * x[p]
        for q in range(p + 1):
            s2[p, q] += w * x[p] * x[q]
    return s0 + w


@njit(cache=True)
def risk_weights(X: Floats, beta: Floats, w: Floats) -> None:
    """Fill exp(β'x) of each row."""
    for i in range(len(X)):
        eta = 0.0
        for p in range(beta.size):
            eta += beta[p] * X[i, p]
        w[i] = np.exp(min(max(eta, -_LARGEST_EXPONENT), _LARGEST_EXPONENT))


@njit(cache=True)
def partial_likelihood(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    w: Floats,
    segment: Ints,
    entry: Ints,
    efron: bool,
    score: Floats,
    information: Floats,
    jumps: Floats,
) -> float:
    """Fill score (P,), information (P, P) and jumps (M, 3 + 3P); return the log partial likelihood.

    `jumps` describes each group of tied deaths, at the position of its first row: number of deaths,
    Σ 1/den and Σ (1 − k/d)/den, then Σ x̄/den, Σ (1 − k/d) x̄/den and the mean of x̄, over k. `entry` holds
    the rows of each stratum by descending start; it may be empty if all start together.
    """
    P = X.shape[1]
    s1, s2, d1, d2 = np.zeros(P), np.zeros((P, P)), np.zeros(P), np.zeros((P, P))
    mean = np.empty(P)
    score[:], information[:], jumps[:] = 0.0, 0.0, 0.0
    loglik = 0.0
    for s in range(segment.size - 1):
        s0 = 0.0
        s1[:], s2[:] = 0.0, 0.0
        leaving = segment[s]
        last = segment[s + 1]
        while last > segment[s]:
            t = stop[last - 1]
            first = last
            d, d0 = 0, 0.0
            d1[:], d2[:] = 0.0, 0.0
            while first > segment[s] and stop[first - 1] == t:
                first -= 1
                s0 = _add_row(w[first], X[first], s0, s1, s2)
                if event[first] == 1:
                    d += 1
                    d0 = _add_row(w[first], X[first], d0, d1, d2)
                    loglik += np.log(w[first])
                    for p in range(P):
                        score[p] += X[first, p]
            while entry.size and leaving < segment[s + 1] and start[entry[leaving]] >= t:
                s0 = _add_row(-w[entry[leaving]], X[entry[leaving]], s0, s1, s2)
                leaving += 1
            last = first
            for k in range(d):
                part = k / d if efron else 0.0
                den = s0 - part * d0
                loglik -= np.log(den)
                jumps[first, 1] += 1.0 / den
                jumps[first, 2] += (1.0 - part) / den
                for p in range(P):
                    mean[p] = (s1[p] - part * d1[p]) / den
                    score[p] -= mean[p]
                    jumps[first, 3 + p] += mean[p] / den
                    jumps[first, 3 + P + p] += (1.0 - part) * mean[p] / den
                    jumps[first, 3 + 2 * P + p] += mean[p] / d
                    for q in range(p + 1):
                        information[p, q] += (s2[p, q] - part * d2[p, q]) / den - mean[p] * mean[q]
            jumps[first, 0] = d
    for p in range(P):
        for q in range(p):
            information[q, p] = information[p, q]
    return loglik


@njit(cache=True)
def score_residuals(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    w: Floats,
    segment: Ints,
    entry: Ints,
    jumps: Floats,
    residual: Floats,
) -> None:
    """Fill each row's score residual (M, P): ∫ (x − x̄(t)) dM(t)."""
    rows, P = X.shape
    hazard, centre = np.zeros(rows), np.zeros((rows, P))
    mass = np.zeros(P)
    for s in range(segment.size - 1):
        total = 0.0
        mass[:] = 0.0
        entering = segment[s + 1] - 1
        first = segment[s]
        while first < segment[s + 1]:
            t = stop[first]
            while entry.size and entering >= segment[s] and start[entry[entering]] < t:
                hazard[entry[entering]] = total
                centre[entry[entering]] = mass
                entering -= 1
            last = first
            while last < segment[s + 1] and stop[last] == t:
                died = event[last] == 1
                spent = total - hazard[last] + (jumps[first, 2] if died else jumps[first, 1])
                for p in range(P):
                    moment = mass[p] - centre[last, p] + jumps[first, (3 + P if died else 3) + p]
                    residual[last, p] = -w[last] * (X[last, p] * spent - moment)
                    if died:
                        residual[last, p] += X[last, p] - jumps[first, 3 + 2 * P + p]
                last += 1
            total += jumps[first, 1]
            for p in range(P):
                mass[p] += jumps[first, 3 + p]
            first = last


@njit(cache=True)
def fit(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    segment: Ints,
    entry: Ints,
    cluster: Ints,
    clusters: int,
    efron: bool,
    beta: Floats,
    model: Floats,
    robust: Floats,
    test: Floats,
) -> int:
    """Fill coefficients, both covariances and (null, fitted log likelihood, score test); return a status."""
    rows, P = X.shape
    w = np.ones(rows)
    score, information, inverse = np.empty(P), np.empty((P, P)), np.empty((P, P))
    jumps = np.empty((rows, 3 + 3 * P))
    beta[:] = 0.0
    loglik = partial_likelihood(start, stop, event, X, w, segment, entry, efron, score, information, jumps)
    test[0] = loglik
    if not invert(information, inverse):
        return COLLINEAR
    test[2] = score @ inverse @ score
    null_information = np.diag(information).copy()
    status = NOT_CONVERGED
    for _ in range(_MOST_STEPS):
        step = inverse @ score
        reached = loglik
        for _ in range(_MOST_HALVINGS):
            risk_weights(X, beta + step, w)
            loglik = partial_likelihood(
                start, stop, event, X, w, segment, entry, efron, score, information, jumps
            )
            if loglik >= reached - 1e-9 * (1.0 + abs(reached)):
                break
            step *= 0.5
        beta += step
        test[1] = loglik
        if not invert(information, inverse):
            return INFINITE_COEFFICIENT
        for p in range(P):
            if inverse[p, p] * null_information[p] > _WIDEST**2 * max(1.0, rows / 100.0):
                return INFINITE_COEFFICIENT
        if abs(loglik - reached) <= _RELATIVE_CHANGE * abs(loglik):
            status = STATUS_OK
            break
    model[:] = inverse
    residual, by_cluster = np.empty((rows, P)), np.zeros((clusters, P))
    score_residuals(start, stop, event, X, w, segment, entry, jumps, residual)
    for i in range(rows):
        by_cluster[cluster[i]] += residual[i]
    influence = by_cluster @ inverse
    robust[:] = influence.T @ influence
    return status


@njit(cache=True)
def sort_by_stratum(order: Ints, stratum: Ints, strata: int, rows: Ints, segment: Ints) -> None:
    """Fill the rows of one replicate by stratum and, within it, in the given order."""
    segment[:] = 0
    for i in range(stratum.size):
        segment[stratum[i] + 1] += 1
    for s in range(strata):
        segment[s + 1] += segment[s]
    filled = segment[:-1].copy()
    for i in order:
        rows[filled[stratum[i]]] = i
        filled[stratum[i]] += 1
