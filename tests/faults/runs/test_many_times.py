"""The same root, however a run is carried out and however often it is killed; long runs have `make qualify`."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.runs.command_line import PATIENCE, hash_in
from tests.small_trial import TRIAL

# Nothing is learnt: each run takes seconds, and a kill may fall into any part of it.
TEXT = TRIAL.format(effect=0.5, participants=80, seed=7)
TEXT = TEXT.replace("replicates = 400", "replicates = 3000").replace("block = 100", "block = 50")


class Runs:
    """Runs of one protocol, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.protocol = folder / "small.toml"
        self.protocol.write_text(TEXT)
        self.seconds = 6.0

    def start(self, output: Path, *options: str) -> subprocess.Popen[str]:
        command = ["run", str(self.protocol), "--quiet", "-o", str(output), *options]
        return subprocess.Popen(
            [sys.executable, "-m", "trialsim", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip

    def root(self, output: Path, *options: str) -> tuple[str, str]:
        """Run to the end; return root and results hash, and leave nothing."""
        process = self.start(output, *options)
        _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, error
        return self.read(output)

    def read(self, output: Path) -> tuple[str, str]:
        (manifest,) = output.glob("*/manifest.json")
        assert [manifest.parent] == list(output.iterdir()), "something is left beside the bundle"
        found = str(json.loads(manifest.read_text())["root"]), hash_in(manifest)
        shutil.rmtree(output)
        return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def expected(runs: Runs) -> tuple[str, str]:
    began = time.monotonic()
    found = runs.root(runs.folder / "expected", "--workers", "1")
    # On a slow machine runs are killed later, so that some of them reach their end.
    runs.seconds = 1.2 * (time.monotonic() - began)
    return found


def places(number: int) -> list[tuple[str, ...]]:
    """Return so many ways to carry a run out: workers 1 to 4 with joblib, and on a Dask cluster, by turns."""
    ways = [
        ("--workers", str(workers), *scheduler)
        for workers, scheduler in itertools.product((1, 2, 3, 4), ((), ("--scheduler", "local")))
        if not (scheduler and workers == 1)
    ]
    return [ways[turn % len(ways)] for turn in range(number)]


@pytest.mark.slow
def test_fifty_runs_over_workers_and_back_ends_have_one_root(runs: Runs, expected: tuple[str, str]) -> None:
    found = [runs.root(runs.folder / f"way{turn}", *way) for turn, way in enumerate(places(50))]
    assert set(found) == {expected}


def kills(runs: Runs, expected: tuple[str, str], number: int, seed: int) -> int:
    """Kill runs at random moments until `number` were alive when they were killed; return how many finished."""
    chance, killed, finished = random.Random(seed), 0, 0
    while killed < number:
        output, options = runs.folder / f"kill{finished}", chance.choice(places(4))
        while True:
            process = runs.start(output, *options)
            time.sleep(chance.uniform(0.2, runs.seconds))
            alive = process.poll() is None
            process.kill()
            _, error = process.communicate(timeout=PATIENCE)
            killed += alive
            if not alive:
                assert process.returncode == 0, error
                break
            if killed >= number:
                process = runs.start(output, *options)
                _, error = process.communicate(timeout=PATIENCE)
                assert process.returncode == 0, error
                break
        assert runs.read(output) == expected
        finished += 1
    return finished


@pytest.mark.slow
def test_two_hundred_kills_leave_the_same_root(runs: Runs, expected: tuple[str, str]) -> None:
    assert kills(runs, expected, 200, seed=41) >= 1


def test_a_few_kills_leave_the_same_root(runs: Runs, expected: tuple[str, str]) -> None:
    assert kills(runs, expected, 3, seed=42) >= 1
