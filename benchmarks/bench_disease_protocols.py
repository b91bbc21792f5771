"""How long each example protocol of a disease model takes from the command line, with twins and report."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench_main_job import CORES, ROOT, run
from benchmarks.figure import Figure

REPLICATES, SECONDS = 2_000, 120.0


def protocols() -> list[Path]:
    """Return the example protocols whose outcomes come from a disease model, by name."""
    found = []
    for path in sorted((ROOT / "protocols").glob("*.toml")):
        tables = tomllib.loads(path.read_text())
        if any(one.get("course", {}).get("kind") == "model" for one in tables["endpoints"]):
            found.append(path)
    return found


def disease_protocols() -> Iterator[Figure]:
    """Wall seconds of each at 2,000 replicates, one after another, without a cached posterior."""
    for path in protocols():
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu, memory = run(
                "run", str(path), "--quiet", "--replicates", str(REPLICATES), "--cache", f"{folder}/cache",
                "-o", f"{folder}/reports",
            )  # fmt: skip
        limit = f"{CORES} cores; CPU {cpu:.0f} s; {memory:.1f} GB"
        yield Figure(f"disease_protocols: {path.stem}", wall, "s", goal=SECONDS, at_most=True, limit=limit)


BENCHMARKS = {"disease_protocols": disease_protocols}
