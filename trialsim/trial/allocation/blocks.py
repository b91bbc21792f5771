"""Who gets what: simple randomisation, fixed arm sizes, and permuted blocks within strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels, checked_labels, checked_ratio, whole_ratio


def simple_randomisation(
    replicates: int, participants: int, ratio: Sequence[float], generator: np.random.Generator
) -> Labels:
    """Randomise every participant independently.

    Parameters
    ----------
    replicates, participants : int
        R and N.
    ratio : sequence of float
        Allocation ratio of A arms, the control first; any positive numbers.
    generator : numpy.random.Generator
        Stream ``randomisation``.

    Returns
    -------
    ndarray of int8 (R, N)
        Position of the arm in `ratio`.

    Raises
    ------
    DesignError
        A part of the ratio is not above 0.

    Examples
    --------
    >>> simple_randomisation(1, 8, [1, 1, 2], np.random.default_rng(1))
    array([[2, 2, 0, 2, 1, 1, 2, 1]], dtype=int8)
    """
    edges = _edges(checked_ratio(ratio))
    uniform = generator.random((replicates, participants))
    return np.searchsorted(edges, uniform, side="right").astype(np.int8)


def permuted_blocks(
    replicates: int,
    participants: int,
    ratio: Sequence[float],
    block_sizes: Sequence[int],
    generator: np.random.Generator,
    strata: NDArray[np.integer] | None = None,
) -> Labels:
    """Randomise in permuted blocks, separately within strata.

    Parameters
    ----------
    replicates, participants : int
        R and N.
    ratio : sequence of float
        Allocation ratio of A arms in whole numbers, the control first.
    block_sizes : sequence of int
        Sizes among which every new block draws, each with the same probability; multiples of the
        ratio's sum. One size gives blocks of fixed size.
    generator : numpy.random.Generator
        Stream ``randomisation``.
    strata : ndarray of int (R, N) or (N,), optional
        Stratum of each participant in order of enrolment, from 0.

    Returns
    -------
    ndarray of int8 (R, N)
        Position of the arm in `ratio`.

    Raises
    ------
    DesignError
        The ratio is not of whole numbers, a block size is no multiple of its sum, or strata have
        another shape.

    Examples
    --------
    >>> permuted_blocks(2, 8, [1, 1], [4], np.random.default_rng(1)).reshape(2, 2, 4).sum(axis=2)
    array([[2, 2],
           [2, 2]])
    """
    parts = whole_ratio(ratio)
    multiples = _multiples(block_sizes, int(parts.sum()))
    labels = _strata(strata, replicates, participants)
    size = generator.random((replicates, participants))
    # Sizes that there is no choice of are drawn all the same, and then make room.
    choice = generator.random(out=size) if len(multiples) == 1 else generator.random(size.shape)
    arm = np.empty((replicates, participants), dtype=np.int8)
    _fill_blocks(parts, multiples, labels, int(labels.max(initial=0)) + 1, size, choice, arm)
    return arm


def _edges(parts: Floats) -> Floats:
    """Return the upper ends of the arms' shares but the last, which has no end."""
    return np.asarray(np.cumsum(parts)[:-1] / parts.sum())


def check_blocks(ratio: Sequence[float], block_sizes: Sequence[int]) -> None:
    """Refuse block sizes that do not go with an allocation ratio, where a design is stated.

    Parameters
    ----------
    ratio : sequence of float (A,)
        Allocation ratio of the arms.
    block_sizes : sequence of int
        Sizes of the blocks.

    Raises
    ------
    DesignError
        A size that is no multiple of the ratio's sum in whole numbers.

    Examples
    --------
    >>> check_blocks((1, 2), (3, 6))
    """
    _multiples(block_sizes, int(whole_ratio(ratio).sum()))


def _multiples(block_sizes: Sequence[int], total: int) -> Ints:
    sizes = np.asarray(block_sizes)
    if sizes.ndim != 1 or not len(sizes) or sizes.dtype.kind not in "iu":
        raise DesignError("must be a list of whole numbers", field="block_sizes", value=block_sizes)
    if (sizes <= 0).any() or (sizes % total).any():
        raise DesignError(
            f"must be multiples of {total}, the sum of the allocation ratio",
            field="block_sizes",
            value=list(block_sizes),
            mend=f"use sizes such as {total} and {2 * total}",
        )
    return np.asarray(sizes // total, dtype=np.int64)


def _strata(strata: NDArray[np.integer] | None, replicates: int, participants: int) -> Ints:
    """Return strata (R, N); all 0 without any."""
    if strata is None:
        return np.zeros((1, participants), dtype=np.int64)
    labels = np.atleast_2d(checked_labels(strata, "strata"))
    if labels.ndim != 2 or labels.shape[1] != participants or labels.shape[0] not in (1, replicates):
        raise DesignError(
            f"must have the shape {(replicates, participants)} or {(participants,)}",
            field="strata",
            value=np.shape(strata),
        )
    return labels


@njit(cache=True)
def _fill_blocks(
    parts: Ints, multiples: Ints, strata: Ints, levels: int, size: Floats, choice: Floats, arm: Labels
) -> None:
    """Fill the arms: each participant draws one of the places left in the stratum's open block."""
    replicates, participants = arm.shape
    arms = len(parts)
    left = np.empty((levels, arms), np.int64)
    places = np.empty(levels, np.int64)
    for r in range(replicates):
        places[:] = 0
        row = 0 if strata.shape[0] == 1 else r
        for i in range(participants):
            s = strata[row, i]
            if places[s] == 0:
                multiple = multiples[int(size[r, i] * len(multiples))]
                for a in range(arms):
                    left[s, a] = multiple * parts[a]
                    places[s] += left[s, a]
            place = int(choice[r, i] * places[s])
            a, below = 0, 0
            for b in range(arms - 1):
                below += left[s, b]
                a += int(place >= below)
            left[s, a] -= 1
            places[s] -= 1
            arm[r, i] = a
