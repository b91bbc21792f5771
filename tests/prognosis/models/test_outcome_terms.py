"""Curves and products of responses, levels, counts and events: found where they are, else refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import trialsim.prognosis.validation.outcome as validation
from tests.prognosis.stand_ins import NoSampler
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import (
    FitSettings,
    ModelTerms,
    OutcomeHistory,
    OutcomePrognosis,
    OutcomeSampler,
    fit_outcome,
    outcome_predictive_checks,
    validate_outcome,
)
from trialsim.prognosis.histories import ISSUED
from trialsim.prognosis.models.columns import Columns
from trialsim.prognosis.models.outcome_terms import require_outcome_terms
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.twins.store import read, write
from trialsim.prognosis.validation import prior_outcome_prognosis

CURVE = ModelTerms(splines=("age",))
PRODUCT = ModelTerms(interactions=(("age", "dose"),))
BOTH = ModelTerms(("age",), (("age", "dose"),))
# A line through a U has no slope: its scale is then near 0, where chains are slow to agree.
SHORT = FitSettings(
    chains=2, tune=400, draws=400, accept=0.95, max_rhat=1.1, min_ess=40.0, max_divergences=20
)
K = 4.5


@pytest.fixture(scope="module")
def outcome_sampler():
    return OutcomeSampler()


def along_a_u(x):
    """Return log odds, rate or hazard per 26 weeks that falls with age and rises again."""
    return -0.8 + 0.8 * (x[:, 0] ** 2 - 1) + 0.8 * x[:, 1]


def by_both(x):
    """Return a log odds, rate or hazard in which neither age nor dose matters alone."""
    return -0.3 + 0.9 * x[:, 0] * x[:, 1]


def simulated(family="binary", truth=along_a_u, n=500, seed=1):
    """Return a history of two standard normal covariates, two studies and the given truth."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2))
    eta, time, levels = truth(x), np.full(n, 26.0), ()
    if family == "binary":
        outcome = (eta + rng.logistic(size=n) > 0) * 1.0
    elif family == "ordinal":
        levels = ("none", "mild", "severe")
        outcome = ((eta + rng.logistic(size=n))[:, None] > [-0.5, 0.8]).sum(axis=1) * 1.0
    elif family == "count":
        time = rng.uniform(26, 52, n)
        outcome = rng.poisson(np.exp(eta) * time / 26 * rng.gamma(2.0, 0.5, n)) * 1.0
    else:
        onset, limit = 26 * (rng.exponential(size=n) / np.exp(eta)) ** (1 / 1.5), rng.uniform(26, 52, n)
        outcome, time = (onset <= limit) * 1.0, np.minimum(onset, limit)
    covariates = Covariates(("age", "dose"), x)
    return OutcomeHistory("relapse", "simulated", family, covariates, outcome, time, np.arange(n) % 2, levels)


def score_at(fitted, ages, doses):
    people = Covariates(("age", "dose"), np.column_stack([ages, np.broadcast_to(doses, np.shape(ages))]))
    return fitted.predict(people, [26.0]).score[:, 0]


def observed_to_expected(history, settings, terms, sampler):
    """Return observed to expected, out of sample, in the middle and at the ends of age, and all measures."""
    found = validate_outcome(history, settings, seed=1, folds=2, terms=terms, sampler=sampler)
    age = history.covariates.column("age")
    table = found.by_subgroup({"age": np.where(np.abs(age) < 0.7, "middle", "ends")})
    return table.set_index("subgroup")["observed_to_expected"], found.judge()


