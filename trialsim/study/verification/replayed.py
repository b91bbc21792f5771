"""Blocks computed again from the inputs of a bundle, and what else only its people can give."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialsim.errors import BundleError, TrialsimError
from trialsim.study.bundles.machine import other_machine
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.people import HISTORY
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
    differs = other_machine(study.manifest["machine"])
    untold = []
    if changed == [HISTORY] and study.history is None and differs:
        # Last bits of what a card gives depend on the processor: the hash can be held on a like one alone.
        untold.append(
            f"the history's hash: it is generated from the card, and this machine has another "
            f"{_listed(differs)} than that of the run; declaration, card and posterior have their hashes"
        )
    elif changed:
        return Finding(
            level, (), (f"the inputs do not have the hashes of the manifest: {', '.join(changed)}",)
        )
    replayed = replay_blocks(study, number, nonce)
    problems = [
        f"{one.cell}, block {one.index}: {DIFFERENT}" for one in replayed if one.agreement == DIFFERENT
    ]
    truths, drawn = _truths(study, replayed), _description(study)
    problems += [*truths.problems, *drawn.problems]
    if problems:
        return Finding(level, (), tuple(problems))
    reached = IDENTICAL if all(one.agreement == IDENTICAL for one in replayed) else NEAR
    every = sum(study.recorded(cell).num_row_groups for cell in study.cells)
    chosen = "all" if len(replayed) == every else f"{len(replayed)} of {every}"
    said = f"{chosen} blocks chosen by the nonce {nonce!r}, computed again: {reached}"
    if len(replayed) < every:
        missed = (1 - 0.01) ** len(replayed)
        untold.append(
            f"the other {every - len(replayed)} blocks; {len(replayed)} miss a change of 1 % of all with "
            f"probability {missed:.2g}"
        )
    beside = IDENTICAL if truths.identical and drawn.identical else NEAR
    why = f"this machine differs from that of the run in {_listed(differs)}" if differs else (
        "this machine is like that of the run"
    )  # fmt: skip
    return Finding(
        level,
        (said, f"true effects and the description of trials, drawn again: {beside}", why),
        (),
        tuple(untold),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


@dataclass(frozen=True)
class _DrawnAgain:
    """What of some numbers that were drawn again is wrong, and whether all have the same bits."""

    problems: list[str]
    identical: bool


def _truths(study: BundledTrial, replayed: list[Replayed]) -> _DrawnAgain:
    """Say which true effects of the replayed cells are not the ones of the plan."""
    said, identical = [], True
    for name in dict.fromkeys(one.cell for one in replayed):
        cell = study.cell(name)
        found = truths_of(cell.trial, study.registers(cell.trial))
        pairs = [
            pair
            for key, one in found.items()
            if key in cell.truths
            for pair in ((one.value, cell.truths[key].value), (one.mcse, cell.truths[key].mcse))
        ]
        if set(found) != set(cell.truths) or not all(_same(*pair) for pair in pairs):
            said.append(f"inputs/plan.json: {name} has not the true effects that its declaration gives")
        identical = identical and all(repr(one) == repr(other) for one, other in pairs)
    return _DrawnAgain(said, identical)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None or math.isnan(one) or math.isnan(other):
        return one is other or (
            one is not None and other is not None and math.isnan(one) and math.isnan(other)
        )
    return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=1e-12)


def _description(study: BundledTrial) -> _DrawnAgain:
    """Say which tables of the description are not those of the plan's trials."""
    frames = describe_trials(plan_of(study), study.registers).frames()
    folder = study.folder / "description"
    there = {path.stem for path in folder.glob("*.csv")}
    said = [f"description/{name}: nothing gives it" for name in sorted(there - set(frames))]
    identical = True
    for name, frame in frames.items():
        path, again = folder / f"{name}.csv", as_text(frame)
        recorded = path.read_text(encoding="utf-8") if path.exists() else None
        if recorded is None or not _near_text(recorded, again):
            said.append(f"description/{name}: is not what its trials give")
        identical = identical and recorded == again
    return _DrawnAgain(said, identical)


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
