"""One of several active arms beside the control: its trial, its people and their outcomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialsim.data import Bools, Floats, Ints
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.conduct import SimpleRandomisation
from trialsim.study.declared.drawing.people import Outcomes, People, Recurrences
from trialsim.study.declared.sample import Sample
from trialsim.trial.allocation import Labels
from trialsim.trial.intercurrent_events import LongitudinalTrials

# Months in which nobody has an event: an analysis of rates needs a follow-up above 0.
_NO_TIME = 1e-9


def pair_of(trial: DeclaredTrial, arm: int) -> DeclaredTrial:
    """Return the trial of the control and one active arm, as large as the whole.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> pair_of(read_trial("protocols/dose_selection.toml"), 2).arm_names
    ('placebo', 'high')
    """
    keep = (trial.arms[0], trial.arms[arm])
    own = tuple(one for one in trial.effects if one.arm == keep[1].name)
    # People are allocated by the whole trial: a pair's blocks would not hold its ratio.
    simple = None if trial.randomisation is None else SimpleRandomisation(kind="simple")
    return trial.model_copy(update={"arms": keep, "effects": own, "randomisation": simple, "safety": None})


def in_pair(people: People, arm: int) -> People:
    """Return people as a comparison sees them: those of an arm are active, all others count as controls."""
    return replace(people, arm=(people.arm == arm).astype(np.int8))


def rows_of_arms(arm: Labels, active: int) -> tuple[Ints, Bools]:
    """Return where the control and an active arm are (R, n), in order, and whether each place is filled.

    Replicates with fewer of the two arms than others have places that belong to nobody.

    Examples
    --------
    >>> rows_of_arms(np.array([[0, 2, 1, 2], [1, 0, 1, 2]]), 2)[1]
    array([[ True,  True,  True],
           [ True,  True, False]])
    """
    inside = (arm == 0) | (arm == active)
    count = inside.sum(axis=1)
    most = int(count.max(initial=0))
    order = np.argsort(~inside, axis=1, kind="stable")[:, :most]
    return order, np.arange(most) < count[:, None]


def take(values: np.ndarray, order: Ints) -> np.ndarray:
    """Return values (R, N, ...) at places (R, n)."""
    return np.asarray(values[np.arange(len(order))[:, None], order])


def only_arms(sample: Sample, arm: Labels, active: int) -> tuple[Sample, Bools | None]:
    """Return a sample of the control and an active arm alone, and which of its places are filled.

    None where every place is. A place that belongs to nobody has no outcome and next to no follow-up.
    """
    order, seen = rows_of_arms(arm, active)
    people, outcomes = sample.people, sample.outcomes
    own = replace(
        people,
        entry=take(people.entry, order),
        stratum=take(people.stratum, order),
        levels=take(people.levels, order),
        arm=take(people.arm, order),
        rows=None if people.rows is None else take(people.rows, order),
    )
    had: LongitudinalTrials | Recurrences | Floats
    if isinstance(outcomes, LongitudinalTrials):
        had = replace(
            outcomes,
            arm=own.arm,
            baseline=take(outcomes.baseline, order),
            outcomes=np.where(seen[..., None], take(outcomes.outcomes, order), np.nan),
            visit=take(outcomes.visit, order),
            cause=take(outcomes.cause, order),
        )
    elif isinstance(outcomes, Recurrences):
        had = Recurrences(
            np.where(seen[..., None], take(outcomes.times, order), np.nan),
            np.where(seen, take(outcomes.follow_up, order), _NO_TIME),
        )
    else:
        had = np.where(seen, take(outcomes, order), np.nan)
    found = replace(sample, people=own, outcomes=had, known=take(sample.known, order))
    return found, None if seen.all() else seen


def in_arm(mine: Bools, own: Outcomes, others: Outcomes) -> Outcomes:
    """Return outcomes of one drawing for those of an arm (R, N), and of another for all others."""
    if isinstance(own, LongitudinalTrials):
        assert isinstance(others, LongitudinalTrials)
        return replace(
            others,
            baseline=np.where(mine, own.baseline, others.baseline),
            outcomes=np.where(mine[..., None], own.outcomes, others.outcomes),
            visit=np.where(mine, own.visit, others.visit),
            cause=np.where(mine, own.cause, others.cause),
        )
    if isinstance(own, Recurrences):
        assert isinstance(others, Recurrences)
        widest = max(own.times.shape[-1], others.times.shape[-1])
        both = [
            np.pad(one.times, ((0, 0), (0, 0), (0, widest - one.times.shape[-1])), constant_values=np.nan)
            for one in (own, others)
        ]
        follow_up = np.where(mine, own.follow_up, others.follow_up)
        return Recurrences(np.where(mine[..., None], *both), follow_up)
    return np.where(mine, own, np.asarray(others))
