"""A share of claims is a type I error only where the true effect is 0."""

from __future__ import annotations

from tests.declared_files import tables
from trialsim.protocol.declared import trial_from_dict
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import declared_result, plan_trial
from trialsim.study.people.registers import Registers


def measures(cumulative: dict[str, float]) -> set[str]:
    declared = tables("score")
    declared["endpoints"][0]["failure"] = -3.0
    declared["discontinuation"] = [
        {
            "cause": "lost",
            "cumulative": cumulative,
            "mechanism": "MCAR",
            "strategy": "composite",
            "source": "t",
        }
    ]
    declared["analyses"] = [{"kind": "ancova_composite"}]
    declared["scenarios"] = [{"name": "null", "kind": "null", "why": "no effect of treatment"}]
    declared["simulation"] = {"replicates": 100}
    trial = trial_from_dict(declared)
    plan = plan_trial(trial)
    result = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
    return set(result.operating_characteristics["measure"])


def test_arms_that_are_left_alike_have_nothing_to_claim() -> None:
    assert measures({"control": 0.2, "active": 0.2}) == {"type I error"}


def test_arms_that_are_left_unlike_differ_in_a_composite_estimand() -> None:
    assert measures({"control": 0.4, "active": 0.1}) == {"claims: the true effect is not 0"}


def test_an_effect_on_the_event_alone_is_none_on_the_marker() -> None:
    declared = tables("joint")
    declared["effects"][0] |= {"per_month": 0.0, "hazard_ratio": 0.5}
    declared["analyses"] = [{"kind": "mmrm"}, {"kind": "cox"}]
    declared["scenarios"] = [
        {"name": "event_only", "kind": "alternative", "why": "an effect on the event alone"}
    ]
    declared["simulation"] = {"replicates": 100}
    trial = trial_from_dict(declared)
    plan = plan_trial(trial)
    table = declared_result(
        plan, run_cells(declared_work(trial, Registers()), plan.cells)
    ).operating_characteristics
    assert dict(zip(table["analysis"], table["measure"], strict=True)) == {
        "mmrm": "type I error",
        "cox": "power",
    }


def shares_of(kind: str, effect: dict[str, object], analyses: list[str]) -> set[str]:
    declared = tables(kind)
    declared["effects"][0] |= effect
    declared["analyses"] = [{"kind": one} for one in analyses]
    declared["scenarios"] = [{"name": "effect", "kind": "alternative", "why": "an effect on either side"}]
    declared["simulation"] = {"replicates": 100}
    trial = trial_from_dict(declared)
    plan = plan_trial(trial)
    result = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
    return set(result.operating_characteristics["measure"])


HARM = "type I error: the true effect is harm"


def test_claims_of_one_active_arm_that_does_harm_are_no_power() -> None:
    assert shares_of("time_to_event", {"value": 0.7}, ["log_rank", "cox"]) == {"power"}
    assert shares_of("time_to_event", {"value": 1.5}, ["log_rank", "cox"]) == {HARM}
    assert shares_of("score", {"value": 0.5}, ["ancova"]) == {"power"}
    assert shares_of("score", {"value": -0.5}, ["ancova"]) == {HARM}
    assert shares_of("joint", {"per_month": 0.1}, ["mmrm"]) == {HARM}
