"""`trialsim size` and `trialsim frontier` on every scale: text, JSON, files, figures and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.design import BinaryScale, CountScale, SurvivalScale, control_frontier, scale_size
from trialsim.design.borrowing import NoBorrowing, ScaleBorrowingQuestion
from trialsim.design.control_arm import ScaleSizing

ARGUMENTS = {
    "binary": ("--control-rate", "0.3", "--risk-difference", "0.15"),
    "count": ("--control-rate", "0.8", "--rate-ratio", "0.7", "--exposure", "2", "--dispersion", "0.5"),
    "survival": ("--control-median", "12", "--hazard-ratio", "0.7", "--accrual", "18", "--duration", "30"),
}
SCALES = {
    "binary": BinaryScale(0.3, risk_difference=0.15),
    "count": CountScale(0.8, 0.7, 2.0, 0.5),
    "survival": SurvivalScale(12, 0.7, 18, 30),
}
COUNT_FRONTIER = (*("frontier", "--scale", "count"), *ARGUMENTS["count"], "--active", "99", "--history", "99")
PRICES = ("--control-price", "30000", "--active-price", "45000", "--month-price", "5e4", "--per-month", "20")


@pytest.mark.parametrize("scale", SCALES)
def test_size_says_what_the_library_says(monkeypatch, capsys, tmp_path: Path, scale: str) -> None:
    asked = ("size", "--scale", scale, *ARGUMENTS[scale], "--partial-correlation", "0.3")
    assert run(monkeypatch, *asked) == 0
    total = scale_size(ScaleSizing(SCALES[scale]), "unadjusted").total
    text = capsys.readouterr().out
    assert f"Unadjusted: {total} participants" in text
    assert "Exploratory" in text
    interval = ("--partial-lower", "0.2", "--partial-upper", "0.4", "--assurance", "0.8")
    files = ("--output", str(tmp_path / "deep" / "sizes.csv"), "--figure", str(tmp_path / "sizes.html"))
    assert run(monkeypatch, *asked, *interval, "--history-pairs", "300", *PRICES, *files, "--json") == 0
    found = json.loads(capsys.readouterr().out)["tables"]
    assert list(found) == ["sizes", "savings", "assurance", "allocations"]
    score = scale_size(ScaleSizing(SCALES[scale]), "prognostic", 0.3).total
    assert found["sizes"][0]["prognostic_total"] == score
    assert pd.read_csv(tmp_path / "deep" / "sizes.csv")["prognostic_total"].iloc[0] == score
    saved = next(row for row in found["savings"] if row["gain"] == "months" and row["value"] is not None)
    assert saved["lower"] < saved["value"] < saved["upper"]
    assert saved["value"] == pytest.approx((total - score) / 20)
    page = (tmp_path / "sizes.html").read_text()
    assert "<title>What the score saves: cost</title>" in page
    assert "cost saved, in the currency of the prices" in page


@pytest.mark.parametrize(
    ("scale", "analysis"),
    [("binary", "logistic"), ("count", "negative_binomial"), ("survival", "cox")],
)
def test_rows_are_named_by_the_analysis_of_the_scale(monkeypatch, capsys, scale: str, analysis: str) -> None:
    """A hazard ratio has no analysis of covariance."""
    asked = ("size", "--scale", scale, *ARGUMENTS[scale], "--partial-correlation", "0.3")
    assert run(monkeypatch, *asked, "--json") == 0
    text = capsys.readouterr().out
    assert f"{analysis}_regression_total" in text
    assert run(monkeypatch, *asked) == 0
    assert "ancova" not in (text + capsys.readouterr().out).lower()


@pytest.mark.parametrize("scale", SCALES)
def test_a_lower_bound_alone_moves_the_worst_plausible_figure(monkeypatch, capsys, scale: str) -> None:
    asked = ("size", "--scale", scale, *ARGUMENTS[scale], "--partial-correlation", "0.3", "--json")
    found = []
    for extra in ((), ("--partial-lower", "0.2"), ("--partial-lower", "0.2", "--partial-upper", "0.4")):
        assert run(monkeypatch, *asked, *extra) == 0
        found.append(json.loads(capsys.readouterr().out)["tables"]["sizes"][2])
    without, lower, both = found
    assert without["partial_correlation"] == 0
    assert lower == both
    assert lower["partial_correlation"] == 0.2


def test_savings_that_nobody_can_know_are_left_out(monkeypatch, capsys) -> None:
    asked = ("size", "--effect", "0.3", "--sd", "1", "--partial-correlation", "0.5", "--json")
    gains = {}
    for name, extra in {"nothing": (), "rate": PRICES[-2:], "price": PRICES[:2], "all": PRICES}.items():
        assert run(monkeypatch, *asked, *extra) == 0
        rows = json.loads(capsys.readouterr().out)["tables"]["savings"]
        gains[name] = list(dict.fromkeys(row["gain"] for row in rows))
    both = ["participants", "controls"]
    assert gains == {
        "nothing": both,
        "rate": [*both, "months"],
        "price": [*both, "cost"],
        "all": [*both, "months", "cost"],
    }


def test_allocations_cost_what_their_randomised_participants_cost(monkeypatch, capsys) -> None:
    asked = ("size", "--effect", "0.3", "--sd", "1", "--partial-correlation", "0.5", "--control-price", "1")
    assert run(monkeypatch, *asked, "--dropout", "0.2", "--json") == 0
    first = json.loads(capsys.readouterr().out)["tables"]["allocations"][0]
    assert first["cost"] == pytest.approx(first["total"] / 0.8)


def test_prices_show_money_and_allocations_of_a_continuous_outcome(monkeypatch, capsys) -> None:
    asked = ("size", "--effect", "0.3", "--sd", "1", "--partial-correlation", "0.5", *PRICES)
    assert run(monkeypatch, *asked) == 0
    text = capsys.readouterr().out
    assert "Saved beyond baseline ANCOVA" in text
    assert "with the score, for the same money" in text
    assert "140.099" in text


@pytest.mark.parametrize("scale", SCALES)
def test_frontier_says_what_the_library_says(monkeypatch, capsys, tmp_path: Path, scale: str) -> None:
    target = tmp_path / "frontier.html"
    asked = ("frontier", "--scale", scale, *ARGUMENTS[scale], "--active", "300", "--history", "500")
    plain = ("--method", "prognostic", "--drift", "0.3", "--figure", str(target))
    assert run(monkeypatch, *asked, *plain) == 0
    drifts = tuple(round(0.1 * step, 1) for step in range(-3, 4))
    question = ScaleBorrowingQuestion(SCALES[scale], 300, 500, drifts=drifts)
    expected = control_frontier(question, [NoBorrowing()])
    assert capsys.readouterr().out.strip() == str(expected)
    assert "<title>Borrowing from a history beside 300 active participants</title>" in target.read_text()
    assert run(monkeypatch, *asked, *plain[:4], "--check", "--replicates", "400") == 0
    assert "Beside simulated trials" in capsys.readouterr().out
    rows = (*asked, "--method", "map", "--drift", "0.3", "--curves", "150", "--json")
    assert run(monkeypatch, *rows) == 0
    found = json.loads(capsys.readouterr().out)["tables"]["curves"]
    assert [row["drift"] for row in found] == list(drifts)


def test_methods_of_a_linear_model_are_left_out_with_a_reason(monkeypatch, capsys) -> None:
    asked = ("frontier", "--scale", "binary", *ARGUMENTS["binary"], "--active", "300", "--history", "500")
    assert run(monkeypatch, *asked, "--drift", "0") == 0
    text = capsys.readouterr().out
    assert "were left out" in text
    assert "commensurate prior" in text


@pytest.mark.parametrize("command", ["size", "frontier"])
def test_help_teaches_the_scales(monkeypatch, capsys, command: str) -> None:
    assert run(monkeypatch, command, "--help") == 0
    text = capsys.readouterr().out
    assert "--scale survival --control-median" in text
    assert "log hazard" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("size", "--scale", "binary", "--control-rate", "0.3"), "odds_ratio"),
        (("size", "--scale", "binary"), "--control-rate: is needed"),
        (("size", "--scale", "binary", *ARGUMENTS["binary"], "--sd", "1"), "--sd: does not belong"),
        (("size", "--scale", "binary", *ARGUMENTS["survival"]), "give --scale survival"),
        (("size", "--scale", "survival", *ARGUMENTS["survival"], "--dropout", "0.1"), "give --loss"),
        (("size", "--sd", "1"), "--effect: is needed"),
        (("size", "--effect", "1", "--sd", "1", "--odds-ratio", "2"), "--odds-ratio: does not belong"),
        (("size", "--effect", "1", "--sd", "1", "--active-price", "2"), "--control-price"),
        (("size", "--effect", "1", "--sd", "1", "--month-price", "2"), "--per-month"),
        (("size", "--effect", "1", "--sd", "1", "--figure", "a.png"), "end it in .html"),
        (("frontier", "--active", "99", "--history", "99"), "--effect: is needed"),
        ((*COUNT_FRONTIER, "--method", "map", "--curves", "50", "--drift", "0", "--check"), "--check"),
        (
            (
                "frontier",
                "--scale",
                "count",
                *ARGUMENTS["count"],
                "--active",
                "99",
                "--history",
                "99",
                "--sd",
                "2",
            ),
            "--sd: does not belong",
        ),
        (
            (*COUNT_FRONTIER, "--correlation", "0.95"),
            "correlation",
        ),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    monkeypatch, capsys, arguments: tuple[str, ...], said: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_thin_arm_is_warned_of_in_text_and_json(monkeypatch, capsys) -> None:
    asked = ("size", "--scale", "binary", "--control-rate", "0.3", "--odds-ratio", "20")
    assert run(monkeypatch, *asked) == 0
    assert "Warning: unadjusted: an arm holds" in capsys.readouterr().out
    assert run(monkeypatch, *asked, "--json") == 0
    assert "normal approximation" in json.loads(capsys.readouterr().out)["facts"]["warning"]


def test_arms_may_differ_in_dropout_and_correlation(monkeypatch, capsys) -> None:
    from trialsim.design import PlanningMoments, SizingQuestion, size_for_power

    arms = ("--partial-correlation-active", "0.2", "--dropout", "0.1", "--dropout-active", "0.25")
    baseline = ("--baseline-correlation", "0.3", "--baseline-correlation-active", "0.1")
    asked = ("size", "--effect", "0.45", "--sd", "2.2", "--partial-correlation", "0.4", "--json")
    assert run(monkeypatch, *asked, *arms, *baseline) == 0
    moments = PlanningMoments((2.2, 2.2), (0.3, 0.1), (0.4, 0.2))
    size = size_for_power(moments, "prognostic", SizingQuestion(0.45, dropout=(0.1, 0.25)))
    found = json.loads(capsys.readouterr().out)["tables"]["sizes"][0]
    assert (found["prognostic_total"], found["prognostic_controls"]) == (size.total, size.controls)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (("--effect", "0.001", "--sd", "5"), "--largest-trial"),
        (("--effect", "0.5", "--sd", "2", "--largest-trial", "100"), "--largest-trial"),
        (("--effect", "0.5", "--sd", "2", "--partial-correlation-active", "0.3"), "--partial-correlation"),
    ],
)
def test_a_size_that_cannot_be_had_names_its_option(monkeypatch, capsys, options, flag: str) -> None:
    assert run(monkeypatch, "size", *options) != 0
    said = capsys.readouterr().err
    assert flag in said
    assert "sizing." not in said


@pytest.mark.parametrize(
    ("contrast", "limit", "value"),
    [
        ("--risk-difference", "--margin", "-0.1"),
        ("--risk-difference", "--limits", "-0.1,0.1"),
        ("--risk-ratio", "--margin", "25"),
    ],
)
def test_a_margin_that_no_treatment_can_reach_is_refused(
    monkeypatch, capsys, contrast: str, limit: str, value: str
) -> None:
    """5 % of controls respond: no treatment has 10 points less, nor 25 times as much."""
    none = "0" if contrast == "--risk-difference" else "1"
    asked = ("size", "--scale", "binary", "--control-rate", "0.05", contrast, none)
    assert run(monkeypatch, *asked, limit, value) != 0
    assert "means a risk of" in capsys.readouterr().err
    possible = "-0.04" if contrast == "--risk-difference" else "1.9"
    assert run(monkeypatch, *asked, "--margin", possible, "--partial-correlation", "0") == 0
