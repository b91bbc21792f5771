"""Every cell of a plan, block by block: computed or taken from checkpoints, recorded, and summed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from trialsim.progress import Progress, silent
from trialsim.study.running.backend import Backend, InProcess
from trialsim.study.running.checkpoints import Checkpoints
from trialsim.study.running.work import BlockResult, PlannedCell, Task, Work

STAGE = "simulate trials"


def run_cells(
    work: Work,
    cells: Sequence[PlannedCell],
    backend: Backend | None = None,
    *,
    progress: Progress = silent,
    record: Callable[[BlockResult[Any]], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[Any]:
    """Run every cell of a plan, and return its sums in the order of the plan.

    Parameters
    ----------
    work : Work
        What the blocks share.
    cells : sequence of PlannedCell
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
    list
        One object a cell, of the kind `work.sums`.
    """
    blocks = _Blocks(work, cells, backend or InProcess(), checkpoints)
    total = sum(cell.replicates for cell in cells)
    done = 0
    results = []
    try:
        for cell in cells:
            sums: Any = None
            for index in range(len(cell.blocks)):
                block = blocks.take(cell, index)
                if record is not None:
                    record(block)
                # Only sums are kept, so memory does not grow with the number of replicates.
                sums = block.sums if sums is None else sums + block.sums
                done += block.sums.trials
                progress(STAGE, done, total)
                if cell.rule is not None and cell.rule.reached(index + 1, sums.rejections()):
                    break
            blocks.close(cell)
            total -= cell.replicates - sums.trials
            results.append(sums)
    finally:
        blocks.stop()
    progress(STAGE, done, total)
    return results


class _Blocks:
    """Blocks in the order of the plan, from checkpoints or a back end that works ahead."""

    def __init__(
        self, work: Work, cells: Sequence[PlannedCell], backend: Backend, checkpoints: Checkpoints | None
    ) -> None:
        self._work, self._checkpoints = work, checkpoints
        self._finished = frozenset() if checkpoints is None else checkpoints.names()
        self._closed: set[str] = set()
        self._computed = backend.run(work, self._to_compute(cells))

    def _to_compute(self, cells: Sequence[PlannedCell]) -> Iterator[Task]:
        for cell in cells:
            for index in range(len(cell.blocks)):
                if cell.name in self._closed:
                    break
                if (cell.name, index) not in self._finished:
                    yield cell, index

    def take(self, cell: PlannedCell, index: int) -> BlockResult[Any]:
        """Return a block; blocks are taken in the order of the plan."""
        if (cell.name, index) in self._finished:
            assert self._checkpoints is not None
            block = self._checkpoints.load(cell.name, index, self._work.sums)
            if block is not None:
                return block
            block = next(InProcess().run(self._work, [(cell, index)]))
        else:
            # The back end worked ahead in cells that have stopped since: those blocks are not part of it.
            block = next(one for one in self._computed if (one.cell, one.index) == (cell.name, index))
        if self._checkpoints is not None:
            self._checkpoints.save(block)
        return block

    def close(self, cell: PlannedCell) -> None:
        """Ask for no more blocks of a cell."""
        self._closed.add(cell.name)

    def stop(self) -> None:
        """Let the back end go."""
        if isinstance(self._computed, Generator):
            self._computed.close()
