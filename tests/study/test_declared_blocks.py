"""Blocks of declared trials are those of the engine that they wire, bit for bit, and pure."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.declared_files import OUTCOMES, PLANNED, SITES, STRATA, staged, tables
from trialsim.analysis import fit_linear, fit_marginal, fit_mmrm_block, lwyy_block, monotone_block
from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    group_sequential_design,
)
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study import (
    ArmDroppingPlan,
    BlindedSurvivalPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    JointPlan,
    StagedPlan,
    SurvivalPlan,
    run_arm_dropping_block,
    run_blinded_survival_block,
    run_delayed_block,
    run_event_resizing_block,
    run_joint_block,
    run_survival_block,
)
from trialsim.study.declared import (
    DeclaredCell,
    DeclaredSums,
    DeclaredWork,
    engine_of,
    plan_trial,
    run_declared_block,
)
from trialsim.study.survival_spending import SpendingSurvivalPlan, run_spending_survival_block
from trialsim.trial import (
    ClosedTest,
    DiscontinuationCause,
    EventZone,
    IntercurrentEvent,
    JointWorld,
    LongitudinalWorld,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    VisitEffect,
    autoregressive,
    binary_outcomes,
    bounds_rule,
    count_outcomes,
    minimise,
    normal_outcomes,
    ordinal_outcomes,
    permuted_blocks,
    predictive_rule,
    recurrent_events,
    resize_blinded,
    simulate_longitudinal,
    simulate_staged,
    simulate_survival,
    thompson_rule,
)

LAWS = (PiecewiseHazard((np.log(2) / 12,)), PiecewiseHazard((np.log(2) / 12 * 0.6,)))
EVENTS = (20, 40)


def first_cell(made: dict) -> DeclaredCell:
    return plan_trial(trial_from_dict(made)).cells[0]


def rows(made: dict, index: int = 0):
    return run_declared_block(first_cell(made), index, 5).rows


def arms_of(cell: DeclaredCell, size: int) -> np.ndarray:
    generator = stream(5, cell.streams, 0, "randomisation")
    return permuted_blocks(50, size, [1.0, 1.0], [4], generator)


def survival_world() -> SurvivalWorld:
    leave = PiecewiseHazard((-np.log1p(-0.05) / 12,))
    return SurvivalWorld(60, PlannedAccrual((10.0,), (6.0,)), LAWS, (leave, leave))


LOST = [
    {
        "cause": "lost", "cumulative": {"control": 0.05, "active": 0.05}, "by_month": 12.0,
        "mechanism": "MCAR", "source": "test",
    }
]  # fmt: skip


def test_survival_looks_by_events_are_those_of_run_survival_block() -> None:
    design = {"kind": "group_sequential", "timing": "events", "events": list(EVENTS)}
    made = tables("time_to_event", design=design, discontinuation=LOST)
    found = rows(made)
    upper = group_sequential_design([0.5, 1.0], efficacy=OBrienFlemingSpending()).upper
    name = first_cell(made).streams
    _, looks, tests, stopping = run_survival_block(
        survival_world(), SurvivalPlan(EVENTS, upper, stratified=False), 50, 5, name, 0
    )
    np.testing.assert_array_equal(found["log_rank_look"], stopping.look + 1)
    np.testing.assert_array_equal(found["log_rank_decision"], stopping.decision)
    np.testing.assert_array_equal(found["log_rank_months"], stopping.at(looks.month))
    np.testing.assert_array_equal(found["log_rank_size"], stopping.at(tests.entered))
    score, information = stopping.at(tests.score), stopping.at(tests.information)
    np.testing.assert_array_equal(found["log_rank_estimate"], score / information)


def test_survival_looks_by_the_calendar_are_those_of_the_spending_plan() -> None:
    futility = {"rule": "hwang_shih_decani", "gamma": -2.0}
    design = {
        "kind": "group_sequential", "timing": "calendar", "months": [9.0, 18.0, 30.0],
        "planned_events": 40, "futility": futility, "power": 0.8,
    }  # fmt: skip
    found = rows(tables("time_to_event", design=design, discontinuation=LOST))
    drift = group_sequential_design([1.0], power=0.8).drift
    plan = SpendingSurvivalPlan(
        survival_world(), 40, months=(9.0, 18.0, 30.0), futility=BetaSpending(HwangShihDeCani(-2.0)),
        beta=1 - 0.8, hazard_ratio=float(np.exp(-drift / np.sqrt(40 / 4))), stratified=False,
    )  # fmt: skip
    block = run_spending_survival_block(plan, 50, 5, "trial.60.2", 0)
    np.testing.assert_array_equal(found["log_rank_decision"], block.stopping.decision)
    np.testing.assert_array_equal(found["log_rank_look"], block.stopping.look + 1)
    np.testing.assert_array_equal(found["log_rank_events"], block.stopping.at(block.counted["events"]))


def test_visits_are_those_of_normal_outcomes_read_by_the_closed_form_mmrm() -> None:
    made = tables("continuous_longitudinal")
    arm = arms_of(first_cell(made), 60)
    effect = VisitEffect(np.array([0.0, 0.5, 0.5]))
    paths = normal_outcomes(
        arm, np.zeros(3), autoregressive(3, 0.5), (effect,), stream(5, "trial.60.2", 0, "outcome")
    )
    design = np.stack([np.ones(arm.shape), arm, paths[..., 0]], axis=-1)
    expected = monotone_block(paths[..., 1:], design)
    found = rows(made)
    np.testing.assert_array_equal(found["mmrm_estimate"], expected.estimate)
    np.testing.assert_array_equal(found["mmrm_p_value"], expected.p_value)


WITH_EVENTS = {
    "discontinuation": [
        {
            "cause": "lack", "cumulative": {"control": 0.2, "active": 0.1}, "mechanism": "MNAR",
            "current": -0.5, "strategy": "hypothetical", "source": "test",
        }
    ],
    "intercurrent_events": [
        {
            "cause": "rescue", "cumulative": {"control": 0.1, "active": 0.05}, "mechanism": "MAR",
            "previous": -0.5, "after": "kept", "added": 0.3, "observed": 1.0, "source": "test",
        }
    ],
}  # fmt: skip


def world_with_events() -> LongitudinalWorld:
    lack = DiscontinuationCause("lack", (0.2, 0.1), current=-0.5)
    rescue = DiscontinuationCause("rescue", (0.1, 0.05), previous=-0.5)
    return LongitudinalWorld(
        (12.0, 24.0), np.zeros(3), autoregressive(3, 0.5), VisitEffect(np.array([0.0, 0.5, 0.5])),
        (IntercurrentEvent(lack, "lost"), IntercurrentEvent(rescue, "kept", 0.3, 1.0)),
    )  # fmt: skip


def test_intercurrent_events_are_those_of_the_world() -> None:
    made = tables("continuous_longitudinal", **WITH_EVENTS)
    trials = simulate_longitudinal(
        world_with_events(),
        arms_of(first_cell(made), 60),
        stream(5, "trial.60.2", 0, "outcome"),
        stream(5, "trial.60.2", 0, "dropout"),
    )
    design = np.stack([np.ones(trials.arm.shape), trials.arm, trials.baseline], axis=-1)
    expected = monotone_block(trials.on_treatment, design)
    np.testing.assert_array_equal(rows(made)["mmrm_estimate"], expected.estimate)


def test_binary_outcomes_under_minimisation_are_those_of_the_engine() -> None:
    made = tables(
        "binary",
        strata=STRATA,
        randomisation={"kind": "minimisation", "factors": ["region", "sex"], "probability": 0.9},
        analyses=[{"kind": "g_computation", "adjust": ["sex"]}],
    )
    chance = partial(stream, 5, "trial.60.2", 0)
    stratum = np.searchsorted(
        np.cumsum([0.28, 0.12, 0.42]), chance("recruitment").random((50, 60)), side="right"
    )
    sex, region = np.divmod(stratum, 2)
    levels = np.stack([region, sex], axis=-1)
    arm = minimise(levels, [1.0, 1.0], chance("randomisation"), probability=0.9)
    log_odds = 0.5 * sex + np.where(arm == 1, np.log(2.0), 0.0)
    drawn = binary_outcomes(arm, [0.3, 0.3], chance("outcome"), log_odds).astype(float)
    expected = fit_marginal(drawn, arm, (sex == 1)[..., None].astype(float), family="binomial")
    np.testing.assert_array_equal(rows(made)["g_computation_estimate"], expected.estimate)


def test_ordinal_outcomes_are_those_of_the_engine() -> None:
    made = tables("ordinal")
    arm = arms_of(first_cell(made), 60)
    theta = np.where(arm == 1, np.log(2.0), 0.0)
    drawn = ordinal_outcomes(arm, [0.5, 0.3, 0.2], theta, stream(5, "trial.60.2", 0, "outcome"))
    expected = fit_linear(drawn.astype(float), arm)
    np.testing.assert_array_equal(rows(made)["mean_score_estimate"], expected.estimate)


def counts_of_arm(arm: int, rule):
    nobody = np.zeros((50, 60), dtype=np.int8)
    generator = stream(5, f"trial.60.2.arm{arm}", 0, "outcome")
    return rule(nobody, [0.2], np.full((50, 60), 12.0) * [1.0, np.exp(np.log(0.6))][arm], 0.5, generator)


def test_counts_are_those_of_the_engine_with_a_stream_for_each_arm() -> None:
    made = tables("count")
    arm = arms_of(first_cell(made), 60)
    drawn = np.where(arm == 1, counts_of_arm(1, count_outcomes), counts_of_arm(0, count_outcomes))
    expected = fit_marginal(drawn.astype(float), arm, family="negative_binomial", contrast="log_ratio")
    np.testing.assert_array_equal(rows(made)["negative_binomial_estimate"], expected.estimate)


def test_recurrent_events_are_those_of_the_engine_with_a_stream_for_each_arm() -> None:
    made = tables("recurrent")
    arm = arms_of(first_cell(made), 60)
    times: list[list[float]] = [[] for _ in range(arm.size)]
    for a in (0, 1):
        who, when = counts_of_arm(a, recurrent_events)
        for one, month in zip(who, when, strict=True):
            if arm.ravel()[one] == a:
                times[one].append(float(month / [1.0, np.exp(np.log(0.6))][a]))
    most = max(len(one) for one in times)
    padded = np.array([one + [np.nan] * (most - len(one)) for one in times]).reshape(50, 60, most)
    expected = lwyy_block(padded, np.full((50, 60), 12.0), arm)
    np.testing.assert_allclose(rows(made)["lwyy_estimate"], expected.estimate, rtol=1e-12)


def test_arms_in_stages_are_those_of_simulate_staged() -> None:
    design = {
        "kind": "multi_arm_multi_stage", "stages": [[20, 20, 20], [20, 20, 20]], "futility_z": [0.0],
        "multiplicity": "bonferroni",
    }  # fmt: skip
    made = staged("continuous_longitudinal", design, 3, enrolment=None)
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
    made = staged("binary", design, 3, enrolment=None)
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
    made = staged("binary", design, enrolment=None)
    cell = first_cell(made)
    p = 0.3 / 0.7 * 2 / (1 + 0.3 / 0.7 * 2)
    rule = predictive_rule([10, 20, 30], 30, 0.9, stop_above=0.99, stop_below=0.05)
    expected = simulate_staged(
        "binary", [0.3, p], np.full((3, 2), 10), rule, 50, stream(5, cell.streams, 0, "outcome")
    )
    np.testing.assert_array_equal(rows(made)["selected_arm_decision"], expected.decision)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_block_is_pure_and_survives_pickle_and_json(kind: str) -> None:
    cell = first_cell(tables(kind))
    again = DeclaredCell.from_dict(json.loads(json.dumps(cell.to_dict())))
    assert again == cell == pickle.loads(pickle.dumps(cell))
    one, two = (run_declared_block(each, 1, 5) for each in (cell, again))
    assert one.table.equals(two.table)
    assert one.sums.to_dict() == two.sums.to_dict()
    back = DeclaredSums.from_dict(json.loads(json.dumps(one.sums.to_dict())))
    assert back.to_dict() == one.sums.to_dict()
    both = one.sums + run_declared_block(cell, 0, 5).sums
    assert both.trials == 100
    assert next(iter(both.stopping.values())).trials == 100
    assert not one.table.equals(run_declared_block(cell, 0, 5).table)
    work = DeclaredWork(5)
    assert work.call((cell, 1)).compute().table.equals(one.table)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_arms_are_not_moved_by_what_does_not_touch_them(kind: str) -> None:
    """Only the active arm's draws differ between the null and the alternative: entry and sizes stay."""
    cells = plan_trial(trial_from_dict(tables(kind, enrolment=SITES))).cells
    one, two = (run_declared_block(cell, 0, 5).rows for cell in cells)
    name = next(iter(run_declared_block(cells[0], 0, 5).sums.tallies))
    assert cells[0].streams == cells[1].streams
    if kind != "time_to_event":
        np.testing.assert_array_equal(one[f"{name}_months"], two[f"{name}_months"])
    assert (one[f"{name}_estimate"] != two[f"{name}_estimate"]).any()


