"""Published analyses of well-known data: several arms, delayed entry, ties, Weibull, concordance, Aalen.

The data sets come with lifelines: Freireich's 6-MP trial, the larynx cancers of Kardaun (1983), NCCTG lung
cancer (Loprinzi 1994), and Stanford's heart transplants (Crowley and Hu 1977).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets
from numpy.testing import assert_allclose

from trialsim.analysis import cox, cumulative_incidence, kaplan_meier, log_rank, restricted_mean_survival
from trialsim.analysis.survival import concordance, cox_several_arms, k_sample_log_rank, weibull

LEUKAEMIA = {"time": "t", "event": "status", "arm": "Rx"}
LARYNX = {"time": "time", "event": "death", "arm": "stage"}
LUNG = {"time": "time", "event": "status"}
HEART = {"time": "stop", "event": "event", "arm": "transplant", "entry": "start"}


@pytest.fixture(scope="module")
def larynx() -> pd.DataFrame:
    data = datasets.load_larynx()
    return data.assign(stage=1 + data.Stage_II + 2 * data.Stage_III + 3 * data.Stage_IV)


@pytest.fixture(scope="module")
def lung() -> pd.DataFrame:
    data = datasets.load_lung()
    return data.assign(male=(data.sex == data.sex.min()).astype(float))


@pytest.mark.parametrize(
    ("test", "chi_square"), [("likelihood_ratio", 16.26), ("wald", 18.95), ("score", 22.46)]
)
def test_klein_moeschberger_example_8_2_larynx_joint_test_of_stage(
    larynx: pd.DataFrame, test: str, chi_square: float
) -> None:
    fit = cox_several_arms(larynx, **LARYNX, ties="breslow", variance="model")
    found = getattr(fit, test)
    assert found.degrees == 3
    assert_allclose(found.chi_square, chi_square, rtol=0, atol=0.0055)


@pytest.mark.parametrize(
    ("row", "estimate", "error"),
    [(0, 0.1386, 0.4623), (1, 0.6383, 0.3561), (2, 1.6931, 0.4222), (3, 0.0189, 0.0143)],
)
def test_klein_moeschberger_example_8_3_larynx_stage_and_age(
    larynx: pd.DataFrame, row: int, estimate: float, error: float
) -> None:
    fit = cox_several_arms(larynx, **LARYNX, covariates="age", ties="breslow", variance="model").to_frame()
    assert_allclose(fit.estimate[row], estimate, rtol=0, atol=5.5e-5)
    assert_allclose(fit.standard_error[row], error, rtol=0, atol=5.5e-5)


def test_r_survdiff_example_lung_pat_karno_stratified_by_institution(lung: pd.DataFrame) -> None:
    """R's help of survdiff prints chi-square 21.4 on 7 df, p .003 for eight groups within strata."""
    complete = lung.dropna(subset=["pat.karno", "inst"])
    found = k_sample_log_rank(complete, **LUNG, arm="pat.karno", strata="inst", test="asymptotic")
    assert found.degrees == 7
    assert_allclose(found.chi_square, 21.4, rtol=0, atol=0.05)
    assert_allclose(found.p_value, 0.00326, rtol=0, atol=5e-6)
    printed = [0.692, 1.099, 1.166, 16.298, 26.358, 41.938, 47.242, 26.207]
    assert_allclose(found.table.expected, printed, rtol=0, atol=5.5e-4)


@pytest.mark.parametrize(
    ("row", "estimate", "error"),
    [(0, -0.0103, 0.3138), (1, 0.0272, 0.0137), (2, -0.1463, 0.0705), (3, -0.6372, 0.3672)],
)
def test_kalbfleisch_prentice_stanford_heart_delayed_entry(row: int, estimate: float, error: float) -> None:
    """R's coxph(Surv(start, stop, event) ~ age + year + surgery + transplant): rows at risk after `start`."""
    fit = cox(
        datasets.load_stanford_heart_transplants(), **HEART, covariates=["age", "year", "surgery"],
        variance="model",
    ).to_frame()  # fmt: skip
    assert_allclose(fit.estimate[row], estimate, rtol=0, atol=6e-5)
    assert_allclose(fit.standard_error[row], error, rtol=0, atol=6e-5)


