"""The HTML report of a declared trial: one file that works offline."""

from __future__ import annotations

import json
from pathlib import Path

from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.html import embed, render
from trialsim.report.trial_figures import trial_figures
from trialsim.report.trial_tables import trial_tables
from trialsim.study.declared import DeclaredPlan, DeclaredResult, engine_of


def write_trial_report(trial: DeclaredTrial, plan: DeclaredPlan, result: DeclaredResult, path: Path) -> None:
    """Write the report of a declared trial.

    Parameters
    ----------
    trial, plan, result : DeclaredTrial, DeclaredPlan, DeclaredResult
        What was asked, what was simulated, and what was found.
    path : Path
        HTML file. It loads nothing from anywhere: a content security policy forbids it.
    """
    path.write_text(render_trial_report(trial, plan, result), encoding="utf-8")


def render_trial_report(trial: DeclaredTrial, plan: DeclaredPlan, result: DeclaredResult) -> str:
    """Return the report of a declared trial as HTML."""
    alpha = engine_of(plan.cells[0].trial).alpha
    rule = plan.cells[0].rule
    figures = trial_figures(result, [axis.field for axis in trial.grid], alpha)
    return render(
        "trial.html.j2",
        trial=trial,
        alpha=alpha,
        reconciliation=result.reconciliation,
        refused=len(plan.refused),
        rule="" if rule is None else rule.in_words(),
        figures={name: embed(name, one) for name, one in figures.items()},
        tables=trial_tables(trial, plan, result),
        declared=json.dumps(trial.to_dict(), indent=1, ensure_ascii=False),
    )
