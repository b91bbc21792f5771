"""Whether trials cross their bounds at any overall level: what a graph asks that passes alpha on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.analysis.multiplicity.graphs import Graph
from trialsim.analysis.multiplicity.over_looks import claims_over_looks
from trialsim.data import Bools, Floats, Ints
from trialsim.design.group_sequential.adaptation import adapted_bounds
from trialsim.design.group_sequential.design import group_sequential_design
from trialsim.design.group_sequential.looks import NEAREST_LOOKS
from trialsim.design.group_sequential.spending import EfficacyRule, SpendingFunction
from trialsim.errors import DesignError

# The search for a bound ends within this share of its error.
_NEAR = 1e-6
_WHOLE = 1e-9


def crosses_at_level(z: Floats, information: Floats, rule: EfficacyRule, level: float) -> Bools:
    r"""Return whether trials are above the bound of each look of a test at an overall one-sided level.

    Parameters
    ----------
    z : ndarray (R, K)
        Larger favours the active arm; NaN, as of a failed fit, crosses nothing.
    information : ndarray (K,) or (R, K)
        Relative to the planned maximum: planned, ascending to 1, with bounds that are the same in all trials;
        or as each trial had it, with bounds found again by spending.
    rule : EfficacyRule
        Of the bounds; observed information needs a `SpendingFunction`.
    level : float
        In (0, 0.5).

    Returns
    -------
    ndarray of bool (R, K)
        With observed information a test ends at the first look that has all of the planned information,
        or all that ever comes: what it finds there stands at later looks, where a graph may pass on more.

    Raises
    ------
    DesignError
        Information or a rule that gives no bounds.

    Notes
    -----
    With P(cross first at k) = α(t_k) − α(t_{k−1}) ≤ P(Z_k ≥ u_k) ≤ α(t_k) the bound itself is only looked
    for where p lies between the two sides.

    Examples
    --------
    >>> from trialsim.design.group_sequential.spending import OBrienFlemingSpending
    >>> z = np.array([[2.5, 2.1], [3.1, 0.0]])
    >>> crosses_at_level(z, np.array([0.5, 1.0]), OBrienFlemingSpending(), 0.025)
    array([[False,  True],
           [ True, False]])
    >>> crosses_at_level(z, np.array([[0.4, 0.9], [0.5, 1.0]]), OBrienFlemingSpending(), 0.0125)
    array([[False, False],
           [False, False]])
    """
    statistic, seen = np.asarray(z, dtype=np.float64), np.asarray(information, dtype=np.float64)
    if seen.ndim == 1:
        bounds = [float(-ndtri(level))]
        if len(seen) > 1:
            bounds = list(group_sequential_design(seen.tolist(), efficacy=rule, alpha=level).upper)
        return np.asarray(statistic >= np.asarray(bounds))
    if not isinstance(rule, SpendingFunction):
        raise DesignError(
            "has no bounds for other looks than the planned ones", field="efficacy",
            value=getattr(rule, "label", rule), mend="use a rule that spends, such as lan_demets_obf",
        )  # fmt: skip
    seen = np.maximum.accumulate(seen, axis=1)
    last = seen[:, -1:]
    whole: Bools = (seen >= 1 - _WHOLE) | (seen >= last * (1 - _WHOLE))
    final: Ints = np.asarray(whole.argmax(axis=1))
    found: Bools = np.zeros(statistic.shape, dtype=bool)
    for end in np.unique(final).tolist():
        rows = final == end
        found[rows, : end + 1] = _spent(statistic[rows][:, : end + 1], seen[rows][:, : end + 1], rule, level)
    stands = found[np.arange(len(found)), final][:, None]
    return np.asarray(np.where(np.arange(found.shape[1]) > final[:, None], stands, found))


def _spent(z: Floats, information: Floats, rule: SpendingFunction, level: float) -> Bools:
    """Return what crosses, of trials whose last look spends all that is left."""
    p = ndtr(-z)
    spent = np.asarray(rule.cumulative(level, np.maximum(information, _WHOLE)))
    spent[:, -1] = level
    steps = np.diff(spent, axis=1, prepend=0.0)
    near = NEAREST_LOOKS * information[:, -1:]
    fresh = np.diff(information, axis=1, prepend=0.0) >= near
    fresh[:, :-1] &= information[:, -1:] - information[:, :-1] >= near
    regular = fresh.all(axis=1, keepdims=True)
    sure = regular & (p <= steps * (1 - _NEAR))
    open_ = ~sure & (p <= spent * (1 + _NEAR))
    rows = open_.any(axis=1)
    found = np.where(open_, False, sure)
    if rows.any():
        upper, _ = adapted_bounds(information[rows], rule, level)
        found[rows] |= open_[rows] & (z[rows] >= upper)
    return np.asarray(found)


def graph_over_looks(
    graph: Graph,
    z: Floats,
    information: Sequence[Floats] | Floats,
    rules: Sequence[EfficacyRule],
    alpha: float = 0.025,
    needed: Iterable[int] = (),
) -> Ints:
    """Return the look at which trials claim each hypothesis of a graph that is tested group-sequentially.

    Parameters
    ----------
    graph : Graph
        Of m hypotheses.
    z : ndarray (R, m, K)
        Statistics at each look; larger favours the claim.
    information : sequence of ndarray (K,) or (R, K), m of them
        Of each hypothesis, as `crosses_at_level` takes it.
    rules : sequence of EfficacyRule, m of them
        How each hypothesis spends what it has, and what it is passed on.
    alpha : float
        One-sided family-wise level.
    needed : iterable of int, optional
        Hypotheses whose claims together end the trial; all of them if left out.

    Returns
    -------
    ndarray of int (R, m)
        From 0; −1 where a hypothesis is not claimed.

    Examples
    --------
    Maurer and Bretz's procedure for two hypotheses that pass all of their alpha on to each other:

    >>> from trialsim.design.group_sequential.spending import OBrienFlemingSpending
    >>> graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> z = np.array([[[3.2, 3.0], [1.0, 2.0]]])
    >>> looks = [np.array([0.5, 1.0])] * 2
    >>> graph_over_looks(graph, z, looks, [OBrienFlemingSpending()] * 2).tolist()
    [[1, 1]]
    """
    if len(information) != len(graph) or len(rules) != len(graph) or z.shape[1] != len(graph):
        raise DesignError(f"must hold one for each of {len(graph)} hypotheses", field="information",
                          value=(len(information), len(rules), z.shape[1]))  # fmt: skip

    def crosses(h: int, level: float) -> Bools:
        return crosses_at_level(z[:, h], np.asarray(information[h]), rules[h], level)

    return claims_over_looks(graph, alpha, crosses, needed)
