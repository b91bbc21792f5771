"""Survival looks whose bounds follow the events that came."""

from __future__ import annotations

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
from scipy import integrate

from trialsim.analysis.survival import sweep_looks
from trialsim.design import BetaSpending, HwangShihDeCani, PocockSpending, group_sequential_design
from trialsim.design.group_sequential import SpendingFunction, WangTsiatis, adapted_bounds
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study import characteristics_of
from trialsim.study.designs import SpendingSurvivalPlan, run_spending_survival_block
from trialsim.study.designs.log_hazard_estimate import proportional_log_ratio
from trialsim.study.designs.sequential_characteristics import tally_stopping
from trialsim.study.designs.survival_spending import observed_bounds
from trialsim.trial import (
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    WeibullLaw,
    calendar_looks,
    simulate_survival,
    stop_at_bounds,
)

CONTROL, ACTIVE, LEAVE = PiecewiseHazard((0.06,)), PiecewiseHazard((0.04,)), PiecewiseHazard((0.005,))
SLOW = PiecewiseHazard((0.02,))


def world(*laws: PiecewiseHazard, participants: int = 200) -> SurvivalWorld:
    return SurvivalWorld(participants, PlannedAccrual((12,), (20,)), laws, (LEAVE, LEAVE))


NULL = SpendingSurvivalPlan(
    world(CONTROL, CONTROL), 120, months=(10.0, 18.0, 26.0), efficacy=PocockSpending()
)


def run(plan: SpendingSurvivalPlan, replicates: int, scenario: str = "null"):
    return characteristics_of(
        run_spending_survival_block, plan, replicates=replicates, seed=11, scenario=scenario
    )


def test_bounds_are_those_of_each_trial_alone() -> None:
    active = dataclasses.replace(NULL, world=world(CONTROL, ACTIVE))
    block = run_spending_survival_block(active, 60, 11, "each", 0)
    plan = group_sequential_design([0.4, 0.8, 1.0], efficacy=PocockSpending())
    look, decision = np.empty(60, dtype=int), np.empty(60, dtype=int)
    for r, events in enumerate(block.counted["events"]):
        twin = plan.at_observed((events / 120).tolist(), final=True)
        crossed = block.statistic[r] >= np.array(twin.upper)
        look[r], decision[r] = (crossed.argmax() if crossed.any() else 2), crossed.any()
    np.testing.assert_array_equal(block.stopping.look, look)
    np.testing.assert_array_equal(block.stopping.decision, decision)
    assert 0.2 < decision.mean() < 0.95


@pytest.mark.parametrize("spend_by", ["events", "information", "calendar"])
def test_each_clock_reads_what_it_says(spend_by: str) -> None:
    plan = dataclasses.replace(NULL, spend_by=spend_by)
    trials = simulate_survival(plan.world, 5, partial(stream, 11, "clock", 0))
    looks = calendar_looks(trials, plan.months)
    tests = sweep_looks(trials.entry, trials.time, trials.event, trials.arm, looks.month, trials.stratum, 1)
    seen = tests.information / 30 if spend_by == "information" else tests.events.sum(axis=2) / 120
    clock = np.tile(np.array(plan.months) / 26, (5, 1)) if spend_by == "calendar" else None
    expected = adapted_bounds(seen, PocockSpending(), 0.025, spending_time=clock)
    for found, one in zip(observed_bounds(plan, tests, looks), expected, strict=True):
        np.testing.assert_allclose(found, one)


@pytest.mark.parametrize(
    ("spend_by", "laws"),
    [
        ("events", (CONTROL, CONTROL)),
        ("information", (CONTROL, CONTROL)),
        ("calendar", (CONTROL, CONTROL)),
        # A third of the planned events come: the last look is far under-run, and still spends alpha.
        ("events", (SLOW, SLOW)),
    ],
)
def test_type_one_error_whatever_comes(spend_by: str, laws: tuple[PiecewiseHazard, ...]) -> None:
    planned = 120
    plan = dataclasses.replace(NULL, spend_by=spend_by, world=world(*laws), planned_events=planned)
    found = run(plan, 8_000, f"null {spend_by} {laws[0].rates[0]}")
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse


def test_planned_bounds_do_not_spend_alpha_when_events_fall_short() -> None:
    slow = world(SLOW, SLOW)
    trials = simulate_survival(slow, 8_000, partial(stream, 11, "slow", 0))
    looks = calendar_looks(trials, NULL.months)
    tests = sweep_looks(trials.entry, trials.time, trials.event, trials.arm, looks.month, trials.stratum, 1)
    planned = group_sequential_design([0.85, 0.95, 1.0], efficacy=PocockSpending()).upper
    rate = (stop_at_bounds(tests.benefit, planned).decision == 1).mean()
    assert rate - 0.025 > 4 * math.sqrt(0.025 * 0.975 / 8_000)


