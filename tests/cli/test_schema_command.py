"""`trialsim schema` prints schemas that the shipped files keep and broken ones do not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from trialsim.cli.commands import commands

ROOT = Path(__file__).parents[2]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments, catch_exceptions=False, standalone_mode=False)


def test_the_schema_of_a_protocol_names_every_table_of_the_shipped_files() -> None:
    schema = json.loads(call("schema").output)
    for path in (ROOT / "protocols").glob("*.toml"):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        if tables["format"] == "trialsim.protocol/2":
            assert set(tables) <= set(schema["properties"]), path.name
            assert set(schema["required"]) <= set(tables), path.name
    assert schema["properties"]["format"]["const"] == "trialsim.protocol/2"
    assert schema["additionalProperties"] is False


def test_the_schema_of_a_card_names_every_table_of_the_shipped_cards() -> None:
    schema = json.loads(call("schema", "card").output)
    for path in (ROOT / "cohorts").glob("*.toml"):
        assert set(tomllib.loads(path.read_text(encoding="utf-8"))) <= set(schema["properties"]), path.name


def test_a_schema_of_something_else_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="history"):
        call("schema", "history")
