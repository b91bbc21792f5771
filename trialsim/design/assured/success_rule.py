"""Critical value, power and probability of success of a trial read with a normal prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.analysis.borrowing.checks import finite, inside_unit, positive
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class NormalSuccessRule:
    """Success if P(θ < 0 | data) > confidence, where θ̂ ~ N(θ, unit_variance/information).

    Parameters
    ----------
    prior : (float, float)
        Mean and SD of the analysis prior of θ, such as (0, 2) for a log hazard ratio.
    information : float
        Final information, such as events.
    unit_variance : float
        Variance of θ̂ times the information: 4 for a log hazard ratio at 1:1.
    confidence : float
        In (0, 1).

    Examples
    --------
    >>> rule = NormalSuccessRule((0.0, 2.0), 379)
    >>> round(rule.critical_estimate(), 7), round(rule.power(np.log(0.75)), 7)
    (-0.2016186, 0.7989111)
    """

    prior: tuple[float, float]
    information: float
    unit_variance: float = 4.0
    confidence: float = 0.975

    def __post_init__(self) -> None:
        finite(self.prior[0], "prior[0]")
        positive(self.prior[1], "prior[1]")
        positive(self.information, "information")
        positive(self.unit_variance, "unit_variance")
        inside_unit(self.confidence, "confidence")

    def critical_estimate(self) -> float:
        """Return the estimate below which the trial succeeds.

        c = (−z √(1/s₀² + I) − m₀/s₀²)/I with I the information over the unit variance.
        """
        own, data = self.prior[1] ** -2.0, self.information / self.unit_variance
        return float((-ndtri(self.confidence) * np.sqrt(own + data) - self.prior[0] * own) / data)

    def power(self, effect: float) -> float:
        """Return the probability of success at a true effect."""
        return float(
            ndtr((self.critical_estimate() - effect) * np.sqrt(self.information / self.unit_variance))
        )

    def conditional_power(self, effect: float, interim: tuple[float, float]) -> float:
        """Return the probability of success at a true effect, given an interim estimate and information."""
        estimate, information = self._interim(interim)
        remaining = self.information - information
        needed = (self.critical_estimate() * self.information - estimate * information) / remaining
        return float(ndtr((needed - effect) * np.sqrt(remaining / self.unit_variance)))

    def probability_of_success(self, interim: tuple[float, float]) -> float:
        """Return the conditional power averaged over the interim posterior of the effect.

        Examples
        --------
        >>> round(NormalSuccessRule((0.0, 2.0), 379).probability_of_success((np.log(0.83), 162)), 7)
        0.4465716
        """
        estimate, information = self._interim(interim)
        remaining = self.information - information
        own, data = self.prior[1] ** -2.0, information / self.unit_variance
        mean = (self.prior[0] * own + estimate * data) / (own + data)
        spread = np.sqrt(1 / (own + data) + self.unit_variance / remaining)
        needed = (self.critical_estimate() * self.information - estimate * information) / remaining
        return float(ndtr((needed - mean) / spread))

    def _interim(self, interim: tuple[float, float]) -> tuple[float, float]:
        estimate, information = finite(interim[0], "interim[0]"), positive(interim[1], "interim[1]")
        if information >= self.information:
            raise AnalysisError("must be below the final one", field="interim[1]", value=information)
        return estimate, information
