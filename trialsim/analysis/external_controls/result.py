"""What a comparison with outside controls prints: effect, balance, and what no data can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialsim.analysis.external_controls.balance import unbalanced_note
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width, number

# After weighting, a standardised difference beyond it is called an imbalance (Austin 2009).
LARGEST_DIFFERENCE = 0.1
RESTS_ON = "No data can answer these; a comparison without randomisation rests on them:"
# What target-trial emulation asks, and no column of the data can answer (Hernán and Robins 2016).
CHECKLIST = (
    "Eligibility: would each outside control have been eligible, by criteria known at their time zero?",
    "Time zero: does follow-up start at the same moment in both, such as the start of a line of treatment?",
    "Outcome: is it measured in the same way, at the same times, by the same rules?",
    "Follow-up: do people leave for the same reasons, and is care beside the treatment the same?",
    "Confounders: is everything measured that decided who was treated and also tells the outcome?",
)


@dataclass(frozen=True, repr=False)
class ExternalControlsResult(Printed):
    """A treated arm against outside controls, weighted.

    Parameters
    ----------
    effect, standard_error : float
        Difference of weighted means, treated minus control, and its standard error, in which the weights are
        estimated too.
    means : tuple of (float, float)
        Weighted means of control and treated.
    unweighted : float
        The same difference without weights.
    level : float
        Of the interval.
    arms : tuple of (str, str)
        Labels of control and treated.
    weights : str
        Whose effect it is, in words.
    balance : DataFrame
        One row a covariate: means of the treated, of the controls before and after, and the standardised
        differences before and after.
    sizes : DataFrame
        One row an arm: participants, effective sample size (Kish), and the largest weight as a share.
    """

    effect: float
    standard_error: float
    means: tuple[float, float]
    unweighted: float
    level: float
    arms: tuple[str, str]
    weights: str
    balance: pd.DataFrame
    sizes: pd.DataFrame

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence limits of the effect."""
        width = half_width(self.level) * self.standard_error
        return self.effect - width, self.effect + width

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the effect with its error and limits, and the difference without weights."""
        lower, upper = self.interval
        return pd.DataFrame(
            {
                "comparison": [f"{self.arms[1]} - {self.arms[0]}"],
                "estimate": [self.effect],
                "standard_error": [self.standard_error],
                "lower": [lower],
                "upper": [upper],
                "unweighted": [self.unweighted],
            }
        )

    def _title(self) -> str:
        return f"Difference from outside controls; {self.arms[1]} minus {self.arms[0]}"

    def _facts(self) -> Facts:
        return {"effect in": self.weights, "mean of controls": number(self.means[0])}

    def _tables(self) -> Tables:
        return {
            f"Difference, {self.level:.0%} interval": self.to_frame(),
            "Balance": self.balance,
            "Sizes": self.sizes,
        }

    def _notes(self) -> Sequence[str]:
        notes = unbalanced_note(self.balance, LARGEST_DIFFERENCE)
        return (
            *notes,
            RESTS_ON,
            *CHECKLIST,
        )
