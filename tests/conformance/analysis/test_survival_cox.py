"""R survival's numbers of Cox regression and of Kaplan–Meier, on GBSG2 (which comes with lifelines)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets
from numpy.testing import assert_allclose

from trialsim.analysis.survival.hazards.cox_model import cox
from trialsim.analysis.survival.kaplan_meier_curve import kaplan_meier

REFERENCE = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "survival.json").read_text())["entries"]
}
GBSG2 = {"time": "time", "event": "cens", "arm": "horTh", "control": "no"}


@pytest.fixture(scope="module")
def gbsg2() -> pd.DataFrame:
    return datasets.load_gbsg2().assign(
        log_pnodes=lambda data: np.log(data.pnodes), log_progrec=lambda data: np.log(1 + data.progrec)
    )


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ("horTh_efron", {}),
        ("horTh_breslow", {"ties": "breslow"}),
        ("adjusted_efron", {"covariates": ["age", "log_pnodes", "log_progrec"]}),
        ("stratified_tgrade_efron", {"strata": "tgrade"}),
    ],
)
def test_r_survival_coxph(gbsg2: pd.DataFrame, entry: str, options: dict) -> None:
    target = REFERENCE[f"gbsg2_coxph_{entry}"]["expected"]
    result = cox(gbsg2, **GBSG2, variance="model", **options)
    assert_allclose(result.coefficients, target["coef"], rtol=1e-9)
    assert_allclose(result.standard_errors, target["se"], rtol=1e-9)
    assert_allclose(result.log_likelihood, target["loglik"], rtol=1e-9)
    if "score" in target:
        assert_allclose(result.score_chi_square, target["score"], rtol=1e-9)


def test_r_survival_survfit(gbsg2: pd.DataFrame) -> None:
    target = pd.DataFrame(REFERENCE["gbsg2_survfit_KM_by_horTh_Greenwood"]["expected"])
    result = kaplan_meier(gbsg2, **GBSG2)
    for label, rows in target.groupby("strata"):
        at = result.at(rows.time.to_numpy(), arm=label.removeprefix("horTh="))
        assert_allclose(at.survival, rows.surv, rtol=1e-9)
        assert_allclose(at.standard_error, rows.se, rtol=1e-9)
        assert (at.at_risk == rows.n_risk.to_numpy()).all()


def test_r_survival_quantiles(gbsg2: pd.DataFrame) -> None:
    target = REFERENCE["gbsg2_KM_quantiles"]["expected"]
    quantiles = kaplan_meier(gbsg2, **GBSG2, interval="log").quantiles(target["probs"])
    for arm in ("no", "yes"):
        of_arm = quantiles[quantiles.arm == arm]
        assert_allclose(of_arm.time, target[arm], rtol=1e-9)
        if arm == "no":
            assert_allclose(of_arm.lower, target["lower_no"], rtol=1e-9)
            assert_allclose(of_arm.upper, target["upper_no"], rtol=1e-9)
