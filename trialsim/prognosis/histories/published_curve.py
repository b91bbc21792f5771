r"""Individual times from a published Kaplan–Meier curve and its numbers at risk.

A digitised curve gives points :math:`(t_k, S_k)`, the table below it the number at risk :math:`n_i` at times
:math:`r_i`. Between two of these times the events at a point are those that bring the estimate down to it,

.. math:: d_k = \mathrm{round}\{n_k (1 - S_k / \hat S_{k-1})\}

and as many participants are censored, evenly over the interval, as leave :math:`n_{i+1}` at risk. Beyond the
last number they are censored at the rate so far, or so that the events add up to their published number.
Guyot, Ades, Ouwens and Welton (2012), BMC Med. Res. Methodol. 12:9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.data import Floats, Ints
from trialsim.errors import HistoryError

# A curve that is read off a figure may rise by so much where the pointer trembled.
_TREMBLE = 0.005
_MOST_ROUNDS = 500
# More than any figure shows: beyond, a file is something else.
_MOST_POINTS = 10_000
_MOST_PEOPLE = 1_000_000
# Numbers of censored participants that are tried at the end of a curve, near the expected and over the range.
_MOST_TRIED = 500


@dataclass(frozen=True)
class PublishedCurve:
    """The curve of one arm as it was published.

    Parameters
    ----------
    time, survival : array (K,)
        Points of the curve: times from 0, and shares without the event in [0, 1], falling.
    risk_time : array (M,)
        Times at which a number at risk is printed, ascending from 0.
    at_risk : array (M,)
        The numbers, whole, falling, above 0 at the first.
    events : int, optional
        Events in all, where the publication says it.

    Raises
    ------
    HistoryError
        A curve that rises by more than the reading of a figure explains, shares outside [0, 1], numbers at
        risk that grow, or times that do not ascend from 0.
    """

    time: Floats
    survival: Floats
    risk_time: Floats
    at_risk: Ints
    events: int | None = None

    @classmethod
    def of(
        cls,
        time: ArrayLike,
        survival: ArrayLike,
        risk_time: ArrayLike,
        at_risk: ArrayLike,
        events: int | None = None,
    ) -> PublishedCurve:
        """Read what was digitised, and refuse what no curve can be.

        Examples
        --------
        >>> curve = PublishedCurve.of([0, 2, 5, 9], [1, 0.8, 0.5, 0.2], [0, 6], [10, 4])
        >>> curve.at_risk.tolist()
        [10, 4]
        """
        t, s = _column(time, "time"), _column(survival, "survival")
        if len(t) != len(s) or not len(t):
            raise HistoryError("must have a share for each time", field="survival", value=len(s))
        if len(t) > _MOST_POINTS:
            raise HistoryError(
                f"has more than {_MOST_POINTS:,} points", field="time", value=len(t),
                mend="about 100 points an arm are enough",
            )  # fmt: skip
        if s.max() > 1.0 + 1e-9 or s.min() < 0:
            worst = float(s.max() if s.max() > 1 else s.min())
            mend = "divide percentages by 100" if 1 < worst <= 100 else "check the digitised points"
            raise HistoryError("is not a share", field="survival", value=worst, mend=mend)
        order = np.lexsort((-s, t))
        t, s = t[order], np.minimum(s[order], 1.0)
        lowest = np.minimum.accumulate(s)
        if (s - lowest).max() > _TREMBLE:
            k = int(np.argmax(s - lowest))
            raise HistoryError(
                f"rises by {s[k] - lowest[k]:.3g} at time {t[k]:g}", field="survival",
                mend="a curve of survival falls: check the point, or whether two arms are mixed",
            )  # fmt: skip
        if t[0] < 0:
            raise HistoryError("begins before 0", field="time", value=float(t[0]))
        if t[0] > 0 or lowest[0] < 1.0:
            t, lowest = np.concatenate([[0.0], t]), np.concatenate([[1.0], lowest])
        return cls(t, lowest, *_risks(risk_time, at_risk), _events(events, at_risk))


@dataclass(frozen=True)
class Reconstruction:
    """Individual times, and how far their curve is from the published one.

    Parameters
    ----------
    frame : DataFrame
        A row a participant: ``time``, and ``event`` (1, or 0 where censored).
    farthest : float
        Largest distance of their Kaplan–Meier curve from a published point.
    risk_missed : int
        Largest difference of their numbers at risk from the published ones.
    """

    frame: pd.DataFrame
    farthest: float
    risk_missed: int


def times_from_curve(curve: PublishedCurve) -> Reconstruction:
    """Return individual times whose Kaplan–Meier curve and numbers at risk are the published ones.

    Parameters
    ----------
    curve : PublishedCurve
        Of one arm.

    Returns
    -------
    Reconstruction
        Participants, as many as are at risk at 0, in the order of time.

    Examples
    --------
    >>> found = times_from_curve(PublishedCurve.of([0, 2, 5, 9], [1, 0.8, 0.5, 0.2], [0, 6], [10, 5]))
    >>> int(found.frame["event"].sum()), len(found.frame), found.farthest
    (8, 10, 0.0)
    """
    t, K = curve.time, len(curve.time)
    events, censored = np.zeros(K, np.int64), np.zeros(K, np.int64)
    n, reached = int(curve.at_risk[0]), 1.0
    starts = np.searchsorted(t, curve.risk_time, side="left")
    for i, start in enumerate(starts):
        last = i == len(starts) - 1
        stop = K if last else int(starts[i + 1])
        if start >= stop:
            # No point between two printed numbers: whoever left between them was censored.
            if not last and start > 0:
                censored[start - 1] += max(n - int(curve.at_risk[i + 1]), 0)
                n -= max(n - int(curve.at_risk[i + 1]), 0)
            continue
        end = float(t[-1] if last else curve.risk_time[i + 1])
        if last:
            wanted = _of_the_last(
                curve, (start, stop), events[:start].sum(), censored[:start].sum(), n, reached
            )
        else:
            wanted = _leaving(curve, (start, stop), end, n, reached, int(curve.at_risk[i + 1]))
        here, lost, n, reached = _interval(curve, (int(start), stop), end, n, reached, wanted)
        events[start:stop], censored[start:stop] = here, lost
    return _reconstruction(curve, events, censored)


def _interval(
    curve: PublishedCurve, span: tuple[int, int], end: float, n: int, reached: float, leaving: int
) -> tuple[Ints, Ints, int, float]:
    """Return events and censorings at the points of an interval, and who is left at what share."""
    start, stop = span
    t = curve.time[start:stop]
    begin = float(t[0])
    at = begin + (end - begin) * np.arange(1, leaving + 1) / (leaving + 1)
    lost = np.bincount(np.searchsorted(t, at, side="right") - 1, minlength=len(t))
    here = np.zeros(len(t), np.int64)
    for k in range(len(t)):
        if n > 0 and reached > 0:
            here[k] = min(max(round(n * (1.0 - curve.survival[start + k] / reached)), 0), n)
            reached *= 1.0 - here[k] / n
        n -= int(here[k])
        lost[k] = min(int(lost[k]), n)
        n -= int(lost[k])
    return here, lost, n, reached


def _leaving(
    curve: PublishedCurve, span: tuple[int, int], end: float, n: int, reached: float, wanted: int
) -> int:
    """Return how many are censored in an interval, so that the printed number is left at its end."""
    stop = span[1]
    share = curve.survival[stop - 1] / reached if reached > 0 else 1.0
    leaving = max(round(n * share) - wanted, 0)
    best, closest = leaving, n + 1
    for _ in range(_MOST_ROUNDS):
        left = _interval(curve, span, end, n, reached, leaving)[2]
        if abs(left - wanted) < closest:
            best, closest = leaving, abs(left - wanted)
        following = max(leaving + left - wanted, 0)
        if left == wanted or following == leaving:
            break
        leaving = following
    return best


def _of_the_last(
    curve: PublishedCurve, span: tuple[int, int], had: int, lost: int, n: int, reached: float
) -> int:
    """Return how many are censored beyond the last printed number."""
    start = float(curve.risk_time[-1])
    end = float(curve.time[-1])
    if curve.events is None:
        expected = min(round(lost / start * (end - start)), n) if start > 0 else 0
        return _that_follows(curve, span, end, n, reached, expected)
    # More who leave early are fewer events: the number of events falls with them.
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        found = had + int(_interval(curve, span, end, n, reached, middle)[0].sum())
        low, high = (middle + 1, high) if found > curve.events else (low, middle)
    return low


def _that_follows(
    curve: PublishedCurve, span: tuple[int, int], end: float, n: int, reached: float, expected: int
) -> int:
    """Return how many are censored so that the curve is followed best, of equals the nearest to this.

    With all gone before the last steps, nobody would be left to have the events that the curve shows.
    """
    best, least = expected, np.inf
    near = np.arange(max(0, expected - _MOST_TRIED), min(n, expected + _MOST_TRIED) + 1)
    over = np.linspace(0, n, _MOST_TRIED).round().astype(np.int64)
    for leaving in sorted(np.union1d(near, over).tolist(), key=lambda one: abs(one - expected)):
        here, lost, _, _ = _interval(curve, span, end, n, reached, leaving)
        before = n - np.concatenate([[0], np.cumsum(here + lost)[:-1]])
        followed = reached * np.cumprod(1.0 - here / np.maximum(before, 1))
        distance = float(np.abs(followed - curve.survival[span[0] : span[1]]).max())
        if distance < least - 1e-9:
            best, least = leaving, distance
    return best


def _reconstruction(curve: PublishedCurve, events: Ints, censored: Ints) -> Reconstruction:
    t = curve.time
    following = np.append(t[1:], t[-1])
    left = int(curve.at_risk[0] - events.sum() - censored.sum())
    times = np.concatenate(
        [np.repeat(t, events), np.repeat((t + following) / 2, censored), np.repeat(t[-1], left)]
    )
    had = np.repeat([1, 0, 0], [events.sum(), censored.sum(), left])
    order = np.lexsort((1 - had, times))
    frame = pd.DataFrame({"time": times[order], "event": had[order]})
    estimate, n = np.empty(len(t)), float(curve.at_risk[0])
    reached = 1.0
    for k in range(len(t)):
        reached *= 1.0 - events[k] / n if n > 0 else 1.0
        n -= float(events[k] + censored[k])
        estimate[k] = reached
    seen = [(frame["time"] >= one).sum() for one in curve.risk_time]
    missed = int(np.abs(np.array(seen) - curve.at_risk).max())
    return Reconstruction(frame, float(np.abs(estimate - curve.survival).max()), missed)


def _column(values: ArrayLike, field: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise HistoryError("must be a list of numbers", field=field, mend="leave no value empty")
    return found


def _risks(risk_time: ArrayLike, at_risk: ArrayLike) -> tuple[Floats, Ints]:
    times, numbers = _column(risk_time, "risk_time"), _column(at_risk, "at_risk")
    if len(times) != len(numbers) or not len(times):
        raise HistoryError("must have a number for each time", field="at_risk", value=len(numbers))
    if times[0] != 0 or (np.diff(times) <= 0).any():
        raise HistoryError(
            "must ascend from 0", field="risk_time", value=times.tolist(),
            mend="the first number at risk is that of everybody, at time 0",
        )  # fmt: skip
    if (numbers != np.round(numbers)).any() or numbers[0] < 1 or numbers.min() < 0:
        raise HistoryError("must be whole numbers of people", field="at_risk", value=numbers.tolist())
    if numbers[0] > _MOST_PEOPLE:
        raise HistoryError(
            f"must be at most {_MOST_PEOPLE:,}", field="at_risk", value=float(numbers[0]),
            mend="give the numbers of one arm",
        )  # fmt: skip
    if (np.diff(numbers) > 0).any():
        k = int(np.argmax(np.diff(numbers) > 0)) + 1
        raise HistoryError(
            f"grows from {numbers[k - 1]:g} to {numbers[k]:g} at time {times[k]:g}", field="at_risk",
            mend="numbers at risk fall: check them against the figure",
        )  # fmt: skip
    return times, numbers.astype(np.int64)


def _events(events: int | None, at_risk: ArrayLike) -> int | None:
    everybody = float(np.asarray(at_risk, dtype=np.float64)[0])
    if events is not None and not 0 <= events <= everybody:
        raise HistoryError(f"must be between 0 and the {everybody:g} at risk", field="events", value=events)
    return events