@pytest.mark.parametrize("kind", ["binary", "continuous_longitudinal", "ordinal", "count"])
def test_a_subgroup_that_drifts_leaves_everybody_else_as_they_were(kind: str) -> None:
    subgroup = {"factor": "sex", "level": "m", "value": 3.0}
    plain = tables(kind, strata=STRATA)
    drifted = tables(kind, strata=STRATA)
    drifted["effects"][0]["subgroup"] = subgroup
    samples = [engine_of(trial_from_dict(made)).sample(50, 5, 0) for made in (plain, drifted)]
    values = [one.outcomes.outcomes if kind == "continuous_longitudinal" else one.outcomes for one in samples]
    people = samples[0].people
    np.testing.assert_array_equal(people.arm, samples[1].people.arm)
    inside = (people.arm == 1) & (people.levels[..., 0] == 1)
    outside = people.arm == 0 if kind == "count" else ~inside
    np.testing.assert_array_equal(values[0][outside], values[1][outside])
    assert (values[0][inside] != values[1][inside]).any()


def test_events_of_a_stratum_that_drifts_leave_the_others_as_they_were() -> None:
    scheme = {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["sex", "region"]}
    plain = tables("time_to_event", strata=STRATA, randomisation=scheme)
    drifted = tables("time_to_event", strata=STRATA, randomisation=scheme)
    drifted["strata"][0]["outcome"] = [0.0, 1.5]
    found = []
    for made in (plain, drifted):
        engine = engine_of(trial_from_dict(made))
        assert engine.survival is not None
        found.append(simulate_survival(engine.survival, 50, partial(stream, 5, engine.streams, 0)))
    women = found[0].stratum < 2
    np.testing.assert_array_equal(found[0].time[women], found[1].time[women])
    assert (found[0].time[~women] > found[1].time[~women]).all()


