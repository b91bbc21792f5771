"""Figures of a control arm that is sized by formula."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from trialsim.design import size_for_power
from trialsim.errors import DesignError
from trialsim.report.labels import label, share
from trialsim.report.theme import ACCENT, INK, LINES, SOFT, WARN, Drawn, blank
from trialsim.study.control_arm import BorrowingRisk, ControlArm, SupplementaryAnalyses


def arm_figures(beside: SupplementaryAnalyses) -> dict[str, Drawn]:
    """Return every figure of a sized control arm by its name."""
    arm = beside.arm
    figures = {
        "savings": Drawn(
            savings_figure(arm),
            "Bars of the share saved beyond baseline ANCOVA: undiscounted, discounted and worst plausible, "
            "as participants at fixed allocation and as controls with the active arm fixed.",
        ),
        "sensitivity": Drawn(
            sensitivity_figure(arm),
            "Participants needed, by formula, falling with the partial correlation of score and outcome; the "
            "three figures are marked, and baseline ANCOVA is a level line.",
        ),
        "pit": Drawn(
            pit_figure(arm),
            "Histogram of the probability integral transform of the twins at the last visit, with the band "
            "in which 95 % of bars lie if the twins are calibrated.",
        ),
        "coverage": Drawn(
            coverage_figure(arm),
            "Share of outcomes inside the twins' 50 %, 80 % and 95 % intervals at each visit, each with a "
            "95 % interval.",
        ),
    }
    if beside.borrowing is None:
        return figures
    return figures | {
        "drift": Drawn(
            drift_figure(beside.borrowing),
            "Type I error over drift between history and trial, one curve a way to borrow, with the cap, the "
            "drift that concurrent controls can detect, and the protocol's declared drifts.",
        ),
        "frontier": Drawn(
            frontier_figure(beside.borrowing),
            "Fewest concurrent controls of each method that keep power and cap, beside prognostic "
            "adjustment.",
        ),
    }


def _legend_below(figure: go.Figure) -> go.Figure:
    """Move the legend of a figure in half a page's width, where it needs two lines, below the axis."""
    figure.update_layout(legend={"y": -0.25, "yanchor": "top"}, margin={"t": 50, "b": 110})
    return figure


def savings_figure(arm: ControlArm) -> go.Figure:
    """Return the share of participants saved: three figures, two ways to save."""
    figure = _legend_below(blank("Saved beyond baseline ANCOVA", "figure", "share saved", 400))
    names = [label(saving.figure) for saving in arm.plan.savings]
    total = [saving.share_saved for saving in arm.plan.savings]
    fixed = [saving.share_of_controls_saved for saving in arm.plan.savings]
    bars = (
        ("participants, at fixed allocation", total, ACCENT),
        ("controls, active arm fixed", fixed, SOFT),
    )
    for name, values, colour in bars:
        figure.add_bar(x=names, y=values, name=name, marker_color=colour, text=[share(v) for v in values])
    assert arm.trial.sizing is not None
    smallest = arm.trial.sizing.smallest_worthwhile_saving
    figure.add_scatter(
        x=names, y=[smallest] * len(names), mode="lines", name="smallest worthwhile saving",
        line={"color": WARN, "dash": "dot", "width": 3},
    )  # fmt: skip
    highest = max(*total, *fixed, smallest)
    figure.update_yaxes(tickformat=".0%", range=[0, max(0.1, 1.15 * highest)])
    return figure


def sensitivity_figure(arm: ControlArm) -> go.Figure:
    """Return total size against the partial correlation, with the three figures and the drifts marked."""
    plan = arm.plan
    figure = _legend_below(
        blank(
            "Size against the strength of the score",
            "partial correlation given the baseline (controls)",
            "participants",
            400,
        )
    )
    ratio = plan.gain.active_to_control
    grid = np.linspace(0.0, 0.7, 36)
    sizes: list[float] = []
    for r in grid:
        try:
            moments = plan.moments.with_partial(float(r), float(r) * ratio)
            sizes.append(size_for_power(moments, "prognostic", plan.question).total)
        except DesignError:
            sizes.append(np.nan)
    figure.add_scatter(x=grid, y=sizes, mode="lines", name="prognostic adjustment", line_color=ACCENT)
    figure.add_hline(y=plan.sizes["ancova"].total, line_color=INK, line_dash="dash")
    figure.add_annotation(
        x=1,
        xref="paper",
        y=plan.sizes["ancova"].total,
        text="baseline ANCOVA",
        showarrow=False,
        yshift=10,
        xanchor="right",
    )
    for saving in plan.savings:
        figure.add_scatter(
            x=[saving.partial_correlation[0]],
            y=[saving.prognostic.total],
            mode="markers",
            marker={"size": 12},
            name=label(saving.figure).lower(),
        )
    return figure


