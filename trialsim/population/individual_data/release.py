"""A differentially private release of what calibration needs: histograms and quadrant counts.

Gaussian noise under zero-concentrated differential privacy (Bun and Steinke 2016), neighbouring data sets
differing in one participant's values:

    σ = Δ₂ / √(2ρ),   ε = ρ + 2 √(ρ ln(1/δ)),   ρ = (√(ln(1/δ) + ε) − √ln(1/δ))²

All P histograms together have Δ₂ = √(2P). The counts above each cut point and above both of each pair
together have Δ₂ = √(P + P(P − 1)/2). The noise is that of
OpenDP, whose discrete Gaussian is safe against floating-point attacks; without it nothing is released.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from trialsim.data import Covariates, Floats
from trialsim.errors import InputError
from trialsim.notebook import InNotebook
from trialsim.population.association.nearest import nearest_correlation
from trialsim.zcdp import zcdp_budget

_HISTOGRAM_SHARE = 0.3
_LEAST_SHARE = 0.01
_LUCK = 1.64


@dataclass(frozen=True)
class PrivateRelease(InNotebook):
    """Noisy counts, and what follows from them without further cost.

    Parameters
    ----------
    histograms : DataFrame
        ``covariate``, ``low``, ``high``, ``count`` (noisy, not below 0).
    latent : ndarray (P, P) or None
        Latent correlations at the public cut points, made possible; None where they were refused.
    correlation_error : float
        Expected mean absolute error of the correlations, by noise and sampling.
    accounting : DataFrame
        ``what``, ``sensitivity``, ``rho``, ``sigma``; their ρ add up to the budget.
    verdict : str
        Whether the correlations are better than assuming independence.
    """

    histograms: pd.DataFrame
    latent: Floats | None
    correlation_error: float
    accounting: pd.DataFrame
    verdict: str


def private_release(
    people: Covariates, edges: Mapping[str, Floats], cuts: Mapping[str, float], epsilon: float, delta: float
) -> PrivateRelease:
    """Release histograms and quadrant counts of some participants.

    Parameters
    ----------
    people : Covariates
        N participants, no missing values. N itself is taken to be public.
    edges : mapping of str to ndarray
        Public bin edges of each covariate; values outside fall into the end bins.
    cuts : mapping of str to float
        Public cut point of each covariate for the quadrant counts, near its median.
    epsilon, delta : float
        Budget.

    Returns
    -------
    PrivateRelease
        With ``latent`` None if the noise makes correlations no better than assuming independence.

    Raises
    ------
    InputError
        If OpenDP is not installed, an edge or a cut is missing, or values are.
    """
    names = people.names
    for name in names:
        if name not in edges or name not in cuts:
            raise InputError(
                "needs public bins and a public cut point", field=name, mend="give edges and cuts"
            )
    if np.isnan(people.values).any():
        raise InputError("counts need complete values", mend="leave out participants with missing values")
    rho = zcdp_budget(epsilon, delta)
    pairs = list(combinations(range(len(names)), 2))
    plan = [("histograms", np.sqrt(2.0 * len(names)), _HISTOGRAM_SHARE * rho if pairs else rho)]
    if pairs:
        plan.append(
            ("quadrant counts", np.sqrt(float(len(names) + len(pairs))), (1 - _HISTOGRAM_SHARE) * rho)
        )
    accounting = pd.DataFrame(plan, columns=["what", "sensitivity", "rho"])
    accounting["sigma"] = accounting["sensitivity"] / np.sqrt(2 * accounting["rho"])
    histograms = _histograms(people, edges, float(accounting["sigma"].iloc[0]))
    if not pairs:
        return PrivateRelease(histograms, None, 0.0, accounting, "one covariate has no correlations")
    sigma = float(accounting["sigma"].iloc[1])
    above = np.column_stack([people.column(name) > cuts[name] for name in names])
    counts = [int(count) for count in above.sum(axis=0)]
    counts += [int((above[:, i] & above[:, j]).sum()) for i, j in pairs]
    noisy = np.asarray(_noise(counts, sigma)) / len(people)
    shares = np.clip(noisy[: len(names)], _LEAST_SHARE, 1 - _LEAST_SHARE)
    latent, error, verdict = _judged(pairs, noisy[len(names) :], shares, sigma / len(people), len(people))
    return PrivateRelease(histograms, latent, error, accounting, verdict)


def _judged(
    pairs: list[tuple[int, int]], joints: Floats, shares: Floats, noise: float, n: int
) -> tuple[Floats | None, float, str]:
    """Invert the counts, and keep the correlations only if their errors are below their size."""
    raw, variances = np.eye(len(shares)), []
    for (i, j), joint in zip(pairs, joints, strict=True):
        a, b = float(shares[i]), float(shares[j])
        raw[i, j] = raw[j, i] = quadrant_correlation(float(joint), a, b)
        by_noise = noise**2 * (1 + a * a + b * b)
        by_sampling = a * (1 - a) * b * (1 - b) / n
        variances.append(quadrant_slope(a, b) ** 2 * np.array([by_noise, by_sampling]))
    by_noise, by_sampling = np.sqrt(2 / np.pi * np.mean(variances, axis=0))
    error = float(np.hypot(by_noise, by_sampling))
    # Squares of noisy correlations are too large by their variance; the margin keeps luck from passing.
    spread = float(np.mean(np.sum(variances, axis=1)))
    excess = np.mean([raw[pair] ** 2 for pair in pairs]) - spread * (1 + _LUCK * np.sqrt(2 / len(pairs)))
    guess = float(np.sqrt(2 / np.pi * max(float(excess), 0.0)))
    words = (
        f"correlations err by about {error:.3f} ({by_noise:.3f} by the noise, {by_sampling:.3f} by sampling)"
    )
    if error >= guess:
        return (
            None,
            error,
            f"refused: {words}, assuming independence by about {guess:.3f};"
            " take correlations from a public source, or spend more",
        )
    latent = nearest_correlation(raw, np.ones_like(raw), smallest=1e-3)
    return latent, error, f"usable: {words}, against {guess:.3f} for assuming independence"


def quadrant_correlation(joint: float, first: float, second: float) -> float:
    """Return the latent correlation with P(both above) = joint, given P(above) of each.

    Examples
    --------
    >>> round(quadrant_correlation(1 / 3, 0.5, 0.5), 6)
    0.5
    """
    low, high = _joint(-0.99, first, second), _joint(0.99, first, second)
    if joint <= low or joint >= high:
        return -0.99 if joint <= low else 0.99
    return float(optimize.brentq(lambda r: _joint(r, first, second) - joint, -0.99, 0.99, xtol=1e-10))


def quadrant_slope(first: float, second: float) -> float:
    """Return dR/dP(both above) at R = 0, 1 / (φ(z_a) φ(z_b)): how noise in a count reaches a correlation."""
    a, b = special.ndtri(np.clip([first, second], 0.01, 0.99))
    return float(2 * np.pi * np.exp((a * a + b * b) / 2))


def _joint(correlation: float, first: float, second: float) -> float:
    """Return P(both above), by the integral of the bivariate normal density over the correlation."""
    a, b = special.ndtri(np.clip([1 - first, 1 - second], 1e-6, 1 - 1e-6))
    points, weights = np.polynomial.legendre.leggauss(48)
    angle = np.arcsin(correlation) * (points + 1) / 2
    exponent = -(a * a + b * b - 2 * a * b * np.sin(angle)) / (2 * np.cos(angle) ** 2)
    return float(first * second + np.arcsin(correlation) / 2 * (weights @ np.exp(exponent)) / (2 * np.pi))


def _histograms(people: Covariates, edges: Mapping[str, Floats], sigma: float) -> pd.DataFrame:
    rows = []
    for name in people.names:
        bins = np.asarray(edges[name], dtype=float)
        place = np.clip(np.searchsorted(bins, people.column(name), side="right") - 1, 0, len(bins) - 2)
        counts = np.bincount(place, minlength=len(bins) - 1)
        noisy = _noise([int(count) for count in counts], sigma)
        rows += [
            {"covariate": name, "low": bins[k], "high": bins[k + 1], "count": max(0, noisy[k])}
            for k in range(len(bins) - 1)
        ]
    return pd.DataFrame(rows)


def _noise(counts: list[int], sigma: float) -> list[int]:
    """Return counts with discrete Gaussian noise of OpenDP, which has its own source of chance."""
    return [int(count) for count in _mechanism(sigma)(counts)]


def _mechanism(sigma: float) -> Any:
    try:
        dp: Any = importlib.import_module("opendp.prelude")
    except ImportError:
        raise InputError(
            "a private release needs the optional package opendp, whose noise is safe to publish",
            mend="install trialsim[privacy]",
        ) from None
    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    return dp.m.make_gaussian(domain, dp.l2_distance(T=float), scale=sigma)
