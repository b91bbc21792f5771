"""Twins for responses and events: predictions by hand, fits behind the gate, and inputs that are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from trialsim.data import Covariates
from trialsim.errors import FitError, HistoryError
from trialsim.prognosis import FitSettings, OutcomeHistory, OutcomePrognosis, OutcomeSampler, fit_outcome
from trialsim.prognosis.families import beta, draw_prior, probability
from trialsim.prognosis.outcome_history import ISSUED, Columns, responses_of
from trialsim.prognosis.sbc import RankRecord, count_ranks, uniform
from trialsim.prognosis.sbc_studies import STUDIES

SHORT = FitSettings(tune=400, draws=300, accept=0.95, max_rhat=1.05, min_ess=50.0, max_divergences=10)
K = 4.5
DATA = Path(__file__).parent / "data"


class NoSampler:
    """A sampler that must not be asked."""

    def sample(self, *_):
        raise AssertionError("a twin would have been issued")


@pytest.fixture(scope="module")
def outcome_sampler():
    return OutcomeSampler()


def simulated(family="binary", n=600, slopes=(0.8, 0.0, -0.5), between=0.3, studies=4, missing=0.0, seed=1):
    """Return a history whose log odds or log hazard per 26 weeks is -0.3 + x'slopes + study effect."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)) * [1.0, 2.0, 1.0] + [0.0, 5.0, 0.0]
    group = np.arange(n) % studies
    eta = -0.3 + x @ (np.array(slopes) / [1.0, 2.0, 1.0]) + between * rng.standard_normal(studies)[group]
    if family == "binary":
        event, time = (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0, np.full(n, 26.0)
    else:
        onset = 26 * (rng.exponential(size=n) / np.exp(eta)) ** (1 / 1.5)
        limit = rng.uniform(26, 52, n)
        event, time = (onset <= limit) * 1.0, np.minimum(onset, limit)
    x[rng.random(n) < missing, 1] = np.nan
    return OutcomeHistory("relapse", "simulated", family, Covariates(("a", "b", "c"), x), event, time, group)


@pytest.fixture(params=ISSUED)
def made_up(request):
    """Return a history and a prognosis with 50 draws of the prior: predictions do not depend on the fit."""
    history = simulated(request.param, n=60, missing=0.1)
    columns = Columns.of(history.covariates)
    data, unit = responses_of(history, columns)
    rng = np.random.default_rng(4)
    draws = [draw_prior(request.param, data.x.shape[1], 4, len(data.cuts) + 1, rng) for _ in range(50)]
    params = {name: np.concatenate([one[name] for one in draws]) for name in draws[0]}
    return history, OutcomePrognosis(
        "relapse", request.param, columns, params, data.cuts, unit, {"max_rhat": 1.0}, "key"
    )


def test_the_score_is_the_mean_over_draws_and_over_a_new_study(made_up):
    history, prognosis = made_up
    twins = prognosis.predict(history.covariates, [26.0])
    x = prognosis.columns.matrix(history.covariates)
    for i in (0, 17, 59):
        each = []
        for d in range(50):
            one = {name: value[[d]] for name, value in prognosis.params.items()}
            eta = one["intercept"] + beta(one) @ x[i]

            def integrand(v, one=one, eta=eta):
                shifted = (eta + one["omega"] * v)[:, None]
                found = probability(
                    prognosis.family, one, shifted, np.array([26 / prognosis.unit]), prognosis.cuts
                )
                return norm.pdf(v) * found[0, 0, 0]

            each.append(quad(integrand, -8, 8)[0])
        assert twins.score[i, 0] == pytest.approx(np.mean(each), abs=2e-4)
        p = twins.score[i, 0]
        assert twins.sd[i, 0] == pytest.approx(np.sqrt(p * (1 - p)))


def test_draws_are_zeros_and_ones_with_the_scores_mean(made_up):
    history, prognosis = made_up
    weeks = [26.0] if prognosis.family == "binary" else [5.0, 26.0]
    count = 20_000
    twins = prognosis.predict(history.covariates, weeks, np.random.default_rng(6), count)
    assert set(np.unique(twins.draws)) == {0.0, 1.0}
    error = np.sqrt(0.25 / count) + 0.002
    # Draws take the 50 posterior draws in equal parts, and one new study each.
    assert np.abs(twins.draws.mean(axis=2) - twins.score).max() < K * error
    if len(weeks) > 1:
        assert (np.diff(twins.draws, axis=1) >= 0).all()
        assert (np.diff(twins.score, axis=1) >= 0).all()


def test_what_is_saved_is_loaded_and_predicts_the_same(made_up, tmp_path):
    history, prognosis = made_up
    prognosis.save(tmp_path / "p.npz")
    loaded = OutcomePrognosis.load(tmp_path / "p.npz")
    assert loaded.content_hash == prognosis.content_hash
    assert loaded.names == ("a", "b", "c")
    a, b = (p.predict(history.covariates, [26.0]).score for p in (prognosis, loaded))
    np.testing.assert_array_equal(a, b)


def test_weeks_that_nothing_was_learnt_about(made_up):
    history, prognosis = made_up
    for weeks in ([0.0], [prognosis.unit + 1], []):
        with pytest.raises(HistoryError, match="nothing was learnt"):
            prognosis.predict(history.covariates, weeks)
    if prognosis.family == "binary":
        with pytest.raises(HistoryError, match="known at one week"):
            prognosis.predict(history.covariates, [13.0, 26.0])
    with pytest.raises(HistoryError, match="needs b"):
        prognosis.predict(history.covariates.select(["a", "c"]), [26.0])
    with pytest.raises(ValueError, match="generator"):
        prognosis.predict(history.covariates, [26.0], draws=3)


def check_recovery(fitted, family):
    truth = {"a": 0.8, "b": 0.0, "c": -0.5}
    shape = np.exp(fitted.params["log_shape"]) if family == "weibull" else 1.0
    if family == "weibull":
        assert abs(shape.mean() - 1.5) < K * shape.std()
    for position, (name, value) in enumerate(truth.items()):
        draws = beta(fitted.params)[:, position]
        sd = fitted.columns.sd[position] / (2.0 if name == "b" else 1.0)
        assert abs(draws.mean() - value * sd) < K * draws.std(), name
        assert draws.std() < 0.2
    fresh = simulated(family, n=2000, between=0.0, seed=77)
    known = np.full(len(fresh), True) if family == "binary" else (fresh.event > 0) | (fresh.time >= 26)
    happened = fresh.event if family == "binary" else (fresh.time <= 26) * fresh.event
    score = fitted.predict(fresh.covariates, [26.0]).score[:, 0]
    order = np.argsort(score[known])
    for tenth in np.array_split(order, 5):
        expected, seen = score[known][tenth].mean(), happened[known][tenth].mean()
        # A new study's effect, SD .3 on the log scale, moves all tenths together by up to .075 each SD.
        assert abs(seen - expected) < K * np.sqrt(0.25 / len(tenth)) + 0.15


@pytest.mark.parametrize(
    "family", ["binary", *(pytest.param(one, marks=pytest.mark.slow) for one in ("weibull", "piecewise"))]
)
def test_a_fit_finds_the_truth_and_is_kept(family, outcome_sampler, tmp_path):
    history = simulated(family)
    fitted = fit_outcome(history, seed=1, settings=SHORT, cache=tmp_path, sampler=outcome_sampler)
    check_recovery(fitted, family)
    again = fit_outcome(history, seed=1, settings=SHORT, cache=tmp_path, sampler=NoSampler())
    assert again.content_hash == fitted.content_hash
    with pytest.raises(AssertionError, match="would have been issued"):
        fit_outcome(history, seed=2, settings=SHORT, cache=tmp_path, sampler=NoSampler())


def test_a_fit_that_has_not_converged_issues_no_twin(outcome_sampler, tmp_path):
    with pytest.raises(FitError, match=r"no twin is issued: .* effective sample size"):
        fit_outcome(
            simulated(n=200), seed=1, settings=replace(SHORT, min_ess=1e6), cache=tmp_path,
            sampler=outcome_sampler,
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "family", ["binary", *(pytest.param(one, marks=pytest.mark.slow) for one in ("weibull", "piecewise"))]
)
def test_a_fast_slice_of_the_calibration_studies(family, outcome_sampler):
    study = STUDIES[family]
    ranks, _ = study.ranks(7, 0, 40, outcome_sampler)
    counts = {name: count_ranks(values, study.draws).tolist() for name, values in ranks.items()}
    record = replace(RankRecord.load(DATA / f"sbc_{family}.json"), counts=counts, simulations=40)
    assert all(uniform(record, np.random.default_rng(1)).values())


def with_column(history, column):
    values = np.column_stack([history.covariates.values[:, :2], column])
    return replace(history, covariates=Covariates(("a", "b", "odd"), values))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: replace(h, event=np.r_[np.ones(15), np.zeros(len(h) - 15)]), "learn from: 15"),
        (lambda h: replace(h, event=1 - np.r_[np.ones(9), np.zeros(len(h) - 9)]), "learn from: 9"),
        (lambda h: replace(h, event=np.full(len(h), 0.5)), "must be 0 or 1"),
        (lambda h: replace(h, time=h.time * 0), "follow-up must be above 0"),
        (lambda h: replace(h, family="poisson"), "no family of outcomes"),
        (lambda h: replace(h, family="cure"), "no family of outcomes"),
        (lambda h: with_column(h, np.ones(len(h))), "odd: covariate is the same for everybody"),
        (lambda h: with_column(h, np.full(len(h), np.nan)), "odd: covariate is missing for everybody"),
        (lambda h: with_column(h, np.where(np.arange(len(h)) == 3, np.inf, 0.0)), "odd: .* infinite"),
        (lambda h: with_column(h, 3 - 2 * h.event), "odd: covariate is the outcome itself"),
        (lambda h: replace(h, covariates=Covariates((), np.empty((len(h), 0)))), "no covariate"),
    ],
)  # fmt: skip
def test_histories_that_nothing_can_be_learnt_from(change, words):
    with pytest.raises(HistoryError, match=words):
        fit_outcome(change(simulated(n=200)), seed=1, sampler=NoSampler())


def test_a_leaked_time_is_found():
    history = simulated("weibull", n=200)
    with pytest.raises(HistoryError, match="odd: covariate is the time itself"):
        fit_outcome(with_column(history, 7 * history.time), seed=1, sampler=NoSampler())


def test_two_studies_have_no_effects_of_their_own():
    history = simulated(studies=2)
    data, unit = responses_of(history, Columns.of(history.covariates))
    assert data.member.shape == (600, 0)
    assert unit == 26.0
