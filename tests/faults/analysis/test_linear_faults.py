"""Data that a linear model refuses: the message names the column and the row, never a participant's value."""

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import ancova, dose_response, prognostic_adjustment
from trialsim.analysis.linear import UnsafeStandardErrorWarning, fit_linear, fit_twin_weighted
from trialsim.errors import AnalysisError


def trial(**changes):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "arm": np.resize(["placebo", "drug"], 24),
            "base": rng.normal(20, 4, 24),
            "age": rng.normal(70, 5, 24),
            "sex": rng.permutation(np.resize(["f", "m"], 24)),
            "sd": rng.uniform(1, 2, 24),
            "chg": rng.normal(1, 3, 24),
        }
    )
    return frame.assign(**changes)


def with_value(column, row, value):
    frame = trial()
    frame[column] = frame[column].astype(object) if isinstance(value, str) else frame[column]
    frame.loc[row, column] = value
    return frame


TWO = {"outcome": "chg", "arm": "arm", "covariates": ["base", "age"], "control": "placebo"}


@pytest.mark.parametrize(
    ("data", "changes", "says"),
    [
        (trial(), {"outcome": "cgh"}, ["cgh", "not a column"]),
        (trial(), {"covariates": ["base", "base"]}, ["base", "more than one place"]),
        (trial(), {"covariates": ["chg"]}, ["chg", "more than one place"]),
        (trial(), {"control": "vehicle"}, ["arm", "vehicle", "drug, placebo"]),
        (trial(), {"outcome": "sex"}, ["sex", "must hold numbers"]),
        (trial(arm="drug"), {}, ["arm", "one level"]),
        (trial(arm=["placebo"] * 23 + ["drug"]), {}, ["arm", "arm drug has 1 participant"]),
        (trial(chg=np.nan), {}, ["chg", "missing in every row"]),
        (trial(chg=2.0), {}, ["chg", "the same for every participant"]),
        (trial(age=70.0), {}, ["age", "collinear_covariate"]),
        (trial(age=trial()["base"] * 2 + 1), {}, ["age", "collinear_covariate"]),
        (trial(sex="f"), {"covariates": ["sex"]}, ["sex", "one level only"]),
        (with_value("base", 5, np.nan), {}, ["base", "row 5", "missing or infinite"]),
        (with_value("base", 7, np.inf), {}, ["base", "row 7"]),
        (with_value("chg", 3, -np.inf), {}, ["chg", "row 3", "infinite"]),
        (with_value("arm", 2, None), {}, ["arm", "row 2", "missing"]),
        (with_value("sex", 9, None), {"covariates": ["sex"]}, ["sex", "row 9", "missing"]),
        (trial(), {"variance": "hc9"}, ["variance", "hc9", "hc0"]),
        (trial(), {"slopes": "both"}, ["slopes", "both"]),
        (trial(), {"level": 95}, ["level", "(0, 1)"]),
        (trial(), {"means": "margins"}, ["means", "margins"]),
        (trial(), {"randomisation": "permuted_blocks"}, ["strata", "permuted blocks"]),
        (trial(), {"strata": ["sex"], "randomisation": "permuted_blocks", "variance": "model"}, ["robust"]),
        (trial().iloc[:4], {"covariates": ["base", "age"]}, ["4 participants", "4 columns"]),
    ],
)
def test_refused_frames(data, changes, says):
    with pytest.raises(AnalysisError) as refusal:
        ancova(data, **(TWO | changes))
    for part in says:
        assert part in str(refusal.value)


def test_no_participant_value_in_a_message():
    data = with_value("base", 5, "secret")
    with pytest.raises(AnalysisError) as refusal:
        ancova(data, **(TWO | {"outcome": "base", "covariates": []}))
    assert "secret" not in str(refusal.value)


def test_perfect_fit_is_refused():
    with pytest.raises(AnalysisError, match="fitted perfectly"):
        ancova(trial(chg=3.0 * trial()["base"]), **TWO)


def test_model_based_variance_of_twin_weights_is_refused():
    with pytest.raises(AnalysisError, match="robust variance"):
        prognostic_adjustment(
            trial(), outcome="chg", arm="arm", score="base", score_sd="sd", variance="model"
        )
    with pytest.raises(AnalysisError, match="robust variance"):
        fit_twin_weighted(
            [[1.0, 2, 3, 4]], [[0, 0, 1, 1]], np.zeros((1, 4, 0)), np.ones((1, 4)), variance="model"
        )


def test_twin_sd_of_zero_is_named_by_position():
    data = with_value("sd", 4, 0.0)
    with pytest.raises(AnalysisError, match=r"sd: must be above 0, but is not in row 4"):
        prognostic_adjustment(data, outcome="chg", arm="arm", score="base", score_sd="sd")


def test_dose_that_is_no_number_is_refused():
    with pytest.raises(AnalysisError, match="is not numeric"):
        dose_response(trial(), outcome="chg", dose="arm")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": [[0, 0, 1, 2]]}, "arm"),
        ({"arm": [[0, 0, 1]]}, "arm"),
        ({"arm": [[0, 0, 0.5, 1]]}, "arm"),
        ({"covariates": [[[1.0], [2.0], [np.nan], [4.0]]]}, r"covariates\[0\].*participant 2 of replicate 0"),
        ({"covariates": [[1.0, 2.0, 3.0, 4.0]]}, "covariates.*shape"),
        ({"weights": [[1.0, 1.0, 0.0, 1.0]]}, "weights.*participant 2"),
        ({"outcome": [[1.0, np.inf, 3.0, 5.0]]}, "outcome.*participant 1"),
        ({"outcome": [1.0, 2.0, 3.0, 5.0]}, "outcome.*shape"),
        ({"strata": [[0, 1, -1, 0]]}, "strata"),
    ],
)
def test_refused_blocks(change, says):
    good = {"outcome": [[1.0, 2.5, 3.0, 5.0]], "arm": [[0, 0, 1, 1]], "covariates": None}
    with pytest.raises(AnalysisError, match=says):
        fit_linear(**(good | change))


def test_unobserved_participant_may_lack_covariates():
    y, arm = [[1.0, 2.5, 3.0, 5.0, np.nan]], [[0, 0, 1, 1, 1]]
    x = [[[1.0], [2.0], [1.5], [3.0], [np.nan]]]
    assert fit_linear(y, arm, x).status[0] == 0


def test_model_based_warning_needs_unequal_arms_and_spread():
    rng = np.random.default_rng(11)
    size = (200, 120)
    for share, ratio, warned in [
        (0.75, 1.5, True),
        (0.5, 1.5, False),
        (0.75, 1.0, False),
        (0.25, 1.5, False),
    ]:
        arm = np.tile(np.arange(size[1]) < share * size[1], (size[0], 1)).astype(int)
        y = rng.normal(size=size) * np.where(arm == 0, ratio, 1.0)
        if warned:
            with pytest.warns(UnsafeStandardErrorWarning, match="unsafe"):
                fit_linear(y, arm, variance="model")
        else:
            fit_linear(y, arm, variance="model")


def test_frame_warns_of_model_based_error():
    rng = np.random.default_rng(12)
    data = pd.DataFrame({"arm": np.resize(["a", "b", "b", "b"], 200)})
    data["y"] = rng.normal(size=200) * np.where(data["arm"] == "a", 2.0, 1.0)
    with pytest.warns(UnsafeStandardErrorWarning):
        ancova(data, outcome="y", arm="arm", variance="model")
