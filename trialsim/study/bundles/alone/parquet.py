"""The replicates of a cell read with Python alone: the part of Parquet in which they are written."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from trialsim.study.bundles.alone.files import UnsoundError, open_plain

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
