"""A finished block is kept, trusted only while its hash holds, and never computed or counted twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.small_study import Job
from trialsim.errors import BundleError, TrialsimWarning
from trialsim.study import Checkpoints, ReplicateRecorder
from trialsim.study import run_cells as simulate
from trialsim.study.declared import DeclaredCell, DeclaredSums
from trialsim.study.running import BlockResult, InProcess, checkpoint_key
from trialsim.study.running.backend import Task

KEY = "0123456789abcdef0123"


class Counting(InProcess):
    """Computes in this process, and remembers what it was asked for."""

    def run(self, job: Job, tasks: Iterable[Task]) -> Iterator[BlockResult]:
        asked: list[tuple[str, int]] = []
        object.__setattr__(self, "asked", asked)

        def compute(task: Task) -> BlockResult:
            asked.append((task[0].name, task[1]))
            return job.compute(task)

        return map(compute, tasks)


@pytest.fixture(scope="module")
def cells(planned: tuple[DeclaredCell, ...]) -> tuple[DeclaredCell, ...]:
    return tuple(replace(one, replicates=130, block=50) for one in planned[:2])


@pytest.fixture
def kept(job: Job, cells: tuple[DeclaredCell, ...], tmp_path: Path) -> Path:
    simulate(job, cells, checkpoints=Checkpoints(tmp_path / "blocks", KEY))
    return tmp_path / "blocks"


def test_a_block_comes_back_as_it_was(job, cells, tmp_path: Path) -> None:
    block = job.compute((cells[0], 1))
    Checkpoints(tmp_path / "blocks", KEY).save(block)
    again = Checkpoints(tmp_path / "blocks", KEY).load(block.cell, block.index, DeclaredSums)
    assert again is not None
    assert again.sums == block.sums
    pd.testing.assert_frame_equal(again.rows, block.rows, check_exact=True)


def test_a_resumed_run_computes_nothing_and_writes_the_same_bytes(job, cells, kept, tmp_path) -> None:
    backend = Counting()
    written = {}
    for name, checkpoints in (("fresh", None), ("resumed", Checkpoints(kept, KEY))):
        with ReplicateRecorder(tmp_path / name) as recorder:
            written[name] = simulate(job, cells, backend, record=recorder, checkpoints=checkpoints)
    assert backend.asked == []
    assert written["fresh"] == written["resumed"]
    for path in (tmp_path / "fresh").iterdir():
        assert path.read_bytes() == (tmp_path / "resumed" / path.name).read_bytes()


def test_only_missing_blocks_are_computed(job, cells, kept) -> None:
    whole = simulate(job, cells)
    gone = [next(kept.rglob(f"{cells[0].name}-000001-*")), next(kept.rglob(f"{cells[1].name}-000002-*"))]
    for path in gone:
        path.unlink()
    backend = Counting()
    assert simulate(job, cells, backend, checkpoints=Checkpoints(kept, KEY)) == whole
    assert backend.asked == [(cells[0].name, 1), (cells[1].name, 2)]
    assert len(list(kept.rglob("*.parquet"))) == 6


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_corrupt_block_is_named_quarantined_and_computed_again(job, cells, kept, damage: str) -> None:
    whole = simulate(job, cells)
    path = next(kept.rglob(f"{cells[1].name}-000000-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"flip": bytes(content), "cut": bytes(content[:100]), "empty": b""}[damage])
    backend = Counting()
    with pytest.warns(TrialsimWarning, match=rf"{cells[1].name}-000000 is corrupt"):
        checkpoints = Checkpoints(kept, KEY)
    assert simulate(job, cells, backend, checkpoints=checkpoints) == whole
    assert backend.asked == [(cells[1].name, 0)]
    assert [one.name for one in (kept.parent / "quarantine").iterdir()] == [path.name]


def test_a_block_that_is_damaged_while_the_run_goes_on(job, cells, kept) -> None:
    whole = simulate(job, cells)
    checkpoints = Checkpoints(kept, KEY)
    path = next(kept.rglob(f"{cells[0].name}-000001-*"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(TrialsimWarning, match="is corrupt"):
        again = simulate(job, cells, checkpoints=checkpoints)
    assert again == whole


def test_blocks_of_other_inputs_and_half_written_ones_are_removed(job, cells, kept) -> None:
    (next(kept.iterdir()) / f".{cells[0].name}-000009").write_bytes(b"half")
    assert len(Checkpoints(kept, KEY)) == 6
    assert not list(kept.rglob(".*"))
    assert len(Checkpoints(kept, "another key, of twenty")) == 0
    assert not list(kept.rglob("*.parquet"))


def test_the_key_changes_with_every_input_and_with_the_plan(cells) -> None:
    inputs = {"protocol": "a", "posterior": "b"}
    key = checkpoint_key(inputs, cells)
    assert key == checkpoint_key(dict(reversed(inputs.items())), cells)
    others = [
        checkpoint_key(inputs | {"posterior": "c"}, cells),
        checkpoint_key(inputs, cells[:1]),
        checkpoint_key(inputs, [replace(cells[0], block=51), cells[1]]),
    ]
    assert len({key, *others}) == 4


def test_a_folder_that_cannot_be_written_is_one_clear_error(job, cells, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "blocks", KEY)
    (tmp_path / "blocks").write_text("a file in the way")
    with pytest.raises(BundleError, match="finished block cannot be written"):
        simulate(job, cells, checkpoints=checkpoints)


def test_sums_are_stored_to_the_last_digit(job, cells, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    block = job.compute((cells[0], 0))
    Checkpoints(tmp_path / "blocks", KEY).save(block)
    metadata = pq.read_schema(next((tmp_path / "blocks").rglob("*.parquet"))).metadata
    sums = json.loads(metadata[b"trialsim.sums"])
    assert sums["tallies"]["ancova"]["deviation_4"] == block.sums.tallies["ancova"].deviation_4
