"""Bounds found again trial by trial: against the design of one trial, and against paths."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    group_sequential_design,
)
from trialsim.design.group_sequential import SpendingFunction, WangTsiatis, adapted_bounds
from trialsim.errors import DesignError

SEEN = np.array([[0.3, 0.62, 1.0], [0.41, 0.7, 1.12], [0.2, 0.5, 0.83], [0.35, 0.36, 0.9]])


@pytest.mark.parametrize("rule", [OBrienFlemingSpending(), PocockSpending(), HwangShihDeCani(-4)])
def test_equal_the_slow_twin_design_of_each_trial(rule: SpendingFunction) -> None:
    plan = group_sequential_design([1 / 3, 2 / 3, 1.0], efficacy=rule)
    found, _ = adapted_bounds(SEEN, rule, 0.025)
    for seen, upper in zip(SEEN, found, strict=True):
        twin = plan.at_observed(seen.tolist(), final=True)
        np.testing.assert_allclose(upper, twin.upper, atol=1e-9)
        assert twin.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)


@pytest.mark.parametrize("binding", [False, True])
def test_futility_equals_the_slow_twin(binding: bool) -> None:
    rule, futility = OBrienFlemingSpending(), BetaSpending(HwangShihDeCani(-2), binding)
    plan = group_sequential_design([1 / 3, 2 / 3, 1.0], efficacy=rule, futility=futility)
    found = adapted_bounds(SEEN[:3], rule, 0.025, futility=futility, drift=plan.drift)
    for seen, upper, lower in zip(SEEN, *found, strict=False):
        twin = plan.at_observed(seen.tolist(), final=True)
        np.testing.assert_allclose(upper, twin.upper, atol=1e-8)
        np.testing.assert_allclose(lower, twin.lower, atol=1e-8)


def test_calendar_spending_equals_the_slow_twin() -> None:
    clock = [0.25, 0.5, 1.0]
    rule = PocockSpending()
    plan = group_sequential_design([1 / 3, 2 / 3, 1.0], efficacy=rule, spending_time=clock)
    found, _ = adapted_bounds(SEEN[:2], rule, 0.025, spending_time=np.tile(clock, (2, 1)))
    for seen, upper in zip(SEEN, found, strict=False):
        twin = plan.at_observed(seen.tolist(), final=True, spending_time=clock)
        np.testing.assert_allclose(upper, twin.upper, atol=1e-9)


def test_alpha_is_spent_exactly_on_paths_whatever_the_information() -> None:
    generator = np.random.default_rng(3)
    paths = 3_000
    seen = np.cumsum(generator.uniform(0.05, 0.6, (paths, 3)), axis=1)
    steps = generator.standard_normal((150, paths, 3)) * np.sqrt(np.diff(seen, axis=1, prepend=0))
    z = np.cumsum(steps, axis=2) / np.sqrt(seen)
    upper, _ = adapted_bounds(seen, PocockSpending(), 0.025)
    rate, trials = np.mean((z >= upper).any(axis=2)), 150 * paths
    assert abs(rate - 0.025) < 4 * np.sqrt(0.025 * 0.975 / trials)
    # Bounds of the plan, kept although the looks moved, do not spend alpha: the test can tell.
    planned = group_sequential_design([0.7, 0.9, 1.0], efficacy=PocockSpending()).upper
    kept = np.mean((z >= np.array(planned)).any(axis=2))
    assert abs(kept - 0.025) > 4 * np.sqrt(0.025 * 0.975 / trials)


def test_looks_without_new_information_stop_nothing() -> None:
    seen = np.array([[0.0, 0.5, 0.5, 0.8], [0.3, 0.8, 0.8, 0.8], [1.2, 1.3, 1.4, 1.5], [0.7, 0.7, 0.7, 0.7]])
    upper, lower = adapted_bounds(seen, OBrienFlemingSpending(), 0.025)
    assert np.isinf(upper).tolist() == [
        [True, False, True, False], [False, True, True, False],
        [False, True, True, True], [True, True, True, False],
    ]  # fmt: skip
    assert upper[3, 3] == pytest.approx(1.959964, abs=1e-6)
    assert upper[2, 0] == pytest.approx(1.959964, abs=1e-6)
    assert np.isneginf(lower[:, :3]).all()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"information": [[0.5, 0.4]]}, "information"),
        ({"information": [[0.5, np.nan]]}, "information"),
        ({"alpha": 0.7}, "alpha"),
        ({"efficacy": WangTsiatis(0.0)}, "efficacy"),
        ({"futility": BetaSpending(PocockSpending()), "drift": -1.0}, "futility"),
        ({"spending_time": np.array([[1.0]])}, "spending_time"),
    ],
)
def test_impossible_questions_are_refused(change: dict[str, object], field: str) -> None:
    given = {"information": [[0.5, 1.0]], "efficacy": OBrienFlemingSpending(), "alpha": 0.025} | change
    with pytest.raises(DesignError) as caught:
        adapted_bounds(**given)
    assert caught.value.field == field


def test_a_function_that_overspends_is_refused() -> None:
    class Greedy:
        label = "greedy"

        def cumulative(self, total: float, time: np.ndarray) -> np.ndarray:
            return 2 * total * np.asarray(time)

    with pytest.raises(DesignError, match="more than the whole error"):
        adapted_bounds(np.array([[0.5, 1.0]]), Greedy(), 0.025)
