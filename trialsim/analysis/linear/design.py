"""From a tidy data frame to the columns of a linear model: factors, control arm, missing outcomes.

Rows are put in one order, so that the order of a file changes no digit.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.tidy_frame import (
    Columns,
    as_names,
    check_roles,
    codes_of,
    control_first,
    is_number,
    read_arms,
    read_numbers,
    read_outcome,
    refuse_missing,
    refuse_small_arms,
    row_name,
)
from trialsim.data import Bools, Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class Design:
    """The analysed rows of a data frame as arrays.

    Parameters
    ----------
    names : dict
        Name of the outcome, arm, covariates and strata columns, for the print.
    arms : tuple of str
        Control first, the others in level order.
    outcome : ndarray (n,)
        Finite.
    arm : ndarray of int (n,)
        Position in `arms`.
    covariates : ndarray (n, P)
        Numeric covariates as they are, a factor as indicators of all levels but the first.
    columns : tuple of str
        Label of each of the P columns, such as ``"sex[M]"``.
    sources : tuple of str
        Data column that each of the P columns comes from.
    equal_weight : ndarray (P,)
        1/levels for an indicator of a factor, NaN for a numeric covariate.
    strata : ndarray of int (n,) or None
        Joint level of the strata columns.
    extra : ndarray (n, E)
        Further numeric columns, above 0, such as the twins' standard deviation.
    left_out : int
        Rows without an outcome.
    """

    names: dict[str, tuple[str, ...]]
    arms: tuple[str, ...]
    outcome: Floats
    arm: Ints
    covariates: Floats
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    equal_weight: Floats
    strata: Ints | None
    extra: Floats
    left_out: int

    @property
    def counts(self) -> Ints:
        """Analysed participants of each arm."""
        return np.bincount(self.arm, minlength=len(self.arms))

    def from_columns(self, names: Sequence[str]) -> Bools:
        """Return which of the P columns come from the named data columns."""
        return np.array([source in names for source in self.sources], dtype=bool)

    def without_strata(self) -> Design:
        """Return the design with the strata known, but out of the model."""
        keep = ~self.from_columns(self.names["strata"])
        return replace(
            self,
            names=self.names | {"strata": ()},
            covariates=np.ascontiguousarray(self.covariates[:, keep]),
            columns=tuple(column for column, kept in zip(self.columns, keep, strict=True) if kept),
            sources=tuple(source for source, kept in zip(self.sources, keep, strict=True) if kept),
            equal_weight=self.equal_weight[keep],
        )

    def reference_row(self, weights: str) -> Floats:
        """Return covariates (P,) at which least-squares means are taken, minus their means.

        "equal" gives every level of a factor the same weight, "observed" its share of the sample;
        numeric covariates are at their mean.
        """
        mean = self.covariates.mean(0)
        equal = np.isfinite(self.equal_weight) & (weights == "equal")
        return np.where(equal, self.equal_weight, mean) - mean


def read_design(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    extra: Sequence[str] = (),
    two_arms: bool = False,
    active: Hashable | None = None,
) -> Design:
    """Return the design of a model of `outcome` on `arm`, `strata` (as factors) and `covariates`.

    Rows without an outcome are left out; a missing value anywhere else is refused, and named by position.
    With `two_arms` the control is compared with `active` alone, which is the only other arm unless named.

    Raises
    ------
    AnalysisError
        If a column is missing, named twice, not usable, or an arm has fewer than two participants.
    """
    covariates, strata = as_names(covariates), as_names(strata)
    check_roles(data, [outcome, arm, *strata, *covariates, *extra])
    y = read_outcome(data, outcome)
    rows = np.flatnonzero(~np.isnan(y))
    unseen = np.isnan(y)
    if two_arms:
        rows = rows[read_arms(data.iloc[rows], arm, control, active, rows)[1]]
        unseen &= data[arm].isin(data[arm].iloc[rows].unique()).to_numpy()
    arms, a = _arms(data, arm, rows, control)
    terms = [_term(data, name, rows, name in strata) for name in [*strata, *covariates]]
    x = np.hstack([np.empty((len(rows), 0)), *(term.values for term in terms)])
    joint = _joint([term.codes for term in terms[: len(strata)] if term.codes is not None], len(rows))
    further = np.column_stack([_positive(data, name, rows) for name in extra] or [np.empty((len(a), 0))])
    order = np.lexsort([*further.T, *x.T, joint, a, y[rows]])
    return Design(
        names={
            "outcome": (outcome,),
            "arm": (arm,),
            "covariates": tuple(covariates),
            "strata": tuple(strata),
        },
        arms=arms,
        outcome=y[rows][order],
        arm=a[order],
        covariates=np.ascontiguousarray(x[order]),
        columns=tuple(column for term in terms for column in term.columns),
        sources=tuple(term.name for term in terms for _ in term.columns),
        equal_weight=np.array([term.equal_weight for term in terms for _ in term.columns], dtype=np.float64),
        strata=np.unique(joint, return_inverse=True)[1][order].astype(np.int64) if strata else None,
        extra=further[order],
        left_out=int(unseen.sum()),
    )


class _Term(NamedTuple):
    """A covariate or stratum: its columns (n, k), their labels, and the level of each row of a factor."""

    name: str
    values: Floats
    columns: tuple[str, ...]
    equal_weight: float
    codes: Ints | None


def _term(data: pd.DataFrame, name: str, rows: Ints, stratum: bool) -> _Term:
    if not stratum and is_number(data[name]):
        return _Term(name, _numbers(data, name, rows)[:, None], (name,), np.nan, None)
    codes, levels = _codes(data, name, rows)
    if len(levels) < 2:
        raise AnalysisError("has one level only, so it says nothing", field=name, mend="leave it out")
    indicators = (codes[:, None] == np.arange(1, len(levels))).astype(np.float64)
    labels = tuple(f"{name}[{level}]" for level in levels[1:])
    return _Term(name, indicators, labels, 1.0 / len(levels), codes)


def _joint(factors: Sequence[Ints], rows: int) -> Ints:
    """Return the joint level of every factor."""
    joint = np.zeros(rows, dtype=np.int64)
    for codes in factors:
        joint = joint * (int(codes.max()) + 1) + codes
    return joint


def _numbers(data: pd.DataFrame, name: str, rows: Ints) -> Floats:
    return read_numbers(data.iloc[rows], name, rows)


def _positive(data: pd.DataFrame, name: str, rows: Ints) -> Floats:
    values = _numbers(data, name, rows)
    if (values <= 0).any():
        raise AnalysisError(f"must be above 0, but is not in {row_name(values <= 0, rows)}", field=name)
    return values


def _codes(data: pd.DataFrame, name: str, rows: Ints) -> tuple[Ints, list[object]]:
    refuse_missing(data.iloc[rows], name, rows)
    return codes_of(data[name].iloc[rows])


def _arms(data: pd.DataFrame, arm: str, rows: Ints, control: Hashable | None) -> tuple[tuple[str, ...], Ints]:
    codes, found = _codes(data, arm, rows)
    levels = control_first(found, control, arm)
    positions = np.array([levels.index(level) for level in found], dtype=np.int64)[codes]
    refuse_small_arms(levels, np.bincount(positions), arm)
    return tuple(str(level) for level in levels), positions
