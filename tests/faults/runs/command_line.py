"""The command line as a process of its own, on a small study that can be killed, stopped and starved."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROTOCOL = ROOT / "protocols" / "alzheimers_phase2.toml"
PATIENCE = 180
SIZING = (
    "[sizing]\npower = 0.90\ntrials = 8000\ncorrelation_discount = 0.9\nsmallest_worthwhile_saving = 0.02\n"
)
SCENARIOS = ("alternative", "null", "later_shift_null", "useless_twin", "useless_twin_null")
CELLS = len(SCENARIOS)
BLOCK = 10


class Study:
    """The default protocol made small, whose history is learnt already."""

    def __init__(self, folder: Path, cache: Path, replicates: int = 200, block: int = BLOCK) -> None:
        self.cache = cache
        self.protocol = folder / "study.toml"
        self.blocks = CELLS * (replicates // block)
        head, *scenarios = PROTOCOL.read_text(encoding="utf-8").split("[[scenarios]]")
        named = (re.search(r'name = "(\w+)"', one) for one in scenarios)
        kept = [one for one, name in zip(scenarios, named, strict=True) if name and name[1] in SCENARIOS]
        assert len(kept) == len(SCENARIOS)
        text = "[[scenarios]]".join([head, *kept])
        for old, new in (
            ("../cohorts", str(ROOT / "cohorts")),
            ("replicates = 4000", f"replicates = {replicates}"),
            ("block = 250", f"block = {block}"),
            ('kind = "card"\n', 'kind = "card"\nregister = 20000\n'),
            ("generated = 1000", "generated = 400"),
            # The size is given: a search for it would be made again by every run.
            ("seed = 20261121", "seed = 20261121\nparticipants = 120"),
            ("[borrowing]", ""),
            ("[card_sensitivity]", ""),
            (SIZING, ""),
        ):
            assert old in text
            text = text.replace(old, new)
        folder.mkdir(parents=True, exist_ok=True)
        self.protocol.write_text(text, encoding="utf-8")

    def arguments(self, output: Path, *options: str) -> list[str]:
        return [
            "run", str(self.protocol), "-o", str(output), "--cache", str(self.cache), "--quiet",
            "--workers", "1", *options,
        ]  # fmt: skip

    def start(
        self, output: Path, *options: str, prepare: Callable[[], None] = lambda: None, **environment: str
    ) -> subprocess.Popen[str]:
        def before() -> None:
            # A shell that runs the tests in the background has its children ignore interrupts: undo that.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            prepare()

        return subprocess.Popen(
            [sys.executable, "-m", "trialsim", *self.arguments(output, *options)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_COLOR": "1"} | environment,
            start_new_session=True,
            preexec_fn=before,
        )

    def finish(self, output: Path, *options: str, **environment: str) -> str:
        """Run to the end, and return the results hash."""
        process = self.start(output, *options, **environment)
        _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, error
        return results_hash(output)


def results_hash(output: Path) -> str:
    """Return the hash of a bundle that nothing is left beside."""
    (manifest,) = output.glob("*/manifest.json")
    assert [manifest.parent] == list(output.iterdir()), "something is left beside the bundle"
    return hash_in(manifest)


def hash_in(manifest: Path) -> str:
    return str(json.loads(manifest.read_text())["results"])


def finished_blocks(output: Path) -> list[Path]:
    return sorted(output.glob(".*.work/blocks/*/*.parquet"))


def wait_until(moment: Callable[[], object], process: subprocess.Popen[str]) -> bool:
    """Wait for a moment of a run; return whether it came before the run was over."""
    deadline = time.monotonic() + PATIENCE
    while not moment() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    return process.poll() is None


def kill_when(process: subprocess.Popen[str], moment: Callable[[], object]) -> bool:
    """Kill a run at a moment; return whether it came before the run was over."""
    alive = wait_until(moment, process)
    process.kill()
    process.communicate(timeout=PATIENCE)
    return alive


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(one) for one in file.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def assert_one_clear_error(process: subprocess.Popen[str], *words: str) -> str:
    """Check that a run ends with exit code 2 and one message that says certain words."""
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, (process.returncode, error)
    assert error.startswith("Error: "), error
    assert len(error.strip().splitlines()) == 1, error
    for word in words:
        assert word in error, error
    return error
