"""Entropy tilt and box probabilities against trialsim.reference/1 (computed by independent code)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from trialsim.population.cards.targets import Moment
from trialsim.population.drawing.orthant import probability
from trialsim.population.drawing.tilt import entropy_tilt
from trialsim.population.laws.bounded import solve_logit_normal

DATA = Path(__file__).parents[1] / "data"
POPULATIONS = {one["id"]: one for one in json.loads((DATA / "populations.json").read_text())["entries"]}
X = np.array(
    [
        [52.8, 0], [48.1, 0], [57.8, 0], [63.8, 0], [70.2, 1], [61, 0],
        [55, 0], [52.9, 1], [66.7, 0], [74.7, 1], [62.5, 0], [48.9, 1],
    ]
)  # fmt: skip


def test_weights_of_reference_maic_transport_tilt_small_means():
    tilt = entropy_tilt([Moment("x1", X[:, 0], 58.0, 0.5), Moment("x2", X[:, 1], 0.5, 0.05)])
    assert tilt.multipliers == pytest.approx([-0.0272523188227, 0.749340832466], rel=1e-8)
    expected = [
        0.0720027386487, 0.0818419586104, 0.0628306216778, 0.0533529167393, 0.0948080802213, 0.0575834465857,
        0.0678126702052, 0.151914787587, 0.0492986611483, 0.0838659092845, 0.0552769863846, 0.169411222908,
    ]  # fmt: skip
    assert tilt.weights == pytest.approx(expected, rel=1e-8)
    assert tilt.effective_size == pytest.approx(10.0122786548, rel=1e-8)


def test_weights_of_reference_maic_transport_tilt_small_mean_sd():
    moments = [
        Moment("x1", X[:, 0], 60.0, 0.5),
        Moment("x1 sd", X[:, 0] ** 2, 60.0**2 + 8.5**2, 0.5),
        Moment("x2", X[:, 1], 0.45, 0.05),
    ]
    tilt = entropy_tilt(moments)
    assert tilt.multipliers == pytest.approx([0.168114271913, -0.00137471333155, 0.602695403824], rel=1e-7)
    assert tilt.weights[[0, 7]] == pytest.approx([0.0659302072762, 0.120731953519], rel=1e-7)
    assert tilt.effective_size == pytest.approx(11.2569340807, rel=1e-8)


@pytest.mark.parametrize("quantile", ["0.62", "0.835", "0.97"])
def test_box_probability_of_reference_populations_eligibility_box(quantile):
    expected = POPULATIONS[f"eligibility_box_{quantile}"]["expected"]["p_eligible"]
    correlation = np.full((6, 6), 0.25) + 0.75 * np.eye(6)
    low = np.r_[np.full(3, special.ndtri(float(quantile))), np.full(3, -np.inf)]
    generator = np.random.Generator(np.random.Philox(key=1))
    found, error = probability(correlation, low, np.full(6, np.inf), 100_000, generator)
    assert abs(found - expected) < 4 * error
    assert error < 0.002 * expected


def test_logit_normal_margin_of_reference_populations_fixture_table1():
    entry = POPULATIONS["fixture_table1"]["expected"]
    mean, sd = entry["pooled_mean_sd"]["bsa"]
    law = solve_logit_normal(mean, sd, 0.0, 100.0)
    assert [law.location, law.scale] == pytest.approx(entry["bsa_logitnormal_mu_sigma"], rel=1e-6)
