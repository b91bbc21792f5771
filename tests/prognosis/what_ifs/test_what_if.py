from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import trialsim.prognosis.what_ifs.longitudinal as module
from tests.prognosis.stand_ins import coefficients_of, made_up_prognosis
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import TreatmentTerm, what_if

DRAWS = 80
WEEKS = [24.0, 52.0]


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=60, dropout=0.0)


@pytest.fixture(scope="module")
def prognosis(history):
    rng = np.random.default_rng(2)
    scales = np.column_stack([rng.uniform(0.3, 0.9, (DRAWS, 4)), np.zeros(DRAWS), np.ones(DRAWS)])
    coefficients = rng.standard_normal((DRAWS, coefficients_of(history)))
    return made_up_prognosis(history, scales, coefficients)


def ask(prognosis, history, **changes):
    return what_if(
        prognosis, history.covariates, history.baseline, WEEKS, generator=np.random.default_rng(1), **changes
    )


def test_a_shift_of_a_covariate_moves_every_draw_by_its_coefficients(prognosis, history):
    found = ask(prognosis, history, add={"x1": 0.7})
    s, names = prognosis.standardisation, prognosis.coefficient_names()
    step = 0.7 / s.sd[s.labels.index("x1")] * s.unit
    level, slope = (prognosis.coefficients[:, names.index(f"{kind}[x1]")] for kind in ("level", "slope"))
    for visit, week in enumerate(WEEKS):
        t = s.clock(np.array([week]))[0]
        by_draw = step * (level + slope * t)
        np.testing.assert_allclose(found.difference[:, visit], by_draw.mean(), rtol=1e-9)
        np.testing.assert_allclose(found.difference_sd[:, visit], by_draw.std(), rtol=1e-9)
        assert found.mean[visit] == pytest.approx(by_draw.mean())
        assert (found.low[visit], found.high[visit]) == pytest.approx(
            tuple(np.quantile(by_draw, [0.05, 0.95]))
        )
    np.testing.assert_allclose(found.after.score - found.before.score, found.difference, rtol=1e-9)


def test_setting_everybody_to_a_value_is_predicting_such_people(prognosis, history):
    found = ask(prognosis, history, set_to={"x0": 1.5, "baseline": 21.0})
    values = history.covariates.values.copy()
    values[:, 0] = 1.5
    plain = prognosis.predict(
        Covariates(history.covariates.names, values), np.full(len(history), 21.0), WEEKS
    )
    np.testing.assert_allclose(found.after.score, plain.score, rtol=1e-12)
    np.testing.assert_allclose(found.after.sd, plain.sd, rtol=1e-12)
    np.testing.assert_allclose(found.difference, plain.score - found.before.score, rtol=1e-9, atol=1e-9)


def test_no_input_is_changed(prognosis, history):
    values, baseline = history.covariates.values.copy(), history.baseline.copy()
    ask(prognosis, history, set_to={"x0": 9.0, "baseline": 3.0})
    np.testing.assert_array_equal(history.covariates.values, values)
    np.testing.assert_array_equal(history.baseline, baseline)


def test_a_treatment_adds_its_effect_and_its_uncertainty(prognosis, history, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_NUMBERS", 1000)
    term = TreatmentTerm("drug", "a meta-analysis", -0.5, 0.2, dose=2.0, full_by_week=48.0)
    found = ask(prognosis, history, treatment=term)
    drawn = term.effects(DRAWS, np.random.default_rng(1))
    assert (drawn.mean(), drawn.std()) == pytest.approx((-0.5, 0.2)), (
        "what was assumed, and no Monte Carlo error"
    )
    assert np.quantile(drawn, 0.95) == pytest.approx(-0.5 + 0.2 * norm.ppf(0.95), abs=0.02)
    for visit, share in enumerate((2.0 * 0.5, 2.0)):
        np.testing.assert_allclose(found.difference[:, visit], share * drawn.mean(), rtol=1e-9)
        assert found.high[visit] - found.low[visit] == pytest.approx(
            share * np.diff(np.quantile(drawn, [0.05, 0.95]))[0]
        )
        np.testing.assert_allclose(
            found.after.sd[:, visit] ** 2, found.before.sd[:, visit] ** 2 + (share * drawn.std()) ** 2
        )
    assert found.to_frame()["week"].tolist() == WEEKS


def test_missing_values_stay_missing_when_added_to(prognosis, history):
    values = history.covariates.values.copy()
    values[4, 2] = np.nan
    gone = Covariates(history.covariates.names, values)
    found = what_if(
        prognosis, gone, history.baseline, WEEKS, add={"x2": 1.0}, generator=np.random.default_rng(1)
    )
    np.testing.assert_allclose(found.difference[4], 0.0, atol=1e-12)
    assert (found.difference[5] != 0).all()


def test_values_far_from_the_history_are_counted(prognosis, history):
    assert ask(prognosis, history, set_to={"x0": 50.0}).outside == {"x0": 1.0}
    assert ask(prognosis, history, add={"x0": 0.1}).outside == {"x0": 0.0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "nothing is changed"),
        ({"add": {"age": 1.0}}, "age: is no covariate of the prognosis"),
        ({"add": {"x0": np.nan}}, "must be a finite number"),
        ({"add": {"x0": 1.0}, "set_to": {"x0": 1.0}}, "x0: is set and added to"),
        ({"treatment": TreatmentTerm("drug", "none", 1.0, -1.0)}, "standard deviation of 0 or more"),
        ({"treatment": TreatmentTerm("drug", "none", 1.0, 1.0, dose=np.nan)}, "needs a finite dose"),
    ],
)
def test_what_cannot_be_asked(prognosis, history, changes, words):
    with pytest.raises(HistoryError, match=words):
        ask(prognosis, history, **changes)
