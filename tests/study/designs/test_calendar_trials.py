"""Calendar looks at delayed outcomes: one trial by hand, error over nulls, fixed trials as a limit."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partial

import numpy as np
import pytest
from scipy import stats

from trialsim.design import BetaSpending, HwangShihDeCani, PocockSpending, group_sequential_design
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study import characteristics_of
from trialsim.study.designs import CalendarPlan, run_calendar_block
from trialsim.trial import PlannedAccrual, permuted_blocks, site_plan

NULL = CalendarPlan(
    "normal", (0.0, 0.0), 120, PlannedAccrual((10,), (12,)), 3.0, (7.0, 11.0), efficacy=PocockSpending()
)


def run(plan: CalendarPlan, replicates: int, scenario: str = "null"):
    return characteristics_of(run_calendar_block, plan, replicates=replicates, seed=12, scenario=scenario)


def test_one_trial_equals_its_slow_twin() -> None:
    plan = dataclasses.replace(NULL, means=(0.0, 0.4), sd=1.3)
    block = run_calendar_block(plan, 25, 12, "twin", 0)
    chance = partial(stream, 12, "twin", 0)
    entry = plan.accrual.arrivals(25, 120, chance("enrolment"))
    arm = permuted_blocks(25, 120, (1, 1), (4,), chance("randomisation"))
    y = 0.4 * arm + 1.3 * chance("outcome").standard_normal((25, 120))
    planned = group_sequential_design([0.3, 0.7, 1.0], efficacy=PocockSpending())
    for r in range(25):
        months = [7.0, 11.0, entry[r, -1] + 3.0]
        z, information = [], []
        for k, month in enumerate(months):
            seen = entry[r] + 3.0 <= month
            assert block.counted["seen"][r, k] == seen.sum()
            assert block.counted["pipeline"][r, k] == (entry[r] <= month).sum() - seen.sum()
            t = stats.ttest_ind(y[r, seen & (arm[r] == 1)], y[r, seen & (arm[r] == 0)])
            z.append(stats.norm.isf(stats.t.sf(t.statistic, seen.sum() - 2)))
            error = (y[r, seen & (arm[r] == 1)].mean() - y[r, seen & (arm[r] == 0)].mean()) / t.statistic
            information.append(error**-2 / 30)
        np.testing.assert_allclose(block.statistic[r], z, rtol=1e-8)
        if information[0] < information[1] < information[2]:
            upper = planned.at_observed(information, final=True).upper
            crossed = np.array(z) >= np.array(upper)
            assert block.stopping.look[r] == (crossed.argmax() if crossed.any() else 2)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"spend_by": "calendar"},
        {"delay": 0.0},
        {"endpoint": "binary", "means": (0.4, 0.4), "planned_variance": 0.24},
        # Twice the planned variance: half of the information, and alpha is spent all the same.
        {"sd": 1.4142},
        {"sd": 0.6},
    ],
    ids=["information", "calendar", "no delay", "binary", "under-run", "over-run"],
)
def test_type_one_error_whatever_is_seen(change: dict[str, object]) -> None:
    found = run(dataclasses.replace(NULL, **change), 8_000, str(change))
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse
    assert found.counts.most["size"] == 120


def test_power_is_near_that_of_the_planned_design() -> None:
    plan = dataclasses.replace(NULL, means=(0.0, 0.6), delay=0.0, months=(4.0, 8.0))
    design = group_sequential_design([1 / 3, 2 / 3, 1.0], efficacy=PocockSpending())
    expected = design.power_at(0.6 * np.sqrt(30.0))
    found = run(plan, 6_000, "power")
    assert abs(found.rejection_rate - expected) < 4 * found.rejection_rate_mcse + 0.012


def test_futility_stops_and_delay_leaves_a_pipeline() -> None:
    futile = dataclasses.replace(NULL, futility=BetaSpending(HwangShihDeCani(-2.0)), effect=0.6)
    found = run(futile, 3_000, "futile")
    assert found.looks()["futility"].sum() > 0.5
    assert found.mean("pipeline")[0] > 10
    assert run(dataclasses.replace(futile, delay=0.0), 500, "futile").mean("pipeline")[0] == 0.0


def test_estimate_after_one_look_is_unbiased_and_covered() -> None:
    late = dataclasses.replace(NULL, means=(0.0, 0.3), months=(500.0,))
    found = run(late, 6_000, "late").naive_estimate()
    assert abs(found["bias"]) < 4 * found["bias_mcse"]
    assert abs(found["coverage"] - 0.95) < 4 * found["coverage_mcse"]


def test_sites_recruit_and_early_looks_without_outcomes_stop_nothing() -> None:
    plan = dataclasses.replace(
        NULL, accrual=site_plan(np.arange(6.0), rate=2.0, shape=2.0), months=(3.1, 9.0)
    )
    found = run(plan, 400, "sites")
    assert found.looks().loc[1, "efficacy"] == 0
    assert found.counts.unreadable[0] > 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"months": (11.0, 7.0)}, "months"),
        ({"months": (2.0, 7.0)}, "months"),
        ({"delay": -1.0}, "delay"),
        ({"participants": 2}, "participants"),
        ({"planned_variance": 0.0}, "planned_variance"),
        ({"spend_by": "hope"}, "spend_by"),
        ({"futility": BetaSpending(PocockSpending())}, "effect"),
        ({"endpoint": "binary", "means": (0.4, 1.4)}, "means"),
        ({"alpha": 0.7}, "alpha"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(NULL, **change)
    assert caught.value.field == field
    assert pickle.loads(pickle.dumps(NULL)) == NULL
