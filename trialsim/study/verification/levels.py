"""A bundle held against itself level by level, until the level that was asked for or the first that fails."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trialsim.errors import InputError
from trialsim.study.bundles.alone.counting import COUNTED, counts
from trialsim.study.bundles.alone.files import UnsoundError
from trialsim.study.bundles.bundle import check_bundle
from trialsim.study.bundles.bundled import manifest_of
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.opening import open_bundle
from trialsim.study.qualification import qualify
from trialsim.study.verification.inputs_agree import inputs_disagree
from trialsim.study.verification.refitted import refit
from trialsim.study.verification.replayed import EVERY_BLOCK, replay
from trialsim.study.verification.signature import check_signature
from trialsim.study.verification.tables_again import DRAWN_AGAIN, tables_differ
from trialsim.study.verification.verdict import LEVELS, Finding, Verdict

BLOCKS_AT_V2 = 20
OFFERED = ("V0", "V1", "V2", "V3", "V4", "V5")
PageCheck = Callable[[BundledTrial], Finding]


def verify_bundle(
    folder: Path,
    level: str = "V1",
    *,
    expect: str | None = None,
    blocks: int | None = None,
    nonce: str | None = None,
    history: Path | None = None,
    page: PageCheck | None = None,
    signed_by: Path | None = None,
) -> Verdict:
    """Verify a bundle up to a level.

    Parameters
    ----------
    folder : Path
        The bundle.
    level : str
        ``"V0"`` to ``"V5"``: each level needs those before it, but V4 and V5 no full replay,
        and V5 no oracles.
    expect : str, optional
        The root or the seal that the verifier was given by another way than with the bundle.
    blocks : int, optional
        How many blocks V2 computes again; 20 unless given.
    nonce : str, optional
        Text that chooses them, and the chance of a refit; drawn unless given.
    history : Path, optional
        File of the history that its people come from.
    page : callable, optional
        Renders the report again, as `trialsim.report.again.page_again`.
    signed_by : Path, optional
        Public key that the signature beside the bundle must be of.

    Returns
    -------
    Verdict
        The levels that hold, every problem of the first that does not, and what was not checked.

    Raises
    ------
    BundleError
        There is no bundle of this version.
    InputError
        A level that does not exist.

    Examples
    --------
    >>> verify_bundle(Path("."), "V9")
    Traceback (most recent call last):
        ...
    trialsim.errors.InputError: level: is no level. Got 'V9'. Mend: use one of V0, V1, V2, V3, V4, V5.
    """
    if level not in OFFERED:
        raise InputError("is no level", field="level", value=level, mend=f"use one of {', '.join(OFFERED)}")
    manifest = manifest_of(folder)
    findings = [_integrity(folder, expect, signed_by)]
    nonce = nonce or secrets.token_hex(8)

    def verdict() -> Verdict:
        last = max(findings[-1].level, level)
        return Verdict(
            manifest["root"], manifest["seal"], tuple(findings), _not_asked(findings, last, expect, signed_by)
        )

    def goes_on() -> bool:
        return not findings[-1].problems and findings[-1].level < level

    if not goes_on():
        return verdict()
    findings.append(_arithmetic(folder, history, page))
    if not goes_on():
        return verdict()
    study = open_bundle(folder, history)
    number = EVERY_BLOCK if level == "V3" else blocks or BLOCKS_AT_V2
    findings.append(replay(study, number, nonce, "V3" if level == "V3" else "V2"))
    if not findings[-1].problems and findings[-1].checked:
        findings[1] = replace(
            findings[1], not_checked=tuple(one for one in findings[1].not_checked if DRAWN_AGAIN not in one)
        )
    if level == "V4" and not findings[-1].problems:
        findings.append(_oracles())
    if level == "V5" and not findings[-1].problems:
        findings.append(refit(study, nonce))
    return verdict()


def _oracles() -> Finding:
    """Compute published numbers on this machine."""
    found = qualify()
    problems = [
        f"{one.name} is {one.ours!r}, published {one.published!r}" for one in found.held if not one.passes
    ]
    return Finding("V4", () if problems else (found.in_words(),), tuple(problems))


def _not_asked(
    findings: list[Finding], level: str, expect: str | None, signed_by: Path | None
) -> tuple[str, ...]:
    """Say which levels nobody asked for, or that were not reached."""
    done = {one.level for one in findings}
    if "V3" in done:
        done.add("V2")
    left = [f"{name} {words}" for name, words in LEVELS.items() if name not in done]
    if expect is None:
        left.append("whether root and seal are those that were published (--expect HASH)")
    if signed_by is None:
        left.append("who made the run (--signed-by KEY)")
    return tuple(left)


def _integrity(folder: Path, expect: str | None, signed_by: Path | None) -> Finding:
    problems = check_bundle(folder)
    if problems:
        return Finding("V0", (), tuple(problems))
    manifest = manifest_of(folder)
    said = [
        f"{len(manifest['files'])} files, {sum(one['blocks'] for one in manifest['cells'].values())} blocks"
    ]
    if expect is not None:
        names = [name for name in ("root", "seal") if manifest[name] == expect.lower()]
        if not names:
            return Finding("V0", (), (f"neither root nor seal is the expected {expect[:64]}",))
        said.append(f"the {names[0]} is the expected one")
    if signed_by is not None:
        held, problem = check_signature(folder, signed_by)
        if problem:
            return Finding("V0", (), (problem,))
        said.append(held)
    return Finding("V0", tuple(said))


def _arithmetic(folder: Path, history: Path | None, page: PageCheck | None) -> Finding:
    try:
        problems = counts(folder)
    except UnsoundError as fault:
        problems = [str(fault)]
    if problems:
        return Finding("V1", (), tuple(problems))
    study = open_bundle(folder, history)
    if problems := inputs_disagree(study):
        return Finding("V1", (), tuple(problems))
    held, problems, untold = tables_differ(study)
    if problems:
        return Finding("V1", (), tuple(problems), tuple(untold))
    said = [
        f"counted from the replicates by code of its own: {', '.join(COUNTED)}",
        f"computed again from the sums of blocks, to the last digit: {', '.join(held)}",
    ]
    if page is None:
        return Finding("V1", tuple(said), (), (*untold, "the report"))
    found = page(study)
    return Finding("V1", (*said, *found.checked), found.problems, (*untold, *found.not_checked))
