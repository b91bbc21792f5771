"""Competing risks of two arms: Gray's test, and cumulative incidence at a time, of every replicate.

For arm r just before a time: Y at risk, S free of any event, F₁ and F₂ cumulative incidence of the cause of
interest and of the others; G = 1 − F₁. R = Y G/S counts those at risk of the subdistribution.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.data import STATUS_OK, Floats, Ints

CENSORED, CAUSE, OTHER = 0, 1, 2
NO_INFORMATION = 3


@njit(cache=True)
def tabulate(time: Floats, event: Labels, arm: Labels, order: Ints, times: Floats, table: Floats) -> int:
    """Fill the distinct times of any event (K,) and, by arm, Y, d₁ and d₂ (K, 2, 3); return K."""
    at_risk = np.zeros(2)
    for a in arm:
        at_risk[a] += 1.0
    count, position = 0, 0
    while position < time.size:
        t = time[order[position]]
        deaths, leaving = np.zeros((2, 3)), np.zeros(2)
        while position < time.size and time[order[position]] == t:
            i = order[position]
            leaving[arm[i]] += 1.0
            deaths[arm[i], event[i]] += 1.0
            position += 1
        if deaths[:, CAUSE:].sum() > 0.0:
            times[count] = t
            for a in range(2):
                table[count, a, 0] = at_risk[a]
                table[count, a, 1], table[count, a, 2] = deaths[a, CAUSE], deaths[a, OTHER]
            count += 1
        at_risk -= leaving
    return count


@njit(cache=True)
def gray_test(table: Floats, count: int) -> tuple[float, float, float]:
    """Return Gray's score of the active arm, its variance under the null, and Σ R₀R₁/R² d₁.

    The variance is that of ∫ K (dΓ₁ − dΓ₀), K = R₀R₁/R: with c(u) = ∫_{(u, ∞)} K/G dΓ, an event of the
    cause at u moves it by K/R_r − (G − S_r) c/Y_r and another event by G c/Y_r. G is estimated under the
    null from both arms, by Σ d₁ / Σ Y/S.
    """
    survival, free = np.ones(2), np.ones(2)
    before, scaled = np.empty((count, 2)), np.empty((count, 2))
    null, jump = np.empty(count), np.empty(count)
    score, information, pooled = 0.0, 0.0, 1.0
    for k in range(count):
        total = 0.0
        deaths = table[k, 0, 1] + table[k, 1, 1]
        actual = np.zeros(2)
        for a in range(2):
            before[k, a] = survival[a]
            scaled[k, a] = table[k, a, 0] / survival[a] if table[k, a, 0] > 0.0 else 0.0
            actual[a] = scaled[k, a] * free[a]
            total += scaled[k, a]
        null[k] = pooled
        jump[k] = deaths / total if total > 0.0 else 0.0
        everyone = actual[0] + actual[1]
        if everyone > 0.0:
            score += table[k, 1, 1] - deaths * actual[1] / everyone
            information += deaths * actual[0] * actual[1] / everyone**2
        pooled = max(pooled - jump[k], 0.0)
        for a in range(2):
            n = table[k, a, 0]
            if n > 0.0:
                free[a] -= survival[a] * table[k, a, 1] / n
                survival[a] *= 1.0 - (table[k, a, 1] + table[k, a, 2]) / n
    variance, ahead = 0.0, 0.0
    for k in range(count - 1, -1, -1):
        total = scaled[k, 0] + scaled[k, 1]
        if total == 0.0 or null[k] == 0.0:
            continue
        weight = scaled[k, 0] * scaled[k, 1] * null[k] / total
        for a in range(2):
            n = table[k, a, 0]
            if n > 0.0:
                at_risk = scaled[k, a] * null[k]
                own = weight / at_risk - (null[k] - before[k, a]) * ahead / n
                other = null[k] * ahead / n
                variance += own * own * scaled[k, a] * jump[k] + other * other * table[k, a, 2]
        after = null[k] - jump[k]
        if weight > 0.0 and after > 0.0:
            ahead += weight * jump[k] / (after * null[k])
    return score, variance, information


@njit(cache=True)
def incidence_at(
    times: Floats, table: Floats, count: int, arm: int, horizon: float, jumps: Floats
) -> tuple[float, float, float]:
    """Return F₁ of an arm at a horizon, its variance by the delta method, and S there.

    Var = Σ (F(t)−F(u))² d/(n(n−d)) + Σ S² (n−d₁) d₁/n³ − 2 Σ (F(t)−F(u)) S d₁/n²
    """
    survival, incidence, used = 1.0, 0.0, 0
    variance = 0.0
    for k in range(count):
        n, d1 = table[k, arm, 0], table[k, arm, 1]
        d = d1 + table[k, arm, 2]
        if times[k] > horizon or n == 0.0:
            break
        incidence += survival * d1 / n
        jumps[used, 0] = incidence
        jumps[used, 1] = d / (n * (n - d)) if n > d else 0.0
        jumps[used, 2] = survival * d1 / n**2
        variance += survival**2 * (n - d1) * d1 / n**3
        survival *= 1.0 - d / n
        used += 1
    for k in range(used):
        rest = incidence - jumps[k, 0]
        variance += rest * rest * jumps[k, 1] - 2.0 * rest * jumps[k, 2]
    return incidence, variance, survival


@njit(cache=True)
def gray_replicates(
    time: Floats, event: Labels, arm: Labels, order: Ints, result: Floats, status: Labels
) -> None:
    """Fill score, variance and information (R, 3) of every replicate whose status is ok."""
    participants = time.shape[1]
    times, table = np.empty(participants), np.empty((participants, 2, 3))
    for r in range(len(time)):
        if status[r] != STATUS_OK:
            continue
        count = tabulate(time[r], event[r], arm[r], order[r], times, table)
        result[r, 0], result[r, 1], result[r, 2] = gray_test(table, count)
        if not (result[r, 1] > 0.0 and result[r, 2] > 0.0):
            status[r] = NO_INFORMATION


@njit(cache=True)
def incidence_replicates(
    time: Floats, event: Labels, arm: Labels, order: Ints, horizon: float, result: Floats
) -> None:
    """Fill F₁, its variance, S and the last time of each arm (R, 2, 4)."""
    participants = time.shape[1]
    times, table = np.empty(participants), np.empty((participants, 2, 3))
    jumps = np.empty((participants, 3))
    for r in range(len(time)):
        count = tabulate(time[r], event[r], arm[r], order[r], times, table)
        for i in range(participants):
            result[r, arm[r, i], 3] = max(result[r, arm[r, i], 3], time[r, i])
        for a in range(2):
            result[r, a, 0], result[r, a, 1], result[r, a, 2] = incidence_at(
                times, table, count, a, horizon, jumps
            )
