"""What must not change a standardised effect: order, labels, affine covariates; what must mirror it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis import g_computation
from trialsim.analysis.marginal import fit_marginal

FEW = settings(max_examples=15, deadline=None)
SEEDS = st.integers(0, 10_000)
SCHEMES = st.sampled_from(["simple", "permuted_blocks", "pocock_simon"])
MODEL = {"outcome": "y", "arm": "arm", "control": "p", "covariates": ["x", "sex"], "strata": ["site"]}
BINARY = MODEL | {"family": "binomial", "contrast": "log_ratio", "comparisons": "pairwise"}


def draw_trial(seed, n=150):
    rng = np.random.default_rng(seed)
    trial = pd.DataFrame(
        {
            "arm": rng.permutation(np.resize(["p", "q", "r"], n)),
            "x": rng.normal(size=n),
            "sex": rng.permutation(np.resize(["f", "m"], n)),
            "site": rng.permutation(np.resize([1, 2, 3], n)),
        }
    )
    trial["y"] = (rng.random(n) < 1 / (1 + np.exp(-0.7 * trial["x"] - (trial["arm"] == "q")))).astype(float)
    trial.loc[rng.random(n) < 0.05, "y"] = np.nan
    return trial


@FEW
@given(SEEDS, SCHEMES)
def test_row_order_changes_no_bit(seed, scheme):
    trial = draw_trial(seed)
    shuffled = trial.sample(frac=1, random_state=np.random.RandomState(seed))
    left, right = (g_computation(data, randomisation=scheme, **BINARY) for data in (trial, shuffled))
    np.testing.assert_array_equal(left.effects, right.effects)
    np.testing.assert_array_equal(left.effect_covariance, right.effect_covariance)
    assert str(left) == str(right)


@FEW
@given(SEEDS, SCHEMES, st.permutations(["é", "Z", "a"]), st.permutations(["Æ", "b"]))
def test_relabelled_factors_change_no_digit(seed, scheme, sites, sexes):
    trial = draw_trial(seed)
    other = trial.assign(
        site=trial["site"].map(dict(zip([1, 2, 3], sites, strict=True))),
        sex=trial["sex"].map(dict(zip(["f", "m"], sexes, strict=True))),
    )
    left, right = (g_computation(data, randomisation=scheme, **BINARY) for data in (trial, other))
    np.testing.assert_allclose(left.effects, right.effects, rtol=1e-9)
    np.testing.assert_allclose(left.effect_covariance, right.effect_covariance, rtol=1e-8)


@FEW
@given(SEEDS, st.floats(-50, 50), st.floats(0.01, 100))
def test_units_of_a_covariate_change_nothing(seed, moved, stretched):
    trial = draw_trial(seed)
    other = trial.assign(x=moved + stretched * trial["x"])
    left, right = (g_computation(data, by_arm=["x"], **BINARY) for data in (trial, other))
    np.testing.assert_allclose(left.effects, right.effects, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(left.effect_covariance, right.effect_covariance, rtol=1e-6)


@FEW
@given(SEEDS, st.sampled_from(["difference", "log_ratio", "log_odds_ratio"]))
def test_swapped_arms_flip_the_sign(seed, contrast):
    rng = np.random.default_rng(seed)
    arm, x = np.resize([0, 1], (1, 120)), rng.normal(size=(1, 120, 1))
    y = (rng.random((1, 120)) < 0.4).astype(float)
    left = fit_marginal(y, arm, x, family="binomial", contrast=contrast, slopes="interacted")
    right = fit_marginal(y, 1 - arm, x, family="binomial", contrast=contrast, slopes="interacted")
    assert left.estimate == pytest.approx(-right.estimate, rel=1e-8, abs=1e-12)
    assert left.standard_error == pytest.approx(right.standard_error, rel=1e-8)


@FEW
@given(SEEDS)
def test_swapped_outcome_flips_difference_and_odds(seed):
    rng = np.random.default_rng(seed)
    arm, x = np.resize([0, 1], (1, 120)), rng.normal(size=(1, 120, 1))
    y = (rng.random((1, 120)) < 0.4).astype(float)
    for contrast in ("difference", "log_odds_ratio"):
        left = fit_marginal(y, arm, x, family="binomial", contrast=contrast)
        right = fit_marginal(1 - y, arm, x, family="binomial", contrast=contrast)
        assert left.estimate == pytest.approx(-right.estimate, rel=1e-8, abs=1e-12)
        assert left.standard_error == pytest.approx(right.standard_error, rel=1e-8)


@FEW
@given(SEEDS)
def test_frame_and_block_faces_agree(seed):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"a": np.resize([0, 1], 90), "x": rng.normal(size=90), "y": rng.poisson(2, 90)})
    frame = g_computation(data, outcome="y", arm="a", family="negative_binomial", covariates=["x"])
    block = fit_marginal(
        [data["y"]], [data["a"]], data["x"].to_numpy()[None, :, None], family="negative_binomial"
    )
    assert frame.effects[0] == pytest.approx(block.estimate[0], rel=1e-8)
    assert frame.to_frame()["p_value"][0] == pytest.approx(block.p_value[0], rel=1e-7)
