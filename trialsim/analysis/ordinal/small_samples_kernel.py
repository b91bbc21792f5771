"""Exact permutation tests of ranks for small samples, with ties and strata.

All ways of giving the arms to the participants of each stratum are equally likely under no difference at
all. The distribution of Wilcoxon's (van Elteren's) statistic given the ties is summed participant by
participant (Streitberg and Röhmel 1986, Stat. Software Newsl. 12:10); that of Brunner and Munzel's
statistic, which is also right where only the index is one half, by going through all ways (Neubert and
Brunner 2007, Comput. Stat. Data Anal. 51:5192).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

LARGEST_SUM = 20_000
ROUNDING = 1e-10


@njit(cache=True)
def doubled_midranks(values: Floats, ranks: Ints) -> None:
    """Fill twice the midranks of ascending values."""
    i, n = 0, values.size
    while i < n:
        j = i
        while j < n and values[j] == values[i]:
            j += 1
        for m in range(i, j):
            ranks[m] = i + j + 1
        i = j


@njit(cache=True)
def rank_sum_law(ranks: Ints, active: int) -> Floats:
    """Return the probability of each sum of `active` of the ranks, all choices equally likely."""
    total = ranks.sum()
    ways = np.zeros((active + 1, total + 1))
    ways[0, 0] = 1.0
    reached = 0
    for seen in range(ranks.size):
        d = ranks[seen]
        reached += d
        for k in range(min(active, seen + 1), 0, -1):
            for t in range(reached, d - 1, -1):
                ways[k, t] += ways[k - 1, t - d]
    return ways[active] / ways[active].sum()


@njit(cache=True)
def least_common_multiple(a: int, b: int) -> int:
    """Return the least common multiple of two numbers."""
    x, y = a, b
    while y:
        x, y = y, x % y
    return a // x * b


@njit(cache=True)
def exact_rank_tails(values: Floats, arm: Labels, segment: Ints) -> tuple[float, float]:
    """Return the probabilities of a rank sum as high, and as low, in the active arm; NaN where too many.

    Strata have van Elteren's weights 1/(n + 1), made whole by their least common multiple. Rows are sorted
    by stratum, then by value; `segment` (S + 1,) holds where the strata begin.
    """
    whole = 1
    for s in range(segment.size - 1):
        size = segment[s + 1] - segment[s]
        if size > 0:
            whole = least_common_multiple(whole, size + 1)
        if whole > LARGEST_SUM:
            return np.nan, np.nan
    largest = 0
    for s in range(segment.size - 1):
        size = segment[s + 1] - segment[s]
        largest += size * (size + 1) * (whole // (size + 1))
        if largest > LARGEST_SUM:
            return np.nan, np.nan
    law, observed, reached, compared = np.zeros(largest + 1), 0, 0, 0
    law[0] = 1.0
    for s in range(segment.size - 1):
        first, last = segment[s], segment[s + 1]
        active = 0
        for i in range(first, last):
            active += arm[i]
        if active == 0 or active == last - first:
            continue
        compared += 1
        ranks = np.empty(last - first, np.int64)
        doubled_midranks(values[first:last], ranks)
        weight = whole // (last - first + 1)
        for i in range(first, last):
            if arm[i]:
                observed += weight * ranks[i - first]
        one = rank_sum_law(ranks, active)
        both = np.zeros(largest + 1)
        for t in range(reached + 1):
            if law[t] > 0.0:
                for u in range(one.size):
                    if one[u] > 0.0:
                        both[t + weight * u] += law[t] * one[u]
        reached += weight * (one.size - 1)
        law = both
    if compared == 0:
        return np.nan, np.nan
    return law[observed:].sum(), law[: observed + 1].sum()


@njit(cache=True)
def studentised(values: Floats, arm: Labels, controls: float, active: float) -> float:
    """Return Brunner and Munzel's statistic of ascending values; infinite where the arms do not overlap."""
    below_0, below_1, sum_0, sum_1, square_0, square_1 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    i, n = 0, values.size
    while i < n:
        tied_0, tied_1, j = 0.0, 0.0, i
        while j < n and values[j] == values[i]:
            tied_1 += arm[j]
            tied_0 += 1 - arm[j]
            j += 1
        placed = (below_0 + 0.5 * tied_0) / controls - 0.5
        sum_1 += tied_1 * placed
        square_1 += tied_1 * placed * placed
        placed = (active - below_1 - 0.5 * tied_1) / active - 0.5
        sum_0 += tied_0 * placed
        square_0 += tied_0 * placed * placed
        below_0 += tied_0
        below_1 += tied_1
        i = j
    effect = sum_1 / active
    variance = (square_0 - sum_0 * sum_0 / controls) / (controls * (controls - 1.0))
    variance += (square_1 - sum_1 * sum_1 / active) / (active * (active - 1.0))
    if variance > ROUNDING:
        return effect / np.sqrt(variance)
    if abs(effect) <= ROUNDING:
        return 0.0
    return np.inf if effect > 0.0 else -np.inf


