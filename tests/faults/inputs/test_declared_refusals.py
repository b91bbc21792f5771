"""Declared trials that the engine cannot carry out are refused before anything runs."""

from __future__ import annotations

import pytest

from tests.declared_files import SITES, STRATA, staged, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.declared import plan_trial

LOOKS = {"kind": "group_sequential", "timing": "events", "events": [20, 40]}
LOST = {
    "cause": "lost", "cumulative": {"control": 0.5, "active": 0.5}, "by_month": 6.0, "mechanism": "MCAR",
    "source": "t",
}  # fmt: skip
CALENDAR = {"kind": "group_sequential", "timing": "calendar", "months": [6.0, 12.0]}
RESIZED = {"kind": "sample_size_reestimation", "method": "unblinded", "largest": 120}
THREE = {
    "kind": "multi_arm_multi_stage",
    "multiplicity": "bonferroni",
    "stages": [[10, 10, 10], [10, 10, 10]],
}

REFUSED = {
    "bounds that spend too much": (
        tables("time_to_event", design=LOOKS | {"efficacy": {"rule": "given", "z": [1.96, 1.96]}}),
        "design", "more than the 0.025",
    ),
    "bounds that cross": (
        tables("time_to_event", design=LOOKS | {"futility": {"rule": "given", "z": [4.0]}}), "design", "",
    ),
    "more events than participants": (
        tables("time_to_event", design=LOOKS | {"events": [20, 70]}), "design", "at most 60 events",
    ),
    "more events than the follow-up gives": (
        tables("time_to_event", design=LOOKS | {"latest_month": 9.0}),
        "design.events", "events can be expected of 60 participants by month 9",
    ),
    "more events than dropout leaves": (
        tables("time_to_event", design=LOOKS, discontinuation=[LOST]),
        "design.events", "however long they are followed",
    ),
    "sites that are full": (
        tables("response", enrolment=SITES, participants=300), "participants", "sites let in 200",
    ),
    "accrual that closes": (
        tables("response", participants=70) | {"enrolment": {
            "kind": "planned", "rates": [10.0], "durations": [6.0], "spread": "even", "source": "t"}},
        "participants", "closes at 60",
    ),
    "blocks that do not fit the ratio": (
        tables("response", randomisation={"kind": "permuted_blocks", "block_sizes": [3]}),
        "randomisation", "multiples of 2",
    ),
    "a preferred arm that is not preferred": (
        tables("response", strata=STRATA, randomisation={
            "kind": "minimisation", "factors": ["sex"], "probability": 0.2}),
        "randomisation", "0.5",
    ),
    "no word on when a time to event is read": (
        tables("time_to_event", design={"kind": "fixed"}), "design.events", "either events or month",
    ),
    "a calendar without planned events": (
        tables("time_to_event", design=CALENDAR), "design.planned_events", "is needed",
    ),
    "information of a time to event": (
        tables("time_to_event", design={
            "kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}),
        "design.timing", "not served",
    ),
    "events of another outcome": (tables("response", design=LOOKS), "design.timing", "time_to_event"),
    "minimisation of a time to event": (
        tables("time_to_event", strata=STRATA, randomisation={
            "kind": "minimisation", "factors": ["sex"]}),
        "randomisation", "not served",
    ),
    "a delay without pieces": (
        tables("time_to_event", outcome={
            "kind": "time_to_event", "law": {"kind": "weibull", "scale": 12.0, "shape": 1.2}, "source": "t"},
            effects=[{"kind": "hazard_ratio", "arm": "active", "value": 0.5, "from_month": 3.0,
                      "source": "t"}]),
        "effects.active.from_month", "pieces",
    ),
    "an odd half": (tables("response", participants=61, design=RESIZED), "design.largest", "even"),
    "a largest below the planned": (
        tables("response", design=RESIZED | {"largest": 50}), "design.largest", "at least the planned",
    ),
    "a blinded size at 2:1": (
        tables("response", design={
            "kind": "sample_size_reestimation", "method": "blinded", "largest": 120, "effect": 0.2})
        | {"arms": [{"name": "control", "role": "control"},
                    {"name": "active", "role": "active", "allocation": 2.0}],
           "randomisation": {"kind": "simple"}},
        "arms.allocation", "1:1",
    ),
    "a correlation that is not one": (
        tables("score", outcome={
            "kind": "score", "direction": "higher_is_better", "weeks": [12.0, 24.0],
            "mean": [0.0, 0.0, 0.0], "sd": [1.0, 1.0, 1.0], "correlation": -0.9,
            "structure": "exchangeable", "source": "t"}),
        "endpoints", "positive definite",
    ),
    "a futility bound too many": (
        staged("response", THREE | {"futility_z": [0.0, 0.0]}, 3), "design.futility_z", "1 interim",
    ),
    "a share that leaves nothing to adapt": (
        staged("response", {"kind": "response_adaptive", "first": 10, "batch": 10, "batches": 2,
                          "claim": 0.9, "least_share": 0.4}, 3),
        "design.least_share", "below 1/3",
    ),
    "a hazard that spares nobody": (
        tables("joint", outcome=tables("joint")["endpoints"][0] | {
            "hazard": 900.0, "association": 0.0, "random_sd": [0.0, 0.0]}),
        "endpoints (hazard)", "nobody without the event",
    ),
    "probabilities out of order": (
        staged("response", {"kind": "bayesian", "rule": "predictive", "looks": [10, 20], "claim": 0.9,
                          "stop_above": 0.1, "stop_below": 0.5}),
        "design", "stop_below",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_engine_cannot_do_is_refused_by_the_files_field(case: str) -> None:
    made, field, words = REFUSED[case]
    with pytest.raises(ProtocolError) as fault:
        plan_trial(trial_from_dict(made), file="x.toml")
    assert fault.value.file == "x.toml"
    assert str(fault.value.field).startswith(field)
    assert words in fault.value.problem


def test_the_refusal_says_how_many_events_can_be_reached() -> None:
    made = tables("time_to_event", design=LOOKS | {"latest_month": 9.0})
    with pytest.raises(ProtocolError, match=r"(\d+\.\d) events can be expected") as fault:
        plan_trial(trial_from_dict(made))
    can = float(fault.value.problem.split("reached: ")[1].split()[0])
    # Ten a month enter over six months; half are at risk of log(2)/12 and half of 0.6 of that until month 9.
    follow = [9 - (i + 0.5) / 10 for i in range(60)]
    hazard = 0.0577623
    expected = sum(
        1 - 0.5 * (2.718281828 ** (-hazard * t) + 2.718281828 ** (-0.6 * hazard * t)) for t in follow
    )
    assert abs(can - expected) < 0.6


def test_a_grid_lists_what_it_refuses_and_adds_up() -> None:
    made = tables("time_to_event", design=LOOKS)
    made["grid"] = [{"field": "participants", "values": [30, 60], "why": "test"}]
    plan = plan_trial(trial_from_dict(made))
    assert plan.in_words == "4 cells planned = 2 run + 2 refused"
    assert [point.name for point in plan.refused] == ["works.g0000", "null.g0000"]
    assert "at most 30 events" in plan.refused[0].refusal
    assert plan.axes == {"participants": "test"}


def test_a_grid_without_a_cell_that_can_be_is_refused() -> None:
    made = tables("time_to_event", design=LOOKS)
    made["grid"] = [{"field": "participants", "values": [20, 30], "why": "test"}]
    with pytest.raises(ProtocolError, match="leaves no cell"):
        plan_trial(trial_from_dict(made))
