"""Blocks computed again from the inputs of a bundle, and what else only its people can give."""

from __future__ import annotations

import math

from trialsim.errors import BundleError, TrialsimError
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.replay import DIFFERENT, IDENTICAL, NEAR, Replayed, replay_blocks
from trialsim.study.declared.engine import truths_of
from trialsim.study.description.describe import describe_trials
from trialsim.study.verification.tables_again import as_text, plan_of
from trialsim.study.verification.verdict import Finding

EVERY_BLOCK = 10**9
_CLOSE = 1e-9


def replay(study: BundledTrial, number: int, nonce: str, level: str) -> Finding:
    """Compute blocks, true values and the description of trials again.

    Parameters
    ----------
    study : BundledTrial
        The bundle.
    number : int
        Of blocks.
    nonce : str
        Text that the run could not know, which chooses them.
    level : str
        ``"V2"`` or ``"V3"``.

    Returns
    -------
    Finding
        Never that only decisions agree: numbers agree to class A or B, or the level does not hold.

    Raises
    ------
    BundleError
        Its people come from a history, and its file is not given.
    """
    try:
        changed = study.changed_inputs()
    except BundleError:
        # Whoever asked for a replay without the file that it needs has not had one: no level holds by that.
        raise
    except (TrialsimError, KeyError, ValueError) as fault:
        return Finding(level, (), (f"its people cannot be drawn: {fault}",))
    if changed:
        return Finding(
            level, (), (f"the inputs do not have the hashes of the manifest: {', '.join(changed)}",)
        )
    replayed = replay_blocks(study, number, nonce)
    problems = [
        f"{one.cell}, block {one.index}: {DIFFERENT}" for one in replayed if one.agreement == DIFFERENT
    ]
    truths, values = _truths(study, replayed), _description(study)
    problems += [*truths, *values]
    if problems:
        return Finding(level, (), tuple(problems))
    reached = IDENTICAL if all(one.agreement == IDENTICAL for one in replayed) else NEAR
    every = sum(study.recorded(cell).num_row_groups for cell in study.cells)
    chosen = "all" if len(replayed) == every else f"{len(replayed)} of {every}"
    said = f"{chosen} blocks chosen by the nonce {nonce!r}, computed again: {reached}"
    untold = []
    if len(replayed) < every:
        missed = (1 - 0.01) ** len(replayed)
        untold = [
            f"the other {every - len(replayed)} blocks; {len(replayed)} miss a change of 1 % of all with "
            f"probability {missed:.2g}"
        ]
    return Finding(
        level, (said, "true effects and the description of trials, drawn again"), (), tuple(untold)
    )


def _truths(study: BundledTrial, replayed: list[Replayed]) -> list[str]:
    """Say which true effects of the replayed cells are not the ones of the plan."""
    said = []
    for name in dict.fromkeys(one.cell for one in replayed):
        cell = study.cell(name)
        found = truths_of(cell.trial, study.registers(cell.trial))
        same = set(found) == set(cell.truths) and all(
            _same(one.value, cell.truths[key].value) and _same(one.mcse, cell.truths[key].mcse)
            for key, one in found.items()
        )
        if not same:
            said.append(f"inputs/plan.json: {name} has not the true effects that its declaration gives")
    return said


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None or math.isnan(one) or math.isnan(other):
        return one is other or (
            one is not None and other is not None and math.isnan(one) and math.isnan(other)
        )
    return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=1e-12)


def _description(study: BundledTrial) -> list[str]:
    """Say which tables of the description are not those of the plan's trials."""
    frames = describe_trials(plan_of(study), study.registers).frames()
    folder = study.folder / "description"
    there = {path.stem for path in folder.glob("*.csv")}
    said = [f"description/{name}: nothing gives it" for name in sorted(there - set(frames))]
    for name, frame in frames.items():
        path = folder / f"{name}.csv"
        if not path.exists() or not _near_text(path.read_text(encoding="utf-8"), as_text(frame)):
            said.append(f"description/{name}: is not what its trials give")
    return said


def _near_text(one: str, other: str) -> bool:
    """Return whether two tables say the same, numbers to 1e-9."""
    if one == other:
        return True
    cells, others = ([line.split(",") for line in text.splitlines()] for text in (one, other))
    if [len(row) for row in cells] != [len(row) for row in others]:
        return False
    pairs = ((a, b) for row, mine in zip(cells, others, strict=True) for a, b in zip(row, mine, strict=True))
    return all(a == b or _near_number(a, b) for a, b in pairs)


def _near_number(one: str, other: str) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=_CLOSE, abs_tol=1e-12)
    except ValueError:
        return False