def test_a_look_of_a_grid_that_changes_only_bounds_reads_the_same_trials() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    made = tables("binary", design=design)
    made["grid"] = [{"field": "design.efficacy.rule", "values": ["pocock", "o_brien_fleming"], "why": "t"}]
    cells = plan_trial(trial_from_dict(made)).cells
    one, two = (run_declared_block(cell, 0, 5).rows for cell in cells[:2])
    same = (one["risk_difference_look"] == two["risk_difference_look"]).to_numpy()
    assert same.any()
    assert not same.all()
    np.testing.assert_array_equal(
        one["risk_difference_estimate"][same], two["risk_difference_estimate"][same]
    )


def test_a_raised_second_half_is_combined_with_equal_weights() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "unblinded", "largest": 120, "power": 0.9,
        "zone": [0.2, 0.9], "futility_z": -0.5,
    }  # fmt: skip
    made = tables("binary", design=design)
    made["outcome"]["months"] = 0.0
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
    made = tables("continuous_longitudinal", design=design, analyses=[{"kind": "unadjusted"}])
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


@pytest.mark.parametrize("kind", ["ancova_composite", "ancova_last_on_treatment", "mmrm", "unadjusted"])
def test_a_look_reads_those_alone_who_are_seen(kind: str) -> None:
    made = tables("continuous_longitudinal", analyses=[{"kind": kind}], **WITH_EVENTS)
    made["outcome"]["failure"] = -2.0
    trial = trial_from_dict(made)
    sample = engine_of(trial).sample(50, 5, 0)
    seen = np.broadcast_to(np.arange(60) < 36, sample.known.shape)
    found = sample.read(trial.analyses[0], seen)
    first = {name: getattr(sample.outcomes, name)[:, :36] for name in FIELDS}
    people = replace(sample.people, arm=sample.people.arm[:, :36], levels=sample.people.levels[:, :36])
    alone = replace(sample, people=people, outcomes=replace(sample.outcomes, **first))
    np.testing.assert_allclose(found.estimate, alone.read(trial.analyses[0]).estimate, rtol=1e-9)


