"""Competing risks: Gray's test of A arms, and cumulative incidence at a time, of every replicate.

For an arm just before a time: Y at risk, S free of any event, F₁ the cumulative incidence of the cause of
interest. R = Y (1 − F₁)/S counts those at risk of the subdistribution.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_kernel import sort_by_stratum
from trialsim.data import STATUS_OK, Floats, Ints

CENSORED, CAUSE, OTHER = 0, 1, 2


@njit(cache=True)
def tabulate(time: Floats, event: Labels, arm: Labels, order: Ints, times: Floats, table: Floats) -> int:
    """Fill the distinct times of any event (K,) and, by arm, Y, d₁ and d₂ (K, A, 3); return K."""
    arms = table.shape[1]
    at_risk = np.zeros(arms)
    for a in arm:
        at_risk[a] += 1.0
    count, position = 0, 0
    while position < time.size:
        t = time[order[position]]
        deaths, leaving = np.zeros((arms, 3)), np.zeros(arms)
        while position < time.size and time[order[position]] == t:
            i = order[position]
            leaving[arm[i]] += 1.0
            deaths[arm[i], event[i]] += 1.0
            position += 1
        if deaths[:, CAUSE:].sum() > 0.0:
            times[count] = t
            for a in range(arms):
                table[count, a, 0] = at_risk[a]
                table[count, a, 1], table[count, a, 2] = deaths[a, CAUSE], deaths[a, OTHER]
            count += 1
        at_risk -= leaving
    return count


@njit(cache=True)
def gray_scores(table: Floats, count: int, curves: Floats, score: Floats, pairs: Floats) -> None:
    """Add Gray's score of each arm (A,), and Σ d₁ R_a R_b/R² to `pairs` (A, A).

    `curves` (K, A + 1, 2) is filled with each arm's S just before and after each time, and in its last row
    with G, the subdistribution survival under the null of one for all: its hazard is Σ d₁ / Σ Y/S.
    """
    arms = table.shape[1]
    survival, free, share = np.ones(arms), np.ones(arms), np.empty(arms)
    null = 1.0
    for k in range(count):
        total, everyone, deaths = 0.0, 0.0, 0.0
        for a in range(arms):
            curves[k, a, 0] = survival[a]
            scaled = table[k, a, 0] / survival[a] if table[k, a, 0] > 0.0 else 0.0
            share[a] = scaled * free[a]
            total += scaled
            everyone += share[a]
            deaths += table[k, a, 1]
        if everyone > 0.0:
            for a in range(arms):
                score[a] += table[k, a, 1] - deaths * share[a] / everyone
                for b in range(arms):
                    pairs[a, b] += deaths * share[a] * share[b] / everyone**2
        curves[k, arms, 0] = null
        null = max(null - deaths / total, 0.0) if total > 0.0 else null
        curves[k, arms, 1] = null
        for a in range(arms):
            n = table[k, a, 0]
            if n > 0.0:
                free[a] -= survival[a] * table[k, a, 1] / n
                survival[a] *= (n - table[k, a, 1] - table[k, a, 2]) / n
            curves[k, a, 1] = survival[a]


@njit(cache=True)
def gray_variance(table: Floats, count: int, curves: Floats, variance: Floats) -> None:
    """Add the covariance (A, A) of Gray's scores under the null, walking back from the last time.

    With h_a = Y_a/S_a(t−) and A_ab = δ_ab h_a − h_a h_b/h, an event of the cause in arm b moves the score of
    arm a by A_ab + (1 − G(t)/S_b(t)) C_ab and another event by (G(t)/S_b(t)) C_ab, C_ab = Σ A_ab d₁/(h G(−))
    over later times. Tied events shrink the variance by 1 − (d − 1)/(n − 1), n = h S_b(t−) or Y_b.
    """
    arms = table.shape[1]
    ahead, kernel = np.zeros((arms, arms)), np.zeros((arms, arms))
    scaled, moved = np.empty(arms), np.empty(arms)
    for k in range(count - 1, -1, -1):
        total, deaths = 0.0, 0.0
        for a in range(arms):
            scaled[a] = table[k, a, 0] / curves[k, a, 0] if table[k, a, 0] > 0.0 else 0.0
            total += scaled[a]
            deaths += table[k, a, 1]
        if total == 0.0:
            continue
        for a in range(arms):
            for b in range(arms):
                kernel[a, b] = scaled[a] * ((a == b) - scaled[b] / total)
        for b in range(arms):
            n, before, after = table[k, b, 0], curves[k, b, 0], curves[k, b, 1]
            if n == 0.0:
                continue
            left = curves[k, arms, 1] / after if after > 0.0 else 0.0
            if deaths > 0.0:
                ties = tie_factor(deaths, total * before)
                for a in range(arms):
                    moved[a] = kernel[a, b] + (1.0 - left) * ahead[a, b]
                add_square(ties * before * deaths / (total * n), moved, variance)
            other = table[k, b, 2]
            if other > 0.0 and after > 0.0:
                ties = tie_factor(other, n)
                for a in range(arms):
                    moved[a] = left * ahead[a, b]
                add_square(ties * before**2 * other / n**2, moved, variance)
        if deaths > 0.0 and curves[k, arms, 0] > 0.0:
            ahead += kernel * (deaths / (total * curves[k, arms, 0]))


@njit(cache=True)
def tie_factor(deaths: float, n: float) -> float:
    """Return 1 − (d − 1)/(n − 1), not below 0: what ties leave of the variance."""
    if deaths <= 1.0:
        return 1.0
    return max(1.0 - (deaths - 1.0) / (n - 1.0), 0.0) if n > 1.0 else 0.0


@njit(cache=True)
def add_square(weight: float, moved: Floats, variance: Floats) -> None:
    """Add a weighted outer square."""
    for a in range(moved.size):
        for b in range(moved.size):
            variance[a, b] += weight * moved[a] * moved[b]


@njit(cache=True)
def incidence_at(
    times: Floats, table: Floats, count: int, arm: int, horizon: float, aalen: bool, jumps: Floats
) -> tuple[float, float, float]:
    """Return F₁ of an arm at a horizon, its variance, and S there.

    Both variances are Σ a + (F(t) − F(u))² b − 2 (F(t) − F(u)) c. By the delta method a = S² (n − d₁) d₁/n³,
    b = d/(n (n − d)), c = S d₁/n². Aalen's, as in cmprsk, with m_k = S² d_k (n − d_k)/(n² (n − 1)) of cause k
    and S₊ the curve after u: a = m₁, b = (m₁ + m₂)/S₊², c = m₁/S₊.
    """
    survival, incidence, used = 1.0, 0.0, 0
    variance = 0.0
    for k in range(count):
        n, d1, d2 = table[k, arm, 0], table[k, arm, 1], table[k, arm, 2]
        d = d1 + d2
        if times[k] > horizon or n == 0.0:
            break
        incidence += survival * d1 / n
        after = survival * (1.0 - d / n)
        jumps[used, 0] = incidence
        if aalen:
            first = survival**2 * d1 * tie_factor(d1, n) / n**2
            other = survival**2 * d2 * tie_factor(d2, n) / n**2
            variance += first
            jumps[used, 1] = (first + other) / after**2 if n > d else 0.0
            jumps[used, 2] = first / after if n > d else 0.0
        else:
            variance += survival**2 * (n - d1) * d1 / n**3
            jumps[used, 1] = d / (n * (n - d)) if n > d else 0.0
            jumps[used, 2] = survival * d1 / n**2
        survival = after
        used += 1
    for k in range(used):
        rest = incidence - jumps[k, 0]
        variance += rest * rest * jumps[k, 1] - 2.0 * rest * jumps[k, 2]
    return incidence, variance, survival


@njit(cache=True)
def gray_replicates(
    time: Floats,
    event: Labels,
    arm: Labels,
    arms: int,
    stratum: Ints,
    strata: int,
    order: Ints,
    score: Floats,
    variance: Floats,
    pairs: Floats,
    status: Labels,
) -> None:
    """Fill Gray's scores (R, A), their covariance and `pairs` (R, A, A), where the status is ok."""
    participants = time.shape[1]
    times, table = np.empty(participants), np.empty((participants, arms, 3))
    curves = np.empty((participants, arms + 1, 2))
    rows, segment = np.empty(participants, np.int64), np.empty(strata + 1, np.int64)
    for r in range(len(time)):
        if status[r] != STATUS_OK:
            continue
        sort_by_stratum(order[r], stratum[r], strata, rows, segment)
        for s in range(strata):
            own = rows[segment[s] : segment[s + 1]]
            count = tabulate(time[r][own], event[r][own], arm[r][own], np.arange(own.size), times, table)
            gray_scores(table, count, curves, score[r], pairs[r])
            gray_variance(table, count, curves, variance[r])


@njit(cache=True)
def incidence_replicates(
    time: Floats, event: Labels, arm: Labels, order: Ints, horizon: float, aalen: bool, result: Floats
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
                times, table, count, a, horizon, aalen, jumps
            )
