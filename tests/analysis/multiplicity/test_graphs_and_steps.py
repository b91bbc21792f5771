"""Graphical tests against an exhaustive closed test, and the laws that hold between procedures."""

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from trialsim.analysis import fixed_sequence, hochberg, holm
from trialsim.analysis.multiplicity import Graph, bonferroni_holm_graph, several_hypotheses
from trialsim.errors import AnalysisError


def draw_graph(rng, m):
    weights = rng.dirichlet(np.ones(m)) * rng.choice([1.0, 0.8])
    G = rng.random((m, m)) * (rng.random((m, m)) < 0.7) * (1 - np.eye(m))
    total = G.sum(1, keepdims=True)
    return Graph(weights, np.divide(G, total, out=np.zeros((m, m)), where=total > 0))


def slow_weights(graph, keep):
    """Return the local weights of an intersection by removing the other hypotheses one after another."""
    w = dict(enumerate(graph.weights))
    G = {(k, h): graph.transition[k, h] for k in range(len(graph)) for h in range(len(graph))}
    for j in [k for k in range(len(graph)) if k not in keep]:
        rest = [k for k in w if k != j]
        w_next = {k: w[k] + w[j] * G[j, k] for k in rest}
        G_next = {}
        for k, h in itertools.product(rest, rest):
            room = 1 - G[k, j] * G[j, k]
            G_next[k, h] = 0.0 if k == h or room <= 1e-12 else (G[k, h] + G[k, j] * G[j, h]) / room
        w, G = w_next, G_next
    return w


def slow_adjusted(graph, p):
    m = len(graph)
    adjusted = np.zeros(m)
    for size in range(1, m + 1):
        for keep in itertools.combinations(range(m), size):
            w = slow_weights(graph, keep)
            smallest = min([1.0, *(p[j] / w[j] for j in keep if w[j] > 0)])
            for k in keep:
                adjusted[k] = max(adjusted[k], smallest)
    return adjusted


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_adjusted_p_values_equal_exhaustive_closed_test(m):
    rng = np.random.default_rng(m)
    for _ in range(8):
        graph = draw_graph(rng, m)
        p = rng.random((4, m)) ** 4
        fast = graph.adjusted(p)
        for r in range(4):
            np.testing.assert_allclose(fast[r], slow_adjusted(graph, p[r]), rtol=1e-12)


@pytest.mark.parametrize("m", [2, 4, 6])
def test_shortcut_rejects_what_the_closed_test_rejects(m):
    rng = np.random.default_rng(10 + m)
    for _ in range(10):
        graph = draw_graph(rng, m)
        p = rng.random((500, m)) ** 4
        np.testing.assert_array_equal(graph.rejects(p, 0.025), graph.adjusted(p) <= 0.025)


def test_order_of_hypotheses_does_not_matter():
    rng = np.random.default_rng(5)
    graph = draw_graph(rng, 5)
    p = rng.random((300, 5)) ** 3
    order = rng.permutation(5)
    moved = Graph(graph.weights[order], graph.transition[np.ix_(order, order)])
    np.testing.assert_array_equal(moved.rejects(p[:, order], 0.05), graph.rejects(p, 0.05)[:, order])


def fixed_sequence_graph(m: int) -> Graph:
    """Return the graph that tests m hypotheses in their order, each at full alpha, until one fails."""
    return Graph(np.eye(m)[0], np.eye(m, k=1))


def test_holm_and_hochberg_equal_statsmodels_and_their_graphs():
    rng = np.random.default_rng(6)
    p = rng.random((40, 5)) ** 3
    ours = {"holm": holm(p), "simes-hochberg": hochberg(p)}
    for method, adjusted in ours.items():
        theirs = [multipletests(row, method=method)[1] for row in p]
        np.testing.assert_allclose(adjusted, theirs, rtol=1e-12)
    np.testing.assert_allclose(bonferroni_holm_graph(5).adjusted(p), holm(p), rtol=1e-12)
    np.testing.assert_allclose(fixed_sequence_graph(5).adjusted(p), fixed_sequence(p), rtol=1e-12)
    assert (hochberg(p) <= holm(p) * (1 + 1e-12)).all()


def test_weighted_holm():
    graph = bonferroni_holm_graph(3, [0.6, 0.3, 0.1])
    p = [0.02, 0.015, 0.001]
    np.testing.assert_allclose(graph.adjusted([p])[0], slow_adjusted(graph, p), rtol=1e-12)
    assert graph.closure()[0b011] == pytest.approx([2 / 3, 1 / 3, 0])


