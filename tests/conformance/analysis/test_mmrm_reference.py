"""The MMRM against SAS PROC MIXED, the R package mmrm, and exact fits (tests/conformance/data/mmrm.json)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.covariance_structures import structure_of
from trialsim.analysis.repeated_measures.one_trial import analyse
from trialsim.analysis.repeated_measures.result import MmrmResult

HERE = Path(__file__).parents[1]
ENTRIES = {e["id"]: e for e in json.loads((HERE / "data" / "mmrm.json").read_text())["entries"]}
STRUCTURES = ("us", "ar1", "ad", "adh", "cs", "csh")
DF_OF = {
    ("Satterthwaite", "Asymptotic"): "satterthwaite",
    ("Kenward-Roger", "Kenward-Roger"): "kenward-roger",
    ("Kenward-Roger", "Kenward-Roger-Linear"): "kenward-roger-linear",
    ("Between-Within", "Asymptotic"): "between-within",
    ("Residual", "Asymptotic"): "residual",
}
FEV_TERMS = [
    "(Intercept)",
    "RACE[Black or African American]",
    "RACE[White]",
    "SEX[Female]",
    "arm[TRT]",
    "visit[VIS2]",
    "visit[VIS3]",
    "visit[VIS4]",
    "arm[TRT]:visit[VIS2]",
    "arm[TRT]:visit[VIS3]",
    "arm[TRT]:visit[VIS4]",
]


@pytest.fixture(scope="module")
def fev(shared: Callable[[str], Path]) -> pd.DataFrame:
    frame = pd.read_csv(shared("data/fev/fev_data.csv"))
    frame["SEX"] = pd.Categorical(frame["SEX"], ["Male", "Female"])
    return frame


def fit_fev(frame: pd.DataFrame, **options: str) -> MmrmResult:
    return mmrm(
        frame,
        outcome="FEV1",
        arm="ARMCD",
        visit="AVISIT",
        participant="USUBJID",
        covariates=["RACE", "SEX"],
        control="PBO",
        **options,
    )


def relative(found: object, expected: object, tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_fev_likelihood_and_covariance_as_r_mmrm_0_3_16(
    fev: pd.DataFrame, covariance: str, method: str
) -> None:
    expected = ENTRIES[f"mmrm_fev_{covariance}_{method}"]["expected"]
    fit = fit_fev(fev, covariance=covariance, method=method)
    assert fit.minus_two_log_likelihood == pytest.approx(-2 * expected["loglik"], abs=4e-5)
    assert fit.aic == pytest.approx(expected["aic"], abs=4e-5)
    assert fit.bic == pytest.approx(expected["bic"], abs=4e-5)
    np.testing.assert_allclose(fit.covariance, expected["covariance_matrix"], rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_fev_coefficients_and_effects_as_r_mmrm_0_3_16(
    fev: pd.DataFrame, covariance: str, method: str
) -> None:
    expected = ENTRIES[f"mmrm_fev_{covariance}_{method}"]["expected"]
    compared = 0
    for inference in expected["inference"]:
        df = DF_OF.get((inference["method"], inference["vcov"]))
        if df is None:
            continue
        compared += 1
        fit = fit_fev(fev, covariance=covariance, method=method, df=df)
        coefficients = fit.coefficients.set_index("term").loc[FEV_TERMS]
        error = np.asarray(inference["se"])
        assert (np.abs(coefficients["estimate"] - expected["est"]) <= 5e-4 * error).all()
        relative(coefficients["standard_error"], error, 2e-4)
        relative(coefficients["df"], inference["df"], 5e-4)
        by_visit = inference["trt_minus_pbo_by_visit"]
        relative(fit.contrasts["standard_error"], by_visit["se"], 2e-4)
        relative(fit.contrasts["df"], by_visit["df"], 5e-4)
        relative(fit.contrasts["p_value"], by_visit["p"], 2e-3)
        difference = np.abs(fit.contrasts["estimate"] - expected["trt_minus_pbo_by_visit_est"])
        assert (difference <= 5e-4 * np.asarray(by_visit["se"])).all()
    assert compared == (5 if method == "reml" else 1)


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_fev_ls_means_as_emmeans_1_8_4(fev: pd.DataFrame, covariance: str) -> None:
    expected = pd.DataFrame(ENTRIES[f"mmrm_fev_{covariance}_reml"]["expected"]["lsmeans"])
    found = fit_fev(fev, covariance=covariance).ls_means.set_index(["arm", "visit"])
    found = found.loc[list(zip(expected["arm"], expected["visit"], strict=True))]
    assert (np.abs(found["estimate"].to_numpy() - expected["est"]) <= 5e-4 * expected["se"]).all()
    relative(found["standard_error"], expected["se"], 2e-4)
    relative(found["df"], expected["df"], 5e-4)


def test_fev_joint_test_of_arm_by_visit_as_r_mmrm(fev: pd.DataFrame) -> None:
    expected = ENTRIES["mmrm_fev_us_Ftest_interaction_satterthwaite"]["expected"]
    found = fit_fev(fev).joint_test("arm:visit")
    assert found["numerator_df"] == expected["num_df"]
    relative(found["denominator_df"], expected["denom_df"], 5e-4)
    relative(found["f"], expected["f_stat"], 1e-4)
    relative(found["p_value"], expected["p_val"], 1e-4)


def test_fev_kenward_roger_joint_test_of_arm_by_visit_as_r_mmrm_0_3_16(fev: pd.DataFrame) -> None:
    """R mmrm: denominator df 152.54 and F .25897, which Satterthwaite's 147.91 and .25806 are not."""
    found = fit_fev(fev, df="kenward-roger").joint_test("arm:visit")
    assert found["numerator_df"] == 3.0
    relative(found["denominator_df"], 152.54, 5e-4)
    relative(found["f"], 0.25897, 1e-4)


