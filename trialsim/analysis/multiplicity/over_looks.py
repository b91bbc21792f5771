"""A graph over several looks: which hypotheses thousands of trials claim, and at which look."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from trialsim.analysis.multiplicity.graphs import Graph
from trialsim.data import Bools, Ints
from trialsim.errors import AnalysisError

Crossing = Callable[[int, float], Bools]
_ROUNDING = 12


def claims_over_looks(graph: Graph, alpha: float, crosses: Crossing, needed: Iterable[int] = ()) -> Ints:
    r"""Return the look at which each hypothesis is claimed, by a graph whose alpha is spent over looks.

    Parameters
    ----------
    graph : Graph
        m hypotheses, at most 16.
    alpha : float
        One-sided family-wise level, in (0, 1).
    crosses : callable
        ``crosses(h, level) -> (R, K)``: whether hypothesis h, tested group-sequentially at an overall
        `level`, is above the bound of each look. It is asked once for each level that can come.
    needed : iterable of int, optional
        Hypotheses whose claims together end the trial; all of them if left out. Later claims are not made.

    Returns
    -------
    ndarray of int (R, m)
        From 0; −1 where a hypothesis is not claimed.

    Raises
    ------
    AnalysisError
        A level outside of (0, 1), or more hypotheses than the closed test can hold.

    Notes
    -----
    At each look hypothesis h is claimed if it crosses the bound of that look of a group-sequential test
    at :math:`w_h(I) \alpha`, I the hypotheses not claimed so far. Its weight is then passed on, and the
    others are tested again at that look: what they receive is spent by their own functions, from the
    first look on. With bounds that fall as the level grows this is a shortcut of the closed test, and
    keeps the family-wise error in the strong sense (Maurer and Bretz 2013, Stat. Biopharm. Res. 5:311).

    Examples
    --------
    >>> graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> p = np.array([[[0.010, 0.001], [0.020, 0.020]]])
    >>> claims_over_looks(graph, 0.025, lambda h, level: p[:, h] <= level).tolist()
    [[0, 0]]
    >>> p[0, 1, 0] = 0.03
    >>> claims_over_looks(graph, 0.025, lambda h, level: p[:, h] <= level).tolist()
    [[0, 1]]
    """
    if not 0.0 < alpha < 1.0:
        raise AnalysisError("is not in (0, 1)", field="alpha", value=alpha)
    place, crossed = _at_every_level(graph, alpha, crosses)
    hypotheses, replicates, looks = len(graph), crossed[0].shape[1], crossed[0].shape[2]
    found = np.full((replicates, hypotheses), -1, dtype=np.int64)
    still = np.full(replicates, 2**hypotheses - 1, dtype=np.int64)
    for look in range(looks):
        rows = np.arange(replicates)
        while len(rows):
            claimed = np.zeros(len(rows), dtype=np.int64)
            for h in range(hypotheses):
                level = place[h][still[rows]]
                hit = (level >= 0) & crossed[h][level, rows, look]
                found[rows[hit], h] = look
                claimed |= hit.astype(np.int64) << h
            # Weights never fall as others are claimed, so that claims made together stand in any order.
            still[rows] &= ~claimed
            rows = rows[claimed > 0]
    return _until_the_end(found, tuple(needed), looks)


def _at_every_level(graph: Graph, alpha: float, crosses: Crossing) -> tuple[list[Ints], list[Bools]]:
    """Return each hypothesis's level by intersection (2^m,), −1 for none, and what crosses there."""
    weights = np.round(graph.closure(), _ROUNDING)
    place, crossed = [], []
    for h in range(len(graph)):
        inside = (np.arange(len(weights)) >> h & 1).astype(bool) & (weights[:, h] > 0)
        levels, which = np.unique(weights[inside, h], return_inverse=True)
        index = np.full(len(weights), -1, dtype=np.int64)
        index[inside] = which
        place.append(index)
        crossed.append(np.stack([crosses(h, float(w) * alpha) for w in levels]) if len(levels) else None)
    known = next((one for one in crossed if one is not None), None)
    if known is None:
        raise AnalysisError("gives no hypothesis any alpha", field="weights", value=graph.weights.tolist())
    nothing = np.zeros_like(known[:1])
    return place, [nothing if one is None else one for one in crossed]


def _until_the_end(found: Ints, needed: tuple[int, ...], looks: int) -> Ints:
    """Return the claims without those that come after the look at which all that is needed is claimed."""
    end = last_looks(found, needed, looks)
    return np.where(found > end[:, None], -1, found)


def last_looks(claimed: Ints, needed: Iterable[int], looks: int) -> Ints:
    """Return the look at which each trial ends (R,): all that is needed is claimed, or it is the last.

    Examples
    --------
    >>> last_looks(np.array([[0, 1], [0, -1]]), (), 3).tolist(), last_looks(np.array([[0, 1]]), (0,), 3)
    ([1, 2], array([0]))
    """
    columns = tuple(needed) or tuple(range(claimed.shape[1]))
    of_needed = claimed[:, columns]
    return np.where((of_needed >= 0).all(axis=1), of_needed.max(axis=1), looks - 1)
