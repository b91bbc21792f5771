"""g-computation against R package RobinCar2 0.2.3.9000, to the tolerance of every entry."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import g_computation

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "robust_covariate_adjustment.json").read_text())
ENTRIES = {entry["id"]: entry for entry in REFERENCE["entries"]}

COVAR = {"covariates": ["covar"]}
CROSSED = {"covariates": ["s1", "covar"], "by_arm": ["s1"]}
BLOCKS = {"strata": ["s1"], "strata_in_model": False, "randomisation": "permuted_blocks"}
LM = {"outcome": "y", "family": "gaussian"}
LOGIT = {"outcome": "y_b", "family": "binomial"}
MAIN = LOGIT | COVAR
MODELS = {
    "gcomp_lm_txs1_covar": LM | CROSSED,
    "gcomp_logit_txs1_covar_rd": LOGIT | CROSSED,
    "gcomp_logit_txs1_covar_rr": LOGIT | CROSSED | {"contrast": "ratio"},
    "gcomp_logit_txs1_covar_or": LOGIT | CROSSED | {"contrast": "odds_ratio"},
    "gcomp_lm_y_treatment+covar_sp(1)": LM | COVAR,
    "gcomp_lm_y_treatmentxcovar_sp(1)": LM | COVAR | {"by_arm": ["covar"]},
    "gcomp_lm_y_treatment+covar_pb(s1)": LM | COVAR | BLOCKS,
    "gcomp_lm_y_treatmentxcovar_pb(s1)": LM | COVAR | BLOCKS | {"by_arm": ["covar"]},
    "gcomp_lm_y_treatment+covar_ps(s1)": LM | COVAR | BLOCKS | {"randomisation": "pocock_simon"},
    "gcomp_lm_y_treatment+covar_sp(1)_vcovHC": LM | COVAR | {"variance": "hc3"},
    "gcomp_logit_treatment+covar_sp(1)_difference": MAIN,
    "gcomp_logit_treatment+covar_sp(1)_risk_ratio": MAIN | {"contrast": "ratio"},
    "gcomp_logit_treatment+covar_sp(1)_log_risk_ratio": MAIN | {"contrast": "log_ratio"},
    "gcomp_logit_treatment+covar_sp(1)_odds_ratio": MAIN | {"contrast": "odds_ratio"},
    "gcomp_logit_treatment+covar_sp(1)_log_odds_ratio": MAIN | {"contrast": "log_odds_ratio"},
    "gcomp_logit_treatmentxs1_difference": LOGIT | {"covariates": ["s1"], "by_arm": ["s1"]},
    "gcomp_logit_treatmentxs1_log_risk_ratio": LOGIT
    | {"covariates": ["s1"], "by_arm": ["s1"], "contrast": "log_ratio"},
    "gcomp_poisson_cnt_log_risk_ratio": {"outcome": "cnt", "family": "poisson", "contrast": "log_ratio"}
    | COVAR
    | BLOCKS,
}
TESTED_ELSEWHERE = {
    name for name in ENTRIES if name.startswith(("hc_", "model_se_", "sim_type1", "indomethacin"))
}
NOT_REDISTRIBUTABLE = ["beeca_trial01_ye", "sas_margins_trial01"]


def test_every_entry_has_its_test():
    assert set(MODELS) | set(NOT_REDISTRIBUTABLE) | TESTED_ELSEWHERE == set(ENTRIES)


@pytest.fixture(scope="module")
def glm_data(shared):
    data = pd.read_csv(shared("data/robincar2/glm_data.csv"))
    return data.assign(cnt=np.maximum(0, np.floor(2 * data["y"] + 2)))


@pytest.mark.parametrize("name", MODELS)
def test_robincar2(glm_data, name):
    expected = ENTRIES[name]["expected"]
    result = g_computation(glm_data, arm="treatment", control="pbo", comparisons="pairwise", **MODELS[name])
    assert list(result.counts) == expected["arms"]
    np.testing.assert_allclose(result.means, expected["mean"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.mean_covariance, expected["mean_vcov"], rtol=1e-8)
    np.testing.assert_allclose(result.effects, expected["contrast"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.effect_covariance, expected["contrast_vcov"], rtol=1e-8)
    assert result.status == "ok"


def test_permuted_blocks_change_nothing_where_the_strata_are_saturated(glm_data):
    simple = g_computation(glm_data, arm="treatment", **MODELS["gcomp_lm_txs1_covar"])
    model = {
        "outcome": "y",
        "family": "gaussian",
        "covariates": ["covar"],
        "strata": ["s1"],
        "by_arm": ["s1"],
    }
    blocks = g_computation(glm_data, arm="treatment", randomisation="permuted_blocks", **model)
    np.testing.assert_allclose(simple.effect_covariance, blocks.effect_covariance, rtol=1e-10)


@pytest.mark.parametrize("covariates", [[], ["site"]], ids=["unadjusted", "site"])
def test_robincar2_indomethacin_risk_difference(shared, covariates):
    data = pd.read_csv(shared("data/medicaldata_mit/indo_rct.csv"))
    data = data.assign(pancreatitis=(data["outcome"] == "1_yes").astype(int))
    expected = ENTRIES[f"indomethacin_rd_{'site' if covariates else 'unadjusted'}"]["expected"]
    result = g_computation(
        data,
        outcome="pancreatitis",
        arm="rx",
        control="0_placebo",
        family="binomial",
        covariates=covariates,
        separation="limit",
    )
    np.testing.assert_allclose(result.means, expected["mean_placebo_indomethacin"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        np.sqrt(np.diag(result.mean_covariance)), expected["mean_se"], rtol=0, atol=1e-6
    )
    assert result.effects[0] == pytest.approx(expected["difference"], abs=1e-6)
    assert result.to_frame()["standard_error"][0] == pytest.approx(expected["se"], abs=1e-6)


@pytest.mark.parametrize("name", NOT_REDISTRIBUTABLE)
def test_beeca_trial01(name):
    pytest.skip(f"{name} needs beeca::trial01, whose licence keeps it out of this repository")
