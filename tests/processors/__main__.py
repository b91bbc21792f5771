"""Compute the small runs under each imitated processor, and compare them with those of this one.

python -m tests.processors [RUN ...]      writes docs/processors.md when all are computed
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.processors.comparing import C, Comparison, compared, tables_in
from tests.processors.imitations import IMITATIONS, NATIVE, Imitation
from tests.processors.page import page
from tests.processors.runs import ROOT, RUNS, Computed
from trialsim.study.bundles.machine import machine


def main(names: list[str]) -> int:
    chosen = [name for name in RUNS if not names or any(part in name for part in names)]
    found: dict[str, dict[str, Comparison]] = {name: {} for name in chosen}
    with TemporaryDirectory() as folder:
        own = computed_under(NATIVE, Path(folder) / "own", chosen)
        for imitation in IMITATIONS:
            theirs = computed_under(imitation, Path(folder) / imitation.name, chosen)
            for name in chosen:
                found[name][imitation.name] = compared(own[name], theirs[name])
                print(f"{imitation.name}: {name}: {found[name][imitation.name].in_words()}", flush=True)
    if not names:
        (ROOT / "docs" / "processors.md").write_text(page(found, machine()), encoding="utf-8")
    return int(any(one.letter == C for row in found.values() for one in row.values()))


def computed_under(imitation: Imitation, folder: Path, names: list[str]) -> dict[str, Computed]:
    """Return the tables of runs as a process computes them that believes to be on another processor."""
    command = [sys.executable, "-m", "tests.processors.compute", str(folder), *names]
    subprocess.run(command, cwd=ROOT, env=imitation.environment(), check=True)
    return {name: tables_in(folder / name) for name in names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
