"""A block of a declared trial: a pure function of the cell, the block's index and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from trialsim.study.declared.cells import DeclaredCell, RegisterOf, nobody
from trialsim.study.declared.engine import ESTIMAND, engine_of
from trialsim.study.declared.sums import DeclaredSums
from trialsim.study.running.work import BlockResult, Call
from trialsim.trial.register import Register


def run_declared_block(
    cell: DeclaredCell, index: int, seed: int, register: Register | None = None, purpose: str = ""
) -> BlockResult[DeclaredSums]:
    """Simulate and read one block of a cell; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    cell : DeclaredCell
        The world and the trial.
    index : int
        Position of the block, from 0.
    seed : int
        Master seed of the file.
    register : Register, optional
        Whom its trials recruit from.
    purpose : str
        Put before the name of the random streams: trials of another purpose have chance of their own.

    Returns
    -------
    BlockResult
        Sums, and one row a replicate: of each analysis the estimate, its standard error, df and status, the
        two-sided p value of the test that decides, the look at which the trial stopped, the decision (1
        efficacy, −1 futility, 0 neither),
        and size, events and months by then.
    """
    engine = engine_of(cell.trial, register)
    replicates = cell.blocks[index]
    found = engine.read(replicates, seed, index, purpose)
    tallies, stopping, decided = {}, {}, {}
    ledger: dict[str, dict[str, object]] = {
        name.removeprefix(ESTIMAND): {} for name in cell.truths if name.startswith(ESTIMAND)
    }
    columns: dict[str, object] = {"replicate": index * cell.block + np.arange(replicates)}
    for name, reading in found.readings.items():
        tallies[name] = reading.tally(cell.truths[name].value or 0.0, engine.alpha)
        stopping[name] = reading.stops()
        decided[name] = reading.decided()
        for estimand, row in ledger.items():
            truth = cell.truths[f"{ESTIMAND}{estimand}"].value
            assert truth is not None
            row[name] = reading.tally(truth, engine.alpha)
        columns |= reading.columns(name)
    sums = DeclaredSums(replicates, tallies, stopping, ledger, found.arms, decided)  # type: ignore[arg-type]  # filled with tallies
    return BlockResult(cell.name, index, sums, pa.table(columns))


def run_recruiting_block(
    register: Register, cell: DeclaredCell, index: int, seed: int, purpose: str = ""
) -> BlockResult[DeclaredSums]:
    """Simulate and read one block of trials that recruit from a register; see `run_declared_block`."""
    return run_declared_block(cell, index, seed, register, purpose)


@dataclass(frozen=True)
class DeclaredWork:
    """The work of `trialsim run`: what the blocks of a declared trial share.

    Parameters
    ----------
    seed : int
        Master seed of the file.
    visits : int
        Numbers of a participant's outcome.
    register_of : callable
        From a resolved trial to the register that it recruits from, None where people are only their law.
    purpose : str
        Of the trials, where they are not those that the file asks for.
    """

    seed: int
    visits: int = 1
    register_of: RegisterOf = nobody
    purpose: str = ""

    @property
    def sums(self) -> type[DeclaredSums]:
        """Kind of sums that its blocks leave behind."""
        return DeclaredSums

    @property
    def values_a_participant(self) -> int:
        """Numbers that one participant takes in a block."""
        return 8 + 4 * self.visits

    def large_parts(self) -> Iterable[object]:
        """Return nothing beforehand: registers are drawn when a cell first needs one."""
        return ()

    def call(self, task: tuple[DeclaredCell, int]) -> Call:
        """Return the computation of a block."""
        cell, index = task
        register = self.register_of(cell.trial)
        if register is None:
            return Call(run_declared_block, (cell, index, self.seed, None, self.purpose))
        return Call(run_recruiting_block, (cell, index, self.seed, self.purpose), large=register)
