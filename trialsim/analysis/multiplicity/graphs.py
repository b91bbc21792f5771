"""Several hypotheses in one trial, the family-wise error kept: graphs, Holm, Hochberg, fixed sequence.

A graph has local weights w (summing to at most 1) and a transition matrix G (rows summing to at most 1,
zero diagonal). Removing hypothesis j from the set of those still to be rejected updates

    w_k ← w_k + w_j G_jk        G_kl ← (G_kl + G_kj G_jl) / (1 − G_kj G_jk)    (0 if that divides by 0)

The shortcut rejects any k with p_k ≤ α w_k and goes on; the closed test behind it gives the adjusted p
value of k as the largest min_{j∈I} p_j / w_j(I) over all sets I that hold k. Bretz, Maurer, Brannath and
Posch (2009, Stat. Med. 28:586). Hochberg (1988, Biometrika 75:800) needs Simes' inequality, which holds
for independent and for many positively dependent statistics; the graphs need no assumption.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from trialsim.data import Bools, Floats, for_kernel
from trialsim.errors import AnalysisError

_ROUNDING = 1e-12
_MOST_HYPOTHESES_CLOSED = 16
_Accumulate = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Graph:
    """A graphical multiple test.

    Parameters
    ----------
    weights : ndarray (m,)
        Share of α of each hypothesis at the start, at least 0, summing to at most 1.
    transition : ndarray (m, m)
        Share of a rejected hypothesis's α that goes to each other one; rows sum to at most 1.
    names : tuple of str
        Of the hypotheses; H1, H2, … by default.

    Raises
    ------
    AnalysisError
        If weights or transitions are impossible.

    Examples
    --------
    >>> graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> print(graph.rejects([[0.02, 0.04], [0.03, 0.04]], alpha=0.05))
    [[ True  True]
     [False False]]
    """

    weights: Floats
    transition: Floats
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float64)
        transition = np.array(self.transition, dtype=np.float64)
        _check_graph(weights, transition)
        names = tuple(self.names) or tuple(f"H{k + 1}" for k in range(len(weights)))
        if len(names) != len(weights) or len(set(names)) != len(names):
            raise AnalysisError("does not name every hypothesis once", field="names", value=names)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "transition", transition)
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.weights)

    def rejects(self, p_values: ArrayLike, alpha: float) -> Bools:
        """Return what the sequential shortcut rejects.

        Parameters
        ----------
        p_values : array (m,) or (R, m)
            Of one trial, or of every replicate, in [0, 1]; NaN, as of a failed fit, is never rejected.
        alpha : float
            Family-wise level, in (0, 1).

        Returns
        -------
        ndarray of bool (m,) or (R, m)
        """
        if not 0.0 < alpha < 1.0:
            raise AnalysisError("is not in (0, 1)", field="alpha", value=alpha)
        p = read_p_values(p_values, len(self))
        rejected = np.zeros(p.shape, dtype=bool)
        shortcut(p, alpha, self.weights, self.transition, rejected)
        return rejected.reshape(np.shape(p_values))

    def adjusted(self, p_values: ArrayLike) -> Floats:
        """Return adjusted p values: the smallest α, at most 1, at which each hypothesis is rejected.

        Parameters are those of `rejects`. By the closed test over all 2^m − 1 intersections.

        Raises
        ------
        AnalysisError
            If there are more than 16 hypotheses.
        """
        p = read_p_values(p_values, len(self))
        adjusted = np.zeros_like(p)
        closed_test(p, self.closure(), adjusted)
        return np.where(np.isnan(p), np.nan, adjusted).reshape(np.shape(p_values))

    def closure(self) -> Floats:
        """Return the weights of every intersection (2^m, m): bit k of the row says whether k is in it.

        Examples
        --------
        >>> print(Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]])).closure())
        [[0.  0. ]
         [1.  0. ]
         [0.  1. ]
         [0.5 0.5]]
        """
        m = len(self)
        if m > _MOST_HYPOTHESES_CLOSED:
            raise AnalysisError(
                "has too many hypotheses for the closed test", field="weights", value=m, mend="use rejects"
            )
        weights, transitions = np.zeros((2**m, m)), np.zeros((2**m, m, m))
        weights[-1], transitions[-1] = self.weights, self.transition
        for mask in range(2**m - 2, 0, -1):
            removed = next(k for k in range(m) if not mask >> k & 1)
            parent = mask | 1 << removed
            weights[mask], transitions[mask] = weights[parent], transitions[parent]
            remove(removed, weights[mask], transitions[mask], np.empty((m, m)))
        return weights


def bonferroni_holm_graph(m: int, weights: ArrayLike | None = None) -> Graph:
    """Return the graph of Holm's step-down test of m hypotheses, weighted if weights are given.

    Parameters
    ----------
    m : int
        Hypotheses.
    weights : array_like (m,), optional
        Shares of alpha at the start, summing to at most 1; equal ones unless given.

    Returns
    -------
    Graph
        Its transitions share a claimed hypothesis's alpha in proportion to the weights of the others.

    Examples
    --------
    >>> print(bonferroni_holm_graph(3).adjusted([[0.01, 0.02, 0.30]]))
    [[0.03 0.04 0.3 ]]
    """
    start = np.full(m, 1.0 / m) if weights is None else np.asarray(weights, dtype=np.float64)
    if m == 1:
        return Graph(start, np.zeros((1, 1)))
    others = np.where(np.eye(m, dtype=bool), 0.0, np.tile(start, (m, 1)))
    total = others.sum(1, keepdims=True)
    return Graph(start, np.divide(others, total, out=(1.0 - np.eye(m)) / (m - 1), where=total > 0))


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p values; NaN stays NaN and counts as a p value of 1.

    Parameters
    ----------
    p_values : array (m,) or (R, m)
        Of one trial or of R, in [0, 1].

    Returns
    -------
    ndarray
        Of the same shape, at most 1.

    Raises
    ------
    AnalysisError
        P values outside of [0, 1].

    Examples
    --------
    >>> print(holm([[0.01, 0.04, 0.03]]))
    [[0.03 0.06 0.06]]
    """
    return _stepwise(p_values, lambda ordered, factor: np.maximum.accumulate(ordered * factor, axis=1))


