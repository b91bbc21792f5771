"""Operating characteristics of trials that may stop early, from running sums, with Monte Carlo errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialsim.data import Floats, Ints
from trialsim.notebook import InNotebook
from trialsim.trial.interim import Stopping

MOST_UNDECIDED = 0.01
"""Largest share of trials without any test at which a rejection rate is still to be used."""

_OF_ESTIMATE = ("estimated", "deviation", "squared_deviation", "covered")


@dataclass(frozen=True)
class SequentialTally:
    """Running sums over trials; memory does not grow with their number.

    Parameters
    ----------
    trials : int
        Number of trials.
    efficacy, futility : ndarray of int (K,)
        Trials that stopped at each look for either reason.
    undecided : int
        Trials that crossed nothing by the end.
    unreached : ndarray of int (K,)
        Looks that did not have the events that they waited for.
    unreadable : ndarray of int (K,)
        Looks without a statistic, which stop nothing.
    untested : int
        Trials that ended without any statistic, so that no test could claim anything.
    sums, squares, least, most : dict of str to float
        Of ``size``, ``events``, ``months`` and what else was counted when the trial stopped, and of the
        naive estimate's ``deviation``, ``squared_deviation``, ``covered`` and ``estimated``.
    look_sums, look_squares : dict of str to ndarray (K,)
        Of what was counted at each look, over all trials, as if none had stopped before.
    """

    trials: int
    efficacy: Ints
    futility: Ints
    undecided: int
    unreached: Ints
    unreadable: Ints
    untested: int
    sums: dict[str, float]
    squares: dict[str, float]
    least: dict[str, float]
    most: dict[str, float]
    look_sums: dict[str, Floats] = field(default_factory=dict)
    look_squares: dict[str, Floats] = field(default_factory=dict)

    def __add__(self, other: SequentialTally) -> SequentialTally:
        return SequentialTally(
            self.trials + other.trials,
            self.efficacy + other.efficacy,
            self.futility + other.futility,
            self.undecided + other.undecided,
            self.unreached + other.unreached,
            self.unreadable + other.unreadable,
            self.untested + other.untested,
            {name: self.sums[name] + other.sums[name] for name in self.sums},
            {name: self.squares[name] + other.squares[name] for name in self.squares},
            {name: min(self.least[name], other.least[name]) for name in self.least},
            {name: max(self.most[name], other.most[name]) for name in self.most},
            {name: self.look_sums[name] + other.look_sums[name] for name in self.look_sums},
            {name: self.look_squares[name] + other.look_squares[name] for name in self.look_squares},
        )


def tally_stopping(
    stopping: Stopping, statistic: Floats, reached: np.ndarray, **counted: np.ndarray
) -> SequentialTally:
    """Return the sums of a block of trials.

    Parameters
    ----------
    stopping : Stopping
        Where each trial stopped.
    statistic : ndarray (R, K)
        NaN where a look could not be analysed.
    reached : ndarray of bool (R, K)
        Whether each look had what it waited for.
    **counted : ndarray (R, K) or (R,)
        What each trial had at each look, or when it stopped: ``size``, ``events``, ``months`` and others.
    """
    looks = statistic.shape[1]
    held = np.arange(looks) <= stopping.look[:, None]
    given = {name: np.asarray(one, dtype=np.float64) for name, one in counted.items()}
    values = {name: one if one.ndim == 1 else stopping.at(one) for name, one in given.items()}
    return SequentialTally(
        len(statistic),
        np.bincount(stopping.look[stopping.decision == 1], minlength=looks),
        np.bincount(stopping.look[stopping.decision == -1], minlength=looks),
        int((stopping.decision == 0).sum()),
        (held & ~reached).sum(axis=0),
        (held & np.isnan(statistic)).sum(axis=0),
        int(np.isnan(stopping.at(statistic)).sum()),
        {name: math.fsum(one) for name, one in values.items()},
        {name: math.fsum(one**2) for name, one in values.items()},
        {name: float(one.min()) for name, one in values.items()},
        {name: float(one.max()) for name, one in values.items()},
        {name: one.sum(axis=0) for name, one in given.items() if one.ndim == 2},
        {name: (one**2).sum(axis=0) for name, one in given.items() if one.ndim == 2},
    )


@dataclass(frozen=True)
class SequentialCharacteristics(InNotebook):
    """What a sequential design does in a scenario.

    Parameters
    ----------
    scenario : str
        Its name.
    counts : SequentialTally
        The sums.
    """

    scenario: str
    counts: SequentialTally

    @property
    def rejection_rate(self) -> float:
        """Share of trials that claim efficacy: power, or type I error under the null."""
        return float(self.counts.efficacy.sum() / self.counts.trials)

    @property
    def rejection_rate_mcse(self) -> float:
        """Its Monte Carlo standard error, never 0."""
        return _proportion_error(int(self.counts.efficacy.sum()), self.counts.trials)

    @property
    def undecided_share(self) -> float:
        """Share of trials with no test, nor one in its place; they claim nothing."""
        return self.counts.untested / self.counts.trials

    @property
    def usable(self) -> bool:
        """Whether the rejection rate can be used: at most `MOST_UNDECIDED` of the trials had no test."""
        return self.undecided_share <= MOST_UNDECIDED

    def share(self, name: str) -> tuple[float, float]:
        """Return the share of trials in which something held, such as ``claim_1``, and its error, never 0."""
        n = self.counts.trials
        held = round(self.counts.sums[name])
        return held / n, _proportion_error(held, n)

    def mean(self, name: str) -> tuple[float, float]:
        """Return the expected ``size``, ``events`` or ``months``, and its Monte Carlo standard error."""
        n = self.counts.trials
        mean = self.counts.sums[name] / n
        spread = max(self.counts.squares[name] / n - mean**2, 0.0)
        return mean, math.sqrt(spread / max(n - 1, 1))

    def mean_at_look(self, name: str, look: int) -> tuple[float, float]:
        """Return the expected ``events`` or ``months`` of a look, from 0, if it is held, and the error."""
        n = self.counts.trials
        mean = float(self.counts.look_sums[name][look]) / n
        spread = max(float(self.counts.look_squares[name][look]) / n - mean**2, 0.0)
        return mean, math.sqrt(spread / max(n - 1, 1))

    def naive_estimate(self) -> dict[str, float]:
        """Return bias, MSE and coverage of the estimate that ignores the design, with their errors.

        A trial without an estimate is counted in ``without_estimate`` and is in no mean. Empty where
        the simulation gave no estimate.
        """
        sums, squares = self.counts.sums, self.counts.squares
        if "estimated" not in sums:
            return {}
        n = sums["estimated"]
        most, rest = max(n, 1.0), max(n - 1, 1.0)
        bias, mse = sums["deviation"] / most, sums["squared_deviation"] / most
        fourth = squares["squared_deviation"] / most
        return {
            "bias": bias,
            "bias_mcse": math.sqrt(max(mse - bias**2, 0.0) / rest),
            "mse": mse,
            "mse_mcse": math.sqrt(max(fourth - mse**2, 0.0) / rest),
            "coverage": sums["covered"] / most,
            "coverage_mcse": _proportion_error(int(sums["covered"]), int(most)),
            "without_estimate": self.counts.trials - n,
        }

    def looks(self) -> pd.DataFrame:
        """Return one row a look: stopping probabilities with their errors, and looks that fell short."""
        n = self.counts.trials
        rows = {
            "efficacy": self.counts.efficacy / n,
            "efficacy_mcse": [_proportion_error(int(k), n) for k in self.counts.efficacy],
            "futility": self.counts.futility / n,
            "futility_mcse": [_proportion_error(int(k), n) for k in self.counts.futility],
            "cumulative_efficacy": np.cumsum(self.counts.efficacy) / n,
            "unreached": self.counts.unreached,
            "unreadable": self.counts.unreadable,
        }
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(self.counts.efficacy) + 1, name="look"))

    def to_row(self) -> dict[str, object]:
        """Return a flat row: rates, means with errors, least and most, and the naive estimate's qualities."""
        row: dict[str, object] = {
            "scenario": self.scenario,
            "trials": self.counts.trials,
            "rejection_rate": self.rejection_rate,
            "rejection_rate_mcse": self.rejection_rate_mcse,
            "undecided": self.counts.undecided,
            "unreached_looks": int(self.counts.unreached.sum()),
            "unreadable_looks": int(self.counts.unreadable.sum()),
            "undecided_share": self.undecided_share,
            "usable": self.usable,
        }
        for name in (name for name in self.counts.sums if name not in _OF_ESTIMATE):
            mean, error = self.mean(name)
            row |= {
                f"expected_{name}": mean,
                f"expected_{name}_mcse": error,
                f"least_{name}": self.counts.least[name],
                f"most_{name}": self.counts.most[name],
            }
        return row | self.naive_estimate()


def _proportion_error(successes: int, trials: int) -> float:
    """Return the standard error of a proportion, with half a success added at the edges 0 and 1."""
    rate = min(max(successes, 0.5), trials - 0.5) / trials
    return math.sqrt(rate * (1 - rate) / trials)
