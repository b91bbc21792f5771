"""Twins of responses, levels, counts and events under another covariate or an assumed treatment."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import trialsim.prognosis.what_ifs.outcome as module
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import ModelTerms, OutcomeHistory, OutcomePrognosis, TreatmentTerm, outcome_what_if
from trialsim.prognosis.families import FAMILIES, beta, concatenate, linear_predictor
from trialsim.prognosis.histories import ISSUED
from trialsim.prognosis.models.columns import Columns, responses_of

DRAWS, N = 60, 80
TERMS = ModelTerms(("age",), (("age", "dose"),))


def made_up(family: str, studies: int = 4) -> tuple[OutcomeHistory, OutcomePrognosis]:
    """Return a history and a prognosis with draws of the prior, with a curve and a product."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((N, 2)) * [8.0, 1.0] + [60.0, 0.0]
    x[::7, 1] = np.nan
    outcome, levels = np.arange(N) % 2 * 1.0, ()
    if family == "ordinal":
        outcome, levels = np.arange(N) % 3 * 1.0, ("none", "mild", "severe")
    time = np.full(N, 26.0) if family in ("binary", "ordinal") else rng.uniform(13, 26, N)
    covariates, group = Covariates(("age", "dose"), x), np.arange(N) % studies
    history = OutcomeHistory("relapse", "made", family, covariates, outcome, time, group, levels)
    columns = Columns.of(history.covariates, TERMS)
    data, unit = responses_of(history, columns)
    params = concatenate([FAMILIES[family].draw_prior(data.shape, rng) for _ in range(DRAWS)])
    params["beta_raw"] *= 0.5
    return history, OutcomePrognosis(
        "relapse", family, columns, params, data.cuts, unit, levels, {"max_rhat": 1.0}, "key"
    )


def weeks_of(prognosis: OutcomePrognosis) -> list[float]:
    return [6.0, prognosis.unit] if prognosis.law.counts_time else [prognosis.unit]


def ask(prognosis, covariates, **changes):
    return outcome_what_if(
        prognosis, covariates, weeks_of(prognosis), generator=np.random.default_rng(1), **changes
    )


@pytest.mark.parametrize("family", ISSUED)
@pytest.mark.parametrize("studies", [4, 1])
def test_a_change_is_predicting_such_people_with_their_curve_and_product(monkeypatch, family, studies):
    monkeypatch.setattr(module, "_CHUNK_NUMBERS", 7 * DRAWS)
    history, prognosis = made_up(family, studies)
    found = ask(prognosis, history.covariates, set_to={"age": 75.0}, add={"dose": 0.5})
    values = history.covariates.values.copy()
    values[:, 0], values[:, 1] = 75.0, values[:, 1] + 0.5
    plain = prognosis.predict(Covariates(("age", "dose"), values), weeks_of(prognosis))
    before = prognosis.predict(history.covariates, weeks_of(prognosis))
    for mine, theirs in ((found.after, plain), (found.before, before)):
        np.testing.assert_allclose(mine.score, theirs.score, rtol=1e-9)
        np.testing.assert_allclose(mine.sd, theirs.sd, rtol=1e-6)
    np.testing.assert_allclose(found.difference, plain.score - before.score, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(found.mean, found.difference.mean(axis=0), rtol=1e-9)
    assert (found.low < found.mean).all()
    assert (found.mean < found.high).all()


def test_the_difference_follows_the_curve_and_not_its_line():
    history, prognosis = made_up("binary", studies=1)
    steps = [
        ask(prognosis, history.covariates, set_to={"age": age}).difference for age in (44.0, 52.0, 60.0, 68.0)
    ]
    # A line in log odds would give one step; the curve's columns make it another one at each age.
    x = {
        age: prognosis.columns.matrix(Covariates(("age", "dose"), np.array([[age, 0.3]]))) for age in (44, 60)
    }
    b = beta(prognosis.params)
    assert (x[44][0, 3:5] != x[60][0, 3:5]).all()
    person = Covariates(("age", "dose"), np.array([[44.0, 0.3]]))
    found = ask(prognosis, person, set_to={"age": 60.0})
    eta = {age: prognosis.params["intercept"] + (b * row).sum(axis=1) for age, row in x.items()}
    by_draw = expit(eta[60]) - expit(eta[44])
    assert found.difference[0, 0] == pytest.approx(by_draw.mean())
    assert found.difference_sd[0, 0] == pytest.approx(by_draw.std())
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(np.quantile(by_draw, [0.05, 0.95])))
    assert len({step.tobytes() for step in steps}) == 4


