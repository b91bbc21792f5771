"""The nearest correlation matrix, in which some pairs may move less than others.

    minimise Σ_{i<j} w_ij (X_ij − A_ij)²   over correlation matrices X with smallest eigenvalue ≥ ε

X = (1 − ε) Y Yᵀ + ε I with rows of Y of length 1 covers exactly these matrices, so that the minimum is
unconstrained in Y (hypersphere decomposition of Rebonato and Jäckel 1999; weights as in Higham 2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from trialsim.data import Floats

_SMALLEST = 1e-6
_GRADIENT = 1e-12


def nearest_correlation(matrix: ArrayLike, weights: ArrayLike, smallest: float = _SMALLEST) -> Floats:
    """Return the correlation matrix with smallest weighted squared distance to a symmetric matrix.

    Parameters
    ----------
    matrix : ndarray (P, P)
        Symmetric, ones on the diagonal, perhaps not positive definite.
    weights : ndarray (P, P)
        Above 0; the larger, the less a pair moves.
    smallest : float
        ε, the least eigenvalue of the result.

    Returns
    -------
    ndarray (P, P)

    Examples
    --------
    >>> asked = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]])
    >>> found = nearest_correlation(asked, np.ones((3, 3)))
    >>> bool(np.linalg.eigvalsh(found)[0] > 0), round(float(found[0, 1]), 3)
    (True, 0.5)
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    weights = np.asarray(weights, dtype=np.float64)
    size = len(matrix)
    weights = np.where(np.eye(size, dtype=bool), 0.0, weights / weights.max())

    def distance(flat: Floats) -> tuple[float, Floats]:
        raw = flat.reshape(size, size)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        rows = raw / lengths
        miss = (1 - smallest) * (rows @ rows.T) - matrix
        slope = 2 * (1 - smallest) * (weights * miss) @ rows
        along = np.sum(slope * rows, axis=1, keepdims=True)
        return 0.5 * float(np.sum(weights * miss * miss)), ((slope - along * rows) / lengths).ravel()

    values, vectors = np.linalg.eigh(matrix)
    start = vectors * np.sqrt(np.maximum(values, 1e-3))
    found = optimize.minimize(
        distance,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-16, "gtol": _GRADIENT},
    )
    rows = found.x.reshape(size, size)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    nearest = (1 - smallest) * (rows @ rows.T)
    nearest = (nearest + nearest.T) / 2
    np.fill_diagonal(nearest, 1.0)
    return np.asarray(nearest)
