"""A gauntlet of control arms: its closed form under drift, its null, its invariances, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm

from trialsim.design.gauntlet import ControlArm, GauntletRules, run_gauntlet
from trialsim.design.gauntlet.leave_one_out import split_arm
from trialsim.design.gauntlet.result import rate_interval
from trialsim.errors import DesignError

QUICK = GauntletRules(splits=60)
PEOPLE = 120


def arms_of(trials: int, between: float, seed: int = 3, group: str = "OS") -> list[ControlArm]:
    chance = np.random.default_rng(seed)
    hazards = 0.05 * np.exp(between * chance.standard_normal(trials))
    return [
        ControlArm(f"t{k:03d}", group, chance.exponential(1 / one, PEOPLE), np.ones(PEOPLE, bool))
        for k, one in enumerate(hazards)
    ]


def rate(found, way: str) -> float:
    return float(found.overall.set_index("borrowing").loc[way, "false_claims"])


@pytest.fixture(scope="module")
def drifting():
    return run_gauntlet(arms_of(60, 0.5), QUICK)


def test_without_drift_every_way_keeps_its_level() -> None:
    found = run_gauntlet(arms_of(60, 0.0), QUICK)
    for way, own in found.overall.set_index("borrowing").iterrows():
        assert own["lower"] < 0.025, way
        assert own["false_claims"] < 0.08, way
    assert found.groups["inside_95"].iloc[0] >= 52


def test_between_pairs_the_closed_form(drifting) -> None:
    """y_i - y_j ~ N(0, 2 τ² + 2/d): claims are Φ(-1.96 s / sqrt(2 τ² + s²)) of ordered pairs."""
    s = np.sqrt(2 / PEOPLE)
    expected = norm.cdf(norm.ppf(0.025) * s / np.sqrt(2 * 0.5**2 + s**2))
    found = drifting.alone.set_index("control arm").loc["one past trial", "false_claims"]
    # Of 60 trials: the SD of the mean of ranks, and of the SD of 60 hazards.
    assert found == pytest.approx(expected, abs=4 * 0.02)


def test_drift_shuts_the_gate_to_pooling_and_not_to_no_borrowing(drifting) -> None:
    assert rate(drifting, "pooled") > 0.15
    assert rate(drifting, "none") < 0.04
    gates = drifting.overall.set_index("borrowing")["gate"]
    assert gates["pooled"] == "shut"
    assert gates["none"] == "reference"
    assert rate(drifting, "pooled") > rate(drifting, "power") > rate(drifting, "robust-map, 0.5")
    assert drifting.groups["sd_of_log_hazards"].iloc[0] == pytest.approx(0.5, abs=0.2)


def test_more_drift_more_claims_of_pooling() -> None:
    found = [rate(run_gauntlet(arms_of(40, tau), QUICK), "pooled") for tau in (0.0, 0.15, 0.4)]
    assert found == sorted(found)
    assert found[2] > found[0] + 0.05


def test_no_borrowing_is_bit_identical_whatever_the_others_are() -> None:
    arms = arms_of(5, 0.3)
    other = [arms[0], *(ControlArm(a.trial, a.group, a.time * 7, a.event) for a in arms[1:])]
    first, second = (run_of(one) for one in (arms, other))
    own = [one.overall[one.overall["borrowing"] == "none"] for one in (first, second)]
    pd.testing.assert_frame_equal(own[0], own[1], check_exact=True)
    assert first.arms["predicted"].iloc[0] != second.arms["predicted"].iloc[0]


def run_of(arms):
    return run_gauntlet(arms, QUICK)


def test_unit_of_time_order_and_other_groups_change_nothing() -> None:
    arms = arms_of(5, 0.4)
    first = run_of(arms).overall
    days = run_of([ControlArm(a.trial, a.group, a.time * 32.0, a.event) for a in reversed(arms)]).overall
    pd.testing.assert_frame_equal(first, days, rtol=1e-9)
    both = run_of([*arms, *arms_of(4, 0.4, 9, "PFS")]).claims
    own = both[both["group"] == "OS"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, own)


def test_a_trial_never_predicts_itself() -> None:
    arms = arms_of(5, 0.2)
    moved = [ControlArm(arms[0].trial, "OS", arms[0].time * 20, arms[0].event), *arms[1:]]
    before, after = (run_of(one).arms.set_index("trial") for one in (arms, moved))
    assert before.loc["t000", "predicted"] == after.loc["t000", "predicted"]
    assert before.loc["t001", "predicted"] != after.loc["t001", "predicted"]
    assert before.loc["t000", "inside_95"]
    assert not after.loc["t000", "inside_95"]


def test_a_split_keeps_everybody_once() -> None:
    arm = arms_of(1, 0.0)[0]
    found = split_arm(arm, GauntletRules(splits=30))
    assert (found.control_events + found.treated_events == PEOPLE).all()
    assert found.control_time + found.treated_time == pytest.approx(np.full(30, arm.person_time))
    assert (found.control_events == PEOPLE // 3).all()


def test_outcomes_of_one_trial_count_once() -> None:
    arms = arms_of(4, 0.3)
    twice = run_of([*arms, *(ControlArm(a.trial, "PFS", a.time / 2, a.event) for a in arms)])
    assert set(twice.overall["trials"]) == {4}
    assert set(twice.claims.loc[twice.claims["group"] == "PFS", "trials"]) == {4}


def test_the_interval_is_clopper_and_pearsons_where_rates_are_claims() -> None:
    for hits in (0, 3, 9):
        exact = binomtest(hits, 9).proportion_ci(0.95, "exact")
        assert rate_interval(np.repeat([1.0, 0.0], [hits, 9 - hits])) == pytest.approx(tuple(exact))


def test_the_conclusion_names_what_is_open(drifting) -> None:
    first = drifting.conclusion()[0]
    assert first.startswith("Open to" if drifting.opened else "Shut")
    calm = run_gauntlet(arms_of(12, 0.0, 5), QUICK)
    for way in calm.opened:
        assert way in calm.conclusion()[0]


def test_hard_arms_are_left_out_by_name() -> None:
    few = ControlArm("few", "OS", np.ones(50), np.arange(50) < 5)
    alone = ControlArm("alone", "EFS", np.arange(1.0, 51), np.ones(50, bool))
    found = run_of([*arms_of(3, 0.1), few, alone])
    assert dict(zip(found.left_out["figure"], found.left_out["why"], strict=True)) == {
        "alone": "fewer than 3 trials in its group",
        "few": "fewer than 20 events",
    }
    assert len(found.arms) == 3


def test_splits_without_an_event_are_counted_and_not_read() -> None:
    sparse = ControlArm("s", "OS", np.ones(600), np.arange(600) < 20)
    found = run_gauntlet([*arms_of(3, 0.1), sparse], GauntletRules(controls=0.05, splits=200))
    assert 20 < found.unreadable < 150


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([*arms_of(3, 0.1), arms_of(1, 0.1)[0]], "two control arms in the group OS"),
        (arms_of(2, 0.1), "no group has 3 trials"),
    ],
)
def test_what_cannot_be_left_out_is_refused(arms, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        run_of(arms)


@pytest.mark.parametrize(
    ("name", "value"), [("alpha", 0.5), ("cap", 0.9), ("controls", 1.0), ("splits", 3), ("seed", -1)]
)
def test_rules_are_checked(name: str, value: float) -> None:
    with pytest.raises(DesignError, match=name):
        GauntletRules(**{name: value})


@pytest.mark.parametrize("times", [[-1.0, 2.0], [np.nan, 2.0], [0.0, 0.0]])
def test_times_are_checked(times: list[float]) -> None:
    with pytest.raises(DesignError, match="time of A"):
        ControlArm("A", "OS", np.array(times), np.array([True, True]))