def pit_figure(arm: ControlArm) -> go.Figure:
    """Return the histogram of the probability integral transform at the last visit; flat is honest."""
    calibration = arm.calibration
    counts = calibration.pit_counts[-1]
    figure = blank(
        f"PIT of the twins at week {calibration.weeks[-1]:g}, out of sample", "PIT", "participants"
    )
    edges = np.linspace(0, 1, len(counts) + 1)
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=counts,
        width=np.diff(edges) * 0.95,
        marker_color=ACCENT,
        name="observed",
    )
    expected = counts.sum() / len(counts)
    error = np.sqrt(expected * (1 - 1 / len(counts)))
    figure.add_hrect(
        y0=expected - 1.96 * error,
        y1=expected + 1.96 * error,
        fillcolor=SOFT,
        opacity=0.35,
        line_width=0,
        name="95 % band if calibrated",
        showlegend=True,
    )
    figure.update_layout(showlegend=True)
    return figure


def coverage_figure(arm: ControlArm) -> go.Figure:
    """Return the coverage of the twins' central intervals by visit, out of sample."""
    calibration = arm.calibration
    figure = blank("Coverage of the twins' central intervals, out of sample", "week", "coverage")
    for row, (colour, dash, symbol) in enumerate(LINES[: len(calibration.levels)]):
        covered = calibration.coverage[row]
        figure.add_scatter(
            x=calibration.weeks,
            y=covered,
            mode="lines+markers",
            name=f"{100 * calibration.levels[row]:.0f} % interval",
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": calibration.coverage_high[row] - covered,
                "arrayminus": covered - calibration.coverage_low[row],
            },
        )
        figure.add_hline(y=float(calibration.levels[row]), line_dash="dot", line_color=colour)
    figure.update_yaxes(tickformat=".0%", range=[0.3, 1.02])
    return figure


def drift_figure(risk: BorrowingRisk) -> go.Figure:
    """Return the type I error over drift of every method at its customary setting."""
    figure = risk.curves.plot("type_one_error")
    controls = risk.curves.controls
    figure.update_layout(
        blank(
            f"Type I error over drift, {controls} controls",
            "drift, SD of the outcome",
            "two-sided type I error, log scale",
            480,
        ).layout
    )
    for trace, (colour, dash, symbol) in zip(figure.data, LINES, strict=False):
        trace.update(
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 5, "color": colour}
        )
        trace.name = trace.name.split(",")[0]
    cap = risk.question.type_one_cap
    ticks = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    figure.update_yaxes(type="log", range=[np.log10(ticks[0]), 0.02], tickvals=ticks, tickformat=".0%")
    figure.add_hline(y=cap, line_dash="dash", line_color=WARN)
    figure.add_annotation(
        x=1, xref="paper", y=np.log10(cap), text="cap", showarrow=False, yshift=10, xanchor="right"
    )
    seen = float(risk.tipping["detectable"].iloc[0])
    figure.add_vrect(x0=-seen, x1=seen, fillcolor=SOFT, opacity=0.18, line_width=0)
    figure.add_annotation(
        x=0, y=1, yref="paper", text="too small to be seen", showarrow=False, yshift=12, font={"size": 11}
    )
    for drift, names in _places(risk.declared).items():
        figure.add_vline(x=drift, line_dash="dot", line_color=INK)
        figure.add_annotation(
            x=drift,
            y=0.98,
            yref="paper",
            text=names,
            textangle=-90,
            showarrow=False,
            xshift=-9,
            yanchor="top",
        )
    return figure


def _places(declared: Mapping[str, float]) -> dict[float, str]:
    """Return the declared drifts, each once, with the names of its scenarios but for their nulls."""
    places: dict[float, list[str]] = {}
    for name, drift in declared.items():
        named = places.setdefault(round(drift, 6), [])
        if label(name.removesuffix("_null")) not in named:
            named.append(label(name.removesuffix("_null")))
    return {drift: ", ".join(names).lower() for drift, names in places.items()}


def frontier_figure(risk: BorrowingRisk) -> go.Figure:
    """Return the fewest concurrent controls of every method, hatched where borrowing is not defensible."""
    figure = blank("Fewest concurrent controls, by method", "concurrent controls", "method", 420)
    for defensible, colour, pattern, name in (
        (True, ACCENT, "", "keeps power and cap; a harmful drift would be seen"),
        (False, WARN, "/", "keeps power and cap, but borrowing is not defensible"),
    ):
        points = [
            point
            for point in risk.frontier.points
            if point.feasible and (point.tipping >= point.detectable) == defensible
        ]
        if points:
            figure.add_bar(
                y=[point.method for point in points],
                x=[point.controls for point in points],
                text=[point.controls for point in points],
                orientation="h",
                marker={"color": colour, "pattern": {"shape": pattern}},
                name=name,
            )
    for point in risk.frontier.points:
        if not point.feasible:
            figure.add_annotation(y=point.method, x=0, text="none feasible", showarrow=False, xanchor="left")
    order = [point.method for point in reversed(risk.frontier.points)]
    figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=order)
    if risk.frontier.plain_controls is not None:
        figure.add_vline(x=risk.frontier.plain_controls, line_dash="dash", line_color=INK)
    figure.update_xaxes(rangemode="tozero")
    return figure
