"""Effects, least-squares means and weighted fits of the data-frame faces against statsmodels."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from trialsim.analysis import ancova, dose_response, unadjusted
from trialsim.analysis.linear import fit_linear


@pytest.fixture(scope="module")
def trial():
    rng = np.random.default_rng(42)
    n = 150
    data = pd.DataFrame(
        {
            "arm": rng.permutation(np.resize(["placebo", "low", "high", "high"], n)),
            "base": rng.normal(25, 8, n),
            "sex": rng.choice(["f", "m"], n, p=[0.7, 0.3]),
            "site": rng.choice([701, 702, 705], n, p=[0.5, 0.3, 0.2]),
            "w": rng.uniform(0.5, 3, n),
        }
    )
    data["chg"] = 0.2 * data["base"] + (data["site"] == 702) - (data["arm"] == "low") + rng.normal(size=n)
    return data


FORMULA = "chg ~ C(arm, Treatment('placebo')) + C(site) + base + C(sex)"
MODEL = {
    "outcome": "chg",
    "arm": "arm",
    "control": "placebo",
    "covariates": ["base", "sex"],
    "strata": ["site"],
}


@pytest.mark.parametrize("variance", ["model", "hc0", "hc1", "hc2", "hc3"])
def test_effects_of_several_arms(trial, variance):
    kind = "nonrobust" if variance == "model" else variance.upper()
    peer = smf.ols(FORMULA, trial).fit(cov_type=kind)
    ours = ancova(trial, variance=variance, **MODEL)
    names = [f"C(arm, Treatment('placebo'))[T.{arm}]" for arm in ("high", "low")]
    np.testing.assert_allclose(ours.effects, peer.params[names], rtol=1e-10)
    np.testing.assert_allclose(ours.effect_covariance, peer.cov_params().loc[names, names], rtol=1e-9)
    frame = ours.to_frame()
    t = peer.t_test(np.eye(len(peer.params))[[peer.params.index.get_loc(name) for name in names]], use_t=True)
    np.testing.assert_allclose(frame["p_value"], t.pvalue, rtol=1e-8)
    np.testing.assert_allclose(frame[["lower", "upper"]], t.conf_int(), rtol=1e-9)
    assert ours.r_squared == pytest.approx(peer.rsquared, rel=1e-10)
    assert ours.residual_sd == pytest.approx(np.sqrt(peer.scale), rel=1e-10)


def by_hand(data):
    columns = [data["arm"] == "high", data["arm"] == "low", data["site"] == 702, data["site"] == 705]
    return np.column_stack([np.ones(len(data)), *columns, data["base"], data["sex"] == "m"]).astype(float)


@pytest.mark.parametrize("means", ["equal", "observed"])
def test_least_squares_means(trial, means):
    peer = sm.OLS(trial["chg"].to_numpy(), by_hand(trial)).fit()
    ours = ancova(trial, variance="model", means=means, **MODEL)
    for a, arm in enumerate(ours.counts):
        cells = itertools.product([701, 702, 705], ["f", "m"])
        equal = pd.DataFrame(
            [{"arm": arm, "site": z, "sex": s, "base": trial["base"].mean()} for z, s in cells]
        )
        row = by_hand(equal if means == "equal" else trial.assign(arm=arm)).mean(0)
        assert ours.arm_means[a] == pytest.approx(row @ peer.params, rel=1e-10)
        assert ours.arm_mean_covariance[a, a] == pytest.approx(row @ peer.cov_params() @ row, rel=1e-9)


def test_weighted_fit(trial):
    y, w = trial["chg"].to_numpy(), trial["w"].to_numpy()
    arm, x = (trial["arm"] == "low").to_numpy().astype(int), trial["base"].to_numpy()
    for variance in ("model", "hc0", "hc3"):
        kind = "nonrobust" if variance == "model" else variance.upper()
        peer = smf.wls("y ~ arm + x", pd.DataFrame({"y": y, "arm": arm, "x": x}), weights=w).fit(
            cov_type=kind
        )
        ours = fit_linear([y], [arm], x[None, :, None], weights=[w], variance=variance)
        assert ours.estimate[0] == pytest.approx(peer.params["arm"], rel=1e-10)
        assert ours.standard_error[0] == pytest.approx(peer.bse["arm"], rel=1e-9)


def test_dose_response_and_unadjusted(trial):
    data = trial.assign(dose=trial["arm"].map({"placebo": 0, "low": 54, "high": 81}))
    peer = smf.ols("chg ~ dose + base", data).fit(cov_type="HC3")
    ours = dose_response(data, outcome="chg", dose="dose", covariates=["base"])
    assert ours.effects[0] == pytest.approx(peer.params["dose"], rel=1e-10)
    assert ours.to_frame()["standard_error"][0] == pytest.approx(peer.bse["dose"], rel=1e-9)
    plain = unadjusted(data, outcome="chg", arm="arm", control="placebo")
    groups = data.groupby("arm")["chg"].mean()
    np.testing.assert_allclose(plain.effects, groups[["high", "low"]] - groups["placebo"], rtol=1e-10)
