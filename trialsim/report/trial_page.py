"""The HTML report of a declared trial: one file that works offline."""

from __future__ import annotations

import json
from pathlib import Path

from trialsim.protocol.declared import BayesianDesign, DeclaredTrial, ResponseAdaptiveDesign
from trialsim.report.html import embed, render
from trialsim.report.sizes import answer, size_tables
from trialsim.report.trial_figures import trial_figures
from trialsim.report.trial_tables import rule_of_use, trial_tables, with_rows
from trialsim.study.declared import DeclaredPlan, DeclaredResult


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
    alpha = one_level(plan)
    rule = plan.cells[0].rule
    figures = trial_figures(result, [axis.field for axis in trial.grid], alpha)
    return render(
        "trial.html.j2",
        trial=trial,
        level="" if alpha is None else f" The level is {alpha:g}, one-sided.",
        reconciliation=result.reconciliation,
        refused=len(plan.refused),
        rule_of_use=rule_of_use(),
        rule="" if rule is None else rule.in_words(),
        figures={name: embed(name, one) for name, one in figures.items()},
        answer=answer(trial, result),
        tables=trial_tables(trial, result) | with_rows(size_tables(result)),
        declared=json.dumps(trial.to_dict(), indent=1, ensure_ascii=False),
    )


def one_level(plan: DeclaredPlan) -> float | None:
    """Return the level of every cell; None where cells differ, or claim by a posterior probability."""
    designs = [cell.trial.design for cell in plan.cells]
    if any(isinstance(design, BayesianDesign | ResponseAdaptiveDesign) for design in designs):
        return None
    levels = {design.alpha for design in designs}
    return levels.pop() if len(levels) == 1 else None
