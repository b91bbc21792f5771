"""One shape for what any sequential or adaptive design gives back, and the driver that adds blocks up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.study.designs.sequential_characteristics import (
    SequentialCharacteristics,
    SequentialTally,
    tally_stopping,
)
from trialsim.study.running.work import split_replicates
from trialsim.trial.interim import Stopping

Plan = TypeVar("Plan")


@dataclass(frozen=True)
class NaiveEstimate:
    """The estimate that ignores the design: what a fixed trial's analysis would say at the end.

    Parameters
    ----------
    value : ndarray (R,)
        NaN where there is none.
    half_width : ndarray (R,)
        Of its confidence interval.
    truth : float
        What it estimates.
    """

    value: Floats
    half_width: Floats
    truth: float

    def counted(self) -> dict[str, Floats]:
        """Return what a tally adds up; a trial without an estimate adds 0 everywhere."""
        seen = np.isfinite(self.value) & np.isfinite(self.half_width)
        deviation = np.where(seen, self.value - self.truth, 0.0)
        covered = seen & (np.abs(deviation) <= self.half_width)
        return {
            "estimated": seen.astype(np.float64),
            "deviation": deviation,
            "squared_deviation": deviation**2,
            "covered": covered.astype(np.float64),
        }


@dataclass(frozen=True)
class SequentialBlock(InNotebook):
    """Replicate trials of any design that may stop early.

    Parameters
    ----------
    stopping : Stopping
        Where and why each trial stopped.
    statistic : ndarray (R, K)
        Test statistic at each look, larger for active; NaN where there is none.
    counted : mapping of str to ndarray (R, K) or (R,)
        ``size``, ``months`` and whatever else is counted, at each look or when the trial stopped.
    reached : ndarray of bool (R, K), optional
        Whether each look had what it waited for; all unless given.
    estimate : NaiveEstimate, optional
        Of the treatment effect.
    """

    stopping: Stopping
    statistic: Floats
    counted: Mapping[str, np.ndarray]
    reached: Bools | None = None
    estimate: NaiveEstimate | None = field(default=None)

    def tally(self) -> SequentialTally:
        """Return the sums of the block."""
        reached = np.ones(self.statistic.shape, bool) if self.reached is None else self.reached
        of_estimate = {} if self.estimate is None else self.estimate.counted()
        return tally_stopping(self.stopping, self.statistic, reached, **self.counted, **of_estimate)


def characteristics_of(
    run_block: Callable[[Plan, int, int, str, int], SequentialBlock],
    plan: Plan,
    *,
    replicates: int,
    seed: int,
    scenario: str,
    block: int = 250,
) -> SequentialCharacteristics:
    """Simulate a plan block by block and return its operating characteristics.

    Parameters
    ----------
    run_block : callable
        From plan, replicates, seed, scenario and block to a `SequentialBlock`, such as
        `run_delayed_block`.
    plan : object
        The plan that `run_block` takes.
    replicates : int
        Number of trials.
    seed, scenario
        Names of the random streams.
    block : int
        Trials in memory at a time; part of the names of the streams.

    Returns
    -------
    SequentialCharacteristics

    Raises
    ------
    DesignError
        No replicate, or what the plan refuses.

    Examples
    --------
    >>> def coin(plan, replicates, seed, scenario, block):
    ...     z = np.random.default_rng(block).standard_normal((replicates, 1))
    ...     claims = (z[:, 0] >= plan).astype(np.int8)
    ...     return SequentialBlock(Stopping(np.zeros(replicates, int), claims), z, {})
    >>> found = characteristics_of(coin, 0.0, replicates=1000, seed=1, scenario="doc")
    >>> round(found.rejection_rate, 1)
    0.5
    """
    if replicates < 1:
        raise DesignError("must be at least 1", field="replicates", value=replicates)
    total: SequentialTally | None = None
    for index, size in enumerate(split_replicates(replicates, block)):
        one = run_block(plan, size, seed, scenario, index).tally()
        total = one if total is None else total + one
    assert total is not None
    return SequentialCharacteristics(scenario, total)
