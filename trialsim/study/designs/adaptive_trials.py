"""Operating characteristics of adaptive trials in stages, block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.sequential_characteristics import (
    SequentialCharacteristics,
    SequentialTally,
    tally_stopping,
)
from trialsim.study.running.work import split_replicates
from trialsim.trial import simulate_staged
from trialsim.trial.interim import Rule, StagedTrials, Stopping

RuleMaker = Callable[[np.random.Generator], Rule]


@dataclass(frozen=True)
class AdaptiveCharacteristics:
    """What an adaptive design does in a scenario.

    Parameters
    ----------
    sequential : SequentialCharacteristics
        Claims, stopping and sizes.
    arms : DataFrame
        One row an arm: expected participants and the probability of being open at the end, with their
        Monte Carlo errors, and the mean estimate's bias and MSE against the true mean (treatments
        selected on their results look better than they are).
    """

    sequential: SequentialCharacteristics
    arms: pd.DataFrame


def adaptive_characteristics(
    endpoint: Literal["normal", "binary"],
    means: ArrayLike,
    stage_n: ArrayLike,
    make_rule: RuleMaker,
    *,
    replicates: int,
    seed: int,
    scenario: str,
    sd: float = 1.0,
    block: int = 10_000,
) -> AdaptiveCharacteristics:
    """Simulate an adaptive design and return its operating characteristics.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        Kind of outcome.
    means : array (A,)
        True means or probabilities, the control first.
    stage_n : array of int (K, A)
        Planned participants of each stage in each arm.
    make_rule : callable
        From the generator of the stream ``randomisation`` of a block to the rule; a rule without chance
        ignores it.
    replicates : int
        Number of trials.
    seed, scenario
        Names of the random streams.
    sd : float
        Standard deviation of normal outcomes.
    block : int
        Trials in memory at a time; part of the names of the streams.

    Returns
    -------
    AdaptiveCharacteristics

    Raises
    ------
    DesignError
        No replicate, or a design that cannot be.

    Examples
    --------
    >>> from trialsim.trial import bounds_rule
    >>> rule = bounds_rule([2.9, 2.2], [0.0, 2.2], sd=1.0)
    >>> found = adaptive_characteristics(
    ...     "normal", [0.0, 0.0, 0.3], [[60, 60, 60]] * 2, lambda _: rule,
    ...     replicates=4000, seed=1, scenario="doc",
    ... )
    >>> round(found.sequential.rejection_rate, 1), list(found.arms.columns)[:2]
    (0.5, ['participants', 'participants_mcse'])
    """
    if replicates < 1:
        raise DesignError("must be at least 1", field="replicates", value=replicates)
    truth = np.asarray(means, dtype=np.float64)
    total: SequentialTally | None = None
    sums = np.zeros((6, len(truth)))
    for index, size in enumerate(split_replicates(replicates, block)):
        rule = make_rule(stream(seed, scenario, index, "randomisation"))
        outcome = stream(seed, scenario, index, "outcome")
        trials = simulate_staged(endpoint, truth, stage_n, rule, size, outcome, sd=sd)
        one = tally_staged(trials)
        total = one if total is None else total + one
        sums += _arm_sums(trials, truth)
    assert total is not None
    return AdaptiveCharacteristics(SequentialCharacteristics(scenario, total), _arm_frame(sums, replicates))


def tally_staged(trials: StagedTrials) -> SequentialTally:
    """Return the sums of a block of adaptive trials."""
    sizes = np.stack([state.n.sum(axis=1) for state in trials.states], axis=1)
    return tally_stopping(
        Stopping(trials.stage, trials.decision),
        np.zeros(sizes.shape),
        np.ones(sizes.shape, dtype=bool),
        size=sizes,
    )


def _arm_sums(trials: StagedTrials, truth: Floats) -> Floats:
    last = trials.states[-1]
    deviation = last.mean - truth
    return np.stack(
        [
            last.n.sum(axis=0),
            (last.n.astype(np.float64) ** 2).sum(axis=0),
            last.open.sum(axis=0),
            deviation.sum(axis=0),
            (deviation**2).sum(axis=0),
            (deviation**4).sum(axis=0),
        ]
    )


def _arm_frame(sums: Floats, replicates: int) -> pd.DataFrame:
    n, squares, still_open, deviation, mse, fourth = sums / replicates
    rest = max(replicates - 1, 1)
    return pd.DataFrame(
        {
            "participants": n,
            "participants_mcse": np.sqrt(np.maximum(squares - n**2, 0) / rest),
            "open": still_open,
            "open_mcse": np.sqrt(still_open * (1 - still_open) / rest),
            "bias": deviation,
            "bias_mcse": np.sqrt(np.maximum(mse - deviation**2, 0) / rest),
            "mse": mse,
            "mse_mcse": np.sqrt(np.maximum(fourth - mse**2, 0) / rest),
        },
        index=pd.RangeIndex(len(n), name="arm"),
    )