@pytest.mark.parametrize(("df", "arm", "interaction"), [("between-within", 192, 334), ("residual", 526, 526)])
def test_fev_joint_tests_have_the_degrees_of_freedom_of_r_mmrm_0_3_16(
    fev: pd.DataFrame, df: str, arm: float, interaction: float
) -> None:
    fit = fit_fev(fev, df=df)
    assert fit.joint_test("arm")["denominator_df"] == arm
    assert fit.joint_test("arm:visit")["denominator_df"] == interaction
    one = fit.f_test(fit.model.effect_weights()[-1:])
    relative(one["p_value"], fit.contrasts["p_value"].iloc[-1], 1e-9)


@pytest.mark.parametrize("df", [*DF_OF.values(), "z"])
def test_fev_joint_test_of_one_effect_is_its_own_test_squared(fev: pd.DataFrame, df: str) -> None:
    fit = fit_fev(fev, df=df)
    one, alone = fit.f_test(fit.model.effect_weights()[1:2]), fit.contrasts.iloc[1]
    relative([one["f"], one["denominator_df"]], [alone["statistic"] ** 2, alone["df"]], 1e-9)
    relative(one["p_value"], alone["p_value"], 1e-7)


def test_fev_full_model_as_sas_proc_mixed(fev: pd.DataFrame) -> None:
    expected = ENTRIES["sas_fev_full_us_reml"]["expected"]
    fit, adjusted = fit_fev(fev), fit_fev(fev, df="kenward-roger-linear")
    assert fit.minus_two_log_likelihood == pytest.approx(expected["exact"]["m2RLL"], rel=1e-12)
    assert round(fit.minus_two_log_likelihood, 1) == expected["printed"]["m2RLL"]
    relative(fit.covariance, expected["exact"]["Sigma"], 1e-8)
    numbers = ["estimate", "standard_error", "df"]
    found = fit.coefficients.set_index("term").loc[FEV_TERMS, numbers]
    order = ["Intercept", "BLACK", "WHITE", "FEMALE", "ARMCDTRT", "VIS2", "VIS3", "VIS4"]
    order += ["TRT:VIS2", "TRT:VIS3", "TRT:VIS4"]
    relative(found, [expected["exact"]["satterthwaite_est_se_df"][name] for name in order], 1e-8)
    found = adjusted.coefficients.set_index("term").loc[FEV_TERMS, numbers]
    relative(found, [expected["exact"]["kenward_roger_linear_est_se_df"][name] for name in order], 1e-8)
    relative(fit.contrasts[numbers], list(expected["exact"]["trt_by_visit_satterthwaite"].values()), 1e-8)
    for visit, (estimate, error, df) in expected["printed"]["trt_diff_by_visit_est_se_df"].items():
        row = fit.contrasts.set_index("visit").loc[visit]
        assert row["estimate"] == pytest.approx(estimate, rel=1e-4)
        assert row["standard_error"] == pytest.approx(error, rel=1e-4)
        assert abs(row["df"] - df) <= 0.5


def test_fev_f_tests_as_sas_proc_mixed(fev: pd.DataFrame) -> None:
    printed = ENTRIES["sas_fev_full_us_reml"]["expected"]["printed"]["Ftests_num_den_F"]
    fit = fit_fev(fev)
    interaction = fit.joint_test("arm:visit")
    overall = fit.f_test(fit.model.effect_weights().mean(axis=0, keepdims=True))
    for found, (numerator, denominator, f) in (
        (interaction, printed["AVISIT*ARMCD"]),
        (overall, printed["ARMCD"]),
    ):
        assert found["numerator_df"] == numerator
        assert abs(found["denominator_df"] - denominator) <= 0.5
        assert found["f"] == pytest.approx(f, abs=0.0051)


