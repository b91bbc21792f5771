"""What every bundle lets anybody compute again: its cells, and the record of each one's replicates."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from trialsim.errors import BundleError
from trialsim.study.bundles.bundle import MANIFEST
from trialsim.study.running.work import PlannedCell, Work


@dataclass(frozen=True)
class Bundled(ABC):
    """A bundle's inputs, ready to be computed again.

    Parameters
    ----------
    folder : Path
        The bundle.
    manifest : dict
        Its manifest.
    cells : tuple of PlannedCell
        Its plan.
    """

    folder: Path
    manifest: dict[str, Any]
    cells: tuple[Any, ...]

    @property
    @abstractmethod
    def alpha(self) -> float:
        """Level at which decisions are compared."""

    @abstractmethod
    def work(self, cells: Sequence[Any]) -> Work:
        """Return the work of some cells."""

    @abstractmethod
    def changed_inputs(self) -> list[str]:
        """Return which inputs are not the ones that the manifest was sealed with."""

    def cell(self, name: str) -> Any:
        """Return a cell by its name, or refuse with the names that there are."""
        found = next((cell for cell in self.cells if cell.name == name), None)
        if found is None:
            raise BundleError(
                "is no cell of this bundle",
                file=self.folder,
                value=name,
                mend=f"use one of {', '.join(cell.name for cell in self.cells)}",
            )
        return found

    def recorded(self, cell: PlannedCell) -> pq.ParquetFile:
        """Return the record of a cell's replicates: one row group a block."""
        return pq.ParquetFile(self.folder / "results" / "replicates" / f"{cell.name}.parquet")

    def block_of(self, cell: PlannedCell, replicate: int) -> tuple[int, int]:
        """Return the block of a replicate and its place there, or refuse."""
        replicates = self.recorded(cell).metadata.num_rows
        if not 0 <= replicate < replicates:
            raise BundleError(
                f"is no replicate of {cell.name}",
                file=self.folder,
                value=replicate,
                mend=f"give a number from 0 to {replicates - 1}",
            )
        return divmod(replicate, cell.block)


def read_part(folder: Path, name: str, parse: Callable[[str], Any] = json.loads) -> Any:
    """Read a text file of a bundle.

    Raises
    ------
    BundleError
        The bundle lacks it, so that nothing can be computed again.
    """
    try:
        return parse((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BundleError(
            "is missing or unreadable, so that nothing can be computed again",
            file=folder / name,
            mend="give a bundle of this version",
        ) from None


def read_plan(folder: Path, parse: Callable[[dict[str, Any]], Any]) -> tuple[Any, ...]:
    """Read the cells of a bundle's plan.

    Raises
    ------
    BundleError
        The plan does not belong to the bundle's inputs.
    """
    try:
        return tuple(parse(facts) for facts in read_part(folder, "inputs/plan.json"))
    except (KeyError, StopIteration, TypeError):
        raise BundleError(
            "is no plan of the bundle's protocol",
            file=folder / "inputs" / "plan.json",
            mend="give a bundle of this version",
        ) from None


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return the manifest of a bundle."""
    found: dict[str, Any] = read_part(folder, MANIFEST)
    return found
