"""Adaptive declared trials are those of the engine's plans and rules, bit for bit."""

from __future__ import annotations

import numpy as np

from tests.declared_files import PLANNED, staged, tables
from tests.study.declared.declared_cells import LAWS, first_cell, rows, same_as_the_plan
from trialsim.analysis.linear import fit_linear
from trialsim.design import group_sequential_design
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import engine_of
from trialsim.study.designs import (
    ArmDroppingPlan,
    BlindedSurvivalPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    StagedPlan,
    run_arm_dropping_block,
    run_blinded_survival_block,
    run_delayed_block,
    run_event_resizing_block,
)
from trialsim.trial import (
    ClosedTest,
    EventZone,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    bounds_rule,
    simulate_staged,
)
from trialsim.trial.interim import predictive_rule, resize_blinded, thompson_rule


def test_arms_in_stages_are_those_of_simulate_staged() -> None:
    design = {
        "kind": "multi_arm_multi_stage", "stages": [[20, 20, 20], [20, 20, 20]], "futility_z": [0.0],
        "multiplicity": "bonferroni",
    }  # fmt: skip
    made = staged("score", design, 3, enrolment=None)
    cell = first_cell(made)
    upper = group_sequential_design([0.5, 1.0], alpha=0.0125).upper
    expected = simulate_staged(
        "normal", [0.0, 0.5, 0.5], np.full((2, 3), 20), bounds_rule(upper, [0.0, upper[-1]], sd=1.0), 50,
        stream(5, cell.streams, 0, "outcome"),
    )  # fmt: skip
    found = rows(made)
    np.testing.assert_array_equal(found["selected_arm_decision"], expected.decision)
    sizes = np.stack([state.n.sum(axis=1) for state in expected.states], axis=1)
    np.testing.assert_array_equal(found["selected_arm_size"], sizes[np.arange(50), expected.stage])


def test_adaptive_allocation_is_the_thompson_rule() -> None:
    design = {
        "kind": "response_adaptive", "first": 10, "batch": 20, "batches": 3, "claim": 0.95,
        "least_share": 0.1,
    }  # fmt: skip
    made = staged("response", design, 3, enrolment=None)
    cell = first_cell(made)
    p = 0.3 / 0.7 * 2 / (1 + 0.3 / 0.7 * 2)
    rule = thompson_rule(20, stream(5, cell.streams, 0, "randomisation"), claim=0.95)
    expected = simulate_staged(
        "binary", [0.3, p, p], np.array([[10] * 3, *([[7] * 3] * 3)]), rule, 50,
        stream(5, cell.streams, 0, "outcome"),
    )  # fmt: skip
    np.testing.assert_array_equal(rows(made)["selected_arm_decision"], expected.decision)


def test_predictive_probability_is_the_rule_of_the_engine() -> None:
    design = {
        "kind": "bayesian", "rule": "predictive", "looks": [10, 20, 30], "claim": 0.9,
        "stop_above": 0.99, "stop_below": 0.05,
    }  # fmt: skip
    made = staged("response", design, enrolment=None)
    cell = first_cell(made)
    p = 0.3 / 0.7 * 2 / (1 + 0.3 / 0.7 * 2)
    rule = predictive_rule([10, 20, 30], 30, 0.9, stop_above=0.99, stop_below=0.05)
    expected = simulate_staged(
        "binary", [0.3, p], np.full((3, 2), 10), rule, 50, stream(5, cell.streams, 0, "outcome")
    )
    np.testing.assert_array_equal(rows(made)["selected_arm_decision"], expected.decision)


def test_a_raised_second_half_is_combined_with_equal_weights() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "unblinded", "largest": 120, "power": 0.9,
        "zone": [0.2, 0.9], "futility_z": -0.5,
    }  # fmt: skip
    made = tables("response", design=design)
    made["endpoints"][0]["months"] = 0.0
    sample = engine_of(trial_from_dict(made)).sample(50, 5, 0)
    found = rows(made)
    place = np.arange(120)
    analysis = trial_from_dict(made).analyses[0]

    def z(inside: np.ndarray) -> np.ndarray:
        one = sample.read(analysis, np.broadcast_to(inside, sample.known.shape))
        return one.estimate / one.standard_error

    size = found["risk_difference_size"].to_numpy()
    first = z(place < 30)
    second = z((place >= 30) & (place < np.where(size == 30, 60, size)[:, None]))
    stopped = first <= -0.5
    np.testing.assert_array_equal(found["risk_difference_decision"] == -1, stopped)
    np.testing.assert_array_equal(size == 30, stopped)
    claims = ((first + second) / np.sqrt(2) >= 1.959963984540054) & ~stopped
    np.testing.assert_array_equal(found["risk_difference_decision"] == 1, claims)
    assert (size > 60).any()


def test_a_blinded_second_look_sizes_by_the_variance_of_the_first_half() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "blinded", "largest": 120, "effect": 0.6,
        "power": 0.8,
    }  # fmt: skip
    made = tables("score", design=design, analyses=[{"kind": "unadjusted"}])
    sample = engine_of(trial_from_dict(made)).sample(50, 5, 0)
    trials = sample.outcomes
    variance = (trials.outcomes[..., -1] - trials.baseline)[:, :30].var(axis=1, ddof=1)
    size = 2 * resize_blinded(0.6, 0.025, 0.8, 30, 60)(variance)
    place = np.arange(120)
    used = np.where((place < size[:, None])[..., None], trials.outcomes, np.nan)
    expected = fit_linear(used[..., -1] - trials.baseline, trials.arm)
    found = rows(made)
    np.testing.assert_array_equal(found["unadjusted_estimate"], expected.estimate)
    assert (found["unadjusted_size"] >= size).all()
    assert found["unadjusted_size"].nunique() > 3


