"""Every table of a bundle that follows from its blocks, computed again and compared to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from trialsim.errors import TrialsimError
from trialsim.protocol.declared import Point
from trialsim.study.bundles.alone.sealing import BLOCKS, block_lines
from trialsim.study.bundles.of_declared_trial import BundledTrial, plan_examples
from trialsim.study.bundles.record import sums_said
from trialsim.study.bundles.tables import read_frame
from trialsim.study.declared import DeclaredPlan, DeclaredResult, DeclaredSums, declared_result
from trialsim.study.people.modelled.evidence import evidence_of
from trialsim.study.people.registers import Registers
from trialsim.study.verification.inputs_agree import planned_points

DRAWN_AGAIN = "V2 draws them again"
# Where tables lie that are not computed from blocks, and what computes them again.
NOT_FROM_BLOCKS = {
    "results": "they come from a search for sizes, a formula or a cross-validation: V0 holds their bytes",
    "description": f"they come from trials of their own: {DRAWN_AGAIN}",
}


def plan_of(study: BundledTrial) -> DeclaredPlan:
    """Return the plan of a bundle: its cells, and those of the declaration that were refused."""
    refused = study.folder / "results" / "refused.parquet"
    why = {}
    if refused.exists():
        frame = read_frame(study.folder, "results/refused")
        why = dict(zip(frame["cell"], frame["reason"], strict=True))
    ran = {cell.name for cell in study.cells}
    points = planned_points(study)
    left = tuple(
        Point(one.name, one.scenario, one.kind, one.settings, None, one.refusal or str(why.get(one.name, "")))
        for one in points
        if one.name not in ran
    )
    axes = {axis.field: axis.why for axis in study.trial.grid}
    return DeclaredPlan(len(points), study.cells, left, axes)


def sums_of(study: BundledTrial) -> tuple[list[DeclaredSums], list[str]]:
    """Return the sums of every cell over its recorded blocks, and which cells did not stop by their rule."""
    blocks: dict[str, list[DeclaredSums]] = {cell.name: [] for cell in study.cells}
    problems = []
    for _, block in block_lines(study.folder):
        one = DeclaredSums.from_dict(sums_said(block["sums"]))
        if block["cell"] not in blocks or one.trials != block["replicates"]:
            problems.append(f"{BLOCKS}: a block of {block['cell']} is none of the plan")
            continue
        blocks[block["cell"]].append(one)
    found = []
    for cell in study.cells:
        total, ended = None, False
        for number, one in enumerate(blocks[cell.name], 1):
            if ended:
                problems.append(f"{BLOCKS}: {cell.name} went on after its rule had stopped it")
                break
            total = one if total is None else total + one
            ended = cell.rule is not None and cell.rule.reached(number, total.rejections())
        if total is None or not (ended or len(blocks[cell.name]) == len(cell.blocks)):
            problems.append(f"{BLOCKS}: {cell.name} has too few blocks")
        found.append(total if total is not None else DeclaredSums(0))
    return found, problems


def result_of(study: BundledTrial, plan: DeclaredPlan) -> tuple[DeclaredResult | None, list[str]]:
    """Return the result that the recorded blocks give, without what does not come from them."""
    sums, problems = sums_of(study)
    if problems:
        return None, problems
    again = Registers(folder=study.folder / "inputs", card="card.toml").with_card(study.trial)
    result = declared_result(plan, sums).with_evidence(evidence_of(again, study.folder / "inputs"))
    return result, []


def tables_differ(study: BundledTrial) -> tuple[list[str], list[str], list[str]]:
    """Return which tables hold, what is wrong with others, and which were not computed again.

    Parameters
    ----------
    study : BundledTrial
        The bundle.

    Returns
    -------
    tuple of three lists of str
        Names of tables; sentences; sentences.
    """
    plan = plan_of(study)
    if unsaid := [one.name for one in plan.refused if not one.refusal]:
        return [], [f"inputs/plan.json: lacks {', '.join(unsaid)}, which no table says was refused"], []
    try:
        result, problems = result_of(study, plan)
    except (KeyError, TypeError, ValueError, AttributeError, TrialsimError) as fault:
        return [], [f"{BLOCKS}: its sums are not those of the plan ({type(fault).__name__})"], []
    if result is None:
        return [], problems, []
    expected = {f"results/{name}": frame for name, frame in result.frames().items()}
    expected["examples/trials"] = plan_examples(plan, study.folder)
    held, problems = _compare(study.folder, expected)
    there = {path.relative_to(study.folder).with_suffix("").as_posix() for path in _tables(study.folder)}
    own = {f"results/{name}" for name in _OF_BLOCKS}
    problems += [f"{name}: nothing in the blocks gives it" for name in sorted((there & own) - set(expected))]
    twice = [name for name in sorted(there) if name not in expected]
    problems += [said for name in twice for said in _two_forms(study.folder, name)]
    untold = []
    for place, why in NOT_FROM_BLOCKS.items():
        if names := [name for name in twice if name.startswith(f"{place}/")]:
            untold.append(f"the numbers of {', '.join(names)}: {why}")
    return held, problems, untold


_OF_BLOCKS = (
    "operating_characteristics", "decided_by", "looks", "bounds", "expected_sizes", "ledger", "arms",
    "failures", "refused", "evidence", "family", "hypotheses",
)  # fmt: skip


def _tables(folder: Path) -> list[Path]:
    return [
        path for place in ("results", "description", "examples") for path in (folder / place).glob("*.csv")
    ]


def _compare(folder: Path, expected: Mapping[str, pd.DataFrame]) -> tuple[list[str], list[str]]:
    held, problems = [], []
    for name, frame in expected.items():
        if not (folder / f"{name}.csv").exists():
            problems.append(f"{name}: is missing, and the blocks give it")
            continue
        said = [*_two_forms(folder, name), *_changed_cells(folder, name, frame)]
        problems += said
        held += [] if said else [name]
    return held, problems


def as_text(frame: pd.DataFrame) -> str:
    """Return a table as a bundle's CSV file has it."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _two_forms(folder: Path, name: str) -> list[str]:
    """Say that the Parquet and the CSV file of a table are not the same table."""
    text = (folder / f"{name}.csv").read_text(encoding="utf-8")
    same = as_text(read_frame(folder, name)) == text
    return [] if same else [f"{name}: the CSV and the Parquet file are not the same table"]


def _changed_cells(folder: Path, name: str, frame: pd.DataFrame) -> list[str]:
    """Say where a table differs from the one that was computed again: its first column and row."""
    told = (folder / f"{name}.csv").read_text(encoding="utf-8")
    if told == as_text(frame):
        return []
    found = read_frame(folder, name)
    if list(found.columns) != list(frame.columns) or len(found) != len(frame):
        return [f"{name}: has other rows or columns than the blocks give"]
    for column in frame.columns:
        pairs = zip(found[column].astype(str), frame[column].astype(str), strict=True)
        for row, (there, given) in enumerate(pairs):
            if there != given:
                return [f"{name}: {column} in row {row + 1} is {there}, and the blocks give {given}"]
    return [f"{name}: differs from what the blocks give"]
