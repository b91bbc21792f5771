"""Data that g-computation refuses, and what it says when the covariates separate the outcome."""

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import g_computation
from trialsim.analysis.marginal import fit_marginal
from trialsim.errors import AnalysisError


def trial(**changes):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "arm": np.resize(["p", "d"], 40),
            "x": rng.normal(size=40),
            "site": np.resize([1, 1, 2, 2, 3], 40),
            "y": rng.permutation(np.resize([0, 1], 40)),
        }
    )
    return frame.assign(**changes)


MODEL = {"outcome": "y", "arm": "arm", "family": "binomial", "covariates": ["x"], "control": "p"}


@pytest.mark.parametrize(
    ("data", "changes", "says"),
    [
        (trial(), {"family": "probit"}, "family.*probit"),
        (trial(), {"contrast": "hazard"}, "contrast.*hazard"),
        (trial(), {"by_arm": ["age"]}, "by_arm.*age"),
        (trial(), {"randomisation": "permuted_blocks"}, "strata"),
        (trial(), {"variance": "hc3"}, "HC3 serves the linear model"),
        (trial(), {"comparisons": "all"}, "comparisons"),
        (trial(), {"separation": "ignore"}, "separation"),
        (trial(), {"level": 1.0}, r"level.*\(0, 1\)"),
        (trial(), {"theta": -1.0, "family": "negative_binomial"}, "theta"),
        (trial(y=1), {}, "the same for every participant"),
        (trial(y=np.arange(40) % 3), {}, "0 or 1"),
        (trial(y=-1.0 * (np.arange(40) % 3)), {"family": "poisson"}, "0 or above"),
        (trial(y=0.5 * (np.arange(40) % 3)), {"family": "negative_binomial"}, "whole number"),
        (trial(z=trial()["x"] * 2), {"covariates": ["x", "z"]}, "z: collinear_covariate"),
    ],
)
def test_refusals(data, changes, says):
    with pytest.raises(AnalysisError, match=says):
        g_computation(data, **(MODEL | changes))


@pytest.mark.parametrize(
    ("y", "changes", "status"),
    [
        ((trial()["arm"] == "d") * (np.arange(40) % 4 == 1), {"contrast": "log_ratio"}, "mean_out_of_range"),
        ((trial()["arm"] == "d") * 1, {"covariates": []}, "no_residual_variance"),
    ],
)
def test_two_arms_without_an_estimate_are_marked_and_decided_by_another_test(y, changes, status):
    found = g_computation(trial(y=y), **(MODEL | changes))
    assert found.status == status
    assert np.isnan(found.effects).all()
    assert found.to_frame()["p_value"][0] < 0.05
    assert f"{status}: the effect cannot be estimated" in str(found)


def test_impossible_outcome_is_named_by_position():
    with pytest.raises(AnalysisError, match="participant 2 of replicate 0"):
        fit_marginal([[0, 1, 2, 1, 0.0]], [[0, 0, 1, 1, 1]], family="binomial")
    with pytest.raises(AnalysisError, match="participant 1 of replicate 0"):
        fit_marginal([[0, np.inf, 2, 1, 0.0]], [[0, 0, 1, 1, 1]], family="poisson")


@pytest.mark.parametrize(("separation", "says"), [("penalise", "Firth's penalty"), ("limit", "at its limit")])
def test_separation_is_said_in_the_print(separation, says):
    data = trial(y=trial()["y"] * (trial()["site"] != 3))
    result = g_computation(data, **(MODEL | {"strata": ["site"], "separation": separation}))
    assert says in str(result)
    assert result.status != "ok"


def test_figures_show_every_comparison():
    result = g_computation(trial(), **(MODEL | {"contrast": "odds_ratio"}))
    figure = result.plot()
    assert list(figure.data[0].y) == ["d / p"]
    assert figure.data[0].x[0] == pytest.approx(result.effects[0])
    assert figure.layout.shapes[0].x0 == 1.0
