"""Which coefficient each covariate has at each visit of a mixed model for repeated measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Floats, Ints


@dataclass(frozen=True)
class Term:
    """One covariate of the model.

    Parameters
    ----------
    name : str
        For messages and tables.
    by_visit : bool
        A coefficient at each visit if True, else one for all visits.
    matched : bool
        Whether it has another value at each visit; it then fills one row of z for each visit.
    """

    name: str
    by_visit: bool
    matched: bool = False


@dataclass(frozen=True)
class Design:
    """Terms, and where their coefficients are.

    Parameters
    ----------
    terms : tuple of Term
    visits : int
        m.
    cell : ndarray of int (q, m)
        Coefficient of each covariate row at each visit; -1 where it has none.
    rows : tuple of int
        First covariate row of each term.
    columns : int
        Number of coefficients p.
    """

    terms: tuple[Term, ...]
    visits: int
    cell: Ints
    rows: tuple[int, ...]
    columns: int

    @property
    def visit_saturated(self) -> bool:
        """Whether every covariate has its own coefficient at each visit."""
        return all(term.by_visit and not term.matched for term in self.terms)

    @property
    def constant_terms(self) -> int:
        """Number of terms that do not vary within a participant."""
        return sum(not term.matched for term in self.terms)

    def column(self, term: int, visit: int) -> int:
        """Return the coefficient of a term at a visit; -1 where it has none."""
        row = self.rows[term] + (visit if self.terms[term].matched else 0)
        return int(self.cell[row, visit])

    def contrast(self, visit: int, values: dict[int, float]) -> Floats:
        """Return the weights (p,) of the mean at a visit for the given values of terms."""
        weights = np.zeros(self.columns)
        for term, value in values.items():
            column = self.column(term, visit)
            if column >= 0:
                weights[column] += value
        return weights

    def term_of(self, column: int) -> str:
        """Return the name of the term that has a coefficient."""
        row = int(np.flatnonzero((self.cell == column).any(axis=1))[0])
        owner = max(t for t, first in enumerate(self.rows) if first <= row)
        return self.terms[owner].name


def renumbered(cell: Ints, gone: Bools) -> tuple[Ints, Ints]:
    """Return the cells without those that are gone, and which coefficients are left.

    Examples
    --------
    >>> cell, left = renumbered(np.array([[0, 1], [2, 3]]), np.array([[False, False], [True, False]]))
    >>> cell.tolist(), left.tolist()
    ([[0, 1], [-1, 2]], [0, 1, 3])
    """
    here = np.where(gone, -1, cell)
    left = np.unique(here[here >= 0])
    return np.where(here < 0, -1, np.searchsorted(left, here)), left


def lay_out(terms: Sequence[Term], visits: int, absent: Mapping[int, int] | None = None) -> Design:
    """Return the design of the given terms; `absent` terms have no coefficient at one visit each.

    Examples
    --------
    >>> lay_out([Term("intercept", True), Term("age", False)], 3).cell
    array([[0, 1, 2],
           [3, 3, 3]])
    """
    rows: list[Ints] = []
    first: list[int] = []
    columns = 0
    for term in terms:
        coefficients = columns + (np.arange(visits) if term.by_visit else np.zeros(visits, np.int64))
        first.append(len(rows))
        columns += visits if term.by_visit else 1
        if term.matched:
            rows.extend(np.where(np.arange(visits) == visit, coefficients, -1) for visit in range(visits))
        else:
            rows.append(coefficients)
    cell = np.array(rows, np.int64)
    missing = np.zeros(cell.shape, bool)
    for position, visit in (absent or {}).items():
        missing[first[position], visit] = True
    cell, left = renumbered(cell, missing)
    return Design(tuple(terms), visits, cell, tuple(first), len(left))
