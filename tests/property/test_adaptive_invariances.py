"""Adaptive designs: labels, units, order and arm swaps change nothing that they should not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.design import HwangShihDeCani
from trialsim.design.group_sequential import adapted_bounds
from trialsim.study import characteristics_of
from trialsim.study.designs import (
    ArmDroppingPlan,
    BlindedSurvivalPlan,
    BoundsPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    JointPlan,
    SequentialBlock,
    SpendingSurvivalPlan,
    StagedPlan,
    run_arm_dropping_block,
    run_blinded_survival_block,
    run_delayed_block,
    run_event_resizing_block,
    run_joint_block,
    run_spending_survival_block,
    run_staged_block,
)
from trialsim.study.designs.joint_rank import joint_rank_block
from trialsim.trial import (
    ClosedTest,
    EventZone,
    JointWorld,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    simulate_delayed,
)
from trialsim.trial.interim import intersection_score
from trialsim.trial.outcomes import JointTrials

FEW = settings(deadline=None, max_examples=15)
SEEDS = st.integers(0, 2**31)
ACCRUAL = PlannedAccrual((20,), (10,))
LAW, LEAVE = PiecewiseHazard((0.06,)), PiecewiseHazard((0.004,))
TWO = SurvivalWorld(200, ACCRUAL, (LAW, LAW), (LEAVE, LEAVE))
THREE = SurvivalWorld(200, ACCRUAL, (LAW,) * 3, (LEAVE,) * 3, (1, 1, 1), (3,))
TEST = ClosedTest((2.797, 1.977), (1.0, 1.0))
STAGED = StagedPlan("normal", (0.0, 0.3), ((30, 30), (30, 30)), BoundsPlan((2.797, 1.977), sd=1.0))
JOINT = JointWorld(40, ACCRUAL, (6.0, 12.0), 12.0, association=0.4)

PLANS = {
    "spending": (run_spending_survival_block, SpendingSurvivalPlan(TWO, 120, months=(10.0, 20.0))),
    "events": (run_event_resizing_block, EventResizingPlan(TWO, EventZone(50, 100, 150), 150)),
    "blinded": (run_blinded_survival_block, BlindedSurvivalPlan(TWO, 80, 120, 6.0, 20.0)),
    "arms": (run_arm_dropping_block, ArmDroppingPlan(THREE, (60, 90), TEST)),
    "staged": (run_staged_block, STAGED),
    "closed": (
        run_staged_block,
        dataclasses.replace(
            STAGED, means=(0.0, 0.0, 0.3), stage_n=((30,) * 3,) * 2, design=ClosedTestPlan(TEST, best=1)
        ),
    ),
    "delayed": (run_delayed_block, DelayedPlan(STAGED, ACCRUAL, 2.0, 120)),
    "joint": (run_joint_block, JointPlan(JOINT, "joint_rank")),
}


def same(one: SequentialBlock, other: SequentialBlock) -> bool:
    np.testing.assert_array_equal(one.stopping.look, other.stopping.look)
    np.testing.assert_array_equal(one.stopping.decision, other.stopping.decision)
    np.testing.assert_array_equal(one.statistic, other.statistic)
    for name in one.counted:
        np.testing.assert_array_equal(one.counted[name], other.counted[name])
    return True


@pytest.mark.parametrize("name", PLANS)
def test_blocks_are_pure_and_blocks_add_up(name: str) -> None:
    run, plan = PLANS[name]
    first, second = run(plan, 12, 3, "pure", 0), run(plan, 12, 3, "pure", 1)
    assert same(first, run(plan, 12, 3, "pure", 0))
    assert (first.statistic != second.statistic).any()
    whole = characteristics_of(run, plan, replicates=24, seed=3, scenario="pure", block=12)
    both = first.tally() + second.tally()
    assert whole.counts.trials == both.trials == 24
    assert whole.counts.sums == both.sums
    stops = whole.looks()
    assert (stops["efficacy"] + stops["futility"]).sum() * 24 + both.undecided == pytest.approx(24)
    row = whole.to_row()
    assert row["least_size"] <= row["expected_size"] <= row["most_size"]


@FEW
@given(SEEDS)
def test_adapted_bounds_do_not_depend_on_the_order_or_number_of_trials(seed: int) -> None:
    generator = np.random.default_rng(seed)
    seen = np.cumsum(generator.uniform(0.02, 0.5, (6, 3)), axis=1)
    order = generator.permutation(6)
    whole, _ = adapted_bounds(seen, HwangShihDeCani(-2.0), 0.025)
    moved, _ = adapted_bounds(seen[order], HwangShihDeCani(-2.0), 0.025)
    np.testing.assert_array_equal(whole[order], moved)
    # Without drift only ratios of information matter, besides where the spending is read.
    scaled, _ = adapted_bounds(3 * seen, HwangShihDeCani(-2.0), 0.025, spending_time=seen)
    np.testing.assert_allclose(scaled, whole, atol=1e-9)


@FEW
@given(SEEDS)
def test_arms_can_be_renamed_in_a_closed_test(seed: int) -> None:
    generator = np.random.default_rng(seed)
    z, n = generator.normal(1.5, 1.0, (2, 5, 3)), generator.uniform(10, 50, (2, 5, 4))
    tested = np.stack([np.ones((5, 3), bool), generator.random((5, 3)) < 0.7])
    order = generator.permutation(3)
    one = TEST.rejected(z, n, tested)
    other = TEST.rejected(z[..., order], n[..., [0, *(order + 1)]], tested[..., order])
    np.testing.assert_array_equal(one[..., order], other)


@FEW
@given(SEEDS, st.sampled_from(["dunnett", "bonferroni", "simes"]))
def test_an_intersection_is_never_easier_than_its_best_member(seed: int, method: str) -> None:
    generator = np.random.default_rng(seed)
    z, n = generator.normal(0, 2, (20, 3)), generator.uniform(10, 50, (20, 4))
    every = np.ones((20, 3), bool)
    score = intersection_score(z, n, every, method)
    assert (score <= z.max(axis=1) + 1e-9).all()
    better = z.copy()
    better[:, 0] += 1.0
    assert (intersection_score(better, n, every, method) >= score - 1e-9).all()


@FEW
@given(SEEDS, st.floats(0.5, 20.0))
def test_months_of_delayed_trials_scale_with_their_unit(seed: int, unit: float) -> None:
    entry = np.cumsum(np.random.default_rng(seed).exponential(0.2, (4, 80)), axis=1)
    rule = BoundsPlan((2.4, 2.0), (0.0, 2.0), sd=1.0).rule(np.random.default_rng(0))

    def run(scale: float):
        chance = np.random.default_rng(seed), np.random.default_rng(seed + 1)
        return simulate_delayed(
            "normal", [0.0, 0.3], [[20, 20], [20, 20]], rule, scale * entry, scale * 1.5, *chance
        )

    one, other = run(1.0), run(unit)
    np.testing.assert_allclose(other.month, unit * one.month)
    # Rounding can move nobody over a look's edge but the one who defines it.
    assert (np.abs(one.size - other.size) <= 1).all()


@FEW
@given(SEEDS)
def test_swapping_arms_turns_the_joint_rank(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shape = (3, 14)
    time, event = (
        generator.integers(1, 9, shape).astype(float),
        generator.integers(0, 2, shape).astype(np.int8),
    )
    marker = generator.normal(size=(*shape, 2))
    marker[time < 4] = np.nan
    arm = np.tile(np.array([0, 1], np.int8), (3, 7))
    trials = JointTrials(time, arm, generator.normal(size=shape), marker, time, event)
    one = joint_rank_block(trials)
    swapped = joint_rank_block(dataclasses.replace(trials, arm=(1 - arm).astype(np.int8)))
    np.testing.assert_allclose(one.estimate, -swapped.estimate)
    np.testing.assert_allclose(one.p_value, swapped.p_value)
    order = generator.permutation(14)
    moved = JointTrials(*(x[:, order] for x in (time, arm, trials.baseline, marker, time, event)))
    np.testing.assert_allclose(joint_rank_block(moved).estimate, one.estimate)
    turned = dataclasses.replace(trials, marker=-marker, baseline=-trials.baseline)
    np.testing.assert_allclose(joint_rank_block(turned, higher_is_worse=False).estimate, one.estimate)
