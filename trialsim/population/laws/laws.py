"""Margins as monotone functions of a standard normal variate: X = F⁻¹(Φ(Z)).

Every law offers the same: `mean`, `sd`, `lower`, `upper`, `cuts` (the z at which a step law jumps) and
`from_latent(z)`. Upper tails go through the survival function, so that no digit is lost there.

| law | support | mean | variance |
| --- | --- | --- | --- |
| NormalLaw(μ, σ) | (−∞, ∞) | μ | σ² |
| LognormalLaw(μ, σ) | (0, ∞) | exp(μ + σ²/2) | mean² (exp(σ²) − 1) |
| GammaLaw(k, θ) | (0, ∞) | kθ | kθ² |
| BetaLaw(a, b, low, high) | (low, high) | low + width a/(a+b) | width² ab / ((a+b)²(a+b+1)) |
| TruncatedNormalLaw(μ, σ, low, high) | (low, high) | as solved | as solved |
| StepLaw(levels, probabilities) | levels | Σ p v | Σ p (v − mean)² |
| NominalLaw(probabilities, utilities) | codes 0 … K − 1 | Σ p k | Σ p (k − mean)² |

Further laws: `bounded` (logit-normal, maximum entropy, quartiles) and `counts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
from scipy import special

from trialsim.data import Floats


class Law(Interface):
    """What a margin offers to the copula and to the draw."""

    @property
    def mean(self) -> float:
        """Mean."""

    @property
    def sd(self) -> float:
        """Standard deviation, above 0."""

    @property
    def lower(self) -> float:
        """Lower end of the support."""

    @property
    def upper(self) -> float:
        """Upper end of the support."""

    @property
    def cuts(self) -> tuple[float, ...]:
        """Latent values at which a step law jumps; none for a continuous law."""

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""

    def __hash__(self) -> int:
        """Laws are values: equal ones are worked out once."""


@dataclass(frozen=True)
class NormalLaw:
    """Normal law."""

    mean: float
    sd: float
    lower: float = -np.inf
    upper: float = np.inf
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return μ + σ z."""
        return self.mean + self.sd * z


@dataclass(frozen=True)
class LognormalLaw:
    """Lognormal law of given mean and SD: σ² = ln(1 + sd²/mean²), μ = ln mean − σ²/2."""

    mean: float
    sd: float
    lower: float = 0.0
    upper: float = np.inf
    cuts: tuple[float, ...] = ()

    @property
    def log_sd(self) -> float:
        """SD of the logarithm."""
        return float(np.sqrt(np.log1p((self.sd / self.mean) ** 2)))

    @property
    def log_mean(self) -> float:
        """Mean of the logarithm."""
        return float(np.log(self.mean) - self.log_sd**2 / 2)

    def from_latent(self, z: Floats) -> Floats:
        """Return exp(μ + σ z)."""
        return np.exp(self.log_mean + self.log_sd * z)


@dataclass(frozen=True)
class GammaLaw:
    """Gamma law of given mean and SD: shape mean²/sd², scale sd²/mean."""

    mean: float
    sd: float
    lower: float = 0.0
    upper: float = np.inf
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return the gamma quantile of Φ(z)."""
        shape, scale = (self.mean / self.sd) ** 2, self.sd**2 / self.mean
        below, above = special.ndtr(np.minimum(z, 0.0)), special.ndtr(-np.maximum(z, 0.0))
        return np.asarray(
            scale * np.where(z < 0, special.gammaincinv(shape, below), special.gammainccinv(shape, above))
        )


@dataclass(frozen=True)
class BetaLaw:
    """Beta law on [lower, upper] of given mean and SD: with m, s on [0, 1], a + b = m(1 − m)/s² − 1."""

    mean: float
    sd: float
    lower: float
    upper: float
    cuts: tuple[float, ...] = ()

    @property
    def shapes(self) -> tuple[float, float]:
        """Shapes a and b."""
        width = self.upper - self.lower
        m, s = (self.mean - self.lower) / width, self.sd / width
        total = m * (1 - m) / s**2 - 1
        return m * total, (1 - m) * total

    def from_latent(self, z: Floats) -> Floats:
        """Return the beta quantile of Φ(z)."""
        a, b = self.shapes
        below, above = special.ndtr(np.minimum(z, 0.0)), special.ndtr(-np.maximum(z, 0.0))
        share = np.where(z < 0, special.betaincinv(a, b, below), special.betainccinv(a, b, above))
        return np.asarray(self.lower + (self.upper - self.lower) * share)


@dataclass(frozen=True)
class TruncatedNormalLaw:
    """Normal law N(location, scale²) cut to [lower, upper]; mean and SD are those *after* the cut."""

    mean: float
    sd: float
    lower: float
    upper: float
    location: float
    scale: float
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return the truncated normal quantile of Φ(z)."""
        a, b = (self.lower - self.location) / self.scale, (self.upper - self.location) / self.scale
        inside = special.ndtr(b) - special.ndtr(a)
        if inside < 0.5 and a > 0:
            inside = special.ndtr(-a) - special.ndtr(-b)
        below, above = special.ndtr(np.minimum(z, 0.0)), special.ndtr(-np.maximum(z, 0.0))
        from_below = special.ndtri(special.ndtr(a) + below * inside)
        from_above = -special.ndtri(special.ndtr(-b) + above * inside)
        return np.clip(
            self.location + self.scale * np.where(z < 0, from_below, from_above), self.lower, self.upper
        )


@dataclass(frozen=True)
class StepLaw:
    """Law on ascending levels with given probabilities, all above 0; binary is levels (0, 1)."""

    levels: tuple[float, ...]
    probabilities: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean."""
        return float(np.dot(self.levels, self.probabilities))

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(np.dot((np.asarray(self.levels) - self.mean) ** 2, self.probabilities)))

    @property
    def lower(self) -> float:
        """Lowest level."""
        return self.levels[0]

    @property
    def upper(self) -> float:
        """Highest level."""
        return self.levels[-1]

    @property
    def cuts(self) -> tuple[float, ...]:
        """Latent values at which the law jumps to its next level."""
        above = np.cumsum(self.probabilities[::-1])[-2::-1]
        return tuple(float(-special.ndtri(share)) for share in above)

    def from_latent(self, z: Floats) -> Floats:
        """Return the level of Φ(z)."""
        return np.asarray(self.levels)[np.searchsorted(self.cuts, z, side="left")]


@dataclass(frozen=True)
class NominalLaw:
    """Law of the codes 0 … K − 1, drawn from K latent normals.

    Parameters
    ----------
    probabilities, utilities : tuple of float
        Of each category; the utilities add up to 0.
    """

    probabilities: tuple[float, ...]
    utilities: tuple[float, ...]
    cuts: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the codes."""
        return float(np.arange(len(self.probabilities)) @ np.asarray(self.probabilities))

    @property
    def sd(self) -> float:
        """SD of the codes."""
        codes = np.arange(len(self.probabilities))
        return float(np.sqrt(((codes - self.mean) ** 2) @ np.asarray(self.probabilities)))

    @property
    def lower(self) -> float:
        """First code."""
        return 0.0

    @property
    def upper(self) -> float:
        """Last code."""
        return float(len(self.probabilities) - 1)

    def from_latent(self, z: Floats) -> Floats:
        """Return the code (n,) of each column of latent normals (K, n)."""
        return np.asarray(np.argmax(np.asarray(self.utilities)[:, None] + z, axis=0), dtype=np.float64)
