"""What may not matter to a trial does not: units, labels, order of arms, and what comes after."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis.survival import log_rank_looks
from trialsim.streams import stream
from trialsim.trial import (
    CureLaw,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    WeibullLaw,
    event_looks,
    permuted_blocks,
    recruit,
    simulate_survival,
    site_plan,
    stop_at_bounds,
)

few = settings(deadline=None, max_examples=20)
hazards = st.lists(st.floats(0.01, 0.5), min_size=1, max_size=4)


def law(values: list[float]) -> PiecewiseHazard:
    return PiecewiseHazard(tuple(values), tuple(3.0 * k for k in range(len(values))))


@few
@given(hazards, st.floats(0.1, 4.0))
def test_survival_times_scale_with_the_unit_of_time(values: list[float], factor: float) -> None:
    need = np.random.default_rng(1).standard_exponential(50)
    one = law(values)
    other = PiecewiseHazard(tuple(v / factor for v in values), tuple(s * factor for s in one.starts))
    np.testing.assert_allclose(other.time_of(need), factor * one.time_of(need), rtol=1e-9)


@few
@given(hazards, st.floats(0.2, 5.0))
def test_a_hazard_ratio_is_the_same_on_the_law_and_on_the_participant(
    values: list[float], ratio: float
) -> None:
    need = np.random.default_rng(2).standard_exponential(50)
    scaled = PiecewiseHazard(tuple(v * ratio for v in values), law(values).starts)
    np.testing.assert_allclose(law(values).time_of(need, ratio), scaled.time_of(need), rtol=1e-9)


@few
@given(st.floats(0.05, 0.9), st.floats(0.5, 3.0))
def test_later_exponentials_give_later_times(cured: float, shape: float) -> None:
    need = np.sort(np.random.default_rng(3).standard_exponential(200))
    times = CureLaw(cured, WeibullLaw(10.0, shape)).time_of(need)
    assert (times[1:] >= times[:-1]).all()


@few
@given(st.integers(2, 60), st.integers(1, 40))
def test_the_first_arrivals_do_not_depend_on_how_many_follow(first: int, more: int) -> None:
    plan = site_plan(np.linspace(0, 3, 6), rate=2.0, shape=1.5, screen_failure=0.2)
    short = recruit(plan, 1, first, np.random.default_rng(5)).month
    long = recruit(plan, 1, first + more, np.random.default_rng(5)).month
    np.testing.assert_array_equal(short[0], long[0, :first])


@few
@given(st.permutations([0, 1, 2, 3]))
def test_renaming_strata_changes_no_allocation(names: list[int]) -> None:
    strata = np.random.default_rng(6).integers(0, 4, (3, 40))
    arms = [
        permuted_blocks(3, 40, (1, 2), (3, 6), np.random.default_rng(7), labels)
        for labels in (strata, np.array(names)[strata])
    ]
    np.testing.assert_array_equal(*arms)


@few
@given(st.integers(0, 1000), st.floats(0.1, 30.0))
def test_looks_and_tests_know_no_unit_of_time(block: int, factor: float) -> None:
    world = SurvivalWorld(80, PlannedAccrual((10,), (8,)), (law([0.1]), law([0.05])), (law([0.02]),) * 2)
    trials = simulate_survival(world, 3, partial(stream, 1, "units", block))
    months = event_looks(trials, [20, 40]).month
    one = log_rank_looks(trials.entry, trials.time, trials.event, trials.arm, months)
    # A look in the middle between two events, so that rounding cannot move an event across it.
    later = months + 1e-9
    scaled = log_rank_looks(
        factor * trials.entry, factor * trials.time, trials.event, trials.arm, factor * later
    )
    np.testing.assert_allclose(one.benefit, scaled.benefit, rtol=1e-7, atol=1e-9)


@few
@given(st.integers(0, 1000))
def test_a_trial_that_stopped_does_not_care_what_would_have_come(seed: int) -> None:
    z = np.random.default_rng(seed).normal(1, 1.5, (20, 4))
    found = stop_at_bounds(z, [3.0, 2.5, 2.2, 2.0], [-1.0, 0.0, 0.5, 2.0])
    changed = z.copy()
    for r in range(20):
        changed[r, found.look[r] + 1 :] = 99.0
    again = stop_at_bounds(changed, [3.0, 2.5, 2.2, 2.0], [-1.0, 0.0, 0.5, 2.0])
    np.testing.assert_array_equal(found.look, again.look)
    np.testing.assert_array_equal(found.decision, again.decision)
