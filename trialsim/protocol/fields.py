"""What each field of a file means: its unit, range, default and an example, from the models that read it.

`described_schema` is the JSON Schema that editors read; `fields_page` is the same as a page to read.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

Examples = Mapping[tuple[str, str], Any]
_BOUNDS = (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))

_TYPES = {
    "number": "number",
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
    None: "any",
}
_LONGEST_EXAMPLE = 90
_INTRODUCTION = """Made from the schema that reads the file, by `trialsim schema --markdown`. Examples are
those of the example files; where none of them uses a field, the example is marked "shown only here"."""


@cache
def _words() -> dict[str, dict[str, list[Any]]]:
    return tomllib.loads(files("trialsim.protocol").joinpath("field_words.toml").read_text(encoding="utf-8"))


def field_words(table: str, field: str, docstring: str = "") -> tuple[str, str, Any]:
    """Return the unit, the meaning and perhaps an example of a field.

    Parameters
    ----------
    table, field : str
        Model and field.
    docstring : str
        Of the model: what its parameters say is taken where no words of our own stand.

    Returns
    -------
    tuple of str, str and object
        Unit, meaning, and an example or None; empty where nothing is said.

    Examples
    --------
    >>> field_words("TrialArm", "allocation")
    ('part', 'Part of the allocation ratio.', None)
    """
    for group in (table, "every"):
        if found := _words().get(group, {}).get(field):
            unit, meaning, *example = found
            if group == table or field not in (said := _parameters(docstring)):
                return unit, meaning, example[0] if example else None
            return unit, said[field], example[0] if example else None
    return "", _parameters(docstring).get(field, ""), None


def described_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model, each field with what it means and its unit.

    Parameters
    ----------
    model : type of BaseModel
        What reads the file.

    Returns
    -------
    dict
        JSON Schema; units stand as ``x-unit``.
    """
    schema = model.model_json_schema()
    for name, table in _tables(schema):
        for field, entry in table.get("properties", {}).items():
            unit, meaning, example = field_words(name, field, table.get("description", ""))
            entry |= {"description": meaning} if meaning else {}
            entry |= {"x-unit": unit} if unit else {}
            entry |= {"examples": [example]} if example is not None else {}
    return schema


def _places(schema: dict[str, Any]) -> dict[str, str]:
    """Return where in the file each table stands, from the top level down."""
    places = {schema["title"]: "Top level"}
    waiting = [("", schema)]
    while waiting:
        above, table = waiting.pop(0)
        for field, entry in table.get("properties", {}).items():
            for name in _tables_in(entry):
                if name not in places:
                    inner, path = schema["$defs"][name], f"{above}{field}"
                    kind = inner.get("properties", {}).get("kind", {})
                    kinds = [kind["const"]] if "const" in kind else _choices(kind)
                    among = "" if not kinds or len(kinds) > 3 else f", kind {' or '.join(kinds)}"
                    places[name] = path + among
                    waiting.append((f"{path}.", inner))
    return places


def _tables_in(entry: Any) -> Iterator[str]:
    """Yield the tables that a field may hold."""
    if isinstance(entry, Mapping):
        if "$ref" in entry:
            yield entry["$ref"].rpartition("/")[2]
        for key, inner in entry.items():
            if key not in ("discriminator", "examples", "default"):
                yield from _tables_in(inner)
    elif isinstance(entry, list):
        for inner in entry:
            yield from _tables_in(inner)


