"""Compiled analysis of one data set by a mixed model for repeated measures."""

from __future__ import annotations

import numba
import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import Structure
from trialsim.analysis.repeated_measures.gram_sums import gram_sums
from trialsim.analysis.repeated_measures.inference import (
    contrast_table,
    covariance_uncertainty,
    slope_of_variance,
    spread_of_contrast,
)
from trialsim.analysis.repeated_measures.newton import first_redundant_column, fit_grams
from trialsim.analysis.repeated_measures.start import first_covariance
from trialsim.data import Floats, Ints


@numba.njit(cache=True, nogil=True)
def analyse(
    covariates: Floats,
    outcome: Floats,
    cell: Ints,
    columns: int,
    structure: Structure,
    restricted: bool,
    adjusted: bool,
    curved: bool,
    tolerance: float,
    contrasts: Floats,
) -> tuple[int, Floats, Floats, Floats, Floats, float]:
    """Fit a trial and judge contrasts of its coefficients.

    Returns
    -------
    status : int
        Position in `mmrm_newton.STATUSES`.
    table : ndarray (C, 5)
        As of `mmrm_inference.contrast_table`.
    coefficients : ndarray (p,)
    variance : ndarray (p, p)
        Model-based variance of the coefficients.
    covariance : ndarray (m, m)
    deviance : float
    """
    grams = gram_sums(covariates, outcome)
    fit = fit_grams(grams, cell, columns, structure, restricted, tolerance)
    status, table = contrast_table(contrasts, fit, grams, cell, structure, restricted, adjusted, curved)
    return status, table, fit.mean.coefficients, fit.mean.variance, fit.covariance, fit.mean.deviance


@numba.njit(cache=True, nogil=True)
def contrast_slopes(
    covariates: Floats,
    outcome: Floats,
    cell: Ints,
    columns: int,
    structure: Structure,
    restricted: bool,
    adjusted: bool,
    curved: bool,
    tolerance: float,
    contrasts: Floats,
) -> tuple[Floats, Floats]:
    """Return how the variance of each contrast follows the elements of Σ (C, K), and their variance (K, K).

    Arguments as of `analyse`, for a trial that can be fitted.
    """
    grams = gram_sums(covariates, outcome)
    fit = fit_grams(grams, cell, columns, structure, restricted, tolerance)
    uncertainty = covariance_uncertainty(fit, grams, cell, structure, restricted, curved)
    slopes = np.empty((len(contrasts), len(uncertainty.variance)))
    for c in range(len(contrasts)):
        spread = spread_of_contrast(fit.mean.variance @ contrasts[c], fit, grams, cell)[1]
        slopes[c] = slope_of_variance(spread)
    return slopes, uncertainty.variance


@numba.njit(cache=True, nogil=True)
def redundant_column(covariates: Floats, outcome: Floats, cell: Ints, columns: int) -> int:
    """Return the first coefficient that is a linear function of earlier ones, or -1."""
    grams = gram_sums(covariates, outcome)
    covariance = first_covariance(grams, cell)[3]
    for j in range(len(covariance)):
        if covariance[j, j] <= 0.0:
            covariance[j, j] = 1.0
    return first_redundant_column(covariance, grams, cell, columns)
