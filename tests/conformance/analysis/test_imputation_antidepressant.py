"""Published and exact reference-based imputations of the antidepressant trial (reference/imputation.json)."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from trialsim.analysis import reference_based_imputation, tipping_point
from trialsim.streams import stream

NAMES = {"MAR": "MAR", "JR": "J2R", "J2R": "J2R", "CR": "CR", "CIR": "CIR"}
FACE = {
    "outcome": "CHANGE",
    "arm": "THERAPY",
    "visit": "VISIT",
    "participant": "PATIENT",
    "covariates": "BASVAL",
    "control": "DRUG",
    "reference": "PLACEBO",
}


@pytest.fixture(scope="module")
def data(shared):
    return pd.read_csv(shared("data/antidepressant_dia/antidepressant.csv"))


@pytest.fixture(scope="module")
def entries(shared):
    listed = json.loads(shared("reference/imputation.json").read_text())["entries"]
    return {entry["id"]: entry for entry in listed}


@pytest.fixture(scope="module")
def conditional(data):
    found = {}

    def of(strategy, variance="jackknife"):
        key = strategy, variance
        if key not in found:
            found[key] = reference_based_imputation(data, strategy=strategy, variance=variance, **FACE)
        return found[key]

    return of


@pytest.fixture(scope="module")
def bayes(data):
    def of(strategy, draws=20_000, **changes):
        generator = stream(20261121, strategy, 0, "imputation")
        face = FACE | changes
        return reference_based_imputation(
            data, strategy=strategy, method="bayes", draws=draws, generator=generator, **face
        )

    return of


def rows_of(found):
    frame = found.to_frame()
    prefix = {"PLACEBO - DRUG": "trt", "LS mean DRUG": "lsm_ref", "LS mean PLACEBO": "lsm_alt"}
    return {f"{prefix[row.parameter]}_{row.visit}": row for row in frame.itertuples()}


@pytest.mark.parametrize("strategy", ["MAR", "JR", "CR"])
def test_rbmi_1_5_2_conditional_mean_and_jackknife(entries, conditional, strategy):
    entry = entries[f"rbmi_condmean_jackknife_{strategy}"]
    rows = rows_of(conditional(NAMES[strategy]))
    for name, printed in entry["expected"]["rbmi"].items():
        row = rows[name]
        assert row.estimate == pytest.approx(printed["est"], abs=2e-4)
        assert row.standard_error == pytest.approx(printed["se"], abs=2e-4)
        assert [row.lower, row.upper] == pytest.approx(printed["ci"], abs=6e-4)
    for name, exact in entry["expected"]["exact_est_se"].items():
        row = rows[f"trt_{name.split('_')[1]}"]
        assert [row.estimate, row.standard_error] == pytest.approx(exact, abs=1e-6)


def test_rbmi_1_5_2_bootstrap_point_estimates_MAR(entries, conditional):
    rows = rows_of(conditional("MAR"))
    for name, printed in entries["rbmi_condmean_bootstrap_200_MAR"]["expected"].items():
        assert rows[name].estimate == pytest.approx(printed["est"], abs=2e-4)


def test_rbmi_1_5_2_approximate_bayes_of_100_draws_MAR(data, entries):
    """Within four Monte Carlo errors of both; where nothing is missing they are equal."""
    draws, generator = 1_000, stream(20261121, "MAR", 0, "imputation")
    found = reference_based_imputation(
        data, strategy="MAR", method="approximate_bayes", draws=draws, generator=generator, **FACE
    )
    rows = rows_of(found)
    for name, printed in entries["rbmi_approxbayes_100_MAR"]["expected"].items():
        if not name.startswith("trt_"):
            continue
        law = found.shifts[found.visits.index(name.split("_")[1])]
        error = (law.between * (1 / 100 + 1 / draws)) ** 0.5
        assert rows[name].estimate == pytest.approx(printed["est"], abs=4 * error + 1e-8)
        # Of the variance between 100 draws √(2/99) is the relative error.
        of_square = 4 * law.between * (2 / 99) ** 0.5 + 1e-8
        assert rows[name].standard_error ** 2 == pytest.approx(printed["se"] ** 2, abs=of_square)


def test_rbmi_1_5_2_bootstrap_intervals_MAR(data, entries):
    """rbmi's are percentiles of 200 resamples; ours normal intervals of 1,000: alike within their error."""
    generator = stream(20261121, "bootstrap", 0, "bootstrap")
    found = reference_based_imputation(
        data, strategy="MAR", variance="bootstrap", draws=1_000, generator=generator, **FACE
    )
    rows = rows_of(found)
    for name, printed in entries["rbmi_condmean_bootstrap_200_MAR"]["expected"].items():
        assert rows[name].estimate == pytest.approx(printed["est"], abs=2e-4)
        assert [rows[name].lower, rows[name].upper] == pytest.approx(printed["ci"], abs=0.3)


