"""What a regression with log ratios says of one trial, whether of hazards, rates or odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.normal_estimates import two_sided
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.data import Floats


@dataclass(frozen=True, repr=False)
class RatioResult(TwoArmResult):
    """Coefficients of a regression of one trial; the first is the arm's. See `TwoArmResult`.

    Parameters
    ----------
    names : tuple of str
        Of the coefficients.
    coefficients : ndarray (1 + P,)
        Log ratios.
    covariance : ndarray (1 + P, 1 + P)
        Of the coefficients.
    level : float
        Of the intervals.
    """

    ratio: ClassVar[str]

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    level: float

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the coefficients (1 + P,)."""
        return np.sqrt(np.diagonal(self.covariance))

    def _degrees_of_freedom(self) -> Floats:
        """Return those of each coefficient (1 + P,): infinite where the normal law serves."""
        return np.full(len(self.names), np.inf)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient: log ratio, standard error, ratio with its limits, and test."""
        df = self._degrees_of_freedom()
        above = 0.5 + self.level / 2.0
        quantile = np.where(np.isinf(df), special.ndtri(above), special.stdtrit(df, above))
        width = quantile * self.standard_errors
        statistic = self.coefficients / self.standard_errors
        return pd.DataFrame(
            {
                "term": self.names,
                "estimate": self.coefficients,
                "standard_error": self.standard_errors,
                self.ratio: np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - width),
                "upper": np.exp(self.coefficients + width),
                "statistic": statistic,
                "p_value": two_sided(statistic, df),
            }
        )