def hochberg(p_values: ArrayLike) -> Floats:
    """Return Hochberg's adjusted p values; NaN stays NaN and counts as a p value of 1.

    Parameters
    ----------
    p_values : array (m,) or (R, m)
        Of one trial or of R, in [0, 1].

    Returns
    -------
    ndarray
        Of the same shape, at most 1.

    Raises
    ------
    AnalysisError
        P values outside of [0, 1].

    Examples
    --------
    >>> print(hochberg([[0.01, 0.04, 0.03]]))
    [[0.03 0.04 0.04]]
    """
    return _stepwise(
        p_values, lambda ordered, factor: np.minimum.accumulate((ordered * factor)[:, ::-1], axis=1)[:, ::-1]
    )


def fixed_sequence(p_values: ArrayLike) -> Floats:
    """Return adjusted p values of tests in a fixed order; NaN counts as 1 for later ones.

    Parameters
    ----------
    p_values : array (m,) or (R, m)
        In the order of testing, in [0, 1].

    Returns
    -------
    ndarray
        Of the same shape.

    Raises
    ------
    AnalysisError
        P values outside of [0, 1].

    Examples
    --------
    >>> print(fixed_sequence([[0.01, 0.04, 0.03]]))
    [[0.01 0.04 0.04]]
    """
    p = read_p_values(p_values)
    adjusted = np.maximum.accumulate(np.where(np.isnan(p), 1.0, p), axis=1)
    return np.where(np.isnan(p), np.nan, adjusted).reshape(np.shape(p_values))


