"""Claims of a declared trial do not depend on fits that fail: power rises with the effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.declared_files import tables
from trialsim.cli.declared import _failed
from trialsim.data import Decision, Estimates
from trialsim.protocol.declared import trial_from_dict
from trialsim.report.trial_figures import rejection_dots
from trialsim.report.trial_page import render_trial_report
from trialsim.report.trial_tables import NOT_TO_BE_USED, headline, notes, rule_of_use, trial_tables
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import DeclaredPlan, DeclaredResult, DeclaredSums, declared_result, plan_trial
from trialsim.study.declared.reading import at_look
from trialsim.study.designs.sequential_characteristics import MOST_UNDECIDED
from trialsim.study.people.registers import Registers

ONLY = [{"name": "works", "kind": "alternative", "why": "test"}]


def over(made: dict, values: list[float]) -> dict:
    """Return a trial over ever stronger effects."""
    made["scenarios"] = ONLY
    made["grid"] = [{"field": "effects.active.value", "values": values, "why": "ever stronger"}]
    return made


def run(made: dict) -> tuple[DeclaredPlan, DeclaredResult]:
    trial = trial_from_dict(made)
    plan = plan_trial(trial)
    return plan, declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))


def ordinal() -> dict:
    """Eight against eight on five levels, of which the worst is common."""
    made = tables("level", participants=16, enrolment=_enrolment(4.0))
    made["endpoints"][0] |= {"shares": [0.4, 0.3, 0.2, 0.08, 0.02], "months": 0.5}
    made["analyses"] = [
        {"kind": "mean_score"},
        {"kind": "proportional_odds"},
        {"kind": "probabilistic_index"},
    ]
    made["simulation"] = {"replicates": 400}
    return over(made, [30.0, 300.0, 3000.0])


def counts() -> dict:
    """A hundred against a hundred with .24 events a participant, hardly any on active."""
    made = tables("count", participants=200, enrolment=_enrolment(50.0))
    made["endpoints"][0] |= {"rate": 0.02, "dispersion": 0.0, "months": 12.0}
    made["simulation"] = {"replicates": 300}
    return over(made, [0.1, 0.03, 0.01])


def survival() -> dict:
    made = tables("time_to_event", participants=60, enrolment=_enrolment(30.0))
    made["design"] = {"kind": "fixed", "month": 14.0}
    made["analyses"] = [{"kind": "log_rank"}, {"kind": "cox"}]
    made["simulation"] = {"replicates": 300}
    return over(made, [0.2, 0.01, 0.0001])


def responses() -> dict:
    made = tables("response", participants=60)
    made["endpoints"][0] |= {"probability": 0.3}
    made["analyses"] = [{"kind": "risk_difference"}, {"kind": "log_odds_ratio"}]
    made["simulation"] = {"replicates": 300}
    return over(made, [4.0, 100.0, 100000.0])


def _enrolment(rate: float) -> dict:
    return {"kind": "planned", "rates": [rate], "durations": [4.0], "source": "test"}


@pytest.mark.parametrize("make", [ordinal, counts, survival, responses], ids=lambda one: one.__name__)
def test_power_never_falls_as_the_effect_grows(make) -> None:
    """Issue 12 A: .849, .528, .214 (right .909, .999, 1.0); .907 to .217; Cox .198 beside a log-rank 1.0."""
    _, result = run(make())
    table = result.operating_characteristics
    for name, part in table.groupby("analysis"):
        rates, errors = part["rejection_rate"].to_numpy(), part["rejection_rate_mcse"].to_numpy()
        assert (np.diff(rates) >= -4 * errors[:-1]).all(), name
        assert rates[-1] > 0.98, name
    assert (table["undecided_share"] == 0).all()
    assert table["usable"].all()
    assert (table["failed_share"] == table["failed"] / table["trials"]).all()
    strongest = table["effects.active.value"].iloc[-1]
    assert table.loc[table["effects.active.value"] == strongest, "failed_share"].max() > 0.05


@pytest.fixture(scope="module")
def extreme() -> tuple[DeclaredPlan, DeclaredResult]:
    return run(survival())


def test_each_trial_is_decided_by_one_test_that_is_named(extreme) -> None:
    _, result = extreme
    table = result.operating_characteristics
    total = result.decided_by.groupby(["cell", "analysis"])["count"].sum()
    for row in table.itertuples():
        assert total[row.cell, row.analysis] == row.trials
    cox = result.decided_by[result.decided_by["analysis"] == "cox"].set_index(["cell", "test"])["count"]
    failed = table[table["analysis"] == "cox"].set_index("cell")["failed"]
    last = failed.index[-1]
    assert failed[last] == cox[last, "score"] > 0
    assert set(result.decided_by.loc[result.decided_by["analysis"] == "log_rank", "test"]) == {"own"}


def test_a_failure_is_counted_once_and_said_on_the_terminal(extreme) -> None:
    _, result = extreme
    failed = result.operating_characteristics["failed"].sum()
    assert result.failures["count"].sum() == failed > 0
    assert not result.failures["reason"].str.contains("looks").any()
    assert _failed(result).startswith(f"Fits without an estimate: {failed} of 1800 ")
    assert "without any test: 0 " in _failed(result)


def test_bias_is_said_to_be_of_the_fits_that_succeeded(extreme) -> None:
    plan, result = extreme
    assert any("of the fits that succeeded" in note for note in notes(result))
    assert "failed_share" in headline(result, ("rejection_rate", "bias"))
    tables = trial_tables(plan.cells[0].trial, result)
    assert "of the fits that succeeded" in tables["characteristics"].caption
    assert "score" in {row[-3] for row in tables["decided"].rows}
    _, sound = run(tables_of_a_sound_trial())
    assert not any("succeeded" in note for note in notes(sound))
    assert "failed_share" not in headline(sound, ("rejection_rate", "bias"))


def tables_of_a_sound_trial() -> dict:
    return tables("response")


@pytest.fixture(scope="module")
def untested() -> tuple[DeclaredPlan, DeclaredResult]:
    """A restricted mean to a month that nobody is followed to has no test at all."""
    analyses = [{"kind": "rmst", "tau": 60.0}, {"kind": "log_rank"}]
    return run(tables("time_to_event", analyses=analyses, design={"kind": "fixed", "month": 18.0}))


def test_a_rate_of_trials_without_any_test_is_not_to_be_used(untested) -> None:
    plan, result = untested
    table = result.operating_characteristics.set_index(["scenario", "analysis"])
    assert table.loc[("works", "rmst"), "undecided_share"] == 1 > MOST_UNDECIDED
    assert not table.loc[("works", "rmst"), "usable"]
    assert table.loc[("works", "log_rank"), "usable"]
    shown = headline(result, ("rejection_rate",)).set_index(["scenario", "analysis"])["use"]
    assert shown["works", "rmst"] == NOT_TO_BE_USED
    assert shown["works", "log_rank"] == ""
    page = render_trial_report(plan.cells[0].trial, plan, result)
    assert rule_of_use() in page
    assert page.count(f">{NOT_TO_BE_USED}</td>") == 2
    drawn = rejection_dots(result.operating_characteristics, [], 0.025)
    symbols = {trace.name: set(trace.marker.symbol) for trace in drawn.figure.data}
    assert all(one.endswith("-open") for one in symbols["RMST"])
    assert not any(one.endswith("-open") for one in symbols["Log rank"])
    assert "not to be used" in drawn.words
    assert "without any test: 200 " in _failed(result)


def test_a_look_without_its_own_decision_keeps_those_of_the_others() -> None:
    """A trial that stopped early by a score test is not read by the test of another look."""
    nan, ok = np.full(2, np.nan), np.zeros(2, np.int8)
    decision = Decision(np.array([3.0, -1.0]), np.array([2, 1], np.int8), ("none", "wald", "score"))
    first = Estimates("a", nan, nan, nan, nan, nan, ok + 1, ("ok", "odd"), decision)
    second = Estimates("a", *[np.array([1.0, -1.0])] * 2, nan + np.inf, np.ones(2), np.array([0.5, 0.04]), ok)
    found = at_look([first, second], np.array([0, 1])).decision
    assert [found.tests[k] for k in found.test] == ["score", "own"]
    assert found.z == pytest.approx([3.0, -2.0537489])


def test_sums_of_decisions_add_up_and_come_back_from_json() -> None:
    one = DeclaredSums(2, decided={"a": {"none": 0, "wald": 2}})
    other = DeclaredSums(3, decided={"a": {"wald": 1, "score": 2}})
    assert (one + other).decided == {"a": {"none": 0, "wald": 3, "score": 2}}
    assert DeclaredSums.from_dict((one + other).to_dict()) == one + other


RARE = [
    {
        "name": "region", "levels": ["a", "b", "c"], "shares": [0.6, 0.38, 0.02],
        "outcome": [0.0, 0.5, 1.0], "source": "test",
    }
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "plain", "adjusted", "effect"),
    [
        ("score", "ancova", ("ancova", "mmrm"), 0.7),
        ("response", "risk_difference", ("g_computation",), 5.0),
        ("level", "proportional_odds", ("proportional_odds",), 4.0),
        ("count", "negative_binomial", ("negative_binomial",), 0.5),
    ],
)
def test_a_level_that_nobody_has_costs_no_power(kind: str, plain: str, adjusted, effect: float) -> None:
    """Issue 12 B, n = 80 at shares .60, .38, .02: ANCOVA .771, MMRM .778, odds .521, g-computation .458."""
    analyses = [{"kind": plain, "name": "plain"}]
    analyses += [{"kind": one, "adjust": ["region"]} for one in adjusted]
    made = tables(kind, participants=80, strata=RARE, analyses=analyses, scenarios=ONLY)
    made["effects"][0]["value"] = effect
    made["simulation"] = {"replicates": 200}
    _, result = run(made)
    table = result.operating_characteristics.set_index("analysis")
    without = table.loc["plain", "rejection_rate"]
    assert without > 0.6
    for one in table.index[1:]:
        assert table.loc[one, "rejection_rate"] > without - 0.05, one
        assert table.loc[one, "undecided_share"] == 0, one


def test_tables_with_decisions_survive_csv(extreme) -> None:
    frames = extreme[1].frames()
    assert "decided_by" in frames
    assert isinstance(frames["decided_by"], pd.DataFrame)