@pytest.mark.parametrize(
    ("ties", "estimate", "error", "log_likelihood"),
    [
        ("breslow", 1.5092, 0.4096, -86.380),
        ("efron", 1.5721, 0.4124, -85.008),
        ("exact", 1.6282, 0.4331, -74.543),
    ],
)
def test_freireich_6mp_cox_ties_as_in_r_coxph_and_kleinbaum_klein(
    ties: str, estimate: float, error: float, log_likelihood: float
) -> None:
    fit = cox(datasets.load_leukemia(), **LEUKAEMIA, ties=ties, variance="model")
    assert_allclose(fit.coefficients, estimate, rtol=0, atol=6e-5)
    assert_allclose(fit.standard_errors, error, rtol=0, atol=6e-5)
    assert_allclose(fit.log_likelihood[1], log_likelihood, rtol=0, atol=6e-4)


def test_kleinbaum_klein_chapter_7_6mp_weibull_accelerated_failure_time() -> None:
    fit = weibull(datasets.load_leukemia(), **LEUKAEMIA, control=1)
    table = fit.time_ratios()
    assert_allclose(table.estimate, [2.248, 1.267, -0.312], rtol=0, atol=6e-4)
    assert_allclose(table.standard_error, [0.166, 0.311, 0.147], rtol=0, atol=6e-4)
    assert_allclose(fit.shape, 1.366, rtol=0, atol=6e-4)


def test_kleinbaum_klein_chapter_7_6mp_weibull_proportional_hazards() -> None:
    table = weibull(datasets.load_leukemia(), **LEUKAEMIA, control=1).hazard_ratios()
    assert_allclose(table.estimate, -1.731, rtol=0, atol=6e-4)
    assert_allclose(table.standard_error, 0.413, rtol=0, atol=6e-4)


def test_klein_moeschberger_table_4_1_6mp_kaplan_meier_of_one_group() -> None:
    data = datasets.load_leukemia()
    curve = kaplan_meier(data[data.Rx == 0], time="t", event="status").at([6, 7, 10, 13, 16, 22, 23])
    assert_allclose(curve.survival, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], rtol=0, atol=6e-4)
    printed = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert_allclose(curve.standard_error, printed, rtol=0, atol=6e-5)


def test_klein_moeschberger_table_4_2_6mp_aalen_variance() -> None:
    """Standard errors of the Nelson–Aalen estimate; the book adds up rounded variances."""
    data = datasets.load_leukemia()
    at = [6, 7, 10, 13, 16, 22, 23]
    curve = kaplan_meier(data[data.Rx == 0], time="t", event="status", variance="aalen").at(at)
    printed = [0.0825, 0.1015, 0.1212, 0.1473, 0.1729, 0.2243, 0.2795]
    assert_allclose(curve.standard_error / curve.survival, printed, rtol=0, atol=2.5e-4)


def test_r_survfit_lung_median_310_from_285_to_363_of_one_group(lung: pd.DataFrame) -> None:
    curve = kaplan_meier(lung, **LUNG).curves["all"]
    assert curve.quantile(0.5) == (310.0, 285.0, 363.0)


def test_r_summary_coxph_lung_concordance_of_sex_is_579_with_error_021(lung: pd.DataFrame) -> None:
    found = concordance(lung, **LUNG, risk="male")
    larger = max(found.estimate, 1 - found.estimate)
    assert_allclose([larger, found.standard_error], [0.579, 0.021], rtol=0, atol=5e-4)