def test_events_and_size_equal_their_expectation() -> None:
    late = dataclasses.replace(NULL, months=(15.0,), world=world(CONTROL, ACTIVE))
    found = run(late, 4_000, "expectation")
    # Poisson entries at 12 a month over 15 months, 200 at most (never met within 15 months at 4 SD).
    expected = 0.0
    for law in (CONTROL, ACTIVE):
        h, g = law.rates[0], 0.005
        within = lambda e, h=h, g=g: h / (h + g) * (1 - math.exp(-(h + g) * (15 - e)))  # noqa: E731 -- one line
        expected += 6 * integrate.quad(within, 0, 15)[0]
    mean, error = found.mean("events")
    # Blocks of 4 leave the arms a participant apart at most; the cap of 200 cuts 6 % of the paths.
    assert abs(mean - expected) < 4 * error + 0.6
    assert abs(found.mean("months")[0] - 15) < 1e-9


def test_estimate_is_unbiased_at_one_look_and_biased_by_stopping() -> None:
    one = dataclasses.replace(NULL, months=(26.0,), world=world(CONTROL, ACTIVE))
    fixed = run(one, 4_000, "estimate").naive_estimate()
    several = run(dataclasses.replace(one, months=(10.0, 14.0, 26.0)), 4_000, "estimate").naive_estimate()
    assert abs(fixed["bias"]) < 4 * fixed["bias_mcse"] + 0.01
    assert abs(fixed["coverage"] - 0.95) < 4 * fixed["coverage_mcse"]
    assert several["bias"] < fixed["bias"] - 4 * several["bias_mcse"]
    assert fixed["without_estimate"] == 0


def test_futility_is_obeyed_and_costs_no_alpha() -> None:
    futile = dataclasses.replace(
        NULL, futility=BetaSpending(HwangShihDeCani(-2.0)), hazard_ratio=0.6, beta=0.1
    )
    with_lower, without = run(futile, 4_000, "futile"), run(NULL, 4_000, "futile")
    assert with_lower.looks()["futility"].sum() > 0.5
    assert with_lower.rejection_rate <= without.rejection_rate
    assert with_lower.mean("size")[0] < without.mean("size")[0]


def test_event_looks_that_reach_the_end_share_what_is_left() -> None:
    waiting = dataclasses.replace(
        NULL, months=(), events=(40, 80, 120), latest=24.0, world=world(CONTROL, CONTROL)
    )
    found = run(waiting, 6_000, "waiting")
    assert found.counts.unreached.sum() > 0
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse


def test_tally_takes_values_at_the_stop_as_well_as_at_looks() -> None:
    z = np.array([[1.0, 3.0], [3.0, 1.0]])
    stopping = stop_at_bounds(z, np.array([[2.5, 2.0], [3.5, 2.0]]))
    tally = tally_stopping(
        stopping, z, np.ones((2, 2), bool), a=np.array([[1.0, 2.0], [3.0, 4.0]]), b=np.array([5.0, 6.0])
    )
    assert tally.sums == {"a": 2.0 + 4.0, "b": 11.0}
    assert tally.efficacy.tolist() == [0, 1]


def test_true_log_ratio_is_given_only_where_there_is_one() -> None:
    half = PiecewiseHazard((0.03, 0.03), (0.0, 5.0))
    assert proportional_log_ratio(world(CONTROL, half), True) == pytest.approx(math.log(0.5))
    delayed = PiecewiseHazard((0.06, 0.03), (0.0, 5.0))
    assert proportional_log_ratio(world(CONTROL, delayed), True) is None
    assert proportional_log_ratio(dataclasses.replace(world(CONTROL, half), frailty=0.5), True) is None
    weibull = dataclasses.replace(
        world(CONTROL, CONTROL), events=(WeibullLaw(10.0, 2.0), WeibullLaw(20.0, 2.0))
    )
    assert proportional_log_ratio(weibull, True) == pytest.approx(math.log(0.25))
    strata = dataclasses.replace(world(CONTROL, half), strata_shares=(0.5, 0.5), strata_hazards=(1.0, 2.0))
    assert proportional_log_ratio(strata, True) == pytest.approx(math.log(0.5))
    assert proportional_log_ratio(strata, False) is None


class Greedy:
    label = "greedy"

    def cumulative(self, total: float, time: np.ndarray) -> np.ndarray:
        return 2 * total * np.asarray(time)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"months": (20.0, 10.0)}, "months"),
        ({"events": (10, 20)}, "months"),
        ({"planned_events": 199}, "events"),
        ({"spend_by": "faith"}, "spend_by"),
        ({"efficacy": Greedy()}, "spending"),
        ({"efficacy": WangTsiatis(0.0)}, "efficacy"),
        ({"futility": BetaSpending(PocockSpending()), "hazard_ratio": 1.2}, "hazard_ratio"),
        ({"months": (), "events": (40, 80), "spend_by": "calendar"}, "latest"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(NULL, **change)
    assert caught.value.field == field
    assert isinstance(PocockSpending(), SpendingFunction)
