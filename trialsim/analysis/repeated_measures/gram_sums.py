"""Sufficient statistics of a mixed model for repeated measures: Gram sums per missingness pattern."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.data import Bools, Floats, Ints

LANES = 8


class PatternSums(NamedTuple):
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


@numba.njit(cache=True, nogil=True)
def products_by_pattern(
    covariates: Floats, outcome: Floats, pattern: Ints, patterns: int
) -> tuple[Ints, Floats]:
    """Return head counts (S,) and sums of w w' of each pattern, w = [z, y] with 0 for a missing y.

    Rows are padded to whole vector registers and laid one after another, (S, size · width): the
    compiler turns that form of the inner loop, and no other that was tried, into vector instructions.
    """
    participants, q = covariates.shape
    size = q + outcome.shape[1]
    width = (size + LANES - 1) // LANES * LANES
    products = np.zeros((patterns, size * width))
    count = np.zeros(patterns, np.int64)
    row = np.zeros(width)
    for i in range(participants):
        r = pattern[i]
        if r < 0:
            continue
        count[r] += 1
        for a in range(q):
            row[a] = covariates[i, a]
        for j in range(size - q):
            value = outcome[i, j]
            row[q + j] = 0.0 if np.isnan(value) else value
        sums = products[r]
        start = 0
        for a in range(size):
            factor = row[a]
            for b in range(width):
                sums[start + b] += factor * row[b]
            start += width
    return count, products.reshape(patterns, size, width)


@numba.njit(cache=True, nogil=True)
def gram_sums(covariates: Floats, outcome: Floats) -> PatternSums:
    """Return the Gram sums of one trial.

    Parameters
    ----------
    covariates : ndarray (N, q)
        One row a participant, finite.
    outcome : ndarray (N, m)
        NaN where missing; at most 62 visits.

    Returns
    -------
    PatternSums
        Participants without any outcome do not enter.
    """
    q, m = covariates.shape[1], outcome.shape[1]
    seen = ~np.isnan(outcome)
    pattern, first = pattern_of_each(seen)
    patterns = len(first)
    count, products = products_by_pattern(covariates, outcome, pattern, patterns)
    zz = np.empty((patterns, q * (q + 1) // 2))
    zy = np.empty((patterns, q, m))
    yy = np.empty((patterns, m, m))
    for r in range(patterns):
        h = 0
        for a in range(q):
            for b in range(a, q):
                zz[r, h] = products[r, a, b]
                h += 1
            for j in range(m):
                zy[r, a, j] = products[r, a, q + j]
        for j in range(m):
            for k in range(j, m):
                yy[r, j, k] = products[r, q + j, q + k]
                yy[r, k, j] = products[r, q + j, q + k]
    return PatternSums(count, seen[first], zz, zy, yy)
