r"""Weighted Cox models of many trials with outside controls: weights by a propensity, and robust variances.

The formulas are those of `survival_kernel`; the weights' own part of the variance is written out. With the
propensity :math:`e = 1 / (1 + e^{-z'θ})`, raw weights :math:`r(z'θ)`, their means :math:`m_a` in the arms,
:math:`w = r / m_a`, :math:`g_i = ∂β / ∂w_i` and :math:`q_a = \sum_{i \in a} g_i w_i / m_a`, participant i
moves :math:`β` by

.. math:: w_i g_i + c' H^{-1} z_i (A_i - e_i) - q_{A_i} (r_i - m_{A_i}) / n_{A_i}, \qquad
          c = \sum_j g_j \frac{r'_j z_j}{m_{A_j}} - \sum_a q_a \frac{1}{n_a} \sum_{j \in a} r'_j z_j
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

OK, NO_EVENTS, ARM_EMPTY, NOT_BALANCED, INFINITE_RATIO, NO_VARIANCE = range(6)
REASONS = ("ok", "no_events", "arm_empty", "not_balanced", "infinite_hazard_ratio", "no_variance")
ATT, ATE, OVERLAP = range(3)

_STEPS, _TOLERANCE, _LONGEST = 60, 1e-10, 4.0
_PARTED, _PIVOT = 1e-6, 1e-10
_WIDEST, _ROUNDING = 30.0, 1e-12


@njit(cache=True)
def solve(gram: Floats, right: Floats) -> Floats:
    """Return x of gram x = right by Cholesky; a column that those before it determine gets 0."""
    K = len(right)
    L, x = np.zeros((K, K)), np.zeros(K)
    for j in range(K):
        pivot = gram[j, j]
        for k in range(j):
            pivot -= L[j, k] * L[j, k]
        if pivot <= _PIVOT * gram[j, j] or gram[j, j] <= 0.0:
            continue
        L[j, j] = math.sqrt(pivot)
        for i in range(j + 1, K):
            value = gram[i, j]
            for k in range(j):
                value -= L[i, k] * L[j, k]
            L[i, j] = value / L[j, j]
    for j in range(K):
        if L[j, j] > 0.0:
            value = right[j]
            for k in range(j):
                value -= L[j, k] * x[k]
            x[j] = value / L[j, j]
    for j in range(K - 1, -1, -1):
        if L[j, j] > 0.0:
            value = x[j]
            for i in range(j + 1, K):
                value -= L[i, j] * x[i]
            x[j] = value / L[j, j]
    return x


@njit(cache=True)
def fit_propensity(z: Floats, treated: Labels, eta: Floats, gram: Floats) -> bool:
    """Fill z'θ (N,) and the information (K, K) of a logistic regression; False where it has no maximum."""
    n, K = z.shape
    theta, score = np.zeros(K), np.zeros(K)
    for _ in range(_STEPS):
        score[:], gram[:] = 0.0, 0.0
        for i in range(n):
            eta[i] = 0.0
            for k in range(K):
                eta[i] += z[i, k] * theta[k]
            p = 1.0 / (1.0 + math.exp(-eta[i]))
            gap, weight = treated[i] - p, p * (1.0 - p)
            for k in range(K):
                score[k] += gap * z[i, k]
                for j in range(k + 1):
                    gram[k, j] += weight * z[i, k] * z[i, j]
        for k in range(K):
            for j in range(k):
                gram[j, k] = gram[k, j]
        step = solve(gram, score)
        longest = np.abs(step).max()
        if longest < _TOLERANCE:
            break
        theta += step / max(1.0, longest / _LONGEST)
    surest = 1.0
    for i in range(n):
        own = 1.0 / (1.0 + math.exp(-eta[i] if treated[i] == 1 else eta[i]))
        surest = min(surest, own)
    return surest <= 1.0 - _PARTED and np.abs(score).max() <= 1e-6 * n


@njit(cache=True)
def weigh_one(kind: int, treated: int, eta: float) -> tuple[float, float]:
    """Return the raw weight of a participant and its derivative by z'θ."""
    if kind == ATT:
        return (1.0, 0.0) if treated == 1 else (math.exp(eta), math.exp(eta))
    if kind == ATE:
        odds = math.exp(-eta) if treated == 1 else math.exp(eta)
        return 1.0 + odds, -odds if treated == 1 else odds
    p = 1.0 / (1.0 + math.exp(-eta))
    return (1.0 - p, -p * (1.0 - p)) if treated == 1 else (p, p * (1.0 - p))


@njit(cache=True)
def risk_sums(time: Floats, event: Labels, treated: Labels, w: Floats, order: Ints, sums: Floats) -> int:
    """Fill weighted numbers at risk (controls, treated) and events (all, treated) of event times (T, 4).

    From the last event time to the first; returns T.
    """
    T, i, R0, R1 = 0, len(order) - 1, 0.0, 0.0
    while i >= 0:
        now, d, d1 = time[order[i]], 0.0, 0.0
        happened = False
        while i >= 0 and time[order[i]] == now:
            one = order[i]
            if treated[one] == 1:
                R1 += w[one]
            else:
                R0 += w[one]
            if event[one] == 1:
                happened = True
                d += w[one]
                d1 += w[one] * treated[one]
            i -= 1
        if happened:
            sums[T, 0], sums[T, 1], sums[T, 2], sums[T, 3] = R0, R1, d, d1
            T += 1
    return T


