r"""Times that differ by rounding only are one time: .1 + .2 and .3 are tied.

Two neighbours :math:`t < t'` among the distinct times of a trial are tied if :math:`t' - t \le ε \bar t`,
with ε the square root of the machine's precision and t̄ the mean of the distinct times. A chain of them is
tied to its first. This is the rule of R's survival (``timefix``) without its absolute part, so that the
unit of time changes nothing.
"""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats

NEAR = float(np.sqrt(np.finfo(np.float64).eps))


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
    ascending = np.sort(times, axis=1)
    gap = np.diff(ascending, axis=1)
    widest = NEAR * np.fmax.reduce(
        ascending, axis=1, keepdims=True, initial=0.0
    )  # never below the rule's width
    near = ((gap > 0) & (gap <= widest)).any(axis=1)
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
