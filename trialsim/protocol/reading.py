"""Reading TOML files into typed models, and refusing what cannot be used with one clear error."""

from __future__ import annotations

import math
import re
import tomllib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from trialsim.errors import InputError, ProtocolError

LARGEST_FILE_BYTES = 1_000_000
LONGEST_LINE = 20_000
DEEPEST_KEY = 16
DEEPEST_BRACKETS = 64
_QUOTES, _OF_KEYS = ('"', "'"), ("_", "-")
# How a drafted file marks what its user has to say: no such text is ever a value.
BLANK = "TODO"
_MOST_BLANKS = 30
SMALLEST_NUMBER, LARGEST_NUMBER = 1e-30, 1e30
# Control characters, and the marks that reverse the direction of text so that a reader is shown another file.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of every model that is read from a file: frozen, no extra keys, no coercion, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def read_toml(path: Path | str, error: type[InputError]) -> dict[str, Any]:
    """Return the tables of a TOML file, after cheap checks that keep a hostile file from the parser."""
    text = read_text(Path(path), error)
    _refuse_hostile(text, path, error)
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        raise error(f"is not valid TOML: {fault}", file=path, mend="correct the line that is named") from None
    for field, value in _leaves(tables):
        _refuse_value(field, value, path, error)
    _refuse_blanks(tables, path, error)
    return tables


def _refuse_blanks(tables: dict[str, Any], path: Path | str, error: type[InputError]) -> None:
    """Refuse a draft, naming all that is left to be filled."""
    blanks = [
        f"{field} ({value.removeprefix(BLANK).lstrip(': ')})"
        for field, value in _leaves(tables)
        if isinstance(value, str) and value.startswith(BLANK)
    ]
    if blanks:
        more = f", and {len(blanks) - _MOST_BLANKS} more" if len(blanks) > _MOST_BLANKS else ""
        raise error(
            f"is a draft with {len(blanks)} blanks: {'; '.join(blanks[:_MOST_BLANKS])}{more}",
            file=path,
            mend=f"fill in every {BLANK}, or take out its line",
        )


