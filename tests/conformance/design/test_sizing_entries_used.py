"""Every entry of prognostic_sizing.json has its test; the exact example of sample_size.json."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from scipy.special import ndtr, ndtri

from trialsim.design import guenther_schouten_size
from trialsim.design.repeated_measures import large_sample_inflation
from trialsim.design.sizes import asymptotic_size

DATA = Path(__file__).parents[1] / "data"
TESTED = {
    "design/test_prognostic_sizing_closed_forms.py": ("variance_check", "grid", "sizing", "control_cut"),
    "design/test_prognostic_sizing_dial_and_dropout.py": (
        "heterogeneity_dial",
        "dropout_two_visit",
        "postcard",
        "detectable_drift",
        "fixed_slope_subtraction",
    ),
    "design/test_prognostic_sizing_logistic.py": ("logistic_type1_power",),
    "analysis/test_bayesian_adjustment_reference.py": ("mixture_oc", "mixture_knob", "mixture_posterior"),
}


def test_every_entry_of_prognostic_sizing_is_used() -> None:
    names = [e["id"] for e in json.loads((DATA / "prognostic_sizing.json").read_text())["entries"]]
    assert len(names) == 68
    for file, prefixes in TESTED.items():
        text = (Path(__file__).parents[1] / file).read_text()
        assert all(prefix in text for prefix in prefixes), file
    every = tuple(prefix for prefixes in TESTED.values() for prefix in prefixes)
    assert [name for name in names if not name.startswith(every)] == []


def test_lu_luo_chen_example_is_exact() -> None:
    entries = {e["id"]: e for e in json.loads((DATA / "sample_size.json").read_text())["entries"]}
    inputs, expected = (entries["lu_luo_chen_example"][part] for part in ("inputs", "expected"))
    sigma = [[1.0 if i == j else 0.25 for j in range(4)] for i in range(4)]
    seen, delta, power = inputs["retention"], inputs["delta"], inputs["power"]
    phi = large_sample_inflation(sigma, seen)
    assert phi == pytest.approx(expected["phi"], rel=1e-9)
    even = phi / 0.5 + phi / 0.5
    assert asymptotic_size(even, delta, power=power) / 2 == pytest.approx(expected["n_per_arm"], rel=1e-9)
    total = asymptotic_size(phi / (2 / 3) + phi / (1 / 3), delta, power=power)
    assert (2 * total / 3, total / 3) == pytest.approx(expected["lambda2"], rel=1e-9)
    error = math.sqrt(even / 174)
    assert ndtr(delta / error - ndtri(0.975)) == pytest.approx(expected["power_N174"], rel=1e-9)
    smallest = (ndtri(0.975) + ndtri(0.8)) * error
    assert smallest == pytest.approx(expected["delta_N174_power80"], rel=1e-9)
    assert guenther_schouten_size(even, delta, power=power) > 2 * expected["n_per_arm"]
