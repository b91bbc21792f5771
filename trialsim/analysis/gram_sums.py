"""Sufficient statistics of a mixed model for repeated measures: Gram sums per missingness pattern."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.data import Bools, Floats, Ints


class GramSums(NamedTuple):
    """Sums of products over the participants of each missingness pattern.

    S patterns, q covariates (rows of the mean matrix), m visits. Cells of unobserved visits are 0.

    Parameters
    ----------
    participants : ndarray of int (S,)
        How many have the pattern.
    seen : ndarray of bool (S, m)
        Visits at which the pattern is observed.
    zz : ndarray (S, q(q+1)/2)
        Sum of z z', upper triangle by rows.
    zy : ndarray (S, q, m)
        Sum of z y'.
    yy : ndarray (S, m, m)
        Sum of y y'.
    """

    participants: Ints
    seen: Bools
    zz: Floats
    zy: Floats
    yy: Floats


@numba.njit(cache=True, nogil=True)
def pattern_of_each(seen: Bools) -> tuple[Ints, Ints]:
    """Return each participant's pattern (N,), -1 if never observed, and a first participant of each (S,).

    Patterns are numbered in order of appearance.
    """
    participants, visits = seen.shape
    pattern = np.full(participants, -1, np.int64)
    code = np.zeros(participants, np.int64)
    first = np.empty(participants, np.int64)
    count = 0
    for i in range(participants):
        bits = np.int64(0)
        for j in range(visits):
            bits = (bits << 1) | np.int64(seen[i, j])
        code[i] = bits
        if bits == 0:
            continue
        r = 0
        while r < count and code[first[r]] != bits:
            r += 1
        if r == count:
            first[r] = i
            count += 1
        pattern[i] = r
    return pattern, first[:count]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def gram_sums(covariates: Floats, outcome: Floats) -> GramSums:
    """Return the Gram sums of one trial.

    Parameters
    ----------
    covariates : ndarray (N, q)
        One row a participant, finite.
    outcome : ndarray (N, m)
        NaN where missing; at most 62 visits.

    Returns
    -------
    GramSums
        Participants without any outcome do not enter.
    """
    participants, q = covariates.shape
    m = outcome.shape[1]
    seen = ~np.isnan(outcome)
    pattern, first = pattern_of_each(seen)
    patterns = len(first)
    count = np.zeros(patterns, np.int64)
    zz = np.zeros((patterns, q * (q + 1) // 2))
    zy = np.zeros((patterns, q, m))
    yy = np.zeros((patterns, m, m))
    y = np.empty(m)
    for i in range(participants):
        r = pattern[i]
        if r < 0:
            continue
        count[r] += 1
        for j in range(m):
            y[j] = outcome[i, j] if seen[i, j] else 0.0
        h = 0
        for a in range(q):
            for b in range(a, q):
                zz[r, h] += covariates[i, a] * covariates[i, b]
                h += 1
            for j in range(m):
                zy[r, a, j] += covariates[i, a] * y[j]
        for j in range(m):
            for k in range(j, m):
                yy[r, j, k] += y[j] * y[k]
    for r in range(patterns):
        for j in range(m):
            for k in range(j):
                yy[r, j, k] = yy[r, k, j]
    return GramSums(count, seen[first], zz, zy, yy)
