"""Files made wrong at random: a few bytes of them, or a few values of what they say."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

# Values that have broken readers: ends of floating point, other types, marks of programs, very long texts.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, -(2**63) - 1, 10**40, 0.0, -0.0, 5e-324, 1e-310, 1e308, -1e308,
    float("nan"), float("inf"), "", " ", "a", "0", "nan", "1e999", "../../etc/passwd", "/dev/zero",
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "[/bold]", "\x1b[31m", "\u202eabc", "\x00", "é" * 50,
    "x" * 50_000, [], [[]], {}, {"a": {}}, [1, "a", None], [1.0] * 1000, {"kind": "law"}, "TODO",
)  # fmt: skip
PIECES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b",", b";", b"[", b"]", b"{", b"}", b"=",
    b"#", b"e999", b"-", b"nan", b"inf", b"9" * 400, b"\xf0\x9f\x98\x80", b"\x1b[2J",
    b"<!--", b"PK\x03\x04", b"PAR1",
)  # fmt: skip


@st.composite
def broken_bytes(draw: st.DrawFn, sound: bytes) -> bytes:
    """Return a file with some of its bytes flipped, cut, repeated or replaced."""
    content = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        how = draw(st.sampled_from(("flip", "cut", "repeat", "put", "truncate")))
        if how == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del content[at : at + draw(st.integers(1, 40))]
        elif how == "repeat":
            content[at:at] = content[at : at + draw(st.integers(1, 200))] * draw(st.integers(1, 5))
        elif how == "put":
            content[at:at] = draw(st.sampled_from(PIECES))
        else:
            del content[at:]
    return bytes(content)


def places(content: Any) -> list[tuple[Any, Any]]:
    """Return every place of plain tables: what holds it, and its key there."""
    found: list[tuple[Any, Any]] = []
    left = [content]
    while left:
        one = left.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            left.append(one[key])
    return found


@st.composite
def broken_tables(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """Return tables with some values replaced, taken away, moved or called otherwise."""
    content = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        where = places(content)
        holder, key = where[draw(st.integers(0, len(where) - 1))]
        how = draw(st.sampled_from(("replace", "replace", "replace", "delete", "rename", "twice")))
        if how == "replace":
            holder[key] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
        elif how == "delete":
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            name = "x" if how == "rename" else draw(st.sampled_from(("name", "kind", "value", "format")))
            holder[name] = holder.pop(key) if how == "rename" else copy.deepcopy(holder[key])
    return content


def as_toml(tables: Any) -> str:
    """Return tables as TOML in one line a key, whatever they hold; what TOML has no word for is a text."""
    return "\n".join(f"{json.dumps(str(key))} = {_value(value)}" for key, value in tables.items()) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps("" if value is None else str(value)).replace("\x7f", "\\u007f")
