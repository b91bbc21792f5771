"""`trialsim frontier` as a user meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from trialsim.cli import main

BASE = ("frontier", "--effect", "0.4", "--active", "120", "--history", "1000", "--correlation", "0.5")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["trialsim", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_help_teaches_drift_and_cap(monkeypatch, capsys) -> None:
    assert run(monkeypatch, "frontier", "--help") == 0
    text = capsys.readouterr().out
    assert "none feasible" in text
    assert "Examples:" in text


def test_text_names_every_asked_method(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE, "--method", "prognostic", "--method", "map", "--drift", "0.5") == 0
    text = capsys.readouterr().out
    assert "prognostic adjustment: 84 controls" in text
    assert "robust MAP: " in text


def test_json_and_csv_hold_the_same_rows(monkeypatch, capsys, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "frontier.csv"
    arguments = (*BASE, "--method", "power", "--drift", "0.3", "--json", "--output", str(target))
    assert run(monkeypatch, *arguments) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["controls"] == int(pd.read_csv(target)["controls"].iloc[0])
    assert rows[0]["method"] == "power prior"
    assert run(monkeypatch, *arguments[:-1], str(tmp_path / "rows.json")) == 0
    assert json.loads((tmp_path / "rows.json").read_text()) == rows


def test_curves_warn_where_the_cap_is_broken(monkeypatch, capsys) -> None:
    arguments = (*BASE, "--method", "bayesian", "--curves", "100", "--drift", "0.3", "--replicates", "400")
    assert run(monkeypatch, *arguments) == 0
    assert "Warning" in capsys.readouterr().out


def test_without_a_score_the_bayesian_method_is_left_out_with_a_reason(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE[:-2], "--drift", "0.1", "--most", "300") == 0
    assert "needs --correlation above 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--cap", "0.01"), "type_one_cap"),
        (("--effect", "0"), "effect"),
        (("--output", "rows.txt"), "unknown kind of file"),
        (("--method", "magic"), "magic"),
    ],
)
def test_what_cannot_be_is_one_clear_error(monkeypatch, capsys, extra: tuple[str, ...], said: str) -> None:
    assert run(monkeypatch, *BASE, "--method", "prognostic", *extra) == 2
    assert said in capsys.readouterr().err
