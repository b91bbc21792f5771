#!/usr/bin/env python3
"""Check this run bundle with Python 3.11 or later alone, offline: python3 -I verify.py [--expect HASH]"""

from __future__ import annotations

# --- files


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

# --- sealing


import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


FORMAT = "trialsim.bundle/3"
MANIFEST, REPORT = "manifest.json", "report.html"
BLOCKS, LOG = "record/blocks.jsonl", "record/log.jsonl"
PLACE_OF_ROOT = "0" * 64
LARGEST_MANIFEST = 32 * 2**20
# What the root says of a run beside its files; all of it follows from the inputs.
DECIDED = ("format", "kind", "protocol", "title", "seed", "inputs")
# Files that differ from one run of the same inputs to the next.
_OF_THE_OCCASION = (MANIFEST, LOG)
_TYPES: dict[str, type] = {
    "format": str, "versions": dict, "machine": dict, "files": dict, "cells": dict, "log": dict,
    "results": str, "page": str, "root": str, "seal": str,
}  # fmt: skip
_MAY_BE: dict[str, type] = {"kind": str, "protocol": str, "title": str, "seed": int, "inputs": dict}
_HEX = re.compile("[0-9a-f]{64}")


def canonical(content: Any) -> bytes:
    """Return JSON in one form: sorted keys, no spaces, no number that JSON lacks.

    Examples
    --------
    >>> canonical({"b": 1, "a": [0.5]})
    b'{"a":[0.5],"b":1}'
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def in_order(content: Any) -> bytes:
    """Return JSON without spaces, keys in the order that they have."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def merkle_root(leaves: Sequence[bytes]) -> str:
    """Return the Merkle root of contents, in their order (RFC 6962: leaves and nodes are told apart).

    Examples
    --------
    >>> merkle_root([b"a", b"b"]) == merkle_root([b"b", b"a"])
    False
    """
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0].hex()


def root_of(facts: Mapping[str, Any], files: Mapping[str, Any], cells: Mapping[str, Any]) -> str:
    """Return the root of a run: over what it is, its cells' roots, and every file that its inputs decide."""
    decided = {name: facts[name] for name in DECIDED if name in facts}
    leaves = [canonical(["facts", decided])]
    leaves += [canonical(["cell", name, cells[name]["root"]]) for name in sorted(cells)]
    leaves += [
        canonical(["file", name, facts["page"] if name == REPORT else files[name]["sha256"]])
        for name in sorted(files)
        if name not in _OF_THE_OCCASION
    ]
    return merkle_root(leaves)


def digest(content: Any) -> str:
    """Return the SHA-256 of content as `json` writes it with sorted keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def results_of(files: Mapping[str, Any]) -> str:
    """Return the hash of all files under ``results/``, which two runs of the same inputs share."""
    return digest({name: one["sha256"] for name, one in files.items() if name.startswith("results/")})


def page_of(folder: Path, root: str) -> str:
    """Return the hash of a bundle's report without the root on it, which depends on the report."""
    if not (folder / REPORT).exists():
        return ""
    content = read_plain(folder / REPORT, REPORT)
    return hashlib.sha256(content.replace(root.encode(), PLACE_OF_ROOT.encode())).hexdigest()


