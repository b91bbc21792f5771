"""Pages that work offline: templates, the plotting library, and figures with their words and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from trialsim.report.frames import Table
from trialsim.report.labels import label, share
from trialsim.report.theme import Drawn


def render(template: str, **content: Any) -> str:
    """Return a page; a name that the template uses and nobody gave is an error."""
    environment = Environment(
        loader=PackageLoader("trialsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": label, "share": share}
    plotly_js = Markup(get_plotlyjs())  # noqa: S704 - the library's own bytes, not a user's
    return environment.get_template(template).render(plotly_js=plotly_js, **content)


def embed(name: str, drawn: Drawn) -> dict[str, Any]:
    """Return a figure's HTML, what it shows in words, and its numbers; its title stands above it, as text."""
    title = drawn.figure.layout.title.text or ""
    if title:
        drawn.figure.update_layout(title=None, margin={"t": 50})
    html = drawn.figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        default_width="100%",
        div_id=f"figure-{name.replace('_', '-')}",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return {
        "title": title,
        "html": Markup(html),  # noqa: S704 - plotly escapes the JSON that it writes
        "words": drawn.words,
        "numbers": figure_table(drawn.figure),
    }


def figure_table(figure: go.Figure) -> Table:
    """Return the numbers that a figure shows, one row a point, so that nobody needs the picture."""
    rows = []
    for trace in figure.data:
        name = str(trace.name or "")
        for position, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
            rows.append((name, _shown(x), _shown(y), _interval(trace, position)))
    axes = [
        axis.title.text or name for name, axis in (("x", figure.layout.xaxis), ("y", figure.layout.yaxis))
    ]
    columns = ("series", *axes, "interval")
    # A column of intervals that nobody has is left out.
    kept = 4 if any(row[3] for row in rows) else 3
    return Table(columns[:kept], [row[:kept] for row in rows], "The numbers of the figure", text=True)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]  # plotly keeps text or numbers
    return "–" if np.isnan(number) else f"{number:.4g}"


def _interval(trace: Any, position: int) -> str:
    for axis in ("x", "y"):
        bars = getattr(trace, f"error_{axis}", None)
        if bars is not None and bars.array is not None:
            centre = float(getattr(trace, axis)[position])
            low, high = centre - bars.arrayminus[position], centre + bars.array[position]
            return f"{low:.4g} to {high:.4g}"
    return ""
