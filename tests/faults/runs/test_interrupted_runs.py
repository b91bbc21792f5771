"""A run that is killed or stopped at any moment: the same command then gives the same results hash."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.runs.command_line import (
    PATIENCE,
    Study,
    descendants,
    finished_blocks,
    hash_in,
    is_alive,
    kill_when,
    results_hash,
    wait_until,
)

PLACES = {
    "one process": (),
    "workers": ("--workers", "2"),
    "dask": ("--workers", "2", "--scheduler", "local"),
}


@pytest.fixture(scope="module")
def study(small, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("interrupted"), small.cache)


@pytest.fixture(scope="module")
def undisturbed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return study.finish(tmp_path_factory.mktemp("undisturbed") / "out")


def swap(first: Path, second: Path) -> None:
    """Swap what two files are called, but for the hash in their names."""
    names = [path.stem.rpartition("-") for path in (first, second)]
    spare = first.rename(first.with_name("spare"))
    second.rename(second.with_name(f"{names[0][0]}-{names[1][2]}.parquet"))
    spare.rename(first.with_name(f"{names[1][0]}-{names[0][2]}.parquet"))


def test_killed_twice_and_with_corrupt_blocks_then_finished(study: Study, undisturbed: str, tmp_path) -> None:
    output = tmp_path / "out"
    assert kill_when(study.start(output), lambda: len(finished_blocks(output)) >= 5)
    assert 5 <= len(finished_blocks(output)) < study.blocks
    assert kill_when(study.start(output), lambda: list(output.glob(".*.work/bundle/results/*.csv")))
    assert not list(output.glob("*/manifest.json"))
    blocks = finished_blocks(output)
    assert len(blocks) == study.blocks
    blocks[3].write_bytes(blocks[3].read_bytes()[:-1])
    swap(blocks[7], blocks[90])
    process = study.start(output)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    damaged = [blocks[position].stem.rpartition("-")[0] for position in (3, 7, 90)]
    warnings = said.strip().splitlines()
    assert len(warnings) == len(damaged)
    for name in damaged:
        assert sum(f"Warning: the finished block {name} is corrupt" in one for one in warnings) == 1
    (manifest,) = output.glob("*/manifest.json")
    assert hash_in(manifest) == undisturbed
    left = [path for path in output.rglob("*") if ".work" in str(path) and path.is_file()]
    assert len([path for path in left if path.parent.name == "quarantine"]) == len(damaged)
    assert finished_blocks(output) == []


def test_ctrl_c_keeps_what_is_finished_and_says_so(study: Study, tmp_path) -> None:
    output = tmp_path / "out"
    process = study.start(output, *PLACES["workers"])
    assert wait_until(lambda: len(finished_blocks(output)) >= 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    kept = len(finished_blocks(output))
    assert error.strip() == f"Stopped. {kept} finished blocks are kept: the same command goes on from there."


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_at_any_stage_is_a_clean_stop(study: Study, undisturbed: str, tmp_path, place: str) -> None:
    """Pressed twice, by an impatient hand, at every half second of a run."""
    chance = random.Random(20261121)
    output, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    for half_seconds in range(1, 24):
        process = study.start(output, *PLACES[place], TMPDIR=str(temporary))
        end = time.monotonic() + 0.5 * half_seconds
        if not wait_until(lambda end=end: time.monotonic() > end, process):
            process.communicate()
            break
        started = descendants(process.pid)
        for _ in range(2):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            time.sleep(chance.uniform(0.05, 0.4))
        pressed = time.monotonic()
        _, error = process.communicate(timeout=PATIENCE)
        if process.returncode == 0 and list(output.glob("*/manifest.json")):
            assert time.monotonic() - pressed < 3, "Ctrl-C was not heard"
            break
        assert process.returncode == 130, (process.returncode, error)
        assert len(error.strip().splitlines()) == 1, error
        assert error.strip().startswith("Stopped."), error
        time.sleep(1.0)
        assert not [pid for pid in started if is_alive(pid)]
        assert not list(temporary.glob("trialsim-*"))
    assert study.finish(output) == undisturbed


@pytest.mark.slow
def test_two_runs_of_one_study_do_not_meet(study: Study, tmp_path) -> None:
    output = tmp_path / "out"
    first = study.start(output)
    assert wait_until(lambda: list(output.glob(".*.work/lock")), first)
    second = study.start(output)
    _, error = second.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "being written by another run" in error
    assert first.poll() is None
    first.kill()
    first.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_many_moments_then_finished(study: Study, undisturbed: str, tmp_path, place: str) -> None:
    chance = random.Random(20261121)
    output, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    started: list[int] = []
    for _ in range(12):
        process = study.start(output, *PLACES[place], TMPDIR=str(temporary))
        end = time.monotonic() + chance.uniform(1.0, 10.0)
        wait_until(lambda end=end: time.monotonic() > end, process)
        started += descendants(process.pid)
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert study.finish(output, *PLACES[place], TMPDIR=str(temporary)) == undisturbed
    time.sleep(2.0)
    assert not [pid for pid in started if is_alive(pid)], "workers outlive the run that started them"
    if place == "workers":
        assert not list(temporary.glob("trialsim-*")), "temporary files outlive the next run"


STEPS = {
    "results": ".*.work/bundle/results/twins.csv",
    "looks": ".*.work/bundle/results/looks.csv",
    "examples": ".*.work/bundle/examples",
    "report": ".*.work/bundle/report.html",
    "manifest": ".*.work/bundle/manifest.json",
    "sealed": "*/manifest.json",
}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_step_of_writing(study: Study, undisturbed: str, tmp_path, step: str) -> None:
    output = tmp_path / "out"
    kill_when(study.start(output), lambda: list(output.glob(STEPS[step])))
    assert study.finish(output) == undisturbed


@pytest.mark.slow
def test_killed_while_an_earlier_bundle_is_replaced(study: Study, undisturbed: str, tmp_path) -> None:
    """The bundle of the same name, made before, is there or is replaced; it is never lost."""
    output = tmp_path / "out"
    assert study.finish(output) == undisturbed
    for pattern in (".*.work/blocks/*/*.parquet", ".*.work/bundle/manifest.json", ".*.work/replaced"):
        kill_when(study.start(output), lambda pattern=pattern: list(output.glob(pattern)))
        places = [*output.glob("*/manifest.json"), *output.glob(".*.work/replaced/manifest.json")]
        assert undisturbed in [hash_in(one) for one in places if ".work" not in one.parts[-2]]
    assert study.finish(output) == undisturbed
    assert results_hash(output) == undisturbed
