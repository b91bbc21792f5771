"""When a trial with a time to event is looked at: by events, by the calendar, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.outcomes.survival import SurvivalTrials, SurvivalWorld

_DEVIATIONS = 4.0


@dataclass(frozen=True)
class Looks(InNotebook):
    """Calendar months of the looks.

    Parameters
    ----------
    month : ndarray (R, K)
        Not falling.
    reached : ndarray of bool (R, K)
        Whether the look had the events that it waited for.
    """

    month: Floats
    reached: Bools


def event_looks(trials: SurvivalTrials, events: Sequence[int], latest: float = np.inf) -> Looks:
    """Return when the looks fall that wait for numbers of events.

    Parameters
    ----------
    trials : SurvivalTrials
        The trials.
    events : sequence of int (K,)
        Events of both arms that each look waits for, ascending.
    latest : float
        Calendar month at which the trial ends whatever its events.

    Returns
    -------
    Looks
        Where a trial has fewer events the look falls at `latest`, or, without one, after its last
        event, and is marked as not reached.

    Raises
    ------
    DesignError
        Events out of order, not above 0, or more than participants.

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual, SurvivalWorld, simulate_survival
    >>> law = PiecewiseHazard((0.1,))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), (law, law), (None, None))
    >>> trials = simulate_survival(world, 2, lambda component: stream(1, "example", 0, component))
    >>> looks = event_looks(trials, [40, 80])
    >>> looks.month.shape, bool((np.diff(looks.month) > 0).all())
    ((2, 2), True)
    """
    wanted = check_event_order(events, trials.time.shape[1])
    if not latest > 0:
        raise DesignError("must be above 0", field="latest", value=latest)
    calendar = trials.entry + trials.time
    calendar[trials.event != 1] = np.inf
    calendar.sort(axis=1)
    month = calendar[:, wanted - 1]
    reached = np.isfinite(month) & (month <= latest)
    if not reached.all():
        last = np.max(calendar, axis=1, initial=0.0, where=np.isfinite(calendar))
        end = np.minimum(latest, np.maximum(last, trials.entry[:, -1]))[:, None]
        month = np.where(reached, month, end)
    return Looks(month, reached)


def calendar_looks(trials: SurvivalTrials, months: Sequence[float]) -> Looks:
    """Return looks at given calendar months (K,), the same in every trial.

    Parameters
    ----------
    trials : SurvivalTrials
        R trials.
    months : sequence of float (K,)
        Ascending, above 0.

    Returns
    -------
    Looks
        All reached.

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual, SurvivalWorld, simulate_survival
    >>> law = PiecewiseHazard((0.1,))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), (law, law), (None, None))
    >>> trials = simulate_survival(world, 2, lambda component: stream(1, "example", 0, component))
    >>> calendar_looks(trials, [12, 24]).month
    array([[12., 24.],
           [12., 24.]])
    """
    when = check_calendar(months)
    shape = (len(trials.time), len(when))
    return Looks(np.broadcast_to(when, shape).copy(), np.ones(shape, dtype=bool))


def check_calendar(months: Sequence[float]) -> Floats:
    """Return the calendar months of looks (K,), or refuse them.

    Parameters
    ----------
    months : sequence of float (K,)
        Ascending, above 0.

    Returns
    -------
    ndarray (K,)
        The months.

    Raises
    ------
    DesignError
        Months that are not above 0 or do not ascend.

    Examples
    --------
    >>> check_calendar([12, 24])
    array([12., 24.])
    """
    when = np.asarray(months, dtype=np.float64)
    if when.ndim != 1 or not len(when) or not np.isfinite(when).all() or when[0] <= 0:
        raise DesignError("must be above 0", field="months", value=list(months))
    if (np.diff(when) <= 0).any():
        raise DesignError(
            "must ascend", field="months", value=list(months), mend="put every interim before the final look"
        )
    return when


def check_event_order(events: Sequence[int], participants: int) -> np.ndarray:
    """Return the events that looks wait for (K,), or refuse them.

    Parameters
    ----------
    events : sequence of int (K,)
        Ascending, above 0.
    participants : int
        N, at least as many as the last events.

    Returns
    -------
    ndarray of int (K,)
        The events.

    Raises
    ------
    DesignError
        Events that are not whole numbers above 0, do not ascend, or are more than participants.

    Examples
    --------
    >>> check_event_order([165, 248, 330], 480)
    array([165, 248, 330])
    """
    wanted = np.asarray(events)
    if wanted.ndim != 1 or not len(wanted) or wanted.dtype.kind not in "iu" or wanted[0] < 1:
        raise DesignError("must be whole numbers above 0", field="events", value=list(events))
    if (np.diff(wanted) <= 0).any():
        raise DesignError(
            "must ascend",
            field="events",
            value=wanted.tolist(),
            mend="put every interim before the final look",
        )
    if wanted[-1] > participants:
        raise DesignError(
            f"cannot be reached: {participants} participants have at most {participants} events",
            field="events",
            value=int(wanted[-1]),
            mend="enrol more, or ask for fewer events",
        )
    return wanted


def check_reachable(world: SurvivalWorld, events: Sequence[int], latest: float = np.inf) -> None:
    """Refuse looks that wait for more events than can be expected.

    Parameters
    ----------
    world : SurvivalWorld
        The trial.
    events : sequence of int (K,)
        Events that the looks wait for.
    latest : float
        Calendar month at which the trial ends. By then more may come than expected: what lies within
        four standard deviations passes, and is counted if it is not reached.

    Raises
    ------
    DesignError
        Naming how many events can be expected, by `latest` or however long everybody is followed.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> law = PiecewiseHazard((0.05,))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), (law, law), (law, law))
    >>> check_reachable(world, [60])
    Traceback (most recent call last):
    trialsim.errors.DesignError: events: cannot be reached: 50.0 events can be expected of 100 ...
    >>> check_reachable(world, [45], latest=12.0)
    Traceback (most recent call last):
    trialsim.errors.DesignError: events: cannot be reached: 24.0 events can be expected of 100 ...
    """
    wanted = check_event_order(events, world.participants)
    can = world.reachable_events
    if wanted[-1] > can:
        raise _unreachable(world, int(wanted[-1]), can, "however long they are followed")
    if np.isfinite(latest):
        by_then = world.events_by(latest)
        if wanted[-1] > by_then + _DEVIATIONS * np.sqrt(max(by_then, 1.0)):
            raise _unreachable(world, int(wanted[-1]), by_then, f"by month {latest:g}")


def _unreachable(world: SurvivalWorld, wanted: int, can: float, when: str) -> DesignError:
    return DesignError(
        f"cannot be reached: {can:.1f} events can be expected of {world.participants} participants {when}",
        field="events",
        value=wanted,
        mend="enrol more, follow longer, lower dropout, or ask for fewer events",
    )
