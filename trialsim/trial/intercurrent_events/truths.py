"""True values of estimands, by the strategy for each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.intercurrent_events.worlds import (
    STRATEGIES,
    LongitudinalWorld,
    PotentialOutcomes,
    Strategy,
    potential_outcomes,
)


@dataclass(frozen=True)
class TrueValue(InNotebook):
    """The true value of an estimand, active minus control at the last visit, and its Monte Carlo error."""

    strategy: str
    value: float
    mcse: float
    share: float


def true_values(
    world: LongitudinalWorld,
    participants: int,
    outcome: np.random.Generator,
    dropout: np.random.Generator,
    strategies: Sequence[Strategy | tuple[Strategy, ...]] = STRATEGIES,
) -> list[TrueValue]:
    """Return the true value under every strategy, from both potential outcomes of the same participants.

    Parameters
    ----------
    world : LongitudinalWorld
        The declaration.
    participants : int
        Size of the sample, at least 2.
    outcome, dropout : numpy.random.Generator
        Streams ``outcome`` and ``dropout``.
    strategies : sequence
        Each one strategy for all events, or a tuple with one for each event.

    Returns
    -------
    list of TrueValue
        `share` is the share of participants that the estimand speaks of: below 1 for a principal stratum.

    Raises
    ------
    DesignError
        Fewer than 2 participants, or a principal stratum without anybody.

    Notes
    -----
    Treatment policy takes the path as lived; hypothetical the path without any event; composite the
    failure value; while on treatment the last value before the event; the principal stratum those who
    would have none of its events in either arm, whose events are coupled by the same chance.

    Examples
    --------
    >>> from trialsim.trial.intercurrent_events.discontinuation import DiscontinuationCause
    >>> from trialsim.trial.outcomes.visits import VisitEffect
    >>> from trialsim.trial.intercurrent_events.worlds import IntercurrentEvent
    >>> sick = DiscontinuationCause("lack of efficacy", (0.3, 0.1))
    >>> effect = VisitEffect(np.array([0.0, -1.5, -3.0]))
    >>> world = LongitudinalWorld((12.0, 24.0), np.zeros(3), np.eye(3), effect,
    ...                           (IntercurrentEvent(sick, "lost", observed=0.5),), calibration=500)
    >>> found = true_values(world, 500, np.random.default_rng(1), np.random.default_rng(2), ["hypothetical"])
    >>> round(found[0].value, 6)
    -3.0
    """
    if participants < 2:
        raise DesignError("must be at least 2", field="participants", value=participants)
    control, added = world.paths((participants,), outcome)
    uniform = dropout.random((participants, len(world.weeks)))
    in_arm = [potential_outcomes(world, arm, control, uniform, added) for arm in (0, 1)]
    found = []
    for strategy in strategies:
        by_event = _by_event(strategy, len(world.events))
        inside = _stratum(in_arm, by_event)
        if inside.sum() < 2:
            raise DesignError("leaves nobody in the principal stratum", field="strategies", value=strategy)
        change = [_variable(potential, by_event, world.failure)[inside] for potential in in_arm]
        difference = change[1] - change[0]
        name = strategy if isinstance(strategy, str) else " + ".join(strategy)
        error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
        found.append(TrueValue(name, float(difference.mean()), error, float(inside.mean())))
    return found


def _by_event(strategy: Strategy | tuple[Strategy, ...], events: int) -> tuple[Strategy, ...]:
    by_event = (strategy,) * events if isinstance(strategy, str) else strategy
    if len(by_event) != events or any(one not in STRATEGIES for one in by_event):
        raise DesignError(
            f"must be one of {', '.join(STRATEGIES)}, or one for each of {events} events",
            field="strategies",
            value=strategy,
        )
    return by_event


def _stratum(in_arm: list[PotentialOutcomes], by_event: tuple[Strategy, ...]) -> Bools:
    excluded = np.array([*(one == "principal_stratum" for one in by_event), False])
    return np.asarray(~(excluded[in_arm[0].cause] | excluded[in_arm[1].cause]))


def _variable(potential: PotentialOutcomes, by_event: tuple[Strategy, ...], failure: float) -> Floats:
    """Return the variable at the last visit as a strategy for each event defines it (M,)."""
    value = potential.without[..., -1].copy()
    for position, strategy in enumerate(by_event):
        here = potential.cause == position
        if strategy == "treatment_policy":
            value[here] = potential.lived[here, -1]
        elif strategy == "composite":
            value[here] = failure
        elif strategy == "while_on_treatment":
            value[here] = potential.last_on_treatment()[here]
    return value