def cells_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return blocks, replicates and Merkle root of each cell, from the record of its blocks."""
    leaves: dict[str, list[bytes]] = {}
    counted: dict[str, int] = {}
    for line, block in block_lines(folder):
        leaves.setdefault(block["cell"], []).append(line)
        counted[block["cell"]] = counted.get(block["cell"], 0) + block["replicates"]
    return {
        name: {"blocks": len(one), "replicates": counted[name], "root": merkle_root(one)}
        for name, one in leaves.items()
    }


def block_lines(folder: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """Return each line of the record of blocks, as bytes and as it reads; empty where there is no record."""
    if not (folder / BLOCKS).exists():
        return []
    found = []
    for line in read_plain(folder / BLOCKS, BLOCKS, 2**32).splitlines():
        block = strict_json(line, BLOCKS)
        wanted = {"cell": str, "index": int, "replicates": int, "rows": str, "sums": dict}
        _check_types(block, wanted, {}, BLOCKS)
        found.append((line, block))
    return found


def _check_types(content: Any, wanted: Mapping[str, type], may: Mapping[str, type], name: str) -> None:
    """Refuse what has not these keys with these types."""
    if not isinstance(content, dict):
        raise UnsoundError(name, "holds no table")
    for key, kind in wanted.items():
        if key not in content:
            raise UnsoundError(name, f"lacks {key}")
        if type(content[key]) is not kind:
            raise UnsoundError(name, f"{key} is not of type {kind.__name__}")
    for key, value in content.items():
        if key not in wanted and key not in may:
            raise UnsoundError(name, f"has the unknown key {key[:40]!r}")
        if key in may and type(value) is not may[key]:
            raise UnsoundError(name, f"{key} is not of type {may[key].__name__}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a bundle, if it is one.

    Raises
    ------
    UnsoundError
        It cannot be read, is of another format, or has not the keys and types of this one.
    """
    manifest: dict[str, Any] = strict_json(
        read_plain(folder / MANIFEST, MANIFEST, LARGEST_MANIFEST), MANIFEST
    )
    given = manifest.get("format") if isinstance(manifest, dict) else None
    if given != FORMAT:
        raise UnsoundError(MANIFEST, f"is of format {str(given)[:40]!r}, and {FORMAT} is read")
    _check_types(manifest, _TYPES, _MAY_BE, MANIFEST)
    for name, one in manifest["files"].items():
        _check_types(one, {"bytes": int, "sha256": str}, {}, f"{MANIFEST} files {name[:80]}")
        if name.startswith("/") or ".." in name.split("/") or "\\" in name:
            raise UnsoundError(MANIFEST, f"names the file {name[:80]!r}, which lies elsewhere")
    for name, one in manifest["cells"].items():
        wanted = {"blocks": int, "replicates": int, "root": str}
        _check_types(one, wanted, {}, f"{MANIFEST} cells {name[:80]}")
    _check_types(manifest["log"], {"events": int, "head": str}, {}, f"{MANIFEST} log")
    if not _HEX.fullmatch(manifest["root"]):
        raise UnsoundError(MANIFEST, "root is no SHA-256")
    return manifest


def seal_of(manifest: Mapping[str, Any]) -> str:
    """Return the hash of a manifest without its own seal."""
    return digest({key: value for key, value in manifest.items() if key != "seal"})


def log_head(lines: Iterable[bytes]) -> dict[str, Any]:
    """Return how many events a log has and the hash of its last one; each event holds the one before.

    Raises
    ------
    UnsoundError
        An event is out of order, or does not hold the hash of the one before.
    """
    head, number = PLACE_OF_ROOT, 0
    wanted = {"number": int, "time": str, "event": str, "of": str, "before": str}
    for line in lines:
        event = strict_json(line, LOG)
        _check_types(event, wanted, {}, LOG)
        if event["number"] != number or event["before"] != head:
            raise UnsoundError(LOG, f"event {number} does not follow from the one before")
        head, number = hashlib.sha256(line).hexdigest(), number + 1
    return {"events": number, "head": head}


def log_lines(folder: Path) -> list[bytes]:
    """Return the lines of a bundle's log; empty where it has none."""
    return read_plain(folder / LOG, LOG).splitlines() if (folder / LOG).exists() else []


def integrity(folder: Path) -> list[str]:
    """Return what differs between a bundle and its manifest, one sentence each; nothing where all holds.

    A manifest that is not as it was sealed is the only thing said: nothing can be held against it.

    Raises
    ------
    UnsoundError
        There is no manifest of this format.
    """
    manifest = read_manifest(folder)
    if manifest["seal"] != seal_of(manifest) or manifest["results"] != results_of(manifest["files"]):
        return [f"{MANIFEST}: changed, so that no file can be held against it"]
    listed = manifest["files"]
    sizes, problems = files_in(folder)
    found = set(sizes) - {MANIFEST}
    problems += [f"{name}: missing" for name in sorted(set(listed) - found)]
    problems += [f"{name}: not in the manifest" for name in sorted(found - set(listed))]
    for name in sorted(found & set(listed)):
        if sizes[name] != listed[name]["bytes"] or file_sha256(folder / name, name) != listed[name]["sha256"]:
            problems.append(f"{name}: changed")
    if problems:
        return problems
    if cells_of(folder) != manifest["cells"]:
        problems.append(f"{BLOCKS}: its blocks have not the roots of the manifest's cells")
    if log_head(log_lines(folder)) != manifest["log"]:
        problems.append(f"{LOG}: its last event is not the one of the manifest")
    if page_of(folder, manifest["root"]) != manifest["page"]:
        problems.append(f"{REPORT}: the root on it is not the one of the manifest")
    if root_of(manifest, listed, manifest["cells"]) != manifest["root"]:
        problems.append(f"{MANIFEST}: the root does not follow from cells and files")
    return problems

