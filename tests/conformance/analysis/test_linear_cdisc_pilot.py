"""CDISC pilot (H2Q-MC-LZZT), table 14-3.01: ADAS-Cog(11) change at week 24, LOCF, efficacy set."""

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import ancova, dose_response

MODEL = {"outcome": "chg", "covariates": ["base"], "strata": ["site_pooled"]}


@pytest.fixture(scope="module")
def week_24(shared):
    subjects = pd.read_csv(shared("data/cdisc_pilot/subjects.csv"))
    adas = pd.read_csv(shared("data/cdisc_pilot/adas_total.csv"))
    adas = adas[(adas["week"] == 24) & (adas["anl"] == 1)]
    return adas.merge(subjects[subjects["eff_pop"] == 1], on="usubjid")


@pytest.mark.parametrize(
    ("variance", "low", "high"),
    [("model", 0.818, 0.841), ("hc0", 0.839, 0.792), ("hc3", 0.894, 0.840)],
)
def test_table_14_3_01_effects_and_standard_errors(week_24, variance, low, high):
    frame = ancova(week_24, arm="arm", control="placebo", variance=variance, **MODEL).to_frame()
    assert len(week_24) == 234
    effect = frame.set_index("comparison").loc[["xan_low - placebo", "xan_high - placebo"]]
    np.testing.assert_allclose(effect["estimate"], [-0.467, -1.006], atol=5e-4)
    np.testing.assert_allclose(effect["standard_error"], [low, high], atol=5e-4)


def test_table_14_3_01_p_values_and_fit(week_24):
    result = ancova(week_24, arm="arm", control="placebo", variance="model", **MODEL)
    p = result.to_frame().set_index("comparison")["p_value"]
    assert p["xan_low - placebo"] == pytest.approx(0.569, abs=5e-4)
    assert p["xan_high - placebo"] == pytest.approx(0.233, abs=5e-4)
    assert result.residual_sd == pytest.approx(5.16, abs=5e-3)
    assert result.r_squared == pytest.approx(0.095, abs=5e-4)
    base = result.coefficients_frame().set_index("term")["estimate"]["base"]
    assert base == pytest.approx(-0.011, abs=5e-4)
    assert result.counts == {"placebo": 79, "xan_high": 74, "xan_low": 81}


def test_table_14_3_01_dose_response(week_24):
    result = dose_response(week_24, dose="dose_mg", variance="model", **MODEL)
    assert result.to_frame()["p_value"][0] == pytest.approx(0.2447, abs=5e-5)
