from __future__ import annotations

import numpy as np
import pytest

from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.shapes import Shapes, curves, knots_of
from trialsim.prognosis.models.terms import ModelTerms

NAMES = ("age", "mmse")
KNOTS = np.array([1.0, 2.0, 4.0, 5.0])


def by_hand(x, knots):
    """Return the curves from their textbook formula, one value at a time."""
    k1, k2, k3, k4 = knots
    found = []
    for value in x:
        row = []
        for k in (k1, k2):
            s = max(value - k, 0) ** 3
            s -= max(value - k3, 0) ** 3 * (k4 - k) / (k4 - k3)
            s += max(value - k4, 0) ** 3 * (k3 - k) / (k4 - k3)
            row.append(s / (k4 - k1) ** 2)
        found.append(row)
    return np.array(found)


def test_curves_are_those_of_the_textbook():
    x = np.linspace(-1, 8, 40)
    np.testing.assert_allclose(curves(x, KNOTS), by_hand(x, KNOTS), atol=1e-12)


def test_curves_are_straight_beyond_the_outer_knots_and_smooth_between():
    for outside in (np.linspace(-3, 1, 9), np.linspace(5, 9, 9)):
        assert np.abs(np.diff(curves(outside, KNOTS), n=2, axis=0)).max() < 1e-9
    inside = curves(np.linspace(0, 6, 6001), KNOTS)
    bend = np.diff(inside, n=2, axis=0) / 1e-6
    assert np.abs(np.diff(bend, axis=0)).max() < 2e-3
    assert np.abs(bend).max() > 0.1


def test_curves_with_coinciding_knots_are_flat():
    assert not curves(np.arange(5.0), np.array([0.0, 1.0, 1.0, 2.0])).any()


def test_knots_are_near_quantiles_and_nobodys_value():
    values = np.random.default_rng(1).gamma(2.0, 3.0, 401)
    knots = knots_of(values)
    np.testing.assert_allclose(knots, np.quantile(values, [0.05, 0.35, 0.65, 0.95]), atol=values.std() / 199)
    assert not np.isin(knots, values).any()


@pytest.fixture
def values():
    rng = np.random.default_rng(2)
    found = rng.standard_normal((300, 2)) * [8, 3] + [70, 24]
    found[::9, 1] = np.nan
    return found


def test_columns_have_neither_mean_nor_line_left(values):
    shapes, filled = Shapes.learn(NAMES, values, ("mmse",), (("age", "mmse"),))
    assert shapes.labels == ("mmse'", "mmse''", "age x mmse")
    found = shapes.columns(NAMES, filled)
    assert np.abs(found[:, :2].mean(axis=0)).max() < 1e-10
    assert np.abs(filled[:, 1] @ found[:, :2]).max() < 1e-7
    deviation = filled - np.nanmean(values, axis=0)
    np.testing.assert_allclose(found[:, 2], deviation[:, 0] * deviation[:, 1], atol=1e-11)


def test_a_missing_value_is_the_mean_has_an_indicator_and_no_product(simulate_history):
    history = simulate_history(participants=150)
    gappy = history.covariates.values.copy()
    gappy[:40, 0] = np.nan
    history = type(history)(
        **(vars(history) | {"covariates": type(history.covariates)(("x0", "x1", "x2"), gappy)})
    )
    terms = ModelTerms(splines=("x0",), interactions=(("x0", "x1"),))
    s = standardise(history, terms)
    assert s.labels[5:] == ("x0_missing", "x0'", "x0''", "x0 x x1")
    x = s.matrix(history.covariates, history.baseline)
    assert np.ptp(x[:40, 6:], axis=0) == pytest.approx(0.0, abs=1e-12)
    raw_zero = -s.mean[-1] / s.sd[-1]
    np.testing.assert_allclose(x[:40, -1], raw_zero, atol=1e-12)
    other = history.outcomes + 100 * np.isnan(gappy[:, :1])
    again = standardise(type(history)(**(vars(history) | {"outcomes": other})), terms)
    np.testing.assert_array_equal(again.matrix(history.covariates, history.baseline), x)


def test_the_columns_are_standardised_and_do_not_depend_on_units(simulate_history):
    history = simulate_history(participants=200)
    terms = ModelTerms(splines=("x0", "baseline"), interactions=(("x1", "baseline"),))
    x = standardise(history, terms).matrix(history.covariates, history.baseline)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1)
    shifted = type(history.covariates)(history.covariates.names, 10 * history.covariates.values + 3)
    other = type(history)(**(vars(history) | {"covariates": shifted}))
    again = standardise(other, terms).matrix(shifted, history.baseline)
    np.testing.assert_allclose(again, x, atol=1e-9)


def test_a_trial_is_not_standardised_by_itself(simulate_history):
    history, trial = simulate_history(participants=200), simulate_history(participants=50, seed=8)
    terms = ModelTerms(splines=("x0",))
    s = standardise(history, terms)
    whole = s.matrix(trial.covariates, trial.baseline)
    few = np.arange(7)
    np.testing.assert_array_equal(s.matrix(trial.covariates.take(few), trial.baseline[few]), whole[few])