def test_fev_intercept_model_as_sas_proc_mixed(fev: pd.DataFrame) -> None:
    expected = ENTRIES["sas_fev_intercept_us_reml"]["expected"]
    wide = fev.pivot_table(index="USUBJID", columns="AVISIT", values="FEV1").to_numpy()
    status, table, _, _, covariance, deviance = analyse(
        np.ones((len(wide), 1)),
        np.ascontiguousarray(wide),
        np.zeros((1, 4), np.int64),
        1,
        structure_of("us", 4),
        True,
        False,
        False,
        1e-18,
        np.ones((1, 1)),
    )
    assert status == 0
    assert deviance == pytest.approx(expected["exact"]["m2RLL"], rel=1e-12)
    relative(covariance, expected["exact"]["Sigma"], 1e-7)
    found = [table[0, 0], np.sqrt(table[0, 1]), table[0, 2]]
    relative(found, expected["exact"]["satterthwaite_est_se_df"], 1e-8)
    printed = expected["printed"]
    relative(found[:2], [printed["intercept"], printed["se"]], 1e-4)
    assert abs(found[2] - printed["df"]) <= 0.5
    order = [1, 2, 3, 0]
    rows, columns = np.tril_indices(4)
    scale = np.sqrt(np.diag(covariance)[order])
    lower = covariance[np.ix_(order, order)][rows, columns]
    difference = np.abs(lower - printed["UN_lower_order_VIS2_VIS3_VIS4_VIS1"])
    # SAS stops 6e-6 above the optimum of a flat likelihood, which shows in the fourth digit of Σ
    assert (difference / (scale[rows] * scale[columns]) < 4e-4).all()


def test_antidepressant_trial_as_sas_ddfm_kr(shared: Callable[[str], Path]) -> None:
    expected = ENTRIES["sas_antidepressant_us_kr"]["expected"]
    frame = pd.read_csv(shared("data/antidepressant_dia/antidepressant.csv"))
    options = {
        "outcome": "CHANGE",
        "arm": "THERAPY",
        "visit": "VISIT",
        "participant": "PATIENT",
        "covariates": ["BASVAL"],
        "by_visit": ["BASVAL"],
        "control": "PLACEBO",
    }
    fits = {df: mmrm(frame, df=df, **options) for df in ("satterthwaite", "kenward-roger-linear")}
    adjusted = fits["kenward-roger-linear"]
    assert adjusted.minus_two_log_likelihood == pytest.approx(expected["exact"]["m2RLL"], rel=1e-12)
    relative(adjusted.covariance, expected["exact"]["Sigma"], 1e-8)
    numbers = ["estimate", "standard_error", "df"]
    for name, df in (("satt", "satterthwaite"), ("kr", "kenward-roger-linear")):
        exact = [visit[name] for visit in expected["exact"]["drug_minus_placebo_est_se_df"].values()]
        relative(fits[df].contrasts[numbers], exact, 1e-8)
    printed = expected["printed"]
    assert adjusted.minus_two_log_likelihood == pytest.approx(printed["m2RLL"], abs=1e-7)
    relative(adjusted.covariance.to_numpy()[np.tril_indices(4)], printed["UN_lower"], 1e-4)
    means = adjusted.ls_means.set_index(["arm", "visit"])
    tables = [(printed["DRUG-PLACEBO est,se,df"], adjusted.contrasts.set_index("visit"))]
    tables += [(printed[f"lsmeans {arm}"], means.loc[arm]) for arm in ("DRUG", "PLACEBO")]
    for table, found in tables:
        for visit, (estimate, error, df) in table.items():
            row = found.loc[int(visit)]
            assert row["estimate"] == pytest.approx(estimate, abs=6e-5)
            assert row["standard_error"] == pytest.approx(error, abs=6e-5)
            assert abs(row["df"] - df) <= 0.5


