"""Survival analyses against lifelines, statsmodels and SciPy."""

from __future__ import annotations

import itertools
import warnings

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines import datasets, statistics, utils
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

from trialsim.analysis import (
    cox,
    cumulative_incidence,
    kaplan_meier,
    log_rank,
    lwyy,
    restricted_mean_survival,
)
from trialsim.analysis.survival import AtRisk, FlemingHarrington, PetoPeto
from trialsim.analysis.survival.weights import Weight


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """Tied times, two covariates, three strata, three kinds of end."""
    generator = np.random.default_rng(8)
    n = 240
    return pd.DataFrame(
        {
            "time": np.ceil(generator.exponential(9, n)),
            "event": (generator.random(n) < 0.75).astype(int),
            "cause": generator.integers(0, 3, n),
            "arm": np.tile([0, 1], n // 2),
            "age": generator.normal(60, 9, n),
            "score": generator.normal(size=n),
            "site": generator.choice(list("abc"), n),
        }
    )


COLUMNS = {"time": "time", "event": "event", "arm": "arm"}


@pytest.mark.parametrize(
    ("weights", "options"),
    [
        (FlemingHarrington(), {}),
        (AtRisk(1), {"weightings": "wilcoxon"}),
        (AtRisk(0.5), {"weightings": "tarone-ware"}),
        (PetoPeto(), {"weightings": "peto"}),
    ],
)
def test_log_rank_of_lifelines(trial: pd.DataFrame, weights: Weight, options: dict) -> None:
    active, control = trial[trial.arm == 1], trial[trial.arm == 0]
    theirs = statistics.logrank_test(active.time, control.time, active.event, control.event, **options)
    ours = log_rank(trial, **COLUMNS, weights=weights)
    assert_allclose(ours.chi_square, theirs.test_statistic, rtol=1e-9)
    assert_allclose(ours.p_value, theirs.p_value, rtol=1e-8)


@pytest.mark.parametrize("strata", [None, "site"])
def test_log_rank_of_statsmodels(trial: pd.DataFrame, strata: str | None) -> None:
    chi_square, _ = survdiff(
        trial.time, trial.event, trial.arm, strata=None if strata is None else trial[strata]
    )
    assert_allclose(log_rank(trial, **COLUMNS, strata=strata).chi_square, chi_square, rtol=1e-9)


def test_log_rank_of_scipy(trial: pd.DataFrame) -> None:
    samples = [
        stats.CensoredData.right_censored(rows.time.to_numpy(), rows.event.to_numpy() == 0)
        for _, rows in trial.groupby("arm")
    ]
    theirs = stats.logrank(*samples)
    assert_allclose(log_rank(trial, **COLUMNS).p_value, theirs.pvalue, rtol=1e-9)


def test_kaplan_meier_of_lifelines(trial: pd.DataFrame) -> None:
    result = kaplan_meier(trial, **COLUMNS, interval="log_log")
    for arm, rows in trial.groupby("arm"):
        theirs = lifelines.KaplanMeierFitter().fit(rows.time, rows.event)
        ours = result.curves[str(arm)]
        curve = theirs.survival_function_.loc[ours.time].to_numpy().ravel()
        limits = theirs.confidence_interval_survival_function_.loc[ours.time].to_numpy()
        assert_allclose(ours.survival, curve, rtol=1e-10)
        inside = (curve > 0) & (curve < 1)
        assert_allclose(np.column_stack([ours.lower, ours.upper])[inside], limits[inside], rtol=1e-8)
        assert ours.quantile(0.5)[0] == theirs.median_survival_time_


def test_restricted_mean_of_lifelines(trial: pd.DataFrame) -> None:
    means = restricted_mean_survival(trial, **COLUMNS, tau=11.5).means
    for arm, rows in trial.groupby("arm"):
        theirs = utils.restricted_mean_survival_time(
            lifelines.KaplanMeierFitter().fit(rows.time, rows.event), t=11.5
        )
        assert_allclose(means[arm], theirs, rtol=1e-10)


def test_cox_of_lifelines_with_efron_ties(trial: pd.DataFrame) -> None:
    columns = ["time", "event", "arm", "age", "score", "site"]
    theirs = lifelines.CoxPHFitter().fit(trial[columns], "time", "event", strata="site")
    ours = cox(trial, **COLUMNS, covariates=["age", "score"], strata="site", variance="model")
    assert_allclose(ours.coefficients, theirs.params_, rtol=1e-5, atol=1e-8)
    assert_allclose(ours.standard_errors, theirs.standard_errors_, rtol=1e-5)


def test_robust_cox_of_lifelines_without_ties(trial: pd.DataFrame) -> None:
    untied = trial.assign(time=trial.time + np.arange(len(trial)) * 1e-3)[
        ["time", "event", "arm", "age", "score"]
    ]
    theirs = lifelines.CoxPHFitter().fit(untied, "time", "event", robust=True)
    ours = cox(untied, **COLUMNS, covariates=["age", "score"])
    assert_allclose(ours.coefficients, theirs.params_, rtol=1e-5, atol=1e-8)
    assert_allclose(ours.standard_errors, theirs.standard_errors_, rtol=1e-4)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cox_of_statsmodels(trial: pd.DataFrame, ties: str) -> None:
    X = trial[["arm", "age", "score"]].to_numpy(float)
    theirs = PHReg(trial.time, X, trial.event, strata=trial.site, ties=ties).fit()
    ours = cox(trial, **COLUMNS, covariates=["age", "score"], strata="site", ties=ties, variance="model")
    assert_allclose(ours.coefficients, theirs.params, rtol=1e-5, atol=1e-8)
    assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-5)


