"""Small checks of what a user gives to a borrowing method; each returns the cleaned value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import AnalysisError


def finite(value: float, field: str) -> float:
    """Return a finite number."""
    if not np.isfinite(value):
        raise AnalysisError("must be finite", field=field, value=value)
    return float(value)


def positive(value: float, field: str) -> float:
    """Return a finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise AnalysisError("must be finite and above 0", field=field, value=value)
    return float(value)


def fraction(value: float, field: str) -> float:
    """Return a number in [0, 1]."""
    if not 0 <= value <= 1:
        raise AnalysisError("must be in [0, 1]", field=field, value=value)
    return float(value)


def inside_unit(value: float, field: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    if not 0 < value < 1:
        raise AnalysisError("must be between 0 and 1, both excluded", field=field, value=value)
    return float(value)


def finite_array(values: ArrayLike, field: str, lower: float = -np.inf) -> Floats:
    """Return at least one finite number, each above `lower`, as (K,)."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or array.size == 0:
        raise AnalysisError("needs at least one number, in one dimension", field=field, value=array.shape)
    bad = np.flatnonzero(~(np.isfinite(array) & (array > lower)))
    if len(bad):
        wanted = "finite" if lower == -np.inf else f"finite and above {lower:g}"
        raise AnalysisError(f"must be {wanted}", field=f"{field}[{bad[0]}]", value=float(array[bad[0]]))
    return array


def mixture_weights(values: ArrayLike) -> Floats:
    """Return weights in [0, 1], summing to 1 within 1e-6, divided by their sum."""
    array = finite_array(values, "weights")
    if ((array < 0) | (array > 1)).any():
        raise AnalysisError("must be in [0, 1]", field="weights", value=array.tolist())
    if abs(array.sum() - 1) > 1e-6:
        raise AnalysisError("must sum to 1", field="weights", value=float(array.sum()))
    return np.asarray(array / array.sum())


def counts(events: ArrayLike, sizes: ArrayLike) -> tuple[Floats, Floats]:
    """Return responders r and participants n of K groups, with 0 ≤ r ≤ n and n ≥ 1."""
    n, r = finite_array(sizes, "n", 0.0), finite_array(events, "r")
    if r.shape != n.shape:
        raise AnalysisError("must be as many as n", field="r", value=r.shape)
    if (r < 0).any() or (r > n).any():
        group = int(np.flatnonzero((r < 0) | (r > n))[0])
        raise AnalysisError("must be between 0 and n", field=f"r[{group}]", value=float(r[group]))
    return r, n
