"""Cumulative incidence of both arms as a picture."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from trialsim.analysis.survival_kaplan_meier_figure import COLOURS


def draw(curves: pd.DataFrame, arms: tuple[str, str], cause: str, time_label: str) -> go.Figure:
    """Return the figure; see `CumulativeIncidenceResult.plot`."""
    figure = go.Figure()
    for arm, colour in zip(arms, COLOURS, strict=True):
        rows = curves[curves.arm == arm]
        start = pd.DataFrame({"time": [0.0], "incidence": [0.0], "lower": [0.0], "upper": [0.0]})
        rows = pd.concat([start, rows[list(start)]], ignore_index=True)
        for column, width, dash in (("incidence", 2, "solid"), ("lower", 1, "dot"), ("upper", 1, "dot")):
            figure.add_trace(
                go.Scatter(
                    x=rows.time, y=rows[column], mode="lines", name=arm, legendgroup=arm,
                    showlegend=column == "incidence",
                    line={"shape": "hv", "color": colour, "width": width, "dash": dash},
                )
            )  # fmt: skip
    figure.update_xaxes(title_text=time_label)
    figure.update_yaxes(title_text=f"Cumulative incidence of {cause}", rangemode="tozero")
    figure.update_layout(template="plotly_white", legend={"orientation": "h", "y": 1.1})
    return figure
