"""`trialsim size` with the heterogeneity dial and with assurance."""

from __future__ import annotations

import pytest

from tests.cli.in_process import run

BASE = ("size", "--effect", "0.3", "--sd", "1", "--partial-correlation", "0.5")


def test_the_dial_shows_sharp_chosen_and_no_credit(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE, "--agreement", "0.6") == 0
    text = capsys.readouterr().out
    assert "350.247" in text
    assert "373.597" in text
    assert "408.622" in text


def test_assurance_shows_implied_beside_customary_discounts(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE, "--assurance", "0.8", "--history-pairs", "300") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "undiscounted 351." in text
    assert "implied discount at assurance 0.8" in text
    assert "customary λ 0.9" in text
    assert run(monkeypatch, *BASE, "--assurance", "0.8", "--history-pairs", "300") == 0
    assert " ".join(capsys.readouterr().out.split()) == text


def test_a_harmful_direction_is_sized_like_its_mirror(monkeypatch, capsys) -> None:
    down = ("size", "--effect", "-0.3", "--sd", "1", "--partial-correlation", "0.5")
    assert run(monkeypatch, *down, "--assurance", "0.8", "--history-pairs", "300") == 0
    assert "undiscounted 351." in " ".join(capsys.readouterr().out.split())


def test_assurance_needs_a_history(monkeypatch, capsys) -> None:
    assert run(monkeypatch, *BASE, "--assurance", "0.8") == 2
    assert "--history-pairs" in capsys.readouterr().err


def test_a_score_of_the_wrong_sign_earns_nothing_in_any_table(monkeypatch, capsys) -> None:
    extra = (
        "--agreement",
        "1",
        "--assurance",
        "0.8",
        "--history-pairs",
        "300",
        "--control-price",
        "9",
        "--json",
    )
    answers = []
    for partial in ("-0.5", "0"):
        asked = ("size", "--effect", "0.3", "--sd", "1", "--partial-correlation", partial)
        assert run(monkeypatch, *asked, *extra) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--sd-active", "0"), "--sd-active: must be above 0"),
        (("--sd", "nan"), "--sd: must be a finite number"),
        (("--dropout", "nan"), "--dropout: must be a finite number"),
        (("--partial-correlation", "nan"), "--partial-correlation: must be a finite number"),
        (("--partial-lower", "0.6"), "--partial-lower: must not exceed"),
        (("--partial-upper", "0.4"), "--partial-upper: must not be below"),
        (("--history-pairs", "100"), "--history-pairs: needs --assurance"),
        (("--effect-sd", "0.1"), "--effect-sd: needs --assurance"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_own_name(
    monkeypatch, capsys, extra: tuple[str, ...], said: str
) -> None:
    assert run(monkeypatch, *BASE, *extra) == 2
    assert said in capsys.readouterr().err
