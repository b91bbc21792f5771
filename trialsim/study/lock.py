"""A lock that the operating system lifts when its process ends, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trialsim.errors import BundleError


@contextmanager
def only_run(path: Path, target: Path) -> Iterator[None]:
    """Hold a lock file, or refuse because another run holds it.

    Parameters
    ----------
    path : Path
        The lock file, made if need be.
    target : Path
        The bundle that both runs would write, for the message.

    Raises
    ------
    BundleError
        Another run is writing the same bundle.
    """
    with path.open("ab") as handle:
        try:
            _lock(handle)
        except OSError:
            raise BundleError(
                "is being written by another run of the same study",
                file=target,
                mend="wait for it, or choose another --output",
            ) from None
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: BinaryIO) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: BinaryIO) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
