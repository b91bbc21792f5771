"""Mixtures of gamma densities for a rate, conjugate to Poisson counts and exponential times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc, gammaincinv, gammaln, polygamma, psi, xlogy

from trialsim.analysis.borrowing.checks import finite_array, fraction, mixture_weights, positive
from trialsim.analysis.borrowing.mixture import MixturePrior, reweighted
from trialsim.data import Floats
from trialsim.errors import AnalysisError

RateData = Literal["poisson", "exponential"]


@dataclass(frozen=True, init=False, repr=False)
class GammaMixture(MixturePrior):
    """Σ_k w_k Gamma(shape a_k, rate b_k); mean a/b, variance a/b² of each part.

    Parameters
    ----------
    weights, a, b : array_like (K,)
        Weights in [0, 1] that sum to 1; shapes and rates above 0. The rate is in units of exposure.
    data : {"poisson", "exponential"}
        What one unit of effective sample size is: one unit of exposure, or one event.

    Examples
    --------
    >>> GammaMixture(1, 12.0, 7.5).posterior(3, 2.5).to_frame()
      family  weight     a     b
    0  gamma     1.0  15.0  10.0
    """

    family: ClassVar[str] = "gamma"
    weights: Floats
    a: Floats
    b: Floats
    data: RateData

    def __init__(self, weights: ArrayLike, a: ArrayLike, b: ArrayLike, data: RateData = "poisson") -> None:
        object.__setattr__(self, "weights", mixture_weights(weights))
        for name, values in (("a", a), ("b", b)):
            object.__setattr__(self, name, finite_array(values, name, 0.0))
        if data not in ("poisson", "exponential"):
            raise AnalysisError("must be 'poisson' or 'exponential'", field="data", value=data)
        object.__setattr__(self, "data", data)
        if not len(self.weights) == len(self.a) == len(self.b):
            raise AnalysisError("needs as many weights as shapes", field="weights", value=len(self.weights))

    def parameters(self) -> dict[str, Floats]:
        """Return shapes and rates."""
        return {"a": self.a, "b": self.b}

    def component_moments(self) -> tuple[Floats, Floats]:
        """Return means and variances of the components."""
        return self.a / self.b, self.a / self.b**2

    def component_log_density(self, x: Floats) -> Floats:
        """Return log densities (..., K)."""
        x = x[..., None]
        return np.asarray(xlogy(self.a, self.b) + xlogy(self.a - 1, x) - self.b * x - gammaln(self.a))

    def component_cdf(self, x: Floats) -> Floats:
        """Return distribution functions (..., K); 0 below 0."""
        return np.asarray(gammainc(self.a, self.b * np.maximum(x, 0)[..., None]))

    def component_quantile(self, probability: float) -> Floats:
        """Return quantiles (K,)."""
        return np.asarray(gammaincinv(self.a, probability) / self.b)

    def working_range(self) -> tuple[float, float, float]:
        """Return the range on the log scale, where the left tail falls as exp(aη)."""
        centre, sd = psi(self.a) - np.log(self.b), np.sqrt(polygamma(1, self.a))
        lower = centre - 9 * sd - 41 / self.a
        upper = np.log(gammaincinv(self.a, 1 - 1e-15) + 10) - np.log(self.b)
        # The right tail falls doubly exponentially whatever the shape.
        return float(lower.min()), float(upper.max()), float(min(sd.min(), 1.0))

    def from_working(self, x: Floats) -> tuple[Floats, Floats]:
        """Return λ = exp(η) and dλ/dη."""
        value = np.exp(x)
        return value, value

    def posterior(self, events: float, exposure: float) -> GammaMixture:
        """Return the posterior after a number of events over an exposure."""
        exposure = positive(exposure, "exposure")
        if not (np.isfinite(events) and events >= 0):
            raise AnalysisError("must be finite and at least 0", field="events", value=events)
        a, b = self.a + events, self.b + exposure
        log_marginal = xlogy(self.a, self.b) - xlogy(a, b) + gammaln(a) - gammaln(self.a)
        return GammaMixture(reweighted(self.weights, log_marginal), a, b, self.data)

    def robust(self, weight: float, a: float | None = None, b: float = 1.0) -> GammaMixture:
        """Return (1 − weight) of this and `weight` of Gamma(a, b): by default one unit at this mean."""
        weight = fraction(weight, "weight")
        return GammaMixture(
            np.append((1 - weight) * self.weights, weight),
            np.append(self.a, self.mean() * b if a is None else a),
            np.append(self.b, b),
            self.data,
        )