@njit(cache=True)
def permuted_tails(values: Floats, arm: Labels) -> tuple[float, float]:
    """Return the shares of all choices of the active arm whose statistic is as high, and as low."""
    n, active = values.size, 0
    for i in range(n):
        active += arm[i]
    controls = n - active
    observed = studentised(values, arm, controls, active)
    slack = ROUNDING * max(1.0, abs(observed)) if np.isfinite(observed) else 0.0
    chosen, choice = np.arange(active), np.zeros(n, np.int8)
    choice[:active] = 1
    high, low, ways = 0, 0, 0
    while True:
        one = studentised(values, choice, controls, active)
        ways += 1
        high += one >= observed - slack
        low += one <= observed + slack
        k = active - 1
        while k >= 0 and chosen[k] == controls + k:
            k -= 1
        if k < 0:
            return high / ways, low / ways
        for m in range(k, active):
            choice[chosen[m]] = 0
        chosen[k] += 1
        for m in range(k + 1, active):
            chosen[m] = chosen[m - 1] + 1
        for m in range(k, active):
            choice[chosen[m]] = 1


@njit(cache=True)
def choices(n: int, active: int) -> float:
    """Return the number of ways to choose the active arm."""
    ways = 1.0
    for k in range(min(active, n - active)):
        ways = ways * (n - k) / (k + 1)
    return ways


@njit(cache=True)
def small_sample_tests(
    outcome: Floats,
    order: Ints,
    arm: Labels,
    strata: Ints,
    levels: int,
    smallest_arm: int,
    most: int,
    most_choices: float,
    exact: Floats,
    permuted: Floats,
) -> None:
    """Fill p values (R,) of the exact rank test and of the permuted statistic: twice the smaller tail.

    They carry the sign of the effect, negative where the lower tail is the smaller. NaN where no arm is
    smaller than `smallest_arm`, or more than `most` participants are analysed, or there are more than
    `most_choices` ways for the permuted one, which is without strata.
    """
    R, N = outcome.shape
    values, a, segment = np.empty(N), np.empty(N, np.int8), np.empty(levels + 1, np.int64)
    for r in range(R):
        size, count = np.zeros(2, np.int64), np.zeros(levels, np.int64)
        for i in range(N):
            if not np.isnan(outcome[r, i]):
                size[arm[r, i]] += 1
                count[strata[r, i]] += 1
        n = size[0] + size[1]
        if size.min() == 0 or size.min() >= smallest_arm or n > most:
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
        high, low = exact_rank_tails(values[:n], a[:n], segment)
        if not np.isnan(high):
            exact[r] = np.copysign(min(1.0, 2.0 * min(high, low)), low - high)
        if levels == 1 and size.min() > 1 and choices(n, size[1]) <= most_choices:
            high, low = permuted_tails(values[:n], a[:n])
            permuted[r] = np.copysign(min(1.0, 2.0 * min(high, low)), low - high)
