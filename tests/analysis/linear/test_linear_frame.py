"""The data-frame faces are the block faces of one trial, and say what they did."""

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import ancova, prognostic_adjustment
from trialsim.analysis.linear import fit_linear, fit_twin_weighted


@pytest.fixture(scope="module")
def trial():
    rng = np.random.default_rng(23)
    n = 90
    data = pd.DataFrame(
        {
            "arm": rng.permutation(np.resize([0, 1, 1], n)),
            "twin": rng.normal(4, 2, n),
            "twin_sd": rng.uniform(0.5, 2.5, n),
            "base": rng.normal(20, 5, n),
            "site": rng.integers(0, 3, n),
        }
    )
    data["chg"] = data["twin"] - 0.5 * data["arm"] + data["twin_sd"] * rng.normal(size=n)
    data.loc[[4, 50], "chg"] = np.nan
    return data


def as_block(data):
    return data["chg"].to_numpy()[None], data["arm"].to_numpy()[None], data[["twin", "base"]].to_numpy()[None]


def check_same(result, estimates):
    frame = result.to_frame()
    assert frame["estimate"][0] == pytest.approx(estimates.estimate[0], rel=1e-10)
    assert frame["standard_error"][0] == pytest.approx(estimates.standard_error[0], rel=1e-9)
    assert frame["p_value"][0] == pytest.approx(estimates.p_value[0], rel=1e-8)
    assert frame["df"][0] == estimates.df[0]


@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("randomisation", ["simple", "permuted_blocks"])
def test_ancova_is_fit_linear(trial, slopes, randomisation):
    result = ancova(
        trial, outcome="chg", arm="arm", covariates=["twin", "base"], strata=["site"], slopes=slopes,
        randomisation=randomisation,
    )  # fmt: skip
    strata = trial["site"].to_numpy()[None]
    check_same(
        result, fit_linear(*as_block(trial), slopes=slopes, strata=strata, randomisation=randomisation)
    )


def test_prognostic_adjustment_is_ancova_with_the_score(trial):
    result = prognostic_adjustment(trial, outcome="chg", arm="arm", score="twin", covariates=["base"])
    check_same(result, fit_linear(*as_block(trial)))


@pytest.mark.parametrize("slopes", ["common", "interacted"])
def test_twin_weights_are_the_block_ones(trial, slopes):
    result = prognostic_adjustment(
        trial, outcome="chg", arm="arm", score="twin", score_sd="twin_sd", covariates=["base"], slopes=slopes
    )
    block = fit_twin_weighted(*as_block(trial), trial["twin_sd"].to_numpy()[None], slopes=slopes)
    check_same(result, block)
    assert "weighted by" in str(result)


def test_print_tells_what_was_done(trial):
    text = str(
        ancova(trial, outcome="chg", arm="arm", covariates=["base"], variance="hc2", slopes="interacted")
    )
    for said in (
        "ANHECOVA of chg",
        "HC2",
        "88 (0 29, 1 59)",
        "2 without outcome",
        "interacted slopes",
        "1 - 0",
    ):
        assert said in text
    assert text.count("\n") > 10


def test_first_category_is_the_control():
    data = pd.DataFrame({"arm": ["b", "a"] * 6, "y": np.arange(12.0) ** 2})
    assert ancova(data, outcome="y", arm="arm").to_frame()["comparison"][0] == "b - a"
    data["arm"] = pd.Categorical(data["arm"], categories=["b", "a", "unused"])
    assert ancova(data, outcome="y", arm="arm").to_frame()["comparison"][0] == "a - b"


def test_figure_shows_effects_with_limits(trial):
    result = ancova(trial, outcome="chg", arm="arm", covariates=["base"])
    points, frame = result.plot().data[0], result.to_frame()
    assert points.x[0] == frame["estimate"][0]
    assert points.x[0] + points.error_x.array[0] == pytest.approx(frame["upper"][0])


def test_data_are_left_alone(trial):
    before = trial.copy()
    ancova(trial, outcome="chg", arm="arm", covariates=["base"], strata=["site"])
    pd.testing.assert_frame_equal(before, trial)
