"""Heterogeneity dial, dropout, postcard and drift entries of the reference file prognostic_sizing.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, roots_hermitenorm

from trialsim.design import MarginalQuestion, guenther_schouten_size
from trialsim.design.repeated_measures import large_sample_inflation
from trialsim.design.sizes import PredictionMoments, guenther_schouten_power, marginal_power
from trialsim.design.sizes.heterogeneity import detectable_drift

DATA = Path(__file__).parents[1] / "data" / "prognostic_sizing.json"
ENTRIES = json.loads(DATA.read_text())["entries"]


def entries(prefix: str) -> list[object]:
    return [
        pytest.param(e["inputs"], e["expected"], id=e["id"]) for e in ENTRIES if e["id"].startswith(prefix)
    ]


@pytest.mark.parametrize(("inputs", "expected"), entries("heterogeneity_dial"))
def test_project_heterogeneity_dial(inputs: dict, expected: dict) -> None:
    moments = PredictionMoments(
        (inputs["kappa0"], inputs["kappa1"]), (inputs["s0"], inputs["s1"]), inputs["c"]
    )
    shares = (1 - inputs["pi1"], inputs["pi1"])
    assert moments.variance(shares) == pytest.approx(expected["V_c"], rel=1e-12)
    assert moments.general_bound(shares) == pytest.approx(expected["V_upper_bound_postcard"], rel=1e-12)
    assert moments.slack == pytest.approx(expected["slack"], rel=1e-12)
    assert moments.general_bound(shares) - moments.variance(shares) == pytest.approx(moments.slack, rel=1e-12)


@pytest.mark.parametrize(("inputs", "expected"), entries("dropout_two_visit"))
def test_project_dropout_after_one_visit(inputs: dict, expected: dict) -> None:
    d, r = inputs["dropout"], inputs["visit_correlation"]
    inflation = large_sample_inflation([[1.0, r], [r, 1.0]], [1.0, 1 - d])
    assert inflation == pytest.approx(expected["inflation"], rel=1e-11)
    unlinked = large_sample_inflation(np.eye(2), [1.0, 1 - d])
    assert unlinked == pytest.approx(expected["complete_case_inflation"], rel=1e-11)


def test_postcard_guenther_schouten() -> None:
    (power,), (size,) = (
        [e for e in ENTRIES if e["id"] == f"postcard_{x}_gs"] for x in ("power", "samplesize")
    )
    given = power["inputs"]
    variance = (1 + given["r"]) ** 2 / given["r"] * given["variance"]
    got = guenther_schouten_power(given["n"], variance, given["ate"], margin=given["margin"])
    assert got == pytest.approx(power["expected"]["computed"], rel=1e-10)
    given = size["inputs"]
    variance = (1 + given["r"]) ** 2 / given["r"] * given["variance"]
    got = guenther_schouten_size(variance, given["ate"], margin=given["margin"], power=given["power"])
    assert got == pytest.approx(size["expected"]["computed"], rel=1e-10)


@pytest.mark.parametrize(("inputs", "expected"), entries("detectable_drift"))
def test_project_detectable_drift(inputs: dict, expected: dict) -> None:
    got = detectable_drift(inputs["n0"], inputs["n_history"], sd=inputs["sigma"], correlation=inputs["rho"])
    assert got == pytest.approx(expected["detectable_drift"], rel=1e-12)


@pytest.mark.parametrize(("inputs", "expected"), entries("fixed_slope_subtraction"))
def test_project_fixed_slope_subtraction(inputs: dict, expected: dict) -> None:
    sd, score_sd, rho = inputs["sigma"], inputs["sd_M"], inputs["rho"]

    def variance(slope: float) -> float:
        """Return n Var of the difference in means of Y − λM, the score subtracted with a fixed slope."""
        return 4 * (sd**2 + (slope * score_sd) ** 2 - 2 * slope * rho * sd * score_sd)

    assert variance(inputs["lambda_"]) == pytest.approx(expected["V"], rel=1e-12)
    assert variance(0.0) == pytest.approx(expected["V_unadjusted"], rel=1e-12)
    assert variance(inputs["rho"]) == pytest.approx(expected["V_optimal"], rel=1e-12)
    assert (variance(1.0) > variance(0.0)) == (inputs["rho"] < 0.5)


@pytest.mark.parametrize(("slope", "unadjusted", "adjusted"), [(0.75, 0.788, 0.899)])
def test_lr_simulation_in_r_base_setting(slope: float, unadjusted: float, adjusted: float) -> None:
    nodes, weights = roots_hermitenorm(81)
    weights = weights / weights.sum()
    risks = tuple(float(weights @ expit(1 + effect + 1.5 * nodes)) for effect in (0.0, slope))
    question = MarginalQuestion("binary", risks, (1.5, 1.5))
    assert marginal_power(250, 250, question, adjusted=False) == pytest.approx(unadjusted, abs=0.02)
    assert marginal_power(250, 250, question, adjusted=True) == pytest.approx(adjusted, abs=0.02)
