"""The report of a bundle, rendered again from its tables and compared with the one that is there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from trialsim.errors import TrialsimError
from trialsim.report.sizes import answer_facts
from trialsim.report.trial_page import render_trial_report
from trialsim.study.bundles.alone.files import read_plain
from trialsim.study.bundles.alone.sealing import REPORT
from trialsim.study.bundles.bundled import read_part
from trialsim.study.bundles.machine import versions
from trialsim.study.bundles.of_declared_trial import BundledTrial, plan_examples
from trialsim.study.bundles.tables import read_frame
from trialsim.study.declared import DeclaredPlan, DeclaredResult
from trialsim.study.description.describe import TrialDescription, described_cell
from trialsim.study.description.sample import trials_sampled
from trialsim.study.verification import Finding
from trialsim.study.verification.tables_again import plan_of, result_of

ANSWER = "results/answer.json"
# Only a run has what these show beside its tables: the plan of a control arm by formula.
_OF_CONTROL_ARM = ("control-arm", "borrowing", "assumptions")
_SECTION = re.compile(r'<section id="([a-z-]+)">.*?</section>', re.DOTALL)
_NAV = re.compile(r"<nav .*?</nav>", re.DOTALL)


def page_again(study: BundledTrial) -> Finding:
    """Render the report of a bundle again from its tables, and compare.

    Parameters
    ----------
    study : BundledTrial
        The bundle, whose tables were computed again before.

    Returns
    -------
    Finding
        Of level V1. What is shown of a control arm by formula cannot be rendered from tables alone, and is
        among what was not checked; so is the page where another source of trialsim wrote it.
    """
    if not (study.folder / REPORT).exists():
        return Finding("V1", (), (f"{REPORT}: missing",))
    if study.manifest["versions"].get("source") != versions()["source"]:
        return Finding("V1", (), (), ("the report, which another source of trialsim wrote than is here",))
    plan = plan_of(study)
    result, problems = result_of(study, plan)
    if result is None:
        return Finding("V1", (), tuple(problems))
    result, beside = _with_tables(study, result)
    try:
        page = _render(study, plan, result)
    except (TrialsimError, KeyError, ValueError, TypeError, IndexError) as fault:
        return Finding("V1", (), (f"{REPORT}: its tables give no report ({type(fault).__name__})",))
    there = read_plain(study.folder / REPORT, REPORT).decode("utf-8")
    problems = _changed(there, page, beside)
    problems += _answer(study, result, beside)
    if problems:
        return Finding("V1", (), tuple(problems))
    if not beside:
        return Finding("V1", ("the report, rendered again from these tables: the same bytes",))
    untold = f"the sections {', '.join(_OF_CONTROL_ARM)} of the report: they show a control arm by formula"
    return Finding("V1", ("the other sections of the report, rendered again: the same bytes",), (), (untold,))


def _with_tables(study: BundledTrial, result: DeclaredResult) -> tuple[DeclaredResult, bool]:
    """Return the result with the tables that no block gives, and whether a control arm is among them."""
    own = {"sizes", "savings", "twins", "rivals", "reproduction"}
    names = {path.stem for path in (study.folder / "results").glob("*.parquet")} - set(result.frames())
    frames = {name: read_frame(study.folder, f"results/{name}") for name in sorted(names)}
    mine: dict[str, Any] = {name: frame for name, frame in frames.items() if name in own}
    found = replace(result, **mine)
    others = {name: frame for name, frame in frames.items() if name not in own}
    return found.with_tables(others), "control_arm" in others


def _render(study: BundledTrial, plan: DeclaredPlan, result: DeclaredResult) -> str:
    names = sorted(path.stem for path in (study.folder / "description").glob("*.parquet"))
    frames = {name: read_frame(study.folder, f"description/{name}") for name in names}
    cell = described_cell(plan)
    described = TrialDescription(cell.name, trials_sampled(cell) if "flow" in frames else 0, **frames)
    return render_trial_report(
        study.trial, plan, result, described=described, examples=plan_examples(plan, study.folder),
        root=study.manifest["root"],
    )  # fmt: skip


def _changed(there: str, page: str, beside: bool) -> list[str]:
    """Return which sections of a page are not the ones that its tables give."""
    if there == page:
        return []
    skipped = _OF_CONTROL_ARM if beside else ()
    mine, given = (_sections(text) for text in (there, page))
    names = [name for name in dict.fromkeys((*mine, *given)) if name not in skipped]
    changed = [name for name in names if mine.get(name) != given.get(name)]
    if not changed and not beside:
        changed = ["order"]
    return [f"{REPORT}: {name} is not what the tables give" for name in changed]


def _sections(text: str) -> dict[str, str]:
    """Return the sections of a page by name, and as ``page`` all that is around them but the list of them."""
    found = {match[1]: match[0] for match in _SECTION.finditer(text)}
    around = _NAV.sub("", _SECTION.sub("", text))
    return {**found, "page": re.sub(r"\n\s*\n+", "\n", around)}


def _answer(study: BundledTrial, result: DeclaredResult, beside: bool) -> list[str]:
    """Say where the file of the answer is not what the tables give."""
    if study.trial.sizing is None:
        return []
    told = read_part(study.folder, ANSWER)
    if beside:
        told.pop("beyond_baseline_ancova_by_formula", None)
    given = json.loads(json.dumps(answer_facts(study.trial, result)))
    return [] if told == given else [f"{ANSWER}: is not what the tables give"]