FIELDS = ("arm", "baseline", "outcomes", "visit", "cause")


def test_a_predictive_look_counts_exactly_those_whom_it_waits_for() -> None:
    design = {
        "kind": "bayesian", "rule": "predictive", "looks": [10, 20, 30], "claim": 0.9,
        "stop_above": 0.99, "stop_below": 0.05,
    }  # fmt: skip
    late = rows(staged("binary", design, enrolment=PLANNED | {"spread": "even"}))
    at_look = late["selected_arm_look"].to_numpy() * 20
    size, pipeline = late["selected_arm_size"].to_numpy(), late["selected_arm_pipeline"].to_numpy()
    np.testing.assert_array_equal(size - pipeline, at_look)
    # Ten a month enter evenly, and outcomes take two months: twenty are on their way at an interim look.
    assert set(pipeline[at_look == 20]) == {20}
    assert set(pipeline[at_look == 60]) == {0}


def test_gaps_are_read_by_the_general_mmrm() -> None:
    made = tables("continuous_longitudinal")
    made["outcome"]["gaps"] = 0.2
    engine = engine_of(trial_from_dict(made))
    trials = engine.sample(50, 5, 0).outcomes
    assert np.isnan(trials.outcomes[..., 0] * 0 + trials.outcomes[..., 1]).mean() > 0.25
    expected = fit_mmrm_block(trials.outcomes, trials.arm, trials.baseline[..., None], by_visit=True)
    found = rows(made)
    np.testing.assert_array_equal(found["mmrm_estimate"], expected.estimate)
    assert (found["mmrm_status"] == "ok").all()


