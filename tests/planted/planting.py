"""A copy of the package in which a mistake stands for a while, and the page that tells what came of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.planted.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
PAGE = "docs/planted_bugs.md"
_COPIED = ("trialsim", "tests", "benchmarks", "protocols", "cohorts", "docs", "reports", "requirements")
_HEAD = """# Planted mistakes

Does the test suite catch a statistician's mistakes? Each line below is one that a person could make: one edit
of one line. `python -m tests.planted` plants it in a copy of the package, runs the narrowest tests that know
the right answer, and removes it. Without it the same tests pass.

| mistake | file | result |
| --- | --- | --- |
"""


def copied(target: Path) -> Path:
    """Return a copy of the project with its compiled kernels, so that only what is edited compiles again."""
    for name in _COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "mkdocs.yml", "Makefile"):
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, target / name)
    if (ROOT.parent / "shared").exists():
        (target.parent / "shared").symlink_to(ROOT.parent / "shared")
    return target


@contextmanager
def planted(copy: Path, bug: Bug) -> Iterator[None]:
    """Put a mistake into a copy, and take it out again."""
    path = copy / bug.file
    sound = path.read_text(encoding="utf-8")
    assert sound.count(bug.before) == 1, bug.name
    stamp = path.stat()
    path.write_text(sound.replace(bug.before, bug.after), encoding="utf-8")
    if "njit" in sound:
        _forget_kernels(copy)
    try:
        yield
    finally:
        path.write_text(sound, encoding="utf-8")
        if "njit" in sound:
            _forget_kernels(copy)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def first_failure(copy: Path, tests: Sequence[str]) -> str:
    """Return the first test that fails in a copy, or an empty text; what else goes wrong is told in words."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    here = os.environ | {"PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, env=here)
    if done.returncode == 0:
        return ""
    failed = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith("FAILED tests/")]
    return failed[0] if done.returncode == 1 and failed else f"pytest ended with {done.returncode}"


def _forget_kernels(copy: Path) -> None:
    """Delete compiled kernels: numba keeps those of callers in other files when what they call changes."""
    for kernel in copy.rglob("*.nb?"):
        kernel.unlink()


def recorded() -> dict[str, str]:
    """Return the results of the page as it is."""
    page = ROOT / PAGE
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return dict(re.findall(r"^\| (.+?) \| `.+?` \| (.+?) \|$", text, re.MULTILINE))


def table(caught: Mapping[str, str]) -> str:
    """Return the page."""
    rows = [
        f"| {bug.name} | `{bug.file.removeprefix('trialsim/')}` | {caught.get(bug.name, 'not planted yet')} |"
        for bug in BUGS
    ]
    number = sum(caught.get(bug.name, "").startswith("caught") for bug in BUGS)
    return f"{_HEAD}{chr(10).join(rows)}\n\n{number} of {len(BUGS)} are caught.\n"
