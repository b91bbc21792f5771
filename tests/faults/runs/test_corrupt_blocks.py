"""Blocks whose files were damaged, swapped or renamed: named, set aside, computed again, and counted once."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.small_study import Job
from trialsim.errors import TrialsimWarning
from trialsim.study import Checkpoints
from trialsim.study import run_cells as simulate
from trialsim.study.declared import DeclaredCell, DeclaredSums

KEY = "0123456789abcdef0123"


@pytest.fixture(scope="module")
def cells(planned: tuple[DeclaredCell, ...]) -> tuple[DeclaredCell, ...]:
    return tuple(replace(one, replicates=90, block=30) for one in planned[:2])


@pytest.fixture(scope="module")
def whole(job: Job, cells: tuple[DeclaredCell, ...]) -> list[DeclaredSums]:
    return simulate(job, cells)


@pytest.fixture(scope="module")
def undamaged(job: Job, cells: tuple[DeclaredCell, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undamaged") / "blocks"
    simulate(job, cells, checkpoints=Checkpoints(folder, KEY))
    return folder


def file_of(folder: Path, cell: DeclaredCell, index: int) -> Path:
    return next(folder.rglob(f"{cell.name}-{index:06d}-*.parquet"))


def renamed(path: Path, cell: DeclaredCell, index: int) -> Path:
    """Return the path under the name of another block, with its own hash."""
    return path.with_name(f"{cell.name}-{index:06d}-{path.stem.rpartition('-')[2]}.parquet")


def flip(first: Path, second: Path) -> None:
    content = bytearray(first.read_bytes())
    content[-5] ^= 1
    first.write_bytes(content)


def truncate(first: Path, second: Path) -> None:
    first.write_bytes(first.read_bytes()[:-1])


def empty(first: Path, second: Path) -> None:
    first.write_bytes(b"")


def append(first: Path, second: Path) -> None:
    first.write_bytes(first.read_bytes() + b"\0")


def swap_contents(first: Path, second: Path) -> None:
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def swap_names(first: Path, second: Path) -> None:
    """Swap cell and index, and leave every file with the hash of its own bytes."""
    one, other = (part.rpartition("-") for part in (first.stem, second.stem))
    spare = first.with_name("spare")
    first.rename(spare)
    second.rename(second.with_name(f"{one[0]}-{other[2]}.parquet"))
    spare.rename(first.with_name(f"{other[0]}-{one[2]}.parquet"))


def double(first: Path, second: Path) -> None:
    """Put a copy of one block in the place of another."""
    second.unlink()
    block, _, _ = second.stem.rpartition("-")
    shutil.copy(first, second.with_name(f"{block}-{first.stem.rpartition('-')[2]}.parquet"))


def folder_in_its_place(first: Path, second: Path) -> None:
    first.unlink()
    first.mkdir()


def no_block_at_all(first: Path, second: Path) -> None:
    first.rename(first.with_name("notes.parquet"))


DAMAGE = {
    flip: ["first"],
    truncate: ["first"],
    empty: ["first"],
    append: ["first"],
    swap_contents: ["first", "second"],
    swap_names: ["first", "second"],
    double: ["second"],
    folder_in_its_place: ["first"],
    no_block_at_all: ["notes"],
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("apart", ["blocks of one cell", "cells"])
def test_a_damaged_block_is_named_set_aside_and_computed_again(
    job, cells, whole, undamaged: Path, tmp_path: Path, damage: Callable[[Path, Path], None], apart: str
) -> None:
    folder = tmp_path / "blocks"
    shutil.copytree(undamaged, folder)
    blocks = {
        "first": (cells[0], 1),
        "second": (cells[0], 2) if apart == "blocks of one cell" else (cells[1], 1),
    }
    damage(*(file_of(folder, *block) for block in blocks.values()))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", TrialsimWarning)
        again = simulate(job, cells, checkpoints=Checkpoints(folder, KEY))
    assert again == whole
    named = {"notes": "notes"} | {key: f"{cell.name}-{index:06d}" for key, (cell, index) in blocks.items()}
    messages = sorted(str(one.message).split(" is corrupt")[0] for one in said)
    assert messages == sorted(f"the finished block {named[key]}" for key in DAMAGE[damage])
    assert len(list((tmp_path / "quarantine").iterdir())) == len(DAMAGE[damage])
    assert len(Checkpoints(folder, KEY)) == 6
    assert simulate(job, cells, checkpoints=Checkpoints(folder, KEY)) == whole


def test_blocks_of_another_study_are_not_taken_for_ours(job, cells, whole, undamaged, tmp_path) -> None:
    other = "0123456789abcdef" + "another study, whose folder has the same short name"
    shutil.copytree(undamaged, tmp_path / "blocks")
    with pytest.warns(TrialsimWarning, match="is corrupt"):
        checkpoints = Checkpoints(tmp_path / "blocks", other)
    assert len(checkpoints) == 0
    assert simulate(job, cells, checkpoints=checkpoints) == whole
