"""Covariance of a step margin with any margin, exact up to the very end of what is attainable.

Mehler's series of a step law converges like k^(−3/2) Rᵏ, too slowly as |R| nears 1. Conditioning on the
other margin's latent normal instead, with jumps Δ_j of X at t_j:

    Cov(X, Y) = ∫ (y(z) − E Y) φ(z) Σ_j Δ_j Φ((R z − t_j) / √(1 − R²)) dz

by Gauss–Legendre quadrature on panels that are split at the jumps of Y and refined about each t_j / R,
where the integrand steps over a width of √(1 − R²) / |R|.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import Law, StepLaw
from trialsim.population.laws.tabulated import TabulatedLaw

_REFINEMENT = (-16.0, -8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0)


def step_covariance(
    step: StepLaw, other: Law | TabulatedLaw, other_cuts: tuple[float, ...], other_mean: float, latent: float
) -> float:
    """Return the covariance of a step margin with another margin.

    Parameters
    ----------
    step : StepLaw
        The margin with jumps.
    other : Law or TabulatedLaw
        The other margin, with or without jumps.
    other_cuts : tuple of float
        Its jumps.
    other_mean : float
        Its mean.
    latent : float
        Correlation R of the latent normals, not 0, |R| < 1.

    Examples
    --------
    >>> half = StepLaw((0.0, 1.0), (0.5, 0.5))
    >>> orthant = np.arcsin(0.5) / (2 * np.pi)
    >>> bool(abs(step_covariance(half, half, half.cuts, 0.5, 0.5) - orthant) < 1e-12)
    True
    """
    width = np.sqrt(1.0 - latent * latent)
    near = [cut / latent + width / abs(latent) * factor for cut in step.cuts for factor in _REFINEMENT]
    z, weights = latent_grid((*other_cuts, *near))
    rise = np.zeros_like(z)
    for cut, jump in zip(step.cuts, np.diff(step.levels), strict=True):
        rise += jump * special.ndtr((latent * z - cut) / width)
    return float(weights @ ((other.from_latent(z) - other_mean) * rise))
