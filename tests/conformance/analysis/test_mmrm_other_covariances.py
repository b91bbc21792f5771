"""Sandwich errors, covariances in space and by group: the R package mmrm 0.3.16 (reference/mmrm.json)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conformance.analysis.test_mmrm_reference import FEV_TERMS, STRUCTURES, fit_fev, relative
from trialsim.analysis.repeated_measures.result import MmrmResult

HERE = Path(__file__).parents[1]
ENTRIES = {e["id"]: e for e in json.loads((HERE / "data" / "mmrm.json").read_text())["entries"]}
KINDS = {
    "Empirical": "empirical",
    "Empirical-Bias-Reduced": "empirical-bias-reduced",
    "Empirical-Jackknife": "empirical-jackknife",
}


@pytest.fixture(scope="module")
def fev(shared: Callable[[str], Path]) -> pd.DataFrame:
    frame = pd.read_csv(shared("data/fev/fev_data.csv"))
    frame["SEX"] = pd.Categorical(frame["SEX"], ["Male", "Female"])
    return frame


@pytest.mark.parametrize("vcov", KINDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_fev_sandwich_errors_and_df_as_r_mmrm_0_3_16(
    fev: pd.DataFrame, covariance: str, method: str, vcov: str
) -> None:
    listed = ENTRIES[f"mmrm_fev_{covariance}_{method}"]["expected"]["inference"]
    expected = next(row for row in listed if row["vcov"] == vcov)
    fit = fit_fev(fev, covariance=covariance, method=method, errors=KINDS[vcov])
    found = fit.coefficients.set_index("term").loc[FEV_TERMS]
    relative(found["standard_error"], expected["se"], 2e-4)
    relative(found["df"], expected["df"], 5e-4)
    np.testing.assert_allclose(found["p_value"], expected["p"], rtol=4e-3, atol=1e-12)
    by_visit = expected["trt_minus_pbo_by_visit"]
    relative(fit.contrasts["standard_error"], by_visit["se"], 2e-4)
    relative(fit.contrasts["df"], by_visit["df"], 5e-4)


def as_in_r(fit: MmrmResult, expected: dict[str, Any]) -> None:
    assert fit.minus_two_log_likelihood == pytest.approx(-2 * expected["loglik"], abs=4e-5)
    found = fit.coefficients.set_index("term").loc[FEV_TERMS]
    assert (np.abs(found["estimate"] - expected["est"]) <= 5e-4 * np.array(expected["se"])).all()
    relative(found["standard_error"], expected["se"], 2e-4)
    relative(found["df"], expected["df"], 5e-4)
    np.testing.assert_allclose(found["p_value"], expected["p"], rtol=4e-3, atol=1e-12)


def test_fev_sp_exp_of_two_coordinates_as_r_mmrm_0_3_16(fev: pd.DataFrame) -> None:
    expected = ENTRIES["mmrm_fev_sp_exp"]["expected"]
    as_in_r(fit_fev(fev, covariance="sp_exp", coordinates=["VISITN", "VISITN2"]), expected)


@pytest.mark.parametrize("covariance", ["us", "cs"])
def test_fev_covariance_by_arm_as_r_mmrm_0_3_16(fev: pd.DataFrame, covariance: str) -> None:
    expected = ENTRIES[f"mmrm_fev_{covariance}_grouped_by_arm"]["expected"]
    fit = fit_fev(fev, covariance=covariance, covariance_by="ARMCD")
    as_in_r(fit, expected)
    for arm, matrix in expected["varcov"].items():
        scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        assert (np.abs(fit.covariance.loc[arm] - np.array(matrix)) <= 5e-4 * scale).to_numpy().all()
