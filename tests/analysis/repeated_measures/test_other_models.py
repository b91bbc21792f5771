"""Common baseline means, covariances in space and by group, sandwiches, slopes: against other ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures.slope_difference import slopes
from trialsim.errors import AnalysisError
from trialsim.streams import stream

FACE: dict[str, Any] = {"outcome": "y", "arm": "arm", "visit": "week", "participant": "id", "control": "a"}
WEEKS = [0, 4, 12, 26]


def trial(people: int = 60, missing: float = 0.15) -> pd.DataFrame:
    """Return a trial with a baseline visit that everybody has, and gaps later."""
    generator = stream(5, "other models", 0, "outcome")
    distance = np.abs(np.subtract.outer(WEEKS, WEEKS))
    noise = generator.normal(size=(people, 4)) @ np.linalg.cholesky(0.93**distance).T
    arm = np.arange(people) % 2
    y = 10.0 + 3.0 * noise + arm[:, None] * np.array([0.0, 0.5, 1.0, 2.0])
    gone = generator.random(y.shape) < missing
    gone[:, 0] = False
    wide = np.where(gone, np.nan, y)
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(people), 4),
            "arm": np.repeat(np.where(arm, "b", "a"), 4),
            "week": np.tile(WEEKS, people),
            "age": np.repeat(generator.normal(70.0, 5.0, people), 4),
            "site": np.repeat(np.array(["n", "s", "w"])[generator.integers(0, 3, people)], 4),
            "base": np.repeat(wide[:, 0], 4),
            "y": wide.ravel(),
        }
    )


def test_a_common_baseline_mean_gives_the_effects_of_adjusting_for_baseline_at_each_visit() -> None:
    """Where everybody has a baseline, its likelihood and that of the rest share no parameter."""
    data = trial()
    later = data[data["week"] > 0]
    for method, tolerance in (("ml", 1e-7), ("reml", 2e-3)):
        constrained = mmrm(data, common_mean_at=0, method=method, **FACE).contrasts
        adjusted = mmrm(later, covariates="base", by_visit="base", method=method, **FACE).contrasts
        np.testing.assert_allclose(constrained["estimate"], adjusted["estimate"], rtol=tolerance)
    assert constrained["visit"].tolist() == WEEKS[1:]
    fit = mmrm(data, common_mean_at=0, **FACE)
    means = fit.ls_means.set_index(["arm", "visit"])["estimate"]
    assert means["a", 0] == pytest.approx(means["b", 0], rel=1e-12)
    assert means["b", 26] - means["a", 26] == pytest.approx(fit.contrasts["estimate"].iloc[-1], rel=1e-9)
    assert "arm[b]" not in fit.coefficients["term"].tolist()
    assert fit.joint_test()["numerator_df"] == 3.0


def test_a_common_mean_gains_nothing_where_it_does_not_hold_and_uses_people_without_baseline() -> None:
    data = trial()
    lost = data.assign(y=data["y"].mask((data["week"] == 0) & (data["id"] < 20)))
    with_outcome = lost.dropna(subset="y")["id"].nunique()
    assert with_outcome > 55
    assert mmrm(lost, common_mean_at=0, **FACE).participants == with_outcome
    with pytest.raises(AnalysisError, match=r"week: is not a visit in the data. Got 3"):
        mmrm(data, common_mean_at=3, **FACE)


def test_sp_exp_of_equal_steps_is_ar1_and_sp_gau_of_a_line_is_its_square() -> None:
    data = trial(people=240)
    data["step"] = data["week"].map({week: k for k, week in enumerate(WEEKS)})
    space = mmrm(data, covariance="sp_exp", coordinates="step", **FACE)
    order = mmrm(data, covariance="ar1", **FACE)
    assert space.minus_two_log_likelihood == pytest.approx(order.minus_two_log_likelihood, abs=1e-8)
    columns = ["estimate", "standard_error", "df"]
    np.testing.assert_allclose(space.contrasts[columns], order.contrasts[columns], rtol=1e-5)
    data["root"] = data["step"] ** 0.5
    by_week = mmrm(data, covariance="sp_exp", **FACE)
    assert by_week.minus_two_log_likelihood < order.minus_two_log_likelihood
    rho = by_week.covariance["correlation at distance 1"].iloc[0]
    assert rho == pytest.approx(0.93, abs=0.03)
    own = mmrm(data, covariance="sp_exp", coordinates="week", **FACE)
    np.testing.assert_allclose(own.contrasts[columns], by_week.contrasts[columns], rtol=1e-12)


def test_groups_have_their_own_parameters_in_whatever_order_the_rows_come() -> None:
    data = trial()
    columns = ["estimate", "standard_error", "df"]
    plain = mmrm(data, covariance="toeph", **FACE)
    grouped = mmrm(data, covariance="toeph", covariance_by="site", **FACE)
    assert grouped.minus_two_log_likelihood <= plain.minus_two_log_likelihood
    assert grouped.aic - grouped.minus_two_log_likelihood == pytest.approx(2 * 3 * 7)
    assert list(grouped.covariance.index.get_level_values("group").unique()) == ["n", "s", "w"]
    by_arm = mmrm(data, covariance_by="arm", **FACE)
    assert by_arm.covariance.shape == (8, 4)
    turned = mmrm(data.iloc[::-1], covariance_by="arm", **FACE)
    np.testing.assert_allclose(turned.contrasts[columns], by_arm.contrasts[columns], rtol=1e-7)


def test_the_sandwich_of_one_visit_is_that_of_least_squares() -> None:
    """CR0, CR2 and CR3 of one record a participant are HC0, HC2 and HC3."""
    data = trial()
    last = data[(data["week"] == 26) & data["y"].notna()]
    ols = smf.ols("y ~ I((arm == 'b') * 1.0) + age", last).fit()
    kinds = {"empirical": ols.HC0_se, "empirical-bias-reduced": ols.HC2_se, "empirical-jackknife": ols.HC3_se}
    for kind, expected in kinds.items():
        found = mmrm(last, covariates="age", errors=kind, **FACE)
        assert found.contrasts["standard_error"].iloc[0] == pytest.approx(expected.iloc[1], rel=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"errors": "robust"}, "errors: is not a known choice. Got 'robust'"),
        ({"errors": "empirical", "df": "kenward-roger"}, "df: Kenward-Roger is there for the model's errors"),
        ({"covariance_by": "site", "df": "kenward-roger"}, "df: Kenward-Roger is there"),
        ({"covariance_by": "age"}, "age: must be a factor"),
        ({"covariance": "sp_exp", "covariance_by": "arm"}, "covariance_by: a covariance in space is one"),
        ({"covariance": "sp_exp", "coordinates": "site"}, "site: must hold numbers"),
        ({"covariance": "sp_exp", "coordinates": "age"}, "age: two visits of a participant are at one place"),
        ({"coordinates": "week"}, "coordinates: are for sp_exp and sp_gau only"),
        ({"covariance": "sp_pow"}, "covariance: is not a known choice. Got 'sp_pow'"),
    ],
)
def test_what_does_not_fit_together_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        mmrm(trial(), **(FACE | options))


def test_visits_in_words_have_no_place() -> None:
    data = trial().assign(week=lambda d: "week " + d["week"].astype(str))
    with pytest.raises(AnalysisError, match="week: visits are no numbers"):
        mmrm(data, covariance="sp_exp", **FACE)


def sloping(people: int = 80) -> pd.DataFrame:
    generator = stream(6, "slopes", 0, "outcome")
    data = pd.DataFrame({"id": np.repeat(np.arange(people), 5)})
    data["year"] = np.tile([0.0, 0.5, 1.0, 1.5, 2.0], people) + generator.normal(0.0, 0.05, 5 * people)
    data["arm"] = np.array(["placebo", "low", "high"])[data["id"] % 3]
    data["age"] = generator.normal(70.0, 5.0, people)[data["id"]]
    data["sex"] = np.where(generator.random(people) < 0.5, "m", "f")[data["id"]]
    own = generator.multivariate_normal([50.0, -3.0], [[9.0, 1.0], [1.0, 1.5]], people)[data["id"]]
    effect = data["arm"].map({"placebo": 0.0, "low": 0.4, "high": 0.8})
    data["y"] = own[:, 0] + (own[:, 1] + effect) * data["year"] + 0.1 * data["age"]
    data["y"] += generator.normal(0.0, 1.2, len(data))
    return data.assign(y=data["y"].mask(generator.random(len(data)) < 0.2))


def test_slopes_are_those_of_statsmodels_mixedlm() -> None:
    data = sloping()
    face = {"outcome": "y", "arm": "arm", "time": "year", "participant": "id", "control": "placebo"}
    found = slopes(data, covariates=["age", "sex"], **face)
    formula = "y ~ C(arm, Treatment('placebo')) * year + age + sex"
    model = smf.mixedlm(formula, data.dropna(), groups="id", re_formula="~year")
    other = model.fit(reml=True, method=["lbfgs"])
    names = [f"C(arm, Treatment('placebo'))[T.{arm}]:year" for arm in found.differences["arm"]]
    np.testing.assert_allclose(found.differences["estimate"], other.params[names], rtol=1e-4)
    np.testing.assert_allclose(found.differences["standard_error"], other.bse[names], rtol=2e-3)
    assert found.slopes["estimate"].iloc[0] == pytest.approx(other.params["year"], rel=1e-4)
    assert found.minus_two_log_likelihood == pytest.approx(-2 * other.llf, abs=1e-4)
    np.testing.assert_allclose(found.random_covariance, other.cov_re, rtol=1e-3)
    assert found.residual_variance == pytest.approx(other.scale, rel=1e-4)
    days = slopes(data.assign(year=data["year"] * 365.25), covariates=["age", "sex"], **face)
    np.testing.assert_allclose(
        days.differences["estimate"] * 365.25, found.differences["estimate"], rtol=1e-6
    )
    assert days.minus_two_log_likelihood != found.minus_two_log_likelihood
    assert "arm minus placebo" in str(found)


def test_slopes_of_complete_balanced_data_are_the_t_test_of_each_participants_own_slope() -> None:
    data = sloping()
    data["year"] = np.tile([0.0, 0.5, 1.0, 1.5, 2.0], 80)
    data = data[data["arm"] != "low"]
    generator = stream(7, "balanced slopes", 0, "outcome")
    own = generator.normal(size=(80, 2)) * [3.0, 1.2]
    data["y"] = own[data["id"], 0] + own[data["id"], 1] * data["year"] + generator.normal(size=len(data))
    found = slopes(data, outcome="y", arm="arm", time="year", participant="id", control="placebo")
    each = data.groupby("id").apply(lambda d: np.polyfit(d["year"], d["y"], 1)[0], include_groups=False)
    arm = data.groupby("id")["arm"].first()
    high, low = each[arm == "high"], each[arm == "placebo"]
    pooled = ((len(high) - 1) * high.var() + (len(low) - 1) * low.var()) / (len(each) - 2)
    row = found.differences.iloc[0]
    assert row["estimate"] == pytest.approx(high.mean() - low.mean(), rel=1e-8)
    assert row["standard_error"] == pytest.approx(np.sqrt(pooled * (1 / len(high) + 1 / len(low))), rel=1e-6)
    assert row["df"] == pytest.approx(len(each) - 2, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"year": 1.0}, "year: needs participants with two times or more"),
        ({"age": np.arange(400.0)}, "age: must be the same in every row of a participant"),
        ({"year": "1"}, "year: must hold numbers"),
        ({"twin": 2.0}, "collinear_covariate: the design is singular"),
    ],
)
def test_slopes_refuse_what_they_cannot_read(change: dict[str, Any], message: str) -> None:
    data = sloping().assign(**change)
    covariates = ["age", *(name for name in change if name == "twin")]
    with pytest.raises(AnalysisError, match=message):
        slopes(data, outcome="y", arm="arm", time="year", participant="id", covariates=covariates)
