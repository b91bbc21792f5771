"""Adaptive trials in stages: sufficient statistics against patients, rules against closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from trialsim.errors import DesignError
from trialsim.trial import bounds_rule, simulate_staged
from trialsim.trial.interim import (
    Rule,
    StageAction,
    StagedState,
    blinded_resizing_rule,
    combination_rule,
    keep_best,
    predictive_rule,
    predictive_table,
    probability_best,
    promising_zone,
    resize_blinded,
    thompson_rule,
)


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def go_on(state: StagedState) -> StageAction:
    return StageAction(np.zeros(len(state.n), np.int8))


def test_sufficient_statistics_have_the_law_of_patients() -> None:
    found = simulate_staged("normal", [1.0, 2.0], [[6, 9], [5, 4]], go_on, 20_000, chance(), sd=1.5).states[
        -1
    ]
    assert found.n[0].tolist() == [11, 13]
    for a, (mean, n) in enumerate(((1.0, 11), (2.0, 13))):
        assert stats.kstest((found.mean[:, a] - mean) / 1.5 * np.sqrt(n), "norm").pvalue > 1e-3
        within = found.squares[:, a] - found.total[:, a] ** 2 / n
        assert stats.kstest(within / 2.25, stats.chi2(n - 1).cdf).pvalue > 1e-3
    assert stats.kstest(found.pooled_variance * 22 / 2.25, stats.chi2(22).cdf).pvalue > 1e-3


def test_state_equals_its_slow_twin_on_patients() -> None:
    control, active = chance(2).normal(0, 1, 8), chance(3).normal(1, 2, 5)
    state = StagedState(
        0, np.array([[8, 5]]), np.array([[control.sum(), active.sum()]]),
        np.array([[(control**2).sum(), (active**2).sum()]]), np.array([[8, 5]]),
        np.array([[control.sum(), active.sum()]]), np.ones((1, 2), bool), np.ones(1, bool),
    )  # fmt: skip
    assert state.z()[0, 0] == pytest.approx(stats.ttest_ind(active, control).statistic)
    assert state.blinded_variance[0] == pytest.approx(np.concatenate([control, active]).var(ddof=1))
    assert state.z(1.7)[0, 0] == pytest.approx(
        (active.mean() - control.mean()) / (1.7 * np.sqrt(1 / 8 + 1 / 5))
    )


def test_binary_stages_are_binomial() -> None:
    total = simulate_staged("binary", [0.3, 0.6], [[10, 20]] * 2, go_on, 20_000, chance(4)).states[-1].total
    for a, (n, p) in enumerate(((20, 0.3), (40, 0.6))):
        assert abs(total[:, a].mean() - n * p) < 4 * np.sqrt(n * p * (1 - p) / 20_000)


def test_two_arm_bounds_give_the_group_sequential_error() -> None:
    # O'Brien-Fleming at 1/2 and 1: 2.7965, 1.9774 spend 0.025.
    rule = bounds_rule([2.796509681, 1.977430959], sd=1.0)
    found = simulate_staged("normal", [0.0, 0.0], [[50, 50]] * 2, rule, 200_000, chance(5))
    assert abs((found.decision == 1).mean() - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 200_000)
    early = (found.decision == 1) & (found.stage == 0)
    assert abs(early.mean() - 0.002582893) < 4 * np.sqrt(0.0026 / 200_000)
    assert (found.size == np.where(found.stage == 0, 100, 200)).all()


def test_dunnett_error_of_several_arms_at_one_stage() -> None:
    # P(max of two z with correlation 1/2 ≥ c) by integrating over the control.
    c = 2.2121
    inner = lambda x: stats.norm.pdf(x) * stats.norm.cdf(np.sqrt(2) * c + x) ** 2  # noqa: E731 -- a one-line integrand
    expected = 1 - integrate.quad(inner, -10, 10)[0]
    found = simulate_staged("normal", [0, 0, 0], [[40, 40, 40]], bounds_rule([c], sd=1.0), 100_000, chance(6))
    assert abs((found.decision == 1).mean() - expected) < 4 * np.sqrt(expected / 100_000)


def test_dropped_arms_stay_closed_and_recruit_no_more() -> None:
    rule = bounds_rule([9.0, 9.0, 9.0], [0.5, 0.5, 9.0], sd=1.0)
    found = simulate_staged("normal", [0, 0, 0.3, 0.6], [[30] * 4] * 3, rule, 500, chance(7))
    for before, after in pairwise(found.states):
        assert (after.open <= before.open).all()
        still = after.running[:, None] & after.open
        np.testing.assert_array_equal(after.n - before.n, np.where(still, 30, 0))
    assert ((found.decision == -1) == (found.stage < 2)).all()


def test_a_rule_cannot_reopen_an_arm_or_close_the_control() -> None:
    def fickle(state: StagedState) -> StageAction:
        every = np.ones((len(state.n), 3), dtype=bool)
        every[:, 0] = every[:, 1] = state.stage > 0
        return StageAction(np.zeros(len(state.n), np.int8), every)

    found = simulate_staged("normal", [0, 0, 0], [[10] * 3] * 3, fickle, 4, chance(21))
    np.testing.assert_array_equal(found.states[-1].n, [[30, 10, 30]] * 4)


def test_only_the_best_arm_goes_on() -> None:
    rule = bounds_rule([9.0, 2.0], sd=1.0, keep=keep_best(1))
    found = simulate_staged("normal", [0, 0, 0, 0], [[30] * 4] * 2, rule, 300, chance(8))
    first, last = found.states
    assert (last.open[:, 1:].sum(axis=1) == 1).all()
    assert (last.open[:, 1:].argmax(axis=1) == first.z(1.0).argmax(axis=1)).all()


def test_blinded_resizing_reaches_its_power_when_the_variance_was_misjudged() -> None:
    rule = blinded_resizing_rule(resize_blinded(0.5, 0.025, 0.9, 40, 1000), 1.96)
    found = simulate_staged("normal", [0.0, 0.5], [[40, 40], [0, 1]], rule, 20_000, chance(9), sd=1.5)
    assert abs((found.decision == 1).mean() - 0.9) < 0.02
    expected = 2 * (1.959964 + 1.281552) ** 2 * 2.25 / 0.25
    assert abs(found.size.mean() / 2 - expected) < 5


def test_combination_test_keeps_its_error_whatever_the_resizing() -> None:
    greedy = lambda z: np.where((z > 0) & (z < 1.5), 400, 20)  # noqa: E731 -- a rule in one line
    found = simulate_staged(
        "normal", [0.0, 0.0], [[50, 50], [50, 50]], combination_rule(greedy, 1.959964), 200_000, chance(10)
    )
    assert abs((found.decision == 1).mean() - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 200_000)

    def naive(state: StagedState) -> StageAction:
        if state.stage == 0:
            return StageAction(np.zeros(len(state.n), np.int8), next_n=np.tile(greedy(state.z(1.0)), 2))
        return StageAction((state.z(1.0)[:, 0] >= 1.959964).astype(np.int8))

    biased = simulate_staged("normal", [0.0, 0.0], [[50, 50]] * 2, naive, 200_000, chance(10))
    assert (biased.decision == 1).mean() > 0.027


def test_promising_zone_reaches_its_conditional_power() -> None:
    size = promising_zone(50, 10_000, (0.3, 0.8), 0.8, 1.96)
    z1 = np.array([1.3, 1.4, 1.5, 1.6])
    m = size(z1)
    assert (m > 50).all()
    power = stats.norm.sf(np.sqrt(2) * 1.96 - z1 - z1 * np.sqrt(m / 50))
    assert (power >= 0.8).all()
    assert (stats.norm.sf(np.sqrt(2) * 1.96 - z1 - z1 * np.sqrt((m - 1) / 50)) < 0.8).all()


def test_probability_best_equals_quadrature_and_draws() -> None:
    successes, n = np.array([[30.0, 45.0, 40.0]]), np.array([[100.0, 105.0, 95.0]])
    found = probability_best(successes, n)[0]
    draws = chance(11).beta(successes + 1, n - successes + 1, size=(400_000, 3))
    for a in range(3):
        p = (draws.argmax(axis=1) == a).mean()
        assert abs(found[a] - p) < 4 * np.sqrt(p * (1 - p) / 400_000) + 1e-9
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    huge = probability_best(np.array([[50_000.0, 50_400.0]]), np.array([[100_000.0, 100_000.0]]))[0]
    z = 400 / np.sqrt(2 * 100_000 * 0.25)
    assert huge[1] == pytest.approx(stats.norm.cdf(z), abs=1e-4)


def test_thompson_allocation_follows_the_better_arm_and_keeps_its_least_share() -> None:
    rule = thompson_rule(40, chance(12), claim=1.0, least=0.2)
    found = simulate_staged("binary", [0.2, 0.2, 0.6], [[10] * 3] * 5, rule, 300, chance(13))
    n = found.states[-1].n.mean(axis=0)
    assert n[2] > 1.6 * n[1]
    assert (n > 10 + 4 * 40 * 0.19).all()
    # A trial that has claimed stops; the others have had every batch whole.
    assert (found.size[found.decision == 0] == 30 + 4 * 40).all()


def test_predictive_probability_equals_a_slow_sum() -> None:
    final, n = 12, 7
    success = chance(14).random((final + 1, final + 1)) < 0.4
    table = predictive_table(n, final, success)

    def weight(x: int, y: int) -> float:
        return float(stats.betabinom(final - n, 1 + y, 1 + n - y).pmf(x))

    for y0, y1 in ((0, 0), (2, 5), (7, 7), (3, 1)):
        slow = sum(
            weight(a, y0) * weight(b, y1) * success[y0 + a, y1 + b]
            for a in range(final - n + 1)
            for b in range(final - n + 1)
        )
        assert table[y0, y1] == pytest.approx(slow, rel=1e-10)


def test_predictive_stopping_saves_participants_at_little_loss_of_power() -> None:
    watched = predictive_rule([20, 30, 40], 40, 0.975, stop_above=0.99, stop_below=0.05)
    once = predictive_rule([40], 40, 0.975, stop_above=0.99, stop_below=0.05)
    one = simulate_staged("binary", [0.3, 0.6], [[20, 20], [10, 10], [10, 10]], watched, 20_000, chance(15))
    two = simulate_staged("binary", [0.3, 0.6], [[40, 40]], once, 20_000, chance(16))
    assert one.size.mean() < 70
    assert abs((one.decision == 1).mean() - (two.decision == 1).mean()) < 0.03


def two_stages(rule: Rule) -> object:
    return simulate_staged("binary", [0.5, 0.5], [[2, 2]] * 2, rule, 1, chance())


def says(decision: np.ndarray, **fields: np.ndarray) -> Rule:
    return lambda state: StageAction(decision, **fields)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: simulate_staged("normal", [0.0], [[1]], go_on, 1, chance()), "means"),
        (lambda: simulate_staged("binary", [0.5, 1.2], [[1, 1]], go_on, 1, chance()), "means"),
        (lambda: simulate_staged("ordinal", [0.5, 0.2], [[1, 1]], go_on, 1, chance()), "endpoint"),
        (lambda: simulate_staged("normal", [0.0, 0.0], [[1, 1, 1]], go_on, 1, chance()), "stage_n"),
        (lambda: simulate_staged("normal", [0.0, 0.0], [[0, 1]], go_on, 1, chance()), "stage_n"),
        (lambda: simulate_staged("normal", [0.0, 0.0], [[1, 1]], go_on, 0, chance()), "replicates"),
        (lambda: simulate_staged("normal", [0.0, 0.0], [[1, 1]], go_on, 1, chance(), sd=0.0), "sd"),
        (lambda: two_stages(says(np.zeros(9))), "rule.decision"),
        (lambda: two_stages(says(np.zeros(1), next_n=np.full((1, 2), -1))), "rule.next_n"),
        (lambda: two_stages(says(np.zeros(1), next_n=np.ones((1, 2)))), "rule.next_n"),
        (lambda: two_stages(says(np.zeros(1), open=np.ones(2, bool))), "rule.open"),
        (lambda: two_stages(bounds_rule([2.0], sd=1.0)), "upper"),
        (lambda: bounds_rule([2.0, 2.0], [2.1, 2.0]), "lower"),
        (lambda: keep_best(0), "arms"),
        (lambda: resize_blinded(0.0, 0.025, 0.9, 1, 2), "resize_blinded"),
        (lambda: promising_zone(50, 40, (0.3, 0.8), 0.9, 1.96), "promising_zone"),
        (lambda: thompson_rule(0, chance(), claim=0.9), "thompson_rule"),
        (lambda: two_stages(thompson_rule(4, chance(), claim=0.9, least=0.6)), "least"),
        (lambda: predictive_rule([20, 10], 10, 0.9, stop_above=0.9, stop_below=0.1), "look_n"),
        (lambda: predictive_rule([10], 10, 0.9, stop_above=0.1, stop_below=0.9), "predictive_rule"),
    ],
)  # fmt: skip
def test_impossible_adaptive_trials_are_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call()
    assert fault.value.field == field