def _leaves(tables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every value of a file with its path; brackets and keys were held to a depth before."""
    left: deque[tuple[str, Any]] = deque([("", tables)])
    while left:
        place, value = left.popleft()
        if isinstance(value, dict):
            left += [(f"{place}.{key}" if place else key, inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{place}[{number}]", inner) for number, inner in enumerate(value)]
        else:
            yield place, value


def _refuse_value(field: str, value: object, path: Path | str, error: type[InputError]) -> None:
    """Refuse what no field can mean: numbers at the ends of floating point, and characters that hide."""
    if isinstance(value, float) and 0 < abs(value) < SMALLEST_NUMBER:
        raise error(
            "is nearer to 0 than any quantity of a trial", file=path, field=field, value=value,
            mend="give 0, or the number that is meant",
        )  # fmt: skip
    if isinstance(value, int | float) and LARGEST_NUMBER < abs(value) < math.inf:
        raise error(
            "is larger than any quantity of a trial", file=path, field=field, value=f"{value:.3g}"
            if isinstance(value, float) else f"an integer of {len(str(value))} digits",
            mend=f"give a number up to {LARGEST_NUMBER:g}",
        )  # fmt: skip
    if isinstance(value, time) or (isinstance(value, date) and error is ProtocolError):
        raise error(
            "is a date or a time", file=path, field=field, value=value, mend="give it as text in quotes"
        )
    if isinstance(value, str) and (hidden := _FORBIDDEN.search(value)):
        raise error(
            "holds a hidden control character", file=path, field=field, value=f"\\u{ord(hidden[0]):04x}",
            mend="remove the hidden character",
        )  # fmt: skip


def _freeze(value: Any) -> Any:
    """Return arrays as tuples: a strict model takes no list for a tuple."""
    if isinstance(value, dict):
        return {key: _freeze(inner) for key, inner in value.items()}
    return tuple(_freeze(inner) for inner in value) if isinstance(value, list) else value


def read_text(path: Path, error: type[InputError]) -> str:
    """Return the text of a small UTF-8 file, or raise `error` naming what is wrong with it."""
    if not path.exists():
        raise error("file not found", file=path, mend="check the path")
    if not path.is_file():
        raise error("is not a file", file=path, mend="give the path of a TOML file")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise error("is larger than 1 MB", file=path, mend="give a TOML file, not data")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise error("is not UTF-8 text", file=path, mend="save the file as UTF-8") from None
    except OSError as fault:
        raise error(f"cannot be read: {fault.strerror}", file=path, mend="check its permissions") from None
    if not text.strip():
        raise error("is empty", file=path, mend="start from `trialsim init`")
    return text


def _refuse_hostile(text: str, path: Path | str, error: type[InputError]) -> None:
    hidden = _FORBIDDEN.search(text)
    if hidden:
        row = text.count("\n", 0, hidden.start()) + 1
        raise error(
            f"line {row} holds a hidden control character", file=path, mend="remove the hidden character"
        )
    for number, line in enumerate(text.splitlines(), 1):
        key = line.split("=", 1)[0]
        deep = key.count(".") > DEEPEST_KEY and not key.lstrip().startswith("#")
        if len(line) > LONGEST_LINE or deep or _dots(line) > DEEPEST_KEY:
            raise error(f"line {number} is too long or nested too deeply", file=path, mend="shorten the line")
    if text.count("[") - text.count("]") > DEEPEST_BRACKETS or "[" * DEEPEST_BRACKETS in text:
        raise error("brackets are nested too deeply", file=path, mend="flatten the nested arrays")


def _dots(line: str) -> int:
    """Return the most dots in a key of a line, outside of strings and comments, reading each mark once."""
    if line.count(".") <= DEEPEST_KEY:
        return 0
    quote, escaped, last, before = "", False, "", ""
    dots = most = 0
    for mark in line:
        if quote:
            closes = mark == quote and not escaped
            escaped = mark == "\\" and quote == '"' and not escaped
            quote = "" if closes else quote
            continue
        opens, blank = mark in _QUOTES, mark.isspace()
        if mark == "#":
            break
        # Another word, or what stands in no key, ends the key before.
        other_word = before.isspace() and last != "."
        ends = not (blank or opens or mark == ".") and (
            not (mark.isalnum() or mark in _OF_KEYS) or other_word
        )
        dots = 0 if ends else dots + (mark == ".")
        most, quote = max(most, dots), mark if opens else ""
        before, last = mark, last if blank else mark
    return most


def check_model(
    tables: dict[str, Any],
    model: type[Model],
    error: type[InputError],
    *,
    file: Path | str | None = None,
    place: Callable[[str], str] = str,
) -> Model:
    """Return the model of some tables, or raise `error` with every broken rule.

    `place` turns the path of a field in the model into its path in the file.
    """
    try:
        return model.model_validate(_freeze(tables))
    except ValidationError as fault:
        raise _as_error(fault, error, file, place) from None


def _as_error(
    fault: ValidationError, error: type[InputError], file: Path | str | None, place: Callable[[str], str]
) -> InputError:
    faults = _causes(fault.errors(include_url=False))
    if faults[0]["loc"] == ("format",):
        # A file of another format breaks most rules of this one; only what it is helps.
        faults = faults[:1]
    first = faults[0]
    combined = error(
        _problem(first), file=file, field=place(_field(first)), value=_value(first), mend=_mend(first)
    )
    others = [f"{place(_field(other))}: {_problem(other)}" for other in faults[1:]]
    if others:
        combined.problem += f" (and {len(others)} more: {'; '.join(others[:5])})"
    return combined


def _causes(faults: Sequence[Any]) -> list[Any]:
    """Leave out what is said of the length of a list only because an entry of it is wrong."""
    places = [fault["loc"] for fault in faults]

    def follows(fault: Any) -> bool:
        inside = (place for place in places if len(place) > len(fault["loc"]))
        return fault["type"] == "too_short" and any(
            place[: len(fault["loc"])] == fault["loc"] for place in inside
        )

    return [fault for fault in faults if not follows(fault)]


def _field(fault: Any) -> str:
    inner = fault.get("ctx", {}).get("field", "") if fault["type"] == "rule" else ""
    return field_path((*fault["loc"], inner) if inner else fault["loc"])


def _value(fault: Any) -> object:
    """Return the offending value where it is worth printing: not a whole table, not an absence."""
    if fault["type"] == "rule":
        return fault["ctx"]["value"]
    value = fault["ctx"]["tag"] if fault["type"] == "union_tag_invalid" else fault.get("input")
    plain = fault["type"] not in ("missing", "extra_forbidden") and not isinstance(value, dict | BaseModel)
    return value if plain else None


def _problem(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown key"
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] in _WORDS:
        return _WORDS[fault["type"]]
    text = str(fault["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:]


def _mend(fault: Any) -> str:
    """Return what to do about a fault, by its kind."""
    kind = fault["type"]
    context = fault.get("ctx", {})
    if kind == "extra_forbidden":
        return "remove the key, or check its spelling"
    if kind == "missing" and fault["loc"] != ("format",):
        return "add the key"
    if kind == "rule":
        return str(context["mend"])
    if kind == "too_short":
        return f"give at least {context['min_length']}"
    if kind == "string_pattern_mismatch":
        most = ", at most 40 in all" if "{0,39}" in context["pattern"] else ""
        return f"use small letters, digits and _, a letter first{most}, such as site_a"
    if kind == "union_tag_not_found":
        return "add kind to the table"
    if kind == "union_tag_invalid":
        return f"use one of {context.get('expected_tags')}"
    if kind == "finite_number":
        return "give a finite number"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        limits = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        return "give a number " + " and ".join(f"{limits[k]} {v}" for k, v in context.items() if k in limits)
    if fault["loc"] == ("format",):
        given = fault.get("input")
        if kind != "missing" and isinstance(given, str) and given in _READ_BY:
            return _READ_BY[given]
        wanted = context.get("expected", '"trialsim.protocol/2"')
        return f"begin the file with format = {wanted}"
    if kind in ("literal_error", "enum"):
        return f"use one of {context.get('expected')}"
    if kind.endswith(("_type", "_parsing")):
        return f"give {_WANTED.get(kind, 'a value of the right type')}"
    return "change the value so that the rule holds"


_READ_BY = {
    "trialsim.protocol/1": "write format = 'trialsim.protocol/2': docs/protocol.md says what moved where",
    "trialsim.protocol/2": "give this kind of file to trialsim run",
    "trialsim.trial/1": "write format = 'trialsim.protocol/2' and [[endpoints]] for [outcome]; "
    "docs/trials.md says what moved where",
    "trialsim.outcome/1": "let trialsim new write a protocol of the history, and give it to trialsim twins",
}

_WORDS = {
    "string_pattern_mismatch": "is no name that can be used",
    "union_tag_not_found": "does not say its kind",
    "union_tag_invalid": "has an unknown kind",
}

_WANTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number without a decimal point",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}


def field_path(location: Sequence[int | str]) -> str:
    """Return a pydantic location as a person would write it.

    Examples
    --------
    >>> field_path(("dropout", 0, "cumulative"))
    'dropout[0].cumulative'
    """
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".") or "(whole file)"


def duplicates(names: Sequence[str]) -> list[str]:
    """Return the names that occur more than once, in order of first occurrence."""
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def refuse(
    problem: str,
    value: object = None,
    *,
    field: str = "",
    mend: str = "change the value so that the rule holds",
) -> PydanticCustomError:
    """Return the error that a model's validator raises.

    Parameters
    ----------
    problem : str
        What is wrong.
    value : object, optional
        What was given.
    field : str
        Path of the field below the model that raises.
    mend : str
        What the user can do.
    """
    return PydanticCustomError(
        "rule", "{problem}", {"problem": problem, "value": value, "field": field, "mend": mend}
    )
