"""A run that is killed, starved of disk or stopped: the same command then gives the same results hash."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "protocols" / "alzheimers_phase2.toml"
PATIENCE = 120


class Study:
    """The default protocol made small, run by the command line on a history that is learnt already."""

    def __init__(self, folder: Path, cache: Path, replicates: int = 600) -> None:
        self.folder, self.cache = folder, cache
        self.protocol = folder / "study.toml"
        text = PROTOCOL.read_text(encoding="utf-8")
        for old, new in (
            ("../cohorts", str(ROOT / "cohorts")),
            ("replicates = 10000", f"replicates = {replicates}"),
            ("block = 250", "block = 20"),
            ("register_size = 100000", "register_size = 4000"),
            ("participants = 1000", "participants = 400"),
        ):
            assert old in text
            text = text.replace(old, new)
        folder.mkdir(parents=True, exist_ok=True)
        self.protocol.write_text(text, encoding="utf-8")

    def start(self, output: Path, *options: str) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "trialsim", "run", str(self.protocol), "-o", str(output),
            "--cache", str(self.cache), "--quiet", "--workers", "1", *options,
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
            start_new_session=True,
            # A shell that runs the tests in the background has its children ignore interrupts: undo that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self, output: Path, *options: str) -> str:
        process = self.start(output, *options)
        _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, error
        return results_hash(output)


def results_hash(output: Path) -> str:
    (manifest,) = output.glob("*/manifest.json")
    assert [path.parent for path in output.glob("*/manifest.json")] == [
        path for path in output.iterdir() if path.is_dir()
    ], "something is left beside the bundle"
    return str(json.loads(manifest.read_text())["results"])


def kill_when(process: subprocess.Popen[str], moment: Callable[[], bool]) -> bool:
    """Kill a run at a moment; return whether it came before the run was over."""
    deadline = time.monotonic() + PATIENCE
    while not moment() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    alive = process.poll() is None
    process.kill()
    process.communicate(timeout=PATIENCE)
    return alive


def finished_blocks(output: Path) -> int:
    return len(list(output.glob(".*.work/blocks/*/*.parquet")))


@pytest.fixture(scope="module")
def study(small, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("interrupted"), small.cache)


@pytest.fixture(scope="module")
def undisturbed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return study.finish(tmp_path_factory.mktemp("undisturbed") / "out")


def test_killed_in_simulation_and_in_writing_then_finished(study: Study, undisturbed: str, tmp_path) -> None:
    output = tmp_path / "out"
    assert kill_when(study.start(output), lambda: finished_blocks(output) >= 5)
    kept = finished_blocks(output)
    assert kept >= 5
    assert kill_when(study.start(output), lambda: bool(list(output.glob(".*.work/bundle/results/*.json"))))
    designs, scenarios, blocks = 5, 8, 30
    # The alternative and the null are simulated at every design, each other scenario at one.
    assert finished_blocks(output) == (2 * designs + scenarios - 2) * blocks
    assert not list(output.glob("*/manifest.json"))
    assert study.finish(output) == undisturbed


def test_ctrl_c_keeps_what_is_finished_and_says_so(study: Study, undisturbed: str, tmp_path) -> None:
    output = tmp_path / "out"
    process = study.start(output, "--workers", "2")
    deadline = time.monotonic() + PATIENCE
    while finished_blocks(output) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert error.strip() == (
        f"Stopped. {finished_blocks(output)} finished blocks are kept: the same command goes on from there."
    )
    assert study.finish(output) == undisturbed


def test_two_runs_of_one_study_do_not_meet(study: Study, tmp_path) -> None:
    output = tmp_path / "out"
    first = study.start(output)
    deadline = time.monotonic() + PATIENCE
    while not list(output.glob(".*.work/lock")) and time.monotonic() < deadline:
        time.sleep(0.01)
    second = study.start(output)
    _, error = second.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "being written by another run" in error
    assert first.poll() is None
    first.kill()
    first.communicate()


@pytest.fixture
def small_disk(tmp_path: Path):
    """Mount a file system of 60 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs mount")
    if done.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as handle:
        while True:
            handle.write(bytes(4096))


def test_a_disk_that_fills_up_is_one_clear_error_and_can_be_mended(
    study: Study, undisturbed: str, small_disk: Path
) -> None:
    output = small_disk / "out"
    process = study.start(output)
    deadline = time.monotonic() + PATIENCE
    while finished_blocks(output) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    filler = small_disk / "filler"
    fill(filler)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert error.count("Error:") == 1
    assert "Traceback" not in error
    assert "No space left" in error
    assert "free space" in error
    assert finished_blocks(output) >= 3
    filler.unlink()
    assert study.finish(output) == undisturbed


def test_a_disk_that_is_too_small_is_refused_before_the_simulation(small, small_disk: Path) -> None:
    study = Study(small_disk, small.cache, replicates=100_000)
    process = study.start(small_disk / "out")
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "the disk is too small: the run needs about" in error
    assert not (small_disk / "out").exists()


@pytest.mark.slow
def test_killed_at_many_moments_then_finished(study: Study, undisturbed: str, tmp_path) -> None:
    chance = random.Random(20261121)
    output = tmp_path / "out"
    for _ in range(12):
        process = study.start(output)
        end = time.monotonic() + chance.uniform(1.0, 12.0)
        kill_when(process, lambda end=end: time.monotonic() > end)
    assert study.finish(output) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["results", "examples", "report.html", "manifest.json", "sealed"])
def test_killed_at_every_step_of_writing(study: Study, undisturbed: str, tmp_path, mark: str) -> None:
    output = tmp_path / "out"
    patterns = {"sealed": "*/manifest.json"}
    pattern = patterns.get(mark, f".*.work/bundle/{mark}")
    kill_when(study.start(output), lambda: bool(list(output.glob(pattern))))
    assert study.finish(output) == undisturbed
