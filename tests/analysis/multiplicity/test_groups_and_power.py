"""Tests by group of a graph's intersections, and what a graph rejects under an effect."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, special, stats

from trialsim.analysis.multiplicity import (
    Graph,
    GroupTest,
    bonferroni_holm_graph,
    closed_test_of_groups,
    graph_power,
    hochberg,
)
from trialsim.analysis.multiplicity.normal_box import below
from trialsim.errors import AnalysisError

IN_ORDER = Graph(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]]))
HOLM = bonferroni_holm_graph(3)
HALF = np.full((3, 3), 0.5) + 0.5 * np.eye(3)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_box_is_the_integral_over_the_common_factor(m):
    limits = np.array([1.2, -0.3, 2.0, 0.4])[:m]

    def given(u):
        return stats.norm.pdf(u) * special.ndtr((limits - np.sqrt(0.5) * u) / np.sqrt(0.5)).prod()

    exact = integrate.quad(given, -10, 10, epsabs=1e-13)[0]
    equal = np.full((m, m), 0.5) + 0.5 * np.eye(m)
    assert below(limits, equal) == pytest.approx(exact, abs=1e-11 if m < 4 else 1e-6)


def by_hand(graph, groups, p):
    """Every intersection by its own removal of hypotheses, one after the other, in plain loops."""
    m = len(p)
    adjusted = np.zeros(m)
    for size in range(1, m + 1):
        for kept in combinations(range(m), size):
            w, G = graph.weights.copy(), graph.transition.copy()
            for j in sorted(set(range(m)) - set(kept), reverse=True):
                w_new, G_new = w.copy(), np.zeros_like(G)
                for k in range(m):
                    w_new[k] = w[k] + w[j] * G[j, k]
                    for h in range(m):
                        room = 1 - G[k, j] * G[j, k]
                        if h not in (k, j) and k != j and room > 1e-12:
                            G_new[k, h] = (G[k, h] + G[k, j] * G[j, h]) / room
                w_new[j] = 0.0
                w, G = w_new, G_new
            found = 1.0
            for who, _ in groups:
                mine = [j for j in who if j in kept and w[j] > 0]
                for j in mine:
                    found = min(found, p[j] / sum(w[i] for i in mine if p[i] <= p[j]))
            for k in kept:
                adjusted[k] = max(adjusted[k], found)
    return adjusted


def test_simes_in_groups_is_the_closed_test_by_hand():
    graph = Graph(
        np.array([0.4, 0.4, 0.2, 0.0]),
        np.array([[0, 0.5, 0.3, 0.2], [0.3, 0, 0.3, 0.4], [0, 0, 0, 1.0], [0.5, 0.5, 0, 0]]),
    )
    rng = np.random.default_rng(1)
    groups = [((0, 2), "simes"), ((1, 3), "simes")]
    made = [GroupTest(*group) for group in groups]
    p = rng.uniform(0, 0.1, (20, 4))
    p[3, 0] = p[3, 2]
    found = closed_test_of_groups(graph, made, p)
    np.testing.assert_allclose(found, [by_hand(graph, groups, row) for row in p], atol=1e-12)
    bonferroni = closed_test_of_groups(graph, [GroupTest((0, 1, 2, 3), "bonferroni")], p)
    np.testing.assert_allclose(bonferroni, graph.adjusted(p), atol=1e-12)
    assert (found <= bonferroni + 1e-12).all()


def test_simes_on_equal_weights_is_at_least_hochberg_and_parametric_at_least_holm():
    p = np.array([[0.01, 0.024, 0.02], [0.4, 0.3, 0.001], [0.02, 0.02, 0.02]])
    graph = bonferroni_holm_graph(3)
    simes = closed_test_of_groups(graph, [GroupTest((0, 1, 2), "simes")], p)
    assert (simes <= hochberg(p) + 1e-12).all()
    joint = closed_test_of_groups(graph, [GroupTest((0, 1, 2), "parametric", HALF)], p)
    assert (joint <= graph.adjusted(p) + 1e-12).all()
    # Statistics that are one and the same cost nothing.
    one = np.full((3, 3), 1.0)
    same = closed_test_of_groups(graph, [GroupTest((0, 1, 2), "parametric", one)], [0.02] * 3)
    np.testing.assert_allclose(same, 0.02, atol=1e-6)


def test_the_family_wise_error_of_a_parametric_test_is_alpha():
    rng = np.random.default_rng(5)
    z = rng.multivariate_normal(np.zeros(2), HALF[:2, :2], 20_000)
    graph = bonferroni_holm_graph(2)
    group = [GroupTest((0, 1), "parametric", HALF[:2, :2])]
    adjusted = closed_test_of_groups(graph, group, special.ndtr(-z))
    rate = (adjusted <= 0.05).any(axis=1).mean()
    assert rate == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_hard_p_values():
    graph, group = bonferroni_holm_graph(3), [GroupTest((0, 1, 2), "parametric", HALF)]
    found = closed_test_of_groups(graph, group, [0.0, 1.0, np.nan])
    assert found[0] == 0.0
    assert found[1] == 1.0
    assert np.isnan(found[2])
    lost = closed_test_of_groups(graph, [GroupTest((0, 1, 2), "simes")], [0.02, np.nan, 0.9])
    assert lost[0] == pytest.approx(0.06)


def test_order_and_names_of_groups_change_nothing():
    graph = Graph(np.array([1.0, 0.0, 0.0]), np.eye(3, k=1))
    p = [0.01, 0.02, 0.2]
    one = closed_test_of_groups(graph, [GroupTest((0, 1), "simes"), GroupTest((2,), "bonferroni")], p)
    other = closed_test_of_groups(graph, [GroupTest((2,), "simes"), GroupTest((1, 0), "simes")], p)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: GroupTest((0, 0), "simes"), "hypotheses"),
        (lambda: GroupTest((0,), "dunnett"), "test"),
        (lambda: GroupTest((0, 1), "parametric"), "correlation"),
        (lambda: GroupTest((0, 1), "simes", np.eye(2)), "correlation"),
        (lambda: GroupTest((0, 1), "parametric", np.array([[1, 2.0], [2.0, 1]])), "correlation"),
        (lambda: closed_test_of_groups(HOLM, [GroupTest((0, 1), "simes")], [0.1] * 3), "groups"),
        (lambda: graph_power(HOLM, [0.9, 1.0, 0.5], 0.025, np.eye(3), 10, 1), "marginal_power"),
        (lambda: graph_power(HOLM, [0.9, 0.9, 0.5], 0.025, np.eye(2), 10, 1), "correlation"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, field):
    with pytest.raises(AnalysisError) as refusal:
        make()
    assert refusal.value.field == field


def test_power_grows_with_the_effect_and_a_null_keeps_its_level():
    graph = bonferroni_holm_graph(3)
    found = [graph_power(graph, [power, 0.025, 0.5], 0.025, HALF, 50_000, 2) for power in (0.2, 0.6, 0.99)]
    assert found[0].local[0] < found[1].local[0] < found[2].local[0]
    for one in found:
        assert one.family_wise <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 50_000)
        assert one.conjunctive <= one.local[[0, 2]].min() <= one.disjunctive
        assert one.expected == pytest.approx(one.local.sum())
    # The exact power of the first of two independent hypotheses in order.
    two = graph_power(IN_ORDER, [0.8, 0.6], 0.025, np.eye(2), 100_000, 4)
    assert two.local[1] == pytest.approx(0.48, abs=4 * np.sqrt(0.48 * 0.52 / 100_000))
