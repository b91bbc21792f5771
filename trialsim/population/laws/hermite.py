"""Covariances of transformed normal variates by Mehler's series.

With normalised Hermite polynomials h₀ = 1, h₁ = z, h_k = (z h_{k−1} − √(k−1) h_{k−2}) / √k and
c_k = E[X h_k(Z)] of each margin, two margins on latent normals with correlation R have

    Cov(X_i, X_j) = Σ_{k≥1} c_ik c_jk Rᵏ
"""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.population.laws.laws import Law, StepLaw

REACH = 8.5
TERMS = 240
_PANELS = 60
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def latent_grid(cuts: tuple[float, ...] = ()) -> tuple[Floats, Floats]:
    """Return nodes z and weights φ(z) dz on [−8.5, 8.5], composite Gauss–Legendre, panels split at `cuts`."""
    inner = [cut for cut in cuts if -REACH < cut < REACH]
    edges = np.unique(np.concatenate([np.linspace(-REACH, REACH, _PANELS + 1), inner]))
    half = np.diff(edges)[:, None] / 2
    z = ((edges[:-1, None] + half) + half * _POINTS).ravel()
    return z, (half * _WEIGHTS).ravel() * _density(z)


def coefficients(law: Law, terms: int = TERMS) -> Floats:
    """Return c_1 … c_K of a law (K,): closed form for steps, quadrature for continuous laws.

    For levels v₀ < v₁ < … with jumps at t_j:  c_k = Σ_j (v_{j+1} − v_j) φ(t_j) h_{k−1}(t_j) / √k.
    """
    order = np.arange(1, terms + 1)
    if isinstance(law, StepLaw):
        jumps, cuts = np.diff(law.levels), np.asarray(law.cuts)
        return (_polynomials(cuts, terms)[:-1] @ (jumps * _density(cuts))) / np.sqrt(order)
    z, weights = latent_grid(law.cuts)
    return np.asarray(_polynomials(z, terms)[1:] @ (weights * law.from_latent(z)))


def covariance(first: Floats, second: Floats, latent: float) -> float:
    """Return Σ_k c_ik c_jk Rᵏ for one latent correlation."""
    return float((first * second) @ latent ** np.arange(1, len(first) + 1))


def _polynomials(z: Floats, terms: int) -> Floats:
    """Return h_0 … h_K at z (K+1, len z)."""
    values = np.empty((terms + 1, len(z)))
    values[0] = 1.0
    values[1] = z
    for k in range(2, terms + 1):
        values[k] = (z * values[k - 1] - np.sqrt(k - 1) * values[k - 2]) / np.sqrt(k)
    return values


def _density(z: Floats) -> Floats:
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