def _tables(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield schema["title"], schema
    yield from schema.get("$defs", {}).items()


def used_in(sources: Iterable[BaseModel]) -> dict[tuple[str, str], Any]:
    """Return for each table and field the first value that a file gives it.

    Parameters
    ----------
    sources : iterable of BaseModel
        Files that were read.
    """
    found: dict[tuple[str, str], Any] = {}

    def visit(value: Any) -> None:
        if isinstance(value, BaseModel):
            for name, (called, given) in _given(value).items():
                found.setdefault((type(value).__name__, called), _plain(given))
                visit(getattr(value, name))
        elif isinstance(value, Mapping):
            for entry in value.values():
                visit(entry)
        elif isinstance(value, tuple | list):
            for entry in value:
                visit(entry)

    for model in sources:
        visit(model)
    return found


def _given(model: BaseModel) -> dict[str, tuple[str, Any]]:
    """Return the fields that a file gave, each with what the file calls it and its value."""
    fields = type(model).model_fields
    return {
        name: (field.alias or name, getattr(model, name))
        for name, field in fields.items()
        if name in model.model_fields_set
    }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {called: _plain(given) for called, given in _given(value).values()}
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value


def fields_page(model: type[BaseModel], title: str, examples: Examples) -> str:
    """Return a Markdown page of every field of a file.

    Parameters
    ----------
    model : type of BaseModel
        What reads the file.
    title : str
        Heading.
    examples : mapping
        What `used_in` found in example files.

    Returns
    -------
    str
        One section a table of the file, one row a field.
    """
    schema = described_schema(model)
    lines = [f"# {title}", "", _INTRODUCTION, ""]
    places = _places(schema)
    for name, place in places.items():
        table = schema if name == schema["title"] else schema["$defs"][name]
        first = str(table.get("description", "")).split("\n\n")[0].replace("\n", " ").replace("``", "`")
        lines += [f"## {place} {{ #{name.lower()} }}", "", first, ""]
        if not table.get("properties"):
            continue
        lines += [
            "| field | meaning | unit | type and range | default | example |",
            "|---|---|---|---|---|---|",
        ]
        required = set(table.get("required", ()))
        for field, entry in table["properties"].items():
            default = "required" if field in required else f"`{toml(entry.get('default'))}`"
            said = [entry.get("description", ""), entry.get("x-unit", ""), _range(entry, places)]
            cells = [f"`{field}`", *said, default, _example(name, field, entry, examples)]
            lines.append(
                "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
            )
        lines.append("")
    return "\n".join(lines)


def _example(name: str, field: str, entry: dict[str, Any], examples: Examples) -> str:
    if (name, field) in examples:
        return f"`{toml(examples[name, field])}`"
    if "const" in entry:
        return f"`{toml(entry['const'])}`"
    if "examples" in entry:
        return f"`{toml(entry['examples'][0])}` (shown only here)"
    for shown in (entry.get("default"), next(iter(_choices(entry)), None)):
        if shown not in (None, [], {}):
            return f"`{toml(shown)}`"
    return "leave it out" if entry.get("type") == "null" else ""


def _choices(entry: dict[str, Any]) -> list[Any]:
    return list(entry.get("enum", ()))


def toml(value: Any) -> str:
    """Return a value as TOML writes it on one line; a long one is cut.

    Examples
    --------
    >>> toml({"kind": "median", "median": 12.0})
    '{ kind = "median", median = 12.0 }'
    """
    text = _toml(value)
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 2] + " …"


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _range(entry: dict[str, Any], places: Mapping[str, str]) -> str:
    """Return the type of a field and which values it may have, in words."""
    if "const" in entry:
        return f"`{toml(entry['const'])}`"
    if "enum" in entry:
        return ", ".join(f"`{choice}`" for choice in entry["enum"])
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return f"table [{places[name]}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in entry:
            parts = [_range(part, places) for part in entry[several] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(part for part in parts if part))
    words = {"array": _list, "object": _named}.get(str(entry.get("type")))
    if words is not None:
        return words(entry, places)
    if entry.get("pattern", "").startswith("^[a-z]"):
        return "name"
    said = [f"{sign} {entry[key]}" for key, sign in _BOUNDS if key in entry]
    return ", ".join([_TYPES[entry.get("type")], *said])


def _named(entry: dict[str, Any], places: Mapping[str, str]) -> str:
    """Return what a table holds whose keys are names."""
    inner = [*entry.get("patternProperties", {}).values(), entry.get("additionalProperties")]
    of = next((_range(part, places) for part in inner if isinstance(part, dict)), "any")
    return f"table by name: {of}"


def _list(entry: dict[str, Any], places: Mapping[str, str]) -> str:
    """Return how many of what a list holds."""
    parts = entry.get("prefixItems") or [entry.get("items", {})]
    of = " and ".join(dict.fromkeys(_range(part, places) for part in parts))
    least, most = entry.get("minItems", 0), entry.get("maxItems")
    many = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
    return f"list of {many}: {of}"


def _parameters(docstring: str) -> dict[str, str]:
    """Return what the numpy docstring of a model says of each parameter."""
    _, _, section = docstring.partition("Parameters\n----------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(" :")[0].split(",")]
        elif line.strip():
            for name in names:
                found[name] = f"{found[name]} {line.strip()}" if name in found else line.strip()
        if not line.strip() and found:
            names = []
    return {name: text.replace("``", "`") for name, text in found.items()}
