"""Allocation that changes while a trial runs: who enters after an interim look goes to the open arms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels


def reallocate(
    arm: ArrayLike,
    entered: ArrayLike,
    is_open: ArrayLike,
    ratio: Sequence[float],
    generator: np.random.Generator,
) -> Labels:
    """Return the allocation with those who enter later spread over the open arms in permuted blocks.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Allocation up to now, and what was planned for later.
    entered : ndarray of int (R,)
        Participants who have entered: their arm stays.
    is_open : ndarray of bool (R, A)
        Arms that recruit.
    ratio : sequence of float (A,)
        Allocation ratio in whole numbers; a block holds each open arm that many times.
    generator : numpy.random.Generator
        Stream ``randomisation``.

    Returns
    -------
    ndarray of int8 (R, N)
        The allocation, unchanged for those who have entered.

    Raises
    ------
    DesignError
        A ratio that is not in whole numbers, or a trial without an open arm.

    Examples
    --------
    >>> arm = np.zeros((1, 8), dtype=np.int8)
    >>> open_arms = np.array([[True, False, True]])
    >>> after = reallocate(arm, np.array([2]), open_arms, (1, 1, 1), np.random.default_rng(1))
    >>> after[0, :2].tolist(), np.bincount(after[0, 2:]).tolist()
    ([0, 0], [3, 0, 3])
    """
    arm = np.asarray(arm)
    entered = np.asarray(entered)
    is_open = np.asarray(is_open)
    whole = np.asarray(ratio)
    if (whole != np.round(whole)).any() or (whole < 1).any():
        raise DesignError("must be whole numbers to change allocation", field="ratio", value=list(ratio))
    if not is_open.any(axis=1).all():
        raise DesignError("must hold an open arm in every trial", field="is_open")
    places = np.repeat(np.arange(is_open.shape[1]), whole.astype(int))
    # The places of open arms come first, in order; a block is one round over them.
    order = np.argsort(~is_open[:, places], axis=1, kind="stable")
    size = is_open[:, places].sum(axis=1)[:, None]
    later = np.arange(arm.shape[1]) - entered[:, None]
    block = np.maximum(later, 0) // size
    keys = np.where(later >= 0, block + generator.random(arm.shape), -1.0)
    rank = np.argsort(np.argsort(keys, axis=1, kind="stable"), axis=1) - entered[:, None]
    place = np.where(later >= 0, rank - block * size, 0)
    drawn = places[np.take_along_axis(order, place, axis=1)]
    return np.where(later >= 0, drawn, arm).astype(np.int8)
