"""A model whose parameters made the history passes its predictive checks; another one does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import OutcomeHistory, OutcomePrognosis, outcome_predictive_checks
from trialsim.prognosis.families import FAMILIES, EventFamily, Responses, linear_predictor
from trialsim.prognosis.histories import ISSUED
from trialsim.prognosis.models.columns import Columns
from trialsim.prognosis.validation import prior_outcome_prognosis

N, DRAWS = 800, 400
LEVELS = ("none", "mild", "severe")
TRUTH = {
    "intercept": -0.3, "tau": 0.5, "log_shape": 0.3, "rate_cv": 0.8, "delta": 0.3, "omega": 0.2,
}  # fmt: skip


def true_model(family: str) -> OutcomePrognosis:
    """Return a prognosis that knows the parameters, with three covariates and three studies."""
    covariates = Covariates(("a", "b", "c"), np.random.default_rng(1).standard_normal((N, 3)))
    blank = OutcomeHistory(
        "relapse", "made", family, covariates, np.ones(N), np.full(N, 52.0), np.arange(N) % 3
    )
    blank = replace(blank, levels=LEVELS if family == "ordinal" else ())
    columns = Columns.of(covariates)
    cuts = np.array([0.3, 0.6]) if family == "piecewise" else np.empty(0)
    member = np.eye(3)[np.arange(N) % 3]
    data = Responses(
        columns.matrix(covariates), member, blank.outcome, blank.time / 52, cuts, len(blank.levels)
    )
    point = FAMILIES[family].draw_prior(data.shape, np.random.default_rng(3))
    for name, value in TRUTH.items():
        if name in point:
            point[name][:] = value
    params = {name: np.repeat(value, DRAWS, axis=0) for name, value in point.items()}
    return OutcomePrognosis("relapse", family, columns, params, cuts, 52.0, blank.levels, {}, "key")


def history_of(model: OutcomePrognosis, seed: int = 7) -> OutcomeHistory:
    rng = np.random.default_rng(seed)
    covariates = Covariates(("a", "b", "c"), rng.standard_normal((N, 3)))
    group = np.arange(N) % 3
    one = {name: value[:1] for name, value in model.params.items()}
    effect = TRUTH["omega"] * rng.standard_normal(3)[group]
    eta = linear_predictor(one, model.columns.matrix(covariates), effect[None])
    limit = (
        rng.uniform(0.5, 1.0, N)
        if isinstance(model.law, EventFamily) or model.law.counts_time
        else np.ones(N)
    )
    outcome, lasted = model.law.replicate(one, eta, limit, model.cuts, rng)
    time = 52 * np.broadcast_to(lasted, outcome.shape)[0]
    return OutcomeHistory("relapse", "made", model.family, covariates, outcome[0], time, group, model.levels)


def checks(history: OutcomeHistory, model: OutcomePrognosis):
    return outcome_predictive_checks(history, model, generator=np.random.default_rng(11), draws=DRAWS)


@pytest.mark.parametrize("family", ISSUED)
def test_the_model_that_made_a_history_passes(family: str) -> None:
    model = true_model(family)
    table = checks(history_of(model), model).to_frame(0.99)
    assert ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).all()
    assert table["p"].between(0.005, 0.995).all()


@pytest.mark.parametrize("family", ISSUED)
def test_a_model_with_another_score_does_not(family: str) -> None:
    model = true_model(family)
    turned = replace(model, params={**model.params, "beta_raw": -model.params["beta_raw"]})
    table = checks(history_of(model), turned).to_frame()
    halves = table[table["statistic"].str.contains("half of the score")]
    assert halves["p"].min() < 0.02
    assert halves["p"].max() > 0.98


def test_levels_are_called_by_their_names() -> None:
    model = true_model("ordinal")
    history = history_of(model)
    table = checks(history, model).to_frame().set_index("statistic")
    for position, name in enumerate(LEVELS):
        share = (history.outcome == position).mean()
        assert table.loc[f"share at level {name}", "observed"] == pytest.approx(share)


def test_counts_that_vary_more_than_the_model_says_are_found() -> None:
    model = true_model("count")
    calm = replace(model, params={**model.params, "rate_cv": np.full(DRAWS, 0.05)})
    table = checks(history_of(model), calm).to_frame().set_index("statistic")
    assert table.loc["SD of counts", "p"] < 0.05


def test_an_event_s_planned_follow_up_is_not_when_it_happened() -> None:
    """Were follow-up to end with each event, a model that knows the truth would find too few of them."""
    model = true_model("weibull")
    table = checks(history_of(model), model).to_frame().set_index("statistic")
    assert 0.02 < table.loc["share with an event", "p"] < 0.98


@pytest.mark.parametrize("family", ISSUED)
def test_the_prior_is_wide_and_says_what_it_is(family: str) -> None:
    history = history_of(true_model(family))
    prior = prior_outcome_prognosis(history, generator=np.random.default_rng(5), draws=200)
    found = outcome_predictive_checks(history, prior, generator=np.random.default_rng(6), draws=200)
    assert found.kind == "prior"
    assert found.to_frame()["p"].between(0.01, 0.99).all()
    data = found.to_inference_data()
    assert "prior_predictive" in data.groups()


def test_what_does_not_belong_together_is_refused() -> None:
    model = true_model("binary")
    history = history_of(model)
    with pytest.raises(HistoryError, match="is not the outcome"):
        checks(replace(history, endpoint="other"), model)
    graded = true_model("ordinal")
    with pytest.raises(HistoryError, match="levels: are not the levels that the prognosis is of"):
        checks(replace(history_of(graded), levels=("0", "1", "2")), graded)
    with pytest.raises(HistoryError, match="50 draws or more"):
        outcome_predictive_checks(history, model, generator=np.random.default_rng(1), draws=10)
