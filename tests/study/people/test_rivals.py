"""The rows that every answer shows: published arithmetic on least squares, and who wins when."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis.validation.rivals import compare_rivals


def past(n=250, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5))
    baseline = rng.standard_normal(n)
    outcome = baseline + x @ [0.5, 0.3, 0.0, 0.0, 0.0] + rng.standard_normal(n)
    return rng, Covariates(tuple("abcde"), x), baseline, outcome


def press(outcome, *columns):
    fit = sm.OLS(outcome, sm.add_constant(np.column_stack(columns))).fit()
    return float((fit.get_influence().resid_press ** 2).sum())


def test_rows_are_ratios_of_press_of_statsmodels():
    rng, covariates, baseline, outcome = past()
    score = covariates.values @ [0.4, 0.2, 0.1, 0, 0]
    found = compare_rivals(outcome, baseline[:, None], covariates, score, generator=rng, replicates=100)
    base = press(outcome, baseline)
    alone = [press(outcome, baseline, column) / base for column in covariates.values.T]
    assert found.row("best single covariate").relative_variance == pytest.approx(min(alone))
    assert found.row("best single covariate").adjusts_for == ("a",)
    direct = found.row("covariates")
    assert direct.relative_variance == pytest.approx(press(outcome, baseline, covariates.values) / base)
    assert direct.degrees_of_freedom == 5
    twin = press(outcome, baseline, score) / base
    assert found.row("twin").relative_variance == pytest.approx(twin)
    best = min(min(alone), direct.relative_variance)
    assert found.saving == pytest.approx(1 - twin / best)


def test_the_interval_holds_what_many_histories_give():
    rows = []
    for seed in range(60):
        rng, covariates, baseline, outcome = past(seed=seed)
        score = covariates.values @ [0.5, 0.3, 0, 0, 0]
        found = compare_rivals(outcome, baseline[:, None], covariates, score, generator=rng, replicates=200)
        rows.append(found.row("twin"))
    # Var(noise) / Var(outcome given baseline).
    truth = 1 / (1 + 0.25 + 0.09)
    inside = np.mean([row.interval_90[0] <= truth <= row.interval_90[1] for row in rows])
    assert inside == pytest.approx(0.9, abs=4 * np.sqrt(0.9 * 0.1 / 60))
    assert np.mean([row.relative_variance for row in rows]) == pytest.approx(truth, abs=0.02)


def test_a_score_that_is_the_best_covariate_is_not_supported_and_a_real_one_is():
    rng, covariates, baseline, outcome = past()
    alone = compare_rivals(
        outcome, baseline[:, None], covariates, covariates.column("a"), generator=rng, replicates=300
    )
    assert not alone.supported()
    better = outcome - baseline + rng.standard_normal(len(outcome))
    assert compare_rivals(
        outcome, baseline[:, None], covariates, better, generator=rng, replicates=300
    ).supported(0.1)


def test_a_score_that_goes_the_wrong_way_is_no_gain():
    rng, covariates, baseline, outcome = past()
    found = compare_rivals(
        outcome, baseline[:, None], covariates, -covariates.column("a"), generator=rng, replicates=50
    )
    assert found.row("twin").relative_variance > 1


def test_missing_covariates_count_their_indicator_and_too_few_people_are_refused():
    rng, covariates, _, outcome = past()
    covariates.values[::7, 0] = np.nan
    none = np.empty((len(outcome), 0))
    found = compare_rivals(
        outcome, none, covariates, outcome, generator=rng, reference_name="nothing", replicates=20
    )
    assert found.row("covariates").degrees_of_freedom == 6
    with pytest.raises(HistoryError, match="cannot be compared on 9 participants"):
        compare_rivals(outcome[:9], none[:9], covariates.take(np.arange(9)), outcome[:9], generator=rng)
