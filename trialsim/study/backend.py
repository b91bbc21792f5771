"""Where blocks are computed: in this process, or in joblib workers; the numbers are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from trialsim.data import DiseaseModel
from trialsim.protocol import Protocol
from trialsim.study.blocks import BlockResult, run_block
from trialsim.study.cells import Cell
from trialsim.study.register import Register
from trialsim.trial import Pool


def _single_threaded(
    protocol: Protocol, disease: DiseaseModel, pool: Pool, truth: float, cell: Cell, index: int
) -> BlockResult:
    # A BLAS that splits a sum over threads changes its last digits; one thread a worker never does.
    with threadpool_limits(limits=1):
        return run_block(protocol, disease, pool, truth, cell, index)


def run_blocks(
    protocol: Protocol,
    disease: DiseaseModel,
    registers: Mapping[str, Register],
    cells: Sequence[Cell],
    workers: int = 1,
) -> Iterator[BlockResult]:
    """Compute every block of every cell, and yield the results in the order of the plan.

    Parameters
    ----------
    protocol, disease : Protocol, DiseaseModel
        The trial.
    registers : mapping of str to Register
        Register of each scenario, by its name.
    cells : sequence of Cell
        What to simulate.
    workers : int
        Processes, at least 1. Results do not depend on it; memory holds a few blocks a worker.

    Yields
    ------
    BlockResult
    """
    pools = {name: register.pool for name, register in registers.items()}

    def tasks() -> Iterator[tuple[Protocol, DiseaseModel, Pool, float, Cell, int]]:
        for cell in cells:
            name = cell.scenario.name
            for index in range(len(cell.blocks)):
                yield protocol, disease, pools[name], registers[name].facts.true_effect, cell, index

    if workers == 1:
        yield from (_single_threaded(*task) for task in tasks())
        return
    with TemporaryDirectory(prefix="trialsim-") as folder:
        # Workers map one copy of each pool; sending it with every block would cost more than the block.
        pools = {name: _on_disk(pool, Path(folder) / name) for name, pool in pools.items()}
        parallel = Parallel(n_jobs=workers, return_as="generator", pre_dispatch="2 * n_jobs")
        yield from parallel(delayed(_single_threaded)(*task) for task in tasks())


def _on_disk(pool: Pool, folder: Path) -> Pool:
    """Return the same pool as read-only memory maps of files."""
    folder.mkdir()
    arrays = {}
    for field in fields(pool):
        file = folder / f"{field.name}.npy"
        np.save(file, getattr(pool, field.name), allow_pickle=False)
        arrays[field.name] = np.load(file, mmap_mode="r", allow_pickle=False)
    return Pool(**arrays)
