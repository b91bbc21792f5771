"""`trialsim design`: the page shows what it prints, every method is on it, and what is wrong is named."""

from __future__ import annotations

import csv
import json
import shlex
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
    command = shlex.split(next(c for c, _ in EXAMPLES if c.split()[1] == name).replace("\\\n", " "))
    table = tmp_path / "answer.csv"
    assert run(monkeypatch, *command, "--json", "--csv", str(table)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["said"]
    assert found["facts"] or found["tables"]
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
        ("conditional --looks 0.5,1 --look 1 --z 1 --prior 0@1,0@2", ("weights", "not all 0")),
        ("bounds --looks 0.5,1 --efficacy table:0.2@0.5", ("time", "ascend from above 0 to 1")),
        ("mmrm --effect 0.3,0.5 --visits 2 --correlation 0.5", ("--effect", "--arm-sizes")),
        ("survival --control-median 12 --hazard-ratio 0.7 --accrual 1 --accrual-time 24 "
         "--analysis-time 40 --looks 0.5,1", ("--looks", "--total")),
        ("borrowed --past 23-107 --controls 9 --active 9 --difference 0.2", ("--past", "23/107,12/44")),
        ("borrowed --past 0/10 --controls 9 --active 9 --difference 0.2", ("--past", "a responder")),
        ("success --prior 0 --information 379 --effect -0.3", ("--prior", "two numbers")),
        ("success --prior 0,2 --information 100 --effect -0.3 --interim 0.1,100", ("below the final",)),
        ("enrolment --participants 300 --sites 20", ("--sites", "--rate")),
        ("enrolment --participants 300 --so-far no.csv --month 8", ("--so-far", "cannot be read")),
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


def test_sites_so_far_move_the_forecast_and_give_their_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sites that enrolled twice as fast as planned end the trial sooner, at the rate of their counts."""
    sites = tmp_path / "sites.csv"
    sites.write_text("activation,enrolled\n" + "".join(f"{k % 4},{8 + k % 3}\n" for k in range(12)))
    months = []
    for words in (
        ["--sites", "12", "--last-activation", "3", "--rate", "0.7"],
        ["--so-far", str(sites), "--month", "8"],
    ):
        asked = ["design", "enrolment", "--participants", "200", *words, "--replicates", "500", "--json"]
        assert run(monkeypatch, *asked) == 0
        found = json.loads(capsys.readouterr().out)
        months.append(found["facts"]["full_by_month"])
    counts = [8 + k % 3 for k in range(12)]
    exposure = [8 - k % 4 for k in range(12)]
    assert found["facts"]["mean_rate_of_a_site"] == pytest.approx(sum(counts) / sum(exposure), rel=1e-6)
    assert 8 < months[1] < months[0]


def test_borrowing_all_of_the_past_is_the_exact_law_of_its_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One control and one active participant: the four outcomes by hand."""
    asked = "design borrowed --past 1/2 --controls 1 --active 1 --difference 0.3 --drifts 0 --confidence 0.6"
    assert run(monkeypatch, *asked.split(), "--json") == 0
    found = json.loads(capsys.readouterr().out)["tables"]["without_drift"]
    # Beta(2, 1) against Beta(1, 2) of the control: P = 5/6 > 0.6; of the other outcomes at most 1/2.
    none = next(row for row in found if row["prior"] == "none")
    assert none["type I error"] == pytest.approx(0.25)
    assert none["power"] == pytest.approx(0.8 * 0.5)


@pytest.mark.parametrize(
    ("words", "total"),
    [
        # One against one can never claim: the extreme ranks of 4 and 4 are the first with a low p, 1/70.
        (("ranks", "--win-ratio", "1e6"), 8),
        (("ordinal", "--categories", "0.25,0.25,0.25,0.25", "--odds-ratio", "1e9"), 8),
        (("ranks", "--win-probability", "0.999999"), 16),
        (("mmrm", "--effect", "100", "--visits", "3", "--correlation", "0.6"), 2),
    ],
)
def test_a_formula_of_large_samples_says_so_where_it_asks_for_very_few(
    monkeypatch, capsys, words: tuple[str, ...], total: int
) -> None:
    assert run(monkeypatch, "design", *words) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"total {total} " in text
    assert "formula for large samples" in text


def test_a_usual_size_has_no_such_warning(monkeypatch, capsys) -> None:
    assert run(monkeypatch, "design", "ranks", "--win-probability", "0.7") == 0
    assert "large samples" not in capsys.readouterr().out


def test_a_site_is_told_which_role_its_missing_column_has(monkeypatch, capsys, tmp_path) -> None:
    asked, data = str(tmp_path / "question.json"), tmp_path / "north.csv"
    data.write_text("visits,months,age\n" + "\n".join(f"{k % 3},{1 + k / 10},{50 + k}" for k in range(20)))
    words = ("--family", "poisson", "--outcome", "visits", "--covariates", "age", "--exposure", "followed")
    assert run(monkeypatch, "federate", "ask", *words, "--sites", "north,south", "-o", asked) == 0
    answered = ("federate", "answer", asked, str(data), "--site", "north", "-o", str(tmp_path / "a.json"))
    assert run(monkeypatch, *answered) == 2
    said = capsys.readouterr().err
    assert "the question has it as its exposure" in said
    assert "--covariates" not in said
    assert not (tmp_path / "a.json").exists()
