"""Twins for responses and events: predictions by hand, fits behind the gate, and inputs that are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from benchmarks.calibration.ranks import RankRecord, count_ranks, uniform
from benchmarks.calibration.studies import STUDIES
from tests.prognosis.stand_ins import NoSampler
from trialsim.data import Covariates
from trialsim.errors import FitError, HistoryError
from trialsim.prognosis import FitSettings, OutcomeHistory, OutcomePrognosis, OutcomeSampler, fit_outcome
from trialsim.prognosis.families import FAMILIES, beta, concatenate, linear_predictor
from trialsim.prognosis.histories import ISSUED
from trialsim.prognosis.models.columns import Columns, responses_of

SHORT = FitSettings(tune=400, draws=300, accept=0.95, max_rhat=1.05, min_ess=50.0, max_divergences=10)
K = 4.5
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def outcome_sampler():
    return OutcomeSampler()


def simulated(family="binary", n=600, slopes=(0.8, 0.0, -0.5), between=0.3, studies=4, missing=0.0, seed=1):
    """Return a history whose log odds, rate or hazard per 26 weeks is -0.3 + x'slopes + study effect."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)) * [1.0, 2.0, 1.0] + [0.0, 5.0, 0.0]
    group = np.arange(n) % studies
    eta = -0.3 + x @ (np.array(slopes) / [1.0, 2.0, 1.0]) + between * rng.standard_normal(studies)[group]
    levels = ()
    if family == "binary":
        event, time = (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0, np.full(n, 26.0)
    elif family == "ordinal":
        levels, time = ("none", "mild", "severe"), np.full(n, 26.0)
        event = ((eta + rng.logistic(size=n))[:, None] > [-0.5, 0.8]).sum(axis=1) * 1.0
    elif family == "count":
        time = rng.uniform(26, 52, n)
        event = rng.poisson(np.exp(eta) * time / 26 * rng.gamma(2.0, 0.5, n)) * 1.0
    else:
        onset = 26 * (rng.exponential(size=n) / np.exp(eta)) ** (1 / 1.5)
        onset = np.where(rng.random(n) < 0.3, np.inf, onset) if family == "cure" else onset
        limit = rng.uniform(26, 52, n)
        event, time = (onset <= limit) * 1.0, np.minimum(onset, limit)
    x[rng.random(n) < missing, 1] = np.nan
    return OutcomeHistory(
        "relapse", "simulated", family, Covariates(("a", "b", "c"), x), event, time, group, levels
    )


@pytest.fixture(params=list(FAMILIES))
def made_up(request):
    """Return a history and a prognosis with 50 draws of the prior: predictions do not depend on the fit."""
    history = simulated(request.param, n=60, missing=0.1)
    columns = Columns.of(history.covariates)
    data, unit = responses_of(history, columns)
    rng = np.random.default_rng(4)
    params = concatenate([FAMILIES[request.param].draw_prior(data.shape, rng) for _ in range(50)])
    params["omega"] *= 0.5  # nine nodes are for effects as studies have them
    return history, OutcomePrognosis(
        "relapse", request.param, columns, params, data.cuts, unit, history.levels, {"max_rhat": 1.0}, "key"
    )


def over_new_studies(prognosis, x, of):
    """Return the mean of a function of one draw and its linear predictor, by numerical integration."""
    each = []
    for d in range(50):
        one = {name: value[[d]] for name, value in prognosis.params.items()}
        eta = linear_predictor(one, x[None])

        def integrand(v, one=one, eta=eta):
            return norm.pdf(v) * of(one, eta + one["omega"] * v)

        each.append(quad(integrand, -8, 8)[0])
    return np.mean(each)


def test_the_score_is_the_mean_over_draws_and_over_a_new_study(made_up):
    history, prognosis = made_up
    twins = prognosis.predict(history.covariates, [26.0])
    x, time = prognosis.columns.matrix(history.covariates), np.array([26 / prognosis.unit])
    for i in (0, 17, 59):
        first, second = (
            over_new_studies(
                prognosis,
                x[i],
                lambda p, eta, k=k: prognosis.law.moments(p, eta, time, prognosis.cuts)[k].item(),
            )
            for k in (0, 1)
        )
        assert twins.score[i, 0] == pytest.approx(first, rel=1e-3, abs=2e-4)
        assert twins.sd[i, 0] == pytest.approx(np.sqrt(second - first**2), rel=1e-2)


def test_draws_have_the_scores_mean_and_spread(made_up):
    history, prognosis = made_up
    weeks = [5.0, 26.0] if prognosis.law.counts_time else [26.0]
    count = 20_000
    # Twenty draws of counts in the prior's far tail decide the mean of many: keep to the middle.
    if prognosis.family == "count":
        prognosis.params["intercept"] *= 0.3
        prognosis.params["tau"] *= 0.3
    twins = prognosis.predict(history.covariates, weeks, np.random.default_rng(6), count)
    assert (twins.draws == np.round(twins.draws)).all()
    assert (twins.draws >= 0).all()
    # Draws take the 50 posterior draws in equal parts, and one new study each.
    error = twins.sd / np.sqrt(count)
    assert (np.abs(twins.draws.mean(axis=2) - twins.score) < 1.5 * K * error + 0.002).all()
    if len(weeks) > 1:
        assert (np.diff(twins.draws, axis=1) >= 0).all()
        assert (np.diff(twins.score, axis=1) >= 0).all()


def test_probabilities_are_those_of_draws(made_up):
    history, prognosis = made_up
    if prognosis.family not in ("binary", "ordinal", "count"):
        with pytest.raises(HistoryError, match="predict gives the probability"):
            prognosis.probabilities(history.covariates, 26.0)
        return
    up_to = 2 if prognosis.family == "count" else None
    found = prognosis.probabilities(history.covariates, 26.0, up_to)
    assert found.shape == (60, {"binary": 2, "ordinal": 3, "count": 4}[prognosis.family])
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    drawn = prognosis.predict(history.covariates, [26.0], np.random.default_rng(2), 20_000).draws[:, 0]
    for k in range(found.shape[1]):
        share = (np.minimum(drawn, found.shape[1] - 1) == k).mean(axis=1)
        assert np.abs(share - found[:, k]).max() < K * np.sqrt(0.25 / 20_000) + 0.005
    with pytest.raises(HistoryError, match="up_to for counts and for nothing else"):
        prognosis.probabilities(history.covariates, 26.0, None if up_to else 2)


def test_randomised_transforms_are_uniform_over_the_predictive_law(made_up):
    history, prognosis = made_up
    rng, n = np.random.default_rng(3), 4000
    # One participant many times, each with outcomes from another draw and another study.
    many = history.take(np.zeros(n, dtype=int))
    x = prognosis.columns.matrix(many.covariates)
    chosen = rng.integers(50, size=n)
    params = {name: value[chosen] for name, value in prognosis.params.items()}
    eta = (
        np.diagonal(linear_predictor(params, x))[:, None]
        + (params["omega"] * rng.standard_normal(n))[:, None]
    )
    limit = np.full(1, 0.8)
    outcome, time = prognosis.law.replicate(params, eta, limit, prognosis.cuts, rng)
    many = replace(many, outcome=outcome[:, 0], time=np.broadcast_to(time, (n, 1))[:, 0] * prognosis.unit)
    low, high = prognosis.pit_interval(many)
    assert (low <= high).all()
    pit = low + rng.random(n) * (high - low)
    assert kstest(pit, "uniform").pvalue > 1e-4


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
    if not prognosis.law.counts_time:
        with pytest.raises(HistoryError, match="known at one week"):
            prognosis.predict(history.covariates, [13.0, 26.0])
    with pytest.raises(HistoryError, match="needs b"):
        prognosis.predict(history.covariates.select(["a", "c"]), [26.0])
    with pytest.raises(ValueError, match="generator"):
        prognosis.predict(history.covariates, [26.0], draws=3)


def check_recovery(fitted, family):
    truth = {"a": 0.8, "b": 0.0, "c": -0.5}
    shape = np.exp(fitted.params["log_shape"]) if family in ("weibull", "cure") else 1.0
    if family in ("weibull", "cure"):
        assert abs(shape.mean() - 1.5) < K * shape.std()
    for position, (name, value) in enumerate(truth.items()):
        draws = beta(fitted.params)[:, position]
        sd = fitted.columns.sd[position] / (2.0 if name == "b" else 1.0)
        assert abs(draws.mean() - value * sd) < K * draws.std(), name
        assert draws.std() < 0.2
    if family == "cure":
        cured = 1 / (1 + np.exp(-fitted.params["logit_cure"]))
        assert abs(cured.mean() - 0.3) < K * cured.std()
    if family == "count":
        assert abs(fitted.params["rate_cv"].mean() - np.sqrt(0.5)) < K * fitted.params["rate_cv"].std()
    fresh = simulated(family, n=2000, between=0.0, seed=77)
    if family in ("ordinal", "count"):
        low, high = fitted.pit_interval(fresh)
        # The new study's effect is known to be 0 here and is not to the twins: within .15.
        assert abs(((low + high) / 2).mean() - 0.5) < 0.15
        return
    known = np.full(len(fresh), True) if family == "binary" else (fresh.outcome > 0) | (fresh.time >= 26)
    happened = fresh.outcome if family == "binary" else (fresh.time <= 26) * fresh.outcome
    score = fitted.predict(fresh.covariates, [26.0]).score[:, 0]
    order = np.argsort(score[known])
    for tenth in np.array_split(order, 5):
        expected, seen = score[known][tenth].mean(), happened[known][tenth].mean()
        # A new study's effect, SD .3 on the log scale, moves all tenths together by up to .075 each SD.
        assert abs(seen - expected) < K * np.sqrt(0.25 / len(tenth)) + 0.15


@pytest.mark.parametrize(
    "family", ["binary", *(pytest.param(one, marks=pytest.mark.slow) for one in ISSUED if one != "binary")]
)
def test_a_fit_finds_the_truth_and_is_kept(family, outcome_sampler, tmp_path):
    history = simulated(family)
    fitted = fit_outcome(history, seed=1, settings=SHORT, cache=tmp_path, sampler=outcome_sampler)
    check_recovery(fitted, family)
    again = fit_outcome(history, seed=1, settings=SHORT, cache=tmp_path, sampler=NoSampler())
    assert again.content_hash == fitted.content_hash
    with pytest.raises(AssertionError, match="sampler was asked"):
        fit_outcome(history, seed=2, settings=SHORT, cache=tmp_path, sampler=NoSampler())


def test_a_fit_that_has_not_converged_issues_no_twin(outcome_sampler, tmp_path):
    with pytest.raises(FitError, match=r"no twin is issued: .* effective sample size"):
        fit_outcome(
            simulated(n=200), seed=1, settings=replace(SHORT, min_ess=1e6), cache=tmp_path,
            sampler=outcome_sampler,
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("family", "simulations"),
    [
        *((family, 12) for family in ISSUED),
        *(pytest.param(family, 100, marks=pytest.mark.slow) for family in ISSUED),
    ],
)
def test_a_fast_slice_of_the_calibration_studies(family, simulations, outcome_sampler):
    """Fresh simulations through the session's compiled models; few can show gross errors only."""
    study = STUDIES[family]
    ranks, _ = study.ranks(7, 0, simulations, outcome_sampler)
    counts = {name: count_ranks(values, study.draws).tolist() for name, values in ranks.items()}
    record = replace(RankRecord.load(DATA / f"sbc_{family}.json"), counts=counts, simulations=simulations)
    assert all(uniform(record, np.random.default_rng(1)).values())


def with_column(history, column):
    values = np.column_stack([history.covariates.values[:, :2], column])
    return replace(history, covariates=Covariates(("a", "b", "odd"), values))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: replace(h, outcome=np.r_[np.ones(15), np.zeros(len(h) - 15)]), "learn from: 15"),
        (lambda h: replace(h, outcome=1 - np.r_[np.ones(9), np.zeros(len(h) - 9)]), "learn from: 9"),
        (lambda h: replace(h, outcome=np.full(len(h), 0.5)), "must be 0 or 1"),
        (lambda h: replace(h, time=h.time * 0), "follow-up must be above 0"),
        (lambda h: replace(h, family="poisson"), "no family of outcomes"),
        (lambda h: replace(h, levels=("a", "b")), "a binary outcome has no levels"),
        (lambda h: with_column(h, np.ones(len(h))), "odd: covariate is the same for everybody"),
        (lambda h: with_column(h, np.full(len(h), np.nan)), "odd: covariate is missing for everybody"),
        (lambda h: with_column(h, np.where(np.arange(len(h)) == 3, np.inf, 0.0)), "odd: .* infinite"),
        (lambda h: with_column(h, 3 - 2 * h.outcome), "odd: covariate is the outcome itself"),
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


