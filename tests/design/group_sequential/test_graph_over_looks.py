"""Graphs over looks against a plain loop over trials, closed tests, closed forms and the level."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from trialsim.analysis.multiplicity import Graph, bonferroni_holm_graph, claims_over_looks
from trialsim.design.group_sequential import (
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    WangTsiatis,
    adapted_bounds,
    crosses_at_level,
    graph_over_looks,
    group_sequential_design,
)
from trialsim.errors import AnalysisError, DesignError

ALPHA = 0.025
GATE = Graph(np.array([0.6, 0.4, 0.0]), np.array([[0, 0.3, 0.7], [0.5, 0, 0.5], [0.5, 0.5, 0]]))
RULES = (OBrienFlemingSpending(), PocockSpending(), HwangShihDeCani(-2.0))
LOOKS = (np.array([0.4, 0.7, 1.0]), np.array([0.5, 0.8, 1.0]), np.array([0.3, 0.6, 1.0]))


def statistics(replicates, drift, looks=LOOKS, correlation=0.4, seed=1):
    """Return z (R, m, K): independent increments over looks, one correlation between hypotheses."""
    chance = np.random.default_rng(seed)
    m, times = len(drift), np.stack(looks)
    mix = np.linalg.cholesky(np.full((m, m), correlation) + (1 - correlation) * np.eye(m))
    grid = np.unique(np.concatenate([[0.0], times.ravel()]))
    steps = np.einsum("ij,rjk->rik", mix, chance.standard_normal((replicates, m, len(grid) - 1)))
    path = np.cumsum(steps * np.sqrt(np.diff(grid)), axis=2)
    path = np.concatenate([np.zeros((replicates, m, 1)), path], axis=2)
    at = np.stack([path[:, h, np.searchsorted(grid, times[h])] for h in range(m)], axis=1)
    return at / np.sqrt(times) + np.asarray(drift)[:, None] * np.sqrt(times)


def one_trial(graph, z, looks, rules, alpha):
    """Return the claims of one trial (m,) by the steps as they are printed, without any table."""
    m, number = z.shape
    weights, passes = graph.weights.copy(), graph.transition.copy()
    open_, found, bounds = set(range(m)), np.full(m, -1), {}
    for look in range(number):
        again = True
        while again:
            again = False
            for h in sorted(open_):
                level = round(weights[h], 12) * alpha
                if level <= 0:
                    continue
                if (h, level) not in bounds:
                    made = group_sequential_design(looks[h].tolist(), efficacy=rules[h], alpha=level)
                    bounds[h, level] = made.upper
                if z[h, look] < bounds[h, level][look]:
                    continue
                found[h] = look
                open_.remove(h)
                new_weights, new_passes = weights.copy(), passes.copy()
                for a in open_:
                    new_weights[a] = weights[a] + weights[h] * passes[h, a]
                    for b in open_ - {a}:
                        loop = passes[a, h] * passes[h, a]
                        new_passes[a, b] = (
                            (passes[a, b] + passes[a, h] * passes[h, b]) / (1 - loop) if loop < 1 else 0.0
                        )
                new_weights[h] = 0.0
                weights, passes, again = new_weights, new_passes, True
                break
    return found


def test_claims_are_those_of_a_plain_loop_over_trials():
    z = statistics(150, [2.4, 2.6, 2.8])
    fast = graph_over_looks(GATE, z, LOOKS, RULES, ALPHA)
    slow = np.array([one_trial(GATE, one, LOOKS, RULES, ALPHA) for one in z])
    assert np.array_equal(fast, slow)
    assert {-1, 0, 1, 2} == set(fast.ravel().tolist())


def test_claims_do_not_depend_on_the_order_of_the_hypotheses():
    z, order = statistics(400, [2.0, 2.5, 2.5]), [2, 0, 1]
    turned = Graph(GATE.weights[order], GATE.transition[np.ix_(order, order)])
    fast = graph_over_looks(GATE, z, LOOKS, RULES, ALPHA)
    again = graph_over_looks(turned, z[:, order], [LOOKS[h] for h in order], [RULES[h] for h in order], ALPHA)
    assert np.array_equal(fast[:, order], again)


def test_whatever_is_claimed_is_claimed_by_the_closed_test_behind_it():
    z = statistics(2_000, [1.5, 2.0, 2.5], seed=2)
    weights, crossed = GATE.closure(), {}
    for mask, h in itertools.product(range(1, 8), range(3)):
        if weights[mask, h] > 0:
            crossed[mask, h] = crosses_at_level(z[:, h], LOOKS[h], RULES[h], weights[mask, h] * ALPHA)
    found = graph_over_looks(GATE, z, LOOKS, RULES, ALPHA)
    for h, look in itertools.product(range(3), range(3)):
        by_now = np.ones(len(z), dtype=bool)
        for mask in (mask for mask in range(1, 8) if mask >> h & 1):
            any_of = [crossed[mask, j][:, : look + 1].any(axis=1) for j in range(3) if (mask, j) in crossed]
            by_now &= np.any(any_of, axis=0)
        claimed = (found[:, h] >= 0) & (found[:, h] <= look)
        assert not (claimed & ~by_now).any()


def test_observed_information_as_planned_gives_the_planned_bounds():
    z = statistics(3_000, [2.4, 2.6, 2.8], seed=3)
    planned = graph_over_looks(GATE, z, LOOKS, RULES, ALPHA)
    seen = [np.broadcast_to(one, (len(z), 3)) for one in LOOKS]
    assert (planned == graph_over_looks(GATE, z, seen, RULES, ALPHA)).mean() > 0.9999


@pytest.mark.parametrize("rule", RULES)
def test_bounds_are_looked_for_only_where_they_can_matter(rule):
    chance = np.random.default_rng(4)
    seen = np.sort(chance.uniform(0.1, 0.99, (300, 3)), axis=1)
    seen[::7, 1] = seen[::7, 0]
    z = chance.standard_normal((300, 3)) + 2.2
    upper, _ = adapted_bounds(seen, rule, 0.0125)
    assert np.array_equal(crosses_at_level(z, seen, rule, 0.0125), z >= upper)


def test_a_test_that_has_ended_keeps_its_result_for_alpha_that_comes_later():
    seen = np.array([[0.6, 1.0, 1.0]])
    z = np.array([[[0.0, 2.1, 2.1]], [[0.0, 0.0, 3.0]]])[:, 0]
    graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    found = graph_over_looks(graph, z[None], [seen, np.array([0.3, 0.6, 1.0])], RULES[:2], ALPHA)
    # At a half of alpha 2.1 is not enough; at the last look the other passes its own half on.
    assert found.tolist() == [[2, 2]]


def test_one_look_is_the_graph_of_p_values():
    chance = np.random.default_rng(5)
    for graph in (GATE, bonferroni_holm_graph(3), Graph(np.array([1.0, 0, 0]), np.eye(3, k=1))):
        p = chance.random((5_000, 3)) ** 4
        p[::50, 1] = np.nan
        found = graph_over_looks(graph, -ndtri(p)[:, :, None], [np.ones(1)] * 3, RULES, ALPHA)
        assert np.array_equal(found == 0, graph.rejects(p, ALPHA))


def test_one_hypothesis_has_the_power_of_its_group_sequential_design():
    design = group_sequential_design([0.4, 0.7, 1.0], efficacy=RULES[0], alpha=ALPHA, power=0.8)
    z = statistics(40_000, [design.drift], LOOKS[:1], seed=6)
    alone = Graph(np.array([1.0]), np.zeros((1, 1)))
    share = (graph_over_looks(alone, z, LOOKS[:1], RULES[:1], ALPHA) >= 0).mean()
    assert abs(share - 0.8) < 4 * np.sqrt(0.8 * 0.2 / len(z))


def test_the_trial_ends_with_the_claims_that_it_needs():
    p = np.array([[[0.001, 0.001], [0.9, 0.001]]])
    graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    crosses = lambda h, level: p[:, h] <= level  # noqa: E731 - as a caller would write it
    assert claims_over_looks(graph, ALPHA, crosses).tolist() == [[0, 1]]
    assert claims_over_looks(graph, ALPHA, crosses, needed=(0,)).tolist() == [[0, -1]]


def random_graph(chance, m):
    weights = chance.random(m) * (chance.random(m) < 0.7)
    weights[0] += 0.1
    passes = chance.random((m, m)) * (1 - np.eye(m))
    return Graph(weights / weights.sum(), passes / passes.sum(axis=1, keepdims=True))


def family_wise_errors(designs, replicates, observed):
    """Yield the share of trials with a false claim, over every partial null of random designs."""
    for number in range(designs):
        chance = np.random.default_rng(100 + number)
        m, looks = int(chance.integers(2, 5)), int(chance.integers(2, 4))
        times = [np.append(np.sort(chance.uniform(0.2, 0.9, looks - 1)), 1.0) for _ in range(m)]
        rules = [RULES[k] for k in chance.integers(0, 3, m)]
        graph, correlation = random_graph(chance, m), float(chance.choice([0.0, 0.3, 0.8]))
        for null in itertools.product([True, False], repeat=m):
            if not any(null):
                continue
            drift = [0.0 if one else 3.0 for one in null]
            z = statistics(replicates, drift, times, correlation, seed=number)
            seen = [np.broadcast_to(one, (replicates, looks)) for one in times] if observed else times
            found = graph_over_looks(graph, z, seen, rules, ALPHA)
            yield (found[:, np.array(null)] >= 0).any(axis=1).mean()


def test_family_wise_error_is_kept_over_all_partial_nulls_of_30_designs():
    errors = list(family_wise_errors(30, 2_000, observed=False))
    limit = ALPHA + 4 * np.sqrt(ALPHA * (1 - ALPHA) / 2_000)
    assert len(errors) > 100
    assert max(errors) < limit
    assert np.mean(errors) < ALPHA + 0.002


@pytest.mark.slow
@pytest.mark.parametrize("observed", [False, True])
def test_family_wise_error_is_kept_over_all_partial_nulls_at_length(observed):
    errors = list(family_wise_errors(30, 40_000, observed=observed))
    assert max(errors) < ALPHA + 4 * np.sqrt(ALPHA * (1 - ALPHA) / 40_000)


def test_what_cannot_be_asked_is_refused():
    z = np.zeros((2, 2, 2))
    graph = bonferroni_holm_graph(2)
    with pytest.raises(DesignError, match="information"):
        graph_over_looks(graph, z, [np.array([0.5, 1.0])], RULES[:2])
    with pytest.raises(DesignError, match="rule that spends"):
        crosses_at_level(z[:, 0], np.full((2, 2), 0.5), WangTsiatis(0.5), 0.01)
    with pytest.raises(AnalysisError, match="gives no hypothesis any alpha"):
        claims_over_looks(Graph(np.zeros(2), np.zeros((2, 2))), 0.025, lambda h, level: z[:, h] > 0)
    with pytest.raises(AnalysisError, match="alpha"):
        claims_over_looks(graph, 1.5, lambda h, level: ndtr(z[:, h]) > level)


def test_bounds_of_a_public_survival_design_with_three_interim_looks():
    design = group_sequential_design([0.25, 0.5, 0.75, 1.0], efficacy=OBrienFlemingSpending(), alpha=ALPHA)
    assert design.upper == pytest.approx([4.3326, 2.9631, 2.3590, 2.0141], abs=6e-5)
