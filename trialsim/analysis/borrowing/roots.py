"""Roots of increasing functions that are known to lie in an interval, for many intervals at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trialsim.data import Floats

_HALVINGS = 200


def bisect_between(function: Callable[[Floats], Floats], lower: Floats, upper: Floats) -> Floats:
    """Return the roots of an increasing function by halving to the resolution of floating point.

    Parameters
    ----------
    function : callable
        Maps (K,) arguments to (K,) values, each increasing in its own argument.
    lower, upper : ndarray (K,)
        Ends between which each root lies; NaN gives NaN.

    Returns
    -------
    ndarray (K,)

    Examples
    --------
    >>> bisect_between(lambda x: x**2 - 2.0, np.array([0.0]), np.array([2.0])).round(12)
    array([1.41421356])
    """
    low, high = np.array(lower, dtype=float), np.array(upper, dtype=float)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not np.any((middle > low) & (middle < high)):
            break
        below = function(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)
