"""Figures of a declared trial's report."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from trialsim.report.labels import label
from trialsim.report.theme import INK, LINES, Drawn, blank
from trialsim.study.declared import DeclaredResult

MOST_DOTS = 60
Z95 = 1.96
ROW_PIXELS = 26


def trial_figures(
    result: DeclaredResult, axes: list[str], alpha: float | None, limit: float | None = None
) -> dict[str, Drawn]:
    """Return every figure of a declared trial's report by its name; `limit` is that of a declared harm."""
    frame = result.operating_characteristics
    numeric = [axis for axis in axes if all(isinstance(one, Real) for one in frame[axis])]
    figures = {
        "rejection": rejection_curves(frame, numeric[0], axes, alpha)
        if numeric and len(frame[numeric[0]].unique()) > 1
        else rejection_dots(frame, axes, alpha)
    }
    if len(result.looks) and result.looks["look"].max() > 1:
        figures["stopping"] = stopping_bars(result.looks, axes)
    if "true_harm" in result.arms:
        figures["doses"] = benefit_risk(result.arms, axes, limit)
    return figures


def benefit_risk(arms: pd.DataFrame, axes: list[str], limit: float | None) -> Drawn:
    """Draw each arm's true benefit over its true harm, a line a cell; larger marks are chosen more often."""
    shown = arms[arms["analysis"] == arms["analysis"].iloc[0]]
    figure = blank("", "share that is harmed, in truth", "benefit over the control, in truth", 460)
    for position, (_, part) in enumerate(list(shown.groupby("cell", sort=False))[: len(LINES)]):
        colour, dash, symbol = LINES[position % len(LINES)]
        often = part["chosen"].fillna(0.0)
        figure.add_trace(
            go.Scatter(
                x=part["true_harm"],
                y=part["true_benefit"].fillna(0.0),
                mode="lines+markers+text",
                text=[
                    f"{arm} {100 * one:.0f} %" if one == one else arm
                    for arm, one in zip(part["arm"], part["chosen"], strict=True)
                ],
                textposition="top center",
                line={"color": colour, "dash": dash},
                marker={"color": colour, "symbol": symbol, "size": 7 + 20 * np.sqrt(often)},
                name=_name(part.to_dict("records")[0], axes),
                cliponaxis=False,
            )
        )
    if limit is not None:
        figure.add_vline(x=limit, line={"color": INK, "dash": "dot"}, annotation_text=f"limit {limit:g}")
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    return Drawn(
        figure,
        "What each arm gives and costs in truth, the control at no benefit; beside an arm the share of "
        f"trials that choose it ({label(str(shown['analysis'].iloc[0]))}).",
    )


def rejection_dots(frame: pd.DataFrame, axes: list[str], alpha: float | None) -> Drawn:
    """Draw the share of trials that claim efficacy, one line a cell and one mark an analysis."""
    shown = frame.head(MOST_DOTS)
    figure = blank("", "share of trials that claim efficacy", "", 160 + ROW_PIXELS * len(shown))
    for position, (analysis, part) in enumerate(shown.groupby("analysis", sort=False)):
        colour, _, symbol = LINES[position % len(LINES)]
        figure.add_trace(
            go.Scatter(
                x=part["rejection_rate"],
                y=[_name(row, axes) for row in part.to_dict("records")],
                error_x=_interval(part),
                mode="markers",
                orientation="h",
                marker={"color": colour, "symbol": _symbols(part, symbol), "size": 9},
                name=label(str(analysis)),
            )
        )
    _mark_level(figure, alpha)
    figure.update_layout(
        scattermode="group",
        yaxis={"autorange": "reversed", "automargin": True},
        xaxis={"range": [-0.02, 1.02]},
    )
    left = "" if len(frame) <= MOST_DOTS else f" The first {MOST_DOTS} rows of the table are drawn."
    return Drawn(
        figure,
        "Share of trials that claim efficacy in each cell, one mark an analysis, with 95 % intervals"
        f"{_told(alpha)}.{left}{_open_marks(shown)}",
    )


