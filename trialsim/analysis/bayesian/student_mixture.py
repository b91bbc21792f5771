"""Posterior of a treatment effect as a mixture of two Student t distributions, one for each replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from trialsim.analysis.borrowing.roots import bisect_between
from trialsim.data import STATUS_OK, Estimates, Floats
from trialsim.errors import AnalysisError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class StudentMixture(InNotebook):
    """Posterior τ ~ ω* t_I + (1 − ω*) t_F of R replicates; part 0 is informative, part 1 vague.

    Parameters
    ----------
    weight : ndarray (R,)
        Posterior weight ω* of the informative part; NaN where the status is not 0.
    location, scale, df : ndarray (R, 2)
        Of the two t distributions.
    log_marginal : ndarray (R, 2)
        Log marginal likelihood of the data under each part of the prior.
    observed : ndarray of int (R,)
        Participants with an outcome.
    status : ndarray of int8 (R,)
        0 where the posterior exists, else a position in `reasons`.
    reasons : tuple of str
        Meaning of each status.
    """

    weight: Floats
    location: Floats
    scale: Floats
    df: Floats
    log_marginal: Floats
    observed: NDArray[np.int64]
    status: NDArray[np.int8]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def weights(self) -> Floats:
        """Weights of both parts (R, 2)."""
        return np.column_stack([self.weight, 1 - self.weight])

    def mean(self) -> Floats:
        """Return the posterior mean (R,)."""
        return np.asarray((self.weights * self.location).sum(axis=1))

    def sd(self) -> Floats:
        """Return the posterior standard deviation (R,); both df exceed 2 as soon as n ≥ 2."""
        spread = self.scale**2 * self.df / (self.df - 2)
        centred = self.location - self.mean()[:, None]
        return np.asarray(np.sqrt((self.weights * (spread + centred**2)).sum(axis=1)))

    def probability_below(self, effect: float | Floats) -> Floats:
        """Return P(τ < effect) (R,)."""
        z = (np.broadcast_to(effect, len(self))[:, None] - self.location) / self.scale
        return np.asarray((self.weights * stdtr(self.df, z)).sum(axis=1))

    def probability_above(self, effect: float | Floats) -> Floats:
        """Return P(τ > effect) (R,), without loss of digits in the tail."""
        z = (self.location - np.broadcast_to(effect, len(self))[:, None]) / self.scale
        return np.asarray((self.weights * stdtr(self.df, z)).sum(axis=1))

    def quantile(self, probability: float) -> Floats:
        """Return the posterior quantile (R,); it lies between those of the two parts."""
        if not 0 < probability < 1:
            raise AnalysisError(
                "must be between 0 and 1, both excluded", field="probability", value=probability
            )
        parts = self.location + self.scale * stdtrit(self.df, probability)
        return bisect_between(
            lambda x: self.probability_below(x) - probability, parts.min(axis=1), parts.max(axis=1)
        )

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return the equal-tailed credible interval, two arrays (R,)."""
        if not 0 < level < 1:
            raise AnalysisError("must be between 0 and 1, both excluded", field="level", value=level)
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def estimates(self) -> Estimates:
        """Return posterior mean and SD, z = Φ⁻¹(P(τ > 0)) and 2 min(P(τ > 0), P(τ < 0)) as p.

        `Estimates.rejects` at .05 is then the rule "P(τ > 0) outside [.025, .975]".
        """
        above, below = self.probability_above(0.0), self.probability_below(0.0)
        tail = np.minimum(above, below)
        statistic = np.where(above >= below, -ndtri(tail), ndtri(tail))
        failed = self.status != STATUS_OK
        return Estimates(
            analysis="bayesian prognostic adjustment",
            estimate=self.mean(),
            standard_error=self.sd(),
            df=np.where(failed, np.nan, np.inf),
            statistic=np.asarray(statistic),
            p_value=np.minimum(2 * tail, 1.0),
            status=self.status,
            reasons=self.reasons,
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a replicate."""
        lower, upper = self.interval(level)
        return pd.DataFrame(
            {
                "replicate": np.arange(len(self)),
                "mean": self.mean(),
                "sd": self.sd(),
                "lower": lower,
                "upper": upper,
                "probability_above_0": self.probability_above(0.0),
                "weight_informative": self.weight,
                "status": np.asarray(self.reasons)[self.status],
            }
        )
