from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import trialsim.prognosis.twins.longitudinal as module
from tests.prognosis.stand_ins import coefficients_of, made_up_prognosis
from trialsim.errors import HistoryError
from trialsim.prognosis import Prognosis, update_twins

DRAWS = 60


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=80, dropout=0.0)


@pytest.fixture(scope="module")
def prognosis(history):
    """Return a prognosis with made-up draws: what it predicts does not depend on how it was fitted."""
    rng = np.random.default_rng(2)
    scales = np.column_stack(
        [rng.uniform(0.2, 0.9, (DRAWS, 4)), rng.uniform(-0.9, 0.9, DRAWS), rng.uniform(0.5, 1, DRAWS)]
    )
    coefficients = rng.standard_normal((DRAWS, coefficients_of(history)))
    return made_up_prognosis(history, scales, coefficients)


def by_hand(prognosis, history, participant, week):
    """Return mean and standard deviation of each draw's prediction of one participant at one week."""
    s = prognosis.standardisation
    x = s.matrix(history.covariates, history.baseline)[participant]
    half = (s.weeks[-1] - s.weeks[0]) / 2
    t = (week - s.weeks[0]) / half - 1
    v, k = len(s.weeks), len(s.labels)
    means, sds = [], []
    for theta, (_, _, sd0, sd1, rho, sigma) in zip(prognosis.coefficients, prognosis.scales, strict=True):
        mu = np.interp(week, s.weeks, theta[:v])
        change = mu + x @ theta[v : v + k] + x @ theta[v + k :] * t
        means.append(history.baseline[participant] + s.unit * change)
        sds.append(s.unit * np.sqrt(sd0**2 + 2 * rho * sd0 * sd1 * t + sd1**2 * t**2 + sigma**2))
    return np.array(means), np.array(sds)


@pytest.mark.parametrize("week", [12.0, 30.0, 52.0])
def test_score_and_sd_are_those_of_the_mixture(prognosis, history, week):
    twins = prognosis.predict(history.covariates, history.baseline, [week])
    for participant in (0, 7, 79):
        means, sds = by_hand(prognosis, history, participant, week)
        assert twins.score[participant, 0] == pytest.approx(means.mean(), rel=1e-12)
        assert twins.sd[participant, 0] == pytest.approx(np.sqrt((sds**2).mean() + means.var()), rel=1e-12)


def test_rows_that_do_not_belong_together_are_refused(prognosis, history):
    few = history.covariates.take(np.arange(5))
    with pytest.raises(HistoryError, match="baseline: has 80 rows for the 5 participants"):
        prognosis.predict(few, history.baseline, [12.0])
    with pytest.raises(HistoryError, match="outcomes: has 80 rows for the 5 participants"):
        prognosis.pit(few, history.baseline[:5], history.weeks, history.outcomes)
    with pytest.raises(HistoryError, match="baseline: has 80 rows for the 5 participants"):
        update_twins(prognosis, few, history.baseline, [12.0], np.zeros((80, 1)), [24.0])


def test_pit_is_that_of_the_mixture(prognosis, history):
    pit = prognosis.pit(history.covariates, history.baseline, history.weeks, history.outcomes)
    means, sds = by_hand(prognosis, history, 5, 36.0)
    assert pit[5, 2] == pytest.approx(norm.cdf(history.outcomes[5, 2], means, sds).mean(), rel=1e-12)


def test_pit_is_missing_where_the_outcome_is(prognosis, history):
    outcomes = np.where(np.arange(4) == 1, np.nan, history.outcomes)
    pit = prognosis.pit(history.covariates, history.baseline, history.weeks, outcomes)
    assert np.isnan(pit[:, 1]).all()
    assert np.isfinite(pit[:, [0, 2, 3]]).all()


def test_draws_have_the_twins_mean_sd_and_correlation(prognosis, history):
    few = np.arange(6)
    count = 60_000
    twins = prognosis.predict(
        history.covariates.take(few), history.baseline[few], history.weeks, np.random.default_rng(3), count
    )
    error = twins.sd / np.sqrt(count)
    assert np.abs((twins.draws.mean(axis=2) - twins.score) / error).max() < 4.5
    np.testing.assert_allclose(twins.draws.std(axis=2), twins.sd, rtol=4.5 / np.sqrt(count))
    within = prognosis.residual_covariance(history.weeks).mean(axis=0)
    rows = [by_hand(prognosis, history, 0, week)[0] for week in history.weeks]
    expected = within + np.cov(rows, ddof=0)
    found = np.cov(twins.draws[0])
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(found - expected) / scale).max() < 4.5 * np.sqrt(2 / count)


def test_chunks_change_no_number(prognosis, history, monkeypatch):
    def predict():
        return prognosis.predict(
            history.covariates, history.baseline, history.weeks, np.random.default_rng(3), 50
        )

    whole = predict()
    monkeypatch.setattr(module, "_CHUNK_NUMBERS", 700)
    monkeypatch.setattr(module, "_DRAW_CHUNK_NUMBERS", 700)
    parts = predict()
    np.testing.assert_allclose(parts.score, whole.score, rtol=1e-13)
    np.testing.assert_allclose(parts.draws, whole.draws, rtol=1e-12)


def test_no_draws_unless_asked_and_none_without_a_generator(prognosis, history):
    assert prognosis.predict(history.covariates, history.baseline, [24.0]).draws is None
    with pytest.raises(ValueError, match="generator"):
        prognosis.predict(history.covariates, history.baseline, [24.0], draws=5)


def test_what_is_saved_is_loaded_and_predicts_the_same(prognosis, history, tmp_path):
    path = tmp_path / "p.npz"
    prognosis.save(path)
    loaded = Prognosis.load(path)
    assert loaded.content_hash == prognosis.content_hash
    assert loaded.summary == prognosis.summary
    assert loaded.diagnostics == prognosis.diagnostics
    twins = [p.predict(history.covariates, history.baseline, [40.0]) for p in (prognosis, loaded)]
    np.testing.assert_array_equal(twins[0].sd, twins[1].sd)


def test_another_format_is_refused(prognosis, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FORMAT_TAG", "trialsim.prognosis/0")
    prognosis.save(tmp_path / "p.npz")
    monkeypatch.undo()
    with pytest.raises(HistoryError, match="format"):
        Prognosis.load(tmp_path / "p.npz")


def test_content_hash_follows_the_content(prognosis):
    other = replace(prognosis, coefficients=prognosis.coefficients + 1e-12)
    assert other.content_hash != prognosis.content_hash


def test_no_participant_can_be_read_from_what_is_kept(prognosis, history, tmp_path):
    prognosis.save(tmp_path / "p.npz")
    kept = np.load(tmp_path / "p.npz")
    numbers = np.concatenate([kept[name].ravel() for name in kept.files if kept[name].dtype == float])
    assert not np.isin(history.baseline, numbers).any()
    assert not np.isin(history.outcomes, numbers).any()


def test_coefficients_are_named(prognosis):
    names = prognosis.coefficient_names()
    assert len(names) == prognosis.coefficients.shape[1] == len(set(names))
    assert names[0] == "mean[week 12]"
    assert names[-1] == "slope[x2]"
