"""Probabilistic index of replicate trials, by strata: one sort and one walk over groups of ties."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

OK = 0
TOO_FEW_PARTICIPANTS = 1
ARM_EMPTY = 2
STRATUM_TOO_SMALL = 3
CONSTANT_OUTCOME = 4
NO_STRATUM_WITH_BOTH_ARMS = 5
NO_RESIDUAL_VARIANCE = 6
REASONS = (
    "ok",
    "too_few_participants",
    "arm_empty",
    "stratum_too_small",
    "constant_outcome",
    "no_stratum_with_both_arms",
    "no_residual_variance",
)

ROUNDING = 1e-14


@njit(cache=True)
def walk(values: Floats, arm: Labels, size: Floats) -> tuple[float, float, float, float]:
    """Return θ of one stratum, the placements' variances in the control and the active arm, and Σ(t³ − t).

    `values` are ascending. The placement of an active participant is the share of controls below, ties
    half; that of a control is the share of active participants above.
    """
    below = np.zeros(2)
    total, squares = np.zeros(2), np.zeros(2)
    ties, i, n = 0.0, 0, values.size
    while i < n:
        group = np.zeros(2)
        value = values[i]
        while i < n and values[i] == value:
            group[arm[i]] += 1.0
            i += 1
        active = (below[0] + 0.5 * group[0]) / size[0] - 0.5
        control = (size[1] - below[1] - 0.5 * group[1]) / size[1] - 0.5
        total[1] += group[1] * active
        squares[1] += group[1] * active * active
        total[0] += group[0] * control
        squares[0] += group[0] * control * control
        t = group[0] + group[1]
        ties += t * (t * t - 1.0)
        below += group
    variance = np.zeros(2)
    for a in range(2):
        if size[a] > 1.0:
            variance[a] = max(squares[a] - total[a] * total[a] / size[a], 0.0) / (size[a] - 1.0)
    return 0.5 + total[1] / size[1], variance[0], variance[1], ties


@njit(cache=True)
def combine(values: Floats, arm: Labels, segment: Ints, robust: bool) -> tuple[int, float, float, float]:
    """Return a status, θ over the strata, its variance and degrees of freedom.

    Rows are sorted by stratum, then by value; `segment` (S + 1,) holds where the strata begin.
    """
    weights, theta, variance, pieces = 0.0, 0.0, 0.0, 0.0
    strata_seen = 0
    for s in range(segment.size - 1):
        first, last = segment[s], segment[s + 1]
        size = np.zeros(2)
        for i in range(first, last):
            size[arm[i]] += 1.0
        n = size[0] + size[1]
        if size[0] == 0.0 or size[1] == 0.0:
            continue
        strata_seen += 1
        if robust and (size[0] < 2.0 or size[1] < 2.0):
            return STRATUM_TOO_SMALL, np.nan, np.nan, np.nan
        weight = size[0] * size[1] / (n + 1.0)
        share, control, active, ties = walk(values[first:last], arm[first:last], size)
        weights += weight
        theta += weight * share
        if robust:
            piece_0, piece_1 = weight * weight * control / size[0], weight * weight * active / size[1]
            variance += piece_0 + piece_1
            pieces += piece_0**2 / (size[0] - 1.0) + piece_1**2 / (size[1] - 1.0)
        else:
            untied = 1.0 - ties / (n * (n * n - 1.0))
            variance += weight * weight * (n + 1.0) / (12.0 * size[0] * size[1]) * untied
    if strata_seen == 0:
        return NO_STRATUM_WITH_BOTH_ARMS, np.nan, np.nan, np.nan
    if not variance > ROUNDING * weights * weights:
        return NO_RESIDUAL_VARIANCE, np.nan, np.nan, np.nan
    df = variance * variance / pieces if robust else np.inf
    return OK, theta / weights, variance / (weights * weights), df


@njit(cache=True)
def estimate_replicates(
    outcome: Floats,
    order: Ints,
    arm: Labels,
    strata: Ints,
    levels: int,
    robust: bool,
    theta: Floats,
    variance: Floats,
    df: Floats,
    status: Labels,
) -> None:
    """Estimate every replicate; `order` sorts its participants by outcome, missing ones last."""
    R, N = outcome.shape
    values, a, segment = np.empty(N), np.empty(N, np.int8), np.empty(levels + 1, np.int64)
    for r in range(R):
        size = np.zeros(2, np.int64)
        count = np.zeros(levels, np.int64)
        for i in range(N):
            if not np.isnan(outcome[r, i]):
                size[arm[r, i]] += 1
                count[strata[r, i]] += 1
        n = size[0] + size[1]
        if size.min() == 0:
            status[r] = ARM_EMPTY
        elif size.min() == 1:
            status[r] = TOO_FEW_PARTICIPANTS
        elif outcome[r, order[r, 0]] == outcome[r, order[r, n - 1]]:
            status[r] = CONSTANT_OUTCOME
        if status[r] != OK:
            continue
        segment[0] = 0
        for s in range(levels):
            segment[s + 1] = segment[s] + count[s]
            count[s] = segment[s]
        for j in range(n):
            i = order[r, j]
            at = count[strata[r, i]]
            values[at], a[at] = outcome[r, i], arm[r, i]
            count[strata[r, i]] += 1
        status[r], theta[r], variance[r], df[r] = combine(values[:n], a[:n], segment, robust)
