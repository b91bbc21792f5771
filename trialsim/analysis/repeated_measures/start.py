"""Where the fit of a mixed model for repeated measures starts: one regression a visit on its past."""

from __future__ import annotations

import numba
import numpy as np

from trialsim.analysis.repeated_measures.algebra import pair_index
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.data import Floats, Ints

SMALLEST_SHARE = 1e-9
SINGULAR_PIVOT = 1e-10
REGRESSED, TOO_FEW, DEPENDENT = range(3)


@numba.njit(cache=True, nogil=True)
def history_gram(grams: PatternSums, rows: Ints, visit: int, earlier: int) -> tuple[int, Floats]:
    """Return the head count and Gram of covariates, the first `earlier` visits and a later one.

    Only participants who are seen at all of those visits enter.
    """
    patterns = grams.seen.shape[0]
    q = len(rows)
    last = q + earlier
    index = pair_index(grams.zy.shape[1])
    gram = np.zeros((last + 1, last + 1))
    number = 0
    for r in range(patterns):
        if not (grams.seen[r, visit] and np.all(grams.seen[r, :earlier])):
            continue
        number += grams.participants[r]
        for a in range(q):
            for b in range(a + 1):
                gram[a, b] += grams.zz[r, index[rows[a], rows[b]]]
            for k in range(earlier):
                gram[q + k, a] += grams.zy[r, rows[a], k]
            gram[last, a] += grams.zy[r, rows[a], visit]
        for k in range(earlier):
            for n in range(k + 1):
                gram[q + k, q + n] += grams.yy[r, k, n]
            gram[last, q + k] += grams.yy[r, visit, k]
        gram[last, last] += grams.yy[r, visit, visit]
    return number, gram


@numba.njit(cache=True, nogil=True)
def factorise_skipping(gram: Floats) -> tuple[int, Floats]:
    """Return the rank and the Cholesky factor of a Gram, a column without a pivot being left out (0)."""
    size = len(gram)
    lower = np.zeros((size, size))
    rank = 0
    for j in range(size):
        for i in range(j, size):
            total = gram[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if not total > SINGULAR_PIVOT * gram[j, j]:
                    break
                rank += 1
                lower[j, j] = np.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
    return rank, lower


@numba.njit(cache=True, nogil=True)
def regress_visit(grams: PatternSums, cell: Ints, visit: int, earlier: int) -> tuple[int, float, Floats]:
    """Regress a visit on its covariates and the first `earlier` visits.

    Returns
    -------
    outcome : int
        REGRESSED, TOO_FEW participants, or the visit DEPENDENT on its regressors without error.
    variance : float
        Residual variance.
    slopes : ndarray (visit,)
        On the earlier visits; 0 for those that did not enter.
    """
    rows = np.flatnonzero(cell[:, visit] >= 0)
    q = len(rows)
    last = q + earlier
    slopes = np.zeros(visit)
    number, gram = history_gram(grams, rows, visit, earlier)
    rank, lower = factorise_skipping(gram)
    rank -= lower[last, last] > 0.0
    if number <= rank:
        return TOO_FEW, 0.0, slopes
    if lower[last, last] ** 2 <= SMALLEST_SHARE * np.sum(lower[last, q:] ** 2):
        return DEPENDENT, 0.0, slopes
    for k in range(earlier - 1, -1, -1):
        if lower[q + k, q + k] == 0.0:
            continue
        total = lower[last, q + k]
        for n in range(k + 1, earlier):
            total -= lower[q + n, q + k] * slopes[n]
        slopes[k] = total / lower[q + k, q + k]
    return REGRESSED, lower[last, last] ** 2 / (number - rank), slopes


@numba.njit(cache=True, nogil=True)
def first_covariance(grams: PatternSums, cell: Ints) -> tuple[int, bool, bool, Floats]:
    """Return a start for Σ: each visit regressed on its covariates and on complete earlier visits.

    With monotone missingness and every covariate by visit this is the REML estimate but for the
    divisor. A visit with too few complete histories starts uncorrelated with the earlier ones.

    Returns
    -------
    outcome : int
        As of `regress_visit`, without the earlier visits.
    dependent : bool
        Whether a visit is a linear function of the earlier ones without error.
    short : bool
        Whether some visit had too few complete histories.
    covariance : ndarray (m, m)
    """
    m = grams.seen.shape[1]
    covariance = np.zeros((m, m))
    dependent, short = False, False
    for visit in range(m):
        outcome, variance, slopes = regress_visit(grams, cell, visit, visit)
        if visit > 0 and outcome != REGRESSED:
            dependent = dependent or outcome == DEPENDENT
            short = short or outcome == TOO_FEW
            outcome, variance, slopes = regress_visit(grams, cell, visit, np.int64(0))
        if outcome != REGRESSED:
            return outcome, dependent, short, covariance
        for k in range(visit):
            for n in range(visit):
                covariance[visit, k] += slopes[n] * covariance[n, k]
            covariance[k, visit] = covariance[visit, k]
        covariance[visit, visit] = variance
        for k in range(visit):
            covariance[visit, visit] += slopes[k] * covariance[k, visit]
    return REGRESSED, dependent, short, covariance