def test_follow_up_ends_when_a_participant_leaves() -> None:
    lost = {
        "cause": "lost", "cumulative": {"control": 0.4, "active": 0.1}, "mechanism": "MCAR", "source": "t",
    }  # fmt: skip
    engine = engine_of(trial_from_dict(tables("recurrent", discontinuation=[lost])))
    sample = engine.sample(50, 5, 0)
    follow_up = sample.outcomes.follow_up
    left = follow_up < 12
    assert follow_up.max() == 12
    assert abs(left[sample.people.arm == 0].mean() - 0.4) < 0.05
    assert abs(left[sample.people.arm == 1].mean() - 0.1) < 0.05
    assert np.nanmax(sample.outcomes.times - follow_up[..., None]) <= 0


def test_a_lost_outcome_is_missing() -> None:
    lost = {
        "cause": "lost", "cumulative": {"control": 0.4, "active": 0.1}, "mechanism": "MCAR", "source": "t",
    }  # fmt: skip
    sample = engine_of(trial_from_dict(tables("binary", discontinuation=[lost]))).sample(50, 5, 0)
    missing = np.isnan(sample.outcomes)
    assert abs(missing[sample.people.arm == 0].mean() - 0.4) < 0.05
    assert abs(missing[sample.people.arm == 1].mean() - 0.1) < 0.05


