"""`trialsim design`: the page shows what it prints, every method is on it, and what is wrong is named."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from trialsim.cli.design.group import design

sys.path.insert(0, str(Path(__file__).parent))
from design_page import PAGE, examples, printed
from in_process import run

EXAMPLES = examples(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[c.split("\\")[0][:60] for c, _ in EXAMPLES])
def test_the_page_shows_what_the_command_prints_in_80_columns(command: str, output: str) -> None:
    assert printed(command) == output
    assert max(len(line) for line in output.splitlines()) <= 80


def test_every_method_is_on_the_page_and_has_an_example_in_its_help() -> None:
    shown = {command.split()[1] for command, _ in EXAMPLES}
    assert shown == set(design.commands)
    for name, method in design.commands.items():
        assert f"trialsim design {name}" in (method.help or ""), name


@pytest.mark.parametrize("name", sorted(design.commands))
def test_every_method_answers_in_json_and_csv(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = next(c for c, _ in EXAMPLES if c.split()[1] == name).replace("\\\n", " ").split()
    table = tmp_path / "answer.csv"
    assert run(monkeypatch, *command, "--json", "--csv", str(table)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["answer"]
    assert len(found) > 1
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert rows
    assert all(rows[0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("means --effect -0.5 --margin -0.2", ("--effect", "wrong side", "-0.5", "direction")),
        ("rates --control 0.6 --active 0.4 --margin -0.1", ("--active", "wrong side")),
        ("events --hazard-ratio 1.5 --margin 1.3", ("--hazard-ratio", "wrong side")),
        ("events --hazard-ratio 1 --limits 1.25,0.8", ("lower", "below the upper")),
        ("bounds --looks 0.5,1 --efficacy foo", ("--efficacy", "foo", "obf, pocock")),
        ("bounds --looks 1,0.5", ("information", "order")),
        ("bounds --looks 0.5,x", ("is no list of numbers",)),
        ("survival --control-median 12 --hazard-ratio 1@0,0.58@6 --accrual 1 --accrual-time 24 "
         "--analysis-time 40 --method schoenfeld", ("--hazard-ratio", "proportional")),
        ("survival --control-median 12 --hazard-ratio 2.5@0,1.2@6 --accrual 1 --accrual-time 24 "
         "--analysis-time 40 --method max-combo", ("--hazard-ratio", "wrong side")),
        ("survival --hazard-ratio 0.7 --accrual 1 --accrual-time 24 --analysis-time 40",
         ("--control-median", "must be given")),
        ("one-arm --null 0.3 --alternative 0.1", ("--alternative", "wrong side")),
        ("arms --effects -0.2,-0.1", ("--effects", "wrong side")),
        ("wedge --steps 4 --cluster-size 20 --effect 0 --sd 1 --icc 0.05", ("--effect", "wrong side")),
        ("conditional --looks 0.5,1 --look 2 --z 1", ("--look", "interim look")),
        ("means --effect 0.5 --csv out.txt", ("--csv", ".csv")),
        ("ordinal --categories 0.2,0.5 --odds-ratio 2", ("sum 1",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_value_and_mend(
    arguments: str,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "design", *arguments.split()) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Traceback" not in caught.err
    for word in words:
        assert word in caught.err
