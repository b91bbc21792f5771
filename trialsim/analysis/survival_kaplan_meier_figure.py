"""Kaplan–Meier curves as a picture: steps, limits, censoring marks, and numbers at risk below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from trialsim.data import Floats

if TYPE_CHECKING:
    from trialsim.analysis.survival.kaplan_meier import Curve

# Okabe and Ito's colours: told apart by people with any colour vision.
COLOURS = ("#000000", "#0072B2")
_TICKS = 5


def draw(curves: dict[str, Curve], time_label: str, level: float) -> go.Figure:
    """Return the figure; see `KaplanMeierResult.plot`."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.1)
    last = max(curve.time[-1] for curve in curves.values())
    ticks = _ticks(float(last))
    for (arm, curve), colour in zip(curves.items(), COLOURS, strict=True):
        _draw_curve(figure, arm, curve, colour, level)
        figure.add_trace(_numbers_at_risk(arm, curve, ticks, colour), row=2, col=1)
    figure.update_xaxes(range=[-0.03 * last, last * 1.02], tickvals=ticks, tickformat=".4~g")
    figure.update_xaxes(title_text=time_label, row=2, col=1)
    figure.update_yaxes(title_text="Event-free", range=[0, 1.02], row=1, col=1)
    figure.update_yaxes(title_text="At risk", range=[len(curves) - 0.4, -0.6], showgrid=False, row=2, col=1)
    figure.update_layout(template="plotly_white", legend={"orientation": "h", "y": 1.1})
    return figure


def _ticks(last: float) -> Floats:
    """Return about five round times from 0."""
    step = last / _TICKS
    unit = 10.0 ** np.floor(np.log10(step))
    round_step = unit * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda size: abs(size * unit - step))
    return np.arange(0.0, last * (1.0 + 1e-9), round_step)


def _draw_curve(figure: go.Figure, arm: str, curve: Curve, colour: str, level: float) -> None:
    time = np.concatenate([[0.0], curve.time])
    survival = np.concatenate([[1.0], curve.survival])
    lower, upper = np.concatenate([[1.0], curve.lower]), np.concatenate([[1.0], curve.upper])
    steps = {"shape": "hv", "color": colour}
    thin = {**steps, "width": 0}
    figure.add_trace(
        go.Scatter(x=time, y=upper, mode="lines", line=thin, showlegend=False, hoverinfo="skip"), row=1, col=1
    )
    figure.add_trace(
        go.Scatter(
            x=time, y=lower, mode="lines", line=thin, fill="tonexty", opacity=0.2, showlegend=False,
            fillcolor=_faint(colour), hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=time, y=survival, mode="lines", line=steps, name=arm,
            customdata=np.column_stack([lower, upper]),
            hovertemplate=f"%{{x:.4~g}}: %{{y:.3f}} ({level:.0%} %{{customdata[0]:.3f}} to "
            "%{customdata[1]:.3f})",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    censored = curve.censored > 0
    figure.add_trace(
        go.Scatter(
            x=curve.time[censored], y=curve.survival[censored], mode="markers", name=f"{arm}, censored",
            marker={"symbol": "line-ns-open", "size": 7, "color": colour}, showlegend=False,
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip


def _numbers_at_risk(arm: str, curve: Curve, ticks: Floats, colour: str) -> go.Scatter:
    leaving = curve.events + curve.censored
    counts = [int(leaving[curve.time >= tick].sum()) for tick in ticks]
    return go.Scatter(
        x=ticks, y=[arm] * len(ticks), mode="text", text=[str(count) for count in counts],
        textfont={"color": colour}, showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
