"""A card at a glance: every margin, and the observed correlations, as one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from trialsim.errors import CardError
from trialsim.population.cards.card import CohortCard
from trialsim.population.drawing.draw import draw_covariates
from trialsim.population.individual_data.fidelity import is_categorical

_COLUMNS = 3
_BINS = 60
_INK = "#2b5c8a"


def write_plot(card: CohortCard, n: int, generator: np.random.Generator, path: Path) -> None:
    """Write an HTML page with a histogram of each covariate and a map of their correlations.

    Parameters
    ----------
    card : CohortCard
        The population.
    n : int
        Participants to draw.
    generator : Generator
        Source of chance.
    path : Path
        The page; it needs no network.
    """
    people = draw_covariates(card, n, generator)
    rows = -(-len(card.names) // _COLUMNS)
    specs: list[list[dict[str, int] | None]] = [[{} for _ in range(_COLUMNS)] for _ in range(rows)]
    specs.append([{"colspan": _COLUMNS}, *([None] * (_COLUMNS - 1))])
    titles = [margin.label for margin in card.margins] + [""] * (rows * _COLUMNS - len(card.names))
    figure = make_subplots(
        rows=rows + 1,
        cols=_COLUMNS,
        specs=specs,
        subplot_titles=[*titles, "Correlations as drawn"],
        row_heights=[1.0] * rows + [3.0],
    )
    for k, name in enumerate(card.names):
        place = {"row": k // _COLUMNS + 1, "col": k % _COLUMNS + 1}
        column = people.column(name)
        if is_categorical(column):
            levels, counts = np.unique(column, return_counts=True)
            figure.add_bar(x=[f"{level:g}" for level in levels], y=counts / n, marker_color=_INK, **place)
        else:
            heights, edges = np.histogram(column, bins=_BINS)
            middles = (edges[1:] + edges[:-1]) / 2
            figure.add_bar(x=middles, y=heights / n, marker_color=_INK, **place)
    correlations = np.corrcoef(people.values.T)
    figure.add_trace(
        go.Heatmap(z=correlations, x=card.names, y=card.names, zmin=-1, zmax=1, colorscale="RdBu"),
        row=rows + 1,
        col=1,
    )
    figure.update_layout(
        title=f"{card.title} · {card.content_hash()[:12]}",
        showlegend=False,
        height=230 * rows + 650,
        bargap=0.05,
    )
    figure.update_annotations(font_size=12)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(figure.to_html(include_plotlyjs=True), encoding="utf-8")
    except OSError as fault:
        raise CardError(
            f"cannot be written: {fault.strerror}", file=path, mend="choose another file"
        ) from None
