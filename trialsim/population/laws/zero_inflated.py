"""A share of zeros beside a positive law: pack-years, alcohol, levels below the limit of detection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.laws.laws import GammaLaw, LognormalLaw
from trialsim.population.laws.whole import moments_above_zero


@dataclass(frozen=True)
class ZeroInflatedLaw:
    """0 with probability π, else a positive law: F⁻¹(u) = 0 for u ≤ π, else F₊⁻¹((u − π) / (1 − π)).

    Parameters
    ----------
    mean, sd : float
        Moments of all, zeros among them.
    zeros : float
        π, in (0, 1).
    above : LognormalLaw or GammaLaw
        Law of what is above 0.
    """

    mean: float
    sd: float
    zeros: float
    above: LognormalLaw | GammaLaw
    lower: float = 0.0
    upper: float = np.inf

    @property
    def cuts(self) -> tuple[float, ...]:
        """The latent value at which the zeros end."""
        return (float(special.ndtri(self.zeros)),)

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""
        z = np.asarray(z, dtype=np.float64)
        zero = z <= self.cuts[0]
        share_above = np.minimum(special.ndtr(-z) / (1 - self.zeros), 1.0)
        return np.where(zero, 0.0, self.above.from_latent(np.where(zero, 0.0, -special.ndtri(share_above))))


@dataclass(frozen=True)
class ZeroInflatedGrade:
    """Law of F(X) of a zero-inflated covariate, mid-ranks for its zeros: π/2, else uniform on (π, 1).

    E G = ½,  Var G = (1 − π³) / 12.
    """

    zeros: float
    mean: float = 0.5
    lower: float = 0.0
    upper: float = 1.0

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt((1 - self.zeros**3) / 12))

    @property
    def cuts(self) -> tuple[float, ...]:
        """The latent value at which the zeros end."""
        return (float(special.ndtri(self.zeros)),)

    def from_latent(self, z: Floats) -> Floats:
        """Return the grade of Φ(z)."""
        z = np.asarray(z, dtype=np.float64)
        return np.where(z <= self.cuts[0], self.zeros / 2, special.ndtr(z))


def zero_inflated_law(shape: str, mean: float, sd: float, zeros: float) -> ZeroInflatedLaw:
    """Return the law with this share of zeros whose mean and SD, zeros among them, are those asked.

    Parameters
    ----------
    shape : str
        Of what is above 0: ``lognormal`` or ``gamma``.
    mean, sd : float
        Above 0.
    zeros : float
        Share of zeros, in (0, 1).

    Raises
    ------
    CardError
        If the share is not in (0, 1), or with it no positive law has this mean and SD.

    Examples
    --------
    >>> law = zero_inflated_law("gamma", 15.0, 20.0, 0.4)
    >>> law.from_latent(special.ndtri(np.array([0.1, 0.4]))), round(law.above.mean, 6)
    (array([0., 0.]), 25.0)
    """
    if not 0 < zeros < 1:
        raise CardError("must lie strictly between 0 and 1", field="zeros", value=zeros, mend="mend it")
    moments = moments_above_zero(mean, sd, zeros)
    return ZeroInflatedLaw(
        mean, sd, zeros, LognormalLaw(*moments) if shape == "lognormal" else GammaLaw(*moments)
    )
