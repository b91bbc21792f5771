"""Levels of a factor that nobody in a trial has: their indicators are left out, as R leaves them out.

An indicator of such a level is 0 for everybody; if the level without a column is the empty one, the
indicators of the others add up to 1. Neither says anything of the outcome, and either makes the design
singular. Numbers are never left out: a constant or doubled number is a mistake, and is called collinear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import TypeVar

import numba
import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Bools, Decision, Estimates, Floats, Ints, for_kernel

E = TypeVar("E", bound=Estimates)

PIVOT = 1e-10
COLLINEAR = "collinear_covariate"


def levels_seen(covariates: Floats, used: Bools) -> Bools:
    """Return which columns are kept: all but indicators that add nothing among those who are used.

    Parameters
    ----------
    covariates : ndarray (R, N, P) or (1, N, P)
        Finite for those who are used.
    used : ndarray of bool (R, N)
        Who enters the analysis.

    Returns
    -------
    ndarray of bool (R, P)
        False for a column of zeros and ones that is a linear function of a constant and of the earlier
        columns of zeros and ones.

    Examples
    --------
    >>> region = np.array([0, 1, 1, 0])                       # nobody has level 2
    >>> indicators = np.column_stack([region == 1, region == 2]) * 1.0
    >>> levels_seen(indicators[None], np.ones((1, 4), bool))
    array([[ True, False]])
    """
    keep = np.ones((len(used), covariates.shape[2]), np.bool_)
    _mark(for_kernel(covariates, np.float64), for_kernel(used), keep)
    return keep


def patterns_of(rows: Ints, keep: Bools) -> Iterator[tuple[Bools, Ints]]:
    """Yield each way of leaving columns out, and the replicates `rows` that have it, if any column is.

    Parameters
    ----------
    rows : ndarray of int (K,)
        Replicates.
    keep : ndarray of bool (K, ...)
        What each keeps.
    """
    if not len(rows):
        return
    kinds, which = np.unique(keep.reshape(len(keep), -1), axis=0, return_inverse=True)
    for k, kind in enumerate(kinds):
        if not kind.all():
            yield kind.reshape(keep.shape[1:]), rows[which.ravel() == k]


def without_empty_levels(
    found: E, covariates: ArrayLike | None, seen: Bools, again: Callable[[Ints, Floats], E]
) -> E:
    """Analyse collinear replicates again without the columns of levels that nobody in them has.

    Parameters
    ----------
    found : Estimates
        Of all replicates.
    covariates : ndarray (R, N, P), optional
        Columns of the model.
    seen : ndarray of bool (R, N)
        Who is analysed.
    again : callable
        From replicates (K,) and their fewer columns (K, N, Q) to their estimates.
    """
    stuck = np.flatnonzero(found.status == found.reasons.index(COLLINEAR))
    if covariates is None or not len(stuck):
        return found
    x = np.asarray(covariates, dtype=np.float64)
    for kept, rows in patterns_of(stuck, levels_seen(x[stuck], seen[stuck])):
        found = _put(found, rows, again(rows, for_kernel(x[rows][:, :, kept])))
    return found


def _put(found: E, rows: Ints, part: E) -> E:
    """Return estimates with those of some replicates in their place."""

    def put(whole: object, new: object) -> object:
        if isinstance(whole, np.ndarray) and isinstance(new, np.ndarray):
            whole = whole.copy()
            whole[rows] = new
        return whole

    changed = {one.name: put(getattr(found, one.name), getattr(part, one.name)) for one in fields(found)}
    if found.decision is not None and part.decision is not None:
        changed["decision"] = Decision(
            np.asarray(put(found.decision.z, part.decision.z)),
            np.asarray(put(found.decision.test, part.decision.test)),
            found.decision.tests,
        )
    return replace(found, **changed)  # type: ignore[arg-type]  # arrays of the same kinds


@numba.njit(cache=True, nogil=True)
def _mark(covariates: Floats, used: Bools, keep: Bools) -> None:
    people, columns = covariates.shape[1:]
    for r in range(len(used)):
        x = covariates[r % len(covariates)]
        basis = np.empty((people, columns + 1))
        size = 1
        heads = max(used[r].sum(), 1)
        for i in range(people):
            basis[i, 0] = 1.0 / np.sqrt(heads) if used[r, i] else 0.0
        for p in range(columns):
            indicator, ones = True, 0.0
            for i in range(people):
                if used[r, i]:
                    indicator = indicator and (x[i, p] == 0.0 or x[i, p] == 1.0)
                    ones += x[i, p]
            if not indicator:
                continue
            own = basis[:, size]
            for i in range(people):
                own[i] = x[i, p] if used[r, i] else 0.0
            for b in range(size):
                along = 0.0
                for i in range(people):
                    along += basis[i, b] * own[i]
                for i in range(people):
                    own[i] -= along * basis[i, b]
            square = 0.0
            for i in range(people):
                square += own[i] ** 2
            if not square > PIVOT * max(ones, 1.0):
                keep[r, p] = False
                continue
            for i in range(people):
                own[i] /= np.sqrt(square)
            size += 1
