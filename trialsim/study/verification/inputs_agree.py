"""Whether manifest, declaration, plan and log of a bundle say the same of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from trialsim.errors import TrialsimError
from trialsim.population import read_card
from trialsim.prognosis.twins import OutcomePrognosis, Prognosis
from trialsim.prognosis.twins.store import read as read_arrays
from trialsim.protocol.declared import Point, grid_points
from trialsim.study.bundles.alone.counting import PLAN
from trialsim.study.bundles.alone.files import file_sha256, strict_json
from trialsim.study.bundles.alone.script import SCRIPT, script_text
from trialsim.study.bundles.alone.sealing import BLOCKS, LOG, MANIFEST, REPORT, block_lines, log_lines
from trialsim.study.bundles.log import (
    FIRST_OUTCOME,
    HISTORY_OPENED,
    LAST_OUTCOME,
    PLAN_FROZEN,
    PROTOCOL_FROZEN,
)
from trialsim.study.bundles.machine import versions
from trialsim.study.bundles.of_declared_trial import TRIAL, BundledTrial
from trialsim.study.bundles.people import CARD, HISTORY, POSTERIOR

# Files of a bundle beside the replicates of its cells.
_FORMS = (
    "inputs/trial.json", PLAN, "inputs/card.toml", "inputs/posterior.npz", "results/answer.json",
    "examples/trials.csv", "examples/trials.parquet", "results/[a-z_]*.csv", "results/[a-z_]*.parquet",
    "description/[a-z]*.csv",
    "description/[a-z]*.parquet", BLOCKS, LOG, REPORT, SCRIPT,
)  # fmt: skip
# What a search for a size may change in a declared trial.
_SIZED = {"participants", "analyses", "design", "enrolment", "sizing", "borrowing", "card_sensitivity"}


def inputs_disagree(study: BundledTrial) -> list[str]:
    """Return where the parts of a bundle say different things of its inputs."""
    return [*_layout(study), *_manifest(study), *_plan(study), *_log(study), *_script(study)]


def _layout(study: BundledTrial) -> Iterator[str]:
    """Name the files that no run writes."""
    cells = {f"results/replicates/{cell.name}.parquet" for cell in study.cells}
    for name in study.manifest["files"]:
        if name not in cells and not any(fnmatchcase(name, form) for form in _FORMS):
            yield f"{name}: no run writes such a file"


def planned_points(study: BundledTrial) -> tuple[Point, ...]:
    """Return every cell that the declaration asks for."""
    return grid_points(study.trial)


def _manifest(study: BundledTrial) -> Iterator[str]:
    manifest, trial = study.manifest, study.trial
    expected = {"kind": TRIAL, "protocol": trial.name, "title": trial.title, "seed": trial.seed}
    for name in ("kind", "protocol", "title", "seed"):
        if manifest.get(name) != expected[name]:
            yield f"{MANIFEST}: {name} is not the one of the declared trial"
    inputs = manifest.get("inputs", {})
    if inputs.get(TRIAL) != trial.content_hash():
        yield f"{MANIFEST}: the declared trial has not the hash that stands for it"
    of_card = trial.population is not None and trial.population.card is not None
    of_history = trial.twins is not None and trial.twins.source != "assumed"
    if set(inputs) != {TRIAL} | ({CARD} if of_card else set()) | (
        {HISTORY, POSTERIOR} if of_history else set()
    ):
        yield f"{MANIFEST}: its inputs are not those that the declared trial has"
    folder = study.folder / "inputs"
    if (CARD in inputs) != (folder / "card.toml").exists():
        yield f"{MANIFEST}: inputs/card.toml and the inputs of the manifest do not go together"
    elif CARD in inputs and read_card(folder / "card.toml").content_hash() != inputs[CARD]:
        yield f"{MANIFEST}: the card has not the hash that stands for it"
    if (POSTERIOR in inputs) != (folder / "posterior.npz").exists():
        yield f"{MANIFEST}: inputs/posterior.npz and the inputs of the manifest do not go together"
    elif POSTERIOR in inputs and posterior_hash(folder / "posterior.npz") != inputs[POSTERIOR]:
        yield f"{MANIFEST}: the posterior has not the hash that stands for it"


def posterior_hash(path: Path) -> str:
    """Return the content hash of a posterior, of visits or of one outcome a participant."""
    model: Prognosis | OutcomePrognosis
    try:
        model = Prognosis.load(path)
    except (TrialsimError, KeyError, TypeError, ValueError):
        read_arrays(path)
        model = OutcomePrognosis.load(path)
    return model.content_hash


def _plan(study: BundledTrial) -> Iterator[str]:
    points = {point.name: point for point in planned_points(study)}
    asked = study.trial.simulation
    for cell in study.cells:
        point = points.get(cell.name)
        if point is None or point.trial is None:
            yield f"{PLAN}: {cell.name} is no cell of the declared trial"
            continue
        if (cell.scenario, cell.kind, cell.settings) != (point.scenario, point.kind, point.settings):
            yield f"{PLAN}: {cell.name} has not the scenario and settings of the declared trial"
        if cell.block != asked.block or (
            asked.replicates is not None and cell.replicates != asked.replicates
        ):
            yield f"{PLAN}: {cell.name} has not the replicates of the declared trial"
        if (cell.rule is None) != (asked.precision is None) or (
            cell.rule is not None and cell.rule.precision != asked.precision
        ):
            yield f"{PLAN}: {cell.name} has not the precision of the declared trial"
        may_differ = set() if study.trial.sizing is None else _SIZED
        if changed := _changed(cell.trial.to_dict(), point.trial.to_dict(), may_differ):
            yield f"{PLAN}: {cell.name} differs from the declared trial in {', '.join(changed)}"
    known = {cell.name for cell in study.cells}
    order = [name for name in points if name in known]
    if order != [cell.name for cell in study.cells]:
        yield f"{PLAN}: its cells are not in the order of the declared trial, or stand twice"


def _changed(one: dict[str, Any], other: dict[str, Any], may_differ: set[str]) -> list[str]:
    return sorted(key for key in {*one, *other} - may_differ if one.get(key) != other.get(key))


def _log(study: BundledTrial) -> Iterator[str]:
    lines = log_lines(study.folder)
    events = [strict_json(line, LOG) for line in lines]
    names = [one["event"] for one in events]
    wanted = [PROTOCOL_FROZEN, PLAN_FROZEN, FIRST_OUTCOME, LAST_OUTCOME]
    if [name for name in dict.fromkeys(names) if name in wanted] != wanted:
        yield f"{LOG}: it does not say {', '.join(wanted)}, in this order"
        return
    first = {one["event"]: one["of"] for one in reversed(events)}
    last = {one["event"]: one["of"] for one in events}
    blocks = block_lines(study.folder)
    facts = {
        PROTOCOL_FROZEN: study.trial.content_hash(),
        PLAN_FROZEN: file_sha256(study.folder / PLAN, PLAN),
        FIRST_OUTCOME: hashlib.sha256(blocks[0][0]).hexdigest() if blocks else "",
        LAST_OUTCOME: file_sha256(study.folder / BLOCKS, BLOCKS),
    }
    inputs = study.manifest.get("inputs", {})
    if HISTORY in inputs:
        facts[HISTORY_OPENED] = inputs[HISTORY]
    for event, digest in facts.items():
        if digest not in (first.get(event), last.get(event)):
            yield f"{LOG}: {event} is of something else than the bundle holds"


def _script(study: BundledTrial) -> Iterator[str]:
    """Say that the script is another one than this version writes, where this very source made the bundle."""
    if study.manifest["versions"].get("source") != versions()["source"]:
        return
    if (study.folder / SCRIPT).read_text(encoding="utf-8") != script_text():
        yield f"{SCRIPT}: is not the script that this version writes"
