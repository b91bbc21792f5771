from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, multivariate_normal, ttest_1samp
from statsmodels.api import OLS, add_constant

import trialsim.prognosis.living.updating as module
from tests.prognosis.stand_ins import coefficients_of, made_up_prognosis
from trialsim.data import Twins
from trialsim.errors import HistoryError
from trialsim.prognosis.living.recalibration import add_interim, recalibrate
from trialsim.prognosis.living.updating import NO_COVARIATE, update_interim, update_twins
from trialsim.prognosis.models.gram import regression_rows

DRAWS = 70
SEEN, AHEAD = [12.0, 24.0], [36.0, 52.0]


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=60, dropout=0.0)


@pytest.fixture(scope="module")
def prognosis(history):
    """Return a prognosis with made-up draws near one point: an update does not depend on the fit."""
    rng = np.random.default_rng(2)
    scales = np.column_stack(
        [rng.uniform(0.4, 0.8, (DRAWS, 4)), rng.uniform(-0.5, 0.5, DRAWS), rng.uniform(0.5, 0.8, DRAWS)]
    )
    coefficients = 0.5 + 0.3 * rng.standard_normal((DRAWS, coefficients_of(history)))
    return made_up_prognosis(history, scales, coefficients)


def by_hand(prognosis, history, i, seen):
    """Return score, covariance and Kish size of one participant by dense algebra, draw by draw."""
    s = prognosis.standardisation
    weeks = np.array(SEEN + AHEAD)
    row = regression_rows(s.hats(weeks), s.matrix(history.covariates, history.baseline)[[i]], s.clock(weeks))[
        0
    ]
    known = np.flatnonzero(np.isfinite(seen))
    means, covariances, weights = [], [], []
    for theta, v in zip(prognosis.coefficients, prognosis.residual_covariance(weeks), strict=True):
        m = history.baseline[i] + s.unit * row @ theta
        later = np.array([2, 3])
        inverse = np.linalg.inv(v[np.ix_(known, known)]) if known.size else np.empty((0, 0))
        gain = v[np.ix_(later, known)] @ inverse
        means.append(m[later] + gain @ (seen[known] - m[known]))
        covariances.append(v[np.ix_(later, later)] - gain @ v[np.ix_(known, later)])
        density = (
            multivariate_normal(m[known], v[np.ix_(known, known)]).pdf(seen[known]) if known.size else 1.0
        )
        weights.append(density)
    w = np.array(weights) / np.sum(weights)
    means = np.array(means)
    score = w @ means
    covariance = np.einsum("d,dvw->vw", w, covariances)
    covariance = covariance + np.einsum("d,dv,dw->vw", w, means - score, means - score)
    return score, covariance, 1 / (w**2).sum()


