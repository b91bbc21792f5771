"""Compiled degrees of freedom and small-sample variances of a fitted mixed model.

With u = Φc, v = c'Φc, g_h = u'P_h u and A the inverse observed information in the elements of Σ::

    Satterthwaite:  df = 2v²/(g'Ag)
    Kenward-Roger, linear:  v + 2 Σ_hk A_hk [u'Q_hk u − (P_h u)'Φ(P_k u)],  the same df
    Kenward-Roger, full:    the linear one − ½ Σ_h g_h Σ_ts Aθ_ts ∂²σ_h/∂θ_t∂θ_s

where θ are the parameters of the structure and Aθ their variance. The linear form is that of SAS for
an unstructured matrix. Sources: Satterthwaite, Biometrics Bulletin 1946; 2: 110-114; Kenward and
Roger, Biometrics 1997; 53: 983-997; Fai and Cornelius, J Stat Comput Simul 1996; 54: 363-378.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.analysis.repeated_measures.algebra import FAST, inverse_of, pair_index
from trialsim.analysis.repeated_measures.covariance_structures import Structure, covariance_derivatives
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.analysis.repeated_measures.information import directional, observed_information
from trialsim.analysis.repeated_measures.likelihood import (
    gradient,
    in_parameters,
    mean_matrix,
    moments,
    trace_products,
)
from trialsim.analysis.repeated_measures.newton import INDEFINITE, OK, Fit
from trialsim.data import Floats, Ints


class CovarianceUncertainty(NamedTuple):
    """How well the covariance is known.

    Parameters
    ----------
    regular : bool
        Whether the observed information is positive definite; if not, the rest is meaningless.
    variance : ndarray (K, K)
        A: variance of the elements of Σ.
    curvature : ndarray (K,)
        Σ_ts Aθ_ts ∂²σ_h/∂θ_t∂θ_s; zeros unless asked for.
    """

    regular: bool
    variance: Floats
    curvature: Floats


class ContrastVariance(NamedTuple):
    """A contrast of the mean coefficients.

    Parameters
    ----------
    estimate, variance, df : float
        c'b, c'Φc, Satterthwaite degrees of freedom.
    linear, full : float
        Kenward-Roger variances; `full` equals `linear` if the curvature was not asked for.
    """

    estimate: float
    variance: float
    df: float
    linear: float
    full: float


@numba.njit(cache=True, nogil=True)
def covariance_uncertainty(
    fit: Fit, grams: PatternSums, cell: Ints, structure: Structure, restricted: bool, curved: bool
) -> CovarianceUncertainty:
    """Return the variance of the estimated covariance, from the exact observed information.

    `curved` asks for what the full Kenward-Roger variance needs.
    """
    moment = moments(fit.mean, grams, cell, restricted)
    information = observed_information(fit.mean, moment, grams, cell, restricted)
    curvature = np.zeros(len(information))
    if structure.unstructured and not curved:
        regular, variance = inverse_of(information)
        return CovarianceUncertainty(regular, variance, curvature)
    slope = gradient(fit.mean, moment, grams)
    _, first, second = covariance_derivatives(fit.parameters, structure)
    regular, inner = inverse_of(in_parameters(information, slope, first, second))
    for h in range(len(curvature)):
        curvature[h] = (inner * second[h]).sum()
    return CovarianceUncertainty(regular, first @ inner @ first.T, curvature)


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def spread_of_contrast(direction: Floats, fit: Fit, grams: PatternSums, cell: Ints) -> tuple[Floats, Floats]:
    """Return ZZ_r U (S, q, m) and V_r = W U' ZZ_r U W (S, m, m), U the matrix of Φc."""
    patterns, m = grams.seen.shape
    q = len(cell)
    matrix = mean_matrix(direction, cell)
    index = pair_index(q)
    cross = np.zeros((patterns, q, m))
    spread = np.zeros((patterns, m, m))
    inner = np.empty((m, m))
    for r in range(patterns):
        for a in range(q):
            for b in range(q):
                value = grams.zz[r, index[a, b]]
                for j in range(m):
                    cross[r, a, j] += value * matrix[b, j]
        for j in range(m):
            for k in range(m):
                total = 0.0
                for a in range(q):
                    total += matrix[a, j] * cross[r, a, k]
                inner[j, k] = total
        for j in range(m):
            if not grams.seen[r, j]:
                continue
            for n in range(m):
                total = 0.0
                for k in range(m):
                    total += fit.mean.inverses[r, j, k] * inner[k, n]
                for k in range(m):
                    spread[r, j, k] += total * fit.mean.inverses[r, n, k]
    return cross, spread


@numba.njit(cache=True, nogil=True)
def slope_of_variance(spread: Floats) -> Floats:
    """Return g_h = u'P_h u for each element h of Σ (K,), from V_r (S, m, m)."""
    m = spread.shape[1]
    slope = np.empty(m * (m + 1) // 2)
    h = 0
    for j in range(m):
        for k in range(j, m):
            slope[h] = (1.0 if j == k else 2.0) * spread[:, j, k].sum()
            h += 1
    return slope


@numba.njit(cache=True, nogil=True)
def contrast_variance(
    contrast: Floats,
    fit: Fit,
    uncertainty: CovarianceUncertainty,
    grams: PatternSums,
    cell: Ints,
    adjusted: bool,
) -> ContrastVariance:
    """Return the estimate, variance and degrees of freedom of one contrast (p,).

    `adjusted` asks for the Kenward-Roger variances; else they are NaN.
    """
    direction = fit.mean.variance @ contrast
    variance = float(contrast @ direction)
    cross, spread = spread_of_contrast(direction, fit, grams, cell)
    slope = slope_of_variance(spread)
    spread_of_variance = float(slope @ uncertainty.variance @ slope)
    df = 2.0 * variance**2 / spread_of_variance if spread_of_variance > 0.0 else np.inf
    estimate = float(contrast @ fit.mean.coefficients)
    if not adjusted:
        return ContrastVariance(estimate, variance, df, np.nan, np.nan)
    moved = directional(cross, fit.mean.inverses, cell, len(contrast))
    bias = trace_products(fit.mean.inverses, spread) - moved @ fit.mean.variance @ moved.T
    linear = variance + 2.0 * float((uncertainty.variance * bias).sum())
    full = linear - 0.5 * float(slope @ uncertainty.curvature)
    return ContrastVariance(estimate, variance, df, linear, full)


@numba.njit(cache=True, nogil=True)
def contrast_table(
    contrasts: Floats,
    fit: Fit,
    grams: PatternSums,
    cell: Ints,
    structure: Structure,
    restricted: bool,
    adjusted: bool,
    curved: bool,
) -> tuple[int, Floats]:
    """Return the status and, for each contrast (C, p), estimate, variance, df, linear and full (C, 5)."""
    table = np.full((len(contrasts), 5), np.nan)
    if fit.status != OK:
        return fit.status, table
    uncertainty = covariance_uncertainty(fit, grams, cell, structure, restricted, curved)
    if not uncertainty.regular:
        return INDEFINITE, table
    for c in range(len(contrasts)):
        found = contrast_variance(contrasts[c], fit, uncertainty, grams, cell, adjusted)
        table[c, 0] = found.estimate
        table[c, 1] = found.variance
        table[c, 2] = found.df
        table[c, 3] = found.linear
        table[c, 4] = found.full
    return OK, table
