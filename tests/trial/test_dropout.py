"""Dropout meets each cause's cumulative share exactly, by arm."""

from __future__ import annotations

import numpy as np

from trialsim.protocol import Arm, Dropout
from trialsim.trial import drop_out

ARMS = (Arm(name="placebo", role="control", allocation=1.0), Arm(name="drug", role="active", allocation=1.0))
CAUSES = (
    Dropout(cause="adverse event", cumulative={"placebo": 0.05, "drug": 0.3}, source="test"),
    Dropout(cause="other", cumulative={"placebo": 0.2, "drug": 0.1}, source="test"),
)


def test_cumulative_shares_by_cause_and_arm() -> None:
    arm = np.tile(np.array([0, 1], dtype=np.int8), (200, 1000))
    week, cause = drop_out(arm, CAUSES, ARMS, 24.0, np.random.default_rng(7))
    for position, one in enumerate(ARMS):
        here = arm == position
        for number, entry in enumerate(CAUSES):
            share = entry.cumulative[one.name]
            found = (cause[here] == number).mean()
            assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / here.sum())
    assert (np.isinf(week) == (cause == -1)).all()
    assert week[np.isfinite(week)].max() < 24.0


def test_hazard_is_constant() -> None:
    arm = np.zeros((1, 400_000), dtype=np.int8)
    week, _ = drop_out(arm, CAUSES, ARMS, 24.0, np.random.default_rng(8))
    survival = 1 - (week[0] < 12.0).mean()
    expected = np.sqrt(1 - 0.25)
    assert abs(survival - expected) < 4 * np.sqrt(expected * (1 - expected) / 400_000)


def test_nobody_leaves_without_a_cause() -> None:
    week, cause = drop_out(np.zeros((3, 10), dtype=np.int8), (), ARMS, 24.0, np.random.default_rng(9))
    assert np.isinf(week).all()
    assert (cause == -1).all()
