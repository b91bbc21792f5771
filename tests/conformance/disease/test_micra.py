"""A leadless pacemaker against past controls: Micra (2,667 of them, twelve months) and its registry."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from trialsim.design.single_arm import one_stage_size
from trialsim.protocol.declared import grid_points, read_trial
from trialsim.study.declared import engine_of

DEVICE, PAST, RATE, RATIO = 726, 2667, 0.040, 0.52
PAST_RATE = 1 - (1 - RATE) ** (1 / RATIO)


@cache
def readings(scenario: str):
    points = grid_points(read_trial("protocols/micra_history.toml"))
    trial = next(one.trial for one in points if one.name == scenario)
    return engine_of(trial).read(1_000, trial.seed, 0).readings


def by_counts(ratio: float) -> float:
    """Return the share of claims at a ratio to the past by Wald's test of the counts alone, 400,000 times."""
    g = np.random.default_rng(1)
    device = g.binomial(DEVICE, 1 - (1 - PAST_RATE) ** ratio, 400_000) / DEVICE
    past = g.binomial(PAST, PAST_RATE, 400_000) / PAST
    log_ratio = np.log(np.log1p(-device) / np.log1p(-past))
    return float((log_ratio / np.sqrt(1 / (device * DEVICE) + 1 / (past * PAST)) < -norm.isf(0.025)).mean())


def error_of(low: float, high: float) -> float:
    """Return the standard error of a log ratio that a published 95 % interval says."""
    return float((np.log(high) - np.log(low)) / (2 * norm.isf(0.025)))


@pytest.mark.parametrize(
    ("device", "past", "low", "high"),
    [
        ((DEVICE, RATE), (PAST, PAST_RATE), 0.35, 0.77),
        # The registry at 36 months: 1,809 people 4.1 %, the past 8.5 %, ratio .47 (.36 to .61).
        ((1809, 0.041), (PAST, 0.085), 0.36, 0.61),
    ],
)
def test_intervals_of_micra_and_its_registry_are_as_wide_as_their_events_say(device, past, low, high) -> None:
    error = np.sqrt(1 / (device[0] * device[1]) + 1 / (past[0] * past[1]))
    assert error == pytest.approx(error_of(low, high), rel=0.02)


def test_micra_has_a_power_of_ninety_per_cent_against_the_past() -> None:
    found = readings("works")
    for name in ("cox", "log_rank"):
        assert float((found[name].stopping.decision == 1).mean()) >= 0.90
    # Both are decided by the score test, which has a little more power here than Wald's.
    one = found["cox"].estimates
    wald = float((one.estimate / one.standard_error < -norm.isf(0.025)).mean())
    assert wald == pytest.approx(by_counts(RATIO), abs=4 * 0.0095)
    assert by_counts(RATIO) >= 0.90
    error = found["cox"].estimates.standard_error
    assert np.nanmedian(error) == pytest.approx(error_of(0.35, 0.77), rel=0.03)


def test_a_past_that_was_worse_is_claimed_as_a_benefit() -> None:
    """Type I error: .025 where the past is like the present, ten times as much where it had 25 % more."""
    null, drifted = (
        float((readings(name)["cox"].stopping.decision == 1).mean()) for name in ("null", "past_was_worse")
    )
    assert null == pytest.approx(0.025, abs=4 * 0.005)
    assert drifted == pytest.approx(by_counts(0.8), abs=4 * 0.014)
    assert drifted > 0.2


def test_micra_against_its_goal() -> None:
    """96.0 % free of major complications against a goal of 83 % (recalled): far fewer than 726 would do."""
    found = one_stage_size(0.83, 0.96, alpha=0.025, power=0.9)
    assert found.participants < DEVICE / 5
    assert found.power >= 0.9
    assert found.alpha <= 0.025
