"""Survival trials: what is drawn, when the looks fall, where they stop, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.trial import (
    CureLaw,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    WeibullLaw,
    calendar_looks,
    event_looks,
    simulate_survival,
    site_plan,
    stop_at_bounds,
)
from trialsim.trial.interim import check_reachable
from trialsim.trial.outcomes.survival import _compiled_times, _general_times

CONTROL, ACTIVE, LEAVE = PiecewiseHazard((0.06,)), PiecewiseHazard((0.04,)), PiecewiseHazard((0.01,))
RISING = WeibullLaw(9.0, 1.4)
ACCRUAL = PlannedAccrual((20,), (10,))


def world(**changes: object) -> SurvivalWorld:
    fields = {
        "participants": 200, "accrual": ACCRUAL, "events": (CONTROL, ACTIVE), "dropout": (LEAVE, LEAVE),
    }  # fmt: skip
    return SurvivalWorld(**(fields | changes))  # type: ignore[arg-type]  # test options


def chance(block: int = 0) -> Callable[[str], np.random.Generator]:
    return partial(stream, 1, "test", block)


def test_events_and_dropout_meet_their_exponential_shares() -> None:
    trials = simulate_survival(world(), 400, chance())
    for arm, hazard in ((0, 0.06), (1, 0.04)):
        here = trials.arm == arm
        share = hazard / (hazard + 0.01)
        assert abs(trials.event[here].mean() - share) < 4 * np.sqrt(share * (1 - share) / here.sum())
        mean = 1 / (hazard + 0.01)
        assert abs(trials.time[here].mean() - mean) < 4 * mean / np.sqrt(here.sum())


def test_an_effect_moves_active_participants_alone() -> None:
    one, two = (simulate_survival(world(events=(CONTROL, law)), 20, chance()) for law in (CONTROL, ACTIVE))
    control = one.arm == 0
    np.testing.assert_array_equal(one.time[control], two.time[control])
    assert (two.time[~control] >= one.time[~control]).all()
    np.testing.assert_array_equal(one.entry, two.entry)


def test_strata_have_their_hazards_and_balanced_arms() -> None:
    it = world(strata_shares=(0.3, 0.7), strata_hazards=(2.0, 0.5), dropout=(None, None), block_sizes=(2, 4))
    trials = simulate_survival(it, 400, chance())
    for s, (share, theta) in enumerate(((0.3, 2.0), (0.7, 0.5))):
        here = trials.stratum == s
        assert abs(here.mean() - share) < 4 * np.sqrt(0.21 / here.size)
        mean = 1 / (0.06 * theta)
        control = here & (trials.arm == 0)
        assert abs(trials.time[control].mean() - mean) < 4 * mean / np.sqrt(control.sum())
        gap = (here & (trials.arm == 0)).sum(axis=1) - (here & (trials.arm == 1)).sum(axis=1)
        assert np.abs(gap).max() <= 2


def test_an_effect_can_depend_on_the_stratum() -> None:
    it = world(
        events=(CONTROL, CONTROL), dropout=(None, None), strata_shares=(0.5, 0.5), strata_hazards=(1.0, 1.0),
        strata_effects=(0.5, 1.0),
    )  # fmt: skip
    trials = simulate_survival(it, 300, chance())
    for arm, s, mean in ((0, 0, 1 / 0.06), (1, 0, 2 / 0.06), (1, 1, 1 / 0.06)):
        here = (trials.arm == arm) & (trials.stratum == s)
        assert abs(trials.time[here].mean() - mean) < 4 * mean / np.sqrt(here.sum())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"strata_shares": (0.4, 0.6), "strata_hazards": (3.0, 0.4), "strata_effects": (0.5, 1.5)},
        {"frailty": 0.8, "dropout_dependence": 1.5},
        {"strata_shares": (0.4, 0.6), "strata_hazards": (3.0, 0.4)},
        {"events": (CureLaw(0.3, RISING), CureLaw(0.5, RISING)), "ratio": (1, 2), "block_sizes": (3,)},
        {"dropout": (None, LEAVE)},
    ],
)  # fmt: skip
def test_reachable_events_are_the_events_of_trials_followed_without_end(changes: dict[str, object]) -> None:
    it = world(**changes)
    events = simulate_survival(it, 500, chance()).event.sum(axis=1)
    assert abs(events.mean() - it.reachable_events) < 4 * events.std() / np.sqrt(500) + 0.02


@pytest.mark.parametrize("month", [5.0, 14.0, 40.0])
def test_events_by_a_month_are_those_of_trials_cut_there(month: float) -> None:
    it = world(frailty=0.4, dropout_dependence=1.0)
    trials = simulate_survival(it, 500, chance())
    events = ((trials.event == 1) & (trials.entry + trials.time <= month)).sum(axis=1)
    # Poisson entries make a few more events early than evenly spaced ones do.
    assert abs(events.mean() - it.events_by(month)) < 4 * events.std() / np.sqrt(500) + 0.3


@pytest.mark.parametrize("dependence", [0.0, 1.0, -0.7])
def test_compiled_times_equal_their_slow_twin(dependence: float) -> None:
    delayed = PiecewiseHazard((0.06, 0.0, 0.03), (0.0, 4.0, 6.0))
    it = world(
        events=(CONTROL, delayed), dropout=(None, PiecewiseHazard((0.02, 0.0), (0.0, 9.0))),
        strata_shares=(0.5, 0.5), strata_hazards=(0.5, 2.0), strata_effects=(0.4, 1.0), frailty=0.7,
        dropout_dependence=dependence,
    )  # fmt: skip
    trials = simulate_survival(it, 30, chance())
    frailty = np.random.default_rng(1).gamma(1 / 0.7, 0.7, trials.arm.shape)
    twins = [
        times(it, trials.arm, trials.stratum, frailty, chance()("outcome"), chance()("dropout"))
        for times in (_compiled_times, _general_times)
    ]
    np.testing.assert_allclose(twins[0][0], twins[1][0], rtol=1e-13)
    np.testing.assert_array_equal(twins[0][1], twins[1][1])
    assert (twins[0][1] == 0).any()


def test_informative_dropout_takes_those_at_high_risk() -> None:
    free = simulate_survival(world(frailty=1.0), 300, chance())
    tied = simulate_survival(world(frailty=1.0, dropout_dependence=1.0), 300, chance())
    # At equal dropout hazards those who leave early are frail only where dropout depends on the frailty.
    assert tied.event.mean() != free.event.mean()
    early_free, early_tied = (((t.event == 0) & (t.time < 3)).mean() for t in (free, tied))
    late_free, late_tied = (((t.event == 0) & (t.time > 20)).mean() for t in (free, tied))
    assert early_tied / late_tied > early_free / late_free


def test_looks_fall_at_the_event_they_wait_for() -> None:
    trials = simulate_survival(world(), 50, chance())
    looks = event_looks(trials, [40, 90])
    for k, wanted in enumerate((40, 90)):
        happened = (trials.event == 1) & (trials.entry + trials.time <= looks.month[:, k, None])
        assert (happened.sum(axis=1) == wanted).all()
    assert looks.reached.all()


def test_a_look_that_cannot_have_its_events_falls_at_the_end_and_says_so() -> None:
    trials = simulate_survival(world(), 50, chance())
    most = trials.event.sum(axis=1)
    looks = event_looks(trials, [40, 190])
    np.testing.assert_array_equal(looks.reached[:, 1], most >= 190)
    capped = event_looks(trials, [40, 150], latest=15.0)
    assert (capped.month <= 15.0).all()
    assert not capped.reached[:, 1].any()


def test_calendar_looks_are_the_same_in_every_trial() -> None:
    looks = calendar_looks(simulate_survival(world(), 3, chance()), [6.0, 12.0])
    np.testing.assert_array_equal(looks.month, [[6.0, 12.0]] * 3)


def test_stopping_equals_a_walk_over_the_looks() -> None:
    z = np.random.default_rng(1).normal(1, 1.5, (500, 4))
    z[::7, 1] = np.nan
    upper, lower = [3.0, 2.6, 2.3, 2.0], [-0.5, 0.0, 0.8, 2.0]
    found = stop_at_bounds(z, upper, lower)
    for r in range(500):
        look, decision = 3, 0
        for k in range(4):
            if z[r, k] >= upper[k]:
                look, decision = k, 1
                break
            if k < 3 and z[r, k] <= lower[k]:
                look, decision = k, -1
                break
        assert (found.look[r], found.decision[r]) == (look, decision)


def test_sites_can_feed_a_survival_trial() -> None:
    it = world(accrual=site_plan(np.linspace(0, 5, 10), rate=3.0, shape=2.0, cap=40))
    trials = simulate_survival(it, 20, chance())
    assert (np.diff(trials.entry, axis=1) >= 0).all()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda t: event_looks(t, [90, 40]), "events"),
        (lambda t: event_looks(t, [40, 40]), "events"),
        (lambda t: event_looks(t, [0, 40]), "events"),
        (lambda t: event_looks(t, [40, 201]), "events"),
        (lambda t: event_looks(t, [40], latest=0.0), "latest"),
        (lambda t: calendar_looks(t, [12.0, 6.0]), "months"),
        (lambda t: calendar_looks(t, [0.0]), "months"),
        (lambda t: check_reachable(world(), [50, 190]), "events"),
        (lambda t: stop_at_bounds(np.zeros((1, 2)), [2.0]), "upper"),
        (lambda t: stop_at_bounds(np.zeros((1, 2)), [2.0, 2.0], [2.5, 2.0]), "lower"),
        (lambda t: world(events=(CONTROL,)), "events"),
        (lambda t: world(dropout=(None,)), "dropout"),
        (lambda t: world(strata_shares=(0.5, 0.4), strata_hazards=(1.0, 1.0)), "strata_shares"),
        (lambda t: world(strata_shares=(0.5, 0.5)), "strata_shares"),
        (lambda t: world(strata_hazards=(0.0,)), "strata_hazards"),
        (lambda t: world(strata_effects=(1.0, 0.5)), "strata_effects"),
        (lambda t: world(strata_effects=(0.0,)), "strata_effects"),
        (lambda t: world(frailty=-1.0), "frailty"),
        (lambda t: world(dropout_dependence=1.0), "dropout_dependence"),
        (lambda t: world(participants=1), "participants"),
    ],
)
def test_impossible_survival_trials_are_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    trials = simulate_survival(world(), 2, chance())
    with pytest.raises(DesignError) as fault:
        call(trials)
    assert fault.value.field == field


def test_the_refusal_says_how_many_events_can_be_had() -> None:
    with pytest.raises(DesignError, match=r"165\.7 events can be expected of 200"):
        check_reachable(world(), [190])


@pytest.mark.parametrize("blocks", [(4,), (3, 5)])
def test_blocks_that_do_not_go_with_the_ratio_are_refused_where_the_world_is_stated(
    blocks: tuple[int, ...],
) -> None:
    with pytest.raises(DesignError, match="block_sizes: must be multiples of 3"):
        SurvivalWorld(60, ACCRUAL, (CONTROL, ACTIVE), (None, None), ratio=(1, 2), block_sizes=blocks)
    SurvivalWorld(60, ACCRUAL, (CONTROL, ACTIVE), (None, None), ratio=(1, 2), block_sizes=())
    SurvivalWorld(60, ACCRUAL, (CONTROL, ACTIVE), (None, None), ratio=(1, 2), block_sizes=(3, 6))


@pytest.mark.parametrize(("scale", "shape", "ratio"), [(9.0, 1.4, 0.6), (12.0, 0.7, 1.8), (5.0, 1.0, 1.0)])
def test_weibull_times_are_scipys_with_the_hazard_ratio_in_the_scale(scale, shape, ratio) -> None:
    """H(t) = h (t/b)^k is a Weibull of scale b h^(-1/k)."""
    law, need = WeibullLaw(scale, shape), np.linspace(0.01, 5.0, 40)
    theirs = stats.weibull_min(shape, scale=scale * ratio ** (-1 / shape))
    np.testing.assert_allclose(law.time_of(need, ratio), theirs.isf(np.exp(-need)), rtol=1e-10)
    np.testing.assert_allclose(law.survival(need), stats.weibull_min(shape, scale=scale).sf(need), rtol=1e-12)


def test_a_hazard_in_pieces_adds_up_each_piece_at_its_own_rate() -> None:
    """.1 a month for five months and .3 after: H(5) = .5, H(8) = .5 + 3 x .3."""
    law = PiecewiseHazard((0.1, 0.3), (0.0, 5.0))
    np.testing.assert_allclose(
        law.survival(np.array([2.0, 5.0, 8.0])), np.exp([-0.2, -0.5, -1.4]), rtol=1e-12
    )
    np.testing.assert_allclose(law.time_of(np.array([0.2, 0.5, 1.4])), [2.0, 5.0, 8.0], rtol=1e-12)
    np.testing.assert_allclose(law.time_of(np.array([0.7]), 0.5), [8.0], rtol=1e-12)