def test_what_is_worse_when_higher_is_turned_round() -> None:
    design = {"kind": "bayesian", "rule": "posterior", "looks": [15, 30], "claim": 0.95}
    better, worse = (staged("binary", design, enrolment=None) for _ in range(2))
    worse["outcome"] |= {"direction": "higher_is_worse", "probability": 0.7}
    worse["effects"][0]["value"] = 0.5
    one, two = rows(better), rows(worse)
    np.testing.assert_array_equal(one["selected_arm_decision"], two["selected_arm_decision"])
    visits, turned = tables("continuous_longitudinal"), tables("continuous_longitudinal")
    turned["outcome"]["direction"] = "higher_is_worse"
    one, two = rows(visits), rows(turned)
    assert (one["mmrm_decision"] == 1).any()
    assert not (two["mmrm_decision"] == 1).any()


def test_participants_who_enter_one_by_one_leave_a_pipeline() -> None:
    design = {"kind": "multi_arm_multi_stage", "stages": [[20] * 3] * 2, "keep_best": 1}
    made = staged("binary", design, 3, enrolment=PLANNED)
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
    made = staged("binary", design, 3, enrolment=PLANNED)
    made["outcome"]["months"] = 4.0
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


def same_as_the_plan(found, expected, name: str, counted: tuple[str, ...]) -> None:
    np.testing.assert_array_equal(found[f"{name}_decision"], expected.stopping.decision)
    np.testing.assert_array_equal(found[f"{name}_look"], expected.stopping.look + 1)
    for key in counted:
        values = np.asarray(expected.counted[key])
        at_stop = values if values.ndim == 1 else expected.stopping.at(values)
        np.testing.assert_array_equal(found[f"{name}_{key}"], at_stop)
    if expected.estimate is not None:
        np.testing.assert_array_equal(found[f"{name}_estimate"], expected.estimate.value)


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


@pytest.mark.parametrize("analysis", ["log_rank", "cox", "ancova", "mmrm", "joint_rank"])
def test_a_marker_and_its_event_are_those_of_the_joint_plan(analysis: str) -> None:
    world = JointWorld(
        60, PlannedAccrual((10.0,), (6.0,)), (6.0, 12.0), 12.0, slope=0.1, association=0.5, slope_effect=-0.1
    )
    expected = run_joint_block(JointPlan(world, analysis), 50, 5, "trial.60.2", 0)
    found = rows(tables("joint", analyses=[{"kind": analysis}]))
    same_as_the_plan(found, expected, analysis, ("size", "events", "measured", "months"))
    cell = first_cell(tables("joint", analyses=[{"kind": analysis}]))
    assert cell.truths[analysis].value == (None if expected.estimate is None else expected.estimate.truth)


def test_the_calendar_may_spend_by_itself() -> None:
    design = {
        "kind": "group_sequential", "timing": "calendar", "months": [9.0, 30.0], "planned_events": 40,
        "spend_by": "calendar",
    }  # fmt: skip
    plan = SpendingSurvivalPlan(
        survival_world(), 40, months=(9.0, 30.0), spend_by="calendar", stratified=False
    )
    expected = run_spending_survival_block(plan, 50, 5, "trial.60.2", 0)
    found = rows(tables("time_to_event", design=design, discontinuation=LOST))
    np.testing.assert_array_equal(found["log_rank_decision"], expected.stopping.decision)
    np.testing.assert_array_equal(found["log_rank_look"], expected.stopping.look + 1)
