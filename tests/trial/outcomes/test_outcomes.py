"""Outcomes against closed forms, slow twins and their invariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from trialsim.errors import DesignError
from trialsim.trial import (
    CureLaw,
    PiecewiseHazard,
    VisitEffect,
    WeibullLaw,
    binary_outcomes,
    count_outcomes,
    normal_outcomes,
    ordinal_outcomes,
    recurrent_events,
)
from trialsim.trial.outcomes import (
    autoregressive,
    covariance_of,
    exchangeable,
    gompertz_of_course,
    ramp_shift,
)

PIECES = PiecewiseHazard((0.05, 0.0, 0.2), (0.0, 4.0, 9.0))
TWO_VISITS = VisitEffect(np.ones(2))
BY_SUBGROUP = VisitEffect(np.zeros(1), np.ones(1))
LAWS = {
    "piecewise": PIECES,
    "weibull": WeibullLaw(10.0, 1.7),
    "cure": CureLaw(0.35, WeibullLaw(6.0, 0.8)),
    "cure of pieces": CureLaw(0.2, PIECES),
}


def arms(*counts: int, replicates: int = 1) -> np.ndarray:
    return np.tile(np.repeat(np.arange(len(counts)), counts).astype(np.int8), (replicates, 1))


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("ratio", [1.0, 0.6])
def test_times_follow_the_law_and_its_hazard_ratio(name: str, ratio: float) -> None:
    law = LAWS[name]
    draws = law.time_of(np.random.default_rng(1).standard_exponential(60_000), ratio)
    for month in (1.0, 4.0, 6.0, 12.0, 30.0):
        expected = law.survival(month) ** ratio
        assert abs((draws > month).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 60_000) + 1e-9


@pytest.mark.parametrize("name", LAWS)
def test_time_of_inverts_the_cumulative_hazard(name: str) -> None:
    law = LAWS[name]
    for need in (0.05, 0.19, 0.21, 0.5, 0.8):
        month = float(law.time_of(np.array([need]))[0])
        root = optimize.brentq(lambda t, need=need: law.survival(t) - np.exp(-need), 0.0, 1e4)
        assert -np.log(law.survival(month)) == pytest.approx(need, rel=1e-10)
        assert month == pytest.approx(root, rel=1e-9)


def test_a_last_hazard_of_zero_leaves_some_for_ever() -> None:
    law = PiecewiseHazard((0.1, 0.0), (0.0, 5.0))
    assert list(law.time_of(np.array([0.5, 0.50001]))) == [5.0, np.inf]


def test_a_delayed_effect_changes_nothing_before_the_delay() -> None:
    control = PiecewiseHazard((0.0578,))
    delayed = control.times(PiecewiseHazard((1.0, 0.58), (0.0, 6.0)))
    need = np.random.default_rng(2).standard_exponential(2000)
    before, after = control.time_of(need), delayed.time_of(need)
    early = before < 6
    np.testing.assert_array_equal(before[early], after[early])
    np.testing.assert_allclose((after[~early] - 6) * 0.58, before[~early] - 6, rtol=1e-9)


def test_units_of_time_do_not_matter() -> None:
    need = np.random.default_rng(3).standard_exponential(100)
    weeks = PiecewiseHazard((0.01, 0.02), (0.0, 8.0)).time_of(need)
    days = PiecewiseHazard((0.01 / 7, 0.02 / 7), (0.0, 56.0)).time_of(need)
    np.testing.assert_allclose(days, 7 * weeks, rtol=1e-12)


def test_joint_model_hazard_integrates_to_the_exponential() -> None:
    need = np.array([0.4, 1.0, 2.5, 0.2])
    level, slope = np.array([0.0, 1.0, -1.0, 2.0]), np.array([0.1, -0.05, 0.0, 0.3])
    months = gompertz_of_course(need, 0.04, 0.7, level, slope)
    for e, b0, b1, month in zip(need, level, slope, months, strict=True):
        total = integrate.quad(lambda t, b0=b0, b1=b1: 0.04 * np.exp(0.7 * (b0 + b1 * t)), 0, month)[0]
        assert total == pytest.approx(e, rel=1e-9)
    assert np.isinf(gompertz_of_course(np.array([50.0]), 0.04, 0.7, np.zeros(1), np.array([-1.0]))[0])


def test_longitudinal_moments_by_arm_and_subgroup() -> None:
    arm = arms(100, 100, replicates=400)
    member = np.random.default_rng(5).random(arm.shape) < 0.3
    covariance = covariance_of([3.0, 4.0, 5.0], autoregressive(3, 0.6))
    effect = VisitEffect(np.array([0.0, -1.0, -2.0]), np.array([0.0, 0.5, 3.0]))
    draws = normal_outcomes(arm, [10.0, 12.0, 14.0], covariance, (effect,), np.random.default_rng(6), member)
    n = 400 * 100
    for a, inside, mean in ((0, False, [10, 12, 14]), (1, False, [10, 11, 12]), (1, True, [10, 11.5, 15])):
        here = draws[(arm == a) & (member == inside)]
        assert (np.abs(here.mean(axis=0) - mean) < 4 * np.sqrt(np.diag(covariance) / len(here))).all()
    np.testing.assert_allclose(np.cov(draws[arm == 0].T), covariance, atol=4 * 25 * np.sqrt(2 / n))


def test_correlated_draws_equal_a_matrix_product() -> None:
    covariance = covariance_of([3.0, 4.0, 5.0], autoregressive(3, 0.6))
    draws = normal_outcomes(arms(20), [1.0, 2.0, 3.0], covariance, (), np.random.default_rng(12))
    noise = np.random.default_rng(12).standard_normal((1, 20, 3))
    np.testing.assert_allclose(draws, [1.0, 2.0, 3.0] + noise @ np.linalg.cholesky(covariance).T, rtol=1e-13)


def test_shapes_of_effects() -> None:
    np.testing.assert_allclose(ramp_shift([4.0, 8.0, 16.0], 2.0, 8.0).shift, [1.0, 2.0, 2.0])
    assert exchangeable(3, 0.25)[0].tolist() == [1.0, 0.25, 0.25]


def test_swapping_arms_swaps_the_effect_and_leaves_the_noise() -> None:
    arm = arms(20, 20)
    args = ([0.0, 0.0], np.eye(2), (VisitEffect(np.array([1.5, 1.5])),))
    one = normal_outcomes(arm, *args, np.random.default_rng(7))
    other = normal_outcomes(1 - arm, *args, np.random.default_rng(7))
    np.testing.assert_allclose(one - 1.5 * arm[..., None], other - 1.5 * (1 - arm)[..., None], atol=1e-14)


def test_binary_risks_and_odds() -> None:
    arm = arms(50_000, 50_000)
    extra = np.full(arm.shape, np.log(2.0))
    plain = binary_outcomes(arm, [0.3, 0.5], np.random.default_rng(8))
    shifted = binary_outcomes(arm, [0.3, 0.5], np.random.default_rng(8), extra)
    for a, (p, odds) in enumerate(((0.3, 0.6 / 1.3), (0.5, 2 / 3))):
        for draws, share in ((plain, p), (shifted, odds)):
            assert abs(draws[arm == a].mean() - share) < 4 * np.sqrt(share * (1 - share) / 50_000)


def test_ordinal_shares_move_by_the_odds_ratio() -> None:
    arm = arms(60_000, 60_000)
    draws = ordinal_outcomes(arm, [0.2, 0.3, 0.4, 0.1], [0.0, 0.7], np.random.default_rng(9))
    np.testing.assert_allclose(np.bincount(draws[arm == 0]) / 60_000, [0.2, 0.3, 0.4, 0.1], atol=0.008)
    for cut, above in enumerate((0.8, 0.5, 0.1)):
        odds = above / (1 - above) * np.exp(0.7)
        share = odds / (1 + odds)
        found = (draws[arm == 1] > cut).mean()
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / 60_000)


def test_counts_are_negative_binomial() -> None:
    counts = count_outcomes(arms(40_000), [0.8], 5.0, 0.6, np.random.default_rng(10)).ravel()
    law = stats.nbinom(1 / 0.6, 1 / (1 + 0.6 * 4.0))
    for value in range(6):
        p = law.pmf(value)
        assert abs((counts == value).mean() - p) < 4 * np.sqrt(p * (1 - p) / len(counts))


def test_recurrent_events_agree_with_counts_and_are_uniform() -> None:
    who, when = recurrent_events(arms(3000, 3000), [0.4, 0.2], 10.0, 0.5, np.random.default_rng(11))
    counts = np.bincount(who, minlength=6000)
    for a, mean in ((0, 4.0), (1, 2.0)):
        found = counts[a * 3000 : (a + 1) * 3000]
        assert abs(found.mean() - mean) < 4 * np.sqrt((mean + 0.5 * mean**2) / 3000)
    assert stats.kstest(when / 10.0, "uniform").pvalue > 1e-4
    assert ((np.diff(who) > 0) | (np.diff(when) >= 0)).all()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda g: PiecewiseHazard((0.1, 0.2), (0.0, 0.0)), "starts"),
        (lambda g: PiecewiseHazard((0.1, 0.2), (0.0, 5.0, 9.0)), "starts"),
        (lambda g: PiecewiseHazard((0.1,), (1.0,)), "starts"),
        (lambda g: PiecewiseHazard((0.0, 0.0), (0.0, 1.0)), "rates"),
        (lambda g: PiecewiseHazard((-0.1,)), "rates"),
        (lambda g: WeibullLaw(0.0, 1.0), "scale"),
        (lambda g: WeibullLaw(1.0, float("nan")), "shape"),
        (lambda g: CureLaw(1.0, WeibullLaw(1.0, 1.0)), "cured"),
        (lambda g: gompertz_of_course(np.ones(1), 0.0, 1.0, np.ones(1), np.ones(1)), "hazard"),
        (lambda g: normal_outcomes(arms(1, 1), [0.0], [[1.0]], (), g), "effects"),
        (lambda g: normal_outcomes(arms(1), [0.0], [[-1.0]], (), g), "covariance"),
        (lambda g: normal_outcomes(arms(1, 1), [0], [[1]], (TWO_VISITS,), g), "effects[0].shift"),
        (lambda g: normal_outcomes(arms(1, 1), [0], [[1]], (BY_SUBGROUP,), g), "subgroup"),
        (lambda g: covariance_of([1.0, 1.0], [[1.0, 2.0], [2.0, 1.0]]), "correlation"),
        (lambda g: ramp_shift([1.0], 1.0, 0.0), "full_by_week"),
        (lambda g: binary_outcomes(arms(1, 1), [0.5], g), "probability"),
        (lambda g: binary_outcomes(arms(1), [1.0], g), "probability"),
        (lambda g: ordinal_outcomes(arms(1), [0.5, 0.4], [0.0], g), "shares"),
        (lambda g: count_outcomes(arms(1), [0.0], 1.0, 0.0, g), "rate"),
        (lambda g: count_outcomes(arms(1), [1.0], -1.0, 0.0, g), "exposure"),
        (lambda g: count_outcomes(arms(1), [1.0], 1.0, -0.5, g), "dispersion"),
    ],
)  # fmt: skip
def test_impossible_outcomes_are_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call(np.random.default_rng(1))
    assert fault.value.field == field
