"""Graphical multiple tests: the vignette of openpharma/graphicalMCP, and closures computed by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis import holm
from trialsim.analysis.multiplicity import Graph

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "multiplicity.json").read_text())
ENTRIES = {entry["id"]: entry for entry in REFERENCE["entries"]}
TESTS = [entry for entry in REFERENCE["entries"] if "p" in entry["inputs"]]


def graph_of(entry):
    return Graph(np.array(entry["inputs"]["weights"]), np.array(entry["inputs"]["transition"]))


@pytest.mark.parametrize("entry", TESTS, ids=lambda entry: entry["id"])
def test_rejections_and_adjusted_p_values(entry):
    graph, p = graph_of(entry), [entry["inputs"]["p"]]
    assert graph.rejects(p, entry["inputs"]["alpha"])[0].tolist() == [
        bool(r) for r in entry["expected"]["rejected"]
    ]
    # the entries are printed to 13 decimals
    np.testing.assert_allclose(graph.adjusted(p)[0], entry["expected"]["adjusted_p"], rtol=1e-12, atol=5e-14)


def test_holm_five():
    entry = ENTRIES["graph_holm_five"]
    np.testing.assert_allclose(holm([entry["inputs"]["p"]])[0], entry["expected"]["adjusted_p"], rtol=1e-12)


def test_closure_weights_two_primary_two_secondary():
    entry = ENTRIES["closure_weights_two_primary_two_secondary"]
    closure = graph_of(entry).closure()
    for mask, weights in entry["expected"]["weights_by_mask"].items():
        np.testing.assert_allclose(closure[int(mask)], weights, rtol=0, atol=1e-12)


def test_vignette_local_power():
    entry = ENTRIES["graph_vignette"]
    alpha, draws = entry["inputs"]["alpha"], 100_000
    power = np.array([0.9, 0.9, 0.8, 0.8])
    shift = stats.norm.ppf(power) + stats.norm.isf(alpha)
    z = np.random.default_rng(20261121).standard_normal((draws, 4)) + shift
    rejected = graph_of(entry).rejects(stats.norm.sf(z), alpha).mean(0)
    expected = np.array(entry["expected"]["local_power"]["power"])
    monte_carlo = np.sqrt(expected * (1 - expected) / draws)
    # published with three digits from as many draws
    assert (abs(rejected - expected) <= 4 * np.sqrt(2) * monte_carlo + 5e-4).all()
