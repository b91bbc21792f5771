"""What a simulation will take, from one block that is timed beforehand."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from shutil import disk_usage
from typing import Any

import numpy as np

from trialsim.errors import BundleError
from trialsim.notebook import InNotebook
from trialsim.study.running.backend import BLOCKS_A_WORKER, InProcess
from trialsim.study.running.work import PlannedCell, Work

MEGABYTE = 1e6
# Interpreter, libraries and kernels, where the system does not tell what this process holds by now.
PROCESS_BYTES = 400 * MEGABYTE
# What it comes to hold beside blocks: kernels of other cells, tables and the report; 60 to 150 MB measured.
LATER_BYTES = 150 * MEGABYTE
# A worker without any data, but for the libraries that it shares: 190 MB measured with a block.
WORKER_BYTES = 200 * MEGABYTE
# Copies of the largest array that simulating and analysing a block makes: 2.6 measured.
ARRAYS_A_BLOCK = 3
# A row in a file over a row in memory, and what a Parquet file says of each column.
FILE_OVER_MEMORY = 1.2
BYTES_A_COLUMN = 600
BUNDLE_BYTES = 12 * MEGABYTE
PROBE_REPLICATES = 100
PROBES = 3
# A block that takes long is measured well enough by one.
PROBE_SECONDS = 5.0
# What one process does beside computing: start its workers, and check, write and record every block.
START_SECONDS = 3.0
SECONDS_A_BLOCK = 0.006


@dataclass(frozen=True)
class WorkEstimate(InNotebook):
    """What a simulation will take.

    Parameters
    ----------
    trials, blocks : int
        Replicate trials that are to be simulated, at most, and the blocks that they come in.
    workers : int
        Processes.
    seconds : float
        Wall time if every worker has a core to itself.
    memory, disk : float
        Bytes in use at a time, over all processes, each shared library once; bytes that are still to be
        written, checkpoints included.
    finished : int
        Blocks of the plan that an earlier run has finished.
    """

    trials: int
    blocks: int
    workers: int
    seconds: float
    memory: float
    disk: float
    finished: int = 0

    def in_words(self) -> str:
        """Return the estimate as one sentence."""
        minutes = self.seconds / 60
        wall = f"{self.seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"
        finished = f" beside {self.finished:,} finished ones" if self.finished else ""
        return (
            f"{self.trials:,} trials in {self.blocks:,} blocks{finished}: about {wall} with {self.workers} "
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


def estimate_work(
    work: Work,
    cells: Iterable[PlannedCell],
    workers: int,
    finished: Container[tuple[str, int]] = frozenset(),
) -> WorkEstimate:
    """Estimate time, memory and disk of a simulation; one small block is computed to measure it.

    Parameters
    ----------
    work : Work
        What the blocks share.
    cells : iterable of PlannedCell
        The plan; cells with a stopping rule count with the most that they may take.
    workers : int
        Processes.
    finished : container of (str, int)
        Cell and index of blocks whose checkpoints are there (`Checkpoints.names`): they are only recorded.

    Returns
    -------
    WorkEstimate
        Seconds, memory and disk.
    """
    planned = [(cell, index, size) for cell in tuple(cells) for index, size in enumerate(cell.blocks)]
    left = [(cell, size) for cell, index, size in planned if (cell.name, index) not in finished]
    largest = max((cell for cell, _, _ in planned), key=lambda cell: cell.participants)
    probe = _probe(work, largest)
    participants = sum(size * cell.participants for cell, size in left)
    trials, recorded = sum(size for _, size in left), sum(size for _, _, size in planned)
    block_bytes = ARRAYS_A_BLOCK * 8 * largest.block * largest.participants * work.values_a_participant
    # Every block is written twice, as a checkpoint and to its cell's file.
    files_bytes = (trials + recorded) * probe.bytes_a_row + (len(left) + len(planned)) * probe.bytes_a_block
    elsewhere = 0.0
    if workers > 1:
        # Workers share one copy of the large parts; a few blocks are on their way to this process.
        large = sum(
            np.asarray(getattr(part, field.name)).nbytes
            for part in work.large_parts()
            for field in fields(part)
        )
        elsewhere = workers * (WORKER_BYTES + BLOCKS_A_WORKER * largest.block * probe.bytes_a_row) + large
    return WorkEstimate(
        trials=trials,
        blocks=len(left),
        workers=workers,
        seconds=(workers > 1) * START_SECONDS
        + probe.seconds_a_participant * participants / workers
        + SECONDS_A_BLOCK * len(planned),
        memory=_resident_bytes() + LATER_BYTES + elsewhere + workers * block_bytes,
        disk=files_bytes + BUNDLE_BYTES,
        finished=len(planned) - len(left),
    )


@dataclass(frozen=True)
class _Probe:
    """What a small block took, and what its rows take in a file."""

    seconds_a_participant: float
    bytes_a_row: float
    bytes_a_block: float


def _probe(work: Work, cell: Any) -> _Probe:
    """Compute a small block: its time is the least of some, after one that only warms up."""
    size = min(PROBE_REPLICATES, cell.replicates)
    small = replace(cell, replicates=size, block=size, rule=None)
    seconds = []
    for _ in range(1 + PROBES):
        start = time.perf_counter()
        block = next(InProcess().run(work, [(small, 0)]))
        seconds.append(time.perf_counter() - start)
        if len(seconds) > 1 and sum(seconds) > PROBE_SECONDS:
            break
    return _Probe(
        min(seconds[1:]) / (size * cell.participants),
        FILE_OVER_MEMORY * block.table.nbytes / size,
        BYTES_A_COLUMN * block.table.num_columns,
    )


def _resident_bytes() -> float:
    """Return the memory that this process holds by now, or a usual size where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return PROCESS_BYTES
    return float(pages * os.sysconf("SC_PAGE_SIZE"))