# --- parquet


import hashlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO


Columns = dict[str, list[Any]]
LARGEST_GROUP, LARGEST_FOOTER, MOST_ROWS = 2**30, 2**26, 2**24
_BOOLEAN, _INT32, _INT64, _DOUBLE, _TEXT = 0, 1, 2, 5, 6
_FORMATS = {_INT32: "i", _INT64: "q", _DOUBLE: "d"}
_KINDS = {_BOOLEAN: b"b", _INT32: b"i", _INT64: b"i", _DOUBLE: b"f", _TEXT: b"s"}
_PLAIN_ENCODING, _DICTIONARY = 0, (2, 8)
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_DEEPEST = 16


def rows_sha256(names: Sequence[str], kinds: Sequence[bytes], values: Sequence[bytes]) -> str:
    """Return the hash of rows by what they say: name, kind and values of each column, whatever holds them.

    Kinds are ``f`` (doubles), ``i`` (integers of 8 bytes), ``b`` (one byte each) and ``s`` (text, each with
    its length before it), all with the lowest byte first.
    """
    state = hashlib.sha256()
    for name, kind, content in zip(names, kinds, values, strict=True):
        for part in (name.encode("utf-8"), kind, content):
            state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


def texts(values: Sequence[str]) -> bytes:
    """Return texts as bytes, each with its length before it."""
    coded = [one.encode("utf-8") for one in values]
    return b"".join(len(one).to_bytes(4, "little") + one for one in coded)


def blocks_of(path: Path, name: str) -> Iterator[tuple[str, Columns]]:
    """Yield the hash of its rows and the columns of each row group of a file: one group a block.

    Raises
    ------
    UnsoundError
        The file is no such Parquet file, or would take more memory than a block has.
    """
    with open_plain(path, name) as handle:
        try:
            yield from _groups(handle, name)
        except (KeyError, IndexError, ValueError, struct.error, OverflowError, TypeError, AttributeError):
            raise UnsoundError(name, "is no Parquet file of replicates") from None


def _groups(handle: BinaryIO, name: str) -> Iterator[tuple[str, Columns]]:
    size = handle.seek(0, 2)
    handle.seek(max(size - 8, 0))
    tail = handle.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or not 0 < length <= min(size - 12, LARGEST_FOOTER):
        raise UnsoundError(name, "is no Parquet file")
    handle.seek(size - 8 - length)
    footer = _Thrift(handle.read(length)).struct()
    schema = footer[2][1:]
    names = [one[4].decode("utf-8") for one in schema]
    optional = [one.get(3, 0) == 1 for one in schema]
    if any(5 in one or one.get(3, 0) == 2 for one in schema) or len(set(names)) < len(names):
        raise UnsoundError(name, "has nested columns, or a column twice")
    for group in footer.get(4, []):
        chunks = [one[3] for one in group[1]]
        if sum(one[6] for one in chunks) > LARGEST_GROUP or len(chunks) != len(names):
            raise UnsoundError(name, "has a block that takes more memory than is read, or lacks a column")
        columns = [
            _column(handle, chunk, may_lack, group[3])
            for chunk, may_lack in zip(chunks, optional, strict=True)
        ]
        kinds = [_KINDS[one[1]] for one in chunks]
        coded = [_coded(kind, values) for kind, values in zip(kinds, columns, strict=True)]
        yield rows_sha256(names, kinds, coded), dict(zip(names, columns, strict=True))


