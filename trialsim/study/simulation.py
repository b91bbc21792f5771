"""Every cell of a plan, block by block: computed or taken from checkpoints, recorded, and summed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

from trialsim.design import OperatingCharacteristics, Tally
from trialsim.study.backend import Backend, InProcess, Job, Task
from trialsim.study.blocks import BlockResult, ConductTally
from trialsim.study.cells import Cell
from trialsim.study.checkpoints import Checkpoints
from trialsim.study.result import CellResult

Progress = Callable[[str, int, int], None]
STAGE = "simulate trials"


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""


def simulate(
    job: Job,
    cells: Iterable[Cell],
    backend: Backend | None = None,
    *,
    progress: Progress = silent,
    record: Callable[[BlockResult], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[CellResult]:
    """Simulate every cell, and return its operating characteristics in the order of the plan.

    Parameters
    ----------
    job : Job
        Protocol, disease model, and the participants of each scenario.
    cells : iterable of Cell
        The plan.
    backend : Backend, optional
        Where blocks are computed; this process if not given. No number depends on it.
    progress : callable
        Called with stage, trials done and trials in all; the latter shrinks where a cell stops early.
    record : callable, optional
        Called with each block's result, in the order of the plan.
    checkpoints : Checkpoints, optional
        Finished blocks, which are not computed again; each block is added when it is finished.

    Returns
    -------
    list of CellResult
    """
    cells = tuple(cells)
    blocks = _Blocks(job, cells, backend or InProcess(), checkpoints)
    total = sum(cell.replicates for cell in cells)
    done = 0
    results = []
    try:
        for cell in cells:
            tallies: dict[str, Tally] = {}
            conduct = ConductTally()
            for index in range(len(cell.blocks)):
                block = blocks.take(cell, index)
                if record is not None:
                    record(block)
                # Only sums are kept, so memory does not grow with the number of replicates.
                tallies = {name: tallies.get(name, Tally()) + one for name, one in block.tallies.items()}
                conduct = conduct + block.conduct
                done += block.conduct.trials
                progress(STAGE, done, total)
                if cell.rule is not None and cell.rule.reached(index + 1, tallies.values()):
                    break
            blocks.close(cell)
            total -= cell.replicates - conduct.trials
            results.append(_summarise(cell, job.truths[cell.scenario.name], tallies, conduct))
    finally:
        blocks.stop()
    progress(STAGE, done, total)
    return results


class _Blocks:
    """Blocks in the order of the plan, from checkpoints or a back end that works ahead."""

    def __init__(
        self, job: Job, cells: tuple[Cell, ...], backend: Backend, checkpoints: Checkpoints | None
    ) -> None:
        self._job, self._checkpoints = job, checkpoints
        self._finished = frozenset() if checkpoints is None else checkpoints.names()
        self._closed: set[str] = set()
        self._computed = backend.run(job, self._to_compute(cells))

    def _to_compute(self, cells: tuple[Cell, ...]) -> Iterator[Task]:
        for cell in cells:
            for index in range(len(cell.blocks)):
                if cell.name in self._closed:
                    break
                if (cell.name, index) not in self._finished:
                    yield cell, index

    def take(self, cell: Cell, index: int) -> BlockResult:
        """Return a block; blocks are taken in the order of the plan."""
        if (cell.name, index) in self._finished:
            assert self._checkpoints is not None
            block = self._checkpoints.load(cell.name, index)
            if block is not None:
                return block
            block = next(InProcess().run(self._job, [(cell, index)]))
        else:
            # The back end worked ahead in cells that have stopped since: those blocks are not part of it.
            block = next(one for one in self._computed if (one.cell, one.index) == (cell.name, index))
        if self._checkpoints is not None:
            self._checkpoints.save(block)
        return block

    def close(self, cell: Cell) -> None:
        """Ask for no more blocks of a cell."""
        self._closed.add(cell.name)

    def stop(self) -> None:
        """Let the back end go."""
        if isinstance(self._computed, Generator):
            self._computed.close()


def _summarise(cell: Cell, truth: float, tallies: dict[str, Tally], conduct: ConductTally) -> CellResult:
    characteristics = {
        name: OperatingCharacteristics(cell.scenario.name, name, truth, one) for name, one in tallies.items()
    }
    return CellResult(cell, characteristics, conduct)
