"""Cox's exact partial likelihood of tied deaths: which d of those at risk died, if time is discrete.

At a time with deaths D, d of them, and risk set R the likelihood is Π_D w / B_d, B_d the sum over subsets
of d members of R of the products of their w = exp(β'x). Member by member, B_j ← B_j + w B_{j−1}; its first
and second derivatives follow the same recursion (Gail, Lubin and Rubinstein 1981, Biometrika 68:703).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_kernel import (
    COLLINEAR,
    INFINITE_COEFFICIENT,
    NOT_CONVERGED,
    invert,
)
from trialsim.data import STATUS_OK, Floats

_MOST_STEPS = 60
_MOST_HALVINGS = 30
_RELATIVE_CHANGE = 1e-9
_WIDEST = 50.0


@njit(cache=True)
def add_member(w: float, x: Floats, top: int, sums: Floats, first: Floats, second: Floats) -> None:
    """Add a member of the risk set to B (d + 1,) and its derivatives, from the largest subsets down."""
    P = x.size
    for j in range(top, 0, -1):
        for p in range(P):
            for q in range(p + 1):
                second[j, p, q] += w * (
                    second[j - 1, p, q] + x[p] * first[j - 1, q] + x[q] * first[j - 1, p]
                    + x[p] * x[q] * sums[j - 1]
                )  # fmt: skip
        for p in range(P):
            first[j, p] += w * (first[j - 1, p] + x[p] * sums[j - 1])
        sums[j] += w * sums[j - 1]


@njit(cache=True)
def exact_likelihood(
    start: Floats, stop: Floats, event: Labels, stratum: Floats, X: Floats, beta: Floats,
    score: Floats, information: Floats,
) -> float:  # fmt: skip
    """Fill score (P,) and information (P, P); return the log likelihood. Rows stand in any order."""
    rows, P = X.shape
    score[:], information[:] = 0.0, 0.0
    eta = X @ beta
    done = np.zeros(rows, np.bool_)
    loglik = 0.0
    for i in range(rows):
        if event[i] != 1 or done[i]:
            continue
        t, s, d, largest = stop[i], stratum[i], 0, -np.inf
        for k in range(rows):
            if stratum[k] == s and stop[k] >= t and start[k] < t:
                largest = max(largest, eta[k])
                if event[k] == 1 and stop[k] == t:
                    done[k] = True
                    d += 1
                    loglik += eta[k]
                    score += X[k]
        sums, first, second = np.zeros(d + 1), np.zeros((d + 1, P)), np.zeros((d + 1, P, P))
        sums[0] = 1.0
        for k in range(rows):
            if stratum[k] == s and stop[k] >= t and start[k] < t:
                add_member(np.exp(eta[k] - largest), X[k], d, sums, first, second)
        loglik -= np.log(sums[d]) + d * largest
        mean = first[d] / sums[d]
        score -= mean
        for p in range(P):
            for q in range(p + 1):
                information[p, q] += second[d, p, q] / sums[d] - mean[p] * mean[q]
    for p in range(P):
        for q in range(p):
            information[q, p] = information[p, q]
    return loglik


@njit(cache=True)
def fit_exact(
    start: Floats, stop: Floats, event: Labels, stratum: Floats, X: Floats,
    beta: Floats, model: Floats, test: Floats,
) -> int:  # fmt: skip
    """Fill coefficients, their inverse information and (null, fitted log likelihood, score test)."""
    rows, P = X.shape
    score, information, inverse = np.empty(P), np.empty((P, P)), np.empty((P, P))
    beta[:] = 0.0
    loglik = exact_likelihood(start, stop, event, stratum, X, beta, score, information)
    test[0], test[1] = loglik, loglik
    if not np.isfinite(loglik):
        return NOT_CONVERGED
    if not invert(information, inverse):
        return COLLINEAR
    test[2] = score @ inverse @ score
    null_information = np.diag(information).copy()
    for _ in range(_MOST_STEPS):
        step = inverse @ score
        reached = loglik
        for _ in range(_MOST_HALVINGS):
            loglik = exact_likelihood(start, stop, event, stratum, X, beta + step, score, information)
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
            model[:] = inverse
            return STATUS_OK
    return NOT_CONVERGED