def test_r_summary_coxph_lung_concordance_of_three_covariates_is_637_with_error_025(
    lung: pd.DataFrame,
) -> None:
    data = lung.dropna(subset=["ph.ecog"])
    fit = cox(data, **LUNG, arm="sex", covariates=["age", "ph.ecog"], variance="model")
    X = np.column_stack([data.sex == data.sex.max(), data.age, data["ph.ecog"]])
    found = concordance(data.assign(risk=X @ fit.coefficients), **LUNG, risk="risk")
    assert_allclose([found.estimate, found.standard_error], [0.637, 0.025], rtol=0, atol=5e-4)


@pytest.mark.parametrize(
    ("arm", "at", "estimate", "variance"),
    [
        ("ALL", 20, 0.3713851, 0.003307032),
        ("ALL", 40, 0.3875571, 0.003405375),
        ("AML", 20, 0.2414530, 0.001801156),
        ("AML", 40, 0.2663827, 0.001995487),
        ("AML", 60, 0.2810390, 0.002130835),
    ],
)
def test_scrucca_2007_cmprsk_timepoints_aalen_variance(
    shared: Callable[[str], Path], arm: str, at: float, estimate: float, variance: float
) -> None:
    data = pd.read_csv(shared("data/casebase/bmtcrr.csv"))
    found = cumulative_incidence(
        data, time="month", event="status", arm="disease", cause=1, control="ALL", variance="aalen"
    ).at([at])
    own = found[found.arm == arm]
    assert_allclose(own.incidence, estimate, rtol=0, atol=5.5e-8)
    assert_allclose(own.standard_error**2, variance, rtol=0, atol=5.5e-10)


def test_delayed_entry_log_rank_is_the_score_test_of_cox_without_ties() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"t": rng.exponential(5, 80), "e": rng.integers(0, 2, 80), "arm": rng.integers(0, 2, 80)}
    )
    data["from"] = data.t * rng.random(80) * 0.8
    columns = {"time": "t", "event": "e", "arm": "arm", "entry": "from"}
    score = cox(data, **columns, variance="model").score_chi_square
    assert_allclose(log_rank(data, **columns).chi_square, score, rtol=1e-10)


@pytest.fixture(scope="module")
def transplanted() -> pd.DataFrame:
    """Return the 69 who got a heart, each from the day of the transplant."""
    data = datasets.load_stanford_heart_transplants()
    return data[data.transplant == 1]


def test_r_survfit_3_5_stanford_heart_from_the_day_of_the_transplant(transplanted: pd.DataFrame) -> None:
    curve = kaplan_meier(transplanted, time="stop", event="event", entry="start").at([30, 100, 365])
    assert_allclose(curve.survival, [0.73542144, 0.46787542, 0.32109522], rtol=0, atol=1e-8)
    assert_allclose(curve.standard_error, [0.100225976, 0.080162076, 0.065258380], rtol=0, atol=1e-8)


def test_r_survmean_3_5_stanford_heart_restricted_means_with_delayed_entry(
    transplanted: pd.DataFrame,
) -> None:
    roles = {"time": "stop", "event": "event", "entry": "start", "arm": "surgery"}
    found = restricted_mean_survival(transplanted, **roles, control=0, tau=365)
    assert_allclose(found.estimates.estimate[0], 331.583333 - 150.673786, rtol=0, atol=2e-6)
    assert_allclose(found.estimates.standard_error[0], np.hypot(20.2630131, 26.8201759), rtol=0, atol=2e-6)


def test_r_coxph_3_5_stanford_heart_surgery_with_delayed_entry(transplanted: pd.DataFrame) -> None:
    roles = {"time": "stop", "event": "event", "entry": "start", "arm": "surgery"}
    fit = cox(transplanted, **roles, control=0, variance="model").to_frame()
    assert_allclose(fit.estimate[0], -0.857530379, rtol=0, atol=1e-6)
    assert_allclose(fit.standard_error[0], 0.445472039, rtol=0, atol=1e-6)
