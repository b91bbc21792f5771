"""One look for every figure: colours, lines, and the empty figure that each starts from."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

INK, ACCENT, SOFT, WARN = "#1f2a37", "#0b6e6e", "#56718e", "#b45309"
# Each line differs by colour, dash and symbol, so that no kind of colour vision is needed.
LINES = (
    (ACCENT, "solid", "circle"),
    ("#b3261e", "dash", "x"),
    ("#0072b2", "dot", "square"),
    ("#8a6d00", "dashdot", "diamond"),
    ("#a3477f", "longdash", "triangle-up"),
    ("#4a4a4a", "longdashdot", "cross"),
    ("#5b3fa0", "solid", "triangle-down"),
)
# Arms in their order, the control first.
ARMS = (SOFT, ACCENT, "#b3261e", "#8a6d00", "#5b3fa0", "#a3477f")


@dataclass(frozen=True)
class Drawn:
    """A figure with what it shows in words, for those who do not see it."""

    figure: go.Figure
    words: str


def blank(title: str, x: str, y: str, height: int = 380) -> go.Figure:
    """Return a figure without data: white ground, one font, the legend above."""
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font": {"size": 16}} if title else None,
        xaxis_title=x,
        yaxis_title=y,
        height=height,
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "color": INK, "size": 13},
        margin={"l": 70, "r": 20, "t": 90 if title else 50, "b": 60},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    return figure


def faint(colour: str) -> str:
    """Return a colour such as ``#0b6e6e`` as the see-through ground of a band.

    Examples
    --------
    >>> faint("#0b6e6e")
    'rgba(11, 110, 110, 0.15)'
    """
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.15)"
