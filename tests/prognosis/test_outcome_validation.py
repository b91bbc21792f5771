from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import poisson

import trialsim.prognosis.outcome_validation as module
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import OutcomeHistory, OutcomeValidation, validate_outcome
from trialsim.prognosis.outcome_validation import harrell


def made_up(family, n=300, seed=2):
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.1, 0.9, n)
    time = np.where(family == "binary", 26.0, rng.integers(1, 40, n)).astype(float)
    return OutcomeValidation(
        family, np.arange(n) % 5, (rng.random(n) < score) * 1.0, time, score, rng.permutation(score)
    )


def test_binary_measures_are_statsmodels_and_counted_pairs():
    cv = made_up("binary")
    found = cv.judge()
    x = sm.add_constant(np.log(cv.score / (1 - cv.score)))
    line = sm.GLM(cv.event, x, family=sm.families.Binomial()).fit().params
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(line), rel=1e-6)
    ill, well = cv.risk[cv.event > 0], cv.risk[cv.event == 0]
    assert found["discrimination"] == pytest.approx((ill[:, None] > well).mean())
    assert found["expected"] == pytest.approx(cv.score.sum())
    rate = found["low_95"] * found["expected"]
    assert poisson.sf(found["events"] - 1, rate) == pytest.approx(0.025)
    rate = found["high_95"] * found["expected"]
    assert poisson.cdf(found["events"], rate) == pytest.approx(0.025)


def test_event_measures_by_hand():
    cv = made_up("weibull", n=80)
    found = cv.judge()
    assert found["expected"] == pytest.approx(sum(-np.log(1 - p) for p in cv.score))
    points, pairs = 0.0, 0
    for i, j in product(range(80), repeat=2):
        first = cv.event[i] and (cv.time[i] < cv.time[j] or (cv.time[i] == cv.time[j] and not cv.event[j]))
        if first:
            pairs += 1
            points += (cv.risk[i] > cv.risk[j]) + 0.5 * (cv.risk[i] == cv.risk[j])
    assert found["discrimination"] == pytest.approx(points / pairs)
    assert np.isnan(harrell(cv.risk, np.zeros(80), cv.time))


def test_small_subgroups_are_not_shown():
    cv = made_up("binary")
    labels = np.full(300, "rest", dtype=object)
    labels[np.flatnonzero(cv.event)[:10]] = "few"
    labels[np.concatenate([np.flatnonzero(cv.event == kind)[-12:] for kind in (0, 1)])] = "next"
    table = cv.by_subgroup({"site": labels}).set_index("subgroup")
    assert table["shown"].to_dict() == {"few": False, "next": False, "rest": True}, "no subtraction tells"
    assert np.isnan(table.loc["few", "events"])
    assert np.isnan(table.loc["next", "events"])


class KnowsTheFold:
    """A prognosis that predicts the share of events that it was shown, and remembers its groups."""

    unit = 26.0

    def __init__(self, history):
        self.share, self.groups = history.event.mean(), set(history.group)

    def predict(self, covariates, weeks):
        from trialsim.data import Twins

        score = np.full((len(covariates), len(weeks)), self.share)
        return Twins(np.array(weeks), score, score)


@pytest.mark.parametrize("by_group", [True, False])
def test_nobody_is_predicted_by_a_fit_that_saw_them(monkeypatch, by_group):
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(6), 20)
    history = OutcomeHistory(
        "x", "simulated", "binary", Covariates(("a",), rng.standard_normal((120, 1))),
        (rng.random(120) < (group + 1) / 8) * 1.0, np.full(120, 26.0), group,
    )  # fmt: skip
    shown = []

    def fit(part, **_):
        shown.append(part)
        return KnowsTheFold(part)

    monkeypatch.setattr(module, "fit_outcome", fit)
    cv = validate_outcome(history, seed=1, folds=3, by_group=by_group)
    assert np.bincount(cv.fold).tolist() == [40, 40, 40]
    for k, part in enumerate(shown):
        rows = np.flatnonzero(cv.fold == k)
        assert not np.isin(history.covariates.values[rows, 0], part.covariates.values[:, 0]).any()
        np.testing.assert_allclose(cv.score[rows], part.event.mean())
        if by_group:
            assert not set(group[rows]) & set(part.group)
    with pytest.raises(HistoryError, match="fewer than two folds"):
        validate_outcome(history.take(group == 0), seed=1, by_group=True)


@pytest.mark.slow
def test_twins_of_a_right_model_are_calibrated_on_unseen_studies():
    rng = np.random.default_rng(4)
    n, studies = 1000, 5
    x, group = rng.standard_normal((n, 3)), np.arange(n) % studies
    eta = -0.4 + x @ np.array([0.9, 0.0, -0.5]) + 0.15 * rng.standard_normal(studies)[group]
    history = OutcomeHistory(
        "relapse", "simulated", "binary", Covariates(("a", "b", "c"), x),
        (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0, np.full(n, 26.0), group,
    )  # fmt: skip
    found = validate_outcome(history, seed=1, by_group=True).judge()
    # Slope error from the information of the true line; the intercept moves with each study's effect too.
    assert found["slope"] == pytest.approx(1.0, abs=4.5 * 0.09)
    assert found["intercept"] == pytest.approx(0.0, abs=4.5 * np.sqrt(0.075**2 + 0.15**2 / studies))
    assert found["low_95"] < 1 < found["high_95"]
    assert 0.68 < found["discrimination"] < 0.82
