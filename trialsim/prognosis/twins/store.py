"""Fitted arrays as files: NumPy archives without pickle that carry the hash of their own content."""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialsim.errors import HistoryError, TrialsimWarning

Arrays = dict[str, NDArray[Any]]
_META, _HASH = "meta", "content_hash"
_SHORT = 16
LARGEST_BYTES = 2 * 2**30


def digest(arrays: Arrays, meta: dict[str, Any]) -> str:
    """Return the BLAKE2b hash of named arrays and of what can be written as JSON.

    Examples
    --------
    >>> digest({"a": np.zeros(2)}, {}) == digest({"a": np.zeros((1, 2))}, {})
    False
    """
    state = hashlib.blake2b(digest_size=32)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        for part in (name, array.dtype.str, str(array.shape)):
            state.update(len(part).to_bytes(8, "little") + part.encode())
        state.update(array.tobytes())
    state.update(json.dumps(meta, sort_keys=True).encode())
    return state.hexdigest()


def address(folder: Path, kind: str, key: str) -> Path:
    """Return where a result lies that is addressed by the hash of what it was made from."""
    return folder / f"{kind}-{key[:_SHORT]}.npz"


def write(path: Path, arrays: Arrays, meta: dict[str, Any]) -> None:
    """Write arrays and JSON-like facts beside a temporary name, then rename: never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {_META: np.array(json.dumps(meta, sort_keys=True)), _HASH: np.array(digest(arrays, meta))}
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **(arrays | facts))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and facts of a file.

    Raises
    ------
    HistoryError
        The file is missing, is no such archive, or its content does not have the hash that it carries.
    """
    mend = "delete the file, so that it is made again"
    if not path.is_file():
        raise HistoryError("file not found", file=path, mend="check the path")
    try:
        _refuse_large(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = json.loads(str(arrays.pop(_META)))
        recorded = str(arrays.pop(_HASH))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as fault:
        raise HistoryError(f"is no fitted result ({type(fault).__name__})", file=path, mend=mend) from None
    if digest(arrays, meta) != recorded:
        raise HistoryError("its content does not have the hash that it carries", file=path, mend=mend)
    return arrays, meta


def _refuse_large(path: Path) -> None:
    """Refuse an archive that would take more memory than a fit has, before anything of it is unpacked."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(one.file_size for one in members) > LARGEST_BYTES:
            raise HistoryError(
                f"claims more than the {LARGEST_BYTES:,} bytes that a fitted result may have", file=path,
                mend="get the file again from its source",
            )  # fmt: skip
        for one in members:
            with archive.open(one) as handle:
                major, _ = np.lib.format.read_magic(handle)
                header = (
                    np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(handle)
                if math.prod(shape) * dtype.itemsize + handle.tell() != one.file_size:
                    raise ValueError(one.filename)


def recall(path: Path, key: str) -> tuple[Arrays, dict[str, Any]] | None:
    """Return a cached result made from `key`, or None, with a warning where the file is corrupt."""
    if not path.exists():
        return None
    try:
        arrays, meta = read(path)
    except HistoryError as fault:
        warnings.warn(
            f"cached result is not used: {fault.problem} ({path.name}); fitting again", TrialsimWarning, 3
        )
        return None
    if meta.get("key") != key:
        warnings.warn(f"cached result is of something else ({path.name}); fitting again", TrialsimWarning, 3)
        return None
    return arrays, meta
