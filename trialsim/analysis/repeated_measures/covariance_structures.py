"""Covariance structures of repeated measures and their derivatives.

Every structure is a vector of parameters on the whole real line, the ones of the R package mmrm:
log standard deviations, then correlations through ρ = θ/√(1+θ²). Two exceptions: compound symmetry has
ρ = ρ₀ + (1 − ρ₀)/(1 + e^−θ) with the lowest possible ρ₀ = −1/(m − 1), and the unstructured one has the
unit lower triangle of its Cholesky factor instead of correlations.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

STRUCTURES = ("us", "toep", "toeph", "ar1", "ar1h", "ad", "adh", "cs", "csh")


class Structure(NamedTuple):
    """A structure over m visits, in the form that the kernels read.

    The covariance of visits a and b is s_a s_b Π_k ρ_k^e, e the exponent of ρ_k for that pair.

    Parameters
    ----------
    unstructured : bool
        Then `exponents` is not used.
    deviation : ndarray of int (m,)
        Which log standard deviation each visit has.
    exponents : ndarray of int (m, m, C)
        Exponent of each of C correlations; 0 on the diagonal.
    lowest : float
        Lowest possible correlation of compound symmetry; NaN stands for the map θ/√(1+θ²).
    """

    unstructured: bool
    deviation: Ints
    exponents: Ints
    lowest: float


def structure_of(name: str, visits: int) -> Structure:
    """Return the structure of that name; the names are those of the R package mmrm.

    ``us`` unstructured; ``toep`` Toeplitz; ``ar1`` first-order autoregressive; ``ad`` first-order
    ante-dependence; ``cs`` compound symmetry; a final ``h`` gives each visit its own variance.

    Raises
    ------
    AnalysisError
        If the name is not one of `STRUCTURES`.

    Examples
    --------
    >>> structure_of("ar1h", 3).exponents[0, 2]
    array([2])
    """
    if name not in STRUCTURES:
        raise AnalysisError(
            "unknown covariance structure",
            field="covariance",
            value=name,
            mend=f"use one of {', '.join(STRUCTURES)}",
        )
    heterogeneous = name.endswith("h") or name == "us"
    deviation = np.arange(visits) if heterogeneous else np.zeros(visits, np.int64)
    lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    later = np.maximum.outer(np.arange(visits), np.arange(visits))
    gap = np.arange(visits - 1)
    exponents = {
        "us": np.zeros((visits, visits, 0)),
        "toep": lag[:, :, None] == gap + 1,
        "ar1": lag[:, :, None],
        "ad": (gap >= (later - lag)[:, :, None]) & (gap < later[:, :, None]),
        "cs": (lag > 0)[:, :, None],
    }[name.removesuffix("h")]
    lowest = -1.0 / (visits - 1) if name.startswith("cs") else np.nan
    return Structure(name == "us", deviation.astype(np.int64), exponents.astype(np.int64), lowest)


@numba.njit(cache=True, nogil=True)
def parameter_count(structure: Structure) -> int:
    """Return the number of parameters T."""
    m = len(structure.deviation)
    if structure.unstructured:
        return m * (m + 1) // 2
    return structure.deviation[-1] + 1 + structure.exponents.shape[2]


@numba.njit(cache=True, nogil=True)
def _correlations(structure: Structure, theta: Floats, values: Floats, first: Floats, second: Floats) -> None:
    """Fill the correlation of each pair a < b, and its derivatives in θ (pairs, C), (pairs, C, C)."""
    m = len(structure.deviation)
    count = len(theta)
    rho = np.empty(count)
    d_rho = np.empty(count)
    dd_rho = np.empty(count)
    for k in range(count):
        if not np.isnan(structure.lowest):
            share = 1.0 / (1.0 + np.exp(-theta[k]))
            rho[k] = structure.lowest + (1.0 - structure.lowest) * share
            d_rho[k] = (1.0 - structure.lowest) * share * (1.0 - share)
            dd_rho[k] = d_rho[k] * (1.0 - 2.0 * share)
        else:
            root = np.sqrt(1.0 + theta[k] ** 2)
            rho[k] = theta[k] / root
            d_rho[k] = root**-3
            dd_rho[k] = -3.0 * theta[k] * root**-5
    h = 0
    for a in range(m):
        for b in range(a, m):
            power = structure.exponents[a, b]
            values[h] = 1.0
            for k in range(count):
                values[h] *= rho[k] ** power[k]
            for k in range(count):
                if power[k] == 0:
                    continue
                rest = power[k] * rho[k] ** (power[k] - 1)
                for other in range(count):
                    if other != k:
                        rest *= rho[other] ** power[other]
                first[h, k] = rest * d_rho[k]
                second[h, k, k] = rest * dd_rho[k]
                if power[k] > 1:
                    curve = power[k] * (power[k] - 1) * rho[k] ** (power[k] - 2)
                    for other in range(count):
                        if other != k:
                            curve *= rho[other] ** power[other]
                    second[h, k, k] += curve * d_rho[k] ** 2
                for n in range(count):
                    if n == k or power[n] == 0:
                        continue
                    cross = power[k] * rho[k] ** (power[k] - 1) * power[n] * rho[n] ** (power[n] - 1)
                    for other in range(count):
                        if other not in (k, n):
                            cross *= rho[other] ** power[other]
                    second[h, k, n] = cross * d_rho[k] * d_rho[n]
            h += 1


@numba.njit(cache=True, nogil=True)
def _unit_products(theta: Floats, m: int, values: Floats, first: Floats, second: Floats) -> None:
    """Fill Σ_c l_ac l_bc of the unit lower triangle l, and its derivatives in the elements of l."""
    position = np.full((m, m), -1, np.int64)
    lower = np.eye(m)
    k = 0
    for a in range(m):
        for c in range(a):
            position[a, c] = k
            lower[a, c] = theta[k]
            k += 1
    h = 0
    for a in range(m):
        for b in range(a, m):
            values[h] = 0.0
            for c in range(a + 1):
                values[h] += lower[a, c] * lower[b, c]
                k, n = position[a, c], position[b, c]
                if k >= 0:
                    first[h, k] += lower[b, c]
                if n >= 0:
                    first[h, n] += lower[a, c]
                if k >= 0 and n >= 0:
                    second[h, k, n] += 1.0
                    second[h, n, k] += 1.0
            h += 1


@numba.njit(cache=True, nogil=True)
def covariance_derivatives(theta: Floats, structure: Structure) -> tuple[Floats, Floats, Floats]:
    """Return the covariance and its derivatives in the parameters.

    Parameters
    ----------
    theta : ndarray (T,)
        Log standard deviations, then the rest.
    structure : Structure
        Over m visits; K = m(m+1)/2 elements on and above the diagonal, by rows.

    Returns
    -------
    covariance : ndarray (m, m)
    first : ndarray (K, T)
        Derivatives of the elements.
    second : ndarray (K, T, T)
        Second derivatives of the elements.
    """
    m = len(structure.deviation)
    elements = m * (m + 1) // 2
    deviations = structure.deviation[-1] + 1
    rest = len(theta) - deviations
    value = np.empty(elements)
    inner = np.zeros((elements, rest))
    curve = np.zeros((elements, rest, rest))
    if structure.unstructured:
        _unit_products(theta[deviations:], m, value, inner, curve)
    else:
        _correlations(structure, theta[deviations:], value, inner, curve)
    covariance = np.empty((m, m))
    first = np.zeros((elements, len(theta)))
    second = np.zeros((elements, len(theta), len(theta)))
    h = 0
    for a in range(m):
        for b in range(a, m):
            u, v = structure.deviation[a], structure.deviation[b]
            scale = np.exp(theta[u] + theta[v])
            covariance[a, b] = covariance[b, a] = scale * value[h]
            first[h, u] += scale * value[h]
            first[h, v] += scale * value[h]
            for k in range(rest):
                first[h, deviations + k] = scale * inner[h, k]
                for n in range(rest):
                    second[h, deviations + k, deviations + n] = scale * curve[h, k, n]
            for w in (u, v):
                second[h, w, :] += first[h]
                for k in range(rest):
                    second[h, deviations + k, w] += first[h, deviations + k]
            h += 1
    return covariance, first, second


@numba.njit(cache=True, nogil=True)
def parameters_near(covariance: Floats, structure: Structure) -> Floats:
    """Return parameters (T,) whose covariance is near to the given one, as a start or, for ``us``, equal."""
    m = len(structure.deviation)
    deviations = structure.deviation[-1] + 1
    theta = np.zeros(parameter_count(structure))
    if structure.unstructured:
        lower = np.linalg.cholesky(covariance)
        k = m
        for a in range(m):
            theta[a] = np.log(lower[a, a])
            for c in range(a):
                theta[k] = lower[a, c] / lower[a, a]
                k += 1
        return theta
    shares = np.zeros(deviations)
    for a in range(m):
        theta[structure.deviation[a]] += 0.5 * np.log(covariance[a, a])
        shares[structure.deviation[a]] += 1.0
    theta[:deviations] /= shares
    for k in range(structure.exponents.shape[2]):
        total, number = 0.0, 0
        for a in range(m):
            for b in range(a + 1, m):
                if structure.exponents[a, b, k] == 1 and structure.exponents[a, b].sum() == 1:
                    total += covariance[a, b] / np.sqrt(covariance[a, a] * covariance[b, b])
                    number += 1
        rho = min(max(total / number, -0.9 / (m - 1.0)), 0.9)
        if not np.isnan(structure.lowest):
            theta[deviations + k] = np.log((rho - structure.lowest) / (1.0 - rho))
        else:
            theta[deviations + k] = rho / np.sqrt(1.0 - rho**2)
    for _ in range(60):
        if np.linalg.eigvalsh(covariance_derivatives(theta, structure)[0])[0] > 0.0:
            break
        theta[deviations:] = 0.5 * theta[deviations:]
    return theta