def rejection_curves(frame: pd.DataFrame, axis: str, axes: list[str], alpha: float | None) -> Drawn:
    """Draw the share of trials that claim efficacy over the first numeric axis of the grid."""
    others = [one for one in axes if one != axis]
    figure = blank("", axis, "share of trials that claim efficacy", 460)
    groups = list(frame.groupby(["scenario", "analysis", *others], sort=False))
    for position, (_, part) in enumerate(groups[: len(LINES) * 2]):
        colour, dash, symbol = LINES[position % len(LINES)]
        first = part.to_dict("records")[0]
        figure.add_trace(
            go.Scatter(
                x=part[axis],
                y=part["rejection_rate"],
                error_y=_interval(part),
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"color": colour, "symbol": _symbols(part, symbol), "size": 8},
                name=f"{_name(first, others)}, {label(str(first['analysis']))}",
            )
        )
    if alpha is not None:
        figure.add_hline(y=alpha, line={"color": INK, "dash": "dot"}, annotation_text=f"level {alpha:g}")
    figure.update_yaxes(range=[-0.02, 1.02])
    left = len(groups) - len(LINES) * 2
    return Drawn(
        figure,
        f"Share of trials that claim efficacy over {axis}, with 95 % intervals{_told(alpha)}."
        + (f" {left} more lines stand in the table." if left > 0 else "")
        + _open_marks(frame),
    )


def stopping_bars(looks: pd.DataFrame, axes: list[str]) -> Drawn:
    """Draw how likely each look ends the trial, for the first analysis of each cell."""
    first = looks[looks["analysis"] == looks["analysis"].iloc[0]]
    names = [_name(row, axes) for row in first.drop_duplicates("cell").to_dict("records")][:MOST_DOTS]
    figure = blank("", "share of trials", "", 180 + ROW_PIXELS * len(names))
    numbers = sorted(first["look"].unique())
    for look, colour in zip(numbers, _colours(len(numbers)), strict=True):
        part = first[first["look"] == look].head(MOST_DOTS)
        for reason, pattern in (("efficacy", ""), ("futility", "/")):
            if not part[reason].any():
                continue
            figure.add_trace(
                go.Bar(
                    x=part[reason],
                    y=[_name(row, axes) for row in part.to_dict("records")],
                    orientation="h",
                    name=f"{reason}, look {look}",
                    marker={"color": colour, "pattern": {"shape": pattern}},
                )
            )
    figure.update_layout(
        barmode="stack",
        xaxis={"range": [0, 1]},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return Drawn(
        figure,
        f"How likely each look stops the trial for efficacy or futility "
        f"({label(str(first['analysis'].iloc[0]))}); the "
        "rest of a bar are trials that reach the end undecided.",
    )


def _colours(n: int) -> list[str]:
    """Return n colours, no two alike: those of lines, or steps of a scale where they do not reach."""
    if n <= len(LINES):
        return [colour for colour, _, _ in LINES[:n]]
    # The light end of the scale is hard to see on white.
    return [str(colour) for colour in sample_colorscale("Viridis", np.linspace(0, 0.8, n))]


def _name(row: dict[Any, Any], axes: list[str]) -> str:
    parts = [label(str(row["scenario"])), *(f"{axis} {row[axis]}" for axis in axes)]
    return ", ".join(parts)


def _interval(part: pd.DataFrame) -> dict[str, Any]:
    """Return the 95 % interval of each rate, within 0 and 1."""
    rate, width = part["rejection_rate"], Z95 * part["rejection_rate_mcse"]
    return {
        "type": "data",
        "array": np.minimum(width, 1 - rate),
        "arrayminus": np.minimum(width, rate),
    }


def _symbols(part: pd.DataFrame, symbol: str) -> list[str]:
    """Return the symbol of each rate, open where it is not to be used."""
    return [symbol if usable else f"{symbol}-open" for usable in part["usable"]]


def _open_marks(frame: pd.DataFrame) -> str:
    return "" if frame["usable"].all() else " Open marks are rates that are not to be used."


def _mark_level(figure: go.Figure, alpha: float | None) -> None:
    if alpha is not None:
        figure.add_vline(
            x=alpha, line={"color": INK, "dash": "dot"}, annotation_text=f"level {alpha:g}",
            annotation_position="top",
        )  # fmt: skip


def _told(alpha: float | None) -> str:
    return "" if alpha is None else f"; the line is the one-sided level {alpha:g}"
