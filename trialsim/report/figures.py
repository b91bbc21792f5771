"""The report's figures, each a plotly figure of a study's result."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from trialsim.design import size_for_power
from trialsim.errors import DesignError
from trialsim.report.labels import label, share
from trialsim.study import StudyResult

INK, ACCENT, SOFT, WARN = "#1f2a37", "#0b6e6e", "#9fb3c8", "#b45309"
ANALYSIS_COLOURS = {"unadjusted": SOFT, "ancova": INK, "prognostic": ACCENT}


def _figure(title: str, x: str, y: str, height: int = 380) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font": {"size": 16}},
        xaxis_title=x,
        yaxis_title=y,
        height=height,
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "color": INK, "size": 13},
        margin={"l": 70, "r": 20, "t": 60, "b": 60},
        legend={"orientation": "h", "y": -0.25},
    )
    return figure


def savings_figure(result: StudyResult) -> go.Figure:
    """Return the share of participants saved: three figures, two ways to save."""
    figure = _figure("Saved beyond baseline ANCOVA", "", "share saved", 360)
    names = [label(saving.figure) for saving in result.plan.savings]
    total = [saving.share_saved for saving in result.plan.savings]
    fixed = [saving.share_of_controls_saved for saving in result.plan.savings]
    bars = (
        ("participants, at fixed allocation", total, ACCENT),
        ("controls, active arm fixed", fixed, SOFT),
    )
    for name, values, colour in bars:
        figure.add_bar(x=names, y=values, name=name, marker_color=colour, text=[share(v) for v in values])
    smallest = result.protocol.sizing.smallest_worthwhile_saving
    figure.add_hline(y=smallest, line_dash="dot", line_color=WARN)
    figure.add_annotation(
        x=1,
        xref="paper",
        y=smallest,
        text="smallest worthwhile saving",
        showarrow=False,
        yshift=10,
        xanchor="right",
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def sensitivity_figure(result: StudyResult) -> go.Figure:
    """Return total size against the partial correlation, with the three figures and the drifts marked."""
    plan = result.plan
    figure = _figure(
        "Size against the strength of the score",
        "partial correlation given the baseline (controls)",
        "participants",
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


def power_figure(result: StudyResult) -> go.Figure:
    """Return simulated power of each planned size, beside the power that was asked for."""
    figure = _figure("Power at each analysis's own size, under the alternative", "power", "", 340)
    for name in ("unadjusted", "ancova", "prognostic"):
        cell = result.cell(result.protocol.alternative.name, name)
        assert cell is not None
        one = cell.characteristics[name]
        low, high = one.rejection_interval
        figure.add_scatter(
            x=[one.rejection_rate],
            y=[f"{label(name)}, n = {cell.cell.size.total}"],
            mode="markers",
            marker={"size": 11, "color": ANALYSIS_COLOURS[name]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - one.rejection_rate],
                "arrayminus": [one.rejection_rate - low],
            },
            name="simulated, 95 % interval",
            showlegend=False,
        )
        figure.add_scatter(
            x=[result.formula_power[name]],
            y=[f"{label(name)}, n = {cell.cell.size.total}"],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 16, "color": WARN},
            name="formula at the register's moments",
            showlegend=name == "prognostic",
        )
    figure.add_vline(x=result.protocol.sizing.power, line_dash="dash", line_color=INK)
    figure.update_xaxes(tickformat=".1%")
    figure.update_yaxes(automargin=True)
    return figure


def type_one_error_figure(result: StudyResult) -> go.Figure:
    """Return the type I error of every analysis in every null scenario."""
    found = result.type_one_errors()
    figure = _figure("Type I error in every null scenario", "type I error", "", 120 + 28 * len(found))
    for name, colour in ANALYSIS_COLOURS.items():
        own = [one for one in found if one.analysis == name]
        figure.add_scatter(
            x=[one.rejection_rate for one in own],
            y=[f"{label(one.scenario)}, {name}" for one in own],
            mode="markers",
            marker={"size": 10, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [one.rejection_interval[1] - one.rejection_rate for one in own],
                "arrayminus": [one.rejection_rate - one.rejection_interval[0] for one in own],
            },
            showlegend=False,
        )
    figure.add_vline(x=result.protocol.analysis.alpha, line_dash="dash", line_color=INK)
    order = [f"{label(one.scenario)}, {one.analysis}" for one in reversed(found)]
    figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=order)
    return figure


def pit_figure(result: StudyResult) -> go.Figure:
    """Return the histogram of the probability integral transform at the last visit; flat is honest."""
    calibration = result.calibration
    counts = calibration.pit_counts[-1]
    figure = _figure(
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
        annotation_text="95 % band if calibrated",
        annotation_position="top left",
    )
    return figure


def coverage_figure(result: StudyResult) -> go.Figure:
    """Return the coverage of the twins' central intervals by visit, out of sample."""
    calibration = result.calibration
    figure = _figure("Coverage of the twins' central intervals, out of sample", "week", "coverage")
    for row, colour in zip(range(len(calibration.levels)), (SOFT, ACCENT, INK), strict=True):
        covered = calibration.coverage[row]
        figure.add_scatter(
            x=calibration.weeks,
            y=covered,
            mode="lines+markers",
            name=f"{100 * calibration.levels[row]:.0f} % interval",
            line_color=colour,
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
