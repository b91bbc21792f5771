"""Sizes that are searched for against margins and within limits: those of the formula, on every scale."""

from __future__ import annotations

import math

import pytest
from scipy.special import ndtr, ndtri

from tests.cli.in_process import run
from tests.declared_files import tables, write_protocol
from trialsim.errors import DesignError
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.people.assumed import register_assumed
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.numbers import planning_numbers
from trialsim.study.sizing.power_law import PowerLaw
from trialsim.study.sizing.rivals import with_rivals
from trialsim.study.sizing.search import search_sizes
from trialsim.study.sizing.sizes import size_trial

SIZING = {"power": 0.8, "trials": 8000}
CASES = {
    "means": ("score", {"kind": "ancova", "null": -0.3}, 0.0),
    "means, equivalent": ("score", {"kind": "ancova", "null": [-0.3, 0.3]}, 0.05),
    "risks": ("response", {"kind": "risk_difference", "null": -0.12}, 1.0),
    "risks, equivalent": ("response", {"kind": "risk_difference", "null": [-0.12, 0.12]}, 1.0),
    "odds": ("response", {"kind": "log_odds_ratio", "null": 0.6}, 1.0),
    "rates": ("count", {"kind": "negative_binomial", "null": 1.3}, 1.0),
    "hazards": ("time_to_event", {"kind": "cox", "null": 1.5}, 1.0),
    "hazards, equivalent": ("time_to_event", {"kind": "cox", "null": [0.6, 1.6]}, 1.0),
}


def declared(case: str, **changes: object):
    kind, analysis, value = CASES[case]
    made = tables(kind, sizing=SIZING, analyses=[analysis], participants=300, **changes)
    made["effects"][0]["value"] = value
    if kind == "time_to_event":
        made["design"] = {"kind": "fixed", "events": 200}
        made["enrolment"] = {"kind": "planned", "rates": [40.0], "durations": [30.0], "source": "test"}
    return trial_from_dict(made)


@pytest.mark.parametrize("case", CASES)
def test_the_searched_size_is_that_of_the_formula(case: str) -> None:
    row = size_trial(declared(case), Registers()).sizes.iloc[0]
    assert row["formula"].partition(":")[0] != "none"
    assert row["participants"] == pytest.approx(row["participants_by_formula"], rel=0.05)


@pytest.mark.parametrize("ratio", [1.0, 1.3, 3.0])
def test_the_search_knows_how_the_power_of_an_equivalence_grows(ratio: float) -> None:
    law = PowerLaw(1.959964, ratio)

    def claims(n: int, names: list[str], trials: int) -> dict[str, int]:
        near = 0.2 * math.sqrt(n)
        power = max(0.0, ndtr(near - 1.959964) + ndtr(ratio * near - 1.959964) - 1)
        return {name: round(trials * float(power)) for name in names}

    wanted = ((1.959964 + law.probit(0.9)) / 0.2) ** 2
    for guess in (20, 300, 5000):
        found = search_sizes(claims, ["e"], power=0.9, alpha=0.025, guess=guess, laws={"e": law})["e"]
        assert found.exact == pytest.approx(wanted, rel=0.003)
    assert law.probit(0.9) >= ndtri(0.9) - 1e-9


def test_an_effect_that_is_not_what_is_to_be_claimed_is_refused_before_the_search() -> None:
    made = tables("response", sizing=SIZING, analyses=[{"kind": "log_odds_ratio", "null": [0.7, 1.4]}])
    with pytest.raises(DesignError, match="is not what can be claimed"):
        size_trial(trial_from_dict(made), Registers())