@pytest.mark.parametrize("family", ["binary", "weibull"])
def test_a_u_is_found_by_a_spline_and_missed_by_a_line(family, outcome_sampler):
    history = simulated(family)
    line, curve = (
        fit_outcome(history, seed=1, settings=SHORT, terms=terms, sampler=outcome_sampler)
        for terms in (None, CURVE)
    )
    ages = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    eta = along_a_u(np.column_stack([ages, np.zeros(5)]))
    truth = 1 / (1 + np.exp(-eta)) if family == "binary" else 1 - np.exp(-np.exp(eta))
    # Posterior SD of the curve within its outer knots: about .05 at these probabilities.
    np.testing.assert_allclose(score_at(curve, ages, 0.0), truth, atol=0.15)
    assert np.ptp(score_at(line, ages, 0.0)) < 0.3
    flat, flat_measures = observed_to_expected(history, SHORT, None, outcome_sampler)
    bent, measures = observed_to_expected(history, SHORT, CURVE, outcome_sampler)
    assert flat["middle"] < 0.75
    assert flat["ends"] > 1.2
    assert ((bent > 0.8) & (bent < 1.2)).all()
    assert measures["discrimination"] > flat_measures["discrimination"] + 0.08
    assert measures["slope"] == pytest.approx(1.0, abs=K * measures["slope_se"])


@pytest.mark.parametrize("family", ["binary", pytest.param("weibull", marks=pytest.mark.slow)])
def test_a_product_is_found_where_neither_matters_alone(family, outcome_sampler):
    history = simulated(family, by_both)
    fitted = fit_outcome(history, seed=1, settings=SHORT, terms=PRODUCT, sampler=outcome_sampler)
    ages, doses = np.array([-1.5, 1.5, -1.5, 1.5]), np.array([-1.0, -1.0, 1.0, 1.0])
    eta = by_both(np.column_stack([ages, doses]))
    truth = 1 / (1 + np.exp(-eta)) if family == "binary" else 1 - np.exp(-np.exp(eta))
    np.testing.assert_allclose(score_at(fitted, ages, doses), truth, atol=0.15)
    alone, together = (
        validate_outcome(history, SHORT, seed=1, folds=2, terms=terms, sampler=outcome_sampler).judge()
        for terms in (None, PRODUCT)
    )
    assert alone["discrimination"] < 0.56
    assert together["discrimination"] > alone["discrimination"] + 0.08
    assert together["slope"] == pytest.approx(1.0, abs=K * together["slope_se"])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ordinal", "count", "piecewise"])
def test_every_other_family_bends_too(family, outcome_sampler):
    history = simulated(family)
    fitted = fit_outcome(history, seed=1, settings=SHORT, terms=BOTH, sampler=outcome_sampler)
    low, middle, high = score_at(fitted, np.array([-2.0, 0.0, 2.0]), 0.0)
    assert min(low, high) > middle + 0.3
    found = validate_outcome(history, SHORT, seed=1, folds=2, terms=BOTH, sampler=outcome_sampler).judge()
    assert found["discrimination"] > 0.7
    checks = outcome_predictive_checks(history, fitted, generator=np.random.default_rng(2), draws=200)
    assert checks.to_frame()["p"].between(0.005, 0.995).all()


def dyadic(n=60):
    """Return a history of numbers that every machine has exactly."""
    i = np.arange(n)
    values = np.column_stack([(i * 7 % 60) / 64, (i * 11 % 60) / 64])
    values[::9, 1] = np.nan
    covariates, outcome = Covariates(("a", "b"), values), (i % 3 == 0) * 1.0
    return OutcomeHistory("relapse", "made", "binary", covariates, outcome, np.full(n, 26.0), i % 2)


class ReturnsOneDraw:
    """A sampler that returns parameters without having looked."""

    def sample(self, family, data, *_):
        return {
            "tau": np.array([0.5]), "intercept": np.zeros(1), "beta_raw": np.ones((1, data.shape.columns)),
        }, {}  # fmt: skip


