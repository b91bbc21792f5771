"""Blocks are added until the declared precision is reached, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.errors import DesignError
from trialsim.study import (
    PrecisionRule,
    SequentialCharacteristics,
    SequentialTally,
    run_until_precise,
    tally_stopping,
)
from trialsim.trial import stop_at_bounds


def one_look(index: int) -> SequentialTally:
    z = np.random.default_rng(index).normal(1.0, 1.0, (100, 1))
    return tally_stopping(stop_at_bounds(z, [1.96]), z, np.ones(z.shape, bool), size=np.full(z.shape, 50.0))


def error(sums: SequentialTally) -> float:
    return SequentialCharacteristics("x", sums).rejection_rate_mcse


def test_it_stops_at_the_first_block_that_is_precise_enough() -> None:
    found = run_until_precise(one_look, error, PrecisionRule(0.01, 2, 1000))
    assert found.reached
    assert found.error <= 0.01
    sums = one_look(0)
    for index in range(1, found.blocks - 1):
        sums = sums + one_look(index)
    assert error(sums) > 0.01
    assert found.sums.trials == 100 * found.blocks


def test_it_runs_its_least_and_stops_at_its_most() -> None:
    assert run_until_precise(one_look, error, PrecisionRule(0.9, 7, 10)).blocks == 7
    capped = run_until_precise(one_look, error, PrecisionRule(1e-6, 1, 3))
    assert (capped.blocks, capped.reached) == (3, False)


@pytest.mark.parametrize(
    ("target", "least", "most"), [(0.0, 1, 2), (float("nan"), 1, 2), (0.1, 0, 2), (0.1, 3, 2)]
)
def test_rules_that_cannot_be_are_refused(target: float, least: int, most: int) -> None:
    with pytest.raises(DesignError):
        PrecisionRule(target, least, most)
