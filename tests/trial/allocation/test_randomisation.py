"""Allocation keeps its arm sizes, and every place in the sequence is as likely as any other."""

from __future__ import annotations

import numpy as np

from trialsim.trial.allocation import allocate


def test_arm_sizes_are_exact_in_every_replicate() -> None:
    arm = allocate(50, 7, 21, np.random.default_rng(1))
    assert arm.shape == (50, 28)
    assert (arm.sum(axis=1) == 21).all()
    assert set(np.unique(arm)) == {0, 1}


def test_every_place_has_the_allocation_share() -> None:
    replicates = 20_000
    share = allocate(replicates, 10, 20, np.random.default_rng(2)).mean(axis=0)
    error = np.sqrt(2 / 9 / replicates)
    assert np.abs(share - 2 / 3).max() < 4.5 * error


def test_replicates_differ() -> None:
    arm = allocate(2, 50, 50, np.random.default_rng(3))
    assert (arm[0] != arm[1]).any()
