"""From a tidy data frame to the columns of a linear model: factors, control arm, missing outcomes.

Levels are sorted by Unicode code point, never by the machine's language, and rows are put in one order,
so that neither a locale nor the order of a file changes a digit.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

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
    covariates: Sequence[str] = (),
    strata: Sequence[str] = (),
    control: Hashable | None = None,
    extra: Sequence[str] = (),
) -> Design:
    """Return the design of a model of `outcome` on `arm`, `strata` (as factors) and `covariates`.

    Rows without an outcome are left out; a missing value anywhere else is refused, and named by position.

    Raises
    ------
    AnalysisError
        If a column is missing, named twice, not usable, or an arm has fewer than two participants.
    """
    _check_names(data, [outcome, arm, *strata, *covariates, *extra])
    y = _numbers(data, outcome, np.ones(len(data), dtype=bool), allow_missing=True)
    seen = ~np.isnan(y)
    if not seen.any():
        raise AnalysisError("is missing in every row", field=outcome, mend="give at least one outcome an arm")
    arms, a = _arms(data, arm, seen, control)
    blocks: list[Floats] = [np.empty((int(seen.sum()), 0))]
    columns: list[str] = []
    sources: list[str] = []
    equal_weight: list[float] = []
    joint = np.zeros(int(seen.sum()), dtype=np.int64)
    for name in [*strata, *covariates]:
        if name in strata or not _is_number(data[name]):
            levels, codes = _levels(data, name, seen)
            if len(levels) < 2:
                raise AnalysisError("has one level only, so it says nothing", field=name, mend="leave it out")
            blocks.append((codes[:, None] == np.arange(1, len(levels))).astype(np.float64))
            columns += [f"{name}[{level}]" for level in levels[1:]]
            sources += [name] * (len(levels) - 1)
            equal_weight += [1.0 / len(levels)] * (len(levels) - 1)
            joint = joint * len(levels) + codes if name in strata else joint
        else:
            blocks.append(_numbers(data, name, seen)[:, None])
            columns.append(name)
            sources.append(name)
            equal_weight.append(np.nan)
    x = np.hstack(blocks)
    further = np.column_stack([_positive(data, name, seen) for name in extra] or [np.empty((len(a), 0))])
    order = np.lexsort([*further.T, *x.T, joint, a, y[seen]])
    return Design(
        names={
            "outcome": (outcome,),
            "arm": (arm,),
            "covariates": tuple(covariates),
            "strata": tuple(strata),
        },
        arms=arms,
        outcome=y[seen][order],
        arm=a[order],
        covariates=np.ascontiguousarray(x[order]),
        columns=tuple(columns),
        sources=tuple(sources),
        equal_weight=np.array(equal_weight, dtype=np.float64),
        strata=np.unique(joint, return_inverse=True)[1][order].astype(np.int64) if len(strata) else None,
        extra=further[order],
        left_out=int((~seen).sum()),
    )


def _check_names(data: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        if name not in data.columns:
            known = ", ".join(str(column) for column in data.columns)
            raise AnalysisError("is not a column of the data", field=str(name), mend=f"use one of {known}")
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise AnalysisError("is named in more than one place", field=twice[0], mend="name every column once")


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _numbers(data: pd.DataFrame, name: str, seen: Bools, *, allow_missing: bool = False) -> Floats:
    column = data[name]
    if not (_is_number(column) or pd.api.types.is_bool_dtype(column)):
        raise AnalysisError("is not numeric", field=name, mend="give it as numbers")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = seen & (np.isinf(values) if allow_missing else ~np.isfinite(values))
    if bad.any():
        raise _unusable(name, bad, "is missing or not finite" if not allow_missing else "is not finite")
    return np.asarray(values[seen])


def _positive(data: pd.DataFrame, name: str, seen: Bools) -> Floats:
    values = _numbers(data, name, seen)
    bad = np.zeros(len(data), dtype=bool)
    bad[seen] = values <= 0
    if bad.any():
        raise _unusable(name, bad, "is not above 0")
    return values


def _levels(data: pd.DataFrame, name: str, seen: Bools) -> tuple[tuple[str, ...], Ints]:
    """Return the levels that are in use, in order, and the position of each seen row's level."""
    column = data[name]
    missing = seen & column.isna().to_numpy()
    if missing.any():
        raise _unusable(name, missing, "is missing")
    column = column[seen]
    used = column.unique()
    if isinstance(column.dtype, pd.CategoricalDtype):
        ordered = [level for level in column.cat.categories if level in set(used)]
    elif _is_number(column):
        ordered = sorted(used)
    else:
        ordered = sorted(used, key=str)
    place = {level: i for i, level in enumerate(ordered)}
    return tuple(str(level) for level in ordered), np.array(
        [place[value] for value in column], dtype=np.int64
    )


def _arms(
    data: pd.DataFrame, arm: str, seen: Bools, control: Hashable | None
) -> tuple[tuple[str, ...], Ints]:
    levels, codes = _levels(data, arm, seen)
    if len(levels) < 2:
        raise AnalysisError(
            "has one level among the rows with an outcome", field=arm, mend="compare two arms or more"
        )
    counts = np.bincount(codes)
    if counts.min() < 2:
        raise AnalysisError("has a level with one participant", field=arm, value=levels[int(counts.argmin())])
    first = 0 if control is None else _control_position(levels, control, arm)
    order = [first, *(i for i in range(len(levels)) if i != first)]
    place = np.argsort(order)
    return tuple(levels[i] for i in order), place[codes].astype(np.int64)


def _control_position(levels: tuple[str, ...], control: Hashable, arm: str) -> int:
    if str(control) not in levels:
        raise AnalysisError(
            "the control is no level of the arm",
            field=arm,
            value=control,
            mend=f"use one of {', '.join(levels)}",
        )
    return levels.index(str(control))


def _unusable(name: str, bad: Bools, problem: str) -> AnalysisError:
    row = int(np.flatnonzero(bad)[0])
    return AnalysisError(
        f"{problem} in row {row} (counted from 0), whose outcome is observed",
        field=name,
        mend="impute it, or leave the row out on purpose",
    )
