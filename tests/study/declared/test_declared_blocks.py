"""Blocks of declared trials are those of the engine that they wire, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.declared_files import STRATA, staged, tables
from tests.study.declared.declared_cells import (
    EVENTS,
    LOST,
    arms_of,
    first_cell,
    rows,
    same_as_the_plan,
    survival_world,
)
from trialsim.analysis.linear import fit_linear
from trialsim.analysis.marginal import fit_marginal
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.design import BetaSpending, HwangShihDeCani, OBrienFlemingSpending, group_sequential_design
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import engine_of
from trialsim.study.designs import JointPlan, SurvivalPlan, run_joint_block, run_survival_block
from trialsim.study.designs.survival_spending import SpendingSurvivalPlan, run_spending_survival_block
from trialsim.trial import (
    DiscontinuationCause,
    IntercurrentEvent,
    JointWorld,
    LongitudinalWorld,
    PlannedAccrual,
    VisitEffect,
    binary_outcomes,
    count_outcomes,
    minimise,
    normal_outcomes,
    ordinal_outcomes,
    recurrent_events,
    simulate_longitudinal,
)
from trialsim.trial.outcomes import autoregressive


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
    made = tables("score")
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
    made = tables("score", **WITH_EVENTS)
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
        "response",
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
    made = tables("level")
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


@pytest.mark.parametrize("kind", ["ancova_composite", "ancova_last_on_treatment", "mmrm", "unadjusted"])
def test_a_look_reads_those_alone_who_are_seen(kind: str) -> None:
    made = tables("score", analyses=[{"kind": kind}], **WITH_EVENTS)
    made["endpoints"][0]["failure"] = -2.0
    trial = trial_from_dict(made)
    sample = engine_of(trial).sample(50, 5, 0)
    seen = np.broadcast_to(np.arange(60) < 36, sample.known.shape)
    found = sample.read(trial.analyses[0], seen)
    first = {name: getattr(sample.outcomes, name)[:, :36] for name in FIELDS}
    people = replace(sample.people, arm=sample.people.arm[:, :36], levels=sample.people.levels[:, :36])
    alone = replace(sample, people=people, outcomes=replace(sample.outcomes, **first))
    np.testing.assert_allclose(found.estimate, alone.read(trial.analyses[0]).estimate, rtol=1e-9)


FIELDS = ("arm", "baseline", "outcomes", "visit", "cause")


def test_gaps_are_read_by_the_general_mmrm() -> None:
    made = tables("score")
    made["endpoints"][0]["gaps"] = 0.2
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
    sample = engine_of(trial_from_dict(tables("response", discontinuation=[lost]))).sample(50, 5, 0)
    missing = np.isnan(sample.outcomes)
    assert abs(missing[sample.people.arm == 0].mean() - 0.4) < 0.05
    assert abs(missing[sample.people.arm == 1].mean() - 0.1) < 0.05


def test_what_is_worse_when_higher_is_turned_round() -> None:
    design = {"kind": "bayesian", "rule": "posterior", "looks": [15, 30], "claim": 0.95}
    better, worse = (staged("response", design, enrolment=None) for _ in range(2))
    worse["endpoints"][0] |= {"direction": "higher_is_worse", "probability": 0.7}
    worse["effects"][0]["value"] = 0.5
    one, two = rows(better), rows(worse)
    np.testing.assert_array_equal(one["selected_arm_decision"], two["selected_arm_decision"])
    visits, turned = tables("score"), tables("score")
    turned["endpoints"][0]["direction"] = "higher_is_worse"
    one, two = rows(visits), rows(turned)
    assert (one["mmrm_decision"] == 1).any()
    assert not (two["mmrm_decision"] == 1).any()


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
