"""What times beside outside controls print: hazard ratio, weighted curves, balance, and a checklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.external_controls.balance import unbalanced_note
from trialsim.analysis.external_controls.result import CHECKLIST, LARGEST_DIFFERENCE, RESTS_ON
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width, number


@dataclass(frozen=True, repr=False)
class ExternalSurvivalResult(Printed):
    """Times to an event of a treated arm against outside controls, weighted.

    Parameters
    ----------
    log_hazard_ratio, standard_error : float
        Treated against controls, and its standard error, in which the weights are estimated too.
    unweighted : float
        The log hazard ratio without weights.
    differences : DataFrame
        Survival at τ and restricted mean up to τ: control, treated, difference and standard error; no row
        without τ.
    tau : float or None
        Horizon, in the unit of time.
    level : float
        Of the intervals.
    arms : tuple of (str, str)
        Labels of control and treated.
    weights : str
        Whose effect it is, in words.
    events : tuple of (int, int)
        Of control and treated.
    balance, sizes : DataFrame
        As in `ExternalControlsResult`.
    """

    log_hazard_ratio: float
    standard_error: float
    unweighted: float
    differences: pd.DataFrame
    tau: float | None
    level: float
    arms: tuple[str, str]
    weights: str
    events: tuple[int, int]
    balance: pd.DataFrame
    sizes: pd.DataFrame

    @property
    def hazard_ratio(self) -> float:
        """Treated against controls."""
        return float(np.exp(self.log_hazard_ratio))

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence limits of the hazard ratio."""
        width = half_width(self.level) * self.standard_error
        return float(np.exp(self.log_hazard_ratio - width)), float(np.exp(self.log_hazard_ratio + width))

    def to_frame(self) -> pd.DataFrame:
        """Return a row a measure: estimate, standard error (of a hazard ratio: of its log) and limits."""
        width = half_width(self.level)
        rows = [
            {
                "measure": "hazard ratio",
                "estimate": self.hazard_ratio,
                "standard_error": self.standard_error,
                "lower": self.interval[0],
                "upper": self.interval[1],
                "unweighted": float(np.exp(self.unweighted)),
            }
        ]
        for row in self.differences.to_dict("records"):
            gap, error = float(row["difference"]), float(row["standard_error"])
            rows.append(
                {
                    "measure": f"difference of {row['measure']}",
                    "estimate": gap,
                    "standard_error": error,
                    "lower": gap - width * error,
                    "upper": gap + width * error,
                    "unweighted": row["unweighted"],
                }
            )
        return pd.DataFrame(rows)

    def _title(self) -> str:
        return f"Times to an event beside outside controls; {self.arms[1]} against {self.arms[0]}"

    def _facts(self) -> Facts:
        facts = {"effect in": self.weights, "events": f"{self.events[0]} and {self.events[1]}"}
        return facts if self.tau is None else facts | {"horizon": number(self.tau)}

    def _tables(self) -> Tables:
        tables = {f"Effect, {self.level:.0%} intervals": self.to_frame()}
        if len(self.differences):
            tables["Weighted curves"] = self.differences[["measure", "control", "treated"]]
        return tables | {"Balance": self.balance, "Sizes": self.sizes}

    def _notes(self) -> Sequence[str]:
        return (*unbalanced_note(self.balance, LARGEST_DIFFERENCE), RESTS_ON, *CHECKLIST)
