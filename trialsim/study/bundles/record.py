"""Every replicate of a study, as it leaves them on disk."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow.parquet as pq

from trialsim.study.running.work import BlockResult


class ReplicateRecorder:
    """Writes the rows of each block to its cell's Parquet file as they come, one row group a block.

    Parameters
    ----------
    folder : Path
        Folder of the files, made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cell = ""
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ReplicateRecorder:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __call__(self, block: BlockResult[Any]) -> None:
        """Write one block; blocks of a cell come one after the other."""
        table = block.table
        if block.cell != self._cell:
            self.close()
            self._cell = block.cell
            self._writer = pq.ParquetWriter(self._folder / f"{block.cell}.parquet", table.schema)
        assert self._writer is not None
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
