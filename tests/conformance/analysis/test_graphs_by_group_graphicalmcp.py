"""Thirty graphs tested by group: adjusted p values and claims of graphicalMCP 0.2.8."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trialsim.analysis.multiplicity import Graph, GroupTest, closed_test_of_groups, graph_power

CASES = json.loads((Path(__file__).parents[1] / "data" / "multiplicity_graphs.json").read_text())["cases"]
# graphicalMCP takes trivariate normal probabilities from mvtnorm's quasi-random rule, whose error is 1e-6.
QUASI_RANDOM = {"six_parametric": 5e-6}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_adjusted_p_values_of_graphicalmcp(case):
    groups = case["groups"]
    tests = case["tests"] if isinstance(case["tests"], list) else [case["tests"]] * len(groups)
    correlations = case["correlation"] or [None] * len(groups)
    made = [
        GroupTest(tuple(j - 1 for j in who), test, None if test != "parametric" else np.array(correlation))
        for who, test, correlation in zip(groups, tests, correlations, strict=True)
    ]
    graph = Graph(np.array(case["weights"]), np.array(case["transitions"]))
    found = closed_test_of_groups(graph, made, case["p"])
    tolerance = QUASI_RANDOM.get(case["name"], 1e-8)
    np.testing.assert_allclose(found, case["adjusted_p"], rtol=0, atol=tolerance)
    assert (found <= case["alpha"]).tolist() == case["rejected"]


def test_local_power_of_the_graphicalmcp_vignette():
    transitions = [[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    graph = Graph(np.array([0.5, 0.5, 0, 0]), np.array(transitions, dtype=float))
    found = graph_power(graph, [0.9, 0.9, 0.8, 0.8], 0.025, np.eye(4), 400_000, 3)
    np.testing.assert_allclose(found.local, [0.877, 0.877, 0.672, 0.672], atol=0.003)
