"""Compiled core of the closed-form REML for monotone missingness; `closed_form.block` explains it.

Everything here works on Gram matrices of ``[z, y]``, one for each group of participants with the same
last visit (and the same arm, where asked). Rows of a Gram are padded to a multiple of `LANES`, so that
one row is a whole number of vector registers; only the lower triangle of the result is read.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Floats, Ints

LANES = 8
SINGULAR_PIVOT = 1e-10
OK, NOT_MONOTONE, TOO_FEW, SINGULAR, NO_RESIDUAL, NON_FINITE = range(6)


@njit(cache=True)
def padded(width: int) -> int:
    """Return `width` rounded up to whole vector registers."""
    return (width + LANES - 1) // LANES * LANES


@njit(cache=True)
def last_visit_of(outcomes: Floats) -> int:
    """Return how many visits (V,) were seen before the dropout, or -1 if one is missing in between."""
    visits = len(outcomes)
    last = 0
    while last < visits and not np.isnan(outcomes[last]):
        last += 1
    for visit in range(last, visits):
        if not np.isnan(outcomes[visit]):
            return -1
    return last


@njit(cache=True)
def accumulate_grams(
    outcomes: Floats, covariates: Floats, arm_column: int, grams: Floats, counts: Ints
) -> int:
    """Add the Grams of one trial by last visit into `grams`, and the head counts into `counts`.

    Parameters
    ----------
    outcomes : ndarray (N, V)
    covariates : ndarray (N, q)
    arm_column : int
        Column of the covariates that holds the arm (0 or 1), to keep groups by arm and last visit
        (group ``arm * V + last - 1``); -1 for groups by last visit only.
    grams : ndarray (G, q + V, padded(q + V))
        Zeroed by the caller.
    counts : ndarray (G,)
        Zeroed by the caller.

    Returns
    -------
    int
        `OK`, `NOT_MONOTONE` or `NON_FINITE`.
    """
    participants, visits = outcomes.shape
    q = covariates.shape[1]
    width = padded(q + visits)
    row = np.zeros(width)
    for i in range(participants):
        last = last_visit_of(outcomes[i])
        if last < 0:
            return NOT_MONOTONE
        if last == 0:
            continue
        total = 0.0
        for k in range(q):
            row[k] = covariates[i, k]
            total += row[k]
        for k in range(visits):
            row[q + k] = outcomes[i, k] if k < last else 0.0
            total += row[q + k]
        if not np.isfinite(total):
            return NON_FINITE
        group = last - 1
        if arm_column >= 0 and row[arm_column] > 0.5:
            group += visits
        counts[group] += 1
        gram = grams[group]
        for a in range(q + last):
            factor = row[a]
            for block in range(0, width, LANES):
                for lane in range(LANES):
                    gram[a, block + lane] += factor * row[block + lane]
    return OK


@njit(cache=True)
def add_backwards(grams: Floats, counts: Ints) -> None:
    """Turn Grams by last visit (V, ., .) into Grams over everyone who reaches each visit, in place."""
    for visit in range(len(counts) - 2, -1, -1):
        counts[visit] += counts[visit + 1]
        grams[visit] += grams[visit + 1]


@njit(cache=True)
def cholesky(gram: Floats, size: int, factor: Floats) -> int:
    """Write the lower factor of the leading block; return the order up to which it is regular."""
    for i in range(size):
        for j in range(i):
            total = gram[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            factor[i, j] = total / factor[j, j]
        total = gram[i, i]
        for k in range(i):
            total -= factor[i, k] * factor[i, k]
        if not total > SINGULAR_PIVOT * gram[i, i]:
            return i
        factor[i, i] = np.sqrt(total)
    return size


@njit(cache=True)
def solve_transposed(factor: Floats, size: int, right: Floats, solution: Floats) -> None:
    """Solve ``L' x = right`` for the leading block of the lower factor L."""
    for i in range(size - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, size):
            total -= factor[k, i] * solution[k]
        solution[i] = total / factor[i, i]


@njit(cache=True)
def regress_each_visit(
    reached: Floats,
    counts: Ints,
    q: int,
    restricted: bool,
    factors: Floats,
    coefficients: Floats,
    innovations: Floats,
) -> int:
    """Regress each visit on the covariates and the earlier visits, by one Cholesky factor a visit.

    Parameters
    ----------
    reached : ndarray (V, q + V, .)
        Grams over everyone who reaches each visit.
    counts : ndarray (V,)
        How many reach each visit.
    q : int
        Number of covariates.
    restricted : bool
        REML if True, else ML.
    factors : ndarray (V, q + V, q + V)
        Out: Cholesky factor of order ``q + j + 1`` at visit j (from 0).
    coefficients : ndarray (V, q + V)
        Out: ``[g_j, f_j]``, zero beyond.
    innovations : ndarray (V,)
        Out: innovation variance t_j.

    Returns
    -------
    int
        A status.
    """
    for j in range(len(counts)):
        size = q + j + 1
        if counts[j] <= q + j:
            return TOO_FEW
        factor = factors[j]
        regular = cholesky(reached[j], size, factor)
        if regular < size - 1:
            return SINGULAR
        if regular < size:
            return NO_RESIDUAL
        coefficients[j, size - 1 :] = 0.0
        solve_transposed(factor, size - 1, factor[size - 1], coefficients[j])
        freedom = counts[j] - q if restricted else counts[j]
        innovations[j] = factor[size - 1, size - 1] ** 2 / freedom
    return OK


