"""Survival trials that drop arms: family-wise error under full and partial nulls, one trial by hand."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partial

import numpy as np
import pytest

from trialsim.analysis.survival import log_rank_looks
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study import characteristics_of
from trialsim.study.designs import ArmDroppingPlan, run_arm_dropping_block
from trialsim.trial import ClosedTest, PiecewiseHazard, PlannedAccrual, SurvivalWorld, simulate_survival
from trialsim.trial.allocation import reallocate

NONE, GOOD, LEAVE = PiecewiseHazard((0.06,)), PiecewiseHazard((0.036,)), PiecewiseHazard((0.004,))
TEST = ClosedTest((2.796509681, 1.977430959), (1.0, 1.0))


def plan(*active: PiecewiseHazard, **change: object) -> ArmDroppingPlan:
    laws = (NONE, *active)
    world = SurvivalWorld(
        240, PlannedAccrual((15,), (16,)), laws, (LEAVE,) * len(laws), (1,) * len(laws), (len(laws),)
    )
    given = {"world": world, "events": (80, 110), "test": TEST, "best": 1} | change
    return ArmDroppingPlan(**given)


def run(which: ArmDroppingPlan, replicates: int, scenario: str):
    return characteristics_of(run_arm_dropping_block, which, replicates=replicates, seed=6, scenario=scenario)


@pytest.mark.parametrize("method", ["dunnett", "simes"])
@pytest.mark.parametrize("active", [(NONE, NONE), (NONE, GOOD), (NONE, NONE, NONE)])
def test_family_wise_error_is_kept(method: str, active: tuple[PiecewiseHazard, ...]) -> None:
    which = plan(*active, test=dataclasses.replace(TEST, intersection=method), best=2)
    found = run(which, 3_000, f"{method} {len(active)} {GOOD in active}")
    wrong, error = found.mean("false_claim")
    assert wrong < 0.025 + 4 * max(error, np.sqrt(0.025 * 0.975 / 3_000))
    if GOOD in active:
        assert found.mean("claim_2")[0] > 0.3


def test_testing_the_best_arm_naively_inflates() -> None:
    which = plan(NONE, NONE, NONE)
    claimed, replicates = 0, 3_000
    for block in range(12):
        one = run_arm_dropping_block(which, 250, 6, "naive", block)
        # The best arm at the look against 1.96 with all of its events: the look and increment pooled.
        z = (one.statistic[:, 0] + one.statistic[:, 1]) / np.sqrt(2)
        claimed += int((z >= 1.959964).sum())
    assert claimed / replicates > 0.025 + 4 * np.sqrt(0.025 * 0.975 / replicates)


def test_one_trial_equals_its_slow_twin() -> None:
    which = plan(NONE, GOOD, test=ClosedTest((9.0, 1.977), (1.0, 1.0)))
    chance = partial(stream, 6, "twin", 0)
    block = run_arm_dropping_block(which, 15, 6, "twin", 0)
    first = simulate_survival(which.world, 15, chance)
    for r in range(15):
        month = np.sort((first.entry + first.time)[r][first.event[r] == 1])[79]
        assert block.counted["months"][r, 0] == pytest.approx(month)
        best = []
        for a in (1, 2):
            pair = (first.arm[r] == 0) | (first.arm[r] == a)
            one = log_rank_looks(
                first.entry[r : r + 1, pair], first.time[r : r + 1, pair], first.event[r : r + 1, pair],
                first.arm[r : r + 1, pair] == a, [[month]],
            )  # fmt: skip
            best.append(one.benefit[0, 0])
        assert block.statistic[r, 0] == pytest.approx(max(best))
        kept = int(np.argmax(best)) + 1
        assert [block.counted[f"open_{a}"][r] for a in (1, 2)] == [kept == 1, kept == 2]
        assert block.counted["events"][r, 0] == 80
        assert block.counted["events"][r, 1] >= 110


def test_claims_rest_on_all_arms_at_the_look_and_on_open_ones_after_it() -> None:
    which = plan(NONE, GOOD, GOOD, best=1, test=ClosedTest((2.4, 1.977), (1.0, 1.0)))
    block = run_arm_dropping_block(which, 60, 6, "claims", 0)
    chance = partial(stream, 6, "claims", 0)
    first = simulate_survival(which.world, 60, chance)
    months = block.counted["months"]
    is_open = np.column_stack([np.ones(60, bool), *(block.counted[f"open_{a}"] for a in (1, 2, 3))])
    entered = (first.entry <= months[:, :1]).sum(axis=1)
    arm = reallocate(first.arm, entered, is_open, (1,) * 4, chance("analysis"))
    trials = simulate_survival(which.world, 60, chance, arm)
    z, n = np.empty((2, 60, 3)), np.empty((2, 60, 4))
    for r in range(60):
        for a in (1, 2, 3):
            pair = (arm[r] == 0) | (arm[r] == a)
            one = log_rank_looks(
                *(x[r : r + 1, pair] for x in (trials.entry, trials.time, trials.event)),
                (arm[r : r + 1, pair] == a), months[r : r + 1],
            )  # fmt: skip
            u, v = one.score[0], one.information[0]
            z[:, r, a - 1] = -u[0] / np.sqrt(v[0]), -(u[1] - u[0]) / np.sqrt(v[1] - v[0])
        for k in (0, 1):
            n[k, r] = np.bincount(arm[r][trials.entry[r] <= months[r, k]], minlength=4)
    tested = np.stack([np.ones((60, 3), bool), is_open[:, 1:]])
    claims = which.test.rejected(z, n, tested)
    made = claims[block.stopping.look, np.arange(60)]
    for a in (1, 2, 3):
        np.testing.assert_array_equal(block.counted[f"claim_{a}"], made[:, a - 1])
    assert 0.2 < made.any(axis=1).mean() < 1.0
    assert 0.05 < (block.stopping.look == 0).mean() < 0.95


def test_who_enters_after_the_look_goes_to_open_arms_in_blocks() -> None:
    generator = np.random.default_rng(1)
    arm = generator.integers(0, 3, (50, 61)).astype(np.int8)
    entered = generator.integers(0, 40, 50)
    is_open = np.column_stack([np.ones(50, bool), generator.random((50, 2)) < 0.5])
    found = reallocate(arm, entered, is_open, (2, 1, 1), generator)
    for r in range(50):
        np.testing.assert_array_equal(found[r, : entered[r]], arm[r, : entered[r]])
        later = found[r, entered[r] :]
        assert is_open[r, later].all()
        places = np.repeat([0, 1, 2], [2, 1, 1])[is_open[r, np.repeat([0, 1, 2], [2, 1, 1])]]
        for start in range(0, len(later) - len(places) + 1, len(places)):
            assert sorted(later[start : start + len(places)]) == sorted(places)
    assert (found != arm).any()


def test_allocation_before_the_look_is_that_without_dropping() -> None:
    which = plan(NONE, GOOD)
    chance = partial(stream, 6, "same", 0)
    first = simulate_survival(which.world, 5, chance)
    other = simulate_survival(which.world, 5, chance, first.arm)
    np.testing.assert_array_equal(first.time, other.time)
    np.testing.assert_array_equal(first.entry, other.entry)


def test_dropping_saves_participants_of_arms_without_effect() -> None:
    dropped, kept = run(plan(NONE, GOOD), 1_000, "save"), run(plan(NONE, GOOD, best=0), 1_000, "save")
    assert dropped.mean("claim_2")[0] > 0.6
    assert dropped.mean("open_1")[0] < 0.1
    assert kept.mean("open_1")[0] == 1.0
    futile = run(plan(NONE, NONE, futility=0.5, best=0), 1_000, "futile")
    assert futile.looks().loc[1, "futility"] > 0.3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"events": (110, 80)}, "events"),
        ({"events": (80, 239)}, "events"),
        ({"events": (80,)}, "events"),
        ({"best": 3}, "best"),
        ({"test": ClosedTest((2.0,), (1.0,))}, "events"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        plan(NONE, GOOD, **change)
    assert caught.value.field == field
    with pytest.raises(DesignError, match="two active arms"):
        plan(NONE)
    assert pickle.loads(pickle.dumps(plan(NONE, GOOD))) == plan(NONE, GOOD)


def test_reallocation_refuses_fractions_and_nobody() -> None:
    arm, generator = np.zeros((1, 4), np.int8), np.random.default_rng(1)
    with pytest.raises(DesignError, match="whole numbers"):
        reallocate(arm, np.array([1]), np.ones((1, 2), bool), (1.5, 1.0), generator)
    with pytest.raises(DesignError, match="open arm"):
        reallocate(arm, np.array([1]), np.zeros((1, 2), bool), (1, 1), generator)
