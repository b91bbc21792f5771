r"""Exact and permutation tests by any statistic of a trial: all or many ways of giving the arms again.

Under the null, and if the arms are censored alike, every assignment of the arms within strata is as likely as
the one seen: p is the share of the assignments whose statistic is as large. The score of a weighted log-rank
test is linear, :math:`U_a = \sum_{i \in a} c_i`, with the covariance over assignments

.. math:: Cov(U_a, U_b) = \sum_s \frac{\sum_i c_i c_i'}{n - 1} \Big( n_a δ_{ab} - \frac{n_a n_b}{n} \Big)

in each stratum s of n participants. Strasser and Weber (1999), Math. Methods Stat. 8:220; R's coin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from math import factorial, prod

import numpy as np

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.small_samples.rank_scores import RESAMPLES, RankTest, choose
from trialsim.data import Floats, Ints
from trialsim.streams import stream

MOST_ASSIGNMENTS = 20_000
_TIE = 1e-10

Statistic = Callable[[Labels], Floats]


def p_by_assignments(
    statistic: Statistic, asymptotic: float, arm: Labels, event: Labels, stratum: Ints, test: str, seed: int
) -> RankTest:
    """Return the p value of one trial by the test that was asked for, or by the rule for small samples.

    Parameters
    ----------
    statistic : callable
        From assignments (P, N) to their statistics (P,), large against the null.
    asymptotic : float
        P value of the asymptotic test.
    arm, event, stratum : ndarray (N,)
        Of the trial; 1 for an event.
    test : {"automatic", "asymptotic", "exact", "permutation"}
    seed : int
        Of the random assignments.

    Returns
    -------
    RankTest
        P value, the test and the reason.
    """
    parts = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    ways = prod(_ways(arm[rows]) for rows in parts)
    chosen, reason = choose(test, arm, event, ways <= MOST_ASSIGNMENTS, f"{MOST_ASSIGNMENTS} assignments")
    if chosen == "asymptotic":
        return RankTest(asymptotic, chosen, reason)
    seen = float(statistic(arm[None])[0])
    least = seen - _TIE * max(abs(seen), 1.0)
    if chosen == "exact":
        return RankTest(float((~(statistic(_every(arm, parts)) < least)).mean()), chosen, reason)
    # An assignment whose statistic does not exist speaks for the null.
    more = int((~(statistic(_some(arm, parts, seed)) < least)).sum())
    return RankTest((more + 1) / (RESAMPLES + 1), chosen, f"{reason}; {RESAMPLES} random assignments")


def linear_scores(scores: Floats, arm: Labels, stratum: Ints, arms: int) -> tuple[Statistic, Floats]:
    """Return the scores of every arm but the first as a function of assignments, and their covariance.

    Parameters
    ----------
    scores : ndarray (N, K)
        What a participant adds to each of K scores; of sum 0 within strata.
    arm, stratum : ndarray (N,)
    arms : int
        A.

    Returns
    -------
    function, ndarray (A − 1, A − 1, K, K)
        From assignments (P, N) to scores (P, A − 1, K), and their covariance over assignments.
    """
    covariance = np.zeros((arms - 1, arms - 1, scores.shape[1], scores.shape[1]))
    for s in np.unique(stratum):
        rows = stratum == s
        n, of_arm = int(rows.sum()), np.bincount(arm[rows], minlength=arms)[1:].astype(np.float64)
        if n > 1:
            spread = np.diag(of_arm) - np.outer(of_arm, of_arm) / n
            covariance += np.einsum("ab,kl->abkl", spread, scores[rows].T @ scores[rows] / (n - 1))

    def at(assigned: Labels) -> Floats:
        return np.stack([(assigned == a) @ scores for a in range(1, arms)], axis=1)

    return at, covariance


def _ways(arm: Labels) -> int:
    """Return in how many ways the arms of a stratum can be given again."""
    found = factorial(len(arm))
    for count in np.bincount(arm):
        found //= factorial(int(count))
    return found


@lru_cache(maxsize=8)
def _arrangements(counts: tuple[int, ...]) -> Labels:
    """Return all sequences (P, n) with given counts of the arms from 0; trials of a block share them."""
    if len(counts) == 1:
        return np.zeros((1, counts[0]), np.int8)
    rest, n, last = _arrangements(counts[:-1]), sum(counts), len(counts) - 1
    parts = []
    for places in combinations(range(n), counts[-1]):
        free = np.delete(np.arange(n), list(places))
        part = np.full((len(rest), n), last, np.int8)
        part[:, free] = rest
        parts.append(part)
    return np.concatenate(parts)


def _every(arm: Labels, parts: list[Ints]) -> Labels:
    """Return all assignments (P, N) of the arms within strata."""
    found = np.zeros((1, len(arm)), np.int8)
    for rows in parts:
        own = _arrangements(tuple(int(count) for count in np.bincount(arm[rows])))
        found, count = np.repeat(found, len(own), axis=0), len(found)
        found[:, rows] = np.tile(own, (count, 1))
    return found


def _some(arm: Labels, parts: list[Ints], seed: int) -> Labels:
    """Return random assignments of the arms within strata."""
    rng = stream(seed, "permutation of arms", 0, "analysis")
    found = np.tile(arm, (RESAMPLES, 1))
    for rows in parts:
        found[:, rows] = rng.permuted(found[:, rows], axis=1)
    return found
