"""The HTML report: one file that works offline."""

from __future__ import annotations

from pathlib import Path

from trialsim.analysis.linear import model_based_type_one_error
from trialsim.report import tables
from trialsim.report.figures import all_figures
from trialsim.report.html import embed, render
from trialsim.report.labels import with_error
from trialsim.report.supplementary_tables import supplementary_tables
from trialsim.study import StudyResult, SupplementaryAnalyses, sizes_at_history, supplementary_analyses
from trialsim.study.bundles import answer, input_hashes


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
    return render(
        "report.html.j2",
        result=result,
        protocol=result.protocol,
        plan=result.plan,
        answer=answer(result),
        hashes=input_hashes(result),
        figures={name: embed(name, one) for name, one in all_figures(result, beside).items()},
        tables=tables.all_tables(result) | supplementary_tables(result, beside),
        risk=beside.borrowing,
        card=None if beside.card is None else beside.card.summary().set_index("quantity").to_dict("index"),
        months=_months(beside),
        undefended=list(beside.borrowing.tipping.query("not defensible")["method"]),
        borrowing_methods=len(beside.borrowing.tipping) - 1,
        with_error=with_error,
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