def test_without_terms_a_fit_has_one_key_and_the_file_it_always_had():
    settings = FitSettings(
        chains=2, tune=300, draws=250, accept=0.95, max_rhat=1.1, min_ess=20.0, max_divergences=50, cores=1
    )
    kept = "170b7a698f44a8db196f4d0bfdf36f3676299921663d21482a6a1b193b085b3c"
    for terms in (None, ModelTerms()):
        fitted = fit_outcome(dyadic(), seed=3, settings=settings, terms=terms, sampler=ReturnsOneDraw())
        assert fitted.key == kept
    columns = Columns(
        ("a", "b"), np.array([0.5, 0.25]), np.array([False, True]),
        np.array([0.5, 0.25, 0.125]), np.array([0.25, 0.25, 0.5]),
    )  # fmt: skip
    params = {
        "tau": np.array([0.5, 0.25]), "intercept": np.array([0.0, 1.0]),
        "beta_raw": np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]]),
    }  # fmt: skip
    made = OutcomePrognosis(
        "relapse", "binary", columns, params, np.empty(0), 26.0, (), {"max_rhat": 1.0}, "key"
    )
    assert made.content_hash == "a26aee4b806060b12ddec2dfafda74d58616f3d1970d946d939b5a7b68eedfac"


def test_without_terms_columns_are_the_standardised_covariates_and_indicators():
    covariates = dyadic().covariates
    missing = np.isnan(covariates.values[:, 1])
    filled = np.where(np.isnan(covariates.values), np.nanmean(covariates.values, axis=0), covariates.values)
    plain = np.column_stack([filled, missing])
    for terms in (None, ModelTerms()):
        columns = Columns.of(covariates, terms)
        assert columns.labels == ("a", "b", "b_missing")
        np.testing.assert_array_equal(columns.matrix(covariates), (plain - plain.mean(0)) / plain.std(0))


def test_terms_add_standardised_curves_and_products_of_the_history():
    covariates = dyadic().covariates
    terms = ModelTerms(("b",), (("a", "b"),))
    columns = Columns.of(covariates, terms)
    assert columns.labels == ("a", "b", "b_missing", "b'", "b''", "a x b")
    assert columns.terms == terms
    x = columns.matrix(covariates)
    plain = Columns.of(covariates).matrix(covariates)
    np.testing.assert_array_equal(x[:, :3], plain)
    np.testing.assert_allclose(x.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1.0, rtol=1e-12)
    shapes, filled = Shapes.learn(covariates.names, covariates.values, ("b",), (("a", "b"),))
    further = shapes.columns(covariates.names, filled)
    np.testing.assert_allclose(x[:, 3:], (further - further.mean(0)) / further.std(0), rtol=1e-12)


def test_others_have_the_history_s_knots_and_a_missing_one_its_mean():
    covariates = dyadic().covariates
    columns = Columns.of(covariates, ModelTerms(("b",), (("a", "b"),)))
    mean = np.nanmean(covariates.values, axis=0)
    three = np.array([[0.1, np.nan], [0.1, mean[1]], [0.9, 0.7]])
    # Another order of covariates, and one that the prognosis does not know.
    others = Covariates(("b", "c", "a"), np.column_stack([three[:, 1], np.ones(3), three[:, 0]]))
    x = columns.matrix(others)
    np.testing.assert_allclose(x[0, [1, 3, 4, 5]], x[1, [1, 3, 4, 5]], rtol=1e-12)
    assert x[0, 5] == pytest.approx(-columns.mean[5] / columns.sd[5]), "no product"
    joined = Covariates(("a", "b"), np.vstack([covariates.values, three]))
    np.testing.assert_allclose(columns.matrix(joined)[-3:], x, rtol=1e-12)


def test_units_and_orders_change_no_column():
    covariates = dyadic().covariates
    terms = ModelTerms(("b",), (("a", "b"),))
    x = Columns.of(covariates, terms).matrix(covariates)
    turned = Covariates(("b", "a"), covariates.values[::-1, ::-1] * [4.0, 0.5] + [100.0, -3.0])
    columns = Columns.of(turned, terms)
    mine = [columns.labels.index(name) for name in Columns.of(covariates, terms).labels]
    np.testing.assert_allclose(columns.matrix(turned)[::-1, mine], x, rtol=1e-7, atol=1e-9)