def test_a_predictive_look_counts_exactly_those_whom_it_waits_for() -> None:
    design = {
        "kind": "bayesian", "rule": "predictive", "looks": [10, 20, 30], "claim": 0.9,
        "stop_above": 0.99, "stop_below": 0.05,
    }  # fmt: skip
    late = rows(staged("response", design, enrolment=PLANNED | {"spread": "even"}))
    at_look = late["selected_arm_look"].to_numpy() * 20
    size, pipeline = late["selected_arm_size"].to_numpy(), late["selected_arm_pipeline"].to_numpy()
    np.testing.assert_array_equal(size - pipeline, at_look)
    # Ten a month enter evenly, and outcomes take two months: twenty are on their way at an interim look.
    assert set(pipeline[at_look == 20]) == {20}
    assert set(pipeline[at_look == 60]) == {0}


def test_participants_who_enter_one_by_one_leave_a_pipeline() -> None:
    design = {"kind": "multi_arm_multi_stage", "stages": [[20] * 3] * 2, "keep_best": 1}
    made = staged("response", design, 3, enrolment=PLANNED)
    cell = first_cell(made)
    p = 0.3 / 0.7 * 2 / (1 + 0.3 / 0.7 * 2)
    upper = group_sequential_design([0.5, 1.0]).upper
    inner = StagedPlan(
        "binary", (0.3, p, p), ((20, 20, 20), (20, 20, 20)),
        ClosedTestPlan(ClosedTest(upper, (60.0, 60.0), "dunnett"), best=1),
    )  # fmt: skip
    plan = DelayedPlan(inner, PlannedAccrual((10.0,), (6.0,)), 2.0, 120)
    expected = run_delayed_block(plan, 50, 5, cell.streams, 0)
    found = rows(made)
    np.testing.assert_array_equal(found["selected_arm_decision"], expected.stopping.decision)
    for name in ("size", "pipeline", "months", "claim_1", "false_claim"):
        np.testing.assert_array_equal(found[f"selected_arm_{name}"], expected.counted[name])
    assert (found["selected_arm_pipeline"] > 0).any()


def test_adaptive_allocation_holds_more_of_those_on_their_way_than_a_batch_asks_for() -> None:
    design = {"kind": "response_adaptive", "first": 10, "batch": 9, "batches": 4, "claim": 0.99}
    made = staged("response", design, 3, enrolment=PLANNED)
    made["endpoints"][0]["months"] = 4.0
    found = rows(made)
    assert (found["selected_arm_pipeline"] > 9).any()
    assert found["selected_arm_size"].max() <= first_cell(made).participants


def test_arms_of_a_survival_trial_are_dropped_by_the_closed_test() -> None:
    design = {"kind": "multi_arm_multi_stage", "events": [25, 40], "keep_best": 1}
    made = tables("time_to_event", participants=90, design=design)
    made["arms"] = [*made["arms"], {"name": "other", "role": "active"}]
    made["effects"] = [*made["effects"], made["effects"][0] | {"arm": "other", "value": 1.0}]
    made["randomisation"]["block_sizes"] = [3]
    laws = (*LAWS, PiecewiseHazard((np.log(2) / 12,)))
    world = SurvivalWorld(90, PlannedAccrual((10.0,), (6.0,)), laws, (None,) * 3, (1, 1, 1), (3,))
    upper = group_sequential_design([0.625, 1.0]).upper
    plan = ArmDroppingPlan(world, (25, 40), ClosedTest(upper, (25.0, 15.0)), 1, stratified=False)
    expected = run_arm_dropping_block(plan, 50, 5, "trial.90.3", 0)
    same_as_the_plan(rows(made), expected, "log_rank", ("size", "events", "months", "open_1", "false_claim"))


def test_added_events_are_those_of_the_resizing_plan() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "unblinded", "largest": 90, "interim_events": 20,
        "events": 40, "largest_events": 60, "power": 0.9, "zone": [0.2, 0.9], "futility_z": -1.0,
    }  # fmt: skip
    world = SurvivalWorld(90, PlannedAccrual((10.0,), (6.0,)), LAWS, (None, None))
    zone = EventZone(20, 40, 60, (0.2, 0.9), 0.9, 1.959963984540054)
    plan = EventResizingPlan(world, zone, 60, futility=-1.0, stratified=False)
    expected = run_event_resizing_block(plan, 50, 5, "trial.90.2", 0)
    found = rows(tables("time_to_event", design=design))
    same_as_the_plan(found, expected, "log_rank", ("size", "events", "months", "asked"))
    assert found["log_rank_asked"].nunique() > 1


def test_a_blinded_size_is_that_of_the_pooled_events() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "blinded", "largest": 90, "events": 40, "month": 5.0,
        "end_month": 18.0,
    }  # fmt: skip
    world = SurvivalWorld(90, PlannedAccrual((10.0,), (6.0,)), LAWS, (None, None))
    plan = BlindedSurvivalPlan(world, 40, 60, 5.0, 18.0, critical=1.959963984540054, stratified=False)
    expected = run_blinded_survival_block(plan, 50, 5, "trial.90.2", 0)
    found = rows(tables("time_to_event", design=design))
    same_as_the_plan(found, expected, "log_rank", ("size", "events", "months"))