@njit(cache=True)
def score_of(sums: Floats, T: int, beta: float) -> tuple[float, float]:
    """Return score and information of the log hazard ratio."""
    ratio, score, information = math.exp(beta), 0.0, 0.0
    for t in range(T):
        share = ratio * sums[t, 1] / (sums[t, 0] + ratio * sums[t, 1])
        score += sums[t, 3] - sums[t, 2] * share
        information += sums[t, 2] * share * (1.0 - share)
    return score, information


@njit(cache=True)
def solve_ratio(sums: Floats, T: int) -> tuple[bool, float]:
    """Return whether the log hazard ratio is finite, and it: Newton's steps between bounds that close in."""
    low, high, beta = -_WIDEST, _WIDEST, 0.0
    if score_of(sums, T, low)[0] <= 0.0 or score_of(sums, T, high)[0] >= 0.0:
        return False, 0.0
    for _ in range(200):
        score, information = score_of(sums, T, beta)
        if score > 0.0:
            low = beta
        else:
            high = beta
        ahead = beta + score / information if information > 0.0 else 0.5 * (low + high)
        if not low <= ahead <= high:
            ahead = 0.5 * (low + high)
        if abs(ahead - beta) < _ROUNDING:
            return True, ahead
        beta = ahead
    return True, beta


@njit(cache=True)
def fill_gradient(
    time: Floats, event: Labels, treated: Labels, order: Ints, sums: Floats, T: int, beta: float, g: Floats
) -> float:
    """Fill ∂β/∂w (N,) and return the information."""
    ratio, information = math.exp(beta), score_of(sums, T, beta)[1]
    if information <= 1e-10:
        return 0.0
    hazard, mean, i, t = 0.0, 0.0, 0, T - 1
    n = len(order)
    while i < n:
        first, now, happened = i, time[order[i]], False
        while i < n and time[order[i]] == now:
            happened = happened or event[order[i]] == 1
            i += 1
        share = 0.0
        if happened:
            total = sums[t, 0] + ratio * sums[t, 1]
            share = ratio * sums[t, 1] / total
            hazard += sums[t, 2] / total
            mean += share * sums[t, 2] / total
            t -= 1
        for k in range(first, i):
            one = order[k]
            seen = treated[one] - share if event[one] == 1 else 0.0
            expected = ratio * (hazard - mean) if treated[one] == 1 else -mean
            g[one] = (seen - expected) / information
    return information


@njit(cache=True)
def variance_of(
    z: Floats, treated: Labels, eta: Floats, gram: Floats, kind: int, raw: Floats, means: Floats, g: Floats
) -> float:
    """Return the sum of squared influences, those by way of the weights included."""
    n, K = z.shape
    size, pull, slope = np.zeros(2), np.zeros(2), np.zeros((2, K))
    c = np.zeros(K)
    for i in range(n):
        a = treated[i]
        derivative = weigh_one(kind, a, eta[i])[1]
        size[a] += 1.0
        pull[a] += g[i] * raw[i] / means[a] ** 2
        for k in range(K):
            slope[a, k] += derivative * z[i, k]
            c[k] += g[i] * derivative * z[i, k] / means[a]
    for a in range(2):
        for k in range(K):
            c[k] -= pull[a] * slope[a, k] / size[a]
    by_theta = solve(gram, c)
    total = 0.0
    for i in range(n):
        a = treated[i]
        moved = g[i] * raw[i] / means[a] - pull[a] * (raw[i] - means[a]) / size[a]
        along = 0.0
        for k in range(K):
            along += by_theta[k] * z[i, k]
        moved += along * (a - 1.0 / (1.0 + math.exp(-eta[i])))
        total += moved * moved
    return total


@njit(cache=True)
def fit_weighted(
    time: Floats, event: Labels, treated: Labels, z: Floats, order: Ints, kind: int, status: Labels,
    estimate: Floats, variance: Floats, size: Floats,
) -> None:  # fmt: skip
    """Fill log hazard ratio, its variance, and Kish's size of the controls (R,) of each trial that is OK."""
    R, n, K = z.shape
    eta, raw, w, g = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    sums, gram = np.empty((n, 4)), np.empty((K, K))
    for r in range(R):
        if status[r] != OK:
            continue
        if not fit_propensity(z[r], treated[r], eta, gram):
            status[r] = NOT_BALANCED
            continue
        means, counts, squares = np.zeros(2), np.zeros(2), 0.0
        for i in range(n):
            raw[i] = weigh_one(kind, treated[r, i], eta[i])[0]
            means[treated[r, i]] += raw[i]
            counts[treated[r, i]] += 1.0
            if treated[r, i] == 0:
                squares += raw[i] * raw[i]
        size[r] = means[0] ** 2 / squares
        means /= counts
        for i in range(n):
            w[i] = raw[i] / means[treated[r, i]]
        T = risk_sums(time[r], event[r], treated[r], w, order[r], sums)
        finite, estimate[r] = solve_ratio(sums, T)
        if (
            not finite
            or fill_gradient(time[r], event[r], treated[r], order[r], sums, T, estimate[r], g) <= 0.0
        ):
            status[r] = INFINITE_RATIO
            continue
        variance[r] = variance_of(z[r], treated[r], eta, gram, kind, raw, means, g)
        if not variance[r] > 0.0:
            status[r] = NO_VARIANCE