def test_failed_fits_are_never_rejected():
    p = np.array([[np.nan, 0.001, 0.9]])
    for adjusted in (holm(p), hochberg(p), fixed_sequence(p), bonferroni_holm_graph(3).adjusted(p)):
        assert np.isnan(adjusted[0, 0])
        assert np.isfinite(adjusted[0, 1:]).all()
    assert fixed_sequence(p)[0, 1] == 1.0
    assert holm(p)[0, 1] == pytest.approx(0.003)
    assert bonferroni_holm_graph(3).rejects(p, 0.05).tolist() == [[False, True, False]]
    assert not fixed_sequence_graph(3).rejects(p, 0.05).any()


def test_p_value_at_the_boundary_is_rejected():
    assert bonferroni_holm_graph(3).rejects([[0.05 / 3, 0.9, 0.9]], 0.05)[0, 0]


@pytest.mark.parametrize(
    ("weights", "transition", "says"),
    [
        ([0.7, 0.7], np.zeros((2, 2)), "more than 1"),
        ([-0.1, 0.7], np.zeros((2, 2)), "from 0"),
        ([0.5, 0.5], np.zeros((2, 3)), "square"),
        ([0.5, 0.5], np.eye(2), "diagonal"),
        ([0.5, 0.25, 0.25], [[0, 0.8, 0.8], [0, 0, 1], [0, 1, 0]], "row"),
    ],
)
def test_impossible_graphs_are_refused(weights, transition, says):
    with pytest.raises(AnalysisError, match=says):
        Graph(np.array(weights), np.array(transition))


def test_impossible_p_values_are_refused():
    with pytest.raises(AnalysisError, match=r"\[0, 1\]"):
        holm([[0.1, 1.2]])
    with pytest.raises(AnalysisError, match="shape"):
        fixed_sequence_graph(3).rejects([[0.1, 0.2]], 0.05)
    with pytest.raises(AnalysisError, match="alpha"):
        fixed_sequence_graph(2).rejects([[0.1, 0.2]], 5)


TABLE = pd.DataFrame(
    {"name": ["a", "b", "c"], "p": [0.021, 0.012, 0.2], "w": [0.5, 0.5, 0.0],
     "a": [0.0, 0.5, 0.0], "b": [0.5, 0.0, 1.0], "c": [0.5, 0.5, 0.0]}
)  # fmt: skip
ASKED = {"p_value": "p", "hypothesis": "name"}


@pytest.mark.parametrize(
    ("options", "adjusted"),
    [
        ({}, holm([[0.021, 0.012, 0.2]])),
        ({"procedure": "hochberg"}, hochberg([[0.021, 0.012, 0.2]])),
        ({"procedure": "fixed-sequence"}, fixed_sequence([[0.021, 0.012, 0.2]])),
        ({"weight": "w"}, bonferroni_holm_graph(3, [0.5, 0.5, 0.0]).adjusted([[0.021, 0.012, 0.2]])),
        (
            {"procedure": "graph", "weight": "w", "transitions": ["a", "b", "c"]},
            Graph(TABLE["w"].to_numpy(), TABLE[["a", "b", "c"]].to_numpy()).adjusted([[0.021, 0.012, 0.2]]),
        ),
    ],
)
def test_a_table_of_p_values_is_read_by_each_procedure(options, adjusted):
    found = several_hypotheses(TABLE, **ASKED, alpha=0.05, **options).to_frame()
    np.testing.assert_allclose(found["adjusted_p"], adjusted[0], rtol=1e-12)
    assert found["claimed"].tolist() == (adjusted[0] <= 0.05).tolist()
    assert found["hypothesis"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"procedure": "bonferroni"}, "procedure"),
        ({"procedure": "graph"}, "procedure"),
        ({"procedure": "hochberg", "weight": "w"}, "weight"),
        ({"transitions": ["a"]}, "transitions"),
        ({"alpha": 1.0}, "alpha"),
        ({"p_value": "q"}, "q"),
    ],
)
def test_what_does_not_go_together_is_refused(options, field):
    with pytest.raises(AnalysisError) as refused:
        several_hypotheses(TABLE, **(ASKED | options))
    assert refused.value.field == field
