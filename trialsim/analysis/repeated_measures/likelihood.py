"""Compiled likelihood of a mixed model for repeated measures and its derivatives, on Gram sums.

The mean of participant i at visit j is z_i'B_j. `cell` (q, m) says which of the p coefficients each
element of B is, -1 for an element that is 0. A covariate's main effect is one coefficient at all
visits; a visit-matched score is m rows of z, each with a coefficient at its own visit only.

With W_r the inverse of the observed block of Σ of missingness pattern r, padded by zeros::

    H = C'(Σ_r W_r ⊗ ZZ_r)C      Φ = H⁻¹      b = Φ C' vec(Σ_r ZY_r W_r)
    E_r = YY − ZY'B − B'ZY + B'ZZ B           T_r[j,k] = tr(ZZ_r (CΦC')_jk)
    −2 log L = Σ n_r log|Σ_r| + log|H| + Σ tr(W_r E_r) + (N − p) log 2π
    gradient in Σ: Σ_r W_r (n_r Σ_r − E_r − T_r) W_r

ML leaves out log|H| and T_r. Source: Harville, JASA 1977; 72: 320-338.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.analysis.repeated_measures.algebra import (
    FAST,
    cross_product,
    factorise,
    invert_lower,
    pair_index,
)
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.data import Floats, Ints


class Mean(NamedTuple):
    """The mean coefficients given a covariance.

    Parameters
    ----------
    regular : bool
        Whether H is positive definite; if not, the rest is meaningless.
    inverses : ndarray (S, m, m)
        W of each pattern.
    lower_inverse : ndarray (p, p)
        L⁻¹ where H = LL'.
    variance : ndarray (p, p)
        Φ.
    coefficients : ndarray (p,)
        b.
    deviance : float
        −2 log L.
    """

    regular: bool
    inverses: Floats
    lower_inverse: Floats
    variance: Floats
    coefficients: Floats
    deviance: float


class Moments(NamedTuple):
    """Residual moments of each pattern.

    Parameters
    ----------
    residual : ndarray (S, m, m)
        M_r = W_r (E_r + T_r) W_r.
    cross : ndarray (S, q, m)
        Sum of z e' over the participants of the pattern.
    """

    residual: Floats
    cross: Floats


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def invert_patterns(covariance: Floats, grams: PatternSums) -> tuple[bool, Floats, float]:
    """Return whether every observed block is regular, their padded inverses, and Σ n log|Σ_r|."""
    patterns, m = grams.seen.shape
    inverses = np.zeros((patterns, m, m))
    lower = np.empty((m, m))
    triangle = np.empty((m, m))
    visits = np.empty(m, np.int64)
    log_determinant = 0.0
    for r in range(patterns):
        size = 0
        for j in range(m):
            if grams.seen[r, j]:
                visits[size] = j
                size += 1
        determinant = 0.0
        for i in range(size):
            for j in range(i + 1):
                total = covariance[visits[i], visits[j]]
                for k in range(j):
                    total -= lower[i, k] * lower[j, k]
                if j < i:
                    lower[i, j] = total / lower[j, j]
                elif total > 1e-13 * covariance[visits[i], visits[i]]:
                    lower[i, i] = np.sqrt(total)
                    determinant += np.log(total)
                else:
                    return False, inverses, np.inf
        log_determinant += grams.participants[r] * determinant
        invert_lower(lower[:size, :size], triangle[:size, :size])
        for k in range(size):
            for i in range(k + 1):
                for j in range(i + 1):
                    inverses[r, visits[i], visits[j]] += triangle[k, i] * triangle[k, j]
        for i in range(size):
            for j in range(i):
                inverses[r, visits[j], visits[i]] = inverses[r, visits[i], visits[j]]
    return True, inverses, log_determinant


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def information_of_mean(inverses: Floats, grams: PatternSums, cell: Ints, columns: int) -> Floats:
    """Return H (p, p)."""
    patterns, m = grams.seen.shape
    q = len(cell)
    packed = np.zeros((m, m, grams.zz.shape[1]))
    for r in range(patterns):
        for j in range(m):
            for k in range(j, m):
                weight = inverses[r, j, k]
                if weight != 0.0:
                    for h in range(grams.zz.shape[1]):
                        packed[j, k, h] += weight * grams.zz[r, h]
    index = pair_index(q)
    information = np.zeros((columns, columns))
    for j in range(m):
        for k in range(j, m):
            for a in range(q):
                u = cell[a, j]
                if u < 0:
                    continue
                for b in range(q):
                    v = cell[b, k]
                    if v < 0:
                        continue
                    value = packed[j, k, index[a, b]]
                    information[u, v] += value
                    if j != k:
                        information[v, u] += value
    return information


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def fit_mean(covariance: Floats, grams: PatternSums, cell: Ints, columns: int, restricted: bool) -> Mean:
    """Return the generalised least squares fit of the mean, and the deviance."""
    patterns, m = grams.seen.shape
    q = len(cell)
    lower_inverse = np.empty((columns, columns))
    variance = np.empty((columns, columns))
    coefficients = np.zeros(columns)
    regular, inverses, log_determinant = invert_patterns(covariance, grams)
    if not regular:
        return Mean(False, inverses, lower_inverse, variance, coefficients, np.inf)
    information = information_of_mean(inverses, grams, cell, columns)
    lower = np.empty((columns, columns))
    if factorise(information, lower, 1e-13) >= 0:
        return Mean(False, inverses, lower_inverse, variance, coefficients, np.inf)
    invert_lower(lower, lower_inverse)
    cross_product(lower_inverse, variance)
    right = np.zeros(columns)
    fit = 0.0
    observations = 0
    for r in range(patterns):
        for j in range(m):
            observations += grams.participants[r] * grams.seen[r, j]
            for k in range(m):
                fit += inverses[r, j, k] * grams.yy[r, j, k]
        for a in range(q):
            for j in range(m):
                total = 0.0
                for k in range(m):
                    total += grams.zy[r, a, k] * inverses[r, k, j]
                if cell[a, j] >= 0:
                    right[cell[a, j]] += total
    for u in range(columns):
        for v in range(columns):
            coefficients[u] += variance[u, v] * right[v]
        fit -= coefficients[u] * right[u]
        if restricted:
            log_determinant += 2.0 * np.log(lower[u, u])
    degrees = observations - columns if restricted else observations
    deviance = log_determinant + fit + degrees * np.log(2.0 * np.pi)
    return Mean(True, inverses, lower_inverse, variance, coefficients, deviance)


@numba.njit(cache=True, nogil=True)
def mean_matrix(coefficients: Floats, cell: Ints) -> Floats:
    """Return B (q, m)."""
    q, m = cell.shape
    matrix = np.zeros((q, m))
    for a in range(q):
        for j in range(m):
            if cell[a, j] >= 0:
                matrix[a, j] = coefficients[cell[a, j]]
    return matrix


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def mean_uncertainty(variance: Floats, cell: Ints) -> Floats:
    """Return (CΦC')_jk folded so that its product with packed ZZ_r is T_r[j, k]: (m, m, q(q+1)/2)."""
    q, m = cell.shape
    folded = np.zeros((m, m, q * (q + 1) // 2))
    for j in range(m):
        for k in range(j, m):
            h = 0
            for a in range(q):
                for b in range(a, q):
                    if cell[a, j] >= 0 and cell[b, k] >= 0:
                        folded[j, k, h] += variance[cell[a, j], cell[b, k]]
                    if a != b and cell[b, j] >= 0 and cell[a, k] >= 0:
                        folded[j, k, h] += variance[cell[b, j], cell[a, k]]
                    h += 1
    return folded


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def moments(mean: Mean, grams: PatternSums, cell: Ints, restricted: bool) -> Moments:
    """Return the residual moments of every pattern at a fitted mean."""
    patterns, m = grams.seen.shape
    q = len(cell)
    matrix = mean_matrix(mean.coefficients, cell)
    folded = mean_uncertainty(mean.variance, cell)
    index = pair_index(q)
    residual = np.zeros((patterns, m, m))
    cross = np.empty((patterns, q, m))
    middle = np.empty((m, m))
    for r in range(patterns):
        weights = mean.inverses[r]
        for a in range(q):
            for j in range(m):
                cross[r, a, j] = grams.zy[r, a, j]
            for b in range(q):
                value = grams.zz[r, index[a, b]]
                for j in range(m):
                    cross[r, a, j] -= value * matrix[b, j]
            for j in range(m):
                if not grams.seen[r, j]:
                    cross[r, a, j] = 0.0
        for j in range(m):
            for k in range(j, m):
                total = 0.0
                if grams.seen[r, j] and grams.seen[r, k]:
                    total = grams.yy[r, j, k]
                    for a in range(q):
                        total -= cross[r, a, j] * matrix[a, k] + matrix[a, j] * grams.zy[r, a, k]
                    if restricted:
                        for h in range(folded.shape[2]):
                            total += folded[j, k, h] * grams.zz[r, h]
                middle[j, k] = total
                middle[k, j] = total
        for j in range(m):
            if not grams.seen[r, j]:
                continue
            for n in range(m):
                total = 0.0
                for k in range(m):
                    total += weights[j, k] * middle[k, n]
                for k in range(m):
                    residual[r, j, k] += total * weights[n, k]
    return Moments(residual, cross)


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def gradient(mean: Mean, moment: Moments, grams: PatternSums) -> Floats:
    """Return the gradient of −log L in the elements of Σ (K,)."""
    patterns, m = grams.seen.shape
    slope = np.zeros(m * (m + 1) // 2)
    for r in range(patterns):
        h = 0
        for j in range(m):
            for k in range(j, m):
                value = grams.participants[r] * mean.inverses[r, j, k] - moment.residual[r, j, k]
                slope[h] += 0.5 * value if j == k else value
                h += 1
    return slope


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def trace_products(left: Floats, right: Floats) -> Floats:
    """Return Σ_r tr(D_h L_r D_k R_r) for each two elements h, k of Σ (K, K).

    Parameters
    ----------
    left, right : ndarray (S, m, m)
        Symmetric matrices of each pattern.
    """
    patterns, m, _ = left.shape
    elements = m * (m + 1) // 2
    outer = np.zeros((elements, elements))
    other = np.empty(elements)
    for r in range(patterns):
        h = 0
        for j in range(m):
            for k in range(j, m):
                other[h] = right[r, j, k]
                h += 1
        g = 0
        for j in range(m):
            for k in range(j, m):
                factor = left[r, j, k]
                if factor != 0.0:
                    for h in range(elements):
                        outer[g, h] += factor * other[h]
                g += 1
    index = pair_index(m)
    traces = np.empty((elements, elements))
    for a in range(m):
        for b in range(a, m):
            h = index[a, b]
            for c in range(m):
                for d in range(c, m):
                    value = outer[index[b, c], index[d, a]]
                    if a != b:
                        value += outer[index[a, c], index[d, b]]
                    if c != d:
                        value += outer[index[b, d], index[c, a]]
                    if a != b and c != d:
                        value += outer[index[a, d], index[c, b]]
                    traces[h, index[c, d]] = value
    return traces


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def information_given_mean(mean: Mean, moment: Moments, grams: PatternSums, expected: bool) -> Floats:
    """Return the information in the elements of Σ (K, K) as if the mean were known.

    Observed: −½ Σ n tr(W D_h W D_k) + Σ tr(W D_h W D_k M); expected: ½ Σ n tr(W D_h W D_k).
    """
    patterns, m = grams.seen.shape
    other = np.empty((patterns, m, m))
    for r in range(patterns):
        half = 0.5 * grams.participants[r]
        for j in range(m):
            for k in range(m):
                weight = half * mean.inverses[r, j, k]
                other[r, j, k] = weight if expected else moment.residual[r, j, k] - weight
    return trace_products(mean.inverses, other)


@numba.njit(cache=True, nogil=True)
def in_parameters(information: Floats, slope: Floats, first: Floats, second: Floats) -> Floats:
    """Return the information in the parameters θ (T, T) of a structure from that in the elements of Σ."""
    elements, count = first.shape
    inner = np.zeros((elements, count))
    for g in range(elements):
        for h in range(elements):
            for t in range(count):
                inner[g, t] += information[g, h] * first[h, t]
    result = np.zeros((count, count))
    for g in range(elements):
        for t in range(count):
            for s in range(count):
                result[t, s] += first[g, t] * inner[g, s] + slope[g] * second[g, t, s]
    return result


@numba.njit(cache=True, nogil=True)
def covariance_from(elements: Floats, m: int) -> Floats:
    """Return the covariance (m, m) from its upper triangle by rows."""
    covariance = np.empty((m, m))
    h = 0
    for j in range(m):
        for k in range(j, m):
            covariance[j, k] = covariance[k, j] = elements[h]
            h += 1
    return covariance


@numba.njit(cache=True, nogil=True)
def elements_of(covariance: Floats) -> Floats:
    """Return the upper triangle of a covariance by rows (K,)."""
    m = len(covariance)
    elements = np.empty(m * (m + 1) // 2)
    h = 0
    for j in range(m):
        for k in range(j, m):
            elements[h] = covariance[j, k]
            h += 1
    return elements
