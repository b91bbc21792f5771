"""Fine and Gray's subdistribution hazards of replicate trials: weighted partial likelihood and sandwich.

Rows stand by ascending time. Who had another event at T stays at risk of the cause at t > T with the weight
G(t−)/G(T−), where G is the Kaplan–Meier of censoring in the row's group.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.competing_risks.kernel import CAUSE, CENSORED, OTHER
from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_decision_kernel import independent, standardise
from trialsim.analysis.survival.hazards.cox_kernel import invert, risk_weights
from trialsim.data import STATUS_OK, Floats, Ints

COLLINEAR, INFINITE, NOT_CONVERGED = 3, 4, 5
MOST_STEPS = 50
DECREMENT = 1e-16
ROUNDING = 1e-13
WIDEST = 20.0
NO_SPREAD = 1e-16


@njit(cache=True)
def ends_of_ties(time: Floats, end: Ints) -> None:
    """Fill, for every row, the position after the last row of the same time."""
    last = time.size
    for i in range(time.size - 1, -1, -1):
        if i + 1 < time.size and time[i + 1] != time[i]:
            last = i + 1
        end[i] = last


@njit(cache=True)
def censoring(event: Labels, group: Labels, groups: int, end: Ints, at_risk: Floats, G: Floats) -> None:
    """Fill those at risk (n, A) and the left limit of G (n, A) at each row's time, by group."""
    size, survival = np.zeros(groups), np.ones(groups)
    lost, left = np.zeros(groups), np.zeros(groups)
    for i in range(event.size):
        size[group[i]] += 1.0
    first = 0
    while first < event.size:
        lost[:], left[:] = 0.0, 0.0
        for i in range(first, end[first]):
            left[group[i]] += 1.0
            if event[i] == CENSORED:
                lost[group[i]] += 1.0
            for g in range(groups):
                at_risk[i, g], G[i, g] = size[g], survival[g]
        for g in range(groups):
            if lost[g] > 0.0:
                survival[g] *= 1.0 - lost[g] / size[g]
            size[g] -= left[g]
        first = end[first]


@njit(cache=True)
def risk_sums(
    event: Labels, group: Labels, groups: int, end: Ints, G: Floats, X: Floats, w: Floats, sums: Floats
) -> None:
    """Fill, at each first row of a time, Σ w, Σ w x and Σ w x x' (n, 1 + K + K²) of the weighted risk set."""
    n = len(X)
    total = np.zeros(sums.shape[1])
    last = n
    while last > 0:
        first = last - 1
        while first > 0 and end[first - 1] == end[last - 1]:
            first -= 1
        for i in range(first, last):
            add_row(w[i], X, i, total)
        for k in range(total.size):
            sums[first, k] = total[k]
        last = first
    past = np.zeros((groups, sums.shape[1]))
    first = 0
    while first < n:
        for g in range(groups):
            for k in range(total.size):
                sums[first, k] += G[first, g] * past[g, k]
        for i in range(first, end[first]):
            if event[i] == OTHER:
                add_row(w[i] / G[i, group[i]], X, i, past[group[i]])
        first = end[first]


@njit(cache=True)
def add_row(w: float, X: Floats, i: int, total: Floats) -> None:
    """Add a weighted row to its sums."""
    K = X.shape[1]
    total[0] += w
    for p in range(K):
        scaled = w * X[i, p]
        total[1 + p] += scaled
        for q in range(K):
            total[1 + K + p * K + q] += scaled * X[i, q]


@njit(cache=True)
def partial_likelihood(
    event: Labels, end: Ints, X: Floats, beta: Floats, sums: Floats, score: Floats, information: Floats
) -> float:
    """Fill score and information (Breslow's ties); return the log partial likelihood."""
    n, K = X.shape
    score[:], information[:] = 0.0, 0.0
    loglik, first = 0.0, 0
    while first < n:
        deaths = 0.0
        for i in range(first, end[first]):
            if event[i] == CAUSE:
                deaths += 1.0
                for p in range(K):
                    loglik += beta[p] * X[i, p]
                    score[p] += X[i, p]
        if deaths > 0.0:
            s0 = sums[first, 0]
            loglik -= deaths * np.log(s0)
            for p in range(K):
                mean = sums[first, 1 + p] / s0
                score[p] -= deaths * mean
                for q in range(K):
                    square = sums[first, 1 + K + p * K + q] / s0
                    information[p, q] += deaths * (square - mean * sums[first, 1 + q] / s0)
        first = end[first]
    return loglik


