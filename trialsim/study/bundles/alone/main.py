"""What the script in a bundle does when it is started: ``python3 -I verify.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trialsim.study.bundles.alone.counting import COUNTED, counts
from trialsim.study.bundles.alone.files import UnsoundError
from trialsim.study.bundles.alone.sealing import integrity, read_manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle with Python alone, say what was found, and return 0 only if all of it holds."""
    parser = argparse.ArgumentParser(
        description="Check a run bundle with Python alone: V0, every file and hash; V1, the counts of its "
        "tables from its replicates. This script is as trustworthy as whoever gave it to you: take it from "
        "the source of trialsim if you doubt the bundle."
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--expect", metavar="HASH", help="the root or the seal that you were given")
    given = parser.parse_args(arguments)
    try:
        problems, said = _check(given.bundle, given.expect)
    except UnsoundError as fault:
        problems, said = [str(fault)], []
    for line in (*said, *(f"NOT as it should be: {one}" for one in problems)):
        sys.stdout.write(line.encode("ascii", "backslashreplace").decode("ascii") + "\n")
    return 1 if problems else 0


def _check(folder: Path, expected: str | None) -> tuple[list[str], list[str]]:
    problems = integrity(folder)
    if problems:
        return problems, []
    manifest = read_manifest(folder)
    said = [f"V0 integrity: holds. Root {manifest['root']}, seal {manifest['seal']}"]
    if expected is not None and expected.lower() not in (manifest["root"], manifest["seal"]):
        return [f"neither root nor seal is the expected {expected[:64]}"], said
    problems = counts(folder)
    if not problems:
        said.append(f"V1 counts: {', '.join(COUNTED)} follow from the replicates")
    said.append(
        "Not checked here: other tables, the report, whether the replicates follow from the inputs "
        "(trialsim verify --replay), and the twins' posterior"
    )
    if expected is None:
        said.append("Not checked: whether the root is the one that was published (--expect HASH)")
    return problems, said
