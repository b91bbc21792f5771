"""What must not change a linear model's numbers: order, labels, types, language; what must flip its sign."""

import locale

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis import ancova
from trialsim.analysis.linear import fit_linear, fit_twin_weighted

FEW = settings(max_examples=20, deadline=None)
SEEDS = st.integers(0, 10_000)
SLOPES = st.sampled_from(["common", "interacted"])
MODEL = {
    "outcome": "chg",
    "arm": "arm",
    "control": "placebo",
    "covariates": ["base", "sex"],
    "strata": ["site"],
}


def draw_trial(seed, n=120):
    rng = np.random.default_rng(seed)
    trial = pd.DataFrame(
        {
            "arm": rng.permutation(np.resize(["placebo", "low", "high"], n)),
            "base": rng.normal(25, 8, n),
            "sex": rng.permutation(np.resize(["f", "m"], n)),
            "site": rng.permutation(np.resize([701, 702, 705], n)),
        }
    )
    trial["chg"] = 0.3 * trial["base"] + (trial["arm"] == "high") + (trial["sex"] == "m") + rng.normal(size=n)
    trial.loc[rng.random(n) < 0.1, "chg"] = np.nan
    return trial


def numbers(result):
    frame = result.to_frame().set_index("comparison").sort_index()
    return frame.to_numpy()


@FEW
@given(SEEDS, SLOPES)
def test_row_order_changes_no_bit(seed, slopes):
    trial = draw_trial(seed)
    shuffled = trial.sample(frac=1, random_state=np.random.RandomState(seed))
    left, right = ancova(trial, slopes=slopes, **MODEL), ancova(shuffled, slopes=slopes, **MODEL)
    assert str(left) == str(right)
    np.testing.assert_array_equal(numbers(left), numbers(right))


@FEW
@given(SEEDS, SLOPES, st.permutations(["é", "Z", "a"]), st.permutations(["Æ", "b"]))
def test_relabelled_factors_change_no_digit(seed, slopes, sites, sexes):
    trial = draw_trial(seed)
    other = trial.assign(
        site=trial["site"].map(dict(zip([701, 702, 705], sites, strict=True))),
        sex=trial["sex"].map(dict(zip(["f", "m"], sexes, strict=True))).astype("category"),
    )
    left, right = ancova(trial, slopes=slopes, **MODEL), ancova(other, slopes=slopes, **MODEL)
    np.testing.assert_allclose(numbers(left), numbers(right), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(left.arm_means, right.arm_means, rtol=1e-10)
    np.testing.assert_allclose(
        np.diag(left.arm_mean_covariance), np.diag(right.arm_mean_covariance), rtol=1e-9
    )


@FEW
@given(SEEDS, SLOPES)
def test_relabelled_arms_change_no_digit(seed, slopes):
    trial = draw_trial(seed)
    labels = {"placebo": "2", "low": "zz", "high": "1"}
    other = trial.assign(arm=trial["arm"].map(labels))
    left = ancova(trial, slopes=slopes, **MODEL).to_frame()
    right = ancova(other, slopes=slopes, **(MODEL | {"control": "2"})).to_frame()
    left["comparison"] = left["comparison"].map({"low - placebo": "zz - 2", "high - placebo": "1 - 2"})
    pd.testing.assert_frame_equal(
        left.sort_values("comparison", ignore_index=True),
        right.sort_values("comparison", ignore_index=True),
        rtol=1e-9,
    )


def test_locale_changes_no_bit():
    trial = draw_trial(5)
    trial["site"] = trial["site"].map({701: "ä", 702: "Z", 705: "z"})
    before = ancova(trial, **MODEL)
    saved = locale.setlocale(locale.LC_ALL)
    for name in ("C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            assert str(ancova(trial, **MODEL)) == str(before)
        finally:
            locale.setlocale(locale.LC_ALL, saved)


@FEW
@given(SEEDS, SLOPES)
def test_type_of_a_factor_changes_no_bit(seed, slopes):
    trial = draw_trial(seed)
    other = trial.assign(sex=trial["sex"].astype(object), base=trial["base"].astype("Float64"))
    assert str(ancova(trial, slopes=slopes, **MODEL)) == str(ancova(other, slopes=slopes, **MODEL))


@FEW
@given(SEEDS, SLOPES, st.sampled_from(["hc0", "hc1", "hc2", "hc3", "hc4"]))
def test_swapped_arms_flip_the_sign(seed, slopes, variance):
    rng = np.random.default_rng(seed)
    arm = np.resize([0, 1, 1], 45)[None]
    x = rng.normal(size=(1, 45, 2))
    y = x.sum(2) * (1 + arm) + rng.normal(size=(1, 45))
    left = fit_linear(y, arm, x, slopes=slopes, variance=variance)
    right = fit_linear(y, 1 - arm, x, slopes=slopes, variance=variance)
    assert left.estimate == pytest.approx(-right.estimate, rel=1e-9)
    assert left.standard_error == pytest.approx(right.standard_error, rel=1e-9)


@FEW
@given(SEEDS, SLOPES, st.floats(-1e4, 1e4), st.floats(1e-3, 1e3), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_units_of_outcome_and_covariates(seed, slopes, shift, scale, moved, stretched):
    rng = np.random.default_rng(seed)
    arm = np.resize([0, 1], 40)[None]
    x = rng.normal(size=(1, 40, 1))
    y = x[:, :, 0] + arm + rng.normal(size=(1, 40))
    left = fit_linear(y, arm, x, slopes=slopes)
    right = fit_linear(shift + scale * y, arm, moved + stretched * x, slopes=slopes)
    assert right.estimate == pytest.approx(scale * left.estimate, rel=1e-5, abs=1e-7 * scale)
    assert right.standard_error == pytest.approx(scale * left.standard_error, rel=1e-5)


def test_weights_scale_changes_nothing():
    rng = np.random.default_rng(2)
    arm = np.resize([0, 1], 50)[None]
    x, w = rng.normal(size=(1, 50, 1)), rng.uniform(0.2, 5, (1, 50))
    y = x[:, :, 0] + rng.normal(size=(1, 50))
    left, right = (fit_linear(y, arm, x, weights=factor * w) for factor in (1.0, 7.0))
    assert left.estimate == pytest.approx(right.estimate, rel=1e-11)
    assert left.standard_error == pytest.approx(right.standard_error, rel=1e-11)


def test_constant_twin_sd_is_unweighted_adjustment():
    rng = np.random.default_rng(4)
    arm = np.resize([0, 1], 50)[None]
    x = rng.normal(size=(1, 50, 1))
    y = x[:, :, 0] + rng.normal(size=(1, 50))
    left, right = fit_linear(y, arm, x), fit_twin_weighted(y, arm, x, np.full((1, 50), 2.0))
    assert left.estimate == pytest.approx(right.estimate, rel=1e-11)
    assert left.standard_error == pytest.approx(right.standard_error, rel=1e-11)