@njit(cache=True)
def maximise(
    event: Labels, group: Labels, groups: int, end: Ints, G: Floats, X: Floats,
    beta: Floats, inverse: Floats, sums: Floats, w: Floats,
) -> int:  # fmt: skip
    """Improve `beta` from 0 by Newton's method with halved steps; return a status."""
    K = beta.size
    score, information = np.zeros(K), np.zeros((K, K))
    trial, change = beta.copy(), np.zeros(K)
    best = -np.inf
    for step in range(MOST_STEPS):
        share = 1.0
        while True:
            trial[:] = beta + share * change
            risk_weights(X, trial, w)
            risk_sums(event, group, groups, end, G, X, w, sums)
            value = partial_likelihood(event, end, X, trial, sums, score, information)
            if value >= best - ROUNDING * abs(best) or share < 1e-9:
                break
            share *= 0.5
        beta[:], best = trial, value
        predictor = X @ beta
        if not predictor.max() - predictor.min() <= WIDEST:
            return INFINITE
        if not invert(information, inverse):
            return COLLINEAR if step == 0 else INFINITE
        change[:] = inverse @ score
        if score @ change <= DECREMENT:
            return STATUS_OK
    return NOT_CONVERGED


@njit(cache=True)
def influence(
    event: Labels, group: Labels, groups: int, end: Ints, at_risk: Floats, G: Floats, X: Floats,
    w: Floats, sums: Floats, residual: Floats,
) -> None:  # fmt: skip
    """Fill each row's η + ψ (n, K): its score residual, and what it moves by way of G."""
    n, K = X.shape
    hazard, mass = np.zeros(n + 1), np.zeros((n + 1, K))
    later, centre = np.zeros((n + 1, groups)), np.zeros((n + 1, groups, K))
    jump = np.zeros(n)
    first = 0
    while first < n:
        for i in range(first, end[first]):
            if event[i] == CAUSE:
                jump[first] += 1.0 / sums[first, 0]
        total = hazard[first] + jump[first]
        for i in range(first, end[first]):
            hazard[i + 1] = total
            for p in range(K):
                mass[i + 1, p] = mass[first, p] + jump[first] * sums[first, 1 + p] / sums[first, 0]
        first = end[first]
    for i in range(n - 1, -1, -1):
        for g in range(groups):
            later[i, g] = later[i + 1, g] + G[i, g] * jump[i]
            for p in range(K):
                centre[i, g, p] = centre[i + 1, g, p]
                if jump[i] > 0.0:
                    centre[i, g, p] += G[i, g] * jump[i] * sums[i, 1 + p] / sums[i, 0]
    for i in range(n):
        after, at, g = end[i], first_of(end, i), group[i]
        for p in range(K):
            residual[i, p] = -w[i] * (X[i, p] * hazard[after] - mass[after, p])
            if event[i] == CAUSE:
                residual[i, p] += X[i, p] - sums[at, 1 + p] / sums[at, 0]
            elif event[i] == OTHER:
                residual[i, p] -= w[i] / G[i, g] * (X[i, p] * later[after, g] - centre[after, g, p])
    add_censoring(event, group, groups, end, at_risk, G, X, w, later, centre, residual)


@njit(cache=True)
def first_of(end: Ints, i: int) -> int:
    """Return the first row of the same time."""
    while i > 0 and end[i - 1] == end[i]:
        i -= 1
    return i


@njit(cache=True)
def add_censoring(
    event: Labels, group: Labels, groups: int, end: Ints, at_risk: Floats, G: Floats, X: Floats,
    w: Floats, later: Floats, centre: Floats, residual: Floats,
) -> None:  # fmt: skip
    """Add ψ: the martingale of each row's censoring, weighted by what G at that time moves the score."""
    n, K = X.shape
    a0, a1 = np.zeros(groups), np.zeros((groups, K))
    spent, moved = np.zeros((groups, K)), np.zeros((groups, K))
    lost, first = np.zeros(groups), 0
    while first < n:
        lost[:] = 0.0
        for i in range(first, end[first]):
            if event[i] == CENSORED:
                lost[group[i]] += 1.0
        for g in range(groups):
            size = max(at_risk[first, g], 1.0)
            for p in range(K):
                moved[g, p] = (a1[g, p] * later[first, g] - a0[g] * centre[first, g, p]) / size
                spent[g, p] += moved[g, p] * lost[g] / size
        for i in range(first, end[first]):
            for p in range(K):
                residual[i, p] -= spent[group[i], p]
                if event[i] == CENSORED:
                    residual[i, p] += moved[group[i], p]
        for i in range(first, end[first]):
            if event[i] == OTHER:
                a0[group[i]] += w[i] / G[i, group[i]]
                for p in range(K):
                    a1[group[i], p] += w[i] / G[i, group[i]] * X[i, p]
        first = end[first]