@njit(cache=True)
def remove(j: int, w: Floats, G: Floats, before: Floats) -> None:
    """Remove hypothesis j from weights (m,) and transitions (m, m), in place."""
    m = w.size
    before[:] = G
    for k in range(m):
        if k == j:
            continue
        w[k] += w[j] * before[j, k]
        room = 1.0 - before[k, j] * before[j, k]
        for h in range(m):
            if h in (j, k) or room <= 1e-12:
                G[k, h] = 0.0
            else:
                G[k, h] = (before[k, h] + before[k, j] * before[j, h]) / room
    w[j] = 0.0
    G[j, :] = 0.0
    G[:, j] = 0.0


@njit(cache=True)
def shortcut(p: Floats, alpha: float, weights: Floats, transition: Floats, rejected: Bools) -> None:
    """Fill what the sequentially rejective test rejects in every replicate (R, m)."""
    R, m = p.shape
    w, G, before = np.empty(m), np.empty((m, m)), np.empty((m, m))
    for r in range(R):
        w[:] = weights
        G[:] = transition
        k = 0
        while k < m:
            if not rejected[r, k] and w[k] > 0.0 and p[r, k] <= alpha * w[k] * (1.0 + 1e-12):
                rejected[r, k] = True
                remove(k, w, G, before)
                k = 0
            else:
                k += 1


@njit(cache=True)
def closed_test(p: Floats, closure: Floats, adjusted: Floats) -> None:
    """Fill adjusted p values (R, m) from the weights of every intersection."""
    R, m = p.shape
    for r in range(R):
        for mask in range(1, closure.shape[0]):
            smallest = 1.0
            for j in range(m):
                if closure[mask, j] > 0.0 and p[r, j] < smallest * closure[mask, j]:
                    smallest = p[r, j] / closure[mask, j]
            for k in range(m):
                if mask >> k & 1 and smallest > adjusted[r, k]:
                    adjusted[r, k] = smallest


def _stepwise(p_values: ArrayLike, accumulate: _Accumulate) -> Floats:
    """Return adjusted p values from an accumulation over ordered p values times m, m − 1, …, 1."""
    p = read_p_values(p_values)
    order = np.argsort(np.where(np.isnan(p), 1.0, p), axis=1, kind="stable")
    ordered = np.take_along_axis(np.where(np.isnan(p), 1.0, p), order, axis=1)
    stepped = np.minimum(accumulate(ordered, np.arange(p.shape[1], 0, -1.0)), 1.0)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, stepped, axis=1)
    return np.where(np.isnan(p), np.nan, adjusted).reshape(np.shape(p_values))


def read_p_values(p_values: ArrayLike, m: int | None = None) -> Floats:
    """Return p values as (R, m), one trial's (m,) as one row, or refuse them."""
    given = np.asarray(p_values, dtype=np.float64)
    p = for_kernel(np.atleast_2d(given))
    if given.ndim not in (1, 2) or (m is not None and p.shape[1] != m):
        wanted = "(m,) or (R, m)" if m is None else f"({m},) or (R, {m})"
        raise AnalysisError(
            "has the wrong shape", field="p_values", value=given.shape, mend=f"give shape {wanted}"
        )
    if ((p < 0) | (p > 1)).any():
        raise AnalysisError("is not in [0, 1]", field="p_values", value=float(p[(p < 0) | (p > 1)][0]))
    return p


def _check_graph(weights: Floats, transition: Floats) -> None:
    if weights.ndim != 1 or not len(weights) or not np.isfinite(weights).all() or (weights < 0).any():
        raise AnalysisError("has weights that are no numbers from 0", field="weights", value=weights.tolist())
    if weights.sum() > 1.0 + _ROUNDING:
        raise AnalysisError("sums to more than 1", field="weights", value=float(weights.sum()))
    if transition.shape != (len(weights),) * 2:
        raise AnalysisError(
            "is not a square matrix of the hypotheses", field="transition", value=transition.shape
        )
    if not np.isfinite(transition).all() or (transition < 0).any() or np.diagonal(transition).any():
        raise AnalysisError("has an entry below 0, or one on its diagonal", field="transition")
    if (transition.sum(1) > 1.0 + _ROUNDING).any():
        raise AnalysisError(
            "has a row that sums to more than 1", field="transition", value=float(transition.sum(1).max())
        )