def _coded(kind: bytes, values: list[Any]) -> bytes:
    if kind == b"s":
        return texts(values)
    if kind == b"b":
        return bytes(values)
    return struct.pack(f"<{len(values)}{'d' if kind == b'f' else 'q'}", *values)


def _column(handle: BinaryIO, chunk: dict[int, Any], optional: bool, rows: int) -> list[Any]:
    """Return the values of a column in a row group."""
    kind, codec = chunk[1], chunk[4]
    first = min(chunk[9], chunk.get(11) or chunk[9])
    handle.seek(first)
    data = handle.read(chunk[7])
    words: list[Any] = []
    found: list[Any] = []
    place = 0
    if not (0 <= chunk[7] <= LARGEST_GROUP and 0 <= rows <= MOST_ROWS):
        raise ValueError
    while len(found) < rows:
        reader = _Thrift(data, place)
        page = reader.struct()
        if page[3] < 0 or page.get(5, {1: 0})[1] > rows:
            raise ValueError
        place = reader.place + page[3]
        content = data[reader.place : place]
        if codec == 1:
            content = _unsnap(content, page[2])
        elif codec != 0:
            raise ValueError
        if page[1] == _DICTIONARY_PAGE:
            words = _plain(content, kind, page[7][1])
        elif page[1] == _DATA_PAGE:
            found += _page(content, page[5], kind, optional, words)
        else:
            raise ValueError
    if len(found) != rows:
        raise ValueError
    return found


def _page(content: bytes, head: dict[int, Any], kind: int, optional: bool, words: list[Any]) -> list[Any]:
    number, encoding = head[1], head[2]
    if optional:
        length = int.from_bytes(content[:4], "little")
        if set(_runs(content[4 : 4 + length], 1, number)) - {1}:
            raise ValueError
        content = content[4 + length :]
    if encoding in _DICTIONARY:
        return [words[code] for code in _runs(content[1:], content[0], number)]
    if encoding == _PLAIN_ENCODING:
        return _plain(content, kind, number)
    if kind == _BOOLEAN:
        return [bool(one) for one in _runs(content[4:], 1, number)]
    raise ValueError


