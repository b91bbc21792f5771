"""Trials with several active arms: whose claims they are, and that no power is called an error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.declared_files import staged, tables
from trialsim.protocol.declared import read_trial, trial_from_dict
from trialsim.report.trial_tables import trial_tables
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import DeclaredResult, declared_result, plan_trial, run_declared_block
from trialsim.study.declared.claims import effective_arms
from trialsim.study.people.registers import Registers

CLOSED = {"kind": "multi_arm_multi_stage", "stages": [[30] * 3] * 2, "multiplicity": "closed_dunnett"}
BONFERRONI = CLOSED | {"multiplicity": "bonferroni"}
NONE = CLOSED | {"multiplicity": "none"}
ALL = CLOSED | {"stop_at": "all"}
THOMPSON = {
    "kind": "response_adaptive", "first": 20, "batch": 30, "batches": 5, "claim": 0.9, "tuning": 0.5,
    "least_share": 0.1, "futility": 0.01,
}  # fmt: skip
MANY = {"closed": CLOSED, "bonferroni": BONFERRONI, "none": NONE, "all": ALL, "thompson": THOMPSON}
SCENARIOS = [
    {"name": "works", "kind": "alternative", "why": "both work"},
    {"name": "one", "kind": "other", "why": "one works", "set": {"effects.active.value": 1.0}},
    {"name": "harm", "kind": "other", "why": "one harms", "set": {"effects.active.value": 0.6}},
    {"name": "null", "kind": "null", "why": "none works"},
]


def made(design: dict, **changes) -> dict:
    return staged("response", design, 3, scenarios=SCENARIOS, simulation={"replicates": 400}, **changes)


def result_of(declared: dict) -> DeclaredResult:
    trial = trial_from_dict(declared)
    plan = plan_trial(trial)
    return declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))


@pytest.fixture(scope="module", params=MANY)
def many(request: pytest.FixtureRequest) -> DeclaredResult:
    return result_of(made(MANY[request.param], enrolment=None))


def test_the_share_of_claims_is_named_for_what_it_is(many: DeclaredResult) -> None:
    """Issue 12: dose_selection printed a type I error of .850 where both doses work."""
    table = many.operating_characteristics.set_index("scenario")
    assert dict(table["measure"]) == {
        "works": "disjunctive power",
        "one": "any claim, right or wrong",
        "harm": "any claim, right or wrong",
        "null": "family-wise error",
    }


def test_power_and_error_are_given_only_where_they_exist(many: DeclaredResult) -> None:
    table = many.operating_characteristics.set_index("scenario")
    works, one, null = (table.loc[name] for name in ("works", "one", "null"))
    assert works["disjunctive_power"] == works["rejection_rate"]
    assert works["conjunctive_power"] <= works["disjunctive_power"]
    assert np.isnan(works["family_wise_error"])
    assert one["disjunctive_power"] == one["conjunctive_power"] <= one["rejection_rate"]
    assert one["disjunctive_power"] + one["family_wise_error"] >= one["rejection_rate"]
    assert np.isnan([null["disjunctive_power"], null["conjunctive_power"]]).all()
    assert null["family_wise_error"] == null["rejection_rate"]
    assert (table.loc["harm", ["family_wise_error_mcse", "disjunctive_power_mcse"]] > 0).all()


def test_each_arm_has_its_share_of_claims(many: DeclaredResult) -> None:
    arms = many.arms.set_index(["scenario", "arm"])
    assert np.isnan(arms.loc[("works", "control"), "claim"])
    for row in many.operating_characteristics.itertuples():
        shares = arms.loc[row.scenario, "claim"].dropna()
        assert shares.max() <= row.rejection_rate <= shares.sum() + 1e-12
    assert arms.loc[("one", "other"), "claim"] > arms.loc[("one", "active"), "claim"]
    assert (arms["claim_mcse"].dropna() > 0).all()


@pytest.mark.parametrize("design", MANY.values(), ids=MANY)
@pytest.mark.parametrize("delayed", [False, True])
def test_a_trial_claims_some_arm_exactly_where_it_stops_for_efficacy(design: dict, delayed: bool) -> None:
    changes = {} if delayed else {"enrolment": None}
    for cell in plan_trial(trial_from_dict(made(design, **changes))).cells[:2]:
        rows = run_declared_block(cell, 0, 5).rows
        any_claim = rows[["selected_arm_claim_1", "selected_arm_claim_2"]].any(axis=1)
        assert any_claim.any()
        np.testing.assert_array_equal(any_claim, rows["selected_arm_decision"] == 1)


def test_a_bonferroni_arm_alone_has_the_closed_form_of_its_test() -> None:
    """One stage of a normal outcome: P(z >= c) with c at alpha over two, for an effect of .5 at n = 60."""
    from scipy.stats import multivariate_normal, norm

    one = {"kind": "multi_arm_multi_stage", "stages": [[60, 60, 60]], "multiplicity": "bonferroni"}
    declared = staged("score", one, 3, enrolment=None, simulation={"replicates": 6000, "block": 2000})
    result = result_of(declared)
    drift, c = 0.5 / np.sqrt(2 / 60), norm.isf(0.0125)
    both = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf([drift - c] * 2)
    arm = norm.sf(c - drift)
    table = result.operating_characteristics.set_index("scenario").loc["works"]
    for name, right in (("conjunctive_power", both), ("disjunctive_power", 2 * arm - both)):
        assert table[name] == pytest.approx(right, abs=4 * table[f"{name}_mcse"] + 1e-3)
    arms = result.arms.set_index(["scenario", "arm"]).loc[("works", "active")]
    assert arms["claim"] == pytest.approx(arm, abs=4 * arms["claim_mcse"] + 1e-3)


def test_one_active_arm_in_stages_has_power_where_it_works_and_an_error_where_not() -> None:
    design = {"kind": "bayesian", "rule": "posterior", "looks": [40, 80], "claim": 0.95, "stop_below": 0.1}
    result = result_of(staged("response", design, 2, enrolment=None, simulation={"replicates": 100}))
    table = result.operating_characteristics.set_index("scenario")
    assert dict(table["measure"]) == {"works": "power", "null": "type I error"}
    assert "disjunctive_power" not in table
    assert "claim" not in result.arms


def survival_of_three_arms() -> dict:
    declared = tables("time_to_event", participants=120, scenarios=SCENARIOS, simulation={"replicates": 100})
    names = ["control", "active", "other"]
    declared["arms"] = [{"name": name, "role": "active" if i else "control"} for i, name in enumerate(names)]
    declared["effects"] = [
        {"arm": name, "source": "test", "kind": "hazard_ratio", "value": 0.5} for name in names[1:]
    ]
    declared["scenarios"] = [
        SCENARIOS[0],
        {"name": "harm", "kind": "other", "why": "one harms", "set": {"effects.active.value": 3.0}},
        SCENARIOS[3],
    ]
    declared["randomisation"] = {"kind": "permuted_blocks", "block_sizes": [6]}
    declared["design"] = {"kind": "multi_arm_multi_stage", "events": [40, 70], "keep_best": 1}
    declared["analyses"] = [{"kind": "log_rank"}]
    return declared


def test_arms_of_survival_trials_are_named_too() -> None:
    result = result_of(survival_of_three_arms())
    table = result.operating_characteristics.set_index("scenario")
    assert list(table["measure"]) == ["disjunctive power", "any claim, right or wrong", "family-wise error"]
    assert table.loc["works", "disjunctive_power"] == table.loc["works", "rejection_rate"]
    arms = result.arms.set_index(["scenario", "arm"])
    assert arms.loc[("harm", "other"), "claim"] > 0.5 > arms.loc[("harm", "active"), "claim"]
    assert arms.loc[("harm", "active"), "claim"] == table.loc["harm", "family_wise_error"]


def test_examples_call_no_power_a_type_i_error() -> None:
    for name in ("dose_selection", "adaptive_allocation"):
        trial = read_trial(f"protocols/{name}.toml")
        few = trial.simulation.model_copy(update={"replicates": 100})
        trial = trial.model_copy(update={"simulation": few})
        plan = plan_trial(trial)
        result = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
        table = result.operating_characteristics
        assert not table["measure"].str.contains("type I").any()
        assert (table.loc[table["scenario"] != "null", "disjunctive_power"] > 0.3).all()
        page = trial_tables(trial, result)
        assert "disjunctive power" in page["characteristics"].columns
        assert "claim" in page["arms"].columns


@pytest.mark.parametrize(
    ("direction", "value", "right"), [("higher_is_worse", 0.5, True), ("higher_is_worse", 2.0, False)]
)
def test_an_arm_is_effective_in_the_direction_of_its_outcome(
    direction: str, value: float, right: bool
) -> None:
    declared = staged("response", CLOSED, 3)
    declared["endpoints"][0]["direction"] = direction
    declared["effects"][0]["value"] = value
    found = effective_arms(trial_from_dict(declared))
    assert found[0] == right
    assert effective_arms(trial_from_dict(tables("response"))) is None
