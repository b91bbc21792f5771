"""Published and package numbers of log-rank tests, MaxCombo, restricted mean and milestone survival.

GBSG2 and the leukaemia data come with lifelines (MIT), so that no entry is skipped.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets
from numpy.testing import assert_allclose

from trialsim.analysis.survival.log_rank_test import LogRankResult, log_rank
from trialsim.analysis.survival.max_combo_test import MaxComboResult, max_combo
from trialsim.analysis.survival.milestone import milestone_survival
from trialsim.analysis.survival.restricted_mean import restricted_mean_survival
from trialsim.analysis.survival.weights import (
    AtRisk,
    EarlyZero,
    FlemingHarrington,
    MagirrBurman,
    PetoPeto,
    Weight,
)

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "survival.json").read_text())["entries"]
}
GBSG2 = {"time": "time", "event": "cens", "arm": "horTh", "control": "no"}


def expected(entry: str) -> dict:
    return REFERENCE[entry]["expected"]


@pytest.fixture(scope="module")
def gbsg2() -> pd.DataFrame:
    return datasets.load_gbsg2()


@pytest.mark.parametrize(
    ("entry", "weights", "strata"),
    [
        ("gbsg2_survdiff_rho0", FlemingHarrington(0, 0), None),
        ("gbsg2_survdiff_rho1", FlemingHarrington(1, 0), None),
        ("gbsg2_survdiff_stratified_tgrade", FlemingHarrington(0, 0), "tgrade"),
    ],
)
def test_r_survival_survdiff(gbsg2: pd.DataFrame, entry: str, weights: Weight, strata: str | None) -> None:
    target = expected(entry)
    result = log_rank(gbsg2, **GBSG2, weights=weights, strata=strata)
    assert_allclose(result.observed, target["obs"], rtol=1e-9)
    assert_allclose(result.expected, target["exp"], rtol=1e-9)
    assert_allclose(result.variance, target["var"], rtol=1e-9)
    assert_allclose(result.chi_square, target["chisq"], rtol=1e-9)


@pytest.mark.parametrize(
    ("entry", "weights", "strata"),
    [
        ("FH_0_0_unstratified", FlemingHarrington(0, 0), None),
        ("FH_0_1_unstratified", FlemingHarrington(0, 1), None),
        ("FH_1_0_unstratified", FlemingHarrington(1, 0), None),
        ("FH_1_1_unstratified", FlemingHarrington(1, 1), None),
        ("MB_delay365_w_max2_unstratified", MagirrBurman(365, 2), None),
        ("early_zero_365_unstratified", EarlyZero(365), None),
        ("FH_0_0_stratified_tgrade", FlemingHarrington(0, 0), "tgrade"),
        ("FH_0_1_stratified_tgrade", FlemingHarrington(0, 1), "tgrade"),
    ],
)
def test_simtrial_weighted_log_rank(
    gbsg2: pd.DataFrame, entry: str, weights: Weight, strata: str | None
) -> None:
    target = expected(f"gbsg2_simtrial_wlr_{entry}")
    result = log_rank(gbsg2, **GBSG2, weights=weights, strata=strata)
    assert_allclose(result.score, target["estimate"], rtol=1e-9)
    assert_allclose(np.sqrt(result.variance), target["se"], rtol=1e-9)
    assert_allclose(-result.z, target["z"], rtol=1e-9)


def one_sided(gbsg2: pd.DataFrame, entry: str) -> tuple[MaxComboResult, dict]:
    target = expected(entry)
    weights = [FlemingHarrington(*pair) for pair in zip(target["rho"], target["gamma"], strict=True)]
    return max_combo(gbsg2, **GBSG2, weights=weights, alternative="less"), target


@pytest.mark.parametrize("entry", ["gbsg2_simtrial_maxcombo_FH_0_0_0_1", "gbsg2_simtrial_maxcombo_4_weights"])
def test_simtrial_max_combo(gbsg2: pd.DataFrame, entry: str) -> None:
    result, target = one_sided(gbsg2, entry)
    assert_allclose(result.z, target["z"], rtol=1e-9)
    assert_allclose(result.correlation, target["corr"], rtol=0, atol=1e-10)
    assert_allclose(result.p_value, target["p_value"], rtol=0, atol=2e-4)


def test_max_combo_of_two_weights_equals_the_bivariate_integral_of_simtrial(gbsg2: pd.DataFrame) -> None:
    result, target = one_sided(gbsg2, "gbsg2_simtrial_maxcombo_FH_0_0_0_1")
    assert_allclose(result.p_value, target["p_value"], rtol=0, atol=1e-9)


def test_max_combo_of_four_weights_equals_a_hundred_million_draws(gbsg2: pd.DataFrame) -> None:
    result, target = one_sided(gbsg2, "gbsg2_simtrial_maxcombo_4_weights")
    drawn, error = target["p_value_100M_draws"]
    assert_allclose(result.p_value, drawn, rtol=0, atol=3 * error)


def test_simtrial_restricted_mean(gbsg2: pd.DataFrame) -> None:
    target = expected("gbsg2_simtrial_rmst_tau1095")
    estimates = restricted_mean_survival(gbsg2, **GBSG2, tau=1095, variance="unbiased").estimates
    assert_allclose(estimates.estimate, target["estimate"], rtol=1e-9)
    assert_allclose(estimates.standard_error, target["se"], rtol=1e-9)
    assert_allclose(estimates.statistic, target["z"], rtol=1e-9)


def test_r_survival_restricted_mean(gbsg2: pd.DataFrame) -> None:
    target = expected("gbsg2_RMST_tau1095")
    result = restricted_mean_survival(gbsg2, **GBSG2, tau=1095)
    assert_allclose(result.means, target["rmean"], rtol=1e-9)
    assert_allclose(result.standard_errors, target["se"], rtol=1e-9)


def test_simtrial_milestone(gbsg2: pd.DataFrame) -> None:
    target = expected("gbsg2_simtrial_milestone_1095_default_test")
    estimates = milestone_survival(gbsg2, **GBSG2, at=1095, scale="log_log").estimates
    assert_allclose(-estimates.estimate, target["estimate"], rtol=1e-9)
    assert_allclose(estimates.standard_error, target["se"], rtol=1e-9)
    assert_allclose(-estimates.statistic, target["z"], rtol=1e-9)


def six_subjects() -> LogRankResult:
    given = REFERENCE["logrank_six_subjects_a"]["inputs"]
    data = pd.DataFrame({name: given[name] for name in ("time", "event", "group")})
    return log_rank(data, time="time", event="event", arm="group", test="asymptotic")


def test_lifelines_six_subjects() -> None:
    target = expected("logrank_six_subjects_a")
    assert_allclose(six_subjects().chi_square, target["chisq"], rtol=0, atol=1e-6)
    assert_allclose(six_subjects().p_value, target["p"], rtol=0, atol=1e-6)


def test_lifelines_leukaemia_wilcoxon_tarone_ware_peto() -> None:
    data = datasets.load_leukemia()
    chi_squares = [
        log_rank(data, time="t", event="status", arm="Rx", weights=weights).chi_square
        for weights in (AtRisk(1.0), AtRisk(0.5), PetoPeto())
    ]
    target = expected("leukemia_weighted_logrank")["wilcoxon_tarone_ware_peto"]
    assert_allclose(chi_squares, target, rtol=0, atol=1e-5)