@njit(cache=True)
def score_test(
    event: Labels, group: Labels, groups: int, end: Ints, at_risk: Floats, G: Floats, X: Floats,
    sums: Floats, w: Floats, residual: Floats, z: Floats,
) -> None:  # fmt: skip
    """Fill the score test of no effect of the first column (2,): by the information, by the sandwich."""
    K = X.shape[1]
    beta, score, information = np.zeros(K), np.zeros(K), np.zeros((K, K))
    if K > 1:
        others, rest = np.zeros(K - 1), np.ascontiguousarray(X[:, 1:])
        spare, small = np.empty((len(X), 1 + (K - 1) + (K - 1) ** 2)), np.empty((K - 1, K - 1))
        maximise(event, group, groups, end, G, rest, others, small, spare, w)
        beta[1:] = others
    risk_weights(X, beta, w)
    risk_sums(event, group, groups, end, G, X, w, sums)
    partial_likelihood(event, end, X, beta, sums, score, information)
    influence(event, group, groups, end, at_risk, G, X, w, sums, residual)
    standardise(score, information, residual, z)


@njit(cache=True)
def fit_kept(
    event: Labels, group: Labels, groups: int, end: Ints, at_risk: Floats, G: Floats, X: Floats,
    beta: Floats, covariance: Floats, z: Floats,
) -> int:  # fmt: skip
    """Fit one replicate without the covariates that cannot be told (NaN); score test where it fails."""
    n, P = X.shape
    keep = np.ones(P, np.bool_)
    score, information = np.zeros(P), np.zeros((P, P))
    sums = np.empty((n, 1 + P + P * P))
    risk_sums(event, group, groups, end, G, X, np.ones(n), sums)
    partial_likelihood(event, end, X, np.zeros(P), sums, score, information)
    independent(information, keep)
    if not keep[0]:
        return COLLINEAR
    kept = np.flatnonzero(keep)
    K = kept.size
    if K < P:
        X = np.ascontiguousarray(X[:, kept])
        sums = np.empty((n, 1 + K + K * K))
    some, inverse, w, residual = np.zeros(K), np.empty((K, K)), np.empty(n), np.empty((n, K))
    status = maximise(event, group, groups, end, G, X, some, inverse, sums, w)
    if status == STATUS_OK:
        influence(event, group, groups, end, at_risk, G, X, w, sums, residual)
        change = residual @ inverse
        spread = change.T @ change
        beta[:], covariance[:] = np.nan, np.nan
        for a in range(K):
            beta[kept[a]] = some[a]
            for b in range(K):
                covariance[kept[a], kept[b]] = spread[a, b]
    if status != STATUS_OK or not covariance[0, 0] > NO_SPREAD:
        score_test(event, group, groups, end, at_risk, G, X, sums, w, residual, z)
    return status


@njit(cache=True)
def fit_replicates(
    time: Floats, event: Labels, group: Labels, groups: int, X: Floats, order: Ints,
    beta: Floats, covariance: Floats, z: Floats, status: Labels,
) -> None:  # fmt: skip
    """Fit every replicate; see `trialsim.analysis.competing_risks.fine_gray_model` for what it means."""
    R, n, _ = X.shape
    end, at_risk, G = np.empty(n, np.int64), np.empty((n, groups)), np.empty((n, groups))
    for r in range(R):
        if status[r] != STATUS_OK:
            continue
        rows = order[r]
        e, g = event[r][rows], group[r][rows]
        ends_of_ties(time[r][rows], end)
        censoring(e, g, groups, end, at_risk, G)
        status[r] = fit_kept(e, g, groups, end, at_risk, G, X[r][rows], beta[r], covariance[r], z[r])
