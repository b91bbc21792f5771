"""Bounds over information as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects as go


def boundary_figure(
    information: Sequence[float], upper: Sequence[float], lower: Sequence[float], title: str
) -> go.Figure:
    """Return a plotly figure of the bounds; a side without a finite bound is left out.

    Examples
    --------
    >>> len(boundary_figure((0.5, 1.0), (2.8, 2.0), (-np.inf, -np.inf), "two looks").data)
    1
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, bounds in (("upper bound", upper), ("lower bound", lower)):
        if np.isfinite(bounds).any():
            figure.add_scatter(x=information, y=bounds, name=name, mode="lines+markers")
    figure.update_layout(xaxis_title="information", yaxis_title="z", title=title)
    return figure
