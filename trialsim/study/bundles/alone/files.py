"""Files of a bundle as a stranger may send them: only plain files of a bearable size are opened."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

MOST_FILES = 20_000
LARGEST_FILE = 64 * 2**30
LARGEST_TEXT = 256 * 2**20
LONGEST_INTEGER = 40
_STEP = 2**20
_PLAIN = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


class UnsoundError(Exception):
    """A part of a bundle that cannot be what a run wrote.

    Parameters
    ----------
    name : str
        The file in the bundle.
    problem : str
        What is wrong with it.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name, self.problem = name, problem


def open_plain(path: Path, name: str, most: int = LARGEST_FILE) -> BinaryIO:
    """Open a file that is neither a link nor a device nor a pipe, and not too large to read.

    Raises
    ------
    UnsoundError
        It is something else, too large, or cannot be opened. Nothing that could block is opened.
    """
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise UnsoundError(name, f"is {_kind(found.st_mode)}, not a file")
        if found.st_size > most:
            raise UnsoundError(name, f"has {found.st_size:,} bytes, more than the {most:,} that are read")
        handle = os.fdopen(os.open(path, _PLAIN), "rb")
    except OSError as fault:
        raise UnsoundError(name, f"cannot be read ({fault.strerror})") from None
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise UnsoundError(name, "was replaced while it was opened")
    return handle


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"))
    return next((words for test, words in kinds if test(mode)), "a device or socket")


def file_sha256(path: Path, name: str) -> str:
    """Return the SHA-256 of a plain file's bytes, read in pieces."""
    state = hashlib.sha256()
    with open_plain(path, name) as handle:
        while piece := handle.read(_STEP):
            state.update(piece)
    return state.hexdigest()


def read_plain(path: Path, name: str, most: int = LARGEST_TEXT) -> bytes:
    """Return the bytes of a plain file of at most `most` bytes."""
    with open_plain(path, name, most) as handle:
        content = handle.read(most + 1)
    if len(content) > most:
        raise UnsoundError(name, f"has more than the {most:,} bytes that are read")
    return content


def files_in(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Return the size of every plain file below a folder, by its name there, and what else lies there."""
    sizes: dict[str, int] = {}
    problems: list[str] = []
    for name, entry in _entries(folder, ""):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISREG(mode):
            sizes[name] = entry.stat(follow_symlinks=False).st_size
        elif not stat.S_ISDIR(mode):
            problems.append(f"{name}: is {_kind(mode)}, not a file")
        elif not any(os.scandir(entry.path)):
            problems.append(f"{name}: is an empty folder")
        if len(sizes) + len(problems) > MOST_FILES:
            raise UnsoundError(str(folder), f"holds more than {MOST_FILES:,} files")
    return sizes, problems


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as fault:
        raise UnsoundError(prefix or str(folder), f"cannot be listed ({fault.strerror})") from None
    for entry in found:
        yield prefix + entry.name, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path), f"{prefix}{entry.name}/")


def strict_json(content: bytes, name: str) -> Any:
    """Return what JSON says, if it says it once: no key twice, no number that is none, no deep nesting.

    Raises
    ------
    UnsoundError
        It is no such JSON.

    Examples
    --------
    >>> strict_json(b'{"a": 1}', "x.json")
    {'a': 1}
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key stands twice")
        return found

    def no_number(text: str) -> NoReturn:
        raise ValueError(f"{text[:20]} is no number that JSON has")

    def finite(text: str) -> float:
        number = float(text)
        return number if abs(number) <= 1.7976931348623157e308 else no_number(text)

    def whole(text: str) -> int:
        return int(text) if len(text) <= LONGEST_INTEGER else no_number(text)

    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=once, parse_constant=no_number, parse_float=finite,
            parse_int=whole,
        )  # fmt: skip
    except (ValueError, RecursionError) as fault:
        raise UnsoundError(name, f"is not strict JSON ({fault})"[:200]) from None
