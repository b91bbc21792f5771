"""Discontinuation meets its rates under any mechanism; true values meet their closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.errors import DesignError
from trialsim.trial import (
    DiscontinuationCause,
    IntercurrentEvent,
    LongitudinalWorld,
    VisitEffect,
    simulate_longitudinal,
    true_values,
)
from trialsim.trial.allocation import permuted_blocks
from trialsim.trial.intercurrent_events import (
    Discontinuation,
    calibrate_discontinuation,
    intermittent_gaps,
)

WEEKS = (6.0, 12.0, 24.0)
MEAN = np.array([20.0, 19.0, 18.5, 18.0])
EFFECT = np.array([0.0, -1.0, -2.0, -3.0])
COVARIANCE = 25 * (0.6 + 0.4 * np.eye(4))
ADVERSE = DiscontinuationCause("adverse event", (0.1, 0.25))
EFFICACY = DiscontinuationCause("lack of efficacy", (0.3, 0.1), previous=0.15)
HIDDEN = DiscontinuationCause("not at random", (0.2, 0.1), baseline=-0.05, current=0.3)


def paths(size: int = 20_000, seed: int = 1) -> list[np.ndarray]:
    control = np.random.default_rng(seed).multivariate_normal(MEAN, COVARIANCE, size)
    return [control, control + EFFECT]


def world(*events: IntercurrentEvent, **options: float) -> LongitudinalWorld:
    return LongitudinalWorld(WEEKS, MEAN, COVARIANCE, VisitEffect(EFFECT), events, **options)  # type: ignore[arg-type]  # floats of ints


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def cause(cumulative: object) -> DiscontinuationCause:
    return DiscontinuationCause("x", cumulative)  # type: ignore[arg-type]  # some are wrong on purpose


def calibrate(*causes: DiscontinuationCause) -> object:
    return calibrate_discontinuation(causes, WEEKS, paths(10))


ONE = world(IntercurrentEvent(ADVERSE))


def expected_incidence(found: Discontinuation, arm: int, paths: np.ndarray) -> np.ndarray:
    """Return the expected cumulative incidence (V, C) of each cause by each visit, over paths (M, 1 + V)."""
    on = np.full(len(paths), 1 / len(paths))
    steps = np.empty(found.intercepts.shape[1:])
    for j in range(len(steps)):
        p = found.probabilities(arm, j, paths)
        steps[j] = (on[:, None] * p).sum(axis=0)
        on = on * (1 - p.sum(axis=-1))
    return np.cumsum(steps, axis=0)


@pytest.mark.parametrize("causes", [(ADVERSE,), (EFFICACY,), (HIDDEN,), (ADVERSE, EFFICACY, HIDDEN)])
def test_expected_rates_are_hit_to_rounding(causes: tuple[DiscontinuationCause, ...]) -> None:
    sample = paths()
    found = calibrate_discontinuation(causes, WEEKS, sample)
    for arm in (0, 1):
        total = sum(cause.cumulative[arm] for cause in causes)
        for c, cause in enumerate(causes):
            incidence = expected_incidence(found, arm, sample[arm])[:, c]
            spread = -np.expm1(np.array(WEEKS) / WEEKS[-1] * np.log1p(-total)) / total
            np.testing.assert_allclose(incidence, cause.cumulative[arm] * spread, atol=1e-12)


def test_rates_by_visit_are_hit_and_a_visit_may_take_nobody() -> None:
    table = np.array([[0.0, 0.1, 0.3], [0.05, 0.05, 0.2]])
    sample = paths()
    found = calibrate_discontinuation([DiscontinuationCause("x", table, current=0.4)], WEEKS, sample)
    for arm in (0, 1):
        np.testing.assert_allclose(expected_incidence(found, arm, sample[arm])[:, 0], table[arm], atol=1e-12)
    assert np.isneginf(found.intercepts[0, 0, 0])


def test_probabilities_equal_a_slow_softmax() -> None:
    sample = paths(200)
    causes = (ADVERSE, EFFICACY, HIDDEN)
    found = calibrate_discontinuation(causes, WEEKS, sample)
    p = found.probabilities(1, 1, sample[1])
    for i in range(200):
        y = sample[1][i]
        odds = np.exp(
            [found.intercepts[1, 1, 0], found.intercepts[1, 1, 1] + 0.15 * y[1],
             found.intercepts[1, 1, 2] - 0.05 * y[0] + 0.3 * y[2]]
        )  # fmt: skip
        np.testing.assert_allclose(p[i], odds / (1 + odds.sum()), rtol=1e-12)


def test_drawn_rates_meet_the_wanted_ones_in_fresh_participants() -> None:
    causes = (ADVERSE, EFFICACY, HIDDEN)
    found = calibrate_discontinuation(causes, WEEKS, paths())
    fresh = paths(100_000, seed=2)
    for arm in (0, 1):
        visit, cause = found.draw(arm, fresh[arm], chance(3).random((100_000, 3)))
        assert ((visit == 3) == (cause == -1)).all()
        for c, one in enumerate(causes):
            p = one.cumulative[arm]
            error = np.sqrt(p * (1 - p)) * np.hypot(1 / np.sqrt(100_000), 1 / np.sqrt(20_000))
            assert abs((cause == c).mean() - p) < 4 * error


def test_who_leaves_follows_the_mechanism() -> None:
    sample = paths(40_000)[0]
    at_last = 2
    for cause, looks_at in ((ADVERSE, None), (EFFICACY, at_last), (HIDDEN, at_last + 1)):
        found = calibrate_discontinuation([cause], WEEKS, [sample, sample])
        visit, _ = found.draw(0, sample, chance(4).random((40_000, 3)))
        left, stayed = sample[visit == at_last], sample[visit == 3]
        gap = left.mean(axis=0) - stayed.mean(axis=0)
        error = np.sqrt(25 / len(left) + 25 / len(stayed))
        if looks_at is None:
            assert (np.abs(gap) < 4 * error).all()
        else:
            assert gap[looks_at] > 4 * error


def test_mechanisms_have_their_names() -> None:
    assert [cause.mechanism for cause in (ADVERSE, EFFICACY, HIDDEN)] == ["MCAR", "MAR", "MNAR"]


def test_true_values_under_mcar_meet_their_closed_forms() -> None:
    it = world(IntercurrentEvent(ADVERSE, "lost", added=1.5), failure=40.0)
    values = {v.strategy: v for v in true_values(it, 200_000, chance(5), chance(6))}
    p0, p1 = 0.1, 0.25
    stop = np.array([[1 - (1 - p) ** (w / 24) for w in WEEKS] for p in (p0, p1)])
    each = np.diff(np.column_stack([[0, 0], stop]), axis=1)
    last = [
        float(each[a] @ (MEAN + a * EFFECT)[:3] + (1 - p) * (MEAN[3] + a * EFFECT[3]))
        for a, p in ((0, p0), (1, p1))
    ]
    expected = {
        "hypothetical": -3.0,
        "treatment_policy": -3.0 * (1 - p1) + 1.5 * (p1 - p0),
        "composite": 40 * (p1 - p0) + (1 - p1) * 15.0 - (1 - p0) * 18.0,
        "while_on_treatment": last[1] - last[0],
        "principal_stratum": -3.0,
    }
    # The rates of the calibration sample are off by about this much; an event is worth so many points.
    rate_error = np.sqrt(p1 * (1 - p1) / 20_000)
    worth = {"treatment_policy": 4.5, "composite": 25.0}
    for name, value in expected.items():
        error = np.hypot(values[name].mcse, worth.get(name, 3.0) * rate_error)
        assert abs(values[name].value - value) < 4 * error, name
    assert values["hypothetical"].mcse < 1e-10
    assert values["principal_stratum"].share == pytest.approx(0.75, abs=0.02)


def test_a_frozen_effect_and_a_kept_one() -> None:
    at_visit_2 = DiscontinuationCause("x", np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    for after, value in (("kept", -3.0), ("lost", -1.5), ("frozen", -2.5)):
        it = world(IntercurrentEvent(at_visit_2, after))  # type: ignore[arg-type]  # literals
        found = true_values(it, 100_000, chance(7), chance(8), ["treatment_policy"])[0]
        assert abs(found.value - value) < 0.03


def test_strategies_can_differ_by_event() -> None:
    it = world(IntercurrentEvent(ADVERSE), IntercurrentEvent(EFFICACY), failure=40.0)
    mixed = true_values(it, 50_000, chance(9), chance(10), [("treatment_policy", "composite")])[0]
    same = true_values(it, 50_000, chance(9), chance(10), [("composite", "composite"), "composite"])
    assert mixed.strategy == "treatment_policy + composite"
    assert same[0].value == same[1].value != mixed.value


def test_what_is_observed_follows_the_declaration() -> None:
    arm = permuted_blocks(50, 200, (1, 1), (200,), chance(11))
    retrieved = world(IntercurrentEvent(ADVERSE, observed=0.4), IntercurrentEvent(EFFICACY, observed=0.0))
    trials = simulate_longitudinal(retrieved, arm, chance(12), chance(13))
    after = np.arange(3) >= trials.visit[..., None]
    seen = np.isfinite(trials.outcomes)
    assert seen[~after].all()
    assert not seen[after & (trials.cause == 1)[..., None]].any()
    people = trials.cause == 0
    share = seen[..., -1][people].mean()
    assert abs(share - 0.4) < 4 * np.sqrt(0.24 / people.sum())
    assert np.isnan(trials.on_treatment[after]).all()
    np.testing.assert_array_equal(trials.on_treatment[~after], trials.outcomes[~after])


def test_gaps_take_their_share_of_visits() -> None:
    arm = permuted_blocks(100, 200, (1, 1), (200,), chance(14))
    it = world(IntercurrentEvent(DiscontinuationCause("x", (0.0, 0.0))), gaps=0.07)
    seen = np.isfinite(simulate_longitudinal(it, arm, chance(15), chance(16)).outcomes)
    assert abs(1 - seen.mean() - 0.07) < 4 * np.sqrt(0.07 * 0.93 / seen.size)


def test_dropout_can_change_without_changing_an_outcome() -> None:
    arm = permuted_blocks(5, 100, (1, 1), (100,), chance(17))
    one = simulate_longitudinal(world(IntercurrentEvent(ADVERSE)), arm, chance(18), chance(19))
    two = simulate_longitudinal(world(IntercurrentEvent(HIDDEN)), arm, chance(18), chance(20))
    both = np.isfinite(one.outcomes) & np.isfinite(two.outcomes)
    np.testing.assert_array_equal(one.outcomes[both], two.outcomes[both])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: calibrate_discontinuation([], WEEKS, paths(10)), "causes"),
        (lambda: calibrate(cause((0.6, 0.1)), cause((0.4, 0.1))), "causes"),
        (lambda: calibrate(cause((0.6,))), "causes[0].cumulative"),
        (lambda: calibrate(cause([[0.1, 0.05, 0.2]] * 2)), "causes[0].cumulative"),
        (lambda: calibrate(cause((-0.1, 0.1))), "causes[0].cumulative"),
        (lambda: calibrate_discontinuation([ADVERSE], (12.0, 6.0), paths(10)), "weeks"),
        (lambda: calibrate_discontinuation([ADVERSE], (12.0, 24.0), paths(10)), "paths[0]"),
        (lambda: calibrate_discontinuation([HIDDEN, ADVERSE], WEEKS, [1e9 * p for p in paths(9)]), "causes"),
        (lambda: intermittent_gaps((1, 1, 2), 1.0, chance()), "probability"),
        (lambda: world(IntercurrentEvent(ADVERSE, observed=1.5)), "events[0].observed"),
        (lambda: world(IntercurrentEvent(ADVERSE, "gone")), "events[0].after"),
        (lambda: replace(world(IntercurrentEvent(ADVERSE)), mean=MEAN[:2]), "mean"),
        (lambda: replace(world(IntercurrentEvent(ADVERSE)), effect=VisitEffect(EFFECT - 1)), "effect.shift"),
        (lambda: true_values(world(IntercurrentEvent(ADVERSE)), 1, chance(), chance()), "participants"),
        (lambda: true_values(ONE, 9, chance(), chance(), [("composite", "composite")]), "strategies"),
    ],
)  # fmt: skip
def test_impossible_worlds_are_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call()
    assert fault.value.field == field


def test_leaving_at_random_is_the_visit_by_visit_rule_for_everybody():
    causes = [DiscontinuationCause("tired", (0.2, 0.3)), DiscontinuationCause("moved", (0.1, 0.05))]
    sample = np.random.default_rng(1).standard_normal((200, 4))
    found = calibrate_discontinuation(causes, [4.0, 8.0, 12.0], [sample, sample])
    uniform = np.random.default_rng(2).random((300, 7, 3))
    paths = np.zeros((300, 7, 4))
    for arm in (0, 1):
        when, why = found.draw(arm, paths, uniform)
        for place in np.ndindex(300, 7):
            left = (3, -1)
            for visit in range(3):
                edges = np.cumsum(found.probabilities(arm, visit, sample[:1])[0])
                if uniform[*place, visit] < edges[-1]:
                    left = (visit, int((uniform[*place, visit] >= edges).sum()))
                    break
            assert (when[place], why[place]) == left
        assert found.draw(arm, paths[:0], uniform[:0])[0].shape == (0, 7)
