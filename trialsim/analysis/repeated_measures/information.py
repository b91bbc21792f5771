"""Compiled exact observed information of a mixed model for repeated measures.

In the elements of Σ, with D_h = ∂Σ/∂σ_h and L⁻¹ the inverse Cholesky factor of H::

    I_hk = −½ Σ n tr(W D_h W D_k) + Σ tr(W D_h W D_k W (E+T)) − ½ tr(Φ P_h Φ P_k) − U_h' Φ U_k
    P_h = C'(Σ_r (W D_h W) ⊗ ZZ_r)C          U_h = C' vec(Σ_r ZE_r W D_h W)

ML leaves out the third term and T.
"""

from __future__ import annotations

import numba
import numpy as np

from trialsim.analysis.repeated_measures.algebra import FAST, pair_index
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.analysis.repeated_measures.likelihood import Mean, Moments, information_given_mean
from trialsim.data import Floats, Ints


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def directional(cross: Floats, inverses: Floats, cell: Ints, columns: int) -> Floats:
    """Return C' vec(Σ_r X_r W_r D_h W_r) for each element h of Σ, where X_r W_r is q by m: (K, p).

    Parameters
    ----------
    cross : ndarray (S, q, m)
        X_r.
    inverses : ndarray (S, m, m)
        W_r.
    cell : ndarray of int (q, m)
        Coefficient of each element of B.
    columns : int
        Number of coefficients.
    """
    patterns, q, m = cross.shape
    index = pair_index(m)
    full = np.zeros((len(index) * (m + 1) // 2, q, m))
    weighted = np.empty((m, q))
    for r in range(patterns):
        for a in range(m):
            for z in range(q):
                total = 0.0
                for k in range(m):
                    total += cross[r, z, k] * inverses[r, k, a]
                weighted[a, z] = total
        for a in range(m):
            for b in range(a, m):
                if inverses[r, a, a] == 0.0 and inverses[r, b, b] == 0.0:
                    continue
                h = index[a, b]
                for z in range(q):
                    for j in range(m):
                        full[h, z, j] += weighted[a, z] * inverses[r, b, j]
                    if a != b:
                        for j in range(m):
                            full[h, z, j] += weighted[b, z] * inverses[r, a, j]
    result = np.zeros((len(full), columns))
    for h in range(len(full)):
        for z in range(q):
            for j in range(m):
                if cell[z, j] >= 0:
                    result[h, cell[z, j]] += full[h, z, j]
    return result


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def pair_products(inverses: Floats, grams: PatternSums) -> Floats:
    """Return Σ_r W_r[g] W_r[h] ZZ_r for each two elements g and h: (K, K, q(q+1)/2)."""
    patterns, m = grams.seen.shape
    elements = m * (m + 1) // 2
    width = grams.zz.shape[1]
    products = np.zeros((elements, elements, width))
    packed = np.empty(elements)
    for r in range(patterns):
        h = 0
        for j in range(m):
            for k in range(j, m):
                packed[h] = inverses[r, j, k]
                h += 1
        for g in range(elements):
            if packed[g] == 0.0:
                continue
            for h in range(g, elements):
                factor = packed[g] * packed[h]
                if factor != 0.0:
                    for w in range(width):
                        products[g, h, w] += factor * grams.zz[r, w]
    for g in range(elements):
        for h in range(g):
            products[g, h] = products[h, g]
    return products


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def slope_of_mean_information(
    products: Floats, a: int, b: int, cell: Ints, index: Ints, rows: Ints, slope: Floats
) -> None:
    """Write P_h (p, p) of the element h = (a, b) of Σ."""
    q, m = cell.shape
    slope[:, :] = 0.0
    folded = np.empty(products.shape[2])
    for j in range(m):
        for k in range(j, m):
            left = products[index[j, a], index[b, k]]
            right = products[index[j, b], index[a, k]]
            for w in range(len(folded)):
                folded[w] = left[w] + right[w] if a != b else left[w]
            for x in range(q):
                u = cell[x, j]
                if u < 0:
                    continue
                for y in range(q):
                    v = cell[y, k]
                    if v < 0:
                        continue
                    slope[u, v] += folded[rows[x, y]]
                    if j != k:
                        slope[v, u] += folded[rows[x, y]]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def whitened(slope: Floats, lower_inverse: Floats, work: Floats, packed: Floats) -> None:
    """Write L⁻¹ P L⁻ᵀ as a packed lower triangle whose plain product is the trace of the product."""
    size = len(slope)
    for i in range(size):
        for j in range(size):
            work[i, j] = 0.0
        for k in range(i + 1):
            factor = lower_inverse[i, k]
            for j in range(size):
                work[i, j] += factor * slope[k, j]
    h = 0
    root = np.sqrt(2.0)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(j + 1):
                total += work[i, k] * lower_inverse[j, k]
            packed[h] = total if i == j else root * total
            h += 1


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def observed_information(
    mean: Mean, moment: Moments, grams: PatternSums, cell: Ints, restricted: bool
) -> Floats:
    """Return the exact observed information in the elements of Σ (K, K)."""
    m = grams.seen.shape[1]
    columns = len(mean.coefficients)
    information = information_given_mean(mean, moment, grams, np.bool_(False))
    elements = len(information)
    width = columns * (columns + 1) // 2 if restricted else 0
    stack = np.zeros((elements, width + columns))
    crossed = directional(moment.cross, mean.inverses, cell, columns)
    for h in range(elements):
        for u in range(columns):
            total = 0.0
            for v in range(u + 1):
                total += mean.lower_inverse[u, v] * crossed[h, v]
            stack[h, width + u] = np.sqrt(2.0) * total
    if restricted:
        products = pair_products(mean.inverses, grams)
        rows = pair_index(len(cell))
        index = pair_index(m)
        slope = np.empty((columns, columns))
        work = np.empty((columns, columns))
        for a in range(m):
            for b in range(a, m):
                slope_of_mean_information(products, a, b, cell, index, rows, slope)
                whitened(slope, mean.lower_inverse, work, stack[index[a, b], :width])
    for g in range(elements):
        for h in range(g, elements):
            total = 0.0
            for w in range(width + columns):
                total += stack[g, w] * stack[h, w]
            information[g, h] -= 0.5 * total
            if g != h:
                information[h, g] -= 0.5 * total
    return information
