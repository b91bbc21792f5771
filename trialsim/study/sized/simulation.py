"""The cells of the main job, run and summarised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from trialsim.design import OperatingCharacteristics
from trialsim.progress import Progress, silent
from trialsim.study.running.backend import Backend
from trialsim.study.running.checkpoints import Checkpoints
from trialsim.study.running.simulation import run_cells
from trialsim.study.running.work import BlockResult
from trialsim.study.sized.blocks import StudySums
from trialsim.study.sized.cells import Cell
from trialsim.study.sized.job import Job
from trialsim.study.sized.result import CellResult


def simulate(
    job: Job,
    cells: Iterable[Cell],
    backend: Backend | None = None,
    *,
    progress: Progress = silent,
    record: Callable[[BlockResult[Any]], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[CellResult]:
    """Simulate every cell of the main job, and return its operating characteristics in the plan's order.

    Parameters
    ----------
    job : Job
        Protocol, disease model, and the participants of each scenario.
    cells : iterable of Cell
        The plan.
    backend, progress, record, checkpoints
        As in `run_cells`.

    Returns
    -------
    list of CellResult
    """
    cells = tuple(cells)
    found = run_cells(job, cells, backend, progress=progress, record=record, checkpoints=checkpoints)
    return [
        _summarise(cell, job.truths[cell.scenario.name], sums)
        for cell, sums in zip(cells, found, strict=True)
    ]


def _summarise(cell: Cell, truth: float, sums: StudySums) -> CellResult:
    characteristics = {
        name: OperatingCharacteristics(cell.scenario.name, name, truth, one)
        for name, one in sums.tallies.items()
    }
    return CellResult(cell, characteristics, sums.conduct)
