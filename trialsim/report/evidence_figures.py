"""Figures of what a trial's answer rests on: sizes, errors under a null, bounds, and example trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialsim.report.labels import label
from trialsim.report.sizes import ERRORS, called
from trialsim.report.theme import INK, LINES, SOFT, WARN, Drawn, blank
from trialsim.study.declared import DeclaredResult

Z95 = 1.96
ROW_PIXELS = 30
MOST_ROWS = 40


def evidence_figures(
    result: DeclaredResult, examples: pd.DataFrame, axes: list[str], alpha: float | None
) -> dict[str, Drawn]:
    """Return the figures by name; those without data are left out.

    Parameters
    ----------
    result : DeclaredResult
        What was found.
    examples : DataFrame
        As `trialsim.study.bundles.of_declared_trial.trial_examples`, of one cell.
    axes : list of str
        Fields of the grid.
    alpha : float or None
        One-sided level, where all cells have one.
    """
    figures = {}
    if len(result.sizes):
        figures["sizes"] = sizes_figure(result, axes)
    frame = result.operating_characteristics
    under_null = frame[frame["measure"].isin(ERRORS)]
    if len(under_null):
        figures["errors"] = errors_figure(under_null, axes, alpha)
    if len(result.bounds) and result.bounds["look"].max() > 1:
        figures["bounds"] = bounds_figure(result.bounds)
    spread = examples[examples["rule"].str.endswith("percentile")] if len(examples) else examples
    if len(spread) and np.isfinite(spread["standard_error"]).any():
        figures["examples"] = examples_figure(spread)
    return figures


def sizes_figure(result: DeclaredResult, axes: list[str]) -> Drawn:
    """Draw the participants that each analysis needs, with 95 % intervals."""
    frame = result.sizes.assign(named=_of_sizes(result.sizes, axes))
    without = frame["score"] == "not used"
    figure = blank("", "participants needed", "", 130 + ROW_PIXELS * len(frame))
    for shown, name, (colour, symbol) in (
        (~without, "with placebo twins", (LINES[0][0], "circle")),
        (without, "without a twin", (SOFT, "square")),
    ):
        part = frame[shown]
        if part.empty:
            continue
        figure.add_scatter(
            x=part["participants"], y=part["named"], mode="markers",
            marker={"size": 11, "color": colour, "symbol": symbol}, name=name,
            error_x={
                "type": "data", "array": part["participants_upper_95"] - part["participants"],
                "arrayminus": part["participants"] - part["participants_lower_95"],
            },
        )  # fmt: skip
    order = frame.sort_values("participants", ascending=False)["named"].tolist()
    figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=order)
    return Drawn(
        figure, "Participants that each analysis needs for the asked power, with 95 % Monte Carlo intervals."
    )


def _of_sizes(frame: pd.DataFrame, axes: list[str]) -> list[str]:
    """Return a name for each row: what it is, and of which analysis where two would be called the same."""
    names = []
    for row in frame.to_dict("records"):
        name = called(row)
        score = "" if row["score"] in ("not used", "as declared") else f", score {row['score']}"
        point = "".join(f", {axis} {row[axis]}" for axis in axes if axis in row)
        names.append(f"{name[:1].upper()}{name[1:]}{score}{point}")
    return [
        name if names.count(name) == 1 else f"{name}: {label(str(analysis))}"
        for name, analysis in zip(names, frame["analysis"], strict=True)
    ]


def errors_figure(frame: pd.DataFrame, axes: list[str], alpha: float | None) -> Drawn:
    """Draw the type I error of each analysis in each null scenario, near the level."""
    shown = frame.head(MOST_ROWS)
    figure = blank("", "type I error, with its 95 % interval", "", 130 + ROW_PIXELS * len(shown))
    for position, (analysis, part) in enumerate(shown.groupby("analysis", sort=False)):
        colour, _, symbol = LINES[position % len(LINES)]
        width = Z95 * part["rejection_rate_mcse"]
        figure.add_scatter(
            x=part["rejection_rate"], y=[_place(row, axes) for row in part.to_dict("records")],
            mode="markers", name=label(str(analysis)),
            marker={"size": 10, "color": colour, "symbol": symbol},
            error_x={
                "type": "data", "array": width, "arrayminus": np.minimum(width, part["rejection_rate"]),
            },
        )  # fmt: skip
    if alpha is not None:
        figure.add_vline(
            x=alpha,
            line_dash="dash",
            line_color=INK,
            annotation_text=f"level {alpha:g}",
            annotation_position="top",
        )
    top = float((frame["rejection_rate"] + Z95 * frame["rejection_rate_mcse"]).max())
    figure.update_xaxes(range=[0, 1.15 * max(top, alpha or 0.0)])
    figure.update_yaxes(automargin=True, autorange="reversed")
    said = "" if len(frame) <= MOST_ROWS else f" The first {MOST_ROWS} of {len(frame)} are drawn."
    level = "" if alpha is None else f" The dashed line is the one-sided level {alpha:g}."
    return Drawn(figure, f"Type I error of each analysis where there is no effect.{level}{said}")


def _place(row: dict[Any, Any], axes: list[str]) -> str:
    parts = [label(str(row["scenario"])), *(f"{axis} {row[axis]}" for axis in axes)]
    return f"{', '.join(parts)}: {label(str(row['analysis']))}"


def bounds_figure(bounds: pd.DataFrame) -> Drawn:
    """Draw the bounds of the first cell's looks."""
    frame = bounds[bounds["cell"] == bounds["cell"].iloc[0]]
    figure = blank("", "share of information", "z of the test", 360)
    for column, name, colour, dash in (
        ("z_upper", "efficacy: claim at or above", LINES[0][0], "solid"),
        ("z_lower", "futility: stop at or below", WARN, "dot"),
    ):
        if column not in frame or frame[column].isna().all():
            continue
        part = frame[np.isfinite(frame[column].astype(float))]
        figure.add_scatter(
            x=part["information"], y=part[column], mode="lines+markers+text", name=name,
            text=[f"{value:.2f}" for value in part[column]], textposition="top center",
            line={"color": colour, "dash": dash}, marker={"size": 9}, cliponaxis=False,
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1.05])
    return Drawn(figure, "Bounds of the looks on the scale of z. A trial that crosses a bound ends there.")


def examples_figure(frame: pd.DataFrame) -> Drawn:
    """Draw estimates of example trials with their own 95 % intervals."""
    figure = blank("", "estimate, with the trial's own 95 % interval", "", 130 + ROW_PIXELS * len(frame))
    for position, (analysis, part) in enumerate(frame.groupby("analysis", sort=False)):
        colour, _, symbol = LINES[position % len(LINES)]
        width = Z95 * part["standard_error"]
        figure.add_scatter(
            x=part["estimate"], mode="markers", name=label(str(analysis)),
            y=[
                f"{row['rule']}: {label(str(row['analysis']))}, trial {row['replicate']}"
                for row in part.to_dict("records")
            ],
            marker={"size": 10, "color": colour, "symbol": symbol},
            error_x={"type": "data", "array": width, "arrayminus": width},
        )  # fmt: skip
    figure.add_vline(x=0, line_dash="dash", line_color=INK)
    figure.update_yaxes(automargin=True, autorange="reversed")
    return Drawn(
        figure,
        "What one trial may find: the trials whose estimates are the 5th, 50th and 95th percentile of all. "
        "The same treatment and the same design gave each of them.",
    )
