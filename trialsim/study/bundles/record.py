"""Every replicate of a study, as it leaves them on disk."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.study.bundles.alone.parquet import rows_sha256, texts
from trialsim.study.bundles.alone.sealing import in_order
from trialsim.study.running.work import BlockResult


class ReplicateRecorder:
    """Writes the rows of each block to its cell's Parquet file as they come, one row group a block.

    Parameters
    ----------
    folder : Path
        Folder of the files, made if need be.
    blocks : Path, optional
        File of one line a block: its cell and index, the hash of its rows, and its sums. These lines are the
        leaves of the bundle's Merkle root.
    """

    def __init__(self, folder: Path, blocks: Path | None = None) -> None:
        self._folder, self._blocks = folder, blocks
        self._lines: BinaryIO | None = None
        self._cell = ""
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ReplicateRecorder:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._blocks is not None:
            self._blocks.parent.mkdir(parents=True, exist_ok=True)
            self._lines = self._blocks.open("wb")
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
        if self._lines is not None:
            self._lines.write(block_line(block) + b"\n")

    def close(self) -> None:
        """Finish the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._lines is not None:
            self._lines.close()


def block_line(block: BlockResult[Any]) -> bytes:
    """Return what the record says of a block: a leaf of the bundle's Merkle root.

    Keys keep their order, which is that of the columns of tables.
    """
    return in_order(
        {
            "cell": block.cell,
            "index": block.index,
            "replicates": block.table.num_rows,
            "rows": rows_hash(block.table),
            "sums": said_of_sums(block.sums.to_dict()),
        }
    )


def rows_hash(table: pa.Table) -> str:
    """Return the hash of a block's rows by what they say, which the container's bytes do not change."""
    kinds, values = [], []
    for column in table.columns:
        if pa.types.is_floating(column.type):
            kind, value = b"f", column.to_numpy().astype("<f8").tobytes()
        elif pa.types.is_boolean(column.type):
            kind, value = b"b", column.to_numpy().astype("u1").tobytes()
        elif pa.types.is_integer(column.type):
            kind, value = b"i", column.to_numpy().astype("<i8").tobytes()
        else:
            kind, value = b"s", texts(column.to_pylist())
        kinds.append(kind)
        values.append(value)
    return rows_sha256(table.column_names, kinds, values)


def said_of_sums(content: Any) -> Any:
    """Return sums as JSON has them: a number that is none as the word that Python reads."""
    if isinstance(content, dict):
        return {key: said_of_sums(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [said_of_sums(value) for value in content]
    return repr(content) if isinstance(content, float) and not math.isfinite(content) else content


def sums_said(content: Any) -> Any:
    """Return what `said_of_sums` was given."""
    if isinstance(content, dict):
        return {key: sums_said(value) for key, value in content.items()}
    if isinstance(content, list):
        return [sums_said(value) for value in content]
    return float(content) if isinstance(content, str) else content
