from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import ClassVar

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import binom, poisson, spearmanr

import trialsim.prognosis.validation.outcome as module
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import OutcomeHistory, validate_outcome
from trialsim.prognosis.families import FAMILIES
from trialsim.prognosis.validation import OutcomeValidation
from trialsim.prognosis.validation.gain import gain_beyond_baseline
from trialsim.prognosis.validation.outcome_measures import harrell, measure


def made_up(family, n=300, seed=2):
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.1, 0.9, n)
    time = np.where(family in ("binary", "ordinal"), 26.0, rng.integers(1, 40, n)).astype(float)
    outcome, exceedance, risk = (rng.random(n) < score) * 1.0, np.zeros((n, 0)), rng.permutation(score)
    low, high = np.where(outcome > 0, 1 - score, 0.0), np.where(outcome > 0, 1.0, 1 - score)
    if family == "ordinal":
        exceedance = np.column_stack([score, score**2])
        upto = np.column_stack([np.zeros(n), 1 - exceedance, np.ones(n)])
        outcome = (rng.random(n)[:, None] < exceedance).sum(axis=1) * 1.0
        low, high = (upto[np.arange(n), outcome.astype(int) + k] for k in (0, 1))
        score = exceedance.sum(axis=1)
    if family == "count":
        risk, score = score * 26, score * time
        outcome = rng.poisson(score) * 1.0
        low, high = poisson.cdf(outcome - 1, score), poisson.cdf(outcome, score)
    return OutcomeValidation(family, np.arange(n) % 5, outcome, time, score, risk, low, high, exceedance)


def test_binary_measures_are_statsmodels_and_counted_pairs():
    cv = made_up("binary")
    found = cv.judge()
    x = sm.add_constant(np.log(cv.score / (1 - cv.score)))
    line = sm.GLM(cv.outcome, x, family=sm.families.Binomial()).fit(cov_type="HC0")
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(line.params), rel=1e-6)
    assert found["slope_se"] == pytest.approx(line.bse[1], rel=1e-5)
    ill, well = cv.score[cv.outcome > 0], cv.score[cv.outcome == 0]
    assert found["discrimination"] == pytest.approx((ill[:, None] > well).mean())
    assert found["expected"] == pytest.approx(cv.score.sum())
    share = found["low_95"] * found["expected"] / len(cv.outcome)
    assert binom.sf(found["events"] - 1, len(cv.outcome), share) == pytest.approx(0.025)
    share = found["high_95"] * found["expected"] / len(cv.outcome)
    assert binom.cdf(found["events"], len(cv.outcome), share) == pytest.approx(0.025)


def test_no_or_only_responses_have_an_interval():
    nobody = measure("binary", *made_of(0.0))
    assert (nobody["low_95"], nobody["observed_to_expected"]) == (0.0, 0.0)
    everybody = measure("binary", *made_of(1.0))
    assert everybody["high_95"] == everybody["observed_to_expected"] == pytest.approx(2.0), "no more than all"


def made_of(outcome):
    """Return 40 of one outcome, whose twins expect one half."""
    half, none = np.full(40, 0.5), np.empty((40, 0))
    return np.full(40, outcome), np.ones(40), half, half, none


def test_ordinal_measures_are_statsmodels_and_counted_pairs():
    cv = made_up("ordinal")
    found = cv.judge()
    more = np.column_stack([cv.outcome > 0, cv.outcome > 1]).ravel() * 1.0
    x = sm.add_constant(np.log(cv.exceedance / (1 - cv.exceedance)).ravel())
    who = np.repeat(np.arange(300), 2)
    line = sm.GLM(more, x, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}
    )
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(line.params), rel=1e-6)
    assert found["slope_se"] == pytest.approx(line.bse[1], rel=1e-5)
    pairs = [(i, j) for i, j in product(range(300), repeat=2) if cv.outcome[i] > cv.outcome[j]]
    assert found["discrimination"] == pytest.approx(np.mean([cv.score[i] > cv.score[j] for i, j in pairs]))
    assert (found["mean_level"], found["expected_level"]) == (cv.outcome.mean(), cv.score.mean())


def test_count_measures_are_statsmodels():
    cv = made_up("count")
    found = cv.judge()
    offset = np.log(cv.score) - np.log(cv.risk)
    law = sm.families.Poisson()
    centred = np.log(cv.risk) - np.log(cv.risk).mean()
    fit = sm.GLM(cv.outcome, sm.add_constant(centred), family=law, offset=offset + np.log(cv.risk).mean())
    line = fit.fit(cov_type="HC0")
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(line.params), rel=1e-6, abs=1e-8)
    assert found["slope_se"] == pytest.approx(line.bse[1], rel=1e-5)
    one_rate = cv.outcome.sum() / cv.time.sum() * cv.time
    explained = 1 - law.deviance(cv.outcome, cv.score) / law.deviance(cv.outcome, one_rate)
    assert found["deviance_explained"] == pytest.approx(explained)
    assert found["rank_correlation"] == pytest.approx(spearmanr(cv.risk, cv.outcome / cv.time)[0])
    # Poisson counts: the sandwich is near the square root of the count.
    width = np.log(found["high_95"] / found["low_95"]) / (2 * 1.96)
    assert width == pytest.approx(1 / np.sqrt(found["events"]), rel=0.15)


