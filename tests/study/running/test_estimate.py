"""What a simulation will take is told beforehand, and a disk that is too small is refused."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.errors import BundleError
from trialsim.study import Checkpoints, ReplicateRecorder, estimate_work
from trialsim.study import run_cells as simulate
from trialsim.study.running import BlockResult, WorkEstimate
from trialsim.study.running import estimate as module
from trialsim.study.running.estimate import BUNDLE_BYTES


def test_disk_is_enough_and_not_far_too_much(job, planned, tmp_path: Path) -> None:
    cells = list(planned[:3])
    told = estimate_work(job, cells, 1)
    checkpoints = Checkpoints(tmp_path / "blocks", "k" * 20)
    with ReplicateRecorder(tmp_path / "results") as recorder:
        simulate(job, cells, record=recorder, checkpoints=checkpoints)
    used = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert used < told.disk - BUNDLE_BYTES < 3 * used


def test_a_resumed_run_asks_only_for_what_is_left(job, planned, tmp_path: Path) -> None:
    cells = list(planned[:3])
    asked = estimate_work(job, cells, 1)
    simulate(job, cells[:2], checkpoints=Checkpoints(tmp_path / "blocks", "k" * 20))
    finished = Checkpoints(tmp_path / "blocks", "k" * 20)
    resumed = estimate_work(job, cells, 1, finished.names())
    assert (resumed.trials, resumed.blocks, resumed.finished) == (600, 3, 6)
    assert "600 trials in 3 blocks beside 6 finished ones: about" in resumed.in_words()
    there = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert there < asked.disk - resumed.disk < 2 * there
    with ReplicateRecorder(tmp_path / "results") as recorder:
        simulate(job, cells, record=recorder, checkpoints=finished)
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet")) - there
    assert written < resumed.disk - BUNDLE_BYTES < 3 * written


def test_the_same_run_asks_for_less_where_blocks_are_finished(job, planned, tmp_path: Path) -> None:
    cells = planned[:2]

    def stop_half_way(block: BlockResult[Any]) -> None:
        if (block.cell, block.index) == (cells[1].name, 1):
            raise KeyboardInterrupt

    first = estimate_work(job, cells, 1, Checkpoints(tmp_path, "k" * 20).names())
    with pytest.raises(KeyboardInterrupt):
        simulate(job, cells, checkpoints=Checkpoints(tmp_path, "k" * 20), record=stop_half_way)
    kept = len(list(tmp_path.rglob("*.parquet")))
    second = estimate_work(job, cells, 1, Checkpoints(tmp_path, "k" * 20).names())
    assert (first.finished, second.finished, second.blocks) == (0, kept, first.blocks - kept)
    assert 0 < kept < first.blocks
    assert second.disk < first.disk


def test_it_counts_the_plan(job, planned) -> None:
    cells = list(planned[:3])
    one, two = estimate_work(job, cells, 1), estimate_work(job, [*cells, *cells], 2)
    assert (one.trials, one.blocks, two.trials, two.blocks) == (1800, 9, 3600, 18)
    assert two.memory > one.memory
    assert two.disk - BUNDLE_BYTES == pytest.approx(2 * (one.disk - BUNDLE_BYTES))
    assert "1,800 trials in 9 blocks: about" in one.in_words()


def test_a_block_alone_decides_the_memory_not_the_replicates(job, planned) -> None:
    cell = planned[0]
    few, many = (
        estimate_work(job, [replace(cell, replicates=n, block=250)], 2).memory for n in (1_000, 1_000_000)
    )
    assert many == pytest.approx(few, rel=0.02)


def test_the_memory_that_this_process_holds_already_is_part_of_it(job, planned) -> None:
    cell = planned[0]
    before = estimate_work(job, [cell], 1).memory
    held = np.ones(25_000_000)
    assert estimate_work(job, [cell], 1).memory - before > 0.9 * held.nbytes


def test_a_disk_that_is_too_small_is_refused_politely(monkeypatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("trialsim.study.running.estimate.disk_usage", lambda path: usage(1, 1, 5_000_000))
    told = WorkEstimate(trials=1, blocks=1, workers=1, seconds=1.0, memory=1.0, disk=6_000_000.0)
    with pytest.raises(BundleError, match="needs about 6 MB, and 5 MB are free"):
        told.check_disk(tmp_path / "not" / "yet" / "there")
    replace(told, disk=4e6).check_disk(tmp_path)


@pytest.mark.parametrize(("longest", "blocks"), [(0.0, 2), (1e9, 4)])
def test_a_slow_block_is_computed_no_more_often_than_needed(
    job, planned, monkeypatch, longest: float, blocks: int
) -> None:
    computed = []

    class Counted(module.InProcess):
        def run(self, work, blocks):
            computed.append(blocks)
            return super().run(work, blocks)

    monkeypatch.setattr(module, "InProcess", Counted)
    monkeypatch.setattr(module, "PROBE_SECONDS", longest)
    estimate_work(job, [planned[0]], 1)
    assert len(computed) == blocks
