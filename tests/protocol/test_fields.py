"""Each field of a protocol and of a card is explained, with unit, range, default and an example."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter

from trialsim.cli.schema import _model, reference_page
from trialsim.protocol.fields import described_schema

COLUMNS = ("field", "meaning", "unit", "range", "default", "example")


@pytest.mark.parametrize("kind", ["protocol", "card"])
def test_no_cell_of_the_reference_is_empty(kind: str) -> None:
    rows = [line for line in reference_page(kind).splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    for row in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        empty = [name for name, cell in zip(COLUMNS, cells, strict=True) if not cell]
        assert not empty, f"{cells[0]}: say it in trialsim/protocol/field_words.toml: {empty}"


def test_every_field_of_the_schema_is_on_the_page() -> None:
    page = reference_page("protocol")
    for name, table in described_schema(_model("protocol"))["$defs"].items():
        section = page.split(f" {{ #{name.lower()} }}\n")[1].split("\n## ")[0]
        for field in table.get("properties", {}):
            assert f"\n| `{field}` |" in section, f"{name}.{field}"


def test_words_are_of_fields_that_exist() -> None:
    words = tomllib.loads(files("trialsim.protocol").joinpath("field_words.toml").read_text(encoding="utf-8"))
    tables = {}
    for kind in ("protocol", "card"):
        schema = _model(kind).model_json_schema()
        tables |= schema["$defs"] | {schema["title"]: schema}
    every = {field for table in tables.values() for field in table.get("properties", {})}
    for table, fields in words.items():
        known = every if table == "every" else set(tables[table].get("properties", {}))
        assert set(fields) <= known, table


def models(base: type[BaseModel]) -> dict[str, type[BaseModel]]:
    found = {base.__name__: base}
    for model in base.__subclasses__():
        found |= models(model)
    return found


def test_examples_of_our_own_are_values_that_the_file_may_hold() -> None:
    known = models(BaseModel)
    checked = 0
    for kind in ("protocol", "card"):
        for name, table in described_schema(_model(kind))["$defs"].items():
            for field, entry in table["properties"].items() if "properties" in table else ():
                information = known[name].model_fields.get(field)
                if information is None or entry.get("examples", ["leave it out"]) == ["leave it out"]:
                    continue
                wanted = Annotated[(information.annotation, None, *information.metadata)]
                TypeAdapter(wanted).validate_json(json.dumps(entry["examples"][0]))
                checked += 1
    assert checked > 80