@pytest.mark.parametrize("visits", [4, 10])
def test_simulated_monotone_trial_exactly_and_as_r_mmrm(visits: int) -> None:
    expected = ENTRIES[f"mmrm_sim_n200_V{visits}_us"]["expected"]
    frame = pd.read_csv(HERE.parent / "data" / "mmrm_sim" / f"n200_V{visits}.csv")
    options = {"outcome": "y", "arm": "arm", "visit": "visit", "participant": "id"}
    options |= {"covariates": ["bl"], "by_visit": ["bl"], "control": 0}
    fits = {
        df: mmrm(frame, df=df, **options) for df in ("satterthwaite", "kenward-roger-linear", "kenward-roger")
    }
    fit = fits["satterthwaite"]
    assert fit.minus_two_log_likelihood == pytest.approx(expected["exact"]["m2RLL"], rel=1e-12)
    relative(fit.covariance, expected["exact"]["Sigma"], 1e-9)
    exact = pd.DataFrame(expected["exact"]["arm_effect_by_visit"]).T
    relative(fit.contrasts["estimate"], exact["est"], 1e-9)
    relative(fit.contrasts["standard_error"], exact["se"], 1e-9)
    relative(fit.contrasts["df"], exact["df_satterthwaite"], 1e-9)
    relative(fits["kenward-roger-linear"].contrasts["standard_error"], exact["se_kr_linear"], 1e-9)
    names = {"kenward_roger_default": "kenward-roger", "kenward_roger_linear": "kenward-roger-linear"}
    for name, row in expected["mmrm_last_visit"].items():
        last = fits[names.get(name, name)].contrasts.iloc[-1]
        assert last["estimate"] == pytest.approx(row["est"], rel=5e-5)
        assert last["standard_error"] == pytest.approx(row["se"], rel=1e-4)
        assert last["df"] == pytest.approx(row["df"], rel=3e-4)


@pytest.mark.parametrize("visits", [4, 10])
@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger-linear"])
def test_block_face_of_the_simulated_monotone_trial(visits: int, df: str) -> None:
    """Satterthwaite goes the closed-form way, Kenward-Roger the way of Newton."""
    exact = ENTRIES[f"mmrm_sim_n200_V{visits}_us"]["expected"]["exact"]["arm_effect_by_visit"][str(visits)]
    frame = pd.read_csv(HERE.parent / "data" / "mmrm_sim" / f"n200_V{visits}.csv")
    wide = frame.pivot_table(index="id", columns="visit", values="y")
    people = frame.drop_duplicates("id").set_index("id").loc[wide.index]
    found = fit_mmrm_block(
        wide.to_numpy()[None], people["arm"], people[["bl"]], by_visit=True, df=df, tolerance=1e-18
    )
    relative(found.estimate, exact["est"], 1e-9)
    relative(found.standard_error, exact["se" if df == "satterthwaite" else "se_kr_linear"], 1e-9)
    relative(found.df, exact["df_satterthwaite"], 1e-9)


def test_cdisc_pilot_as_published_sas_output(shared: Callable[[str], Path]) -> None:
    """LS means, differences and p-values of table 14-3.11 of the pilot, as replicated from SAS."""
    scores = pd.read_csv(shared("data/cdisc_pilot/adas_total.csv"))
    people = pd.read_csv(shared("data/cdisc_pilot/subjects.csv"))[
        ["usubjid", "arm", "site_pooled", "eff_pop"]
    ]
    frame = scores[(scores["week"] > 0) & (scores["locf"] == 0) & (scores["anl"] == 1)].merge(people)
    frame = frame[(frame["eff_pop"] == 1) & frame["chg"].notna()]
    frame["site_pooled"] = frame["site_pooled"].astype(str)
    options = {"outcome": "chg", "arm": "arm", "visit": "week", "participant": "usubjid"}
    options |= {"covariates": ["base", "site_pooled"], "by_visit": ["base"], "control": "placebo"}
    fit = mmrm(frame, **options)
    assert (fit.observations, fit.participants) == (539, 234)
    assert fit.minus_two_log_likelihood == pytest.approx(3087.84, abs=0.005)
    means = fit.ls_means[fit.ls_means["visit"] == 24]["estimate"]
    np.testing.assert_allclose(sorted(means), [1.5009, 1.7352, 2.3291], atol=5.1e-5)
    last = fit.contrasts[fit.contrasts["visit"] == 24].sort_values("estimate", ascending=False)
    np.testing.assert_allclose(last["estimate"], [-0.5939, -0.8282], atol=5.1e-5)
    np.testing.assert_allclose(last["standard_error"], [1.0145, 1.0678], atol=1.1e-4)
    # the covariance was read off a fit that stopped a little early: 31.40 for 31.395
    covariance = [[16.82, 11.21, 11.89], [11.21, 28.26, 14.45], [11.89, 14.45, 31.40]]
    np.testing.assert_allclose(fit.covariance, covariance, atol=0.0055)
    adjusted = mmrm(frame, df="kenward-roger-linear", **options).contrasts
    last = adjusted[adjusted["visit"] == 24].sort_values("estimate", ascending=False)
    np.testing.assert_allclose(last["p_value"], [0.5600, 0.4403], atol=5.1e-5)
