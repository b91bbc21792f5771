"""The HTML reports of a declared trial and of its twins: one file each that works offline."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from trialsim.analysis.linear import model_based_type_one_error
from trialsim.protocol.declared import BayesianDesign, DeclaredTrial, ResponseAdaptiveDesign
from trialsim.protocol.writing import whole_file
from trialsim.report.arm_figures import arm_figures
from trialsim.report.arm_tables import arm_tables, two_formulas
from trialsim.report.evidence_figures import evidence_figures
from trialsim.report.first_screen import first_screen
from trialsim.report.frames import frame_table
from trialsim.report.html import embed, render
from trialsim.report.people_figures import people_figures
from trialsim.report.people_tables import flow_by_arm, people_tables
from trialsim.report.sizes import answer, size_tables
from trialsim.report.trial_figures import trial_figures
from trialsim.report.trial_tables import rule_of_use, trial_tables, with_rows
from trialsim.report.what_moves import moving_figures
from trialsim.study.control_arm import ControlArm, SupplementaryAnalyses, sizes_at_the_model
from trialsim.study.control_arm.plan import scored_analysis
from trialsim.study.declared import DeclaredPlan, DeclaredResult
from trialsim.study.description.describe import TrialDescription, described_cell
from trialsim.study.people.modelled.composition import compose
from trialsim.study.validation import Validation

NO_EXAMPLES = pd.DataFrame({"cell": [], "rule": []})


def write_trial_report(
    trial: DeclaredTrial,
    plan: DeclaredPlan,
    result: DeclaredResult,
    path: Path,
    beside: SupplementaryAnalyses | None = None,
    *,
    described: TrialDescription | None = None,
    examples: pd.DataFrame | None = None,
    root: str = "",
) -> None:
    """Write the report of a declared trial.

    Parameters
    ----------
    trial, plan, result : DeclaredTrial, DeclaredPlan, DeclaredResult
        What was asked, what was simulated, and what was found.
    path : Path
        HTML file. It loads nothing from anywhere: a content security policy forbids it.
    beside : SupplementaryAnalyses, optional
        Of a control arm that is sized by formula.
    described : TrialDescription, optional
        What the simulated trials look like.
    examples : DataFrame, optional
        Example trials of every cell, as `trialsim.study.bundles.of_declared_trial.plan_examples`.
    root : str
        Of the run, which stands on every page, or the place that `trialsim.study.seal` puts it in.
    """
    page = render_trial_report(trial, plan, result, beside, described=described, examples=examples, root=root)
    path.write_text(page, encoding="utf-8")


def render_trial_report(
    trial: DeclaredTrial,
    plan: DeclaredPlan,
    result: DeclaredResult,
    beside: SupplementaryAnalyses | None = None,
    *,
    described: TrialDescription | None = None,
    examples: pd.DataFrame | None = None,
    root: str = "",
) -> str:
    """Return the report of a declared trial as HTML; people and example trials only where they are given."""
    described = described or TrialDescription(described_cell(plan).name)
    examples = NO_EXAMPLES if examples is None else examples
    of_cell = examples[examples["cell"] == described.cell]
    alpha, axes = one_level(plan), [axis.field for axis in trial.grid]
    rule, said = plan.cells[0].rule, answer(trial, result)
    limit = None if trial.safety is None else trial.safety.limit
    figures = trial_figures(result, axes, alpha, limit) | people_figures(trial, described)
    figures |= evidence_figures(result, of_cell, axes, alpha) | moving_figures(trial, result, alpha)
    tables = trial_tables(trial, result) | with_rows(size_tables(result) | people_tables(described, of_cell))
    of_arm: dict[str, object] = {"arm": None, "risk": None, "card": None, "people": None, "disease": None}
    if beside is not None:
        tables |= arm_tables(beside)
        figures |= arm_figures(beside)
        of_arm = _of_control_arm(beside) | {"two_formulas": two_formulas(beside.arm, result.sizes)}
    return render(
        "trial.html.j2",
        trial=trial,
        root=root,
        level="" if alpha is None else f" The level is {alpha:g}, one-sided.",
        reconciliation=result.reconciliation,
        refused=len(plan.refused),
        rule_of_use=rule_of_use(),
        rule="" if rule is None else rule.in_words(),
        figures={name: embed(name, one) for name, one in figures.items()},
        answer=said,
        no_saving=any("No saving supported" in sentence for sentence in said),
        tiles=first_screen(trial, plan, result),
        described=described,
        flow=flow_by_arm(described.flow),
        tables={name: table.in_print() for name, table in tables.items()},
        **of_arm,
        declared=json.dumps(trial.to_dict(), indent=1, ensure_ascii=False),
    )


def _of_control_arm(beside: SupplementaryAnalyses) -> dict[str, object]:
    """Return what the page says of a control arm that is sized by formula."""
    arm, risk = beside.arm, beside.borrowing
    on_card = arm.trial.population is not None and arm.trial.population.kind == "card"
    made = compose(arm.alternative, arm.folder) if on_card else None
    return {
        "arm": arm,
        "at_model": sizes_at_the_model(arm),
        "months": _months(beside),
        "card": None if beside.card is None else beside.card.summary().set_index("quantity").to_dict("index"),
        "model_based_error": _model_based_error(arm),
        "risk": risk,
        "undefended": [] if risk is None else list(risk.tipping.query("not defensible")["method"]),
        "borrowing_methods": 0 if risk is None else len(risk.tipping) - 1,
        "people": None if made is None else made.card,
        "disease": None if made is None else made.disease,
    }


def _model_based_error(arm: ControlArm) -> float | None:
    """Return the type I error that model-based standard errors lead to, or None where they are not used."""
    if scored_analysis(arm.trial).variance != "model":
        return None
    control, active = arm.plan.moments.sd
    question = arm.plan.question
    return float(model_based_type_one_error(control, active, question.allocation[1], question.alpha))


def _months(beside: SupplementaryAnalyses) -> dict[str, float]:
    """Return the months of enrolment saved at fixed allocation, by figure."""
    frame = beside.savings
    kept = frame[(frame["gain"] == "months") & (frame["way"] == "fixed allocation")]
    return {str(row["figure"]): float(row["value"]) for _, row in kept.iterrows()}


def one_level(plan: DeclaredPlan) -> float | None:
    """Return the level of every cell; None where cells differ, or claim by a posterior probability."""
    designs = [cell.trial.design for cell in plan.cells]
    if any(isinstance(design, BayesianDesign | ResponseAdaptiveDesign) for design in designs):
        return None
    levels = {design.alpha for design in designs}
    return levels.pop() if len(levels) == 1 else None


def write_twins_report(trial: DeclaredTrial, found: Validation, path: Path) -> None:
    """Write the report of a validation; the file is complete or absent.

    Parameters
    ----------
    trial : DeclaredTrial
        Whose twins they are.
    found : Validation
        What was found.
    path : Path
        HTML file. It loads nothing from anywhere: a content security policy forbids it.
    """
    with whole_file(path) as scratch:
        scratch.write_text(render_twins_report(trial, found), encoding="utf-8")


def render_twins_report(trial: DeclaredTrial, found: Validation) -> str:
    """Return the report of a validation as HTML."""
    parts = [
        (one.title, None if one.frame is None else frame_table(one.frame, one.title), one.notes)
        for one in found.findings
    ]
    return render("twins.html.j2", trial=trial, found=found, parts=parts)
