"""The HTML report: one file that works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from trialsim.analysis import model_based_type_one_error
from trialsim.report import figures, tables
from trialsim.report.labels import label, share, with_error
from trialsim.study import StudyResult, answer, input_hashes, sizes_at_history


def write_report(result: StudyResult, path: Path) -> None:
    """Write the report of a study.

    Parameters
    ----------
    result : StudyResult
        The finished study.
    path : Path
        HTML file. It loads nothing from anywhere: a content security policy forbids it.
    """
    path.write_text(render_report(result), encoding="utf-8")


def render_report(result: StudyResult) -> str:
    """Return the report as HTML."""
    environment = Environment(
        loader=PackageLoader("trialsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": label, "share": share}
    drawn = {
        "savings": figures.savings_figure(result),
        "sensitivity": figures.sensitivity_figure(result),
        "power": figures.power_figure(result),
        "type_one_error": figures.type_one_error_figure(result),
        "pit": figures.pit_figure(result),
        "coverage": figures.coverage_figure(result),
    }
    return environment.get_template("report.html.j2").render(
        result=result,
        protocol=result.protocol,
        plan=result.plan,
        answer=answer(result),
        hashes=input_hashes(result),
        figures={name: _embed(name, figure) for name, figure in drawn.items()},
        tables=tables.all_tables(result),
        with_error=with_error,
        plotly_js=Markup(get_plotlyjs()),  # noqa: S704 - the library's own bytes, not a user's
        at_history=sizes_at_history(result),
        model_based_error=_model_based_error(result),
    )


def _model_based_error(result: StudyResult) -> float | None:
    """Return the type I error that model-based standard errors lead to, or None where they are not used."""
    analysis = result.protocol.analysis
    if analysis.variance != "model":
        return None
    control, active = result.plan.moments.sd
    share = result.protocol.allocation[1]
    return float(model_based_type_one_error(control, active, share, analysis.alpha))


def _embed(name: str, figure: go.Figure) -> Any:
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        default_width="100%",
        div_id=f"figure-{name.replace('_', '-')}",
        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
    )
    return Markup(html)  # noqa: S704 - plotly escapes the JSON that it writes
