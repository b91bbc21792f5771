"""Operating characteristics of sequential and adaptive trials: counts reconcile, blocks add up."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from trialsim.errors import DesignError
from trialsim.study.designs import (
    SequentialCharacteristics,
    SurvivalPlan,
    run_survival_block,
    survival_group_sequential,
)
from trialsim.study.designs.sequential_characteristics import tally_stopping
from trialsim.trial import PiecewiseHazard, PlannedAccrual, SurvivalWorld, stop_at_bounds

LAWS = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.04,)))
WORLD = SurvivalWorld(120, PlannedAccrual((12,), (10,)), LAWS, (PiecewiseHazard((0.01,)),) * 2)
PLAN = SurvivalPlan((40, 80), (2.963, 1.969), (0.3, 1.969))
TOO_MANY = SurvivalPlan((60, 115), (2.963, 1.969))
run = partial(survival_group_sequential, WORLD, PLAN, seed=1, scenario="test")


def test_tallies_equal_plain_means() -> None:
    generator = np.random.default_rng(1)
    z, size = generator.normal(1, 1.5, (400, 3)), np.sort(generator.uniform(50, 200, (400, 3)), axis=1)
    stopping = stop_at_bounds(z, [3.0, 2.5, 2.0], [-0.5, 0.5, 2.0])
    reached = np.ones(z.shape, dtype=bool)
    halves = [
        tally_stopping(
            type(stopping)(stopping.look[half], stopping.decision[half]),
            z[half],
            reached[half],
            size=size[half],
        )
        for half in (slice(0, 150), slice(150, 400))
    ]
    found = SequentialCharacteristics("x", halves[0] + halves[1])
    sizes = stopping.at(size)
    assert found.mean("size")[0] == pytest.approx(sizes.mean())
    assert found.mean("size")[1] == pytest.approx(sizes.std(ddof=1) / 20, rel=1e-9)
    assert found.rejection_rate == (stopping.decision == 1).mean()
    row = found.to_row()
    assert (row["least_size"], row["most_size"]) == (sizes.min(), sizes.max())
    looks = found.looks()
    assert looks["efficacy"].sum() * 400 + looks["futility"].sum() * 400 + row["undecided"] == pytest.approx(
        400
    )


def test_blocks_are_pure_and_the_same_in_any_order() -> None:
    forwards = [run_survival_block(WORLD, PLAN, 20, 1, "test", b)[2].score for b in (0, 1, 2)]
    backwards = [run_survival_block(WORLD, PLAN, 20, 1, "test", b)[2].score for b in (2, 1, 0)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (forwards[0] != forwards[1]).any()


def test_trials_do_not_depend_on_how_many_follow() -> None:
    few, many = run(replicates=100, block=50), run(replicates=150, block=50)
    assert many.counts.trials == 150
    assert (many.counts.efficacy >= few.counts.efficacy).all()


def test_looks_that_fall_short_are_counted_and_not_dropped() -> None:
    short = survival_group_sequential(
        WORLD, SurvivalPlan((30, 50), (2.963, 1.969), latest=14.0), replicates=100, seed=1, scenario="short"
    )
    assert short.counts.unreached[1] > 50
    assert short.counts.efficacy.sum() + short.counts.futility.sum() + short.counts.undecided == 100
    assert short.counts.most["months"] <= 14.0


def test_events_that_the_follow_up_cannot_give_are_refused_with_how_many_can() -> None:
    with pytest.raises(DesignError, match=r"40\.\d events can be expected of 120 participants by month 14"):
        survival_group_sequential(
            WORLD,
            SurvivalPlan((40, 80), (2.963, 1.969), latest=14.0),
            replicates=100,
            seed=1,
            scenario="short",
        )


def test_calendar_looks_end_every_trial_at_their_months() -> None:
    plan = SurvivalPlan((40, 80), (2.963, 1.969), months=(9.0, 20.0))
    found = survival_group_sequential(WORLD, plan, replicates=300, seed=1, scenario="calendar")
    months, _ = found.mean("months")
    early = found.counts.efficacy[0] / 300
    assert months == pytest.approx(9.0 * early + 20.0 * (1 - early))
    assert found.counts.least["events"] < found.counts.most["events"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: SurvivalPlan((80, 40), (2.9, 2.0)), "events"),
        (lambda: SurvivalPlan((40, 80), (2.0, 2.0)), "efficacy.z"),
        (lambda: SurvivalPlan((40, 80), (2.9,)), "upper"),
        (lambda: SurvivalPlan((40, 80), (2.963, 1.969), (3.5, 1.0)), "lower"),
        (lambda: SurvivalPlan((), ()), "events"),
        (lambda: SurvivalPlan((40, 80), (2.963, 1.969), months=(20.0, 9.0)), "months"),
        (lambda: SurvivalPlan((40, 80), (2.963, 1.969), months=(20.0,)), "months"),
        (lambda: survival_group_sequential(WORLD, TOO_MANY, replicates=1, seed=1, scenario="x"), "events"),
        (lambda: run(replicates=0), "replicates"),
    ],
)  # fmt: skip
def test_impossible_plans_are_refused_before_anything_runs(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call()
    assert fault.value.field == field


def test_the_error_of_a_rate_is_that_of_a_proportion() -> None:
    found = run(replicates=300)
    rate = found.rejection_rate
    assert 0 < rate < 1
    assert found.rejection_rate_mcse == pytest.approx(np.sqrt(rate * (1 - rate) / 300), rel=1e-12)
