"""Why dividing alpha beats a closed combination test where every arm is kept: both by plain simulation.

The combination weighs stages by plan and pays for the largest of several arms at each stage; the cumulative
statistic pays once. Dropping arms is what the combination is for: then the cumulative test loses.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from trialsim.study.declared.claims import arms_above
from trialsim.trial import simulate_staged
from trialsim.trial.interim import ClosedTest, bounds_rule, closed_test_rule, keep_best
from trialsim.trial.interim.closed_testing import closed_rejections

MEANS, N, TRIALS = (0.0, 0.2, 0.4), 65, 10_000
CLOSED, DIVIDED = (2.797, 1.977), (3.1826, 2.2505)  # O'Brien–Fleming at .025 and at .0125


def dunnett_tail(z: np.ndarray) -> np.ndarray:
    """P(max of two z > c) under the null, with a correlation of one half."""
    x = np.linspace(-9, 9, 2001)
    inside = stats.norm.pdf(x) * stats.norm.cdf(z[:, None] * math.sqrt(2) + x) ** 2
    return 1 - inside.sum(axis=1) * (x[1] - x[0])


def plain_powers(keep: int) -> tuple[float, float]:
    """Return the power of closed Dunnett and of Bonferroni to claim any arm, by plain simulation."""
    grid = np.linspace(-4, 6, 201)
    score_of = stats.norm.isf(dunnett_tail(grid))
    rng = np.random.default_rng(5)
    effect = np.array(MEANS[1:]) * math.sqrt(N / 2)
    noise = rng.standard_normal((2, TRIALS, 3))
    z = effect + (noise[:, :, 1:] - noise[:, :, :1]) / math.sqrt(2)
    kept = np.argsort(-z[0], axis=1)[:, :keep]
    second = np.zeros((TRIALS, 2), bool)
    np.put_along_axis(second, kept, True, axis=1)
    z2 = np.where(second, z[1], -np.inf)
    largest = z2.max(axis=1)
    first = np.interp(z[0].max(axis=1), grid, score_of)
    total = first + np.where(second.all(axis=1), np.interp(largest, grid, score_of), largest)
    joint = (first >= CLOSED[0]) | (total / math.sqrt(2) >= CLOSED[1])
    single = (z[0] >= CLOSED[0]) | ((z[0] + z2) / math.sqrt(2) >= CLOSED[1])
    closed = joint & single.any(axis=1)
    divided = (z[0] >= DIVIDED[0]) | ((z[0] + z2) / math.sqrt(2) >= DIVIDED[1])
    return float(closed.mean()), float(divided.any(axis=1).mean())


@pytest.mark.parametrize("keep", [1, 2])
def test_power_of_any_claim_equals_plain_simulation(keep: int) -> None:
    test = ClosedTest(CLOSED, (1.0, 1.0))
    rules = {
        "closed": closed_test_rule(test, sd=1.0, keep=keep_best(keep)),
        "divided": bounds_rule(DIVIDED, sd=1.0, keep=keep_best(keep)),
    }
    found = {}
    for name, rule in rules.items():
        trials = simulate_staged("normal", MEANS, [[N] * 3, [N] * 3], rule, TRIALS, np.random.default_rng(9))
        if name == "closed":
            claimed = closed_rejections(trials.states, test, 1.0)
        else:
            claimed = arms_above(trials, upper=DIVIDED, sd=1.0)
        found[name] = float(claimed.any(axis=1).mean())
    closed, divided = plain_powers(keep)
    error = 4 * math.sqrt(2 * 0.15 / TRIALS)
    assert found["closed"] == pytest.approx(closed, abs=error)
    assert found["divided"] == pytest.approx(divided, abs=error)
    if keep == 2:
        assert found["divided"] > found["closed"]
        assert divided > closed
