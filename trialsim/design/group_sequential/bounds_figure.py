"""The figure of a design's bounds over information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects as go


def bounds_figure(
    information: Sequence[float], upper: Sequence[float], lower: Sequence[float], title: str
) -> go.Figure:
    """Return bounds on the z scale over information; a side without a finite one is left out."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, bounds in (("upper bound", upper), ("lower bound", lower)):
        if np.isfinite(bounds).any():
            figure.add_scatter(x=information, y=bounds, name=name, mode="lines+markers")
    figure.update_layout(xaxis_title="information", yaxis_title="z", title=title)
    return figure
