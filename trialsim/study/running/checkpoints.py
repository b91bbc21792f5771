"""Finished blocks on disk: immutable, named by their own hash, and trusted only while it holds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.errors import BundleError, TrialsimWarning
from trialsim.study.running.durable import flush_folder
from trialsim.study.running.work import BlockResult, PlannedCell, Sums

SUMS = b"trialsim.sums"
PACKAGES = ("numpy", "scipy", "pandas", "numba", "pyarrow")
SPACE = "free space, and run the same command again: finished blocks are kept"


def checkpoint_key(inputs: Mapping[str, str], cells: Iterable[PlannedCell]) -> str:
    """Return the hash of everything that determines blocks: inputs, plan, code and versions.

    Parameters
    ----------
    inputs : mapping of str to str
        Content hashes of protocol, card, history and posterior.
    cells : iterable of PlannedCell
        The plan.

    Returns
    -------
    str
        A SHA-256, of 64 characters.

    Examples
    --------
    >>> len(checkpoint_key({"protocol": "0" * 64}, []))
    64
    """
    plan = [cell.to_dict() for cell in cells]
    parts = {
        "inputs": dict(inputs),
        "plan": plan,
        "code": code_hash(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def code_hash() -> str:
    """Return the SHA-256 of the package's source, which decides the bytes of a block beside its version."""
    code = hashlib.sha256()
    root = Path(str(files("trialsim")))
    for path in sorted(root.rglob("*.py")):
        code.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return code.hexdigest()


class Checkpoints:
    """The finished blocks of one study.

    A block is a Parquet file of its rows, with its sums among the metadata. In its name is a SHA-256 of
    the study's key, the block's cell and index, and the file's bytes: file and hash appear together or not
    at all, and a file under the name of another block is as corrupt as one whose bytes changed.

    Parameters
    ----------
    folder : Path
        Folder of checkpoints, made at the first block.
    key : str
        What determines the blocks (`checkpoint_key`); blocks of another key are removed.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder / key[:16], key
        self._quarantine = folder.parent / "quarantine"
        self._files: dict[tuple[str, int], Path] = {}
        for other in folder.glob("*"):
            if other != self._folder:
                _remove(other)
        for scratch in self._folder.glob(".*"):
            _remove(scratch)
        for path in sorted(self._folder.glob("*.parquet")):
            self._admit(path)

    def __len__(self) -> int:
        return len(self._files)

    def names(self) -> frozenset[tuple[str, int]]:
        """Return cell and index of every finished block."""
        return frozenset(self._files)

    def _digest(self, cell: str, index: int, content: bytes) -> str:
        head = json.dumps([self._key, cell, index]).encode()
        return hashlib.sha256(head + b"\n" + content).hexdigest()

    def _admit(self, path: Path) -> None:
        name, _, _ = path.stem.rpartition("-")
        cell, _, index = name.rpartition("-")
        if index.isdecimal() and self._read(path, cell, int(index)) is not None:
            self._files[cell, int(index)] = path
        else:
            self._reject(path)

    def _read(self, path: Path, cell: str, index: int) -> bytes | None:
        """Return the bytes of a file, or None if they cannot be read or are not those of the block."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        return content if self._digest(cell, index, content) == path.stem.rpartition("-")[2] else None

    def _reject(self, path: Path) -> None:
        self._quarantine.mkdir(parents=True, exist_ok=True)
        moved = self._quarantine / path.name
        path.replace(moved)
        block = path.stem.rpartition("-")[0] or path.stem
        warnings.warn(
            f"the finished block {block} is corrupt (its content does not have the hash in its name): "
            f"moved to {moved}, and computed again",
            TrialsimWarning,
            stacklevel=2,
        )

    def load(self, cell: str, index: int, sums: type[Sums]) -> BlockResult[Any] | None:
        """Return a finished block with its kind of sums, or None where there is none that can be trusted."""
        path = self._files.get((cell, index))
        if path is None:
            return None
        content = self._read(path, cell, index)
        if content is None:
            del self._files[cell, index]
            self._reject(path)
            return None
        return _from_bytes(cell, index, sums, content)

    def save(self, block: BlockResult[Any]) -> None:
        """Write a finished block: complete, durable, or not at all.

        Raises
        ------
        BundleError
            The disk is full, or the folder cannot be written.
        """
        content = _to_bytes(block)
        digest = self._digest(block.cell, block.index, content)
        path = self._folder / f"{block.cell}-{block.index:06d}-{digest}.parquet"
        scratch = self._folder / f".{block.cell}-{block.index:06d}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with scratch.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            scratch.replace(path)
            flush_folder(self._folder)
        except OSError as fault:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
            raise BundleError(
                f"a finished block cannot be written: {fault.strerror}", file=self._folder, mend=SPACE
            ) from None
        self._files[block.cell, block.index] = path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _to_bytes(block: BlockResult[Any]) -> bytes:
    sums = json.dumps(block.sums.to_dict()).encode()
    table = block.table
    table = table.replace_schema_metadata((table.schema.metadata or {}) | {SUMS: sums})
    sink = pa.BufferOutputStream()
    # Read once at most, and whole: dictionaries and statistics would take half of the time of writing.
    pq.write_table(table, sink, compression="none", use_dictionary=False, write_statistics=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _from_bytes(cell: str, index: int, sums: type[Sums], content: bytes) -> BlockResult[Any]:
    table = pq.read_table(pa.BufferReader(content))
    metadata = dict(table.schema.metadata)
    found = sums.from_dict(json.loads(metadata.pop(SUMS)))
    return BlockResult(cell, index, found, table.replace_schema_metadata(metadata or None))
