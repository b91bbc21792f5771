r"""The closed test of a graph whose intersections are tested by group: Bonferroni, Simes or the joint law.

With the weights :math:`w_j` that the graph gives the hypotheses of an intersection, a group's p value is

- Bonferroni: :math:`\min_j p_j / w_j`
- Simes: :math:`\min_j p_j / \sum_{i: p_i \le p_j} w_i`
- joint law: with :math:`q = \min_j p_j / w_j` and :math:`W = \sum_j w_j`,
  :math:`\{1 - P(Z_j \le z_{1 - q w_j}\ \forall j)\} / W`, Z normal with the group's correlation

over the group's hypotheses in the intersection. The smallest of the groups is the p value of the
intersection, and the largest over all intersections that hold it the adjusted p value of a hypothesis.
Bretz, Posch, Glimm, Klinglmueller, Maurer and Rohmeyer (2011, Biom. J. 53:894); Xi, Glimm, Maurer and Bretz
(2017, Biom. J. 59:918).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.multiplicity.graphs import Graph, read_p_values
from trialsim.analysis.multiplicity.normal_box import below
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Test = Literal["bonferroni", "simes", "parametric"]
TESTS = ("bonferroni", "simes", "parametric")
_ROUNDING = 1e-12


@dataclass(frozen=True)
class GroupTest:
    """How some hypotheses of a graph are tested together.

    Parameters
    ----------
    hypotheses : tuple of int
        Their positions, from 0.
    test : str
        ``"bonferroni"``, ``"simes"`` (for independent or positively dependent statistics) or
        ``"parametric"`` (for normal statistics whose correlation is known, such as arms with one control).
    correlation : ndarray (k, k), optional
        Of the statistics, in the order of `hypotheses`; parametric tests need it.

    Raises
    ------
    AnalysisError
        An unknown test, a hypothesis named twice, or no correlation matrix of the right shape.

    Examples
    --------
    >>> GroupTest((0, 1), "parametric", np.array([[1.0, 0.5], [0.5, 1.0]])).test
    'parametric'
    """

    hypotheses: tuple[int, ...]
    test: Test
    correlation: Floats | None = None

    def __post_init__(self) -> None:
        if self.test not in TESTS:
            raise AnalysisError(
                "is no test of a group", field="test", value=self.test, mend=f"use one of {', '.join(TESTS)}"
            )
        k = len(self.hypotheses)
        if not k or len(set(self.hypotheses)) != k:
            raise AnalysisError("must name hypotheses once each", field="hypotheses", value=self.hypotheses)
        if (self.correlation is not None) != (self.test == "parametric"):
            raise AnalysisError(
                "belongs to a parametric test, and to no other", field="correlation", value=self.test,
                mend="give the correlations of the statistics with test parametric, and leave them out else",
            )  # fmt: skip
        if self.correlation is not None:
            object.__setattr__(self, "correlation", _correlation(self.correlation, k))

    def p_value(self, p: Floats, weights: Floats) -> float:
        """Return the p value of this group in an intersection, from p values and weights (m,) of all.

        Hypotheses without weight take no part; with none left it is 1.
        """
        own = np.array([j for j in self.hypotheses if weights[j] > 0.0], dtype=np.int64)
        if not len(own):
            return 1.0
        mine, w = p[own], weights[own]
        if self.test == "simes":
            return float(min(one / w[mine <= one].sum() for one in mine))
        least = float((mine / w).min())
        if self.test == "bonferroni" or len(own) == 1:
            return least
        assert self.correlation is not None
        at = [self.hypotheses.index(int(j)) for j in own]
        limits = special.ndtri(1.0 - np.minimum(least * w, 1.0))
        if not np.isfinite(limits).any():
            return 1.0 if least > 0 else 0.0
        return (1.0 - below(limits, self.correlation[np.ix_(at, at)])) / float(w.sum())


def closed_test_of_groups(graph: Graph, groups: Sequence[GroupTest], p_values: ArrayLike) -> Floats:
    """Return adjusted p values of the closed test of a graph, its intersections tested by group.

    Parameters
    ----------
    graph : Graph
        With m hypotheses, at most 16.
    groups : sequence of GroupTest
        Each hypothesis in exactly one of them.
    p_values : array (m,) or (R, m)
        One-sided, in [0, 1]; NaN, as of a failed fit, is never rejected and counts as 1 for the others.

    Returns
    -------
    ndarray
        Of the same shape, at most 1. All 2^m − 1 intersections are tested.

    Raises
    ------
    AnalysisError
        A hypothesis in no group or in two, or p values of another shape.

    Examples
    --------
    >>> graph = Graph(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> closed_test_of_groups(graph, [GroupTest((0, 1), "simes")], [0.02, 0.024]).round(4)
    array([0.024, 0.024])
    """
    named = sorted(j for group in groups for j in group.hypotheses)
    if named != list(range(len(graph))):
        raise AnalysisError(
            f"must hold each of the {len(graph)} hypotheses once", field="groups",
            value=[group.hypotheses for group in groups], mend="count positions from 0",
        )  # fmt: skip
    p = read_p_values(p_values, len(graph))
    closure = graph.closure()
    adjusted = np.array([_closed(np.where(np.isnan(row), 1.0, row), closure, groups) for row in p])
    return np.where(np.isnan(p), np.nan, adjusted).reshape(np.shape(p_values))


def _closed(p: Floats, closure: Floats, groups: Sequence[GroupTest]) -> Floats:
    """Return the adjusted p values of one trial (m,)."""
    adjusted = np.zeros(len(p))
    for mask in range(1, len(closure)):
        found = min(1.0, *(group.p_value(p, closure[mask]) for group in groups))
        inside = (mask >> np.arange(len(p))) & 1 == 1
        adjusted[inside] = np.maximum(adjusted[inside], found)
    return adjusted


def _correlation(given: ArrayLike, k: int) -> Floats:
    matrix = np.array(given, dtype=np.float64)
    if matrix.shape != (k, k) or not np.isfinite(matrix).all():
        raise AnalysisError(f"must be {k} by {k}", field="correlation", value=matrix.shape)
    if (
        np.abs(matrix - matrix.T).max() > _ROUNDING
        or np.abs(np.diagonal(matrix) - 1.0).max() > _ROUNDING
        or np.linalg.eigvalsh(matrix).min() < -1e-10
    ):
        raise AnalysisError(
            "is no correlation matrix", field="correlation", value=matrix.tolist(),
            mend="give a symmetric matrix with 1 on its diagonal that some normal variables can have",
        )  # fmt: skip
    return matrix
