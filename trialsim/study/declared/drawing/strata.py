"""The strata of a declared trial, and its arms' effects in them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.protocol.declared import DeclaredTrial, Effect, HazardRatio, OddsRatio, RateRatio

LARGEST_LOG_RATIO = 100.0


@dataclass(frozen=True)
class Strata:
    """The crossing of the declared factors, S of them, in the order of the last factor fastest.

    Parameters
    ----------
    levels : ndarray of int (S, F)
        Level of each factor.
    shares, outcome : ndarray (S,)
        Share of participants, and what the stratum adds to the control's law.
    """

    levels: np.ndarray
    shares: Floats
    outcome: Floats

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Strata:
        """Return the strata of a trial; one without any factor."""
        crossed = list(itertools.product(*(range(len(one.levels)) for one in trial.strata)))
        levels = np.array(crossed, dtype=np.int64).reshape(len(crossed), len(trial.strata))
        shares, outcome = np.ones(len(levels)), np.zeros(len(levels))
        for position, factor in enumerate(trial.strata):
            if factor.covariate is not None:
                continue
            shares *= np.asarray(factor.shares)[levels[:, position]]
            if factor.outcome:
                outcome += np.asarray(factor.outcome)[levels[:, position]]
        return cls(levels, shares, outcome)

    def crossed(self, levels: np.ndarray) -> np.ndarray:
        """Return the position of factor levels (..., F) in the crossing (...)."""
        sizes = self.levels.max(axis=0, initial=0) + 1
        position = np.zeros(levels.shape[:-1], dtype=np.int64)
        for factor, size in enumerate(sizes):
            position = position * size + levels[..., factor]
        return position

    def inside(self, trial: DeclaredTrial, arm: int) -> np.ndarray:
        """Return which strata are in the subgroup of an arm's effect (S,)."""
        effect = effect_of(trial, arm)
        if effect is None or effect.subgroup is None:
            return np.zeros(len(self.shares), dtype=bool)
        names = [factor.name for factor in trial.strata]
        position = names.index(effect.subgroup.factor)
        level = trial.strata[position].levels.index(effect.subgroup.level)
        return np.asarray(self.levels[:, position] == level)


def effect_of(trial: DeclaredTrial, arm: int) -> Effect | None:
    """Return the declared effect of an arm, None for the control."""
    return {effect.arm: effect for effect in trial.effects}.get(trial.arms[arm].name)


def ratio_of(trial: DeclaredTrial, arm: int) -> HazardRatio | OddsRatio | RateRatio:
    """Return the declared ratio of an active arm."""
    effect = effect_of(trial, arm)
    assert isinstance(effect, HazardRatio | OddsRatio | RateRatio)
    return effect


def log_ratios(trial: DeclaredTrial) -> Floats:
    """Return log odds or rate ratios of each arm and stratum against the control's own law (A, S).

    Raises
    ------
    DesignError
        One is so large that no probability or rate could hold it.
    """
    strata = Strata.of(trial)
    table = np.tile(strata.outcome, (len(trial.arms), 1))
    for arm in range(1, len(trial.arms)):
        effect = ratio_of(trial, arm)
        table[arm] += math.log(effect.value)
        if effect.subgroup is not None:
            table[arm] += np.where(strata.inside(trial, arm), math.log(effect.subgroup.value), 0.0)
    if np.abs(table).max() > LARGEST_LOG_RATIO:
        raise DesignError(
            "adds up with the effects to more than a probability or a rate can hold",
            field="strata.outcome",
            value=float(table.flat[np.abs(table).argmax()]),
            mend=f"keep log odds and log rates within {LARGEST_LOG_RATIO:g}",
        )
    return table
