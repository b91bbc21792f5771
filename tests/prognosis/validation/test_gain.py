from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from trialsim.errors import HistoryError
from trialsim.prognosis import gain_beyond_baseline
from trialsim.prognosis.validation import leave_one_out_r2
from trialsim.prognosis.validation.gain import _measure, scaled, weighted_press


def data(n=60, signal=0.5, seed=1):
    rng = np.random.default_rng(seed)
    baseline, score = rng.standard_normal((2, n))
    score = score + 0.3 * baseline
    return baseline + signal * score + rng.standard_normal(n), baseline, score


def press(y, x):
    """Return the sum of squared errors of predicting each one from the others."""
    x = np.column_stack([np.ones(len(y)), x])
    errors = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        coefficients = np.linalg.lstsq(x[others], y[others], rcond=None)[0]
        errors.append(y[i] - x[i] @ coefficients)
    return float(np.sum(np.square(errors)))


def test_gain_equals_refits_without_each_participant():
    y, b, m = data()
    found = gain_beyond_baseline(y, b, m, generator=np.random.default_rng(1))
    assert found.gain == pytest.approx(1 - press(y, np.column_stack([b, m])) / press(y, b), rel=1e-9)
    assert found.baseline_r2_loo == pytest.approx(1 - press(y, b) / ((y - y.mean()) ** 2).sum(), rel=1e-9)


def test_correlation_and_r2_equal_statsmodels():
    y, b, m = data()
    found = gain_beyond_baseline(y, b, m, generator=np.random.default_rng(1))
    alone, both = (sm.OLS(y, sm.add_constant(x)).fit() for x in (b, np.column_stack([b, m])))
    y_left, m_left = alone.resid, sm.OLS(m, sm.add_constant(b)).fit().resid
    assert found.partial_correlation == pytest.approx(np.corrcoef(y_left, m_left)[0, 1], rel=1e-9)
    assert found.incremental_r2 == pytest.approx(both.rsquared - alone.rsquared, rel=1e-9)
    assert found.baseline_r2 == pytest.approx(alone.rsquared, rel=1e-9)


def test_strata_are_adjusted_for():
    y, b, m = data()
    strata = (np.arange(60) % 3 == np.array([[0], [1]])).T.astype(float)
    found = gain_beyond_baseline(y, b, m, strata, generator=np.random.default_rng(1))
    x = np.column_stack([b, strata])
    assert found.gain == pytest.approx(1 - press(y, np.column_stack([x, m])) / press(y, x), rel=1e-9)


def test_a_resampled_participant_does_not_predict_its_own_copy():
    y, b, m = data(n=25)
    picks = np.random.default_rng(4).integers(25, size=25)
    x = np.column_stack([np.ones(25), b, m])
    errors = []
    for i in picks:
        others = picks[picks != i]
        errors.append(y[i] - x[i] @ np.linalg.lstsq(x[others], y[others], rcond=None)[0])
    weights = np.bincount(picks, minlength=25)[None].astype(float)
    assert weighted_press(weights, x, y)[1][0] == pytest.approx(np.sum(np.square(errors)), rel=1e-9)


def test_weights_measure_what_a_resample_measures():
    y, b, m = data(n=40)
    picks = np.random.default_rng(4).integers(40, size=40)
    x = np.column_stack([np.ones(40), b])
    weighted = _measure(np.bincount(picks, minlength=40)[None].astype(float), x, m, y)
    repeated = _measure(np.ones((1, 40)), x[picks], m[picks], y[picks])
    for which in (0, 2, 3):
        assert weighted[which][0] == pytest.approx(repeated[which][0], rel=1e-9)


def test_a_score_that_points_the_wrong_way_gains_nothing():
    y, b, m = data(n=300)
    right, wrong = (gain_beyond_baseline(y, b, s, generator=np.random.default_rng(1)) for s in (m, -m))
    assert wrong.partial_correlation == pytest.approx(-right.partial_correlation)
    assert wrong.gain == pytest.approx(-right.gain)
    assert wrong.gain_95[1] < 0 < right.gain_95[0]


@pytest.mark.parametrize("score", [lambda b: b * 3 - 7, lambda b: np.full_like(b, 2.0)])
def test_a_score_that_the_baseline_determines_gains_nothing(score):
    y, b, _ = data()
    found = gain_beyond_baseline(y, b, score(b), generator=np.random.default_rng(1))
    assert (found.partial_correlation, found.gain, found.gain_95) == (0.0, 0.0, (0.0, 0.0))
    assert found.incremental_r2 == pytest.approx(0.0, abs=1e-9)


def test_gain_does_not_depend_on_units():
    y, b, m = data()
    forth = gain_beyond_baseline(y, b, m, generator=np.random.default_rng(1))
    back = gain_beyond_baseline(70 + 9 * y, b / 4 - 3, 1e3 * m, generator=np.random.default_rng(1))
    np.testing.assert_allclose(
        np.hstack([np.atleast_1d(v) for v in vars(back).values()]),
        np.hstack([np.atleast_1d(v) for v in vars(forth).values()]),
        rtol=1e-7,
    )


def test_missing_outcomes_are_left_out():
    y, b, m = data()
    y[::5] = np.nan
    kept = np.isfinite(y)
    found = gain_beyond_baseline(y, b, m, generator=np.random.default_rng(1))
    assert found.participants == kept.sum()
    assert (
        found.gain == gain_beyond_baseline(y[kept], b[kept], m[kept], generator=np.random.default_rng(2)).gain
    )


def test_wider_confidence_contains_narrower():
    found = gain_beyond_baseline(*data(), generator=np.random.default_rng(1))
    for narrow, wide in (
        (found.gain_90, found.gain_95),
        (found.partial_correlation_90, found.partial_correlation_95),
    ):
        assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert found.replicates >= 2000


def test_leave_one_out_r2_equals_refits():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((30, 5)), rng.standard_normal(30)
    assert leave_one_out_r2(y, x) == pytest.approx(1 - press(y, x) / ((y - y.mean()) ** 2).sum(), rel=1e-9)
    assert leave_one_out_r2(y, x) < 0


@pytest.mark.parametrize("case", ["few", "constant"])
def test_nothing_to_judge_is_refused(case):
    y, b, m = data(n=5 if case == "few" else 60)
    if case == "constant":
        y = np.ones(60)
    else:
        y[0] = np.nan
    with pytest.raises(HistoryError, match="cannot be judged"):
        gain_beyond_baseline(y, b, m, generator=np.random.default_rng(1))


def test_scaling_knows_a_constant():
    assert not scaled(np.full(5, 1e9)).any()


def test_an_interval_needs_replicates():
    with pytest.raises(HistoryError, match="replicates: must be at least 1"):
        gain_beyond_baseline(*data(), generator=np.random.default_rng(1), replicates=0)
