"""Closed forms of prognostic sizing, against the project's reference file prognostic_sizing.json."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from trialsim.design import PlanningMoments
from trialsim.design.sizes import adjustment, asymptotic_controls, asymptotic_size
from trialsim.design.sizes.variance import asymptotic_variance

DATA = Path(__file__).parents[1] / "data" / "prognostic_sizing.json"
ENTRIES = json.loads(DATA.read_text())["entries"]


def entries(prefix: str) -> list[object]:
    return [pytest.param(e, id=e["id"]) for e in ENTRIES if e["id"].startswith(prefix)]


def variances(inputs: dict[str, float]) -> dict[str, float]:
    moments = PlanningMoments(
        (inputs["sigma0"], inputs["sigma1"]), (inputs["rho0"], inputs["rho1"]), (0.0, 0.0)
    )
    shares = (1 - inputs["pi1"], inputs["pi1"])
    ancova = adjustment(moments, "ancova")
    return {
        "V_unadjusted": asymptotic_variance(adjustment(moments, "unadjusted"), shares, "common"),
        "V_interacted": asymptotic_variance(ancova, shares, "interacted"),
        "V_common_slope": asymptotic_variance(ancova, shares, "common"),
    }


@pytest.mark.parametrize("entry", entries("variance_check"))
def test_asymptotic_variance(entry: dict) -> None:
    for name, value in variances(entry["inputs"]).items():
        assert value == pytest.approx(entry["expected"][name], rel=1e-12)
    simulated = entry["expected"]["simulated_unadj_common_interacted"]
    names = ("V_unadjusted", "V_common_slope", "V_interacted")
    for name, value in zip(names, simulated, strict=True):
        assert variances(entry["inputs"])[name] == pytest.approx(value, rel=0.03)


@pytest.mark.parametrize("entry", [*entries("grid"), *entries("sizing_heterogeneous")])
def test_size_grid(entry: dict) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    found = variances(inputs)
    for name in ("unadjusted", "interacted", "common_slope"):
        if f"V_{name}" in expected:
            assert found[f"V_{name}"] == pytest.approx(expected[f"V_{name}"], rel=1e-10)
        size = asymptotic_size(found[f"V_{name}"], inputs["delta"], power=inputs["power"])
        assert size == pytest.approx(expected[f"N_{name}"], rel=1e-10)
    if "reduction" in expected:
        reduction = 1 - found["V_interacted"] / found["V_unadjusted"]
        assert reduction == pytest.approx(expected["reduction"], rel=1e-10, abs=1e-12)
    # Dropping the slope gap is the classical mistake; where it matters the sharp size must differ from it.
    gap = (inputs["rho1"] * inputs["sigma1"] - inputs["rho0"] * inputs["sigma0"]) ** 2
    assert found["V_interacted"] == pytest.approx(
        expected.get("V_naive", found["V_interacted"] - gap) + gap, rel=1e-9
    )


@pytest.mark.parametrize("entry", [e for e in entries("sizing") if "heterogeneous" not in e.id])
def test_conservative_factors_and_dropout(entry: dict) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    shares = (1 - inputs["pi1"], inputs["pi1"])

    def size(rho: float, control_sd: float) -> float:
        moments = PlanningMoments((control_sd, 1.0), (rho, rho), (0.0, 0.0))
        return asymptotic_size(
            asymptotic_variance(adjustment(moments, "ancova"), shares, "interacted"), inputs["delta"]
        )

    assert size(inputs["rho"], 1.0) == pytest.approx(expected["N"], rel=1e-10)
    assert size(0.9 * inputs["rho"], 1.1) == pytest.approx(expected["N_conservative"], rel=1e-10)
    assert math.ceil(expected["N"] / 0.85) == expected["N_dropout15"]


@pytest.mark.parametrize("entry", entries("control_cut"))
def test_controls_beside_a_fixed_active_arm(entry: dict) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    rho, active = inputs["rho"], inputs["n_active"]
    left = adjustment(PlanningMoments((1.0, 1.0), (rho, rho), (0.0, 0.0)), "ancova")
    controls = asymptotic_controls(active, left, 0.3)
    assert controls == pytest.approx(expected["n_control"], rel=1e-10)
    assert 1 - controls / active == pytest.approx(expected["control_cut"], rel=1e-9)
    assert 1 - controls / active == pytest.approx(2 * rho**2 / (1 + rho**2), abs=1e-9)
    assert 1 - (controls + active) / (2 * active) == pytest.approx(expected["total_cut"], rel=1e-9)


def test_an_active_arm_that_is_too_small_needs_infinitely_many_controls() -> None:
    left = adjustment(PlanningMoments((1.0, 1.0), (0.5, 0.5), (0.0, 0.0)), "ancova")
    assert asymptotic_controls(20, left, 0.3) == math.inf
