"""What every bundle lets anybody compute again: its cells, and the record of each one's replicates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from trialsim.errors import BundleError, InputError
from trialsim.study.bundles.alone.files import UnsoundError, open_plain, read_plain, strict_json
from trialsim.study.bundles.alone.sealing import read_manifest
from trialsim.study.bundles.bundle import unsound
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
        return replicates_of(self.folder, cell.name)

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


def replicates_of(folder: Path, cell: str) -> pq.ParquetFile:
    """Return the record of a cell's replicates: one row group a block."""
    name = f"results/replicates/{cell}.parquet"
    try:
        return pq.ParquetFile(open_plain(folder / name, name))
    except UnsoundError as fault:
        raise unsound(fault, folder) from None
    except (OSError, ValueError):
        raise unsound(UnsoundError(name, "is no Parquet file"), folder) from None


def read_part(folder: Path, name: str) -> Any:
    """Read a JSON file of a bundle.

    Raises
    ------
    BundleError
        The bundle lacks it, so that nothing can be computed again, or it says no one thing.
    """
    try:
        return strict_json(read_plain(folder / name, name), name)
    except UnsoundError as fault:
        raise unsound(fault, folder) from None


def read_plan(folder: Path, parse: Callable[[dict[str, Any]], Any]) -> tuple[Any, ...]:
    """Read the cells of a bundle's plan.

    Raises
    ------
    BundleError
        The plan does not belong to the bundle's inputs.
    """
    try:
        return tuple(parse(facts) for facts in read_part(folder, "inputs/plan.json"))
    except (KeyError, StopIteration, TypeError, ValueError, AttributeError, InputError):
        raise BundleError(
            "is no plan of the bundle's protocol",
            file=folder / "inputs" / "plan.json",
            mend="give a bundle of this version",
        ) from None


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return the manifest of a bundle."""
    try:
        return read_manifest(folder)
    except UnsoundError as fault:
        raise unsound(fault, folder) from None