@njit(cache=True)
def unit_lower(coefficients: Floats, q: int, lower: Floats) -> None:
    """Write ``l = (I - F)^-1`` (V, V) from the autoregressive coefficients."""
    for j in range(len(lower)):
        for k in range(j):
            total = 0.0
            for s in range(k, j):
                total += coefficients[j, q + s] * lower[s, k]
            lower[j, k] = total
        lower[j, j] = 1.0
        lower[j, j + 1 :] = 0.0


@njit(cache=True)
def visit_means(coefficients: Floats, lower: Floats, q: int, means: Floats) -> None:
    """Write the marginal coefficients B (q, V): ``B_j = sum_k l_jk g_k``."""
    for j in range(len(lower)):
        for row in range(q):
            total = 0.0
            for k in range(j + 1):
                total += lower[j, k] * coefficients[k, row]
            means[row, j] = total


@njit(cache=True)
def forward_square(factor: Floats, start: int, right: Floats, size: int, work: Floats) -> float:
    """Return ``|L^-1 right|^2`` for the block of the lower factor that starts at `start`."""
    square = 0.0
    for i in range(size):
        total = right[i]
        for k in range(i):
            total -= factor[start + i, start + k] * work[k]
        work[i] = total / factor[start + i, start + i]
        square += work[i] * work[i]
    return square


@njit(cache=True)
def contrast_at_visit(
    contrast: Floats,
    visit: int,
    counts: Ints,
    restricted: bool,
    factors: Floats,
    coefficients: Floats,
    innovations: Floats,
    lower: Floats,
) -> tuple[float, float, float]:
    """Return estimate, variance and Satterthwaite df of ``contrast' B_visit``."""
    q = len(contrast)
    work = np.empty(factors.shape[1])
    share = np.empty(visit + 1)
    direction = np.empty(visit + 1)
    estimate = variance = spread = 0.0
    for k in range(visit + 1):
        weight = lower[visit, k]
        precision = forward_square(factors[k], 0, contrast, q, work)
        share[k] = weight * innovations[k] * precision
        variance += weight * share[k]
        freedom = counts[k] - q if restricted else counts[k]
        spread += 2.0 * (weight * share[k]) ** 2 / freedom
        for row in range(q):
            estimate += weight * contrast[row] * coefficients[k, row]
    for j in range(1, visit + 1):
        for s in range(j):
            total = 0.0
            for u in range(s + 1):
                total += share[u] * lower[s, u]
            direction[s] = 2.0 * lower[visit, j] * total
        spread += innovations[j] * forward_square(factors[j], q, direction, j, work)
    return estimate, variance, 2.0 * variance * variance / spread


@njit(cache=True)
def fit_block(
    outcomes: Floats,
    covariates: Floats,
    contrast: Floats,
    visit: int,
    restricted: bool,
    keep: bool,
    results: Floats,
    sigma: Floats,
    means: Floats,
    status: Ints,
) -> None:
    """Fit every replicate of a block.

    Parameters
    ----------
    outcomes : ndarray (R, N, V)
    covariates : ndarray (R, N, q) or (1, N, q) if shared by all replicates
    contrast : ndarray (q,)
    visit : int
    restricted : bool
    keep : bool
        Whether to write `sigma` and `means`.
    results : ndarray (R, 3)
        Out: estimate, variance, df.
    sigma : ndarray (R, V, V)
        Out, if kept.
    means : ndarray (R, q, V)
        Out, if kept.
    status : ndarray (R,)
        Out.
    """
    replicates, _, visits = outcomes.shape
    q = covariates.shape[2]
    order = q + visits
    shared = covariates.shape[0] == 1
    grams = np.empty((visits, order, padded(order)))
    counts = np.empty(visits, np.int64)
    factors = np.zeros((visits, order, order))
    coefficients = np.zeros((visits, order))
    innovations = np.zeros(visits)
    lower = np.zeros((visits, visits))
    for r in range(replicates):
        grams[:] = 0.0
        counts[:] = 0
        status[r] = accumulate_grams(outcomes[r], covariates[0 if shared else r], np.int64(-1), grams, counts)
        if status[r] != OK:
            continue
        add_backwards(grams, counts)
        status[r] = regress_each_visit(grams, counts, q, restricted, factors, coefficients, innovations)
        if status[r] != OK:
            continue
        unit_lower(coefficients, q, lower)
        results[r, 0], results[r, 1], results[r, 2] = contrast_at_visit(
            contrast, visit, counts, restricted, factors, coefficients, innovations, lower
        )
        if keep:
            covariance_from(lower, innovations, sigma[r])
            visit_means(coefficients, lower, q, means[r])


@njit(cache=True)
def covariance_from(lower: Floats, innovations: Floats, sigma: Floats) -> None:
    """Write ``Sigma = l diag(t) l'``."""
    for i in range(len(sigma)):
        for j in range(i + 1):
            total = 0.0
            for k in range(j + 1):
                total += lower[i, k] * innovations[k] * lower[j, k]
            sigma[i, j] = total
            sigma[j, i] = total
