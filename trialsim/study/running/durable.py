"""Writing that outlives a power cut: bytes are on the disk before the name that vouches for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# File systems that cannot flush a folder say so with one of these, and need no more than a rename.
_CANNOT_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable: those of its files, not what is in them."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        if fault.errno not in _CANNOT_FLUSH:
            raise
    finally:
        os.close(handle)


def flush_tree(folder: Path) -> None:
    """Make a folder durable with all that is in it, from the inside outward."""
    for inner, _, names in os.walk(folder, topdown=False):
        for name in names:
            with (Path(inner) / name).open("rb+") as handle:
                os.fsync(handle.fileno())
        flush_folder(Path(inner))