@pytest.mark.parametrize("pattern", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_an_updated_twin_is_the_weighted_mixture_of_conditional_normals(prognosis, history, pattern):
    seen = np.where(np.array(pattern, dtype=bool), history.outcomes[:, :2], np.nan)
    found = update_twins(prognosis, history.covariates, history.baseline, SEEN, seen, AHEAD)
    for i in (0, 31, 59):
        score, covariance, effective = by_hand(prognosis, history, i, seen[i])
        np.testing.assert_allclose(found.twins.score[i], score, rtol=1e-10)
        np.testing.assert_allclose(found.twins.sd[i], np.sqrt(np.diag(covariance)), rtol=1e-10)
        assert found.effective_draws[i] == pytest.approx(effective, rel=1e-8)


def test_participants_with_other_patterns_keep_their_places(prognosis, history, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_NUMBERS", 600)
    seen = history.outcomes[:, :2].copy()
    seen[::3, 1] = np.nan
    seen[1::5, 0] = np.nan
    found = update_twins(prognosis, history.covariates, history.baseline, SEEN, seen, AHEAD).twins
    for i in (0, 1, 2, 21, 46):
        np.testing.assert_allclose(found.score[i], by_hand(prognosis, history, i, seen[i])[0], rtol=1e-10)


def test_without_a_visit_it_is_the_twin_at_baseline(prognosis, history):
    seen = np.empty((len(history), 0))
    found = update_twins(prognosis, history.covariates, history.baseline, [], seen, AHEAD)
    plain = prognosis.predict(history.covariates, history.baseline, AHEAD)
    np.testing.assert_allclose(found.twins.score, plain.score, rtol=1e-12)
    np.testing.assert_allclose(found.twins.sd, plain.sd, rtol=1e-12)
    np.testing.assert_allclose(found.effective_draws, DRAWS)


def test_draws_have_the_updated_mean_and_covariance(prognosis, history):
    few, count = np.arange(3), 40_000
    seen = history.outcomes[few, :2]
    found = update_twins(
        prognosis, history.covariates.take(few), history.baseline[few], SEEN, seen, AHEAD,
        np.random.default_rng(4), count,
    ).twins  # fmt: skip
    for i in few:
        score, covariance, _ = by_hand(prognosis, history, i, seen[i])
        error = np.sqrt(np.diag(covariance) / count)
        assert (np.abs(found.draws[i].mean(axis=1) - score) < 4.5 * error).all()
        scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
        assert (np.abs(np.cov(found.draws[i]) - covariance) / scale).max() < 4.5 * np.sqrt(2 / count)


def test_a_visit_above_expectation_raises_the_twin(prognosis, history):
    plain = prognosis.predict(history.covariates, history.baseline, SEEN).score
    up, down = (
        update_twins(prognosis, history.covariates, history.baseline, SEEN, plain + d, AHEAD).twins.score
        for d in (2.0, -2.0)
    )
    assert (up > down).all()


@pytest.mark.parametrize(
    ("seen_weeks", "change", "weeks", "words"),
    [
        ([12.0, 52.0], 0.0, [52.0], "week 52 was observed"),
        ([12.0, 24.0], np.inf, [52.0], "infinite"),
        ([12.0], 0.0, [52.0], "not 60 participants by 1 weeks"),
        ([12.0, 24.0], 0.0, [60.0], "nothing was learnt about week 60"),
    ],
)
def test_what_cannot_be_updated_is_refused(prognosis, history, seen_weeks, change, weeks, words):
    seen = history.outcomes[:, :2] + change
    with pytest.raises(HistoryError, match=words):
        update_twins(prognosis, history.covariates, history.baseline, seen_weeks, seen, weeks)


def test_draws_need_a_generator(prognosis, history):
    with pytest.raises(ValueError, match="generator"):
        update_twins(
            prognosis, history.covariates, history.baseline, [12.0], history.outcomes[:, :1], [52.0], draws=5
        )


def test_the_module_says_that_updates_are_no_covariate():
    assert "no covariate for a randomised comparison" in NO_COVARIATE
    assert "no covariate for a randomised comparison" in " ".join(module.__doc__.replace("*", "").split())
    assert "no covariate" in update_twins.__doc__


def test_early_and_late_entrants_have_their_own_weeks_ahead(prognosis, history, simulate_history):
    trial = simulate_history(participants=4, seed=21, dropout=0.0)
    outcomes, baseline = trial.outcomes.copy(), trial.baseline.copy()
    for i, reached in enumerate((4, 2, 0, 1)):
        outcomes[i, reached:] = np.nan
    outcomes[1, 0] = np.nan
    baseline[3] = np.nan
    trial = replace(trial, outcomes=outcomes, baseline=baseline)
    found = update_interim(prognosis, history, trial)
    assert found[["participant", "week"]].to_numpy().tolist() == [
        [1, 36], [1, 52], [2, 12], [2, 24], [2, 36], [2, 52],
    ]  # fmt: skip
    score, covariance, _ = by_hand(prognosis, trial.take([0, 1, 2]), 1, outcomes[1, :2])
    np.testing.assert_allclose(found["score"][:2], score)
    np.testing.assert_allclose(found["sd"][:2], np.sqrt(np.diag(covariance)))
    two = trial.take([2])
    plain = prognosis.predict(two.covariates, two.baseline, history.weeks)
    np.testing.assert_allclose(found["score"][2:], plain.score[0])


def test_visits_at_other_weeks_are_not_used(prognosis, history, simulate_history):
    trial = simulate_history(participants=5, seed=21, dropout=0.0)
    early = replace(trial, weeks=trial.weeks[:1], outcomes=trial.outcomes[:, :1])
    other = replace(trial, weeks=np.array([12.0, 18.0]), outcomes=trial.outcomes[:, :2])
    pd.testing.assert_frame_equal(
        update_interim(prognosis, history, early), update_interim(prognosis, history, other)
    )
    with pytest.raises(HistoryError, match="no week of the history"):
        update_interim(prognosis, history, replace(early, weeks=np.array([18.0])))


def made_up(n=80, intercept=1.5, slope=0.6, seed=3):
    rng = np.random.default_rng(seed)
    baseline = 20 + 5 * rng.standard_normal(n)
    predicted = 2 + rng.standard_normal(n)
    outcome = baseline + intercept + slope * predicted + 0.5 * rng.standard_normal(n)
    twins = Twins(np.array([12.0, 24.0]), np.column_stack([baseline, baseline + predicted]), np.ones((n, 2)))
    outcome[::10] = np.nan
    return outcome, baseline, twins


def test_recalibration_is_scipys_line_with_its_intervals():
    outcome, baseline, twins = made_up()
    found = recalibrate(outcome, baseline, twins, 24.0)
    kept = np.isfinite(outcome)
    line = linregress((twins.score[:, 1] - baseline)[kept], (outcome - baseline)[kept])
    assert (found.intercept, found.slope) == pytest.approx((line.intercept, line.slope))
    assert found.participants == 72
    half = found.slope_interval[1] - found.slope
    assert half / line.stderr == pytest.approx(1.9944371, rel=1e-6)
    assert found.needed
    assert not recalibrate(*made_up(intercept=0.0, slope=1.0), 24.0).needed


def test_a_shift_of_all_is_seen_though_no_interval_of_the_line_sees_it():
    """Predictions that differ little leave the intercept wide; the mean of what they missed is sharp."""
    rng = np.random.default_rng(8)
    baseline, predicted = np.full(80, 20.0), 2 + 0.8 * rng.standard_normal(80)
    twins = Twins(np.array([24.0]), (baseline + predicted)[:, None], np.ones((80, 1)))
    noise = 5.5 * rng.standard_normal(80)
    noise -= np.polyval(np.polyfit(predicted, noise, 1), predicted)
    outcome = baseline + predicted + 2.5 + noise
    found = recalibrate(outcome, baseline, twins, 24.0)
    assert found.intercept_interval[0] < 0 < found.intercept_interval[1]
    assert found.slope_interval[0] < 1 < found.slope_interval[1]
    assert found.bias_interval[0] > 0
    missed = outcome - baseline - predicted
    assert found.bias_interval == pytest.approx(ttest_1samp(missed, 0.0).confidence_interval(0.95))
    assert found.needed
    frame = found.to_frame().set_index("figure")["estimate"]
    assert frame["observed minus predicted (0 if calibrated)"] == pytest.approx(missed.mean())


def test_the_joint_test_is_that_of_statsmodels_and_keeps_its_level():
    outcome, baseline, twins = made_up(seed=11)
    kept = np.isfinite(outcome)
    fitted = OLS((outcome - baseline)[kept], add_constant((twins.score[:, 1] - baseline)[kept])).fit()
    expected = float(fitted.f_test((np.eye(2), [0.0, 1.0])).pvalue)
    assert recalibrate(outcome, baseline, twins, 24.0).joint_p == pytest.approx(expected)
    needed = [recalibrate(*made_up(40, 0.0, 1.0, seed), 24.0).needed for seed in range(1000)]
    assert np.mean(needed) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1000))


