r"""What each participant adds to a weighted log-rank score, and exact tests by re-assigning the arms.

Participant i of a stratum adds :math:`c_i = w(t_i) δ_i - \sum_{t \le t_i} w(t) d/n`, whatever the arms are:
the score is :math:`U = \sum_{active} c_i`. Under the null, and if the arms are censored alike, every
assignment of the arms within strata is as likely as the one seen, and p = P(|U| ≥ |u|) is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
from numba import njit

from trialsim.analysis.one_trial.deciding import NONE, deviate
from trialsim.analysis.survival.block import Labels, SurvivalBlock
from trialsim.analysis.survival.sweep import fill_weights
from trialsim.analysis.survival.weights import Weight, encode
from trialsim.data import Decision, Estimates, Floats, Ints
from trialsim.errors import AnalysisError
from trialsim.streams import stream

MOST_EXACT = 40  # participants of a stratum: half of their subsets are about a million sums
MOST_COUNTED = f"{MOST_EXACT} participants of a stratum"
MOST_SUMS = 1 << 20
FEW = 10
RESAMPLES = 9_999
TESTS = ("automatic", "asymptotic", "exact", "permutation")

_TIE = 1e-10


@njit(cache=True)
def _fill_scores(
    time: Floats, event: Labels, stratum: Ints, strata: int, order: Ints,
    kinds: Ints, first: Floats, second: Floats, scores: Floats,
) -> None:  # fmt: skip
    """Fill the score of each participant (R, N) under one weight."""
    replicates, participants = time.shape
    n, d, spent = np.empty(strata), np.empty(strata), np.empty(strata)
    state, w = np.empty((strata, 3)), np.empty(1)
    weight = np.empty(strata)
    for r in range(replicates):
        n[:], d[:], spent[:], state[:] = 0.0, 0.0, 0.0, 1.0
        for i in range(participants):
            n[stratum[r, i]] += 1.0
        start = 0
        while start < participants:
            t = time[r, order[r, start]]
            stop = start
            while stop < participants and time[r, order[r, stop]] == t:
                d[stratum[r, order[r, stop]]] += event[r, order[r, stop]] == 1
                stop += 1
            for k in range(start, stop):
                s = stratum[r, order[r, k]]
                if d[s] > 0.0:
                    fill_weights(kinds, first, second, t, n[s], d[s], state[s], w)
                    weight[s] = w[0]
                    spent[s] += w[0] * d[s] / n[s]
                    d[s] = 0.0
            for k in range(start, stop):
                i = order[r, k]
                scores[r, i] = (weight[stratum[r, i]] if event[r, i] == 1 else 0.0) - spent[stratum[r, i]]
            for k in range(start, stop):
                n[stratum[r, order[r, k]]] -= 1.0
            start = stop


def rank_scores(block: SurvivalBlock, weight: Weight) -> Floats:
    """Return what each participant adds to the score if active (R, N)."""
    scores = np.zeros_like(block.time)
    order = block.order()
    _fill_scores(block.time, block.event, block.stratum, block.strata, order, *encode([weight]), scores)
    return scores


@dataclass(frozen=True)
class RankTest:
    """How a rank test of one trial got its two-sided p value, and why so."""

    p_value: float
    test: str
    reason: str


NO_TEST = RankTest(float("nan"), NONE, "the analysis failed")


def by_small_samples(
    found: Estimates, tests: Sequence[RankTest], asymptotic: str, score: Floats
) -> Estimates:
    """Return estimates that the tests of small samples decide; where there is no test, none does.

    `asymptotic` is what the test of larger samples is called; `score` (R,) has the sign of the effect, also
    where there is no estimate.
    """
    p_value = np.array([one.p_value for one in tests])
    named = (NONE, asymptotic, "exact", "permutation")
    code = [named.index(one.test if one.test in named else asymptotic) for one in tests]
    z = deviate(p_value, score)
    used = np.where(np.isnan(z), 0, code).astype(np.int8)
    return replace(found, p_value=p_value, decision=Decision(z, used, named))


def choose(test: str, arm: Labels, event: Labels, countable: bool, most: str) -> tuple[str, str]:
    """Return the test of one trial and the reason: the automatic rule, or as asked.

    Automatic: asymptotic with at least 10 participants in each arm and at least 10 events; else exact, and by
    permutation where the assignments are too many to count.
    """
    if test not in TESTS:
        raise AnalysisError(f"must be one of {', '.join(TESTS)}", field="test", value=test)
    if test == "exact" and not countable:
        raise AnalysisError(
            "has too many assignments to count", field="test", value=test,
            mend=f"use permutation with more than {most}",
        )  # fmt: skip
    if test != "automatic":
        return test, "as asked"
    smallest, events = int(np.bincount(arm, minlength=2).min()), int((event == 1).sum())
    if smallest >= FEW and events >= FEW:
        return "asymptotic", f"at least {FEW} participants in each arm and {FEW} events"
    few = "participants in an arm" if smallest < FEW else "events"
    return "exact" if countable else "permutation", f"fewer than {FEW} {few}"


def rank_p_value(
    scores: Floats, arm: Labels, stratum: Ints, test: str, reason: str, seed: int, replicate: int = 0
) -> RankTest:
    """Return the exact or permutation p value of one trial with scores (N,)."""
    if test == "exact":
        return RankTest(_exact(scores, arm, stratum), test, reason)
    rng = stream(seed, "permutation of arms", replicate, "analysis")
    more = 0
    seen = abs(scores[arm == 1].sum())
    least = seen - _TIE * np.abs(scores).sum()
    for _ in range(RESAMPLES):
        drawn = np.empty_like(arm)
        for s in np.unique(stratum):
            drawn[stratum == s] = rng.permutation(arm[stratum == s])
        more += abs(scores[drawn == 1].sum()) >= least
    return RankTest((more + 1) / (RESAMPLES + 1), test, f"{reason}; {RESAMPLES} random assignments")


def _parts(arm: Labels, stratum: Ints) -> list[Ints]:
    """Return the participants of each stratum that holds both arms."""
    members = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    return [rows for rows in members if 0 < arm[rows].sum() < len(rows)]


def countable(arm: Labels, stratum: Ints) -> bool:
    """Return whether the sums of scores over all assignments of the arms can be counted."""
    parts = _parts(arm, stratum)
    if len(parts) <= 1:
        return all(len(rows) <= MOST_EXACT for rows in parts)
    sizes = [comb(len(rows), int(arm[rows].sum())) for rows in parts]
    return max(_split(sizes)) <= MOST_SUMS


def _split(sizes: Sequence[int]) -> tuple[int, int]:
    """Return the numbers of sums of two sides to which strata are dealt, the largest first."""
    sides = [1, 1]
    for size in sorted(sizes, reverse=True):
        sides[int(sides[1] < sides[0])] *= size
    return sides[0], sides[1]


def _exact(scores: Floats, arm: Labels, stratum: Ints) -> float:
    """Return P(|U| ≥ |u|) over all assignments, by counting pairs of sums of two sides."""
    parts = _parts(arm, stratum)
    seen = scores[np.concatenate(parts)][arm[np.concatenate(parts)] == 1].sum()
    slack = _TIE * np.abs(scores).sum()
    if len(parts) == 1:
        pairs = _halves(scores[parts[0]], int(arm[parts[0]].sum()))
    else:
        pairs = [_sides([(scores[rows], int(arm[rows].sum())) for rows in parts])]
    total = sum(len(left) * len(right) for left, right in pairs)
    extreme = sum(_outside(left, right, abs(seen) - slack) for left, right in pairs)
    return min(extreme / total, 1.0)


def _halves(scores: Floats, chosen: int) -> list[tuple[Floats, Floats]]:
    """Return, for each split of the active between two halves of a stratum, the sums of either half."""
    middle = len(scores) // 2
    left, right = _by_size(scores[:middle]), _by_size(scores[middle:])
    return [(left[k], right[chosen - k]) for k in range(len(left)) if 0 <= chosen - k < len(right)]


def _by_size(scores: Floats) -> list[Floats]:
    """Return the sums of all subsets, by the number of members."""
    sums, size = np.zeros(1), np.zeros(1, np.int64)
    for score in scores:
        sums, size = np.concatenate([sums, sums + score]), np.concatenate([size, size + 1])
    return [sums[size == k] for k in range(len(scores) + 1)]


def _sides(parts: list[tuple[Floats, int]]) -> tuple[Floats, Floats]:
    """Return the sums over assignments of two sides to which the strata are dealt, the largest first."""
    sides = [np.zeros(1), np.zeros(1)]
    for scores, chosen in sorted(parts, key=lambda part: -comb(len(part[0]), part[1])):
        sums = np.array([scores[list(rows)].sum() for rows in combinations(range(len(scores)), chosen)])
        smaller = int(len(sides[1]) < len(sides[0]))
        sides[smaller] = np.add.outer(sides[smaller], sums).ravel()
    return sides[0], sides[1]


def _outside(left: Floats, right: Floats, bound: float) -> int:
    """Return the number of pairs whose sum is at least `bound` away from 0."""
    ascending = np.sort(right)
    if bound <= 0.0:
        return len(left) * len(right)
    above = len(right) - np.searchsorted(ascending, bound - left, side="left")
    below = np.searchsorted(ascending, -bound - left, side="right")
    return int(above.sum() + below.sum())
