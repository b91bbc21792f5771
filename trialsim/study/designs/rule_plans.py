"""Rules of adaptive trials as plans of numbers: frozen, sent between machines, and made into rules there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from trialsim.errors import DesignError
from trialsim.trial import ClosedTest, bounds_rule, stop_at_bounds
from trialsim.trial.interim import (
    Rule,
    StagedState,
    blinded_resizing_rule,
    closed_test_rule,
    combination_rule,
    keep_best,
    predictive_rule,
    promising_zone,
    resize_blinded,
    thompson_rule,
)


class RulePlan(Protocol):
    """What makes a rule from the generator of the stream ``randomisation``."""

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule; one without chance ignores the generator."""
        ...


@dataclass(frozen=True)
class BoundsPlan:
    """Group-sequential or multi-arm multi-stage bounds.

    Parameters
    ----------
    upper, lower : tuple of float (K,)
        Bounds as for `bounds_rule`.
    sd : float, optional
        Known standard deviation; pooled unless given.
    best : int
        How many active arms go on at most; 0 for all above `lower`.
    """

    upper: tuple[float, ...]
    lower: tuple[float, ...] | None = None
    sd: float | None = None
    best: int = 0

    def __post_init__(self) -> None:
        stop_at_bounds(np.zeros((1, len(self.upper))), self.upper, self.lower)

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule."""
        return bounds_rule(
            self.upper, self.lower, sd=self.sd, keep=keep_best(self.best) if self.best else None
        )


@dataclass(frozen=True)
class ClosedTestPlan:
    """Multi-arm multi-stage with a closed combination test; parameters as for `closed_test_rule`.

    Parameters
    ----------
    test : ClosedTest
        Bounds, weights and intersection test.
    sd : float, optional
        Known standard deviation.
    best : int
        How many active arms go on at most; 0 for all above `futility`.
    futility : float
        An arm whose z is at or below it is dropped.
    stop_at : {"any", "all"}
        When the trial stops for efficacy.
    """

    test: ClosedTest
    sd: float | None = None
    best: int = 0
    futility: float = -np.inf
    stop_at: Literal["any", "all"] = "any"

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule."""
        keep = keep_best(self.best) if self.best else None
        return closed_test_rule(
            self.test, sd=self.sd, keep=keep, futility=self.futility, stop_at=self.stop_at
        )


@dataclass(frozen=True)
class BlindedResizingPlan:
    """Blinded re-estimation of the size from the variance; parameters as for `resize_blinded`.

    Parameters
    ----------
    effect, alpha, power : float
        Difference to be found, one-sided level and wanted power.
    least, most : int
        Limits of the participants of each arm.
    critical : float
        Bound of the final test.
    """

    effect: float
    alpha: float
    power: float
    least: int
    most: int
    critical: float

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule."""
        size = resize_blinded(self.effect, self.alpha, self.power, self.least, self.most)
        return blinded_resizing_rule(size, self.critical)


@dataclass(frozen=True)
class PromisingZonePlan:
    """Unblinded re-estimation in a promising zone, with a combination test.

    Parameters
    ----------
    planned, most : int
        Participants of each arm in the second stage, and the most of them.
    zone : pair of float
        Conditional power between which the size is raised.
    target : float
        Conditional power to reach.
    critical : float
        Bound of the combination test.
    futility : float
        The trial stops when the first z is at or below it.
    sd : float
        Known standard deviation.
    """

    planned: int
    most: int
    zone: tuple[float, float]
    target: float
    critical: float
    futility: float = -np.inf
    sd: float = 1.0

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule."""
        size = promising_zone(self.planned, self.most, self.zone, self.target, self.critical)
        return combination_rule(size, self.critical, futility=self.futility, sd=self.sd)


@dataclass(frozen=True)
class ThompsonPlan:
    """Response-adaptive randomisation for binary outcomes; parameters as for `thompson_rule`.

    Parameters
    ----------
    batch : int
        Participants of each next stage.
    claim, futility : float
        Posterior probability of being best at which the trial claims, or gives up.
    power, least : float
        Exponent of the allocation and the smallest share of any arm.
    """

    batch: int
    claim: float
    power: float = 0.5
    least: float = 0.1
    futility: float = 0.0

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule, which splits each batch by the generator."""
        return thompson_rule(
            self.batch,
            generator,
            claim=self.claim,
            power=self.power,
            least=self.least,
            futility=self.futility,
        )


@dataclass(frozen=True)
class PredictivePlan:
    """Two arms with binary outcomes, watched by the predictive probability of success at the end.

    Parameters
    ----------
    look_n : tuple of int (K,)
        Participants of each arm at each look, ascending.
    claim : float
        Posterior probability that claims at the end.
    stop_above, stop_below : float
        Predictive probabilities that stop the trial.
    """

    look_n: tuple[int, ...]
    claim: float
    stop_above: float = 1.0
    stop_below: float = 0.0

    def rule(self, generator: np.random.Generator) -> Rule:
        """Return the rule."""
        return predictive_rule(
            self.look_n, self.look_n[-1], self.claim, stop_above=self.stop_above, stop_below=self.stop_below
        )


def best_z(state: StagedState, sd: float | None) -> np.ndarray:
    """Return the largest z of the open active arms (R,); NaN where there is none.

    Examples
    --------
    >>> n, every = np.full((1, 3), 50), np.ones((1, 3), dtype=bool)
    >>> total = np.array([[0.0, 5.0, 10.0]])
    >>> best_z(StagedState(0, n, total, 1.0 * n, n, total, every, every[:, 0]), 1.0)
    array([1.])
    """
    z = np.where(state.open[:, 1:] & np.isfinite(state.z(sd)), state.z(sd), -np.inf).max(axis=1)
    return np.where(np.isfinite(z), z, np.nan)


def check_stage_plan(stage_n: tuple[tuple[int, ...], ...], means: tuple[float, ...]) -> None:
    """Refuse stages that do not hold one number for each arm."""
    for k, stage in enumerate(stage_n):
        if len(stage) != len(means):
            raise DesignError(
                f"must hold one number for each of {len(means)} arms", field=f"stage_n[{k}]", value=stage
            )
