"""Twins judged in a target population, where the truth there is known."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from trialsim.data import Covariates, Floats
from trialsim.errors import HistoryError
from trialsim.prognosis import CrossValidation, balance_to_table, calibrate, inverse_odds
from trialsim.prognosis.transport import calibrate_transported

SHIFT = 0.8


def judged(n: int, seed: int, mean: float = 0.0) -> tuple[CrossValidation, Covariates]:
    """Return twins that miss half of what x does at the second of two visits, and x, of n participants."""
    rng = np.random.default_rng(seed)
    x = mean + rng.standard_normal(n)
    baseline = 20 + rng.standard_normal(n)
    predicted = np.column_stack([1.0 + x, 2.0 + 0.5 * x])
    change = np.column_stack([1.0 + x, 2.0 + x]) + rng.standard_normal((n, 2))
    change[rng.random((n, 2)) < 0.1] = np.nan
    ones = np.ones((n, 2))
    cv = CrossValidation(
        np.array([12.0, 24.0]), np.arange(n), np.arange(n) % 5, baseline, baseline[:, None] + change,
        baseline[:, None] + predicted, ones, norm.cdf(change - predicted), np.ones(5), np.ones(5), np.ones(5),
    )  # fmt: skip
    return cv, Covariates(("x",), x[:, None])


def test_equal_weights_are_the_calibration_of_the_history() -> None:
    cv, _ = judged(300, 1)
    plain, found = calibrate(cv), calibrate_transported(cv, np.full(300, 3.0))
    for name in ("observed", "bias", "bias_se", "slope", "coverage"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), err_msg=name)
    np.testing.assert_allclose(found.coverage_low, plain.coverage_low)
    np.testing.assert_allclose(found.coverage_high, plain.coverage_high)
    np.testing.assert_allclose(found.effective, plain.observed)


@pytest.mark.parametrize("way", ["table", "odds"])
def test_weights_show_the_twins_of_a_drifted_population(way: str) -> None:
    """Where x is higher by .8 the second visit is missed by .4, which the history alone does not show."""
    cv, x = judged(20_000, 2)
    weights = (
        balance_to_table(x, {"x": SHIFT}, {"x": 1.0})
        if way == "table"
        else inverse_odds(x, Covariates(("x",), np.random.default_rng(3).normal(SHIFT, 1, (20_000, 1))))
    )
    there, found = calibrate(judged(200_000, 4, SHIFT)[0]), calibrate_transported(cv, weights.weights)
    assert abs(calibrate(cv).bias[1]) < 0.05
    for name in ("bias", "slope"):
        error = getattr(found, f"{name}_se")
        assert (np.abs(getattr(found, name) - getattr(there, name)) < 4 * error + 0.02).all()
    assert found.bias[1] == pytest.approx(0.5 * SHIFT, abs=0.06)
    np.testing.assert_allclose(found.coverage, there.coverage, atol=0.02)
    assert ((found.coverage_low < found.coverage) & (found.coverage < found.coverage_high)).all()
    assert (np.abs(found.change - [1 + SHIFT, 2 + SHIFT]) < 4 * found.change_se + 0.01).all()
    np.testing.assert_allclose(found.change - found.predicted, found.bias)


def test_slope_and_its_error_are_those_of_weighted_least_squares() -> None:
    cv, x = judged(400, 5)
    w = np.exp(0.5 * x.column("x"))
    found = calibrate_transported(cv, w)
    on = np.isfinite(cv.outcomes[:, 1])
    change: Floats = (cv.outcomes[:, 1] - cv.baseline)[on]
    predicted: Floats = (cv.score[:, 1] - cv.baseline)[on]
    fit = sm.WLS(change, sm.add_constant(predicted), weights=w[on]).fit(cov_type="HC1")
    assert found.slope[1] == pytest.approx(fit.params[1])
    assert found.slope_se[1] == pytest.approx(fit.bse[1])
    mean = sm.WLS(change - predicted, np.ones(on.sum()), weights=w[on]).fit(cov_type="HC1")
    assert found.bias_se[1] == pytest.approx(mean.bse[0])


def test_the_error_of_a_weighted_bias_is_honest() -> None:
    biases, errors = [], []
    for seed in range(200):
        cv, x = judged(150, 100 + seed)
        found = calibrate_transported(cv, np.exp(0.6 * x.column("x")))
        biases.append(found.bias[1])
        errors.append(found.bias_se[1])
    assert np.mean(errors) / np.std(biases) == pytest.approx(1.0, abs=0.2)


def test_a_few_who_stand_for_all_show_no_figure() -> None:
    cv, _ = judged(100, 6)
    w = np.full(100, 1e-3)
    w[:10] = 1.0
    found = calibrate_transported(cv, w)
    assert not found.shown.any()
    assert np.isnan(found.bias).all()
    assert np.isnan(found.coverage).all()
    assert (found.effective < 11).all()


@pytest.mark.parametrize("weights", [np.ones(99), -np.ones(100), np.full(100, np.nan)])
def test_what_is_no_weight_is_refused(weights: Floats) -> None:
    with pytest.raises(HistoryError, match="one weight of 0 or more for each of 100"):
        calibrate_transported(judged(100, 7)[0], weights)
