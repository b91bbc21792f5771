"""Mixtures of beta densities for a response probability, conjugate to binomial data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, betaln, expit, gammaln, polygamma, psi, xlog1py, xlogy

from trialsim.analysis.borrowing.checks import counts, finite_array, fraction, mixture_weights, positive
from trialsim.analysis.borrowing.mixture import MixturePrior, reweighted
from trialsim.data import Floats
from trialsim.errors import AnalysisError


@dataclass(frozen=True, init=False, repr=False)
class BetaMixture(MixturePrior):
    """Σ_k w_k Beta(a_k, b_k) on (0, 1); mean a/(a+b), variance ab/((a+b)²(a+b+1)) of each part.

    Parameters
    ----------
    weights, a, b : array_like (K,)
        Weights in [0, 1] that sum to 1; both shapes above 0.

    Examples
    --------
    >>> prior = BetaMixture([0.6, 0.4], [2.5, 14.6], [19.1, 120.2])
    >>> round(prior.mean(), 6)
    0.112768
    """

    family: ClassVar[str] = "beta"
    weights: Floats
    a: Floats
    b: Floats

    def __init__(self, weights: ArrayLike, a: ArrayLike, b: ArrayLike) -> None:
        object.__setattr__(self, "weights", mixture_weights(weights))
        for name, values in (("a", a), ("b", b)):
            object.__setattr__(self, name, finite_array(values, name, 0.0))
        if not len(self.weights) == len(self.a) == len(self.b):
            raise AnalysisError("needs as many weights as shapes", field="weights", value=len(self.weights))

    def parameters(self) -> dict[str, Floats]:
        """Return both shapes."""
        return {"a": self.a, "b": self.b}

    def component_moments(self) -> tuple[Floats, Floats]:
        """Return means and variances of the components."""
        total = self.a + self.b
        return self.a / total, self.a * self.b / (total**2 * (total + 1))

    def component_log_density(self, x: Floats) -> Floats:
        """Return log densities (..., K)."""
        x = x[..., None]
        return np.asarray(xlogy(self.a - 1, x) + xlog1py(self.b - 1, -x) - betaln(self.a, self.b))

    def component_cdf(self, x: Floats) -> Floats:
        """Return distribution functions (..., K); 0 below 0, 1 above 1."""
        return np.asarray(betainc(self.a, self.b, np.clip(x, 0, 1)[..., None]))

    def component_quantile(self, probability: float) -> Floats:
        """Return quantiles (K,)."""
        return np.asarray(betaincinv(self.a, self.b, probability))

    def working_range(self) -> tuple[float, float, float]:
        """Return the range on the logit scale, where the tails fall as exp(aη) and exp(−bη)."""
        centre = psi(self.a) - psi(self.b)
        sd = np.sqrt(polygamma(1, self.a) + polygamma(1, self.b))
        lower, upper = centre - 9 * sd - 41 / self.a, centre + 9 * sd + 41 / self.b
        # The tails of a component with both shapes at 1 are as narrow as exp(-|η|): 1.8 is its SD.
        return float(lower.min()), float(upper.max()), float(min(sd.min(), 1.8))

    def from_working(self, x: Floats) -> tuple[Floats, Floats]:
        """Return p = expit(η) and dp/dη."""
        p = expit(x)
        return p, p * expit(-x)

    def log_marginal(self, r: ArrayLike, n: ArrayLike) -> Floats:
        """Return log beta-binomial probabilities (..., K) of r responders among n."""
        events, size = (np.asarray(v, dtype=float)[..., None] for v in (r, n))
        choose = gammaln(size + 1) - gammaln(events + 1) - gammaln(size - events + 1)
        return np.asarray(choose + betaln(self.a + events, self.b + size - events) - betaln(self.a, self.b))

    def posterior_weights(self, r: ArrayLike, n: ArrayLike) -> Floats:
        """Return posterior weights (R, K) of R data sets, w_k × beta-binomial probability."""
        events, sizes = counts(*np.broadcast_arrays(np.atleast_1d(r), np.atleast_1d(n)))
        return reweighted(self.weights, self.log_marginal(events, sizes))

    def posterior(self, r: float, n: float) -> BetaMixture:
        """Return the posterior after r responders among n.

        Examples
        --------
        >>> print(BetaMixture([0.5, 0.5], [4, 1], [6, 1]).posterior(6, 10).to_frame().round(4))
          family  weight     a     b
        0   beta  0.5576  10.0  10.0
        1   beta  0.4424   7.0   5.0
        """
        weights = self.posterior_weights(r, n)[0]
        return BetaMixture(weights, self.a + r, self.b + n - r)

    def predictive_cdf(self, n: int) -> Floats:
        """Return P(R ≤ r), r = 0 … n, of responders among n new participants (n + 1,)."""
        mass = np.exp(self.log_marginal(np.arange(n + 1), positive(n, "n"))) @ self.weights
        return np.minimum(np.cumsum(mass), 1.0)

    def robust(self, weight: float, a: float = 1.0, b: float = 1.0) -> BetaMixture:
        """Return (1 − weight) of this and `weight` of a vague Beta(a, b), uniform by default."""
        weight = fraction(weight, "weight")
        return BetaMixture(
            np.append((1 - weight) * self.weights, weight), np.append(self.a, a), np.append(self.b, b)
        )