def test_a_missing_value_stays_missing_when_added_to():
    history, prognosis = made_up("weibull")
    found = ask(prognosis, history.covariates, add={"dose": 1.0})
    missing = np.isnan(history.covariates.column("dose"))
    np.testing.assert_allclose(found.difference[missing], 0.0, atol=1e-12)
    assert (found.difference[~missing] != 0).all()


@pytest.mark.parametrize("family", ISSUED)
def test_a_treatment_moves_the_log_odds_rate_or_hazard_with_its_uncertainty(family):
    history, prognosis = made_up(family, studies=1)
    term = TreatmentTerm("drug", "a meta-analysis", -0.4, 0.1, dose=2.0)
    found = ask(prognosis, history.covariates, treatment=term)
    drawn = 2.0 * term.effects(DRAWS, np.random.default_rng(1))
    x, times = prognosis.columns.matrix(history.covariates), np.array(weeks_of(prognosis)) / prognosis.unit
    eta = linear_predictor(prognosis.params, x)
    now, new = (
        prognosis.law.moments(prognosis.params, eta + shift[:, None], times, prognosis.cuts)[0]
        for shift in (np.zeros(DRAWS), drawn)
    )
    np.testing.assert_allclose(found.difference, (new - now).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.difference_sd, (new - now).std(axis=0), rtol=1e-9)
    assert (found.difference < 0).all()
    ratio = np.broadcast_to(np.exp(drawn)[:, None, None], now.shape)
    if family == "count":
        np.testing.assert_allclose(new / now, ratio)
        return
    # Draws of the prior can be all but certain: their odds and hazards have no digits left.
    sure = (np.minimum(now, new) > 1e-6) & (np.maximum(now, new) < 1 - 1e-6)
    assert sure.mean() > 0.3
    now, new, ratio = now[sure], new[sure], ratio[sure]
    if family == "binary":
        np.testing.assert_allclose(new / (1 - new) / (now / (1 - now)), ratio, rtol=1e-6)
    if family in ("weibull", "piecewise"):
        np.testing.assert_allclose(np.log1p(-new) / np.log1p(-now), ratio, rtol=1e-6)


def test_no_input_is_changed_and_far_values_are_counted():
    history, prognosis = made_up("count")
    values = history.covariates.values.copy()
    assert ask(prognosis, history.covariates, set_to={"age": 200.0}).outside == {"age": 1.0}
    assert ask(prognosis, history.covariates, add={"age": 0.5}).outside == {"age": 0.0}
    np.testing.assert_array_equal(history.covariates.values, values)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "nothing is changed"),
        ({"add": {"baseline": 1.0}}, "baseline: is no covariate of the prognosis.*one of age, dose"),
        ({"set_to": {"age": np.inf}}, "age: must be a finite number"),
        ({"add": {"age": 1.0}, "set_to": {"age": 1.0}}, "age: is set and added to"),
        ({"treatment": TreatmentTerm("drug", "none", np.nan, 1.0)}, "finite effect and a standard deviation"),
        ({"treatment": TreatmentTerm("drug", "x", 1.0, 0.1, full_by_week=12.0)}, "from week 0 on. Got 12.0"),
    ],
)
def test_what_cannot_be_asked(changes, words):
    history, prognosis = made_up("piecewise")
    with pytest.raises(HistoryError, match=words):
        ask(prognosis, history.covariates, **changes)


def test_weeks_that_nothing_was_learnt_about():
    history, prognosis = made_up("weibull")
    with pytest.raises(HistoryError, match="nothing was learnt beyond week"):
        outcome_what_if(
            prognosis, history.covariates, [99.0], add={"age": 1.0}, generator=np.random.default_rng(1)
        )
