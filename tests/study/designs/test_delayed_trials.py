"""Adaptive trials as plans: delayed outcomes against closed forms, every rule plan, counts per arm."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from trialsim.design import group_sequential_design
from trialsim.design.group_sequential import delayed_design
from trialsim.errors import DesignError
from trialsim.study import characteristics_of
from trialsim.study.designs import (
    BlindedResizingPlan,
    BoundsPlan,
    ClosedTestPlan,
    DelayedPlan,
    PredictivePlan,
    PromisingZonePlan,
    RulePlan,
    StagedPlan,
    ThompsonPlan,
    run_delayed_block,
    run_staged_block,
)
from trialsim.trial import ClosedTest, PlannedAccrual, site_plan

OBF = (2.796509681, 1.977430959)
ACCRUAL = PlannedAccrual((10,), (20,))
TWO = StagedPlan("normal", (0.0, 0.0), ((40, 40), (40, 40)), BoundsPlan(OBF, (0.3, 1.9), sd=1.0))
DELAYED = DelayedPlan(TWO, ACCRUAL, delay=3.0, most=160)


def test_confirmed_claims_have_their_closed_form_and_keep_the_error() -> None:
    # The delay is so long that everybody is in the pipeline: the decision rests on all information.
    design = delayed_design([0.5, 1.0], [1.0, 1.0], OBF, (0.3, 1.9))
    for effect in (0.0, 0.4):
        staged = dataclasses.replace(TWO, means=(0.0, effect))
        plan = DelayedPlan(staged, ACCRUAL, 500.0, 160, after_stop="confirmed", decision=design.decision)
        found = characteristics_of(
            run_delayed_block, plan, replicates=12_000, seed=1, scenario=f"late {effect}"
        )
        expected = design.claims(effect * np.sqrt(40.0))
        for k, probability in enumerate(expected):
            share = found.counts.efficacy[k] / 12_000
            assert abs(share - probability) < 4 * np.sqrt(probability / 12_000)
        assert found.counts.least["size"] == 160
    # Claiming at 1.96 after the pipeline, whatever the look said, does not have that probability.
    naive = dataclasses.replace(plan, staged=TWO, decision=(0.5, OBF[1]))
    wrong = characteristics_of(run_delayed_block, naive, replicates=12_000, seed=1, scenario="late")
    assert wrong.rejection_rate > 0.06


def test_delay_costs_participants_and_not_the_error() -> None:
    short = characteristics_of(
        run_delayed_block, dataclasses.replace(DELAYED, delay=0.0), replicates=6_000, seed=2, scenario="null"
    )
    late = characteristics_of(run_delayed_block, DELAYED, replicates=6_000, seed=2, scenario="null")
    at_once = characteristics_of(run_staged_block, TWO, replicates=40_000, seed=2, scenario="null")
    exact = group_sequential_design([0.5, 1.0]).power_at(0.0)
    assert exact == pytest.approx(0.025, abs=1e-9)
    for found in (short, late):
        # Binding futility only takes claims away.
        assert found.rejection_rate < 0.025 + 4 * found.rejection_rate_mcse
        error = np.hypot(found.rejection_rate_mcse, at_once.rejection_rate_mcse)
        assert abs(found.rejection_rate - at_once.rejection_rate) < 4 * error
    for name in ("size",):
        mean, error = short.mean(name)
        other, theirs = at_once.mean(name)
        assert abs(mean - other) < 4 * np.hypot(error, theirs)
    # Ten a month for three months are in the pipeline of those that stop at the first look.
    stops = late.looks().loc[1, ["efficacy", "futility"]].sum()
    pipeline, error = late.mean("pipeline")
    assert abs(pipeline - 30 * stops) < 5 * error
    assert late.mean("size")[0] == pytest.approx(80 + 80 * (1 - stops) + pipeline, abs=1e-9)
    assert late.mean("months")[0] > late.mean("look_months")[0] > short.mean("months")[0]


PLANS: dict[str, tuple[str, tuple[float, ...], tuple[tuple[int, ...], ...], RulePlan]] = {
    "closed": (
        "normal", (0.0, 0.0, 0.0), ((30, 30, 30), (40, 40, 40)),
        ClosedTestPlan(ClosedTest(OBF, (3.0, 4.0)), sd=1.0, best=1),
    ),
    "blinded": (
        "normal", (0.0, 0.0), ((30, 30), (60, 60)),
        BlindedResizingPlan(0.5, 0.025, 0.9, 30, 150, 1.96),
    ),
    "promising": (
        "normal", (0.0, 0.0), ((50, 50), (50, 50)),
        PromisingZonePlan(50, 150, (0.3, 0.8), 0.8, 1.959964),
    ),
    "thompson": ("binary", (0.3, 0.3, 0.3), ((10, 10, 10),) * 4, ThompsonPlan(30, 0.995)),
    "predictive": ("binary", (0.4, 0.4), ((20, 20), (20, 20)), PredictivePlan((20, 40), 0.98, 0.999, 0.02)),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_null_error_of_every_rule_with_and_without_delay(name: str) -> None:
    endpoint, means, stages, rule = PLANS[name]
    staged = StagedPlan(endpoint, means, stages, rule)
    assert pickle.loads(pickle.dumps(staged)) == staged
    plan = DelayedPlan(staged, ACCRUAL, 2.0, most=500, wait="entered" if name == "thompson" else "seen")
    late = characteristics_of(run_delayed_block, plan, replicates=2_000, seed=3, scenario=name)
    at_once = characteristics_of(run_staged_block, staged, replicates=8_000, seed=3, scenario=name)
    if name in ("closed", "promising"):
        for found in (late, at_once):
            assert found.rejection_rate < 0.025 + 4 * found.rejection_rate_mcse
    if name == "closed":
        assert late.mean("false_claim")[0] == late.rejection_rate
    if name == "thompson":
        # What is decided on fewer outcomes claims less often here, and allocates less unequally.
        assert late.rejection_rate < at_once.rejection_rate + 0.01
    elif name != "predictive":
        error = np.hypot(late.rejection_rate_mcse, at_once.rejection_rate_mcse)
        assert abs(late.rejection_rate - at_once.rejection_rate) < 4 * error
    arms = sum(late.mean(f"arm_{a}")[0] for a in range(len(means)))
    assert arms == pytest.approx(late.mean("size")[0])
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_selection_bias_of_the_naive_estimate_is_reported() -> None:
    staged = StagedPlan("normal", (0.0, 0.2), ((40, 40), (40, 40)), BoundsPlan((1.5, 1.9), sd=1.0))
    found = characteristics_of(
        run_staged_block, staged, replicates=8_000, seed=4, scenario="bias"
    ).naive_estimate()
    fixed = dataclasses.replace(staged, stage_n=((80, 80),), design=BoundsPlan((1.96,), sd=1.0))
    plain = characteristics_of(
        run_staged_block, fixed, replicates=8_000, seed=4, scenario="fixed"
    ).naive_estimate()
    assert found["bias"] > 10 * found["bias_mcse"]
    assert abs(plain["bias"]) < 4 * plain["bias_mcse"]
    assert abs(plain["mse"] - 2 / 80) < 4 * plain["mse_mcse"]
    assert abs(plain["coverage"] - 0.95) < 4 * plain["coverage_mcse"]


def test_sites_recruit_too() -> None:
    plan = dataclasses.replace(DELAYED, accrual=site_plan(np.arange(4.0), rate=3.0, shape=2.0))
    found = characteristics_of(run_delayed_block, plan, replicates=100, seed=5, scenario="sites")
    assert found.counts.trials == 100


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"most": 100}, "most"),
        ({"delay": -1.0}, "delay"),
        ({"wait": "x"}, "wait"),
        ({"after_stop": "x"}, "after_stop"),
        ({"after_stop": "confirmed"}, "decision"),
        ({"after_stop": "confirmed", "decision": (1.0,)}, "decision"),
    ],
)
def test_impossible_delayed_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(DELAYED, **change)
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["blinded", "promising", "predictive"])
def test_rules_of_whole_stages_wait_until_they_are_seen(name: str) -> None:
    with pytest.raises(DesignError, match="whole stages"):
        DelayedPlan(StagedPlan(*PLANS[name]), ACCRUAL, 2.0, most=500, wait="entered")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "ordinal"}, "endpoint"),
        ({"stage_n": ((40,), (40, 40))}, "stage_n[0]"),
        ({"confidence": 1.0}, "confidence"),
        ({"sd": 0.0}, "sd"),
    ],
)
def test_impossible_staged_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(TWO, **change)
    assert caught.value.field == field
    with pytest.raises(DesignError):
        BoundsPlan((2.0, 2.0), (3.0, 0.0))
    with pytest.raises(DesignError):
        StagedPlan("normal", (0.0, 0.0), ((5, 5),), BlindedResizingPlan(0.0, 0.025, 0.9, 3, 9, 2.0))
