"""Twins with study effects and a spread that differs: what is predicted from given draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import trialsim.prognosis.twins.longitudinal as module
from trialsim.prognosis import Prognosis, summarise, update_twins, what_if
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.gram import regression_rows
from trialsim.prognosis.models.terms import ModelTerms

DRAWS = 50
CASES = (
    ModelTerms(studies=True),
    ModelTerms(variance=("x0", "baseline")),
    ModelTerms(("x1",), (("x0", "x2"),), ("x2",), True),
    ModelTerms(visit_scales=True),
    ModelTerms(variance=("x1",), studies=True, visit_scales=True),
)


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=90, dropout=0.0)


def made_up(history, terms):
    """Return a prognosis with made-up draws: what it predicts does not depend on how it was fitted."""
    rng = np.random.default_rng(2)
    s = standardise(history, terms)
    scales = [rng.uniform(0.2, 0.9, (DRAWS, 4)), rng.uniform(-0.9, 0.9, DRAWS), rng.uniform(0.5, 1, DRAWS)]
    scales += [rng.uniform(0.1, 0.5, (DRAWS, 2))] if terms.studies else []
    scales += [0.2 + 0.1 * rng.standard_normal((DRAWS, 2 * len(terms.variance)))]
    coefficients = 0.3 * rng.standard_normal((DRAWS, len(s.weeks) + 2 * len(s.labels)))
    facts = {"max_rhat": 1.0}
    return Prognosis(
        s, np.column_stack(scales), coefficients, np.ones(2), facts, summarise(history), "key", terms
    )


def by_hand(prognosis, history, i, weeks):
    """Return mean (D, V), covariance within a study and between studies (D, V, V) of one participant."""
    s, terms = prognosis.standardisation, prognosis.terms
    weeks = np.asarray(weeks)
    x = s.matrix(history.covariates, history.baseline)[[i]]
    t, rate = s.clock(weeks), weeks / s.weeks[-1]
    count = np.ones(len(weeks))
    if terms.visit_scales:
        change = history.outcomes - history.baseline[:, None]
        count = np.interp(weeks, s.weeks, change.std(axis=0)) / s.unit
    rows = regression_rows(s.hats(weeks), x, t)[0] * count[:, None]
    both = np.outer(count, count)
    means, within, between = [], [], []
    for theta, scale in zip(prognosis.coefficients, prognosis.scales, strict=True):
        _, _, sd0, sd1, rho, sigma, *rest = scale
        omega = rest[:2] if terms.studies else (0, 0)
        logs = rest[2:] if terms.studies else rest
        z = np.array([x[0, s.labels.index(name)] for name in terms.variance])
        wide = np.exp(2 * z @ logs[: len(z)]) if len(z) else 1.0
        noisy = np.exp(2 * z @ logs[len(z) :]) if len(z) else 1.0
        effects = sd0**2 + rho * sd0 * sd1 * (t[:, None] + t) + sd1**2 * np.outer(t, t)
        means.append(history.baseline[i] + s.unit * rows @ theta)
        within.append(s.unit**2 * both * (wide * effects + noisy * sigma**2 * np.eye(len(t))))
        between.append(s.unit**2 * both * (omega[0] ** 2 + omega[1] ** 2 * np.outer(rate, rate)))
    return np.array(means), np.array(within), np.array(between)


@pytest.mark.parametrize("terms", CASES)
def test_score_sd_and_pit_are_those_of_the_mixture(history, terms):
    prognosis = made_up(history, terms)
    twins = prognosis.predict(history.covariates, history.baseline, [12.0, 40.0])
    pit = prognosis.pit(history.covariates, history.baseline, history.weeks, history.outcomes)
    for i in (0, 7, 89):
        mean, within, between = by_hand(prognosis, history, i, [12.0, 40.0])
        variance = np.einsum("dvv->dv", within + between)
        np.testing.assert_allclose(twins.score[i], mean.mean(axis=0), rtol=1e-11)
        np.testing.assert_allclose(twins.sd[i], np.sqrt(variance.mean(axis=0) + mean.var(axis=0)), rtol=1e-11)
        mean, within, between = by_hand(prognosis, history, i, history.weeks)
        sd = np.sqrt(np.einsum("dvv->dv", within + between))
        np.testing.assert_allclose(pit[i], norm.cdf(history.outcomes[i], mean, sd).mean(axis=0), rtol=1e-10)


@pytest.mark.parametrize("terms", CASES)
def test_draws_have_the_twins_covariance_and_share_the_study(history, terms):
    prognosis = made_up(history, terms)
    few, count = np.arange(2), 40_000
    twins = prognosis.predict(
        history.covariates.take(few), history.baseline[few], history.weeks, np.random.default_rng(3), count
    )
    parts = [by_hand(prognosis, history, i, history.weeks) for i in few]
    chosen = np.linspace(0, DRAWS - 1, count).round().astype(int)
    share = np.bincount(chosen) / count
    for i, (mean, within, between) in enumerate(parts):
        centred = mean - share @ mean
        expected = np.einsum("d,dvw->vw", share, within + between) + (centred.T * share) @ centred
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        found = np.cov(twins.draws[i])
        assert (np.abs(found - expected) / scale).max() < 4.5 * np.sqrt(2 / count)
    together = [mean - share @ mean for mean, _, _ in parts]
    expected = (together[0].T * share) @ together[1] + np.einsum("d,dvw->vw", share, parts[0][2])
    found = np.cov(twins.draws[0], twins.draws[1])[:4, 4:]
    scale = np.outer(twins.sd[0], twins.sd[1])
    assert (np.abs(found - expected) / scale).max() < 4.5 * np.sqrt(2 / count)


@pytest.mark.parametrize("terms", CASES)
def test_an_updated_twin_is_the_weighted_mixture_of_conditional_normals(history, terms):
    prognosis = made_up(history, terms)
    seen = history.outcomes[:, :2].copy()
    seen[1, 0] = np.nan
    found = update_twins(
        prognosis, history.covariates, history.baseline, history.weeks[:2], seen, history.weeks[2:]
    )
    for i in (0, 1, 60):
        mean, within, between = by_hand(prognosis, history, i, history.weeks)
        known, later = np.flatnonzero(np.isfinite(seen[i])), np.array([2, 3])
        means, variances, weights = [], [], []
        for m, v in zip(mean, within + between, strict=True):
            gain = v[np.ix_(later, known)] @ np.linalg.inv(v[np.ix_(known, known)])
            means.append(m[later] + gain @ (seen[i, known] - m[known]))
            variances.append(np.diag(v[np.ix_(later, later)] - gain @ v[np.ix_(known, later)]))
            weights.append(multivariate_normal(m[known], v[np.ix_(known, known)]).pdf(seen[i, known]))
        w = np.array(weights) / np.sum(weights)
        score = w @ np.array(means)
        variance = w @ np.array(variances) + w @ (np.array(means) - score) ** 2
        np.testing.assert_allclose(found.twins.score[i], score, rtol=1e-9)
        np.testing.assert_allclose(found.twins.sd[i], np.sqrt(variance), rtol=1e-9)


@pytest.mark.parametrize("terms", CASES)
def test_what_is_saved_is_loaded_and_predicts_the_same(history, terms, tmp_path):
    prognosis = made_up(history, terms)
    prognosis.save(tmp_path / "p.npz")
    loaded = Prognosis.load(tmp_path / "p.npz")
    assert loaded.terms == terms
    assert loaded.content_hash == prognosis.content_hash
    twins = [p.predict(history.covariates, history.baseline, [40.0]) for p in (prognosis, loaded)]
    np.testing.assert_array_equal(twins[0].score, twins[1].score)
    np.testing.assert_array_equal(twins[0].sd, twins[1].sd)
    kept = np.load(tmp_path / "p.npz")
    numbers = np.concatenate([kept[name].ravel() for name in kept.files if kept[name].dtype == float])
    assert not np.isin(history.baseline, numbers).any()
    assert not np.isin(history.covariates.values, numbers).any()


def test_chunks_change_no_number(history, monkeypatch):
    prognosis = made_up(history, CASES[2])

    def predict():
        return prognosis.predict(
            history.covariates, history.baseline, history.weeks, np.random.default_rng(3), 20
        )

    whole = predict()
    monkeypatch.setattr(module, "_CHUNK_NUMBERS", 700)
    monkeypatch.setattr(module, "_DRAW_CHUNK_NUMBERS", 700)
    parts = predict()
    np.testing.assert_allclose(parts.sd, whole.sd, rtol=1e-13)
    np.testing.assert_allclose(parts.draws, whole.draws, rtol=1e-12)


def test_what_if_follows_curve_product_and_spread(history):
    prognosis = made_up(history, CASES[2])
    found = what_if(
        prognosis,
        history.covariates,
        history.baseline,
        [52.0],
        add={"x1": 0.7, "x2": 1.0},
        generator=np.random.default_rng(1),
    )
    values = history.covariates.values + np.array([0.0, 0.7, 1.0])
    moved = prognosis.predict(replace(history.covariates, values=values), history.baseline, [52.0])
    np.testing.assert_allclose(found.after.score, moved.score)
    np.testing.assert_allclose(found.after.sd, moved.sd)
    np.testing.assert_allclose(found.difference, moved.score - found.before.score, atol=1e-9)
    # A curve and a product: people differ in what the same change does, and in how their spread moves.
    assert np.ptp(found.difference) > 0.01
    assert np.ptp(found.after.sd - found.before.sd) > 0.01
