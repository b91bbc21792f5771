"""Covariate-adjusted log-rank score, and the log hazard ratio that solves it, for every replicate.

With Y₁, Y₀ at risk by arm, h = e^θ, Ȳ = h Y₁ + Y₀ and all deaths d at a time, participant i has the outcome

    O_i = w_i(own time) event_i − h^{arm} Σ_{t ≤ own time} w_i(t) d/Ȳ,   w = Y₀/Ȳ active, h Y₁/Ȳ control

so two running sums give all of them. Rows stand sorted by stratum and then by time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_kernel import invert, sort_by_stratum
from trialsim.data import STATUS_OK, Bools, Floats, Ints

NO_INFORMATION, NO_ROOT = 3, 4

_DEPENDENT = 1e-10

_MOST_STEPS = 100
_WIDEST_LOG_RATIO = 30.0


@njit(cache=True)
def tabulate(time: Floats, event: Labels, arm: Labels, segment: Ints, table: Floats, position: Ints) -> int:
    """Fill Y₁, Y₀, d and d₁ of each event time (K, 4), and how many of them each row has reached.

    Event times of different strata follow each other; `position` (N, 2) is the first of the row's
    stratum and one past the last that the row lived to see.
    """
    count = 0
    for s in range(segment.size - 1):
        opening = count
        at_risk = np.zeros(2)
        for i in range(segment[s], segment[s + 1]):
            at_risk[arm[i]] += 1.0
        first = segment[s]
        while first < segment[s + 1]:
            last, d, d1 = first, 0.0, 0.0
            leaving = np.zeros(2)
            while last < segment[s + 1] and time[last] == time[first]:
                leaving[arm[last]] += 1.0
                if event[last] == 1:
                    d += 1.0
                    d1 += arm[last]
                last += 1
            if d > 0.0:
                table[count, 0], table[count, 1], table[count, 2], table[count, 3] = (
                    at_risk[1],
                    at_risk[0],
                    d,
                    d1,
                )
                count += 1
            for i in range(first, last):
                position[i, 0], position[i, 1] = opening, count
            at_risk -= leaving
            first = last
    return count


@njit(cache=True)
def score_at(table: Floats, count: int, theta: float, tie_factor: bool) -> tuple[float, float]:
    """Return the unadjusted score Σ (d₁ − d p) and Σ d p (1−p), times (Ȳ−d)/(Ȳ−1) if asked."""
    h = np.exp(theta)
    score, variance = 0.0, 0.0
    for k in range(count):
        at_risk = h * table[k, 0] + table[k, 1]
        share = h * table[k, 0] / at_risk
        v = table[k, 2] * share * (1.0 - share)
        if tie_factor and table[k, 2] > 1.0:
            v *= (at_risk - table[k, 2]) / (at_risk - 1.0)
        score += table[k, 3] - table[k, 2] * share
        variance += v
    return score, variance


@njit(cache=True)
def solve_score(table: Floats, count: int, correction: float) -> float:
    """Return θ where the score equals the correction, by Newton within a bracket; NaN if there is none."""
    low, high = -_WIDEST_LOG_RATIO, _WIDEST_LOG_RATIO
    if not score_at(table, count, low, False)[0] > correction > score_at(table, count, high, False)[0]:
        return np.nan
    theta = 0.0
    for _ in range(_MOST_STEPS):
        score, variance = score_at(table, count, theta, False)
        if score > correction:
            low = theta
        else:
            high = theta
        step = (score - correction) / variance if variance > 0.0 else np.inf
        moved = theta + step
        if not low < moved < high:
            moved = 0.5 * (low + high)
        if abs(moved - theta) <= 1e-13 * (1.0 + abs(theta)):
            return moved
        theta = moved
    return theta


@njit(cache=True)
def derive_outcomes(
    table: Floats, count: int, event: Labels, arm: Labels, position: Ints, theta: float, outcome: Floats
) -> None:
    """Fill the derived outcome of each row (N,) at the log hazard ratio θ."""
    h = np.exp(theta)
    running = np.zeros((count + 1, 2))
    for k in range(count):
        at_risk = h * table[k, 0] + table[k, 1]
        hazard = table[k, 2] / at_risk
        running[k + 1, 1] = running[k, 1] + table[k, 1] / at_risk * hazard
        running[k + 1, 0] = running[k, 0] + h * table[k, 0] / at_risk * hazard
    for i in range(arm.size):
        a = arm[i]
        spent = running[position[i, 1], a] - running[position[i, 0], a]
        outcome[i] = -spent * (h if a == 1 else 1.0)
        if event[i] == 1:
            own = position[i, 1] - 1
            at_risk = h * table[own, 0] + table[own, 1]
            outcome[i] += (table[own, 1] if a == 1 else h * table[own, 0]) / at_risk


@njit(cache=True)
def moments(
    outcome: Floats, arm: Labels, X: Floats, segment: Ints,
    gram: Floats, cross: Floats, shift: Floats, moment: Floats,
) -> float:  # fmt: skip
    """Fill sums over the strata that hold both arms, and return π(1 − π), π their share of active.

    By arm: X'X (2, P, P) and X'outcome (2, P) centred within arm and stratum, and Σ (X − X̄) (2, P) about
    the stratum's mean; Cov(X) (P, P) within strata, times the number of participants.
    """
    P = X.shape[1]
    gram[:], cross[:], shift[:], moment[:] = 0.0, 0.0, 0.0, 0.0
    used = np.zeros(2)
    for s in range(segment.size - 1):
        low, high = segment[s], segment[s + 1]
        count = np.zeros(2)
        mean, mean_outcome = np.zeros((2, P)), np.zeros(2)
        for i in range(low, high):
            count[arm[i]] += 1.0
            mean[arm[i]] += X[i]
            mean_outcome[arm[i]] += outcome[i]
        if count[0] == 0.0 or count[1] == 0.0:
            continue
        used += count
        overall = (mean[0] + mean[1]) / (high - low)
        for a in range(2):
            shift[a] += mean[a] - count[a] * overall
            mean[a] /= count[a]
            mean_outcome[a] /= count[a]
        spread = np.zeros((P, P))
        for i in range(low, high):
            a = arm[i]
            for p in range(P):
                own = X[i, p] - mean[a, p]
                cross[a, p] += own * (outcome[i] - mean_outcome[a])
                for q in range(P):
                    gram[a, p, q] += own * (X[i, q] - mean[a, q])
                    spread[p, q] += (X[i, p] - overall[p]) * (X[i, q] - overall[q])
        moment += spread * ((high - low) / (high - low - 1.0))
    n = used[0] + used[1]
    return used[0] * used[1] / n**2 if n > 0.0 else 0.0


@njit(cache=True)
def tellable(gram: Floats, moment: Floats, kept: Bools) -> None:
    """Mark the covariates that those before them determine in neither arm; gram (2, P, P)."""
    P = len(moment)
    rest = gram.copy()
    for j in range(P):
        least = _DEPENDENT * moment[j, j]
        kept[j] = rest[0, j, j] > least and rest[1, j, j] > least
        if not kept[j]:
            continue
        for a in range(2):
            for p in range(j + 1, P):
                ratio = rest[a, p, j] / rest[a, j, j]
                for q in range(j + 1, P):
                    rest[a, p, q] -= ratio * rest[a, j, q]


@njit(cache=True)
def adjustment(outcome: Floats, arm: Labels, X: Floats, segment: Ints, kept: Bools) -> tuple[float, float]:
    """Return what covariates take from the score and from n σ², and mark the covariates that were used.

    Slopes β_a of the outcome on X within arm and stratum. A stratum with one arm says nothing and is left
    out, as is a covariate that those before it determine within an arm.
    """
    P = X.shape[1]
    gram, cross, moment = np.empty((2, P, P)), np.empty((2, P)), np.empty((P, P))
    shift = np.empty((2, P))
    balance = moments(outcome, arm, X, segment, gram, cross, shift, moment)
    tellable(gram, moment, kept)
    columns = np.flatnonzero(kept)
    size = columns.size
    matrix, inverse = np.empty((size, size)), np.empty((size, size))
    total, taken = np.zeros(P), 0.0
    for a in range(2):
        for p in range(size):
            for q in range(size):
                matrix[p, q] = gram[a, columns[p], columns[q]]
        slope = np.zeros(P)
        if size > 0 and invert(matrix, inverse):
            for p in range(size):
                for q in range(size):
                    slope[columns[p]] += inverse[p, q] * cross[a, columns[q]]
        total += slope
        taken += (slope @ shift[a]) * (1.0 if a == 1 else -1.0)
    return taken, balance * (total @ moment @ total)


@njit(cache=True)
def adjust_replicates(
    time: Floats,
    event: Labels,
    arm: Labels,
    stratum: Ints,
    strata: int,
    X: Floats,
    order: Ints,
    result: Floats,
    kept: Bools,
    status: Labels,
) -> None:
    """Fill U and its variance, θ, its standard error and the variance of U at θ (R, 5), as sums over n.

    `kept` (R, P) tells which covariates were used. U stands where θ does not exist.
    """
    participants = time.shape[1]
    rows, segment = np.empty(participants, np.int64), np.empty(strata + 1, np.int64)
    table, position = np.empty((participants, 4)), np.empty((participants, 2), np.int64)
    outcome = np.empty(participants)
    P = X.shape[2]
    for r in range(len(time)):
        if status[r] != STATUS_OK:
            continue
        sort_by_stratum(order[r], stratum[r], strata, rows, segment)
        t, e, a = time[r][rows], event[r][rows], arm[r][rows]
        x = X[r][rows]
        count = tabulate(t, e, a, segment, table, position)
        score, variance = score_at(table, count, 0.0, True)
        taken, saved = 0.0, 0.0
        if P > 0:
            derive_outcomes(table, count, e, a, position, 0.0, outcome)
            taken, saved = adjustment(outcome, a, x, segment, kept[r])
        result[r, 0], result[r, 1] = score - taken, variance - saved
        if not result[r, 1] > 0.0:
            status[r] = NO_INFORMATION
            continue
        theta = solve_score(table, count, 0.0)
        taken, saved = 0.0, 0.0
        if P > 0 and not np.isnan(theta):
            derive_outcomes(table, count, e, a, position, theta, outcome)
            taken, saved = adjustment(outcome, a, x, segment, kept[r])
            theta = solve_score(table, count, taken)
        if np.isnan(theta):
            status[r] = NO_ROOT
            continue
        slope = score_at(table, count, theta, False)[1]
        result[r, 2], result[r, 4] = theta, slope - saved
        if not (slope > 0.0 and result[r, 4] > 0.0):
            status[r] = NO_INFORMATION
            continue
        result[r, 3] = np.sqrt(result[r, 4]) / slope
