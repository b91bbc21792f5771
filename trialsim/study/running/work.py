"""Work as back ends, checkpoints and stopping rules see it, whatever kind of trial is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar
from typing import Protocol as Interface

import pandas as pd
import pyarrow as pa

from trialsim.study.running.stopping import StoppingRule


class Sums(Interface):
    """Running sums over trials: they add up, and survive a round trip through JSON to the last digit."""

    @property
    def trials(self) -> int:
        """Trials that were simulated."""

    def rejections(self) -> Iterable[tuple[int, int]]:
        """Return the rejected and all trials of every rate that a stopping rule looks at."""

    def __add__(self, other: Any) -> Any:
        """Return the sums over both."""

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain JSON types."""

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Any:
        """Return the sums that `to_dict` wrote."""


class PlannedCell(Interface):
    """One line of a plan: a scenario at a size, in blocks that are fixed beforehand."""

    @property
    def name(self) -> str:
        """Name of the cell and of its file."""

    @property
    def replicates(self) -> int:
        """Replicates at most."""

    @property
    def block(self) -> int:
        """Replicates in a block."""

    @property
    def blocks(self) -> tuple[int, ...]:
        """Replicates of each block, in order."""

    @property
    def participants(self) -> int:
        """Participants that a trial has at most."""

    @property
    def rule(self) -> StoppingRule | None:
        """When to stop before all replicates are simulated."""

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain JSON types."""


SumsOf = TypeVar("SumsOf", bound=Sums)
Task = tuple[Any, int]


@dataclass(frozen=True)
class BlockResult(Generic[SumsOf]):
    """What a block leaves behind: sums for the summary, and one row a replicate for the record.

    The rows are an Arrow table, because checkpoint and record are; most blocks never become a data frame.
    """

    cell: str
    index: int
    sums: SumsOf
    table: pa.Table

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows as a data frame."""
        return self.table.to_pandas()


@dataclass(frozen=True)
class Call:
    """The computation of one block, so that it can be sent to another process.

    Parameters
    ----------
    function : callable
        A pure function of a module, from `large` (if any) and `arguments` to a `BlockResult`.
    arguments : tuple
        Small, sent with every block.
    large : dataclass of arrays, optional
        Read-only and common to many blocks: workers keep one copy of each.
    """

    function: Callable[..., BlockResult[Any]]
    arguments: tuple[Any, ...]
    large: Any = None

    def compute(self) -> BlockResult[Any]:
        """Compute the block in this process."""
        return self.function(*(() if self.large is None else (self.large,)), *self.arguments)


class Work(Interface):
    """What the blocks of a study share; a task is one of its cells and the index of a block."""

    @property
    def sums(self) -> type[Sums]:
        """Kind of sums that its blocks leave behind."""

    @property
    def values_a_participant(self) -> int:
        """Numbers that one participant takes in a block, for the estimate of memory."""

    def large_parts(self) -> Iterable[Any]:
        """Return every `Call.large` once."""

    def call(self, task: Task) -> Call:
        """Return the computation of a block."""


def split_replicates(replicates: int, block: int) -> tuple[int, ...]:
    """Return the replicates of each block, in order; the last one takes the rest.

    Examples
    --------
    >>> split_replicates(600, 250)
    (250, 250, 100)
    """
    full, rest = divmod(replicates, block)
    return (block,) * full + ((rest,) if rest else ())
