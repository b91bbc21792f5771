"""What a simulation will take, from one block that is timed beforehand."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from shutil import disk_usage
from typing import Any

import numpy as np

from trialsim.errors import BundleError
from trialsim.study.backend import BLOCKS_A_WORKER, InProcess
from trialsim.study.work import PlannedCell, Work

MEGABYTE = 1e6
# Interpreter and libraries without any data: of the first process, and of a worker, which shares some.
PROCESS_BYTES = 380 * MEGABYTE
WORKER_BYTES = 250 * MEGABYTE
# Copies of the largest array that simulating and analysing a block makes: 2.6 measured.
ARRAYS_A_BLOCK = 4
# Each replicate is written twice, as a checkpoint and to its cell's file, and a Parquet file has a footer.
BYTES_A_ROW = 2 * 180
BYTES_A_BLOCK = 2 * 12_000
BUNDLE_BYTES = 12 * MEGABYTE
PROBE_REPLICATES = 100
PROBES = 3
# What one process does beside computing: start its workers, and check, write and record every block.
START_SECONDS = 3.0
SECONDS_A_BLOCK = 0.006


@dataclass(frozen=True)
class WorkEstimate:
    """What a simulation will take.

    Parameters
    ----------
    trials, blocks : int
        Replicate trials, at most, and the blocks that they come in.
    workers : int
        Processes.
    seconds : float
        Wall time if every worker has a core to itself.
    memory, disk : float
        Bytes in use at a time, over all processes; bytes written, checkpoints included.
    """

    trials: int
    blocks: int
    workers: int
    seconds: float
    memory: float
    disk: float

    def in_words(self) -> str:
        """Return the estimate as one sentence."""
        minutes = self.seconds / 60
        wall = f"{self.seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"
        return (
            f"{self.trials:,} trials in {self.blocks:,} blocks: about {wall} with {self.workers} "
            f"worker{'s' * (self.workers > 1)}, {self.memory / 1e9:.1f} GB of memory, "
            f"{self.disk / MEGABYTE:,.0f} MB of disk"
        )

    def check_disk(self, folder: Path) -> None:
        """Refuse a folder whose disk is too small.

        Raises
        ------
        BundleError
            Names what is needed and what is free.
        """
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = disk_usage(existing).free
        if free < self.disk:
            raise BundleError(
                f"the disk is too small: the run needs about {self.disk / MEGABYTE:,.0f} MB, and "
                f"{free / MEGABYTE:,.0f} MB are free",
                file=folder,
                mend="free space, choose another --output, or ask for fewer replicates",
            )


def estimate_work(work: Work, cells: Iterable[PlannedCell], workers: int) -> WorkEstimate:
    """Estimate time, memory and disk of a simulation; one small block is computed to time it.

    Parameters
    ----------
    work : Work
        What the blocks share.
    cells : iterable of PlannedCell
        The plan; cells with a stopping rule count with the most that they may take.
    workers : int
        Processes.
    """
    cells = tuple(cells)
    largest = max(cells, key=lambda cell: cell.participants)
    second = _seconds_a_participant(work, largest)
    trials = sum(cell.replicates for cell in cells)
    blocks = sum(len(cell.blocks) for cell in cells)
    participants = sum(cell.replicates * cell.participants for cell in cells)
    block_bytes = ARRAYS_A_BLOCK * 8 * largest.block * largest.participants * work.values_a_participant
    large = sum(
        np.asarray(getattr(part, field.name)).nbytes for part in work.large_parts() for field in fields(part)
    )
    processes = PROCESS_BYTES + (workers > 1) * workers * WORKER_BYTES
    in_flight = blocks and BLOCKS_A_WORKER * workers * largest.block * BYTES_A_ROW
    return WorkEstimate(
        trials=trials,
        blocks=blocks,
        workers=workers,
        seconds=(workers > 1) * START_SECONDS + second * participants / workers + SECONDS_A_BLOCK * blocks,
        memory=processes + workers * block_bytes + 2 * large + in_flight,
        disk=trials * BYTES_A_ROW + blocks * BYTES_A_BLOCK + BUNDLE_BYTES,
    )


def _seconds_a_participant(work: Work, cell: Any) -> float:
    """Return the time of one participant in one trial: the least of some, after one that only warms up."""
    size = min(PROBE_REPLICATES, cell.replicates)
    probe = replace(cell, replicates=size, block=size, rule=None)
    seconds = []
    for _ in range(1 + PROBES):
        start = time.perf_counter()
        next(InProcess().run(work, [(probe, 0)]))
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]) / (size * cell.participants)
