r"""Minimisation: every participant goes, most probably, where the arms stay most alike.

With counts :math:`n_{fla}` of the participants so far who share level l of factor f in arm a, and
allocation parts :math:`r_a`, putting the next one into arm k gives

.. math:: D_k = \sum_f w_f \, G_a\{(n_{fla} + [a = k]) / r_a\}

with G the range or the variance over arms (Pocock and Simon 1975, Biometrics 31:103). The arm of least
D is preferred; ties are broken in proportion to the ratio. Preferred arm k gets probability
:math:`p_k = 1 - (1 - p) (R - r_k) / (R - \min r)`, R the sum of the parts, and the others share the rest
in proportion to theirs, which keeps an unequal ratio (Han, Enas and McEntegart 2009, Stat. Med. 28:3329).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels, checked_labels, checked_ratio

_TIE = 1e-9


def minimise(
    factors: ArrayLike,
    ratio: Sequence[float],
    generator: np.random.Generator,
    *,
    probability: float = 0.8,
    weights: Sequence[float] | None = None,
    measure: Literal["range", "variance"] = "range",
) -> Labels:
    """Allocate participants by minimisation.

    Parameters
    ----------
    factors : ndarray of int (R, N, F)
        Level of each participant in each factor, from 0, in order of enrolment.
    ratio : sequence of float
        Allocation ratio of A arms, the control first.
    generator : numpy.random.Generator
        Stream ``randomisation``.
    probability : float
        Probability of the preferred arm, p: from its share of the smallest arm up to 1, where only ties
        are left to chance.
    weights : sequence of float (F,), optional
        Weight of each factor, at least 0; 1 unless given.
    measure : {"range", "variance"}
        How far apart the arms are at a level.

    Returns
    -------
    ndarray of int8 (R, N)
        Position of the arm in `ratio`.

    Raises
    ------
    DesignError
        A factor, the ratio, the weights or the probability are out of range.

    Examples
    --------
    >>> levels = np.zeros((1, 6, 1), dtype=int)
    >>> minimise(levels, [1, 1], np.random.default_rng(1), probability=1.0).sum()
    np.int64(3)
    """
    factors = np.asarray(factors)
    levels = checked_labels(factors, "factors")
    if levels.ndim != 3 or levels.shape[2] == 0:
        raise DesignError(
            "must have the axes replicate, participant and factor", field="factors", value=levels.shape
        )
    parts = checked_ratio(ratio)
    least = float(parts.min() / parts.sum())
    if not least <= probability <= 1:
        raise DesignError(
            f"must lie between {least:.4g}, where minimisation does nothing, and 1",
            field="probability",
            value=probability,
        )
    if measure not in ("range", "variance"):
        raise DesignError("must be 'range' or 'variance'", field="measure", value=measure)
    arm = np.empty(levels.shape[:2], dtype=np.int8)
    _fill_minimised(
        levels,
        int(levels.max(initial=0)) + 1,
        parts,
        _weights(weights, levels.shape[2]),
        _preferred_probability(parts, probability),
        measure == "range",
        generator.random((2, *arm.shape)),
        arm,
    )
    return arm


def _weights(weights: Sequence[float] | None, factors: int) -> Floats:
    if weights is None:
        return np.ones(factors)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (factors,) or not np.isfinite(given).all() or (given < 0).any() or given.sum() == 0:
        raise DesignError(
            f"must hold one number of at least 0 for each of {factors} factors, not all 0",
            field="weights",
            value=list(weights),
        )
    return given


def _preferred_probability(parts: Floats, probability: float) -> Floats:
    """Return the probability of each arm when it is the preferred one (A,)."""
    total = parts.sum()
    return np.asarray(1 - (1 - probability) * (total - parts) / (total - parts.min()))


@njit(cache=True)
def _spread(counts: Ints, parts: Floats, extra: int, by_range: bool) -> float:
    """Return how far apart the arms are if one more goes to arm `extra`."""
    low, high, total, square = np.inf, -np.inf, 0.0, 0.0
    arms = len(parts)
    for a in range(arms):
        share = (counts[a] + (1 if a == extra else 0)) / parts[a]
        low, high = min(low, share), max(high, share)
        total += share
        square += share * share
    return high - low if by_range else (square - total * total / arms) / (arms - 1)


@njit(cache=True)
def _pick(weights: Floats, uniform: float) -> int:
    """Return a position drawn in proportion to weights."""
    left = uniform * weights.sum()
    last = 0
    for a in range(len(weights)):
        if weights[a] > 0:
            last = a
            if left < weights[a]:
                return a
            left -= weights[a]
    return last


@njit(cache=True)
def _fill_minimised(
    levels: Ints,
    most: int,
    parts: Floats,
    weights: Floats,
    preferred: Floats,
    by_range: bool,
    uniform: Floats,
    arm: Labels,
) -> None:
    replicates, participants, factors = levels.shape
    arms = len(parts)
    counts = np.empty((factors, most, arms), np.int64)
    distance, chance = np.empty(arms), np.empty(arms)
    total = parts.sum()
    for r in range(replicates):
        counts[:] = 0
        for i in range(participants):
            for k in range(arms):
                distance[k] = 0.0
                for f in range(factors):
                    distance[k] += weights[f] * _spread(counts[f, levels[r, i, f]], parts, k, by_range)
            least = distance.min()
            for k in range(arms):
                chance[k] = parts[k] if distance[k] <= least + _TIE else 0.0
            best = _pick(chance, uniform[0, r, i])
            for k in range(arms):
                rest = (1.0 - preferred[best]) * parts[k] / (total - parts[best])
                chance[k] = preferred[best] if k == best else rest
            a = _pick(chance, uniform[1, r, i])
            arm[r, i] = a
            for f in range(factors):
                counts[f, levels[r, i, f], a] += 1