def with_events(family, count, n=120):
    """Return a history with so many informative participants, and two covariates of many values."""
    history = simulated(family, n=n, seed=3)
    outcome = np.zeros(n)
    outcome[:count] = 1.0
    if family == "ordinal":
        outcome[: count // 2] = 2.0
    return replace(history, outcome=outcome)


@pytest.mark.parametrize("family", ISSUED)
@pytest.mark.parametrize(
    ("terms", "field", "fewest"),
    [(CURVE, "splines", 34), (PRODUCT, "interactions", 24), (BOTH, "splines", 44)],
)
def test_ten_informative_participants_a_column_beyond_the_linear_terms(family, terms, field, fewest):
    require_outcome_terms(with_events(family, fewest), terms)
    words = rf"prognosis\.{field}: the history is too small for these terms: {fewest - 1} .* least {fewest} "
    with pytest.raises(HistoryError, match=words) as refusal:
        fit_outcome(with_events(family, fewest - 1), seed=1, terms=terms, sampler=NoSampler())
    assert refusal.value.mend
    with pytest.raises(AssertionError, match="sampler was asked"):
        fit_outcome(with_events(family, fewest - 1), seed=1, sampler=NoSampler())


@pytest.mark.parametrize("family", ISSUED)
@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (ModelTerms(variance=("age",)), r"prognosis\.variance_covariates: .* no spread that a covariate"),
        (ModelTerms(visit_scales=True), r"prognosis\.visit_scales: .* no visits that could differ"),
        (ModelTerms(studies=True), r"prognosis\.study_effects: .* wherever the history has three or more"),
        (ModelTerms(splines=("height",)), r"prognosis\.splines: height is no covariate .* some of age, dose"),
        (ModelTerms(interactions=(("age", "height"),)), r"prognosis\.interactions: height is no covariate"),
        (ModelTerms(splines=("baseline",)), r"prognosis\.splines: .* outcomes have no value at baseline"),
        (ModelTerms(interactions=(("baseline", "age"),)), r"prognosis\.interactions: .* at baseline"),
    ],
)  # fmt: skip
def test_terms_that_these_families_do_not_have(family, terms, words):
    history = simulated(family, n=200)
    for learn in (fit_outcome, validate_outcome):
        with pytest.raises(HistoryError, match=words) as refusal:
            learn(history, seed=1, terms=terms, sampler=NoSampler())
        assert refusal.value.mend
    with pytest.raises(HistoryError, match=words):
        fit_outcome(history, seed=1, terms=terms, sampler=NoSampler(), block=1)


def test_a_covariate_may_be_called_baseline():
    history = simulated(n=200)
    named = replace(history, covariates=Covariates(("baseline", "dose"), history.covariates.values))
    require_outcome_terms(named, ModelTerms(splines=("baseline",)))


def with_column(history, values, name="odd"):
    names = (*history.covariates.names, name)
    joined = np.column_stack([history.covariates.values, values])
    return replace(history, covariates=Covariates(names, joined))


def test_a_spline_of_few_values_and_a_product_of_none_are_refused():
    history = simulated("weibull", n=300)
    half = np.arange(300) % 2 * 2.0 - 1
    with pytest.raises(HistoryError, match=r"prognosis\.splines: odd takes too few values .* not different"):
        fit_outcome(
            with_column(history, half), seed=1, terms=ModelTerms(splines=("odd",)), sampler=NoSampler()
        )
    twice = with_column(with_column(history, half), half, "again")
    with pytest.raises(HistoryError, match=r"interactions: again x odd is the same for everybody"):
        require_outcome_terms(twice, ModelTerms(interactions=(("again", "odd"),)))


