"""Lu, Luo and Chen 2008, Tables 1 and 2 (as stored in the tests of longpower), and an exact example."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trialsim.design.repeated_measures import large_sample_inflation, large_sample_size, null_library

DATA = Path(__file__).parents[1] / "data" / "sample_size.json"
ENTRIES = {entry["id"]: entry for entry in json.loads(DATA.read_text())["entries"]}
TABLE_1 = [name for name in ENTRIES if name.startswith("lu_luo_chen_table1")]
TABLE_2 = [name for name in ENTRIES if name.startswith("lu_luo_chen_table2")]


@pytest.mark.parametrize("name", TABLE_2)
def test_inflation_of_table_2(name):
    inputs, expected = ENTRIES[name]["inputs"], ENTRIES[name]["expected"]["phi"]
    visits, dropout = inputs["visits"], float(name.split("_a")[1])
    retention = np.linspace(1.0, 1.0 - dropout, visits)
    lags = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    for first_last, phi in zip(inputs["rho_first_last"], expected, strict=True):
        rho = first_last ** (1.0 / (visits - 1))
        correlation = np.eye(visits) if rho == 0 else rho**lags
        assert large_sample_inflation(correlation, retention) == pytest.approx(phi, abs=1e-7)


@pytest.mark.parametrize("name", TABLE_1)
def test_size_of_table_1(name):
    inputs, expected = ENTRIES[name]["inputs"], ENTRIES[name]["expected"]
    found = large_sample_size(
        0.5, inflation=(inputs["phi_a"], inputs["phi_b"]), allocation=inputs["lam"], power=0.9
    )
    assert found == pytest.approx((expected["N_total_z"], expected["N_total_t"]), abs=1e-6)


def test_entries_are_there():
    assert (len(TABLE_1), len(TABLE_2)) == (5, 5)


def test_example_of_the_notes():
    """Exchangeable .25, retention 1/.9/.8/.7, difference .5: 86.99 an arm; power from 200,000 draws."""
    correlation, retention = 0.25 + 0.75 * np.eye(4), [1.0, 0.9, 0.8, 0.7]
    phi = large_sample_inflation(correlation, retention)
    assert large_sample_size(0.5, inflation=(phi, phi))[0] / 2 == pytest.approx(86.99, abs=5e-3)
    for arm, exact in ((30, 0.3662), (87, 0.7943)):
        library = null_library(
            (arm, arm), retention, np.random.default_rng(1), draws=8_000, random_dropout=False
        )
        curve = library.power([0.5], correlation)
        assert curve.power[0] == pytest.approx(exact, abs=0.004 + 3 * curve.monte_carlo_error[0])