def _plain(content: bytes, kind: int, number: int) -> list[Any]:
    if kind == _BOOLEAN:
        return [bool(content[k // 8] >> k % 8 & 1) for k in range(number)]
    if kind == _TEXT:
        place = 0
        found: list[Any] = []
        for _ in range(number):
            end = place + 4 + int.from_bytes(content[place : place + 4], "little")
            found.append(content[place + 4 : end].decode("utf-8"))
            place = end
        return found
    return list(struct.unpack_from(f"<{number}{_FORMATS[kind]}", content))


def _runs(content: bytes, width: int, number: int) -> list[int]:
    """Return integers of some bits each that are written as runs of one value or packed eight by eight."""
    if width > 32:
        raise ValueError
    found: list[int] = []
    place, mask, size = 0, (1 << width) - 1, (width + 7) // 8
    while len(found) < number:
        head, place = _varint(content, place)
        if head & 1:
            for _ in range(head >> 1):
                eight = int.from_bytes(content[place : place + width], "little")
                found += [eight >> k * width & mask for k in range(8)]
                place += width
                if len(found) >= number:
                    break
        else:
            value = int.from_bytes(content[place : place + size], "little")
            found += [value] * min(head >> 1, number - len(found))
            place += size
    return found[:number]


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError


def _unsnap(content: bytes, size: int) -> bytes:
    """Return what Snappy compressed."""
    length, place = _varint(content, 0)
    if length != size or size > LARGEST_GROUP:
        raise ValueError
    out = bytearray()
    while place < len(content):
        tag = content[place]
        place += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                wide = length - 59
                length = int.from_bytes(content[place : place + wide], "little")
                place += wide
            out += content[place : place + length + 1]
            place += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | content[place]
            place += 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(content[place : place + wide], "little")
            place += wide
        start = len(out) - offset
        if start < 0 or offset == 0 or len(out) > size:
            raise ValueError
        piece = bytes(out[start : start + length])
        out += (piece * (length // len(piece) + 1))[:length]
    if len(out) != size:
        raise ValueError
    return bytes(out)


class _Thrift:
    """Structures of Thrift's compact protocol, as tables from field number to value."""

    def __init__(self, content: bytes, place: int = 0) -> None:
        self.content, self.place, self.depth = content, place, 0

    def _integer(self) -> int:
        value, self.place = _varint(self.content, self.place)
        return value >> 1 ^ -(value & 1)

    def struct(self) -> dict[int, Any]:
        """Read one structure."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError
        found: dict[int, Any] = {}
        field = 0
        while head := self.content[self.place]:
            self.place += 1
            field = field + (head >> 4) if head >> 4 else self._integer()
            found[field] = self._value(head & 15)
        self.place += 1
        self.depth -= 1
        return found

    def _value(self, kind: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            self.place += 1
            return self.content[self.place - 1]
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            self.place += 8
            return struct.unpack_from("<d", self.content, self.place - 8)[0]
        if kind == 8:
            length, self.place = _varint(self.content, self.place)
            self.place += length
            return self.content[self.place - length : self.place]
        if kind in (9, 10):
            return self._several()
        if kind == 12:
            return self.struct()
        raise ValueError

    def _several(self) -> list[Any]:
        head = self.content[self.place]
        self.place += 1
        number = head >> 4
        if number == 15:
            number, self.place = _varint(self.content, self.place)
        if number > len(self.content):
            raise ValueError
        return [self._value(head & 15) for _ in range(number)]

# --- counting


import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


PLAN, TRIAL = "inputs/plan.json", "inputs/trial.json"
CHARACTERISTICS, LOOKS, FAILURES = (
    "results/operating_characteristics.csv", "results/looks.csv", "results/failures.csv",
)  # fmt: skip
COUNTED = (CHARACTERISTICS, LOOKS, FAILURES)
# What rounding may change, as a share of a number or of the spread of what it is a mean of.
_ROUNDING = 1e-9
_FIELDS = ("estimate", "standard_error", "df", "p_value", "status", "look", "decision")
Row = Mapping[str, str]


def counts(folder: Path) -> list[str]:
    """Return where the tables of a bundle differ from its replicates, one sentence each.

    Counted again are: blocks, replicates and their order; the share of claims and of each look; failures by
    reason; bias, mean squared error, spread, coverage, expected, least and most size, events and months; and
    the Monte Carlo error of each.

    Raises
    ------
    UnsoundError
        A file that is needed cannot be read.
    """
    plan = read_plan(folder)
    tables = {name: _table(folder, name) for name in COUNTED}
    recorded: dict[str, list[dict[str, Any]]] = {}
    for _, block in block_lines(folder):
        recorded.setdefault(block["cell"], []).append(block)
    problems = [f"{name}: is no cell of the plan" for name in recorded if name not in plan]
    for name, cell in plan.items():
        columns, said = _replicates(folder, cell, recorded.get(name, []))
        problems += said
        if not said:
            problems += _of_cell(cell, columns, tables)
    for name, rows in tables.items():
        problems += [
            f"{name}: has a row of {row['cell']!r}, which is no cell"
            for row in rows
            if row["cell"] not in plan
        ]
    return problems


def read_plan(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the cells of a bundle's plan by their names."""
    plan = strict_json(read_plain(folder / PLAN, PLAN), PLAN)
    try:
        cells = {str(cell["name"]): dict(cell) for cell in plan}
        whole = all(int(cell["replicates"]) > 0 and int(cell["block"]) > 0 for cell in plan)
    except (TypeError, KeyError, ValueError):
        raise UnsoundError(PLAN, "is no plan") from None
    if len(cells) < len(plan) or not cells or not whole:
        raise UnsoundError(PLAN, "names a cell twice, or none, or one without replicates")
    return cells


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table; none where there is no such table, as there is none of no failures."""
    if not (folder / name).exists():
        return []
    text = read_plain(folder / name, name).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _replicates(
    folder: Path, cell: dict[str, Any], recorded: Sequence[dict[str, Any]]
) -> tuple[Columns, list[str]]:
    """Return the columns of a cell, and what is wrong with its blocks."""
    name = f"results/replicates/{cell['name']}.parquet"
    columns: Columns = {}
    said: list[str] = []
    number = 0
    for digest, block in blocks_of(folder / name, name):
        size = len(next(iter(block.values())))
        if number < len(recorded):
            line = recorded[number]
            if line["index"] != number or line["replicates"] != size or line["rows"] != digest:
                said.append(f"{name}: block {number} is not the one of the record")
        for key, values in block.items():
            columns.setdefault(key, []).extend(values)
        number += 1
    planned = math.ceil(cell["replicates"] / cell["block"])
    if number != len(recorded):
        said.append(f"{name}: has {number} blocks, and {len(recorded)} are recorded")
    if number != planned and (cell["rule"] is None or number % cell["rule"]["look"] or number > planned):
        said.append(f"{name}: has {number} blocks, and {planned} were planned")
    if columns.get("replicate") != list(range(min(number * cell["block"], cell["replicates"]))):
        said.append(f"{name}: its replicates are not those that were planned, in their order")
    return columns, said


def _of_cell(cell: dict[str, Any], columns: Columns, tables: Mapping[str, list[dict[str, str]]]) -> list[str]:
    analyses = [name.removesuffix("_estimate") for name in columns if name.endswith("_estimate")]
    mine = {name: [row for row in rows if row["cell"] == cell["name"]] for name, rows in tables.items()}
    said = []
    for table in (CHARACTERISTICS, LOOKS):
        found = [row["analysis"] for row in mine[table]]
        if list(dict.fromkeys(found)) != analyses:
            said.append(f"{table}: {cell['name']}: its analyses are not {', '.join(analyses)}")
    if said:
        return said
    for analysis in analyses:
        one = _Counted(cell, analysis, columns)
        rows = {name: [row for row in mine[name] if row["analysis"] == analysis] for name in mine}
        for table, told in (
            (CHARACTERISTICS, _characteristics(one, rows[CHARACTERISTICS])),
            (LOOKS, _looks(one, rows[LOOKS])),
            (FAILURES, _failures(one, rows[FAILURES])),
        ):
            said += [f"{table}: {cell['name']}, {analysis}: {words}" for words in told]
    return said


class _Counted:
    """One analysis of a cell, counted from its replicates."""

    def __init__(self, cell: Mapping[str, Any], analysis: str, columns: Columns) -> None:
        prefix = f"{analysis}_"
        others = [
            key.removeprefix(prefix)
            for key in columns
            if key.startswith(prefix) and isinstance(columns[key][0], int | float)
        ]
        self.of = {name: columns[prefix + name] for name in (*_FIELDS, *others) if prefix + name in columns}
        self.measured = [name for name in others if name not in _FIELDS]
        self.n = len(columns["replicate"])
        truth = cell["truths"][analysis]
        self.truth, self.truth_mcse = truth["value"], truth["mcse"]
        design = cell["trial"].get("design") or {}
        self.alpha, self.kind = design.get("alpha"), cell["kind"]
        pairs = zip(self.of["estimate"], self.of["standard_error"], self.of["df"], strict=True)
        self.fitted = [one for one in pairs if math.isfinite(one[0]) and math.isfinite(one[1])]

    def share(self, name: str, value: int) -> int:
        """Return in how many replicates a field has a value."""
        return sum(one == value for one in self.of[name])


def _characteristics(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    if len(rows) != 1:
        yield f"has {len(rows)} rows"
        return
    row = rows[0]
    n, claims = one.n, one.share("decision", 1)
    yield from _differ(row, "trials", n)
    yield from _differ(row, "rejection_rate", claims / n)
    yield from _differ(row, "rejection_rate_mcse", _share_error(claims, n))
    yield from _differ(row, "undecided", one.share("decision", 0))
    yield from _differ(row, "failed", sum(_failures_of(one).values()))
    yield from _differ(row, "failed_share", sum(_failures_of(one).values()) / n)
    for name in one.measured:
        if f"expected_{name}" in row:
            yield from _mean(row, name, [float(value) for value in one.of[name]])
    yield from _differ(row, "true_effect", math.nan if one.truth is None else one.truth)
    yield from _differ(row, "true_effect_mcse", one.truth_mcse)
    if len(one.fitted) > 1:
        yield from _estimates(one, row)
    elif row["mean_estimate"]:
        yield "has a mean of fewer than two estimates"
    measure = row["measure"]
    if measure == "power" and one.kind == "null":
        yield "calls power what is a share of claims without an effect"


def _mean(row: Row, name: str, values: Sequence[float]) -> Iterator[str]:
    n = len(values)
    mean = math.fsum(values) / n
    spread = max(math.fsum(value * value for value in values) / n - mean * mean, 0.0)
    yield from _differ(row, f"expected_{name}", mean)
    # Of equal values only rounding is left, as a share of their square.
    scale = math.sqrt(1e-13 * mean * mean / max(n - 1, 1))
    yield from _differ(row, f"expected_{name}_mcse", math.sqrt(spread / max(n - 1, 1)), scale / _ROUNDING)
    if not any(math.isnan(value) for value in values):
        yield from _differ(row, f"least_{name}", min(values))
        yield from _differ(row, f"most_{name}", max(values))


def _estimates(one: _Counted, row: Row) -> Iterator[str]:
    """Hold what the estimates are worth against the estimates."""
    n, truth = len(one.fitted), one.truth or 0.0
    off = [estimate - truth for estimate, _, _ in one.fitted]
    bias = math.fsum(off) / n
    squares = math.fsum(value**2 for value in off)
    spread = math.sqrt(max((squares - n * bias**2) / (n - 1), 0.0))
    mse, fourth = squares / n, math.fsum(value**4 for value in off) / n
    variances = [error**2 for _, error, _ in one.fitted]
    variance = math.fsum(variances) / n
    of_variance = max(math.fsum(value**2 for value in variances) / n - variance**2, 0.0)
    scale = max(spread, abs(bias))
    expected = {
        "mean_estimate": (truth + bias, scale),
        "mean_estimate_mcse": (spread / math.sqrt(n), scale),
        "empirical_se": (spread, scale),
        "empirical_se_mcse": (spread / math.sqrt(2 * (n - 1)), scale),
        "root_mean_variance": (math.sqrt(variance), 0.0),
        "root_mean_variance_mcse": (
            math.sqrt(of_variance / (n - 1)) / (2 * math.sqrt(variance)) if variance else math.nan,
            1e-2 * math.sqrt(variance),
        ),
    }  # fmt: skip
    if one.truth is not None:
        expected |= {
            "bias": (bias, scale),
            "bias_mcse": (spread / math.sqrt(n), scale),
            "mean_squared_error": (mse, mse),
            "mean_squared_error_mcse": (math.sqrt(max(fourth - mse**2, 0.0) / (n - 1)), 1e-2 * mse),
        }
    for name, (value, about) in expected.items():
        yield from _differ(row, name, value, about)
    if one.truth is not None and one.alpha is not None:
        yield from _coverage(one, row, one.truth, one.alpha)


def _coverage(one: _Counted, row: Row, truth: float, alpha: float) -> Iterator[str]:
    """Hold the coverage against the intervals; a few that end at the true effect may fall on either side."""
    inside = near = 0
    for estimate, error, df in one.fitted:
        tail = t_tail(abs(estimate - truth) / error, df) if error else 0.0
        inside += tail >= alpha
        near += abs(tail - alpha) < 1e-8
    n, told = len(one.fitted), _number(row["coverage"])
    if not abs(told * n - inside) <= near + 1e-6:
        yield f"coverage is {row['coverage']}, and the intervals give {inside / n!r}"
    yield from _differ(row, "coverage_mcse", _share_error(round(told * n), n))


def _looks(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    cumulative = 0
    for place, row in enumerate(rows, 1):
        stopped = [look for look, told in zip(one.of["look"], one.of["decision"], strict=True) if told == 1]
        futile = [look for look, told in zip(one.of["look"], one.of["decision"], strict=True) if told == -1]
        efficacy, futility = stopped.count(place), futile.count(place)
        cumulative += efficacy
        yield from _differ(row, "look", place)
        for name, count in (("efficacy", efficacy), ("futility", futility)):
            yield from _differ(row, name, count / one.n)
            yield from _differ(row, f"{name}_mcse", _share_error(count, one.n))
        yield from _differ(row, "cumulative_efficacy", cumulative / one.n)
    if cumulative != one.share("decision", 1):
        yield "lacks a look"


def _failures_of(one: _Counted) -> dict[str, int]:
    """Return fits without an estimate by reason; a design that gives no estimate has no failures."""
    found: dict[str, int] = {}
    fields = (one.of["estimate"], one.of["standard_error"], one.of["status"])
    for estimate, error, status in zip(*fields, strict=True):
        if not (math.isfinite(estimate) and math.isfinite(error)):
            found[status] = found.get(status, 0) + 1
    return {} if found == {"no_estimate": one.n} else found


def _failures(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    told = {row["reason"]: row for row in rows}
    counted = _failures_of(one)
    for reason in sorted({*told, *counted}):
        number = counted.get(reason, 0)
        if reason not in told or reason not in counted:
            listed = told.get(reason, {}).get("count", 0)
            yield f"{number} fits failed with {reason!r}, and the table has {listed}"
            continue
        yield from _differ(told[reason], "count", number)
        yield from _differ(told[reason], "share", number / one.n)


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _differ(row: Row, name: str, value: float, scale: float = 0.0) -> Iterator[str]:
    """Say that a table has another number than the replicates, beyond rounding."""
    if name not in row:
        yield f"{name} is not in the table"
        return
    told = _number(row[name])
    if math.isnan(told) and math.isnan(value):
        return
    if not abs(told - value) <= _ROUNDING * max(abs(value), scale):
        yield f"{name} is {row[name] or 'missing'}, and the replicates give {value!r}"


def _share_error(count: int, n: int) -> float:
    """Return the standard error of a share, with half a success added at the edges."""
    share = min(max(count, 0.5), n - 0.5) / n
    return math.sqrt(share * (1 - share) / n)


def t_tail(value: float, df: float) -> float:
    """Return P(T > value) of Student's t, value at least 0; of the normal law where df is infinite.

    By the continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8 and 26.7.1).

    Examples
    --------
    >>> round(t_tail(2.228138852, 10), 9), round(t_tail(1.959963985, math.inf), 9)
    (0.025, 0.025)
    """
    if math.isinf(df):
        return 0.5 * math.erfc(value / math.sqrt(2))
    x = df / (df + value * value)
    return 0.5 * _beta(x, df / 2, 0.5)


def _beta(x: float, a: float, b: float) -> float:
    if x in (0.0, 1.0):
        return x
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(1 - x, b, a) / b
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or tiny)
    found = d
    for k in range(1, 500):
        for term in (
            k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
            -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found

# --- main


import argparse
import sys
from collections.abc import Sequence
from pathlib import Path



def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle with Python alone, say what was found, and return 0 only if all of it holds."""
    parser = argparse.ArgumentParser(
        description="Check a run bundle with Python alone: V0, every file and hash; V1, the counts of its "
        "tables from its replicates. This script is as trustworthy as whoever gave it to you: take it from "
        "the source of trialsim if you doubt the bundle."
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--expect", metavar="HASH", help="the root or the seal that you were given")
    given = parser.parse_args(arguments)
    try:
        problems, said = _check(given.bundle, given.expect)
    except UnsoundError as fault:
        problems, said = [str(fault)], []
    for line in (*said, *(f"NOT as it should be: {one}" for one in problems)):
        sys.stdout.write(line.encode("ascii", "backslashreplace").decode("ascii") + "\n")
    return 1 if problems else 0


def _check(folder: Path, expected: str | None) -> tuple[list[str], list[str]]:
    problems = integrity(folder)
    if problems:
        return problems, []
    manifest = read_manifest(folder)
    said = [f"V0 integrity: holds. Root {manifest['root']}, seal {manifest['seal']}"]
    if expected is not None and expected.lower() not in (manifest["root"], manifest["seal"]):
        return [f"neither root nor seal is the expected {expected[:64]}"], said
    problems = counts(folder)
    if not problems:
        said.append(f"V1 counts: {', '.join(COUNTED)} follow from the replicates")
    said.append(
        "Not checked here: other tables, the report, whether the replicates follow from the inputs "
        "(trialsim verify --replay), and the twins' posterior"
    )
    if expected is None:
        said.append("Not checked: whether the root is the one that was published (--expect HASH)")
    return problems, said


if __name__ == "__main__":
    sys.exit(main())