@pytest.mark.parametrize(
    ("family", "leak", "what"),
    [
        ("binary", lambda h, u: h.outcome + 0.3 * u, "outcome"),
        ("binary", lambda h, u: np.where(u < 0.1, np.nan, u - 2 * h.outcome), "outcome"),
        ("ordinal", lambda h, u: np.exp(h.outcome + 0.5 * u), "outcome"),
        ("count", lambda h, u: np.log(h.outcome + 0.5), "outcome"),
        ("count", lambda h, u: h.outcome > 2, "outcome"),
        ("count", lambda h, u: np.log(h.outcome / h.time + 0.1), "rate"),
        ("weibull", lambda h, u: h.outcome + 0.3 * u, "outcome"),
        ("weibull", lambda h, u: np.log(h.time), "time"),
        ("weibull", lambda h, u: h.time < np.median(h.time), "time"),
    ],
)  # fmt: skip
def test_an_outcome_in_another_dress_is_found(family, leak, what):
    history = simulated(family, n=200)
    column = leak(history, np.random.default_rng(2).random(200)).astype(float)
    with pytest.raises(HistoryError, match=f"odd: covariate is made of the {what}"):
        fit_outcome(with_column(history, column), seed=1, sampler=NoSampler())


@pytest.mark.parametrize("family", ["binary", "count", "weibull"])
def test_a_rare_covariate_whose_few_all_have_the_outcome_is_no_leak(family):
    history = simulated(family, n=200)
    rare = np.zeros(200)
    rare[np.flatnonzero(history.outcome > 0)[:12]] = 1.0
    with pytest.raises(AssertionError, match="sampler was asked"):
        fit_outcome(with_column(history, rare), seed=1, sampler=NoSampler())