def test_recalibrated_twins_lie_on_the_line_and_cover():
    outcome, baseline, twins = made_up(n=4000)
    found = recalibrate(outcome, baseline, twins, 24.0, "blinded")
    mended = found.apply(twins, baseline)
    predicted = twins.score[:, 1] - baseline
    np.testing.assert_allclose(mended.score[:, 0], baseline + found.intercept + found.slope * predicted)
    inside = np.abs(outcome - mended.score[:, 0]) <= 1.6449 * mended.sd[:, 0]
    assert inside[np.isfinite(outcome)].mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 3600))
    assert "treated share" in found.note
    with pytest.raises(HistoryError, match="no week 24"):
        found.apply(Twins(np.array([12.0]), twins.score[:, :1], twins.sd[:, :1]), baseline)


def test_too_few_or_equal_predictions_are_refused():
    outcome, baseline, twins = made_up(n=22)
    with pytest.raises(HistoryError, match=r"19 participants .* too few to recalibrate"):
        recalibrate(outcome, baseline, twins, 24.0)
    outcome, baseline, twins = made_up()
    flat = replace(twins, score=np.column_stack([baseline, baseline + 2.0]))
    with pytest.raises(HistoryError, match="same change for everybody"):
        recalibrate(outcome, baseline, flat, 24.0)
    with pytest.raises(HistoryError, match="no week 36"):
        recalibrate(outcome, baseline, twins, 36.0)
    with pytest.raises(HistoryError, match="give control or blinded"):
        recalibrate(outcome, baseline, twins, 24.0, "active")


def test_interim_controls_join_the_history_as_a_group_of_their_own(history, simulate_history):
    controls = simulate_history(participants=5, seed=33)
    joined = add_interim(history, controls)
    assert len(joined) == 65
    assert (joined.group[-5:] == history.group.max() + 1).all()
    np.testing.assert_array_equal(joined.outcomes[-5:], controls.outcomes)
    with pytest.raises(HistoryError, match="another endpoint"):
        add_interim(history, replace(controls, endpoint="other"))
    with pytest.raises(HistoryError, match="5 participants stand in the history"):
        add_interim(history, history.take(np.arange(5)))
