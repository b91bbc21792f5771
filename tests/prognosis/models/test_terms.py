from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.prognosis.stand_ins import NoSampler
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import FitSettings, cross_validate, fit_prognosis
from trialsim.prognosis.models.terms import ModelTerms, require_terms

ALL = ModelTerms(("x0",), (("x0", "x1"),), ("x2",), True, True)


def test_the_default_has_no_identity_and_terms_have_one_each():
    assert ModelTerms().identity() == {}
    assert ModelTerms().of_one_group
    one_each = ({"splines": ("x0",)}, {"variance": ("x0",)}, {"studies": True}, {"visit_scales": True})
    ways = [ALL, *(ModelTerms(**term) for term in one_each)]
    assert len({str(terms.identity()) for terms in ways}) == 5
    assert all(ModelTerms.from_facts(terms.facts()) == terms for terms in ways)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"splines": ("x0", "x0")}, "splines"),
        ({"interactions": (("x0", "x1"), ("x1", "x0"))}, "interactions"),
        ({"variance": ("x0", "x0")}, "variance_covariates"),
    ],
)
def test_a_term_named_twice_is_refused(terms, field):
    with pytest.raises(HistoryError, match=rf"prognosis\.{field}: names a term twice"):
        ModelTerms(**terms)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"splines": ("age",)}, "splines"),
        ({"interactions": (("x0", "age"),)}, "interactions"),
        ({"variance": ("age",)}, "variance_covariates"),
    ],
)
def test_an_unknown_covariate_is_refused(simulate_history, terms, field):
    with pytest.raises(HistoryError, match=rf"prognosis\.{field}: age is no covariate"):
        require_terms(simulate_history(), ModelTerms(**terms))


@pytest.mark.parametrize(
    ("terms", "field", "fewest"),
    [
        (ModelTerms(splines=("x0",)), "splines", 28 + 20),
        (ModelTerms(splines=("x0",), interactions=(("x1", "x2"),)), "splines", 28 + 30),
        (ModelTerms(interactions=(("x1", "x2"),)), "interactions", 28 + 10),
        (ModelTerms(variance=("x0", "x1")), "variance_covariates", 28 + 50),
    ],
)
def test_too_small_a_history_is_refused_with_the_number_needed(simulate_history, terms, field, fewest):
    history = simulate_history(participants=200, dropout=0.0)
    require_terms(history.take(np.arange(fewest)), terms)
    with pytest.raises(
        HistoryError, match=rf"{field}: the history is too small .* {fewest - 1} .* at least {fewest} are"
    ):
        require_terms(history.take(np.arange(fewest - 1)), terms)


def test_fewer_than_three_studies_are_refused(simulate_history):
    history = simulate_history(participants=200, dropout=0.0)
    for group, found in ((np.arange(200) % 2, 2), (np.where(np.arange(200) < 4, 2, np.arange(200) % 2), 2)):
        with pytest.raises(HistoryError, match=rf"study_effects: {found} studies .* at least 3 are needed"):
            require_terms(replace(history, group=group), ModelTerms(studies=True))


def test_a_visit_of_few_participants_has_no_spread_of_its_own(simulate_history):
    history, terms = simulate_history(participants=60, dropout=0.0), ModelTerms(visit_scales=True)
    outcomes = history.outcomes.copy()
    outcomes[25:, 1] = np.nan
    require_terms(replace(history, outcomes=outcomes), terms)
    outcomes[24:, 1] = np.nan
    with pytest.raises(
        HistoryError, match=r"visit_scales: 24 participants have an outcome at week .* 25 are"
    ):
        require_terms(replace(history, outcomes=outcomes), terms)


def test_a_visit_at_which_everybody_changes_alike_has_no_spread(simulate_history):
    history = simulate_history(participants=60, dropout=0.0)
    outcomes = history.outcomes.copy()
    outcomes[:, 1] = history.baseline
    terms = ModelTerms(visit_scales=True)
    with pytest.raises(
        HistoryError, match=rf"visit_scales: everybody changes alike at week {history.weeks[1]:g}"
    ):
        require_terms(replace(history, outcomes=outcomes), terms)


def with_covariate(history, values):
    names = (*history.covariates.names, "extra")
    return replace(
        history, covariates=Covariates(names, np.column_stack([history.covariates.values, values]))
    )


def test_a_spline_of_few_values_is_refused(simulate_history):
    history = with_covariate(simulate_history(), np.arange(200) % 2)
    with pytest.raises(HistoryError, match=r"prognosis\.splines: extra takes too few values for a spline"):
        require_terms(history, ModelTerms(splines=("extra",)))


def test_a_product_that_is_the_same_for_everybody_is_refused(simulate_history):
    history = simulate_history(dropout=0.0)
    values = history.covariates.values.copy()
    values[:, 0] = np.where(np.arange(200) < 100, -1.0, 1.0)
    history = with_covariate(
        replace(history, covariates=Covariates(("x0", "x1", "x2"), values)), values[:, 0]
    )
    with pytest.raises(HistoryError, match=r"interactions: extra x x0 is the same for everybody"):
        require_terms(history, ModelTerms(interactions=(("extra", "x0"),)))


def test_a_history_that_cannot_carry_the_terms_is_never_fitted(simulate_history):
    history = simulate_history(participants=40, dropout=0.0)
    for fit in (fit_prognosis, cross_validate):
        with pytest.raises(HistoryError, match="at least 48 are needed"):
            fit(history, seed=1, terms=ModelTerms(splines=("x0",)), sampler=NoSampler())


def test_terms_are_another_fit(simulate_history, sampler, tmp_path):
    short = FitSettings(tune=300, draws=250, max_rhat=1.1, min_ess=50.0, max_divergences=20)
    history = simulate_history(participants=120)
    keys = [
        fit_prognosis(history, seed=1, settings=short, terms=terms, cache=tmp_path, sampler=sampler).key
        for terms in (None, ModelTerms(), ModelTerms(splines=("x0",)))
    ]
    assert keys[0] == keys[1] != keys[2]
    assert len(list(tmp_path.iterdir())) == 2