def test_a_protocols_margin_goes_to_size_and_to_the_frontier(monkeypatch, capsys, tmp_path) -> None:
    slow = {"kind": "planned", "rates": [40.0], "durations": [30.0], "source": "t"}
    made = tables(
        "time_to_event", sizing={"power": 0.8}, analyses=[{"kind": "cox", "null": 1.4}], participants=300,
        design={"kind": "fixed", "month": 24.0}, enrolment=slow,
    )  # fmt: skip
    made["effects"][0]["value"] = 1.0
    found = planning_numbers(trial_from_dict(made), tmp_path)
    assert (found["margin"], found["direction"], found["hazard_ratio"]) == (1.4, "less", 1.0)
    path = write_protocol(tmp_path / "t.toml", made)
    assert run(monkeypatch, "size", "--from", str(path)) == 0
    assert "Against a margin of 1.4" in " ".join(capsys.readouterr().out.split())
    asked = ("frontier", "--from", str(path), "--history", "200", "--method", "prognostic", "--quiet")
    assert run(monkeypatch, *asked) == 0
    assert "against a margin of 1.4" in capsys.readouterr().out
    made["endpoints"] = tables("response")["endpoints"]
    made |= {"effects": tables("response")["effects"], "design": {"kind": "fixed"},
             "analyses": [{"kind": "risk_difference", "null": [-0.1, 0.2]}]}  # fmt: skip
    found = planning_numbers(trial_from_dict(made), tmp_path)
    assert (found["limits"], found["contrast"]) == ((-0.1, 0.2), "risk-difference")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scale", "binary", "--control-rate", "0.6", "--risk-difference", "0", "--margin", "-0.1"),
         "Unadjusted: 1010 participants"),
        (("--scale", "binary", "--control-rate", "0.6", "--odds-ratio", "1", "--contrast", "risk-ratio",
          "--limits", "0.8,1.25"), "Equivalence within 0.8 and 1.25"),
        (("--effect", "0", "--sd", "1", "--limits", "-0.5,0.5", "--alpha", "0.1", "--variance", "model"),
         "Unadjusted: 176 participants"),
        (("--effect", "0.5", "--sd", "1", "--margin", "0.2", "--direction", "greater"),
         "The effect lies 0.3 from the margin"),
    ],
)  # fmt: skip
def test_size_takes_margins_and_limits_on_every_scale(monkeypatch, capsys, options, words: str) -> None:
    assert run(monkeypatch, "size", *options, "--partial-correlation", "0.3") == 0
    assert words in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--effect", "0.5", "--sd", "1", "--margin", "0.2"), "--direction says what is claimed"),
        (("--effect", "0.5", "--sd", "1", "--limits", "-0.2,0.2"), "must lie between the limits"),
        (("--effect", "0", "--sd", "1", "--limits", "-0.2"), "must be two numbers"),
        (("--effect", "0", "--sd", "1", "--limits", "-1,1", "--margin", "-1"), "does not go with --limits"),
        (("--effect", "0", "--sd", "1", "--limits", "-1,1", "--agreement", "0.5"), "does not go with --lim"),
        (("--effect", "0.5", "--sd", "1", "--contrast", "odds-ratio"), "does not belong to a continuous"),
        (("--scale", "binary", "--control-rate", "0.6", "--odds-ratio", "1", "--margin", "-0.1"),
         "is a ratio, which must be above 0"),
        (
            ("--scale", "binary", "--control-rate", "0.6", "--odds-ratio", "1"),
            "no effect: no size detects it",
        ),
    ],
)  # fmt: skip
def test_margins_that_go_with_nothing_are_refused_in_words(monkeypatch, capsys, options, words) -> None:
    assert run(monkeypatch, "size", *options) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_the_rival_of_a_scored_margin_is_held_against_the_same_margin() -> None:
    made = tables(
        "time_to_event", sizing=SIZING, twins={"source": "assumed", "c_index": 0.7},
        analyses=[{"kind": "adjusted_log_rank", "adjust": ["score"], "null": 1.3}],
    )  # fmt: skip
    rival = with_rivals(trial_from_dict(made))[1].analysis
    assert (rival.kind, rival.adjust, rival.null) == ("adjusted_log_rank", (), 1.3)
    del made["analyses"][0]["null"]
    assert with_rivals(trial_from_dict(made))[1].analysis.kind == "log_rank"


def test_a_score_saves_beyond_analyses_that_claim_the_same_alone() -> None:
    """Equivalence within .3 needs fewer than non-inferiority to .2, and is no rival of it."""
    made = tables(
        "score", sizing={"power": 0.8, "trials": 2000},
        twins={"source": "assumed", "partial_correlation": 0.5},
        analyses=[{"kind": "ancova", "name": "twin", "adjust": ["score"], "null": -0.2},
                  {"kind": "ancova", "name": "equal", "null": [-0.3, 0.3]}],
    )  # fmt: skip
    made["effects"][0]["value"] = 0.0
    trial = trial_from_dict(made)
    register = register_assumed(trial, 20_000)
    savings = size_trial(trial, lambda _: register).savings
    assert "equal" not in set(savings["beyond"])
    assert (savings.loc[savings["best"], "share_saved"] > 0.1).all()


@pytest.mark.parametrize(
    ("analysis", "null"), [("proportional_odds", 0.6), ("probabilistic_index", -0.08),
                           ("proportional_odds", [0.6, 1.6])]
)  # fmt: skip
def test_ordered_levels_have_margins_of_odds_and_of_the_probability_to_do_better(analysis: str, null) -> None:
    made = tables("level", sizing=SIZING, analyses=[{"kind": analysis, "null": null}], participants=300)
    made["effects"][0]["value"] = 1.0
    row = size_trial(trial_from_dict(made), Registers()).sizes.iloc[0]
    assert row["formula"].startswith(("proportional odds", "rank sum"))
    assert row["participants"] == pytest.approx(row["participants_by_formula"], rel=0.05)


def test_rank_tests_without_a_margin_say_what_to_use() -> None:
    made = tables("time_to_event", sizing=SIZING, analyses=[{"kind": "log_rank", "null": 1.3}])
    with pytest.raises(Exception, match=r"it tests that the arms are alike.*cox"):
        trial_from_dict(made)
