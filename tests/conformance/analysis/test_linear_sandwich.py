"""Standard errors of R package sandwich 3.0.2, and the large-sample law of the model-based one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import ancova
from trialsim.analysis.linear import model_based_type_one_error

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "robust_covariate_adjustment.json").read_text())
ENTRIES = {entry["id"]: entry for entry in REFERENCE["entries"]}
KINDS = ("model", "hc0", "hc1", "hc2", "hc3", "hc4")
TYPE_ONE = [entry for name, entry in ENTRIES.items() if name.startswith("model_se_type1")]


def check_sandwich(entry, data, terms, **model):
    expected = entry["expected"]
    for kind in KINDS:
        frame = ancova(data, variance=kind, **model).coefficients_frame().set_index("term").loc[terms]
        np.testing.assert_allclose(frame["estimate"], expected["est"], rtol=1e-10)
        key = "se_model" if kind == "model" else f"se_{kind.upper()}"
        np.testing.assert_allclose(frame["standard_error"], expected[key], rtol=1e-9)
        assert (frame["df"] == expected["df"]).all()


def test_sandwich_glm_data_treatment_covar_s1(shared):
    data = pd.read_csv(shared("data/robincar2/glm_data.csv"))
    terms = ["(intercept)", "treatment[trt1]", "treatment[trt2]", "covar", "s1[b]"]
    entry = ENTRIES["hc_glm_data_y_on_treatment_covar_s1"]
    check_sandwich(entry, data, terms, outcome="y", arm="treatment", covariates=["covar", "s1"])


@pytest.mark.parametrize("visit", [5, 7])
def test_sandwich_antidepressant_change_on_therapy_basval(shared, visit):
    data = pd.read_csv(shared("data/antidepressant_dia/antidepressant.csv"))
    data = data[data["VISIT"] == visit]
    entry = ENTRIES[f"hc_antidepressant_visit_{visit}_observed_CHANGE_on_THERAPY_BASVAL"]
    terms = ["(intercept)", "THERAPY[DRUG]", "BASVAL"]
    check_sandwich(
        entry, data, terms, outcome="CHANGE", arm="THERAPY", control="PLACEBO", covariates=["BASVAL"]
    )  # fmt: skip


@pytest.mark.parametrize("entry", TYPE_ONE, ids=lambda entry: entry["id"])
def test_closed_form_type_one_error_of_model_based_se(entry):
    given, expected = entry["inputs"], entry["expected"]
    error = model_based_type_one_error(given["sigma0"], given["sigma1"], given["pi1"], given["alpha"])
    assert float(error) == pytest.approx(expected["type1_model_based"], rel=1e-9)
