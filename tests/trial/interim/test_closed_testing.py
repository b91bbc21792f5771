"""Closed combination tests: intersections against the multivariate normal, strong control of the error."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import DesignError
from trialsim.trial import ClosedTest, bounds_rule, simulate_staged
from trialsim.trial.interim import (
    Rule,
    StageAction,
    StagedState,
    closed_rejections,
    closed_test_rule,
    intersection_score,
    keep_best,
    stage_statistics,
)

# Dunnett 1955, one-sided upper 5 % and 1 % points without limit of degrees of freedom, by active arms.
PUBLISHED = {
    (2, 0.05): 1.92,
    (3, 0.05): 2.06,
    (4, 0.05): 2.16,
    (2, 0.01): 2.56,
    (3, 0.01): 2.68,
    (4, 0.01): 2.77,
}
OBF = (2.796509681, 1.977430959)


@pytest.mark.parametrize(("arms", "alpha"), PUBLISHED)
def test_published_points_of_dunnett(arms: int, alpha: float) -> None:
    point = PUBLISHED[arms, alpha]
    p = [
        stats.norm.sf(
            intersection_score(
                np.full((1, arms), point + d),
                np.full((1, arms + 1), 10.0),
                np.ones((1, arms), bool),
                "dunnett",
            )[0]
        )
        for d in (-0.005, 0.005)
    ]
    assert p[0] >= alpha >= p[1]


def test_dunnett_equals_the_multivariate_normal_at_unequal_sizes() -> None:
    n, z = np.array([[30.0, 50.0, 20.0, 40.0]]), np.array([[1.1, 2.2, -5.0]])
    tested = np.array([[True, True, True]])
    share = np.sqrt(n[0, 1:] / (n[0, 1:] + n[0, 0]))
    cor = np.outer(share, share)
    np.fill_diagonal(cor, 1)
    expected = 1 - stats.multivariate_normal(np.zeros(3), cor).cdf(np.full(3, 2.2))
    found = stats.norm.sf(intersection_score(z, n, tested, "dunnett")[0])
    assert found == pytest.approx(expected, abs=1e-5)


def test_bonferroni_and_simes_by_hand() -> None:
    z = stats.norm.isf(np.array([[0.02, 0.03, 0.9]]))
    every = np.ones((1, 3), bool)
    n = np.ones((1, 4))
    assert stats.norm.sf(intersection_score(z, n, every, "bonferroni")[0]) == pytest.approx(0.06)
    assert stats.norm.sf(intersection_score(z, n, every, "simes")[0]) == pytest.approx(0.045)
    pair = np.array([[True, False, True]])
    assert stats.norm.sf(intersection_score(z, n, pair, "simes")[0]) == pytest.approx(0.04)
    assert intersection_score(z, n, ~every, "dunnett")[0] == -np.inf


@pytest.mark.parametrize("method", ["dunnett", "bonferroni", "simes"])
def test_closure_equals_a_slow_twin(method: str) -> None:
    generator = np.random.default_rng(1)
    z, n = generator.normal(1.2, 1.2, (3, 40, 3)), generator.uniform(20, 60, (3, 40, 4))
    tested = np.minimum.accumulate(
        generator.random((3, 40, 3)) < np.array([2, 0.8, 0.7])[:, None, None], axis=0
    )
    test = ClosedTest((2.6, 2.3, 2.0), (1.0, 2.0, 1.5), method)
    found = test.rejected(z, n, tested)
    for r in range(40):
        gone: dict[tuple[int, ...], list[bool]] = {}
        subsets = chain.from_iterable(combinations(range(3), m) for m in (1, 2, 3))
        for members in subsets:
            total, weight, before, history = 0.0, 0.0, False, []
            for k in range(3):
                inside = np.array([[a in members and tested[k, r, a] for a in range(3)]])
                score = intersection_score(z[k, r][None], n[k, r][None], inside, method)[0]
                total += np.sqrt(test.weights[k]) * score
                weight += test.weights[k]
                before = before or total / np.sqrt(weight) >= test.bounds[k]
                history.append(before)
            gone[members] = history
        for k in range(3):
            for a in range(3):
                assert found[k, r, a] == all(h[k] for members, h in gone.items() if a in members)
    assert 0 < found[-1].mean() < 1


def claims(
    means: list[float],
    rule: Rule,
    test: ClosedTest,
    replicates: int,
    seed: int,
    sd: float | None = 1.0,
    n: int = 30,
) -> np.ndarray:
    plan = [[n] * len(means), [n] * len(means)]
    found = simulate_staged("normal", means, plan, rule, replicates, np.random.default_rng(seed))
    rejected = closed_rejections(found.states, test, sd)
    np.testing.assert_array_equal(rejected.any(axis=1), found.decision == 1)
    return rejected


@pytest.mark.parametrize("method", ["dunnett", "bonferroni", "simes"])
@pytest.mark.parametrize("means", [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.45], [0.0, 0.0, 0.3, 0.6]])
def test_family_wise_error_is_kept_under_partial_nulls(method: str, means: list[float]) -> None:
    test = ClosedTest(OBF, (1.0, 1.0), method)
    rule = closed_test_rule(test, sd=1.0, keep=keep_best(2), stop_at="all")
    rejected = claims(means, rule, test, 10_000, 2)
    null = np.array(means[1:]) == 0.0
    wrong = rejected[:, null].any(axis=1).mean()
    assert wrong <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 10_000)
    if all(null) and method == "dunnett":
        # Dropping on the trend costs some of the error of the dropped arms, and no more.
        assert wrong > 0.015


def test_testing_the_selected_arm_naively_inflates() -> None:
    naive = bounds_rule(OBF, sd=1.0, keep=keep_best(1))
    found = simulate_staged("normal", [0.0] * 4, [[30] * 4] * 2, naive, 20_000, np.random.default_rng(3))
    assert (found.decision == 1).mean() > 0.025 + 8 * np.sqrt(0.025 * 0.975 / 20_000)


def test_selecting_the_worst_arm_keeps_the_error() -> None:
    def worst(state: StagedState, z: np.ndarray) -> np.ndarray:
        return np.asarray(z == z.min(axis=1, keepdims=True))

    test = ClosedTest(OBF, (1.0, 1.0))
    rejected = claims([0.0] * 4, closed_test_rule(test, sd=1.0, keep=worst), test, 20_000, 4)
    assert rejected.any(axis=1).mean() <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 20_000)


def test_global_intersection_without_dropping_spends_alpha_exactly() -> None:
    generator = np.random.default_rng(5)
    control, active = generator.standard_normal((2, 100_000, 1)), generator.standard_normal((2, 100_000, 3))
    z = (active - control) / np.sqrt(2)
    every = np.ones((100_000, 3), bool)
    score = [intersection_score(one, np.full((100_000, 4), 9.0), every, "dunnett") for one in z]
    gone = (score[0] >= OBF[0]) | ((score[0] + score[1]) / np.sqrt(2) >= OBF[1])
    assert abs(gone.mean() - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 100_000)


def test_unknown_variance_keeps_the_error_in_small_stages() -> None:
    test = ClosedTest(OBF, (1.0, 1.0))
    rule = closed_test_rule(test, keep=keep_best(2))
    rejected = claims([0.0] * 3, rule, test, 20_000, 6, sd=None, n=6)
    assert rejected.any(axis=1).mean() <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 20_000)


def test_one_arm_is_the_inverse_normal_combination() -> None:
    test = ClosedTest(OBF, (1.0, 3.0))
    z = np.random.default_rng(7).normal(1, 1, (2, 500, 1))
    found = test.rejected(z, np.full((2, 500, 2), 40.0), np.ones((2, 500, 1), bool))[..., 0]
    both = (z[0, :, 0] + np.sqrt(3) * z[1, :, 0]) / 2
    np.testing.assert_array_equal(found[1], (z[0, :, 0] >= OBF[0]) | (both >= OBF[1]))


def test_stage_statistics_use_the_stage_alone() -> None:
    seen: list[StagedState] = []

    def spy(state: StagedState) -> StageAction:
        seen.append(state)
        return StageAction(np.zeros(len(state.n), np.int8))

    simulate_staged("normal", [0.0, 0.4], [[12, 9], [7, 8]], spy, 5, np.random.default_rng(8))
    first, second = seen
    z, n, _ = stage_statistics(second)
    assert n.tolist() == [[7, 8]] * 5
    new, squares = second.total - first.total, second.squares - first.squares
    mean = new / n
    spread = np.sqrt((squares - n * mean**2).sum(axis=1) / 13)
    t = (mean[:, 1] - mean[:, 0]) / (spread * np.sqrt(1 / 7 + 1 / 8))
    np.testing.assert_allclose(z[:, 0], stats.norm.isf(stats.t.sf(t, 13)), rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (((2.0,), (1.0, 1.0)), "bounds"),
        (((2.0, np.nan), (1.0, 1.0)), "bounds"),
        (((2.0, 2.0), (1.0, -1.0)), "weights"),
        (((2.0, 2.0), (1.0, 1.0), "tukey"), "intersection"),
    ],
)
def test_impossible_tests_are_refused(given: tuple[object, ...], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        ClosedTest(*given)
    assert caught.value.field == field
    with pytest.raises(DesignError):
        closed_test_rule(ClosedTest((2.0,), (1.0,)), stop_at="none")


def test_a_bonferroni_trial_stops_when_nothing_can_be_claimed_any_more() -> None:
    """E[N] in closed form: stage 2 is held where no claim is made and the smallest p is below 1/2."""
    n1, n2, replicates = 40, 60, 40_000
    test = ClosedTest(OBF, (1.0, 1.0), "bonferroni")
    rule = closed_test_rule(test, sd=1.0, keep=keep_best(1))
    found = simulate_staged(
        "normal", [0.0, 0.0, 0.0], [[n1] * 3, [n2] * 3], rule, replicates, np.random.default_rng(3)
    )
    pair = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])
    claim = -stats.norm.ppf(stats.norm.sf(OBF[0]) / 2)
    going = pair.cdf([claim, claim]) - pair.cdf([0.0, 0.0])
    expected = 3 * n1 + 2 * n2 * going
    error = found.size.std() / np.sqrt(replicates)
    assert abs(found.size.mean() - expected) < 4 * error
    hopeless = (found.states[0].z(1.0) <= 0).all(axis=1)
    assert hopeless.mean() > 0.3
    assert (found.stage[hopeless] == 0).all()
    assert (found.decision[hopeless] == -1).all()


def test_stopping_when_nothing_can_be_claimed_changes_no_claim() -> None:
    rng = np.random.default_rng(8)
    test = ClosedTest(OBF, (1.0, 1.0), "bonferroni")
    z, n = rng.standard_normal((2, 5000, 3)), np.full((2, 5000, 4), 50.0)
    every = np.ones((2, 5000, 3), dtype=bool)
    possible = test.claims(z[:1], n[:1], every[:1])[1]
    assert not (test.rejected(z, n, every)[-1] & ~possible).any()
    assert 0 < (~possible).any(axis=1).mean() < 1