@pytest.mark.parametrize(
    ("entry", "variance"),
    [
        ("rbmi_vignette_condmean_JR", "jackknife"),
        ("rbmi_vignette_information_anchored_JR", "information_anchored"),
    ],
)
def test_rbmi_vignette_as_printed(entries, conditional, entry, variance):
    rows = rows_of(conditional("J2R", variance))
    for name, printed in entries[entry]["expected"].items():
        row = rows[name.replace("lsm_DRUG", "lsm_ref").replace("lsm_PBO", "lsm_alt")]
        assert [row.estimate, row.standard_error] == pytest.approx(printed, abs=5.1e-4)


@pytest.mark.parametrize(
    ("entry", "of_estimate", "of_error"),
    [("rbmi_bayes500_MAR", 0.03, 0.02), ("rbmi_approxbayes_100_MAR", 0.05, 0.04)],
)
def test_rbmi_1_5_2_multiple_imputation_MAR(entries, bayes, entry, of_estimate, of_error):
    rows = rows_of(bayes("MAR"))
    for name, printed in entries[entry]["expected"].items():
        assert rows[name].estimate == pytest.approx(printed["est"], abs=of_estimate)
        assert rows[name].standard_error == pytest.approx(printed["se"], abs=of_error)


@pytest.mark.parametrize("strategy", ["MAR", "CIR", "J2R"])
def test_five_macros_sas(entries, bayes, strategy):
    expected = entries[f"five_macros_{strategy}"]["expected"]
    rows = rows_of(bayes(strategy))
    estimate, error, df, p_value = expected["abs_diff_se_df_p"]
    row = rows["trt_7"]
    assert row.estimate == pytest.approx(estimate, abs=0.02)
    assert row.standard_error == pytest.approx(error, abs=0.01)
    assert row.df == pytest.approx(df, abs=1.0)
    assert row.p_value == pytest.approx(p_value, abs=3e-3)
    for name, printed in (("lsm_ref_7", "lsm_drug_est_se"), ("lsm_alt_7", "lsm_placebo_est_se")):
        assert rows[name].estimate == pytest.approx(expected[printed][0], abs=0.02)
        assert rows[name].standard_error == pytest.approx(expected[printed][1], abs=0.01)
    own = expected["conjugate_sampler_20000_draws_est_se"]
    assert [row.estimate, row.standard_error] == pytest.approx(own, abs=0.02)


GENDER = {"covariates": ["BASVAL", "GENDER"], "control": "PLACEBO"}


@pytest.mark.parametrize("strategy", ["MAR", "JR", "CIR"])
def test_camis_gender_5000_draws(entries, bayes, strategy):
    estimate, error = entries[f"camis_gender_MI5000_{strategy}"]["expected"]["est_se"]
    row = bayes(NAMES[strategy], **GENDER).effect()
    assert row["estimate"] == pytest.approx(estimate, abs=0.03)
    assert row["standard_error"] == pytest.approx(error, abs=0.02)


def test_camis_tipping_point(entries, bayes):
    expected = entries["camis_tipping_MAR"]["expected"]
    tipping = tipping_point(bayes("MAR", **GENDER), shift="DRUG")
    assert tipping.law.slopes[1] == pytest.approx(expected["slope_exact"], rel=1e-9)
    frame = tipping.to_frame([0.0, 3.0, 5.0]).set_index("delta")
    for delta, (estimate, p_value) in expected["delta_est_p"].items():
        assert frame.loc[float(delta), "estimate"] == pytest.approx(estimate, abs=0.05)
        assert frame.loc[float(delta), "p_value"] == pytest.approx(p_value, abs=0.003)
    assert tipping.delta == pytest.approx(expected["interpolated_tipping_point"], abs=0.08)
    assert tipping.delta == pytest.approx(expected["conjugate_sampler_M20000"]["tipping_point"], abs=0.08)
