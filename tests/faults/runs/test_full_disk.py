"""A disk that fills up, for real: one clear error, nothing half-written, and the same hash once it is freed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.runs.command_line import (
    PATIENCE,
    Study,
    assert_one_clear_error,
    finished_blocks,
    wait_until,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
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


@pytest.fixture(scope="module")
def study(small, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("full-disk"), small.cache)


@pytest.fixture(scope="module")
def undisturbed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return study.finish(tmp_path_factory.mktemp("undisturbed") / "out")


def fill(file: Path, leave: int = 0) -> None:
    """Write until the disk is full, and give back so many bytes."""
    with suppress(OSError), file.open("wb", buffering=0) as handle:
        while True:
            handle.write(bytes(4096))
    with file.open("rb+") as handle:
        handle.truncate(max(file.stat().st_size - leave, 0))


def test_a_disk_that_fills_up_in_the_simulation(study: Study, small_disk: Path) -> None:
    output, filler = small_disk / "out", small_disk / "filler"
    process = study.start(output)
    assert wait_until(lambda: len(finished_blocks(output)) >= 3, process)
    fill(filler)
    assert_one_clear_error(process, "No space left", "free space")
    assert len(finished_blocks(output)) >= 3
    assert not [path for path in output.iterdir() if not path.name.startswith(".")]
    assert not list(output.glob(".*.work/bundle"))


@pytest.mark.slow
def test_a_disk_that_fills_up_at_any_step_of_writing(
    study: Study, undisturbed: str, small_disk: Path
) -> None:
    output, filler = small_disk / "out", small_disk / "filler"
    refused = 0
    for step in (
        "twins.csv",
        "rivals.csv",
        "operating_characteristics.csv",
        "decided_by.csv",
        "looks.csv",
    ):
        process = study.start(output)
        wait_until(
            lambda step=step: (
                list(output.glob(f".*.work/bundle/results/{step}")) or list(output.glob("*/manifest.json"))
            ),
            process,
        )
        fill(filler)
        if process.wait(PATIENCE) == 0:
            process.communicate()
            break
        assert_one_clear_error(process, "No space left", "free space", "run the same command again")
        assert len(finished_blocks(output)) == study.blocks
        assert [path.name[0] for path in output.iterdir()] == ["."]
        assert not list(output.glob(".*.work/bundle"))
        refused += 1
        filler.unlink()
    assert refused >= 1
    filler.unlink(missing_ok=True)
    assert study.finish(output) == undisturbed


@pytest.mark.slow
def test_a_disk_that_is_freed_lets_the_run_go_on(study: Study, undisturbed: str, small_disk: Path) -> None:
    output, filler = small_disk / "out", small_disk / "filler"
    process = study.start(output, "--workers", "2")
    assert wait_until(lambda: len(finished_blocks(output)) >= 3, process)
    fill(filler)
    assert_one_clear_error(process, "No space left")
    filler.unlink()
    assert study.finish(output) == undisturbed


@pytest.mark.slow
def test_a_full_disk_of_temporary_files(study: Study, undisturbed: str, small_disk: Path, tmp_path) -> None:
    """A little is left: where nothing is, Python takes another folder of temporary files by itself."""
    fill(small_disk / "filler", leave=100_000)
    output = tmp_path / "out"
    process = study.start(output, "--workers", "2", TMPDIR=str(small_disk))
    assert_one_clear_error(process, "cannot be written for the workers", "free space")
    assert not list(small_disk.glob("trialsim-*"))
    (small_disk / "filler").unlink()
    assert study.finish(output, "--workers", "2", TMPDIR=str(small_disk)) == undisturbed


@pytest.mark.slow
def test_a_disk_that_is_too_small_is_refused_before_the_simulation(small, small_disk: Path) -> None:
    study = Study(small_disk, small.cache, replicates=100_000)
    assert_one_clear_error(study.start(small_disk / "out"), "the disk is too small: the run needs about")
    assert not (small_disk / "out").exists()
