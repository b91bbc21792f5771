"""What a regression with log ratios says of one trial, whether of hazards, rates or odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.printed import half_width
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

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient: log ratio, standard error, ratio with its limits, and Wald test."""
        width = half_width(self.level) * self.standard_errors
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
                "p_value": 2.0 * special.ndtr(-np.abs(statistic)),
            }
        )
