"""Small dense algebra of Gram matrices inside compiled loops: lower triangles, Cholesky, sandwich."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Floats

COLLINEAR_TOLERANCE = 1e-11


@njit(cache=True)
def add_outer(target: Floats, rows: Floats, i: int, base: int, dummy: int, factor: float) -> None:
    """Add factor × row i × its transpose to the lower triangle; `dummy` is a further column of 1, or -1."""
    for j in range(base):
        scaled = factor * rows[i, j]
        for k in range(j + 1):
            target[j, k] += scaled * rows[i, k]
    if dummy >= 0:
        for k in range(base):
            target[dummy, k] += factor * rows[i, k]
        target[dummy, dummy] += factor


@njit(cache=True)
def quadratic(matrix: Floats, rows: Floats, i: int, base: int, dummy: int) -> float:
    """Return row i × matrix × its transpose for a full symmetric matrix."""
    total = 0.0
    for j in range(base):
        inner = 0.0
        for k in range(j):
            inner += matrix[j, k] * rows[i, k]
        total += rows[i, j] * (2.0 * inner + matrix[j, j] * rows[i, j])
    if dummy >= 0:
        inner = 0.0
        for k in range(base):
            inner += matrix[dummy, k] * rows[i, k]
        total += 2.0 * inner + matrix[dummy, dummy]
    return total


@njit(cache=True)
def inverse_from_factor(lower: Floats, K: int, inverse: Floats) -> None:
    """Fill the inverse of lower × its transpose, for the leading K columns."""
    for column in range(K):
        for j in range(column, K):
            s = 1.0 if j == column else 0.0
            for m in range(column, j):
                s -= lower[j, m] * inverse[m, column]
            inverse[j, column] = s / lower[j, j]
    for j in range(K):
        for k in range(j + 1):
            s = 0.0
            for m in range(j, K):
                s += inverse[m, j] * inverse[m, k]
            inverse[j, k] = s
    for j in range(K):
        for k in range(j):
            inverse[k, j] = inverse[j, k]


@njit(cache=True)
def invert(gram: Floats, K: int, lower: Floats, inverse: Floats) -> int:
    """Invert a symmetric matrix from its lower triangle by Cholesky; return the dependent column or -1.

    A column is dependent if what the columns before it leave of it is below the tolerance.
    """
    for j in range(K):
        for k in range(j + 1):
            s = gram[j, k]
            for m in range(k):
                s -= lower[j, m] * lower[k, m]
            if j > k:
                lower[j, k] = s / lower[k, k]
            elif s <= COLLINEAR_TOLERANCE * gram[j, j]:
                return j
            else:
                lower[j, j] = np.sqrt(s)
    inverse_from_factor(lower, K, inverse)
    return -1


@njit(cache=True)
def sandwich(inverse: Floats, meat: Floats, K: int, covariance: Floats) -> None:
    """Fill covariance = inverse × meat × inverse from the lower triangle of the meat."""
    half = np.empty(K)
    for j in range(K):
        for k in range(K):
            half[k] = 0.0
            for m in range(K):
                half[k] += inverse[j, m] * (meat[m, k] if m >= k else meat[k, m])
        for k in range(j + 1):
            s = 0.0
            for m in range(K):
                s += half[m] * inverse[m, k]
            covariance[j, k] = s
            covariance[k, j] = s


@njit(cache=True)
def dot(rows: Floats, i: int, beta: Floats, base: int, dummy: int) -> float:
    """Return the fitted value of design row i."""
    s = beta[dummy] if dummy >= 0 else 0.0
    for k in range(base):
        s += rows[i, k] * beta[k]
    return s
