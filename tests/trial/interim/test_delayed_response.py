"""Adaptive trials with delayed outcomes: against the sufficient-statistics engine, and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import DesignError
from trialsim.trial import bounds_rule, simulate_delayed, simulate_staged
from trialsim.trial.interim import (
    Rule,
    StageAction,
    StagedState,
    blinded_resizing_rule,
    keep_best,
    resize_blinded,
    thompson_rule,
)


def entries(replicates: int, participants: int, seed: int = 1) -> np.ndarray:
    gaps = np.random.default_rng(seed).exponential(0.1, (replicates, participants))
    return np.cumsum(gaps, axis=1)


def chance(seed: int = 1) -> tuple[np.random.Generator, np.random.Generator]:
    return np.random.default_rng(seed), np.random.default_rng(seed + 100)


def go_on(state: StagedState) -> StageAction:
    return StageAction(np.zeros(len(state.n), np.int8))


@pytest.mark.parametrize("endpoint", ["normal", "binary"])
@pytest.mark.parametrize("wait", ["seen", "entered"])
def test_without_delay_it_has_the_law_of_the_sufficient_statistics(endpoint: str, wait: str) -> None:
    means = [0.3, 0.3, 0.55]
    plan = [[30, 30, 30], [20, 40, 40], [30, 30, 30]]
    rule = bounds_rule([2.6, 2.4, 2.2], [-0.3, 0.4, 2.2], keep=keep_best(1))
    whole = simulate_delayed(
        endpoint, means, plan, rule, entries(4_000, 280), 0.0, *chance(2), sd=0.8, wait=wait
    )
    short = simulate_staged(endpoint, means, plan, rule, 40_000, np.random.default_rng(3), sd=0.8)
    for a, b in ((whole.decision == 1, short.decision == 1), (whole.stage == 0, short.stage == 0)):
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt(a.var() / len(a) + b.var() / len(b))
    sizes, expected = whole.size.astype(float), short.size.astype(float)
    assert set(np.unique(sizes)) <= set(np.unique(expected))
    error = np.sqrt(sizes.var() / len(sizes) + expected.var() / len(expected))
    assert abs(sizes.mean() - expected.mean()) < 4 * error
    for mine, theirs in zip(whole.states, short.states, strict=True):
        x, y = mine.mean[:, 2], theirs.mean[:, 2]
        assert abs(x.mean() - y.mean()) < 4 * np.sqrt(x.var() / len(x) + y.var() / len(y))
    assert (whole.pipeline == 0).all()
    np.testing.assert_array_equal(whole.end, whole.month[:, -1])


def test_states_equal_a_slow_twin_participant_by_participant() -> None:
    entry = entries(5, 120)
    delay, plan = 1.7, [[15, 15], [20, 20], [25, 25]]
    seen: list[StagedState] = []

    def spy(state: StagedState) -> StageAction:
        seen.append(state)
        return go_on(state)

    found = simulate_delayed("normal", [0.0, 0.5], plan, spy, entry, delay, *chance(4))
    y = np.random.default_rng(4).standard_normal((5, 120))
    ends = np.cumsum(np.sum(plan, axis=1))
    for r in range(5):
        for k, end in enumerate(ends):
            month = entry[r, end - 1] + delay
            assert found.month[r, k] == month
            assert found.states[k].n[r].sum() == end == np.sum(entry[r] + delay <= month)
            assert found.entered[r, k] == min(np.sum(entry[r] <= month), 120)
            assert found.states[k].n[r].tolist() == (np.cumsum(plan, axis=0)[k]).tolist()
            # Sums over both arms do not depend on who is in which, but for the effect of 0.5.
            whole = y[r, :end].sum() + 0.5 * found.states[k].n[r, 1]
            assert found.states[k].total[r].sum() == pytest.approx(whole)


def test_pipeline_is_who_entered_within_the_delay() -> None:
    stop: Rule = lambda state: StageAction(np.ones(len(state.n), np.int8))  # noqa: E731 -- a rule in one line
    entry = entries(400, 300)
    found = simulate_delayed("normal", [0.0, 0.0], [[40, 40], [100, 100]], stop, entry, 3.0, *chance(5))
    month = entry[:, 79] + 3.0
    expected = np.minimum((entry <= month[:, None]).sum(axis=1), 280) - 80
    np.testing.assert_array_equal(found.pipeline, expected)
    # Ten a month for three months: a Poisson number with mean 30.
    assert abs(found.pipeline.mean() - 30) < 4 * np.sqrt(30 / 400)
    assert (found.states[0].n.sum(axis=1) == 80).all()
    assert (found.end >= found.month[:, 0]).all()
    assert (found.end <= found.month[:, 0] + 3.0).all()


def test_pipeline_counts_towards_the_next_stage_and_keeps_its_arm() -> None:
    def drop_second(state: StagedState) -> StageAction:
        every = np.ones((len(state.n), 3), bool)
        every[:, 2] = False
        return StageAction(np.zeros(len(state.n), np.int8), every)

    entry = entries(200, 400)
    found = simulate_delayed("normal", [0, 0, 0], [[30] * 3, [40] * 3], drop_second, entry, 2.0, *chance(6))
    assert (found.final.n[:, :2] == 70).all()
    piped = found.entered[:, 0] - 90
    assert (found.final.n[:, 2] - 30 <= piped).all()
    assert 0 < (found.final.n[:, 2] - 30).mean() < 20
    np.testing.assert_array_equal(found.size, found.entered[:, 1])


def test_a_pipeline_longer_than_a_stage_does_not_enrol_twice() -> None:
    plan = [[10, 10], [5, 5], [5, 5], [20, 20]]
    found = simulate_delayed("normal", [0.0, 0.0], plan, go_on, entries(50, 200), 4.0, *chance(7))
    assert (found.size == 80).all()
    assert (found.final.n == 40).all()
    assert (np.diff(found.month, axis=1) >= 0).all()


def test_error_is_kept_with_delay_when_looks_use_what_is_seen() -> None:
    # O'Brien-Fleming at 1/2 and 1 spends 0.025 over what is seen: the pipeline does not touch it.
    rule = bounds_rule([2.796509681, 1.977430959], sd=1.0)
    found = simulate_delayed("normal", [0, 0], [[40, 40]] * 2, rule, entries(20_000, 160), 2.0, *chance(8))
    assert abs((found.decision == 1).mean() - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 20_000)
    # A fixed trial's bound at both looks does not keep it: the test can tell.
    naive = bounds_rule([1.959964, 1.959964], sd=1.0)
    again = simulate_delayed("normal", [0, 0], [[40, 40]] * 2, naive, entries(20_000, 160), 2.0, *chance(8))
    assert (again.decision == 1).mean() > 0.035


def test_blinded_resizing_with_delay_has_its_power_and_counts_the_pipeline() -> None:
    rule = blinded_resizing_rule(resize_blinded(0.5, 0.025, 0.9, 40, 300), 1.96)
    entry = entries(3_000, 700)
    late = simulate_delayed("normal", [0.0, 0.5], [[40, 40], [40, 40]], rule, entry, 1.0, *chance(9), sd=1.2)
    at_once = simulate_staged(
        "normal", [0.0, 0.5], [[40, 40], [40, 40]], rule, 40_000, np.random.default_rng(14), sd=1.2
    )
    power = (at_once.decision == 1).mean()
    assert power > 0.85
    assert abs((late.decision == 1).mean() - power) < 4 * np.sqrt(power * (1 - power) / 3_000)
    assert (late.states[1].n.sum(axis=1) == late.size).all()
    # Far more than enough are in the pipeline: the size cannot come down any more.
    slow = simulate_delayed(
        "normal", [0.0, 0.5], [[40, 40], [200, 200]], rule, entry, 30.0, *chance(9), sd=0.5
    )
    assert (slow.size >= 300).all()


def test_response_adaptive_allocation_learns_later_with_delay() -> None:
    def arms(delay: float, seed: int) -> np.ndarray:
        rule = thompson_rule(20, np.random.default_rng(seed), claim=1.0)
        found = simulate_delayed(
            "binary",
            [0.2, 0.6],
            [[10, 10]] * 8,
            rule,
            entries(400, 160),
            delay,
            *chance(seed),
            wait="entered",
        )
        return found.final.n[:, 1] / found.size

    at_once, late, never = arms(0.0, 10), arms(4.0, 11), arms(1000.0, 12)
    assert at_once.mean() > late.mean() + 0.03 > never.mean() + 0.05
    assert abs(never.mean() - 0.5) < 4 * never.std() / 20


def test_arms_are_shuffled_within_stages() -> None:
    stop: Rule = lambda state: StageAction(np.ones(len(state.n), np.int8))  # noqa: E731 -- a rule in one line
    entry = np.tile(np.arange(1.0, 61.0), (4_000, 1))
    found = simulate_delayed("normal", [0, 0, 0], [[5] * 3, [15] * 3], stop, entry, 12.0, *chance(13))
    piped = found.final.n - found.states[0].n
    assert (piped.sum(axis=1) == 12).all()
    # Hypergeometric: 12 of 45, a third of them in each arm.
    law = stats.hypergeom(45, 15, 12)
    for a in range(3):
        assert abs(piped[:, a].mean() - law.mean()) < 4 * law.std() / np.sqrt(4_000)
        assert abs(piped[:, a].var() / law.var() - 1) < 0.15


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delay": -1.0}, "delay"),
        ({"delay": np.inf}, "delay"),
        ({"wait": "hope"}, "wait"),
        ({"entry": np.ones(5)}, "entry"),
        ({"entry": np.tile([2.0, 1.0], (3, 30))}, "entry"),
        ({"entry": entries(3, 10)}, "entry"),
        ({"means": [0.0]}, "means"),
        ({"stage_n": [[0, 0]]}, "stage_n"),
    ],
)
def test_impossible_trials_are_refused(change: dict[str, object], field: str) -> None:
    given = {"means": [0.0, 0.0], "stage_n": [[10, 10]], "entry": entries(3, 40), "delay": 1.0} | change
    with pytest.raises(DesignError) as caught:
        simulate_delayed(
            "normal", given["means"], given["stage_n"], go_on, given["entry"], given["delay"], *chance(),
            wait=given.get("wait", "seen"),
        )  # fmt: skip
    assert caught.value.field == field


def test_a_rule_that_asks_for_more_than_can_enter_is_refused() -> None:
    def greedy(state: StagedState) -> StageAction:
        return StageAction(np.zeros(len(state.n), np.int8), next_n=np.full((len(state.n), 2), 30))

    with pytest.raises(DesignError, match="50 can enter"):
        simulate_delayed("normal", [0, 0], [[10, 10]] * 2, greedy, entries(3, 50), 0.5, *chance())
