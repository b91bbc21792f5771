"""Survival trials that add events or participants: error over null grids, and inflation when naive."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partial

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import brentq
from scipy.special import ndtri

from trialsim.analysis.survival import log_rank_looks
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study import characteristics_of
from trialsim.study.designs import (
    BlindedSurvivalPlan,
    EventResizingPlan,
    run_blinded_survival_block,
    run_event_resizing_block,
)
from trialsim.trial import (
    EventZone,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    WeibullLaw,
    simulate_survival,
)
from trialsim.trial.interim import conventional_bound, final_statistic
from trialsim.trial.outcomes import SurvivalLaw

LEAVE = PiecewiseHazard((0.001,))
FAST, SLOW = PiecewiseHazard((0.08,)), PiecewiseHazard((0.03,))
ACTIVE = PiecewiseHazard((0.056,))


def world(control: SurvivalLaw, active: SurvivalLaw, participants: int = 200) -> SurvivalWorld:
    return SurvivalWorld(participants, PlannedAccrual((20,), (10,)), (control, active), (LEAVE, LEAVE))


# A rule that adds many events where the interim result is poor: the worst for a naive test.
BOLD = EventZone(60, 70, 180, (0.0, 0.35), 0.9)


def run(plan: EventResizingPlan, replicates: int, scenario: str):
    return characteristics_of(
        run_event_resizing_block, plan, replicates=replicates, seed=3, scenario=scenario
    )


@pytest.mark.parametrize(
    ("control", "grow"), [(FAST, 200), (SLOW, 200), (WeibullLaw(14.0, 1.6), 200), (FAST, 100)]
)
def test_weighted_test_keeps_the_error_over_a_null_grid(control: SurvivalLaw, grow: int) -> None:
    plan = EventResizingPlan(world(control, control), BOLD, grow)
    found = run(plan, 6_000, f"null {grow} {control}")
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse
    assert found.counts.most["asked"] == 180
    assert found.counts.unreadable.sum() == 0


def test_naive_test_inflates_and_the_corrected_ones_do_not() -> None:
    plan = EventResizingPlan(world(FAST, FAST), BOLD, 200)
    rates = {
        test: run(dataclasses.replace(plan, test=test), 8_000, "naive").rejection_rate
        for test in ("naive", "weighted", "conventional")
    }
    error = np.sqrt(0.025 * 0.975 / 8_000)
    assert rates["naive"] > 0.025 + 4 * error
    assert abs(rates["weighted"] - 0.025) < 4 * error
    assert rates["conventional"] < 0.025 + 4 * error


def test_chen_demets_lan_region_keeps_the_error_without_weights() -> None:
    careful = EventZone(60, 120, 170, (0.5, 0.95), 0.95)
    plan = EventResizingPlan(world(FAST, FAST), careful, 200, test="naive")
    found = run(plan, 8_000, "region")
    assert found.rejection_rate < 0.025 + 4 * found.rejection_rate_mcse


def test_inflation_of_the_naive_test_is_that_of_normal_theory() -> None:
    # Z1 and the increment as independent normals, with the rule applied to them: a twin without trials.
    z = np.linspace(-6, 6, 40_001)
    events = BOLD.events(z)
    share = 60 / events
    need = (1.959964 - np.sqrt(share) * z) / np.sqrt(1 - share)
    expected = np.trapezoid(stats.norm.pdf(z) * stats.norm.sf(need), z)
    plan = EventResizingPlan(world(FAST, FAST), BOLD, 200, test="naive")
    found = run(plan, 8_000, "naive")
    assert expected > 0.03
    assert abs(found.rejection_rate - expected) < 4 * found.rejection_rate_mcse


def test_adding_events_lifts_the_power_of_a_promising_trial() -> None:
    fixed = EventZone(60, 120, 120)
    adapt = EventZone(60, 120, 180, (0.3, 0.95), 0.95)
    base = EventResizingPlan(world(FAST, ACTIVE), fixed, 200)
    without, added = run(base, 3_000, "power"), run(dataclasses.replace(base, zone=adapt), 3_000, "power")
    expected = stats.norm.sf(1.959964 + np.log(0.7) * np.sqrt(120) / 2)
    assert abs(without.rejection_rate - expected) < 4 * without.rejection_rate_mcse + 0.01
    assert added.rejection_rate > without.rejection_rate + 0.02
    assert added.mean("events")[0] > without.mean("events")[0]


def test_one_trial_equals_its_slow_twin() -> None:
    plan = EventResizingPlan(world(FAST, ACTIVE), BOLD, 100)
    block = run_event_resizing_block(plan, 20, 3, "twin", 0)
    trials = simulate_survival(plan.world, 20, partial(stream, 3, "twin", 0))
    for r in range(20):
        entry, time, event, arm = (x[r] for x in (trials.entry, trials.time, trials.event, trials.arm))
        first = np.arange(200) < 100
        month = np.sort((entry + time)[first & (event == 1)])[59]
        one = log_rank_looks(*(x[None, :100] for x in (entry, time, event, arm)), [[month]])
        z = one.benefit[0, 0]
        asked = int(BOLD.events(np.array([z]))[0])
        size = min(int(np.ceil(100 * asked / 70)), 200)
        later = entry + np.where(first, 0.0, max(month - entry[99], 0.0))
        end = np.sort((later + time)[(np.arange(200) < size) & (event == 1)])[asked - 1]
        both = log_rank_looks(*(x[None, :size] for x in (later, time, event, arm)), [[month, end]])
        rest = (both.score[0, 1] - both.score[0, 0]) / np.sqrt(
            both.information[0, 1] - both.information[0, 0]
        )
        expected = np.sqrt(6 / 7) * z - np.sqrt(1 / 7) * rest
        assert block.statistic[r, 0] == pytest.approx(z)
        assert block.statistic[r, 1] == pytest.approx(expected)
        assert block.counted["events"][r].tolist() == [60, asked]
        assert block.counted["months"][r].tolist() == pytest.approx([month, end])
        assert block.counted["size"][r, 1] == np.sum(later[:size] <= end)


# Mehta & Pocock 2011, table I: least conditional power for a target of 80 %, by most events over planned, at
# looks at 25, 50 and 75 %.
MEHTA_POCOCK = {1.5: (0.42, 0.41, 0.38), 2.0: (0.37, 0.36, 0.33), 3.0: (0.32, 0.31, 0.30)}


def least_conditional_power(zone: EventZone) -> float:
    """Return the conditional power from which the usual test keeps the error although events are added."""

    def excess(power: float) -> float:
        t = zone.share
        # z √((1−t)/t) − (c − √t z)/√(1−t) = Φ⁻¹(power)
        slope = np.sqrt((1 - t) / t) + np.sqrt(t / (1 - t))
        z = (ndtri(power) + zone.critical / np.sqrt(1 - t)) / slope
        need = (zone.critical - np.sqrt(t) * z) / np.sqrt(1 - t)
        asked = zone.interim * (1 + ((ndtri(zone.target) + need) / z) ** 2)
        asked = np.clip(asked, zone.planned, zone.most)
        return float(conventional_bound(zone, np.array(z), np.array(asked)) - zone.critical)

    return float(brentq(excess, 1e-6, 0.5 + 1e-9))


@pytest.mark.parametrize("most", MEHTA_POCOCK)
def test_published_promising_zones(most: float) -> None:
    for look, printed in zip((250, 500, 750), MEHTA_POCOCK[most], strict=True):
        zone = EventZone(look, 1000, int(1000 * most), (0.0, 0.8), 0.8)
        assert abs(least_conditional_power(zone) - printed) < 0.006


def test_conventional_bound_is_the_weighted_test_in_another_guise() -> None:
    zone = EventZone(100, 200, 500)
    z, d = np.array([0.7, 1.4, 2.1]), np.array([300.0, 450.0, 220.0])
    bound = conventional_bound(zone, z, d)
    share = 100 / d
    increment = (bound - np.sqrt(share) * z) / np.sqrt(1 - share)
    weighted, critical = final_statistic(z, increment, bound, d, zone, "weighted")
    np.testing.assert_allclose(weighted, critical)


def test_conditional_power_reaches_its_target_with_the_asked_events() -> None:
    zone = EventZone(100, 200, 10_000, (0.3, 0.9), 0.9)
    z = np.array([1.3, 1.5, 1.7])
    asked = zone.events(z)
    assert (zone.conditional_power(z, asked) >= 0.9).all()
    assert (zone.conditional_power(z, asked - 1) < 0.9).all()
    # By simulation: the increment has the interim trend.
    rest = np.random.default_rng(1).standard_normal(200_000) + 1.5 * np.sqrt((asked[1] - 100) / 100)
    power = np.mean(np.sqrt(0.5) * 1.5 + np.sqrt(0.5) * rest >= 1.959964)
    assert abs(power - zone.conditional_power(np.array(1.5), asked[1])) < 4 * np.sqrt(0.09 / 200_000)


BLINDED = BlindedSurvivalPlan(world(SLOW, SLOW, 400), 120, 150, 6.0, 26.0, latest=90.0)


def test_blinded_resizing_keeps_the_error_and_the_months() -> None:
    for law in (SLOW, FAST):
        plan = dataclasses.replace(BLINDED, world=world(law, law, 400))
        found = characteristics_of(
            run_blinded_survival_block, plan, replicates=6_000, seed=4, scenario=f"b {law}"
        )
        assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse
    fixed = dataclasses.replace(BLINDED, world=world(SLOW, SLOW, 150))
    later = dataclasses.replace(BLINDED, month=12.0)
    slow = characteristics_of(run_blinded_survival_block, later, replicates=2_000, seed=4, scenario="slow")
    kept = characteristics_of(run_blinded_survival_block, fixed, replicates=2_000, seed=4, scenario="slow")
    assert abs(slow.mean("months")[0] - 26.0) < 1.0
    assert kept.mean("months")[0] > 40.0
    assert slow.mean("size")[0] > 200


def test_blinded_size_is_that_of_the_true_hazard_on_average() -> None:
    plan = dataclasses.replace(BLINDED, month=9.0)
    found = characteristics_of(run_blinded_survival_block, plan, replicates=2_000, seed=5, scenario="size")

    def events(n: float) -> float:
        h, g = 0.03, 0.001
        had = lambda e: h / (h + g) * (1 - np.exp(-(h + g) * (26.0 - e)))  # noqa: E731 -- an integrand
        # Enrolment pauses at the 150 planned until the look, and goes on at 20 a month after it.
        before = integrate.quad(had, 0, 7.5)[0]
        return 20 * (before + integrate.quad(had, 9.0, 9.0 + (n - 150) / 20)[0])

    n = np.arange(150, 401)
    expected = n[np.argmax([events(one) >= 120 for one in n])]
    mean, error = found.mean("size")
    # The estimated hazard is noisy and the size convex in it, and at most 400 can enter.
    assert abs(mean - expected) < 4 * error + 0.06 * expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"participants": 500}, "participants"),
        ({"test": "hope"}, "test"),
        ({"futility": 2.0, "efficacy": 1.0}, "futility"),
        ({"zone": EventZone(60, 70, 199)}, "events"),
    ],
)
def test_impossible_resizing_is_refused(change: dict[str, object], field: str) -> None:
    plan = EventResizingPlan(world(FAST, FAST), BOLD, 200)
    assert pickle.loads(pickle.dumps(plan)) == plan
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(plan, **change)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((100, 100, 200), "interim"),
        ((50, 100, 90), "most"),
        ((50, 100, 200, (0.9, 0.3)), "zone"),
        ((50, 100, 200, (0.3, 0.9), 1.0), "target"),
    ],
)
def test_impossible_zones_are_refused(given: tuple[object, ...], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        EventZone(*given)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"month": 30.0}, "month"),
        ({"events": 401}, "events"),
        ({"events": 399}, "events"),
        ({"participants": 1}, "participants"),
    ],
)
def test_impossible_blinded_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(BLINDED, **change)
    assert caught.value.field == field