def test_terms_are_another_fit_and_come_back_from_their_file(tmp_path):
    history = simulated(n=200)
    fits = [
        fit_outcome(history, seed=1, settings=SHORT, terms=terms, cache=tmp_path, sampler=ReturnsOneDraw())
        for terms in (None, CURVE, ModelTerms(splines=("dose",)), PRODUCT, BOTH)
    ]
    assert len({fitted.key for fitted in fits}) == len(list(tmp_path.iterdir())) == 5
    bent = fits[-1]
    again = fit_outcome(history, seed=1, settings=SHORT, terms=BOTH, cache=tmp_path, sampler=NoSampler())
    assert again.content_hash == bent.content_hash
    bent.save(tmp_path / "p.npz")
    loaded = OutcomePrognosis.load(tmp_path / "p.npz")
    assert (loaded.terms, loaded.columns.labels) == (BOTH, bent.columns.labels)
    assert loaded.content_hash == bent.content_hash
    np.testing.assert_array_equal(
        loaded.predict(history.covariates, [26.0]).score, bent.predict(history.covariates, [26.0]).score
    )


@pytest.mark.parametrize("terms", [ModelTerms(), BOTH])
def test_a_file_that_says_another_format_is_refused(terms, tmp_path):
    fitted = fit_outcome(
        simulated(n=200), seed=1, settings=SHORT, terms=terms, cache=tmp_path, sampler=ReturnsOneDraw()
    )
    (path,) = tmp_path.iterdir()
    arrays, meta = read(path)
    wrong = {"trialsim.outcome_prognosis/2", "trialsim.outcome_prognosis/3"} - {meta["format"]}
    write(path, arrays, meta | {"format": wrong.pop()})
    with pytest.raises(HistoryError, match="is not of the format") as refusal:
        OutcomePrognosis.load(path)
    assert refusal.value.file == path
    assert fitted.terms == terms


def test_every_fold_has_the_terms_and_knots_of_its_own(monkeypatch):
    history, fitted = simulated(n=240), []

    def fit(part, **arguments):
        one = fit_outcome(part, **{**arguments, "sampler": ReturnsOneDraw()})
        fitted.append((part, one))
        return one

    monkeypatch.setattr(validation, "fit_outcome", fit)
    found = validate_outcome(history, SHORT, seed=1, folds=4, terms=BOTH)
    assert len(fitted) == 4
    for k, (part, one) in enumerate(fitted):
        assert one.terms == BOTH
        np.testing.assert_array_equal(one.columns.mean, Columns.of(part.covariates, BOTH).mean)
        held_out = history.take(found.fold == k)
        np.testing.assert_array_equal(
            found.score[found.fold == k], one.predict(held_out.covariates, [26.0]).score[:, 0]
        )
    assert len({one.columns.shapes.knots.tobytes() for _, one in fitted}) == 4


def test_the_whole_history_is_judged_and_a_fold_with_fewer_has_the_same_terms():
    history = with_events("binary", 34)
    found = validate_outcome(history, SHORT, seed=1, folds=3, terms=CURVE, sampler=ReturnsOneDraw())
    assert np.isfinite(found.score).all()
    with pytest.raises(HistoryError, match=r"33 of the rarer kind .* at least 34"):
        validate_outcome(with_events("binary", 33), SHORT, seed=1, folds=3, terms=CURVE, sampler=NoSampler())


def test_a_fold_that_nothing_can_be_learnt_from_is_named():
    with pytest.raises(HistoryError, match=r"without fold 1 of 2: too few events .* [0-9]+ of the rarer"):
        validate_outcome(with_events("binary", 16), SHORT, seed=1, folds=2, sampler=NoSampler())


def test_a_history_before_it_is_learnt_from_has_the_terms_too():
    history = simulated("count", n=200)
    prior = prior_outcome_prognosis(history, generator=np.random.default_rng(5), draws=60, terms=BOTH)
    assert prior.terms == BOTH
    assert prior.params["beta_raw"].shape == (60, 5)
    found = outcome_predictive_checks(history, prior, generator=np.random.default_rng(6), draws=60)
    assert found.kind == "prior"
    with pytest.raises(HistoryError, match="too small for these terms"):
        prior_outcome_prognosis(
            with_events("count", 30), generator=np.random.default_rng(5), draws=60, terms=BOTH
        )