def test_two_studies_have_no_effects_of_their_own():
    history = simulated(studies=2)
    data, unit = responses_of(history, Columns.of(history.covariates))
    assert data.member.shape == (600, 0)
    assert unit == 26.0


@pytest.mark.parametrize(
    ("family", "change", "words"),
    [
        ("ordinal", lambda h: replace(h, outcome=h.outcome + 0.5), "whole numbers from 0 to 2"),
        ("ordinal", lambda h: replace(h, outcome=h.outcome - 1), "whole numbers from 0 to 2"),
        ("ordinal", lambda h: replace(h, outcome=h.outcome * np.nan), "levels must be whole numbers"),
        ("ordinal", lambda h: replace(h, levels=("no", "yes")), "3 different levels or more"),
        ("ordinal", lambda h: replace(h, levels=("a", "a", "b")), "3 different levels or more"),
        ("ordinal", lambda h: replace(h, levels=(*h.levels, "fatal")), "nobody is at level fatal"),
        ("ordinal", lambda h: replace(h, outcome=np.r_[0, 2, np.ones(len(h) - 2)]), "few events .* 2 part"),
        ("count", lambda h: replace(h, outcome=h.outcome * 0), "too few events to learn from: 0"),
        ("count", lambda h: replace(h, outcome=np.r_[500, h.outcome[1:] * 0]), "too few events .* 1 part"),
        ("count", lambda h: replace(h, outcome=h.outcome / h.time), "counts must be whole numbers"),
        ("count", lambda h: replace(h, outcome=h.outcome - 1), "counts must be whole numbers"),
        ("count", lambda h: replace(h, time=np.r_[0.0, h.time[1:]]), "follow-up must be above 0"),
        ("count", lambda h: with_column(h, h.outcome / h.time), "odd: covariate is the rate itself"),
        ("weibull", lambda h: replace(h, outcome=np.r_[np.ones(5), np.zeros(len(h) - 5)]), "from: 5 events"),
    ],
)  # fmt: skip
def test_levels_and_counts_that_are_none(family, change, words):
    with pytest.raises(HistoryError, match=words):
        fit_outcome(change(simulated(family, n=200)), seed=1, sampler=NoSampler())
