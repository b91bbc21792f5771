"""What reference-based imputation of one trial found, and how it prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.analysis.imputation.shift_law import ShiftLaw, critical_value, two_sided
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, counts_text
from trialsim.data import Floats, Ints

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, repr=False)
class ImputationResult(Printed):
    """Effect and least-squares means of every visit after imputation.

    Parameters
    ----------
    outcome : str
        Name of the outcome.
    method : str
        In words: imputation, variance, degrees of freedom.
    strategies : mapping of str
        Of each arm, or of each kind of participant.
    strategy_by : str or None
        Column of the kinds; None where the arm decides.
    arms : tuple of (str, str)
        Labels of control and active; effects are active minus control.
    reference : str
        Label of the reference arm.
    visits : tuple of str
        V labels.
    participants : tuple of (int, int)
        Analysed participants of each arm.
    imputed : ndarray of int (V, 2)
        Imputed outcomes of each visit and arm.
    estimate, standard_error, df : ndarray (V, 3)
        Of the effect and of the least-squares means of control and active.
    shifts : tuple of ShiftLaw
        One a visit: how the effect follows a shift of what was imputed.
    covariates : tuple of str
        Of the imputation model, each with its own coefficient at each visit.
    level : float
        Confidence level of the limits.
    """

    outcome: str
    method: str
    strategies: Mapping[str, str]
    strategy_by: str | None
    arms: tuple[str, str]
    reference: str
    visits: tuple[str, ...]
    participants: tuple[int, int]
    imputed: Ints
    estimate: Floats
    standard_error: Floats
    df: Floats
    shifts: tuple[ShiftLaw, ...]
    covariates: tuple[str, ...]
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a visit and parameter: estimate, error, df, statistic, p value, limits."""
        control, active = self.arms
        parameters = (f"{active} - {control}", f"LS mean {control}", f"LS mean {active}")
        statistic = self.estimate / self.standard_error
        half = critical_value(self.level, self.df) * self.standard_error
        return pd.DataFrame(
            {
                "visit": np.repeat(self.visits, 3),
                "parameter": np.tile(parameters, len(self.visits)),
                "estimate": self.estimate.ravel(),
                "standard_error": self.standard_error.ravel(),
                "df": self.df.ravel(),
                "statistic": statistic.ravel(),
                "p_value": two_sided(statistic, self.df).ravel(),
                "lower": (self.estimate - half).ravel(),
                "upper": (self.estimate + half).ravel(),
            }
        )

    def effect(self, visit: str | None = None) -> pd.Series:
        """Return the row of the effect at a visit; the last one unless named."""
        position = self.position(visit)
        return self.to_frame().iloc[3 * position]

    def position(self, visit: object = None) -> int:
        """Return the position of a visit by its label; the last one if None."""
        return len(self.visits) - 1 if visit is None else self.visits.index(str(visit))

    def _title(self) -> str:
        return f"Reference-based imputation of {self.outcome}"

    def _facts(self) -> Facts:
        rules = [f"{label} {rule}" for label, rule in self.strategies.items()]
        by = f" by {self.strategy_by}" if self.strategy_by else ""
        imputed = ", ".join(
            f"{visit}: {row[0]} + {row[1]}" for visit, row in zip(self.visits, self.imputed, strict=True)
        )
        return {
            "method": self.method,
            "strategy": f"{', '.join(rules)}{by}; reference {self.reference}",
            "model": f"unstructured; by visit: {', '.join(('arm', *self.covariates))}",
            "analysed": counts_text(dict(zip(self.arms, self.participants, strict=True))),
            "imputed": f"{imputed}  (visit: {self.arms[0]} + {self.arms[1]})",
            "LS means": "at the mean of the analysis covariates, factors by their observed shares",
        }

    def _tables(self) -> Tables:
        return {f"Effects and LS means, {self.level:.0%} intervals": self.to_frame()}

    def plot(self) -> go.Figure:
        """Return a plotly figure of the effect at each visit with its confidence limits."""
        import plotly.graph_objects as graph

        rows = self.to_frame().iloc[::3]
        figure = graph.Figure(
            graph.Scatter(
                x=list(rows["visit"]),
                y=rows["estimate"],
                error_y={
                    "type": "data",
                    "array": rows["upper"] - rows["estimate"],
                    "arrayminus": rows["estimate"] - rows["lower"],
                },
                mode="lines+markers",
            )
        )
        figure.add_hline(y=0.0, line_dash="dot")
        title = f"{rows['parameter'].iloc[0]} under {'/'.join(dict.fromkeys(self.strategies.values()))}"
        return figure.update_layout(title=title, xaxis_title="visit", yaxis_title=self.outcome)
