"""Correlation matching against trialsim.reference/1 `populations` (computed by independent code)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trialsim.population import attainable, solve_pair
from trialsim.population.laws.hermite import coefficients, covariance, latent_grid
from trialsim.population.laws.laws import GammaLaw, Law, LognormalLaw, StepLaw, TruncatedNormalLaw
from trialsim.population.laws.truncated import solve_truncated_normal

ENTRIES = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "populations.json").read_text())["entries"]
}
PAIRS = ["sex_ecog", "sex_age", "sex_dur", "ecog_crp", "ecog_dur", "crp_age", "age_dur"]


def cut_normal(location: float, scale: float, low: float, high: float) -> TruncatedNormalLaw:
    unsolved = TruncatedNormalLaw(np.nan, np.nan, low, high, location, scale)
    z, weights = latent_grid()
    x = unsolved.from_latent(z)
    mean = float(weights @ x)
    sd = float(np.sqrt(weights @ (x - mean) ** 2))
    return TruncatedNormalLaw(mean, sd, low, high, location, scale)


def law(margin: dict) -> Law:
    match margin["family"]:
        case "binary":
            return StepLaw((0.0, 1.0), (1 - margin["p"], margin["p"]))
        case "ordinal":
            return StepLaw(tuple(map(float, margin["scores"])), tuple(margin["p"]))
        case "lognormal":
            mean = np.exp(margin["mu"] + margin["sigma"] ** 2 / 2)
            return LognormalLaw(mean, mean * np.sqrt(np.expm1(margin["sigma"] ** 2)))
        case "gamma":
            return GammaLaw(margin["shape"] * margin["scale"], np.sqrt(margin["shape"]) * margin["scale"])
        case "truncated normal":
            return cut_normal(margin["mu"], margin["sigma"], margin["low"], margin["high"])
    raise AssertionError(margin)


@pytest.mark.parametrize("name", PAIRS)
def test_latent_correlation_of_reference_populations_norta(name):
    entry = ENTRIES[f"norta_{name}"]
    first, second = law(entry["inputs"]["margin_a"]), law(entry["inputs"]["margin_b"])
    solution = solve_pair(first, second, entry["inputs"]["target_correlation"])
    expected = entry["expected"]
    assert solution.latent == pytest.approx(expected["latent_correlation"], abs=1e-8)
    assert solution.achieved == pytest.approx(0.35, abs=1e-10)
    uncorrected = covariance(coefficients(first), coefficients(second), 0.35) / (first.sd * second.sd)
    assert uncorrected == pytest.approx(expected["correlation_if_uncorrected"], abs=1e-8)


@pytest.mark.parametrize("name", PAIRS)
def test_attainable_bounds_of_reference_populations_norta(name):
    entry = ENTRIES[f"norta_{name}"]
    low, high = attainable(law(entry["inputs"]["margin_a"]), law(entry["inputs"]["margin_b"]))
    assert low == pytest.approx(entry["expected"]["lower_bound"], abs=1e-6)
    assert high == pytest.approx(entry["expected"]["upper_bound"], abs=1e-6)


def test_margin_moments_of_reference_populations_norta_moments():
    entry = ENTRIES["norta_moments"]
    for name, margin in entry["inputs"]["margins"].items():
        mean, sd = entry["expected"]["mean_sd"][name]
        assert law(margin).mean == pytest.approx(mean, rel=1e-9)
        assert law(margin).sd == pytest.approx(sd, rel=1e-9)


def test_binary_phi_of_reference_populations_norta_binary_phi():
    entry = ENTRIES["norta_binary_phi"]
    binary = StepLaw((0.0, 1.0), (0.7, 0.3))
    phi = covariance(coefficients(binary), coefficients(binary), 0.5) / binary.sd**2
    assert phi == pytest.approx(entry["expected"]["phi"], abs=1e-10)


def test_lognormal_pair_of_reference_populations_norta_lognormal_pair():
    entry = ENTRIES["norta_lognormal_pair"]
    laws = [law({"family": "lognormal", "mu": 0.0, "sigma": entry["inputs"][s]}) for s in ("s1", "s2")]
    a, b = (coefficients(one) for one in laws)
    for latent, expected in zip(entry["inputs"]["latent"], entry["expected"]["correlation"], strict=True):
        assert covariance(a, b, latent) / (laws[0].sd * laws[1].sd) == pytest.approx(expected, abs=1e-10)


def test_fixture_age_margin_of_reference_populations_fixture_table1():
    entry = ENTRIES["fixture_table1"]["expected"]
    mean, sd = entry["pooled_mean_sd"]["age"]
    solved = solve_truncated_normal(mean, sd, 18.0, 100.0)
    assert [solved.location, solved.scale] == pytest.approx(entry["age_truncnorm_mu_sigma_18_100"], rel=1e-6)
