"""Allocation ratios of any number of arms, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Floats
from trialsim.errors import DesignError

Labels = NDArray[np.int8]

_MOST_ARMS = 100


def checked_ratio(ratio: Sequence[float], field: str = "ratio") -> Floats:
    """Return the parts of an allocation ratio (A,), or refuse them.

    Parameters
    ----------
    ratio : sequence of float
        One part for each of at least two arms, finite and above 0; the control comes first.
    field : str
        Name in the error.

    Examples
    --------
    >>> checked_ratio([1, 2])
    array([1., 2.])
    """
    parts = np.asarray(ratio, dtype=np.float64)
    if parts.ndim != 1 or not 2 <= len(parts) <= _MOST_ARMS:
        raise DesignError(f"must hold 2 to {_MOST_ARMS} arms", field=field, value=list(np.atleast_1d(parts)))
    if not (np.isfinite(parts).all() and (parts > 0).all()):
        raise DesignError(
            "must be above 0 for every arm", field=field, value=parts.tolist(), mend="leave out an empty arm"
        )
    return parts


def whole_ratio(ratio: Sequence[float], field: str = "ratio") -> NDArray[np.int64]:
    """Return a ratio of whole numbers in lowest terms (A,), or refuse it.

    Examples
    --------
    >>> whole_ratio([2, 4])
    array([1, 2])
    """
    parts = checked_ratio(ratio, field)
    if (parts != np.floor(parts)).any():
        raise DesignError(
            "must hold whole numbers for blocks",
            field=field,
            value=parts.tolist(),
            mend="write 2:3 instead of 1:1.5",
        )
    whole = parts.astype(np.int64)
    return np.asarray(whole // gcd(*whole.tolist()))


def checked_labels(labels: NDArray[np.generic], field: str) -> NDArray[np.int64]:
    """Return whole numbers from 0, or refuse them by position."""
    given = np.asarray(labels)
    if given.dtype.kind not in "biu":
        raise DesignError("must hold whole numbers from 0", field=field, value=str(given.dtype))
    if (given < 0).any():
        place = tuple(int(i) for i in np.argwhere(given < 0)[0])
        raise DesignError(f"must be at least 0, but is not at position {place}", field=field)
    return np.ascontiguousarray(given, dtype=np.int64)
