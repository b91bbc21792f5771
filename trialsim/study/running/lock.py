"""Locks that the operating system lifts when their process ends, however it ends."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import BinaryIO

from trialsim.errors import BundleError

CLAIM = ".trialsim-scratch"
PREFIX = "trialsim-"


@contextmanager
def only_run(path: Path, target: Path) -> Iterator[None]:
    """Hold a lock file, or refuse because another run holds it.

    Parameters
    ----------
    path : Path
        The lock file; its folder and itself are made if need be.
    target : Path
        The bundle that both runs would write, for the message.

    Raises
    ------
    BundleError
        Another run is writing the same bundle, or the file system knows no locks.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = path.open("ab")
        except FileNotFoundError:
            # The run that held it has just taken the folder away.
            continue
        with handle:
            try:
                _lock(handle)
            except OSError as fault:
                raise _refusal(fault, target) from None
            # A file that its holder removed before letting go locks nobody out: take the new one.
            if _is_at(handle, path):
                yield
                return


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder that goes at the end, or at the next call if its process was killed."""
    for left in Path(gettempdir()).glob(f"{PREFIX}*/{CLAIM}"):
        if _is_abandoned(left):
            shutil.rmtree(left.parent, ignore_errors=True)
    with (
        TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        _claimed(Path(name)),
    ):
        yield Path(name)


def _refusal(fault: OSError, target: Path) -> BundleError:
    if fault.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
        return BundleError(
            "is being written by another run of the same study",
            file=target,
            mend="wait for it, or choose another --output",
        )
    return BundleError(
        f"cannot be locked against another run: {fault.strerror}",
        file=target,
        mend="choose an --output on a file system that knows locks",
    )


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":
        # An open file cannot be renamed there, so that such a folder stays until it is removed by hand.
        yield
        return
    draft = folder / f"{CLAIM}.draft"
    with draft.open("ab") as handle:
        # Where the file system knows no locks, the folder is nobody's to remove.
        with suppress(OSError):
            _lock(handle)
            # It gets its name once it is locked: a folder whose lock nobody holds is removed by others.
            draft.rename(folder / CLAIM)
        yield


def _is_abandoned(path: Path) -> bool:
    try:
        with path.open("ab") as handle:
            _lock(handle)
    except OSError:
        return False
    return True


def _is_at(handle: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: BinaryIO) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: BinaryIO) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
