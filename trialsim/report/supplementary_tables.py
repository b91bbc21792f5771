"""Tables of the supplementary analyses: time and money, borrowing, and what the card leaves open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from trialsim.design.control_arm import FIGURES
from trialsim.report.frames import Table
from trialsim.report.labels import label, share, with_error
from trialsim.study import StudyResult, SupplementaryAnalyses
from trialsim.study.supplementary import BorrowingRisk

NOT_DEFENSIBLE = "borrowing is not defensible"
_LARGEST_LOOKED_AT = "none up to 2 SD"
_SENSITIVITY = {
    "effect": ("true effect, points", "{:.3f}"),
    "sd": ("SD of change, control", "{:.3f}"),
    "partial_correlation": ("partial correlation of the score, discounted", "{:.3f}"),
    "ancova": ("participants, baseline ANCOVA", "{:.0f}"),
    "prognostic": ("participants, prognostic, discounted", "{:.0f}"),
    "saved": ("participants saved, discounted", "{:.0f}"),
    "share_saved": ("share saved, discounted", "{:.1%}"),
}


def supplementary_tables(result: StudyResult, beside: SupplementaryAnalyses) -> dict[str, Table]:
    """Return every table of the supplementary analyses by its name."""
    tables = {
        "time_and_cost": time_and_cost_table(result, beside.savings),
        "frontier": frontier_table(beside.borrowing),
        "customary": customary_table(beside.borrowing),
    }
    return tables if beside.card is None else {**tables, "card_sensitivity": card_table(beside)}


def time_and_cost_table(result: StudyResult, savings: pd.DataFrame) -> Table:
    """Return what is saved in participants, months and money, one column a figure.

    Parameters
    ----------
    result : StudyResult
        The study, for its currency.
    savings : DataFrame
        Frame of the study's `SavingsTable`.

    Returns
    -------
    Table
        For the page and the terminal.
    """
    units = {
        "participants": "participants",
        "controls": "of them controls",
        "months": "months of enrolment",
        "cost": "cost" if result.protocol.costs is None else f"cost, {result.protocol.costs.currency}",
    }
    rows = []
    for (way, gain), part in savings.groupby(["way", "gain"], sort=False):
        by_figure = {str(row["figure"]): row for _, row in part.iterrows()}
        rows.append(
            (
                f"{units[str(gain)]}, {way}",
                *(_saved(str(gain), by_figure[figure]) for figure in FIGURES),
            )
        )
    columns = ("saved beyond baseline ANCOVA", *(label(figure).lower() for figure in FIGURES))
    caption = (
        "Participants, months and money saved [95 % interval of the partial correlation]. Participants are a "
        "formula; months are simulated (± Monte Carlo SE), and with them money, if the protocol has prices"
    )
    return Table(columns, rows, caption)


def _saved(gain: str, row: pd.Series) -> str:
    if np.isnan(row["value"]):
        return "infeasible"
    text = _amount(gain, row["value"])
    if row["error"] > 0:
        error = _amount(gain, row["error"])
        text += f" ± {error}" if float(error.replace(",", "")) else " ± <0.01"
    if np.isfinite(row["lower"]):
        text += f" [{_amount(gain, row['lower'])} to {_amount(gain, row['upper'])}]"
    return text


def _amount(gain: str, value: float) -> str:
    if gain == "months":
        return f"{value:.2f}"
    # Three figures of a sum of money are as many as anybody believes.
    return f"{float(f'{value:.3g}'):,.0f}" if gain == "cost" else f"{value:.0f}"


def frontier_table(risk: BorrowingRisk) -> Table:
    """Return the fewest controls of every method at its best setting, with what that risks."""
    rows = []
    for point in risk.frontier.points:
        rows.append(
            (
                point.method,
                point.setting,
                str(point.controls) if point.feasible else "none feasible",
                share(point.power),
                share(point.worst_power),
                f"{_level(point.worst_type_one_error, point.error)} at {point.at_drift:g} SD",
                _tipping(point.tipping),
                f"{point.detectable:.2f} SD",
                _verdict(point.feasible, point.tipping, point.detectable),
            )
        )
    columns = (
        "method",
        "its best setting",
        "fewest controls",
        "power, no drift",
        "lowest power over drift",
        "largest type I error over drift",
        "cap broken at",
        "drift seen in half of trials",
        "verdict",
    )
    caption = (
        f"Fewest concurrent controls beside {risk.question.active} active participants, type I error at most "
        f"{share(risk.question.type_one_cap)} over every drift up to 1 SD (integrated, no Monte Carlo error)"
    )
    return Table(columns, rows, caption, text=True)


def customary_table(risk: BorrowingRisk) -> Table:
    """Return the risk of every method at its customary setting."""
    rows = [
        (
            str(row["method"]),
            str(row["setting"]),
            _level(float(row["power_no_drift"]), float(row["power_error"])),
            f"{_level(float(row['worst_type_one_error']), float(row['error']))} at {row['at_drift']:g} SD",
            _tipping(float(row["tipping"])),
            f"{row['detectable']:.2f} SD",
            _verdict(True, float(row["tipping"]), float(row["detectable"])),
        )
        for _, row in risk.curves_frame().iterrows()
    ]
    columns = (
        "method",
        "customary setting",
        "power, no drift",
        "largest type I error over drift",
        "cap broken at",
        "drift seen in half of trials",
        "verdict",
    )
    caption = (
        f"Every method at its customary setting, with {risk.curves.controls} controls (integrated; "
        "± largest Monte Carlo SE over drift where simulated)"
    )
    return Table(columns, rows, caption, text=True)


def _level(value: float, error: float) -> str:
    return with_error(100 * value, 100 * error, 1) + " %" if error else share(value)


def _tipping(drift: float) -> str:
    return f"{drift:.2f} SD" if np.isfinite(drift) else _LARGEST_LOOKED_AT


def _verdict(feasible: bool, tipping: float, detectable: float) -> str:
    if not feasible:
        return "none feasible"
    if np.isinf(tipping):
        return "keeps the cap"
    return "a harmful drift would be seen" if tipping >= detectable else NOT_DEFENSIBLE


def card_table(beside: SupplementaryAnalyses) -> Table:
    """Return how sizes move over the correlations that the card leaves open."""
    assert beside.card is not None
    found = beside.card.summary().set_index("quantity").to_dict("index")
    rows = []
    for name, (words, form) in _SENSITIVITY.items():
        row = found[name]
        ends = ("on_the_card", "quantile_5", "quantile_50", "quantile_95", "lowest", "highest", "error")
        rows.append((words, *(form.format(row[end]) if np.isfinite(row[end]) else "–" for end in ends)))
    columns = (
        "quantity",
        "as on the card",
        "5 %",
        "median",
        "95 %",
        "lowest",
        "highest",
        "Monte Carlo SE of a world",
    )
    draws = int(found["effect"]["draws"])
    caption = (
        f"Sizes by formula over {draws} worlds that share all published numbers; "
        f"{beside.card.open_pairs} of {beside.card.pairs} correlations are open"
    )
    return Table(columns, rows, caption)


def figure_table(figure: go.Figure) -> Table:
    """Return the numbers that a figure shows, one row a point, so that nobody needs the picture."""
    rows = []
    for trace in figure.data:
        name = str(trace.name or "")
        for position, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
            rows.append((name, _shown(x), _shown(y), _interval(trace, position)))
    axes = [
        axis.title.text or name for name, axis in (("x", figure.layout.xaxis), ("y", figure.layout.yaxis))
    ]
    columns = ("series", *axes, "interval")
    # A column of intervals that nobody has is left out.
    kept = 4 if any(row[3] for row in rows) else 3
    return Table(columns[:kept], [row[:kept] for row in rows], "The numbers of the figure", text=True)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]  # plotly keeps text or numbers
    return "–" if np.isnan(number) else f"{number:.4g}"


def _interval(trace: Any, position: int) -> str:
    for axis in ("x", "y"):
        bars = getattr(trace, f"error_{axis}", None)
        if bars is not None and bars.array is not None:
            centre = float(getattr(trace, axis)[position])
            low, high = centre - bars.arrayminus[position], centre + bars.array[position]
            return f"{low:.4g} to {high:.4g}"
    return ""
