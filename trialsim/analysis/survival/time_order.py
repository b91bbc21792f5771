r"""The order of times, in which those that differ by rounding only are one: .1 + .2 and .3 are tied.

Two neighbours :math:`t < t'` among the distinct times of a trial are tied if :math:`t' - t \le ε \bar t`,
with ε the square root of the machine's precision and t̄ the mean of the distinct times. A chain of them is
tied to its first. This is the rule of R's survival (``timefix``) without its absolute part, so that the
unit of time changes nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Bools, Floats, Ints

NEAR = float(np.sqrt(np.finfo(np.float64).eps))


def time_order(time: Floats) -> Ints:
    """Return the order (R, N) that sorts each replicate by time; participants with equal times keep theirs.

    The bits of a non-negative double sort like the number, and sorting plain 64-bit keys is several
    times faster than sorting indices. So each key carries the participant in its lowest bits, and
    `_settle` then puts right the neighbours whose times differ only in those bits.
    """
    participants = time.shape[1]
    mask = np.uint64((1 << max(1, (participants - 1).bit_length())) - 1)
    keys = np.ascontiguousarray(time).view(np.uint64) & ~mask
    keys |= np.arange(participants, dtype=np.uint64)
    keys.sort(axis=1)
    keys &= mask
    order = keys.view(np.int64)
    _settle(time, order)
    return order


@njit(cache=True)
def _settle(time: Floats, order: Ints) -> None:
    """Finish a nearly sorted order by insertion."""
    for r in range(order.shape[0]):
        for i in range(1, order.shape[1]):
            moving = order[r, i]
            t = time[r, moving]
            j = i
            while j > 0 and (
                time[r, order[r, j - 1]] > t or (time[r, order[r, j - 1]] == t and order[r, j - 1] > moving)
            ):
                order[r, j] = order[r, j - 1]
                j -= 1
            order[r, j] = moving


def merge_near_ties(times: Floats) -> Floats:
    """Return the times of each trial (R, M) with near ties made equal.

    Parameters
    ----------
    times : ndarray (R, M)
        Times, at least 0; NaN is left alone. Everything that one trial measures in time stands in one row.

    Returns
    -------
    ndarray (R, M)
        The same array where there are no near ties.

    Examples
    --------
    >>> merge_near_ties(np.array([[0.1 + 0.2, 0.3, 1.0]])).tolist()
    [[0.3, 0.3, 1.0]]
    """
    return _merged(times, _near(times, np.argsort(times, axis=1)))


def tied_order(times: Floats) -> tuple[Floats, Ints]:
    """Return the times of each trial (R, N) with near ties made equal, and the order that sorts them."""
    order = time_order(times)
    near = _near(times, order)
    if not near.any():
        return times, order
    merged = _merged(times, near)
    return merged, time_order(merged)


@njit(cache=True)
def _near(times: Floats, order: Ints) -> Bools:
    """Return whether neighbours of a trial (R,) may be tied nearly; the largest time bounds the mean."""
    found = np.zeros(len(times), np.bool_)
    for r in range(len(times)):
        last = times.shape[1] - 1
        while last > 0 and np.isnan(times[r, order[r, last]]):
            last -= 1
        widest = NEAR * times[r, order[r, last]]
        before = times[r, order[r, 0]]
        for k in range(1, last + 1):
            t = times[r, order[r, k]]
            if before < t <= before + widest:
                found[r] = True
                break
            before = t
    return found


def _merged(times: Floats, near: Bools) -> Floats:
    """Return the times (R, M), those of the marked trials with near ties made equal."""
    if not near.any():
        return times
    merged = times.copy()
    for r in np.flatnonzero(near):
        known = np.isfinite(times[r])
        merged[r, known] = _merge(times[r, known])
    return merged


def _merge(times: Floats) -> Floats:
    """Return one trial's times (M,), each near tie set to the first of its chain."""
    distinct = np.unique(times)
    opens = np.append(True, np.diff(distinct) > NEAR * distinct.mean())
    first = distinct[opens]
    return first[np.searchsorted(first, times, side="right") - 1]


def reaches(horizon: float) -> float:
    """Return the latest time that still counts as at the horizon."""
    return horizon * (1.0 + NEAR)
