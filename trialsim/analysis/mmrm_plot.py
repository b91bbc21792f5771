"""Picture of a mixed model for repeated measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.analysis.repeated_measures.result import MmrmResult


def draw(result: MmrmResult) -> Any:
    """Return a plotly figure: LS means over the visits on the left, effects on the right."""
    from plotly.subplots import make_subplots

    control = result.model.trial.arms[0]
    figure = make_subplots(
        cols=2, subplot_titles=("LS means", f"Difference from {control}"), horizontal_spacing=0.1
    )
    for column, frame in ((1, result.ls_means), (2, result.contrasts)):
        for arm, rows in frame.groupby("arm", sort=False):
            figure.add_trace(_line(str(arm), rows, column), row=1, col=column)
    figure.add_hline(y=0.0, line_dash="dot", line_color="grey", row=1, col=2)
    figure.update_layout(template="plotly_white", yaxis_title=result.model.outcome)
    figure.update_xaxes(title="visit")
    return figure


def _line(arm: str, rows: pd.DataFrame, column: int) -> Any:
    """Return one arm's estimates and intervals over the visits."""
    import plotly.graph_objects as go

    reach = (rows["upper"] - rows["estimate"]).to_numpy()
    return go.Scatter(
        x=[str(visit) for visit in rows["visit"]],
        y=rows["estimate"],
        error_y={"type": "data", "array": reach},
        mode="lines+markers",
        name=arm if column == 1 else f"{arm} − control",
    )