@pytest.mark.parametrize("family", ["binary", "ordinal", "count"])
def test_coverage_and_transforms_of_right_and_of_wrong_laws(family):
    cv = made_up(family, n=3000)
    table = cv.coverage()
    assert ((table["low_95"] - 0.01 < table["level"]) & (table["level"] < table["high_95"] + 0.01)).all()
    assert cv.judge()["coverage_80"] == pytest.approx(table["coverage"][1])
    rng = np.random.default_rng(1)
    assert cv.pit_p(rng) > 1e-4
    randomised = np.mean([(np.abs(cv.pit(rng) - 0.5) <= 0.4).mean() for _ in range(200)])
    assert table["coverage"][1] == pytest.approx(randomised, abs=0.003)
    wrong = replace(cv, pit_low=cv.pit_low**2, pit_high=cv.pit_high**2)
    assert wrong.pit_p(rng) < 1e-6


def test_the_gain_is_that_of_the_outcome_an_adjusted_comparison_regresses():
    rng = np.random.default_rng(8)
    for family in ("binary", "ordinal", "count", "weibull"):
        cv = made_up(family, n=400)
        cv = replace(cv, risk=cv.score) if family != "count" else cv
        baseline = rng.standard_normal(400)
        history = OutcomeHistory(
            "x", "simulated", family, Covariates(("before",), baseline[:, None]), cv.outcome, cv.time,
            np.zeros(400, dtype=int),
        )  # fmt: skip
        found = cv.gain(history, "before", generator=np.random.default_rng(1), replicates=50)
        derived = cv.outcome
        if family == "count":
            derived = cv.outcome - cv.outcome.sum() / cv.time.sum() * cv.time
        if family == "weibull":
            at_risk = (cv.time[None, :] >= cv.time[:, None]).sum(axis=1)
            earlier = cv.time[None, :] <= cv.time[:, None]
            derived = cv.outcome - (earlier * (cv.outcome / at_risk)).sum(axis=1)
        score = np.log(-np.log(1 - cv.risk)) if family == "weibull" else cv.risk
        expected = gain_beyond_baseline(
            derived, baseline, score, generator=np.random.default_rng(1), replicates=50
        )
        assert found.gain == pytest.approx(expected.gain)
        if family != "weibull":
            assert found.gain_90[0] > 0
        with pytest.raises(HistoryError, match="no covariate of the history"):
            cv.gain(history, "other", generator=rng)
        with pytest.raises(HistoryError, match="other outcomes than those that were validated"):
            cv.gain(replace(history, outcome=1 - cv.outcome), "before", generator=rng)


def test_event_measures_by_hand():
    cv = made_up("weibull", n=80)
    found = cv.judge()
    assert found["expected"] == pytest.approx(sum(-np.log(1 - p) for p in cv.score))
    points, pairs = 0.0, 0
    for i, j in product(range(80), repeat=2):
        first = cv.outcome[i] and (
            cv.time[i] < cv.time[j] or (cv.time[i] == cv.time[j] and not cv.outcome[j])
        )
        if first:
            pairs += 1
            points += (cv.risk[i] > cv.risk[j]) + 0.5 * (cv.risk[i] == cv.risk[j])
    assert found["discrimination"] == pytest.approx(points / pairs)
    assert np.isnan(harrell(cv.risk, np.zeros(80), cv.time))


def test_small_subgroups_are_not_shown():
    cv = made_up("binary")
    labels = np.full(300, "rest", dtype=object)
    labels[np.flatnonzero(cv.outcome)[:10]] = "few"
    labels[np.concatenate([np.flatnonzero(cv.outcome == kind)[-12:] for kind in (0, 1)])] = "next"
    table = cv.by_subgroup({"site": labels}).set_index("subgroup")
    assert table["shown"].to_dict() == {"few": False, "next": False, "rest": True}, "no subtraction tells"
    assert np.isnan(table.loc["few", "events"])
    assert np.isnan(table.loc["next", "events"])


class KnowsTheFold:
    """A prognosis that predicts the share of events that it was shown, and remembers its groups."""

    unit = 26.0
    law = FAMILIES["binary"]
    diagnostics: ClassVar[dict[str, float]] = {}

    def __init__(self, history):
        self.share, self.groups = history.outcome.mean(), set(history.group)

    def predict(self, covariates, weeks):
        from trialsim.data import Twins

        score = np.full((len(covariates), len(weeks)), self.share)
        return Twins(np.array(weeks), score, score)

    def pit_interval(self, them):
        return np.zeros(len(them)), np.ones(len(them))


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
        np.testing.assert_allclose(cv.score[rows], part.outcome.mean())
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
