"""Small dense linear algebra that the compiled kernels of the mixed model share."""

from __future__ import annotations

import numba
import numpy as np

from trialsim.data import Floats, Ints

FAST = {"contract", "reassoc"}


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def factorise(matrix: Floats, lower: Floats, tolerance: float) -> int:
    """Write the Cholesky factor into `lower`; return the first column without a pivot, or -1.

    A pivot is missing where it is not above `tolerance` times the diagonal of the matrix.
    """
    size = len(matrix)
    for j in range(size):
        for i in range(j, size):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if not total > tolerance * matrix[j, j] or not np.isfinite(total):
                    return j
                lower[j, j] = np.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
        for i in range(j):
            lower[i, j] = 0.0
    return -1


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def invert_lower(lower: Floats, inverse: Floats) -> None:
    """Write the inverse of a lower triangle."""
    size = len(lower)
    for i in range(size):
        for j in range(size):
            inverse[i, j] = 0.0
        for k in range(i):
            factor = lower[i, k]
            for j in range(k + 1):
                inverse[i, j] -= factor * inverse[k, j]
        for j in range(i):
            inverse[i, j] /= lower[i, i]
        inverse[i, i] = 1.0 / lower[i, i]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def cross_product(lower: Floats, product: Floats) -> None:
    """Write L'L of a lower triangle L."""
    size = len(lower)
    product[:, :] = 0.0
    for k in range(size):
        for i in range(k + 1):
            factor = lower[k, i]
            for j in range(i + 1):
                product[i, j] += factor * lower[k, j]
    for i in range(size):
        for j in range(i):
            product[j, i] = product[i, j]


@numba.njit(cache=True, nogil=True)
def inverse_of(matrix: Floats) -> tuple[bool, Floats]:
    """Return whether a symmetric matrix is positive definite, and its inverse."""
    size = len(matrix)
    lower = np.empty((size, size))
    inverse = np.zeros((size, size))
    if factorise(matrix, lower, 1e-13) >= 0:
        return False, inverse
    triangle = np.empty((size, size))
    invert_lower(lower, triangle)
    cross_product(triangle, inverse)
    return True, inverse


@numba.njit(cache=True, nogil=True)
def pair_index(size: int) -> Ints:
    """Return the position of each pair (a, b) in the upper triangle by rows, in either order."""
    index = np.empty((size, size), np.int64)
    h = 0
    for a in range(size):
        for b in range(a, size):
            index[a, b] = h
            index[b, a] = h
            h += 1
    return index
