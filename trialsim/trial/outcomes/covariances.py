"""Covariances between visits, by structure."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import DesignError


def covariance_of(sd: ArrayLike, correlation: ArrayLike) -> Floats:
    """Return the covariance (V, V) of standard deviations and a correlation matrix, checked.

    Parameters
    ----------
    sd : array (V,)
        Above 0.
    correlation : array (V, V)
        Symmetric, positive definite, with ones on the diagonal.

    Returns
    -------
    ndarray (V, V)
        sd_i ρ_ij sd_j.

    Raises
    ------
    DesignError
        SDs or correlations that cannot be.

    Examples
    --------
    >>> covariance_of([1.0, 2.0], [[1.0, 0.5], [0.5, 1.0]])
    array([[1., 1.],
           [1., 4.]])
    """
    sds = np.asarray(sd, dtype=np.float64)
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.shape != (len(sds), len(sds)) or not np.allclose(matrix, matrix.T):
        raise DesignError("must be symmetric, one row a visit", field="correlation", value=matrix.shape)
    if not (np.diag(matrix) == 1).all() or np.linalg.eigvalsh(matrix).min() <= 0:
        raise DesignError("must have ones on the diagonal and be positive definite", field="correlation")
    if not (np.isfinite(sds) & (sds > 0)).all():
        raise DesignError("must be finite and above 0", field="sd", value=sds.tolist())
    return np.asarray(matrix * np.outer(sds, sds))


def autoregressive(visits: int, correlation: float) -> Floats:
    """Return the correlation matrix ρ^|i−j|.

    Parameters
    ----------
    visits : int
        V.
    correlation : float
        ρ of neighbouring visits, in (−1, 1).

    Returns
    -------
    ndarray (V, V)
        Ones on the diagonal.

    Examples
    --------
    >>> autoregressive(3, 0.5)[0]
    array([1.  , 0.5 , 0.25])
    """
    position = np.arange(visits)
    return np.asarray(correlation ** np.abs(position[:, None] - position))


def exchangeable(visits: int, correlation: float) -> Floats:
    """Return the correlation matrix with ρ off the diagonal.

    Parameters
    ----------
    visits : int
        V.
    correlation : float
        ρ of any two visits, in (−1/(V − 1), 1).

    Returns
    -------
    ndarray (V, V)
        Ones on the diagonal.

    Examples
    --------
    >>> exchangeable(2, 0.3)
    array([[1. , 0.3],
           [0.3, 1. ]])
    """
    return np.asarray(np.where(np.eye(visits, dtype=bool), 1.0, correlation))


@njit(cache=True)
def correlate(normals: Floats, factor: Floats, mean: Floats) -> None:
    """Turn rows z of standard normals (M, V) into mean + L z, in place; the same on any number of threads."""
    rows, visits = normals.shape
    for i in range(rows):
        for j in range(visits - 1, -1, -1):
            total = mean[j]
            for k in range(j + 1):
                total += factor[j, k] * normals[i, k]
            normals[i, j] = total


def covariance_factor(covariance: ArrayLike, visits: int) -> Floats:
    """Return the lower Cholesky factor (V, V) of a covariance, or refuse it.

    Parameters
    ----------
    covariance : array (V, V)
        Symmetric and positive definite.
    visits : int
        V.

    Returns
    -------
    ndarray (V, V)
        Lower triangular.

    Raises
    ------
    DesignError
        Another shape, or a matrix that is not positive definite.

    Examples
    --------
    >>> covariance_factor([[4.0, 2.0], [2.0, 2.0]], 2)
    array([[2., 0.],
           [1., 1.]])
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (visits, visits):
        raise DesignError(f"must have the shape {(visits, visits)}", field="covariance", value=matrix.shape)
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        raise DesignError("is not positive definite", field="covariance") from None
