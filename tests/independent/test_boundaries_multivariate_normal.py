"""Crossing probabilities against scipy's multivariate normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from trialsim.design import BetaSpending, HwangShihDeCani, PocockSpending, group_sequential_design


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_continuation_probability_is_a_normal_rectangle(share: float) -> None:
    plan = group_sequential_design(
        [0.3, 0.6, 1.0], efficacy=PocockSpending(), futility=BetaSpending(HwangShihDeCani(-2.0))
    )
    design = plan.at_observed([0.35, 0.5, 1.1], final=True)
    drift = share * design.drift
    time = np.array(design.information)
    stopped = np.cumsum(design.stopping(drift).stopped)
    for looks in (2, 3):
        t = time[:looks]
        covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
        low, high = np.array(design.lower[:looks]), np.array(design.upper[:looks])
        if looks == 3:
            low[-1], high[-1] = -np.inf, design.upper[-1]  # Below the last bound: no rejection.
        normal = multivariate_normal(drift * np.sqrt(t), covariance, maxpts=2_000_000, abseps=1e-9)
        inside = normal.cdf(high, lower_limit=low, rng=np.random.default_rng(1))
        if looks == 2:
            assert 1 - stopped[1] == pytest.approx(inside, abs=1e-8)
        else:
            assert design.stopping(drift).lower[-1] == pytest.approx(inside, abs=1e-6)
