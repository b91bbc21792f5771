"""Mixtures of normal densities for a mean, conjugate to normal estimates with known standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.analysis.borrowing.checks import (
    finite,
    finite_array,
    fraction,
    mixture_weights,
    positive,
)
from trialsim.analysis.borrowing.mixture import NODES_PER_SD, MixturePrior, reweighted
from trialsim.data import Floats
from trialsim.errors import AnalysisError


@dataclass(frozen=True, init=False, repr=False)
class NormalMixture(MixturePrior):
    """Σ_k w_k N(m_k, s_k²).

    Parameters
    ----------
    weights, m, s : array_like (K,)
        Weights in [0, 1] that sum to 1, means, and standard deviations above 0.
    unit_sd : float, optional
        Standard deviation σ of one participant's outcome, above 0; effective sample sizes and the
        unit-information vague part need it.

    Examples
    --------
    >>> round(NormalMixture([0.8, 0.2], [-50.0, -50.0], [20.0, 88.0], unit_sd=88.0).sd(), 3)
    43.23
    """

    family: ClassVar[str] = "normal"
    weights: Floats
    m: Floats
    s: Floats
    unit_sd: float | None

    def __init__(self, weights: ArrayLike, m: ArrayLike, s: ArrayLike, unit_sd: float | None = None) -> None:
        object.__setattr__(self, "weights", mixture_weights(weights))
        object.__setattr__(self, "m", finite_array(m, "m"))
        object.__setattr__(self, "s", finite_array(s, "s", 0.0))
        object.__setattr__(self, "unit_sd", None if unit_sd is None else positive(unit_sd, "unit_sd"))
        if not len(self.weights) == len(self.m) == len(self.s):
            raise AnalysisError("needs as many weights as means", field="weights", value=len(self.weights))

    def parameters(self) -> dict[str, Floats]:
        """Return means and standard deviations."""
        return {"m": self.m, "s": self.s}

    def component_moments(self) -> tuple[Floats, Floats]:
        """Return means and variances of the components."""
        return self.m, self.s**2

    def component_log_density(self, x: Floats) -> Floats:
        """Return log densities (..., K)."""
        z = (x[..., None] - self.m) / self.s
        return np.asarray(-0.5 * z**2 - np.log(self.s) - 0.5 * np.log(2 * np.pi))

    def component_cdf(self, x: Floats) -> Floats:
        """Return distribution functions (..., K)."""
        return np.asarray(ndtr((x[..., None] - self.m) / self.s))

    def component_quantile(self, probability: float) -> Floats:
        """Return quantiles (K,)."""
        return np.asarray(self.m + self.s * ndtri(probability))

    def working_range(self) -> tuple[float, float, float]:
        """Return the range on the scale of the mean itself."""
        return (
            float((self.m - 9 * self.s).min()),
            float((self.m + 9 * self.s).max()),
            float(self.s.min()),
        )

    def working_grid(self, *others: MixturePrior) -> tuple[Floats, Floats]:
        """Return nodes and weights; x = c + s₀ sinh(t) where that needs fewer nodes than a constant step.

        The many components of a MAP prior share a centre and differ in width by orders of magnitude.
        """
        lower, upper, narrowest = self.working_range()
        centre = float(self.m[np.argmin(self.s)])
        reach = np.abs(self.m - centre) + 9 * self.s
        step = float((self.s / np.hypot(narrowest, reach)).min()) / NODES_PER_SD
        ends = np.arcsinh((np.array([lower, upper]) - centre) / narrowest)
        nodes = int(np.ceil((ends[1] - ends[0]) / step)) + 1
        if others or nodes >= NODES_PER_SD * (upper - lower) / narrowest:
            return super().working_grid(*others)
        t = np.linspace(ends[0], ends[1], nodes)
        return centre + narrowest * np.sinh(t), narrowest * np.cosh(t) * (t[1] - t[0])

    def from_working(self, x: Floats) -> tuple[Floats, Floats]:
        """Return x and 1."""
        return x, np.ones_like(x)

    def posterior_weights(self, estimate: ArrayLike, standard_error: ArrayLike) -> Floats:
        """Return posterior weights (R, K) of R estimates, w_k × N(y; m_k, s_k² + se²)."""
        y = finite_array(estimate, "estimate")[:, None]
        se = finite_array(standard_error, "standard_error", 0.0)[:, None]
        variance = self.s**2 + se**2
        return reweighted(self.weights, -0.5 * np.log(variance) - 0.5 * (y - self.m) ** 2 / variance)

    def posterior(self, estimate: float, standard_error: float) -> NormalMixture:
        """Return the posterior after an estimate with a known standard error.

        Examples
        --------
        >>> NormalMixture(1, 0.0, 1.0).posterior(2.0, 1.0).to_frame()
           family  weight    m         s
        0  normal     1.0  1.0  0.707107
        """
        weights = self.posterior_weights(estimate, standard_error)[0]
        precision = self.s**-2.0 + standard_error**-2.0
        m = (self.m * self.s**-2.0 + estimate * standard_error**-2.0) / precision
        return NormalMixture(weights, m, precision**-0.5, self.unit_sd)

    def robust(self, weight: float, mean: float | None = None, sd: float | None = None) -> NormalMixture:
        """Return (1 − weight) of this and `weight` of N(mean, sd²).

        By default the vague part sits at the mean of this prior and holds the information of one
        participant (`unit_sd`).
        """
        weight = fraction(weight, "weight")
        sd = self.require_unit_sd() if sd is None else positive(sd, "sd")
        mean = self.mean() if mean is None else finite(mean, "mean")
        return NormalMixture(
            np.append((1 - weight) * self.weights, weight),
            np.append(self.m, mean),
            np.append(self.s, sd),
            self.unit_sd,
        )

    def require_unit_sd(self) -> float:
        """Return σ of one participant's outcome, or say that it is missing."""
        if self.unit_sd is None:
            raise AnalysisError(
                "the standard deviation of one participant's outcome is unknown",
                field="unit_sd",
                mend="give unit_sd when making the prior",
            )
        return self.unit_sd


def normal_difference_below(first: NormalMixture, second: NormalMixture, margin: float = 0.0) -> float:
    """Return P(θ₁ − θ₂ < margin) of two independent normal mixtures, in closed form.

    Σ_jk w_j w_k Φ((margin − m_j + m_k)/√(s_j² + s_k²)).

    Parameters
    ----------
    first, second : NormalMixture
        Posteriors of θ₁ and θ₂.
    margin : float
        On the scale of θ.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(normal_difference_below(NormalMixture(1, 0, 1), NormalMixture(1, 1, 1)), 6)
    0.76025
    """
    difference = first.m[:, None] - second.m
    spread = np.hypot(first.s[:, None], second.s)
    return float(first.weights @ ndtr((margin - difference) / spread) @ second.weights)
