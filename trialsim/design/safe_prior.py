"""Priors tuned so that borrowing keeps its cap over every drift up to 1 SD, and what gain is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.design.borrowing_question import (
    DECLARED_DRIFTS,
    BorrowingMethod,
    NoBorrowing,
)
from trialsim.design.control_question import ControlQuestion
from trialsim.design.frontier import methods_for
from trialsim.errors import DesignError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOLS = tuple(
    f"{shape}-open"
    for shape in ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon")
)


@dataclass(frozen=True)
class SafePriors:
    """For each method the setting that borrows most and keeps the cap, at one number of controls.

    Parameters
    ----------
    frame : DataFrame
        method, setting, feasible, worst_type_one_error, at_drift, power, plain_power, gain (power beyond
        the same trial without borrowing, at no drift), effective_controls, error, verdict. Where no
        setting keeps the cap, the row holds the one with the least worst type I error.
    question : ControlQuestion
        What was asked.
    controls : int
        Randomised controls.
    """

    frame: pd.DataFrame
    question: ControlQuestion
    controls: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row a method."""
        return self.frame.copy()

    def __str__(self) -> str:
        q = self.question
        head = (
            f"Priors tuned to a type I error of at most {q.type_one_cap:g} over drifts of {min(q.drifts):g} "
            f"to {max(q.drifts):g} {q.drift_unit}, {self.controls} controls and {q.active} active"
        )
        lines = [
            f"{method} ({setting}): {verdict}"
            for method, setting, verdict in zip(
                self.frame["method"], self.frame["setting"], self.frame["verdict"], strict=True
            )
        ]
        return "\n".join([head, *lines])

    def plot(self) -> go.Figure:
        """Draw the gain in power against the worst type I error, one point a method."""
        import plotly.graph_objects as go

        figure = go.Figure()
        # Open symbols of several shapes: methods may fall on one point.
        for place, row in enumerate(self.frame.itertuples()):
            figure.add_scatter(
                x=[row.worst_type_one_error],
                y=[row.gain],
                name=row.method,
                mode="markers",
                marker={"symbol": _SYMBOLS[place % len(_SYMBOLS)], "size": 12, "line": {"width": 2}},
            )
        figure.add_vline(x=self.question.type_one_cap, line_dash="dash", annotation_text="cap")
        figure.update_layout(xaxis_title="worst type I error", yaxis_title="gain in power at no drift")
        return figure


def safe_priors(
    question: ControlQuestion,
    controls: int,
    methods: Sequence[BorrowingMethod] | None = None,
) -> SafePriors:
    """Tune each method's prior to the cap over all drifts up to 1 SD, and state what gain is left.

    Parameters
    ----------
    question : ControlQuestion
        Its declared drifts are widened to every .05 from -1 to 1, in SD or the working scale's unit.
    controls : int
        Randomised controls, at least 2.
    methods : sequence of BorrowingMethod, optional
        `methods_for` the question if not given.

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion, PowerPrior, RobustMap
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5)
    >>> tuned = safe_priors(question, 60, [RobustMap(), PowerPrior()]).to_frame()
    >>> tuned[["method", "feasible", "worst_type_one_error", "gain"]].round(3)
            method  feasible  worst_type_one_error   gain
    0   robust MAP      True                  0.07  0.075
    1  power prior     False                  0.08  0.024
    """
    if controls < 2:
        raise DesignError("must be at least 2", field="controls", value=controls)
    asked = question.with_drifts(tuple(sorted({*question.drifts, *DECLARED_DRIFTS})))
    chosen = methods_for(question) if methods is None else tuple(methods)
    if not chosen:
        raise DesignError("must name at least one method", field="methods")
    plain = float(NoBorrowing().characteristics(asked, controls, np.zeros(1)).power[0])
    rows = [_tuned(method, asked, controls, plain) for method in chosen]
    return SafePriors(pd.DataFrame(rows), asked, controls)


def _tuned(
    method: BorrowingMethod, question: ControlQuestion, controls: int, plain: float
) -> dict[str, object]:
    """Return the row of the candidate with most power among those that keep the cap, or the least unsafe."""
    drifts = np.asarray(question.drifts)
    rows: list[tuple[bool, float, float, dict[str, object]]] = []
    for candidate in method.candidates():
        over = candidate.characteristics(question, controls, drifts)
        worst, at = over.worst()
        still = int(np.argmin(np.abs(over.drift)))
        power, feasible = float(over.power[still]), over.keeps(question.type_one_cap)
        row: dict[str, object] = {
            "method": candidate.name,
            "setting": candidate.setting,
            "feasible": feasible,
            "worst_type_one_error": worst,
            "at_drift": at,
            "power": power,
            "plain_power": plain,
            "gain": power - plain,
            "effective_controls": float(over.effective_controls[still]),
            "error": over.error,
            "verdict": _verdict(feasible, worst, over.error, f"{at:g} {question.drift_unit}", power, plain),
        }
        rows.append((feasible, power, worst, row))
    safe = [row for row in rows if row[0]]
    return max(safe, key=lambda row: row[1])[3] if safe else min(rows, key=lambda row: row[2])[3]


def _verdict(feasible: bool, worst: float, error: float, at: str, power: float, plain: float) -> str:
    noise = f" ± {error:.4f}" if error else ""
    found = (
        f"worst type I error {worst:.4f}{noise} at a drift of {at}, power {power:.3f} "
        f"against {plain:.3f} without borrowing"
    )
    return found if feasible else f"none feasible; best that can be had: {found}"
