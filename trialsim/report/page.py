"""The HTML report: one file that works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from trialsim.analysis import model_based_type_one_error
from trialsim.report import tables
from trialsim.report.figures import Drawn, all_figures
from trialsim.report.labels import label, share, with_error
from trialsim.report.supplementary_tables import figure_table, supplementary_tables
from trialsim.study import (
    StudyResult,
    SupplementaryAnalyses,
    answer,
    input_hashes,
    sizes_at_history,
    supplementary_analyses,
)


def write_report(result: StudyResult, path: Path, beside: SupplementaryAnalyses | None = None) -> None:
    """Write the report of a study.

    Parameters
    ----------
    result : StudyResult
        The finished study.
    path : Path
        HTML file. It loads nothing from anywhere: a content security policy forbids it.
    beside : SupplementaryAnalyses, optional
        The study's supplementary analyses; computed if not given.
    """
    path.write_text(render_report(result, beside), encoding="utf-8")


def render_report(result: StudyResult, beside: SupplementaryAnalyses | None = None) -> str:
    """Return the report as HTML."""
    beside = beside or supplementary_analyses(result)
    environment = Environment(
        loader=PackageLoader("trialsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": label, "share": share}
    return environment.get_template("report.html.j2").render(
        result=result,
        protocol=result.protocol,
        plan=result.plan,
        answer=answer(result),
        hashes=input_hashes(result),
        figures={name: _embed(name, one) for name, one in all_figures(result, beside).items()},
        tables=tables.all_tables(result) | supplementary_tables(result, beside),
        risk=beside.borrowing,
        card=None if beside.card is None else beside.card.summary().set_index("quantity").to_dict("index"),
        months=_months(beside),
        undefended=list(beside.borrowing.tipping.query("not defensible")["method"]),
        borrowing_methods=len(beside.borrowing.tipping) - 1,
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


def _months(beside: SupplementaryAnalyses) -> dict[str, float]:
    """Return the months of enrolment saved at fixed allocation, by figure."""
    frame = beside.savings
    kept = frame[(frame["gain"] == "months") & (frame["way"] == "fixed allocation")]
    return {str(row["figure"]): float(row["value"]) for _, row in kept.iterrows()}


def _embed(name: str, drawn: Drawn) -> dict[str, Any]:
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
