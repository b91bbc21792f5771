"""`trialsim frontier` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.design import BorrowingQuestion
from trialsim.design.borrowing import PowerPrior, RobustMap, safe_priors

BASE = ("frontier", "--effect", "0.4", "--active", "120", "--history", "1000", "--correlation", "0.5")


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
    rows = json.loads(capsys.readouterr().out)["tables"]["frontier"]
    assert rows[0]["controls"] == int(pd.read_csv(target)["controls"].iloc[0])
    assert rows[0]["method"] == "power prior"
    assert run(monkeypatch, *arguments[:-1], str(tmp_path / "rows.json")) == 0
    written = json.loads((tmp_path / "rows.json").read_text())
    for one, other in zip(written, rows, strict=True):
        assert one == pytest.approx(other, nan_ok=True)


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


def test_every_declared_drift_is_asked_for_even_between_two_steps(monkeypatch, capsys) -> None:
    rows = (*BASE, "--method", "map", "--drift", "0.12", "--curves", "60", "--json")
    assert run(monkeypatch, *rows) == 0
    drifts = [row["drift"] for row in json.loads(capsys.readouterr().out)["tables"]["curves"]]
    assert drifts == [-0.12, -0.1, -0.05, 0.0, 0.05, 0.1, 0.12]


def test_drift_by_weight_with_its_sweet_spots(monkeypatch, capsys) -> None:
    rows = (*BASE, "--method", "map", "--drift", "0.3", "--curves", "60", "--all-settings")
    assert run(monkeypatch, *rows) == 0
    text = capsys.readouterr().out
    settings = [one.setting for one in RobustMap().candidates()]
    assert all(text.count(setting) == 2 for setting in settings)
    assert "Sweet spots" in text


def test_tuned_priors_say_what_gain_is_left(monkeypatch, capsys, tmp_path: Path) -> None:
    asked = (*BASE, "--method", "map", "--method", "power", "--drift", "0.1", "--tuned", "60")
    assert run(monkeypatch, *asked, "--figure", str(tmp_path / "tuned.html")) == 0
    question = BorrowingQuestion(0.4, 120, 1000, correlation=0.5)
    assert capsys.readouterr().out.strip() == str(safe_priors(question, 60, [RobustMap(), PowerPrior()]))
    assert "plotly" in (tmp_path / "tuned.html").read_text()


def test_a_cap_that_is_hardly_broken_is_not_told_as_kept(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE, "--method", "map", "--cap", "0.05") == 0
    text = capsys.readouterr().out
    assert "misses the cap" in text
    assert float(text.split("worst type I error ")[1].split()[0]) > 0.05


def test_weighting_says_what_gain_is_assumed(monkeypatch, capsys) -> None:
    asked = (*BASE, "--method", "weighted", "--drift", "0")
    assert run(monkeypatch, *asked) == 0
    assert "no gain by weighting assumed" in capsys.readouterr().out
    assert run(monkeypatch, *asked, "--weighted-factor", "0.9") == 0
    assert "weighting leaves 0.9 of the variance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--drift", "nan"), "--drift: must be a finite number"),
        (("--calibration-slope", "nan"), "--calibration-slope: must be a finite number"),
        (("--dropout", "nan"), "--dropout: must be a finite number"),
        (("--effect", "-0.4"), "more is better"),
        (("--check",), "--check: is for the other scales"),
        (("--all-settings",), "--all-settings: needs --curves"),
        (("--tuned", "60", "--curves", "60"), "--tuned: does not go with --curves"),
    ],
)
def test_options_that_cannot_be_meant(monkeypatch, capsys, extra: tuple[str, ...], said: str) -> None:
    assert run(monkeypatch, *BASE, "--method", "twin", *extra) == 2
    assert said in capsys.readouterr().err


def test_on_other_scales_loss_and_methods_are_refused_by_the_option(monkeypatch, capsys) -> None:
    survival = ("--scale", "survival", "--control-median", "12", "--hazard-ratio", "0.7", "--accrual", "18")
    asked = ("frontier", *survival, "--duration", "30", "--active", "200", "--history", "300")
    assert run(monkeypatch, *asked, "--dropout", "0.1") == 2
    assert "give --loss" in capsys.readouterr().err
    assert run(monkeypatch, *asked, "--method", "weighted") == 2
    assert "rests on a linear model" in capsys.readouterr().err


def test_twins_that_missed_a_held_out_study_save_fewer_controls(monkeypatch, capsys) -> None:
    def controls(*options: str) -> int:
        assert run(monkeypatch, *BASE, "--method", "twin", "--drift", "0.4", "--json", *options) == 0
        return int(json.loads(capsys.readouterr().out)["tables"]["frontier"][0]["controls"])

    kept = ("--calibration-bias", "0.1", "0.1")
    missed = ("--calibration-bias", "-0.5", "0.1")
    assert controls(*kept * 3) < controls(*missed * 3)
    assert controls(*kept) < controls(*kept, "--calibration-slope", "0")
    assert run(monkeypatch, *BASE, "--method", "twin", "--calibration-bias", "0.1", "0") == 2
    assert "standard error" in capsys.readouterr().err
    assert run(monkeypatch, *BASE, "--method", "twin", "--calibration-slope", "nan") == 2