def test_cumulative_incidence_of_lifelines(trial: pd.DataFrame) -> None:
    untied = trial.assign(time=trial.time + np.arange(len(trial)) * 1e-3)
    result = cumulative_incidence(untied, time="time", event="cause", arm="arm", cause=1)
    for arm, rows in untied.groupby("arm"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = lifelines.AalenJohansenFitter().fit(rows.time, rows.cause, event_of_interest=1)
        ours = result.curves[result.curves.arm == str(arm)]
        curve = theirs.cumulative_density_.loc[ours.time].to_numpy().ravel()
        assert_allclose(ours.incidence, curve, rtol=1e-10)
        variance = np.asarray(theirs.variance_.loc[ours.time]).ravel()
        assert_allclose(ours.standard_error**2, variance, rtol=1e-6, atol=1e-12)


def test_lwyy_coefficients_of_statsmodels_with_delayed_entry() -> None:
    # A row that starts at the very time of another's event is at risk there for statsmodels, not for us.
    generator, gap = np.random.default_rng(9), 1e-6
    rows = []
    for i in range(80):
        cuts = np.concatenate([[0.0], np.sort(generator.uniform(1, 30, 4))])
        rows += [
            (i, i % 2, generator.normal(), a + gap, b, generator.integers(0, 2))
            for a, b in itertools.pairwise(cuts)
        ]
    data = pd.DataFrame(rows, columns=["id", "arm", "x", "start", "stop", "event"])
    theirs = PHReg(
        data.stop, data[["arm", "x"]], data.event, entry=data.start, ties="breslow"
    ).fit()  # fmt: skip
    ours = lwyy(
        data, participant="id", start="start", stop="stop", event="event", arm="arm", covariates="x",
        ties="breslow",
    )  # fmt: skip
    assert_allclose(ours.coefficients, theirs.params, rtol=1e-5, atol=1e-8)
    assert_allclose(np.sqrt(np.diag(ours.model_covariance)), theirs.bse, rtol=1e-5)


def test_lung_data_of_lifelines_reads_as_floats_too() -> None:
    lung = datasets.load_lung()
    as_floats = lung.assign(time=lung.time.astype(float), status=lung.status.astype(float))
    columns = {"time": "time", "event": "status", "arm": "sex"}
    assert log_rank(lung, **columns).z == log_rank(as_floats, **columns).z
