"""What an analysis with predictions prints: the effect, and what it is mixed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.linear.result import inference
from trialsim.analysis.one_trial.deciding import StandsIn
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, counts_text


@dataclass(frozen=True, repr=False)
class PredictionsResult(Printed):
    """A difference of means by AIPW with predictions.

    Parameters
    ----------
    comparison : str
        What is compared, such as ``"drug - placebo"``.
    effect, variance : float
        Active minus control, and its variance; NaN where data too extreme leave none.
    df : float
        Of Student's t.
    level : float
        Confidence level, in (0, 1).
    counts : dict
        Analysed participants of each arm, control first.
    left_out : int
        Rows without an outcome.
    candidates : DataFrame
        One row a way of predicting: candidate, weight, estimate, standard_error.
    instead : StandsIn, optional
        The test that decides where there is no estimate.
    """

    comparison: str
    effect: float
    variance: float
    df: float
    level: float
    counts: dict[str, int]
    left_out: int
    candidates: pd.DataFrame
    instead: StandsIn | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row: estimate, error, df, statistic, p value, limits."""
        effect, covariance = np.array([self.effect]), np.array([[self.variance]])
        frame = inference((self.comparison,), effect, covariance, self.df, self.level, "comparison")
        return frame if self.instead is None else self.instead.on(frame)

    @property
    def status(self) -> str:
        """``"ok"``, or why the effect cannot be estimated."""
        return "ok" if self.instead is None else self.instead.status

    @property
    def decided_by(self) -> str:
        """The test of the p value: ``"t"``, or the one that stands in."""
        return "t" if self.instead is None else self.instead.test

    def _title(self) -> str:
        return f"Difference in means by AIPW with predictions; {self.comparison}"

    def _facts(self) -> Facts:
        return {
            "variance": "of the influence function, Student's t",
            "analysed": f"{counts_text(self.counts)}; {self.left_out} without outcome left out",
        }

    def _tables(self) -> Tables:
        return {
            f"Effect, {self.level:.0%} interval": self.to_frame(),
            "Mixed from (weights add up to 1)": self.candidates,
        }

    def _notes(self) -> Sequence[str]:
        if self.instead is not None:
            return (self.instead.note,)
        return (
            "Randomisation alone makes this right: predictions that are biased, turned round or useless cost "
            "power, not type I error. They must be fixed before any outcome of the trial was seen.",
        )
