"""Covariance structures of repeated measures and their derivatives.

Every structure is a vector of parameters on the whole real line, the ones of the R package mmrm:
log standard deviations, then correlations through ρ = θ/√(1+θ²). Three exceptions: compound symmetry has
ρ = ρ₀ + (1 − ρ₀)/(1 + e^−θ) with the lowest possible ρ₀ = −1/(m − 1), the spatial ones have −log ρ = e^θ
for a distance of 1, and the unstructured one has the unit lower triangle of its Cholesky factor instead.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import AnalysisError

STRUCTURES = ("us", "toep", "toeph", "ar1", "ar1h", "ad", "adh", "cs", "csh")
SPATIAL = ("sp_exp", "sp_gau")


class Structure(NamedTuple):
    """A structure over m visits, in the form that the kernels read.

    The covariance of visits a and b is s_a s_b Π_k ρ_k^e, e the exponent of ρ_k for that pair; in space
    s_a s_b ρ^d, d their distance.

    Parameters
    ----------
    unstructured : bool
        Every element of the covariance is free, so that it can be sought in its elements.
    deviation : ndarray of int (m,)
        Which log standard deviation each visit has.
    exponents : ndarray of int (m, m, C)
        Exponent of each of C correlations; 0 on the diagonal.
    lowest : float
        Lowest possible correlation of compound symmetry; NaN stands for the map θ/√(1+θ²).
    triangular : bool
        Whether the parameters are those of the Cholesky factor; then `exponents` is not used.
    apart : ndarray of bool (m, m)
        Pairs whose covariance is 0: visits of different groups.
    distance : ndarray (m, m)
        In space: the distance of two visits, or its square; else (0, 0).
    """

    unstructured: bool
    deviation: Ints
    exponents: Ints
    lowest: float
    triangular: bool
    apart: Bools
    distance: Floats


@numba.njit(cache=True, nogil=True)
def unstructured(visits: int) -> Structure:
    """Return the structure in which every element is free."""
    return Structure(
        True, np.arange(visits), np.zeros((visits, visits, 0), np.int64), np.nan, True,
        np.zeros((visits, visits), np.bool_), np.zeros((0, 0)),
    )  # fmt: skip


def spatial(name: str, times: Floats) -> Structure:
    """Return σ²ρ^d of visits at given times, d their distance (``sp_exp``) or its square (``sp_gau``).

    Raises
    ------
    AnalysisError
        If the name is no spatial structure, or two visits are at one time.

    Examples
    --------
    >>> spatial("sp_gau", np.array([0.0, 1.0, 3.0])).distance[0]
    array([0., 1., 9.])
    """
    if name not in SPATIAL:
        raise AnalysisError(
            "is no covariance in space", field="covariance", value=name, mend=f"use {' or '.join(SPATIAL)}"
        )
    m = len(times)
    if m < 2:
        raise AnalysisError("needs two visits or more", field="covariance", value=name)
    gap = np.abs(np.subtract.outer(times, times))
    if not (np.isfinite(gap).all() and (gap[~np.eye(m, dtype=bool)] > 0.0).all()):
        raise AnalysisError("must be finite, and differ between visits", field="times", value=list(times))
    flat, nothing = np.zeros(m, np.int64), np.zeros((m, m, 0), np.int64)
    distance = gap if name == "sp_exp" else gap**2
    return Structure(False, flat, nothing, np.nan, False, np.zeros((m, m), np.bool_), distance)


def in_groups(structure: Structure, groups: int) -> Structure:
    """Return a structure with its own parameters in each group, over groups · m visits, one after another.

    A participant is seen at the visits of one group only, so that what lies between groups never enters.

    Examples
    --------
    >>> in_groups(structure_of("ar1h", 2), 2).deviation
    array([0, 1, 2, 3])
    """
    m, own = len(structure.deviation), structure.exponents.shape[2]
    deviations = int(structure.deviation[-1]) + 1
    deviation = (structure.deviation + deviations * np.arange(groups)[:, None]).ravel()
    exponents = np.zeros((groups * m, groups * m, groups * own), np.int64)
    apart = np.ones((groups * m, groups * m), np.bool_)
    for g in range(groups):
        here = slice(g * m, (g + 1) * m)
        apart[here, here] = False
        exponents[here, here, g * own : (g + 1) * own] = structure.exponents
    return Structure(
        False, deviation, exponents, structure.lowest, structure.triangular, apart, np.zeros((0, 0))
    )


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
    return Structure(
        name == "us", deviation.astype(np.int64), exponents.astype(np.int64), lowest, name == "us",
        np.zeros((visits, visits), np.bool_), np.zeros((0, 0)),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def parameter_count(structure: Structure) -> int:
    """Return the number of parameters T."""
    m = len(structure.deviation)
    if structure.unstructured:
        return m * (m + 1) // 2
    if structure.triangular:
        return m + (m * (m - 1) - structure.apart.sum()) // 2
    if len(structure.distance):
        return structure.deviation[-1] + 2
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
            if structure.apart[a, b]:
                values[h] = 0.0
                h += 1
                continue
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
def _in_space(structure: Structure, theta: float, values: Floats, first: Floats, second: Floats) -> None:
    """Fill ρ^d of each pair a < b, −log ρ = e^θ, and its derivatives in θ (pairs, 1), (pairs, 1, 1)."""
    m = len(structure.deviation)
    rate = np.exp(theta)
    h = 0
    for a in range(m):
        for b in range(a, m):
            d = structure.distance[a, b]
            values[h] = np.exp(-rate * d)
            first[h, 0] = -rate * d * values[h]
            second[h, 0, 0] = first[h, 0] * (1.0 - rate * d)
            h += 1


@numba.njit(cache=True, nogil=True)
def _unit_products(
    structure: Structure, theta: Floats, values: Floats, first: Floats, second: Floats
) -> None:
    """Fill Σ_c l_ac l_bc of the unit lower triangle l, and its derivatives in the elements of l."""
    m = len(structure.deviation)
    position = np.full((m, m), -1, np.int64)
    lower = np.eye(m)
    k = 0
    for a in range(m):
        for c in range(a):
            if structure.apart[a, c]:
                continue
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
    if structure.triangular:
        _unit_products(structure, theta[deviations:], value, inner, curve)
    elif len(structure.distance):
        _in_space(structure, theta[deviations], value, inner, curve)
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
    if structure.triangular:
        lower = np.linalg.cholesky(np.where(structure.apart, 0.0, covariance))
        k = m
        for a in range(m):
            theta[a] = np.log(lower[a, a])
            for c in range(a):
                if not structure.apart[a, c]:
                    theta[k] = lower[a, c] / lower[a, a]
                    k += 1
        return theta
    shares = np.zeros(deviations)
    for a in range(m):
        theta[structure.deviation[a]] += 0.5 * np.log(covariance[a, a])
        shares[structure.deviation[a]] += 1.0
    theta[:deviations] /= shares
    if len(structure.distance):
        total, number = 0.0, 0
        for a in range(m):
            for b in range(a + 1, m):
                share = covariance[a, b] / np.sqrt(covariance[a, a] * covariance[b, b])
                total -= np.log(min(max(share, 0.02), 0.98)) / structure.distance[a, b]
                number += 1
        theta[deviations] = np.log(total / number)
        return theta
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
