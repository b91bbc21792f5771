"""``--json`` on every command: one object of one documented form, in success and in refusal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from rich.console import Console

from tests.cli.in_process import run
from tests.small_trial import TRIAL
from trialsim.cli import commands as command_line
from trialsim.cli.commands import commands
from trialsim.cli.terminal.as_json import OUTPUT_SCHEMA, Collected
from trialsim.cli.terminal.tables import print_frame

ROOT = Path(__file__).parents[2]
KINDS = {"string": str, "integer": int, "array": list, "object": dict, "null": type(None)}


def leaves(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def checked(text: str) -> dict[str, Any]:
    """Return an output that keeps the schema that ``trialsim schema output`` prints."""
    found = json.loads(text)
    assert list(found) == OUTPUT_SCHEMA["required"] == list(OUTPUT_SCHEMA["properties"])
    for name, said in OUTPUT_SCHEMA["properties"].items():
        if "const" in said:
            assert found[name] == said["const"]
            continue
        kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
        assert isinstance(found[name], tuple(KINDS[kind] for kind in kinds)), name
    assert all(isinstance(line, str) for line in found["said"])
    assert all(isinstance(row, dict) for rows in found["tables"].values() for row in rows)
    return found


@pytest.mark.parametrize("words", [words for words, _ in leaves(commands)], ids=" ".join)
def test_every_command_offers_it(words: tuple[str, ...]) -> None:
    (command,) = [one for name, one in leaves(commands) if name == words]
    assert sum("--json" in option.opts for option in command.params) == 1


@pytest.mark.parametrize(
    ("asked", "tables"),
    [
        ("size --effect 0.45 --sd 2.2", {"sizes", "savings"}),
        ("design means --effect 0.5", set()),
        ("design bounds --looks 0.5,1", {"bounds"}),
        ("cohort check cohorts/cgd.toml", None),
        ("verify reports/example --level V0", set()),
        ("run protocols/survival_delayed_effect.toml --plan --quiet", None),
    ],
)
def test_what_is_printed_keeps_the_schema(
    asked: str, tables: set[str] | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(monkeypatch, *asked.split(), "--json") == 0
    found = checked(capsys.readouterr().out)
    assert found["error"] is None
    assert found["exit_code"] == 0
    assert asked.startswith(found["command"])
    assert found["said"]
    assert set(found["tables"]) >= tables if tables is not None else found["tables"]


def test_a_run_gives_its_numbers_and_where_its_bundle_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = tmp_path / "small.toml"
    protocol.write_text(TRIAL.format(effect=1.0, participants=80, seed=1), encoding="utf-8")
    assert run(monkeypatch, "run", str(protocol), "--quiet", "--json", "-o", str(tmp_path / "out")) == 0
    found = checked(capsys.readouterr().out)
    rows = found["tables"]["operating_characteristics"]
    table = pd.read_csv(Path(found["facts"]["bundle"]) / "results" / "operating_characteristics.csv")
    assert [row["rejection_rate"] for row in rows] == table["rejection_rate"].to_list()
    assert re.fullmatch("[0-9a-f]{64}", found["facts"]["root"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [("run missing.toml", 2), ("size --effect 0.45 --sd -1", 2), ("size --effect", 2), ("nonsense", 2)],
)
def test_a_refusal_is_told_in_json_too(
    asked: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *asked.split(), "--json") == code
    said = capsys.readouterr()
    found = checked(said.out)
    assert found["exit_code"] == code
    assert found["error"]
    assert found["error"].splitlines()[0][:40] in said.err


def test_numbers_that_are_not_finite_are_null_and_names_are_not_lost() -> None:
    found = Collected("size", facts={"upper": float("inf")})
    for _ in range(3):
        found.add_table("Bounds, by look", pd.DataFrame({"z": [float("nan"), 1.96]}))
    content = checked(found.text())
    assert content["facts"] == {"upper": None}
    assert list(content["tables"]) == ["bounds", "bounds_2", "bounds_3"]
    assert content["tables"]["bounds"] == [{"z": None}, {"z": 1.96}]


def test_the_codes_of_the_page_are_those_of_the_program() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert codes == {0, command_line.EXIT_REFUSED, command_line.EXIT_INTERRUPTED}
    told = commands.get_help(click.Context(commands))
    assert {int(code) for code in re.findall(r"^ +(\d+) {2,}", told, re.MULTILINE)} == codes


def test_tables_fit_a_terminal_of_80_columns() -> None:
    out = io.StringIO()
    frame = pd.DataFrame({f"a rather long name {k}": [f"value {k} {j}" for j in range(30)] for k in range(9)})
    print_frame(frame, Console(file=out, width=80, force_terminal=True, color_system=None), "Wide")
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines())) <= 80


def test_no_color_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    print_frame(pd.DataFrame({"a": [1]}), Console(file=out, force_terminal=True), "One")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", out.getvalue())
