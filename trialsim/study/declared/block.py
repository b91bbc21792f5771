"""A block of a declared trial: a pure function of the cell, the block's index and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from trialsim.study.declared.cells import DeclaredCell
from trialsim.study.declared.engine import ESTIMAND, engine_of
from trialsim.study.declared.sums import DeclaredSums
from trialsim.study.running.work import BlockResult, Call


def run_declared_block(cell: DeclaredCell, index: int, seed: int) -> BlockResult[DeclaredSums]:
    """Simulate and read one block of a cell; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    cell : DeclaredCell
        The world and the trial.
    index : int
        Position of the block, from 0.
    seed : int
        Master seed of the file.

    Returns
    -------
    BlockResult
        Sums, and one row a replicate: of each analysis the estimate, its standard error, df, p value and
        status, the look at which the trial stopped, the decision (1 efficacy, −1 futility, 0 neither),
        and size, events and months by then.
    """
    engine = engine_of(cell.trial)
    replicates = cell.blocks[index]
    found = engine.read(replicates, seed, index)
    tallies, stopping = {}, {}
    ledger: dict[str, dict[str, object]] = {
        name.removeprefix(ESTIMAND): {} for name in cell.truths if name.startswith(ESTIMAND)
    }
    columns: dict[str, object] = {"replicate": index * cell.block + np.arange(replicates)}
    for name, reading in found.readings.items():
        tallies[name] = reading.tally(cell.truths[name].value or 0.0, engine.alpha)
        stopping[name] = reading.stops()
        for estimand, row in ledger.items():
            truth = cell.truths[f"{ESTIMAND}{estimand}"].value
            assert truth is not None
            row[name] = reading.tally(truth, engine.alpha)
        columns |= reading.columns(name)
    sums = DeclaredSums(replicates, tallies, stopping, ledger, found.arms)  # type: ignore[arg-type]  # filled with tallies
    return BlockResult(cell.name, index, sums, pa.table(columns))


@dataclass(frozen=True)
class DeclaredWork:
    """The work of `trialsim run`: what the blocks of a declared trial share.

    Parameters
    ----------
    seed : int
        Master seed of the file.
    visits : int
        Numbers of a participant's outcome.
    """

    seed: int
    visits: int = 1

    @property
    def sums(self) -> type[DeclaredSums]:
        """Kind of sums that its blocks leave behind."""
        return DeclaredSums

    @property
    def values_a_participant(self) -> int:
        """Numbers that one participant takes in a block."""
        return 8 + 4 * self.visits

    def large_parts(self) -> Iterable[object]:
        """Return nothing: a cell is small."""
        return ()

    def call(self, task: tuple[DeclaredCell, int]) -> Call:
        """Return the computation of a block."""
        cell, index = task
        return Call(run_declared_block, (cell, index, self.seed))
