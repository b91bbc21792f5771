"""Priors tuned so that borrowing keeps its cap over every drift up to 1 SD, and what gain is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.fewest_controls import first_that, keeps_cap, settings_between
from trialsim.design.borrowing.frontier import methods_for
from trialsim.design.borrowing.question import (
    DECLARED_DRIFTS,
    BorrowingCharacteristics,
    BorrowingMethod,
    NoBorrowing,
)
from trialsim.design.borrowing.worst_drift import folded, over_drifts
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.progress import Progress, counted, silent

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOLS = tuple(
    f"{shape}-open"
    for shape in ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon")
)


@dataclass(frozen=True)
class SafePriors(InNotebook):
    """For each method the setting that borrows most and keeps the cap, at one number of controls.

    Parameters
    ----------
    frame : DataFrame
        method, setting, feasible, worst_type_one_error, at_drift, power, plain_power, gain (power beyond
        the same trial without borrowing, at no drift), effective_controls, error, power_error (Monte
        Carlo, 0 where integrated), verdict. Where no setting keeps the cap, the row holds the one with the
        least worst type I error.
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
    *,
    progress: Progress = silent,
) -> SafePriors:
    """Tune each method's prior to the cap over all drifts up to 1 SD, and state what gain is left.

    Parameters
    ----------
    question : ControlQuestion
        Its declared drifts are widened to every .05 from -1 to 1, in SD or the working scale's unit, and
        looked at between them too where the method is integrated; see `over_drifts`.
    controls : int
        Randomised controls, at least 2.
    methods : sequence of BorrowingMethod, optional
        `methods_for` the question if not given.
    progress : callable, optional
        Called with (stage, methods done, methods in all).

    Returns
    -------
    SafePriors
        A row for each method: its setting, its peak type I error, and power and controls saved there.

    Raises
    ------
    DesignError
        Fewer than 2 controls.

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion
    >>> from trialsim.design.borrowing import PowerPrior, RobustMap
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5)
    >>> tuned = safe_priors(question, 60, [RobustMap(), PowerPrior()]).to_frame()
    >>> tuned[["method", "feasible", "worst_type_one_error", "gain"]].round(3)
            method  feasible  worst_type_one_error   gain
    0   robust MAP      True                 0.075  0.085
    1  power prior     False                 0.080  0.024
    """
    if controls < 2:
        raise DesignError("must be at least 2", field="controls", value=controls)
    asked = question.with_drifts(tuple(sorted({*question.drifts, *DECLARED_DRIFTS})))
    chosen = methods_for(question) if methods is None else tuple(methods)
    if not chosen:
        raise DesignError("must name at least one method", field="methods")
    plain = float(NoBorrowing().characteristics(asked, controls, np.zeros(1)).power[0])
    rows = [_tuned(method, asked, controls, plain) for method in counted(chosen, "tuned priors", progress)]
    return SafePriors(pd.DataFrame(rows), asked, controls)


def _tuned(
    method: BorrowingMethod, question: ControlQuestion, controls: int, plain: float
) -> dict[str, object]:
    """Return the row of the setting with most power among those that keep the cap, or of the least unsafe.

    From the best listed setting an integrated method goes on towards the next bolder one.
    """
    candidates = method.candidates()
    found = [_looked_at(one, question, controls) for one in candidates]
    safe = [place for place, over in enumerate(found) if over.keeps(question.type_one_cap)]
    if not safe:
        at = min(range(len(found)), key=lambda place: found[place].worst()[0])
        return _row(candidates[at], found[at], question, plain)
    at = max(safe, key=lambda place: _still(found[place])[0])
    chosen, over = candidates[at], found[at]
    bolder = settings_between(candidates[: at + 1], at)
    if bolder and _still(found[at - 1])[0] > _still(over)[0]:
        kept = first_that(lambda place: keeps_cap(bolder[place], question, controls), 0, len(bolder) - 1)
        chosen = bolder[kept]
        over = _looked_at(chosen, question, controls)
    return _row(chosen, over, question, plain)


def _looked_at(method: BorrowingMethod, question: ControlQuestion, controls: int) -> BorrowingCharacteristics:
    return over_drifts(method, question, controls, folded(question))


def _still(over: BorrowingCharacteristics) -> tuple[float, float]:
    """Return power and effective controls at no drift."""
    at = int(np.argmin(np.abs(over.drift)))
    return float(over.power[at]), float(over.effective_controls[at])


def _row(
    method: BorrowingMethod, over: BorrowingCharacteristics, question: ControlQuestion, plain: float
) -> dict[str, object]:
    (worst, at), (power, effective) = over.worst(), _still(over)
    feasible = over.keeps(question.type_one_cap)
    return {
        "method": method.name,
        "setting": method.setting,
        "feasible": feasible,
        "worst_type_one_error": worst,
        "at_drift": at,
        "power": power,
        "plain_power": plain,
        "gain": power - plain,
        "effective_controls": effective,
        "error": over.error,
        "power_error": over.power_error,
        "verdict": _verdict(feasible, over, f"{at:g} {question.drift_unit}", power, plain),
    }


def _verdict(feasible: bool, over: BorrowingCharacteristics, at: str, power: float, plain: float) -> str:
    simulated = over.error > 0
    noise, power_noise = (f" ± {one:.4f}" if simulated else "" for one in (over.error, over.power_error))
    found = (
        f"worst type I error {over.worst()[0]:.4f}{noise} at a drift of {at}"
        f"{', looked for at every .05 only' if simulated else ''}, power {power:.3f}{power_noise} "
        f"against {plain:.3f} without borrowing"
    )
    return found if feasible else f"none feasible; best that can be had: {found}"
