"""Priors of the standard deviation between trials, and the nodes on which they are integrated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import gammainccinv

from trialsim.analysis.borrowing.checks import finite, positive
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_SDS_OF_HETEROGENEITY = 8.5
_MEANS_OF_EXPONENTIAL = 40.0
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class HalfNormal:
    """τ = |N(0, scale²)|: the default, light-tailed.

    Parameters
    ----------
    scale : float
        Above 0, on the link scale.
    """

    scale: float

    def __post_init__(self) -> None:
        positive(self.scale, "heterogeneity_scale")

    @property
    def tail(self) -> float:
        """Rate at which the predictive density falls on the link scale; see `TabulatedPrior.tails`."""
        return 1 / self.scale

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ, its quadrature weights, and the log prior up to a constant."""
        tau, weights = _square_nodes(_SDS_OF_HETEROGENEITY * self.scale, count)
        return tau, weights, -0.5 * (tau / self.scale) ** 2


@dataclass(frozen=True)
class Uniform:
    """τ uniform up to a largest value (Gelman 2006 for five trials or more).

    Parameters
    ----------
    largest : float
        Above 0.
    """

    largest: float

    def __post_init__(self) -> None:
        positive(self.largest, "largest")

    @property
    def tail(self) -> float:
        """Infinite: τ is bounded."""
        return math.inf

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ, its quadrature weights, and the log prior up to a constant."""
        tau, weights = _square_nodes(self.largest, count)
        return tau, weights, np.zeros(count)


@dataclass(frozen=True)
class Exponential:
    """τ exponential, a penalised-complexity prior (Simpson and others 2017).

    Parameters
    ----------
    mean : float
        Above 0.
    """

    mean: float

    def __post_init__(self) -> None:
        positive(self.mean, "mean")

    @property
    def tail(self) -> float:
        """0: heavier than any exponential on the link scale, so that no moment of a rate exists."""
        return 0.0

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ, its quadrature weights, and the log prior up to a constant."""
        tau, weights = _square_nodes(_MEANS_OF_EXPONENTIAL * self.mean, count)
        return tau, weights, -tau / self.mean


@dataclass(frozen=True)
class HalfT:
    """τ = |scale · t_df|; one degree of freedom is the half-Cauchy (Gelman 2006).

    Parameters
    ----------
    scale : float
        Above 0.
    df : float
        Above 0.
    """

    scale: float
    df: float = 1.0

    def __post_init__(self) -> None:
        positive(self.scale, "scale")
        positive(self.df, "df")

    @property
    def tail(self) -> float:
        """0, as of any prior with a polynomial tail."""
        return 0.0

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ over all of (0, ∞), its quadrature weights, and the log prior up to a constant."""
        tau, weights = _endless_nodes(self.scale, count)
        return tau, weights, -0.5 * (self.df + 1) * np.log1p((tau / self.scale) ** 2 / self.df)


@dataclass(frozen=True)
class LogNormal:
    """log τ normal, as in predictive priors from past meta-analyses (Turner and others 2015).

    Parameters
    ----------
    mean, sd : float
        Of log τ; sd above 0.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        finite(self.mean, "mean")
        positive(self.sd, "sd")

    @property
    def tail(self) -> float:
        """0: heavier than any exponential."""
        return 0.0

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ over all of (0, ∞), its quadrature weights, and the log prior up to a constant."""
        z, weight = leggauss(count)
        log_tau = self.mean + 8.5 * self.sd * z
        tau = np.exp(log_tau)
        return tau, 8.5 * self.sd * weight * tau, -0.5 * (8.5 * z) ** 2 - log_tau


@dataclass(frozen=True)
class TruncatedNormal:
    """τ normal, cut at 0.

    Parameters
    ----------
    mean, sd : float
        Before it is cut; sd above 0.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        finite(self.mean, "mean")
        positive(self.sd, "sd")

    @property
    def tail(self) -> float:
        """As of a half-normal."""
        return 1 / self.sd

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ, its quadrature weights, and the log prior up to a constant."""
        tau, weights = _square_nodes(max(self.mean, 0.0) + _SDS_OF_HETEROGENEITY * self.sd, count)
        return tau, weights, -0.5 * ((tau - self.mean) / self.sd) ** 2


@dataclass(frozen=True)
class Gamma:
    """τ gamma: density ∝ τ^(shape − 1) exp(−rate τ).

    Parameters
    ----------
    shape, rate : float
        Above 0; a shape from 0.5.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        positive(self.rate, "rate")
        if not self.shape >= 0.5:
            raise AnalysisError(
                "must be at least 0.5: the density must not crowd at 0", field="shape", value=self.shape
            )

    @property
    def tail(self) -> float:
        """0, as of the exponential."""
        return 0.0

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ, its quadrature weights, and the log prior up to a constant."""
        tau, weights = _square_nodes(float(gammainccinv(self.shape, _NEGLIGIBLE)) / self.rate, count)
        return tau, weights, (self.shape - 1) * np.log(tau) - self.rate * tau


@dataclass(frozen=True)
class InverseGamma:
    """1/τ gamma: density ∝ τ^(−shape − 1) exp(−scale/τ). It keeps τ away from 0 whatever the data say.

    Parameters
    ----------
    shape, scale : float
        Above 0.
    """

    shape: float
    scale: float

    def __post_init__(self) -> None:
        positive(self.shape, "shape")
        positive(self.scale, "scale")

    @property
    def tail(self) -> float:
        """0, as of any prior with a polynomial tail."""
        return 0.0

    def nodes(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Return τ over all of (0, ∞), its quadrature weights, and the log prior up to a constant."""
        tau, weights = _endless_nodes(self.scale / self.shape, count)
        return tau, weights, -(self.shape + 1) * np.log(tau) - self.scale / tau


HeterogeneityPrior = (
    HalfNormal | Uniform | Exponential | HalfT | LogNormal | TruncatedNormal | Gamma | InverseGamma
)
BOUNDED = (HalfNormal, Uniform, Exponential, TruncatedNormal, Gamma)


def chosen_prior(scale: float | None, prior: HeterogeneityPrior | None) -> HeterogeneityPrior:
    """Return the prior of τ from a half-normal's scale or in its own words, and refuse both or neither.

    Examples
    --------
    >>> chosen_prior(0.5, None)
    HalfNormal(scale=0.5)
    """
    if (scale is None) == (prior is None):
        raise AnalysisError(
            "or heterogeneity must be given, and not both",
            field="heterogeneity_scale",
            value=scale,
            mend="give the scale of a half-normal, or another prior such as HalfT(0.5)",
        )
    if prior is not None:
        return prior
    assert scale is not None
    return HalfNormal(scale)


def _square_nodes(largest: float, count: int) -> tuple[Floats, Floats]:
    """Return τ = largest u² and weights: fine near 0, where likelihoods bend."""
    x, w = leggauss(count)
    u = 0.5 * (x + 1)
    return largest * u**2, w * largest * u


def _endless_nodes(scale: float, count: int) -> tuple[Floats, Floats]:
    """Return τ = scale u²/(1 − u²) and weights over (0, ∞)."""
    x, w = leggauss(count)
    u = 0.5 * (x + 1)
    left = 1 - u**2
    return scale * u**2 / left, w * scale * u / left**2
