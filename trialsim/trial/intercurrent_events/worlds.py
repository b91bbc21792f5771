"""Intercurrent events: what each participant would have had in every world, and what is observed.

One declaration, `LongitudinalWorld`, says how outcomes run, what treatment does, why people stop, what
happens to them afterwards and whether they are still seen. From it come replicate trials and, since a
simulator knows both potential outcomes of everyone, the true value of every strategy of ICH E9(R1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.intercurrent_events.discontinuation import (
    Discontinuation,
    DiscontinuationCause,
    calibrate_discontinuation,
    intermittent_gaps,
)
from trialsim.trial.outcomes.covariances import correlate, covariance_factor
from trialsim.trial.outcomes.visits import VisitEffect

After = Literal["kept", "lost", "frozen"]
Strategy = Literal["treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"]
STRATEGIES: tuple[Strategy, ...] = (
    "treatment_policy",
    "hypothetical",
    "composite",
    "while_on_treatment",
    "principal_stratum",
)


@dataclass(frozen=True)
class IntercurrentEvent:
    """A cause of discontinuation (or a start of rescue), and what comes after it.

    Parameters
    ----------
    cause : DiscontinuationCause
        When it strikes.
    after : {"kept", "lost", "frozen"}
        What becomes of the effect of treatment from the event on: stays, vanishes at once, or stays at
        what it was at the visit before.
    added : float
        Points added to the outcome from the event on, such as what rescue gives.
    observed : float
        Probability that the participant is still observed after the event (retrieved dropout; 1 for
        rescue within the study).
    """

    cause: DiscontinuationCause
    after: After = "lost"
    added: float = 0.0
    observed: float = 0.0


@dataclass(frozen=True, eq=False)
class PeoplePaths:
    """Paths without any event of M people, as controls and as active participants (M, 1 + V)."""

    control: Floats
    active: Floats


@dataclass(frozen=True)
class LongitudinalWorld:
    """A two-arm trial with a continuous outcome at visits and intercurrent events.

    Parameters
    ----------
    weeks : tuple of float (V,)
        Post-baseline visits.
    mean : ndarray (1 + V,)
        Means of the control without any event, the baseline first.
    covariance : ndarray (1 + V, 1 + V)
        Covariance between visits.
    effect : VisitEffect
        Of the active arm, over 1 + V visits with 0 at the baseline.
    events : tuple of IntercurrentEvent
        The events; the first to strike is the one that counts.
    gaps : float
        Probability of missing a visit by chance.
    failure : float
        Value that a composite strategy gives to everyone with an event.
    calibration : int
        Size of the sample on which intercepts are solved.
    calibration_seed : int
        Its seed; the calibration belongs to the declaration, not to a replicate.
    people : PeoplePaths, optional
        Who takes part, in place of draws of the normal law.
    """

    weeks: tuple[float, ...]
    mean: Floats
    covariance: Floats
    effect: VisitEffect
    events: tuple[IntercurrentEvent, ...]
    gaps: float = 0.0
    failure: float = 0.0
    calibration: int = 20_000
    calibration_seed: int = 1
    people: PeoplePaths | None = None

    def __post_init__(self) -> None:
        if len(self.mean) != 1 + len(self.weeks):
            raise DesignError("must hold the baseline and every visit", field="mean", value=len(self.mean))
        if np.shape(self.effect.shift) != np.shape(self.mean) or self.effect.shift[0] != 0:
            raise DesignError("must be 0 at the baseline and given at every visit", field="effect.shift")
        if self.effect.subgroup is not None:
            raise DesignError("is not offered together with intercurrent events", field="effect.subgroup")
        for position, event in enumerate(self.events):
            if not 0 <= event.observed <= 1:
                raise DesignError(
                    "must lie between 0 and 1", field=f"events[{position}].observed", value=event.observed
                )
            if event.after not in ("kept", "lost", "frozen"):
                raise DesignError(
                    "must be kept, lost or frozen", field=f"events[{position}].after", value=event.after
                )

    @cached_property
    def discontinuation(self) -> Discontinuation:
        """The calibrated events."""
        sample, effect = self.paths((self.calibration,), np.random.default_rng(self.calibration_seed))
        causes = [event.cause for event in self.events]
        return calibrate_discontinuation(causes, self.weeks, [sample, sample + effect])

    def paths(self, shape: tuple[int, ...], generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw people: their paths as controls, shape + (1 + V,), and what treatment adds to each."""
        if self.people is None:
            return self.control_paths(shape, generator), self.effect.shift
        rows = generator.integers(0, len(self.people.control), size=shape)
        control = self.people.control[rows]
        return control, self.people.active[rows] - control

    def control_paths(self, shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
        """Draw outcomes of the control without any event, shape + (1 + V,)."""
        paths = generator.standard_normal((*shape, len(self.mean)))
        factor = covariance_factor(self.covariance, len(self.mean))
        correlate(paths.reshape(-1, len(self.mean)), factor, np.asarray(self.mean, dtype=np.float64))
        return paths


@dataclass(frozen=True)
class PotentialOutcomes(InNotebook):
    """Everything about participants in one arm, whether or not they were in it.

    Parameters
    ----------
    without : ndarray (..., 1 + V)
        Path without any event.
    lived : ndarray (..., 1 + V)
        Path with what follows the event.
    visit : ndarray of int (...)
        First visit after the event, from 0; V without one.
    cause : ndarray of int (...)
        Position of the event, −1 without one.
    """

    without: Floats
    lived: Floats
    visit: Ints
    cause: Ints

    def last_on_treatment(self) -> Floats:
        """Return the last value before the event, which may be the baseline (...)."""
        return np.take_along_axis(self.without, self.visit[..., None], axis=-1)[..., 0]


@dataclass(frozen=True)
class LongitudinalTrials(InNotebook):
    """Replicate trials as an analyst gets them.

    Parameters
    ----------
    weeks : ndarray (V,)
        Post-baseline visits.
    arm : ndarray of int8 (R, N)
        0 for control, 1 for active.
    baseline : ndarray (R, N)
        Outcome at week 0.
    outcomes : ndarray (R, N, V)
        All that is observed, also after an event; NaN where missing.
    visit : ndarray of int (R, N)
        First visit after the event, V without one.
    cause : ndarray of int (R, N)
        Position of the event, −1 without one.
    """

    weeks: Floats
    arm: Labels
    baseline: Floats
    outcomes: Floats
    visit: Ints
    cause: Ints

    @property
    def on_treatment(self) -> Floats:
        """Outcomes (R, N, V) with everything after an event left out."""
        after = np.arange(len(self.weeks)) >= self.visit[..., None]
        return np.where(after, np.nan, self.outcomes)


def potential_outcomes(
    world: LongitudinalWorld, arm: int, control: Floats, uniform: Floats, added: Floats | None = None
) -> PotentialOutcomes:
    """Return what happens to participants in an arm.

    Parameters
    ----------
    world : LongitudinalWorld
        The declaration.
    arm : int
        0 or 1.
    control : ndarray (..., 1 + V)
        Their paths on control without any event.
    uniform : ndarray (..., V)
        Chance of the events; the same in both arms couples them.
    added : ndarray (1 + V,) or (..., 1 + V), optional
        What treatment adds to each; the world's effect if not given.

    Returns
    -------
    PotentialOutcomes
        Paths without and with the events, and when and why each participant stops.

    Examples
    --------
    >>> sick = DiscontinuationCause("lack of efficacy", (0.3, 0.1))
    >>> effect = VisitEffect(np.array([0.0, -1.5, -3.0]))
    >>> world = LongitudinalWorld((12.0, 24.0), np.zeros(3), np.eye(3), effect,
    ...                           (IntercurrentEvent(sick, "lost", observed=0.5),), calibration=500)
    >>> found = potential_outcomes(world, 1, np.zeros((1, 3)), np.full((1, 2), 0.999))
    >>> found.without
    array([[ 0. , -1.5, -3. ]])
    """
    added = world.effect.shift if added is None else added
    effect = added if arm else np.zeros_like(added)
    without = control + effect
    visit, cause = world.discontinuation.draw(arm, without, uniform)
    lived = without.copy()
    columns = np.arange(without.shape[-1])
    for position, event in enumerate(world.events):
        here = cause == position
        first = visit[here][:, None] + 1
        after = columns >= first
        mine = np.broadcast_to(effect, without.shape)[here]
        at_event = np.take_along_axis(mine, visit[here][:, None], axis=1)
        kept = {"kept": mine, "lost": np.zeros_like(mine), "frozen": at_event}[event.after]
        lived[here] += np.where(after, kept - mine + event.added, 0.0)
    return PotentialOutcomes(without, lived, visit, cause)


def simulate_longitudinal(
    world: LongitudinalWorld,
    arm: Labels,
    outcome: np.random.Generator,
    dropout: np.random.Generator,
    paths: tuple[Floats, Floats] | None = None,
) -> LongitudinalTrials:
    """Simulate replicate trials of a world.

    Parameters
    ----------
    world : LongitudinalWorld
        The declaration.
    arm : ndarray of int8 (R, N)
        0 for control, 1 for active.
    outcome, dropout : numpy.random.Generator
        Streams ``outcome`` and ``dropout``.
    paths : pair of ndarray (R, N, 1 + V), optional
        Paths as controls of those who were recruited, and what treatment adds to each.

    Returns
    -------
    LongitudinalTrials

    Raises
    ------
    DesignError
        An arm other than 0 and 1.

    Examples
    --------
    >>> sick = DiscontinuationCause("lack of efficacy", (0.3, 0.1))
    >>> effect = VisitEffect(np.array([0.0, -1.5, -3.0]))
    >>> world = LongitudinalWorld((12.0, 24.0), np.zeros(3), np.eye(3), effect,
    ...                           (IntercurrentEvent(sick, "lost", observed=0.5),), calibration=500)
    >>> arm = np.array([[0, 1, 0, 1]], dtype=np.int8)
    >>> trials = simulate_longitudinal(world, arm, np.random.default_rng(1), np.random.default_rng(2))
    >>> trials.outcomes.shape
    (1, 4, 2)
    """
    if int(arm.max(initial=0)) > 1:
        raise DesignError("must be 0 or 1: two arms are offered with events", field="arm")
    visits = len(world.weeks)
    control, added = world.paths(arm.shape, outcome) if paths is None else paths
    uniform = dropout.random((*arm.shape, visits))
    stays = dropout.random(arm.shape)
    missed = intermittent_gaps((*arm.shape, visits), world.gaps, dropout)
    lived = np.empty(control.shape)
    visit, cause = np.empty(arm.shape, dtype=np.int64), np.empty(arm.shape, dtype=np.int64)
    # Rows of one long table: taking them by their number is several times as fast as by a mask.
    of_all, chances = control.reshape(-1, 1 + visits), uniform.reshape(-1, visits)
    more = np.broadcast_to(added, control.shape).reshape(of_all.shape) if added.ndim > 1 else added
    for a in (0, 1):
        rows = np.flatnonzero(arm == a)
        own = potential_outcomes(
            world, a, of_all.take(rows, axis=0), chances.take(rows, axis=0),
            more.take(rows, axis=0) if more.ndim > 1 else more,
        )  # fmt: skip
        lived.reshape(-1, 1 + visits)[rows] = own.lived
        visit.reshape(-1)[rows], cause.reshape(-1)[rows] = own.visit, own.cause
    seen_after = np.array([*(event.observed for event in world.events), 1.0])
    lost = (np.arange(visits) >= visit[..., None]) & (stays >= seen_after[cause])[..., None]
    outcomes = np.where(lost | missed, np.nan, lived[..., 1:])
    return LongitudinalTrials(np.asarray(world.weeks), arm, lived[..., 0], outcomes, visit, cause)
