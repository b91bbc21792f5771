"""Pages that work offline: templates, the plotting library, and figures with their words and numbers."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from trialsim.report.labels import label, share
from trialsim.report.supplementary_tables import figure_table
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
    """Return a figure's HTML, what it shows in words, and its numbers."""
    html = drawn.figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        default_width="100%",
        div_id=f"figure-{name.replace('_', '-')}",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return {
        "html": Markup(html),  # noqa: S704 - plotly escapes the JSON that it writes
        "words": drawn.words,
        "numbers": figure_table(drawn.figure),
    }
