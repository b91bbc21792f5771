"""Dropout meets each cause's cumulative share exactly, by arm."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.errors import DesignError
from trialsim.protocol import Arm, Dropout
from trialsim.trial.intercurrent_events import constant_hazard_dropout

ARMS = (Arm(name="placebo", role="control", allocation=1.0), Arm(name="drug", role="active", allocation=1.0))
CAUSES = (
    Dropout(cause="adverse event", cumulative={"placebo": 0.05, "drug": 0.3}, source="test"),
    Dropout(cause="other", cumulative={"placebo": 0.2, "drug": 0.1}, source="test"),
)


def test_the_compiled_pass_equals_a_walk_over_participants() -> None:
    arm = np.random.default_rng(1).integers(0, 3, (20, 50)).astype(np.int8)
    shares = np.array([[0.1, 0.2], [0.0, 0.0], [0.5, 0.1]])
    week, cause = constant_hazard_dropout(arm, shares, 24.0, np.random.default_rng(2))
    generator = np.random.default_rng(2)
    for place in np.ndindex(arm.shape):
        own = shares[arm[place]]
        uniform, expected = generator.random(), (np.inf, -1)
        if uniform < own.sum():
            when = 24.0 * np.log1p(-uniform) / np.log1p(-own.sum())
            expected = (when, int(generator.random() * own.sum() >= own[0]))
        np.testing.assert_allclose((week[place], cause[place]), expected, rtol=1e-14)


def test_the_compiled_pass_meets_the_cumulative_shares_at_a_constant_hazard() -> None:
    arm = np.tile(np.array([0, 1], dtype=np.int8), (200, 1000))
    table = [[entry.cumulative[one.name] for entry in CAUSES] for one in ARMS]
    week, cause = constant_hazard_dropout(arm, table, 24.0, np.random.default_rng(7))
    for position in range(2):
        here = arm == position
        for number in range(2):
            share = table[position][number]
            assert abs((cause[here] == number).mean() - share) < 4 * np.sqrt(share / here.sum())
        half = 1 - np.sqrt(1 - sum(table[position]))
        assert abs((week[here] < 12.0).mean() - half) < 4 * np.sqrt(half * (1 - half) / here.sum())


def test_shares_that_are_not_shares_are_refused() -> None:
    arm = np.zeros((1, 2), dtype=np.int8)
    for shares, week in (
        ([[0.5, 0.5]], 1.0),
        ([[-0.1]], 1.0),
        ([0.1], 1.0),
        ([[0.1]], 0.0),
        ([[np.nan]], 1.0),
    ):
        with pytest.raises(DesignError):
            constant_hazard_dropout(arm, shares, week, np.random.default_rng(1))
    with pytest.raises(DesignError, match="2 arms"):
        constant_hazard_dropout(arm + 1, [[0.1]], 1.0, np.random.default_rng(1))
