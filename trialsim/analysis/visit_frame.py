"""Reading a statistician's own longitudinal trial: one row a participant and visit, in any order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.survival_frame import (
    Columns,
    as_names,
    levels_of,
    read_columns,
    refuse_absent,
    refuse_collinear,
    row_name,
)
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class VisitFrame:
    """A longitudinal trial as arrays, its participants in an order that their content alone decides.

    Parameters
    ----------
    outcomes : ndarray (N, V)
        NaN where the outcome is missing or its row absent.
    design : ndarray (N, q)
        Intercept, arm (0 control, 1 active) and the covariates.
    names : tuple of str
        Of the q columns; a category of a character covariate reads ``sex[M]``.
    arms : tuple of (str, str)
        Labels of control and active.
    visits : tuple of str
        Labels of the V visits, in order.
    """

    outcomes: Floats
    design: Floats
    names: tuple[str, ...]
    arms: tuple[str, str]
    visits: tuple[str, ...]

    @property
    def arm(self) -> Ints:
        """Arm of each participant (N,)."""
        return self.design[:, 1].astype(np.int64)


def read_visit_frame(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns | None = None,
    control: object = None,
) -> VisitFrame:
    """Check a tidy data frame and return it as arrays; see `VisitFrame`.

    Parameters
    ----------
    data : DataFrame
        One row a participant and visit; rows of missed visits may be absent or hold a missing outcome.
    outcome, arm, visit, participant : str
        Columns. Visits are ordered as the categories of a categorical, else by number; the numbers inside
        a text count as numbers, so that week 2 comes before week 12.
    covariates : str or sequence of str, optional
        Baseline columns, numbers or labels.
    control : object, optional
        Label of the control arm; the first level unless given.

    Raises
    ------
    AnalysisError
        If a column is absent, a value unusable, a visit never observed or its outcome constant, an arm
        smaller than two participants, or a covariate collinear with those before it or not of baseline.
    """
    covariate_columns = as_names(covariates)
    refuse_absent(data, [outcome, arm, visit, participant, *covariate_columns])
    if not len(data):
        raise AnalysisError("the data have no rows")
    values = _read_outcome(data, outcome)
    for column in (arm, visit, participant):
        _refuse_missing(data, column)
    person, first = _participants(data, participant)
    for column in (arm, *covariate_columns):
        _refuse_changing(data, column, person, first)
    people = data.iloc[first]
    labels, is_active = _read_arm(people[arm], arm, control)
    names, columns = _read_covariates(people, covariate_columns, first, _totals(values, person, len(people)))
    design = np.column_stack([np.ones(len(people)), is_active, columns])
    visits = _ordered_visits(data[visit])
    position = data[visit].map({label: k for k, label in enumerate(visits)}).to_numpy(dtype=np.int64)
    _refuse_twice(person * len(visits) + position, visit)
    outcomes = np.full((len(people), len(visits)), np.nan)
    outcomes[person, position] = values
    _refuse_unusable_visits(outcomes, visits, outcome)
    order = np.lexsort((*np.nan_to_num(outcomes, nan=np.inf).T, *design.T))
    refuse_collinear(names, design[order, 1:], np.zeros(len(people), np.int64))
    return VisitFrame(
        np.ascontiguousarray(outcomes[order]),
        np.ascontiguousarray(design[order]),
        ("(Intercept)", f"{arm}[{labels[1]}]", *names),
        labels,
        tuple(str(label) for label in visits),
    )


def _read_outcome(data: pd.DataFrame, column: str) -> Floats:
    if not pd.api.types.is_numeric_dtype(data[column]):
        raise AnalysisError("must hold numbers", field=column, value=str(data[column].dtype))
    values = data[column].to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.isinf(values)
    if infinite.any():
        rows = np.arange(len(data))
        raise AnalysisError(
            f"must be finite or missing, but is infinite in {row_name(infinite, rows)}", field=column
        )
    return values


def _refuse_missing(data: pd.DataFrame, column: str) -> None:
    missing = data[column].isna().to_numpy()
    if missing.any():
        where = row_name(missing, np.arange(len(data)))
        raise AnalysisError(f"is missing in {where}", field=column, mend="drop or complete such rows first")


def _participants(data: pd.DataFrame, column: str) -> tuple[Ints, Ints]:
    """Return each row's participant, numbered by first appearance, and each participant's first row."""
    person, labels = pd.factorize(data[column])
    first = np.full(len(labels), len(data), np.int64)
    np.minimum.at(first, person, np.arange(len(data)))
    return person.astype(np.int64), first


def _refuse_changing(data: pd.DataFrame, column: str, person: Ints, first: Ints) -> None:
    codes, _ = pd.factorize(data[column])
    changed = codes != codes[first][person]
    if changed.any():
        where = row_name(changed, np.arange(len(data)))
        raise AnalysisError(
            f"must be the same in every row of a participant, but changes in {where}",
            field=column,
            mend="give the baseline value in every row",
        )


def _read_arm(values: pd.Series, column: str, control: object) -> tuple[tuple[str, str], Floats]:
    levels = levels_of(values)
    control = levels[0] if control is None else control
    others = [level for level in levels if level != control]
    if len(levels) != 2 or len(others) != 1:
        raise AnalysisError(
            f"must have two levels, the control among them, but has {', '.join(map(str, levels))}",
            field=column,
            value=control,
            mend="compare two arms at a time, and name one of them with control=",
        )
    is_active = (values == others[0]).to_numpy(dtype=bool).astype(np.float64)
    for label, size in ((control, (is_active == 0).sum()), (others[0], is_active.sum())):
        if size < 2:
            raise AnalysisError(
                f"arm {label} has {size:.0f} participant; each arm needs at least 2", field=column
            )
    return (str(control), str(others[0])), is_active


def _totals(values: Floats, person: Ints, people: int) -> list[float]:
    """Return the exact sum of each participant's outcomes, whatever the order of rows."""
    parts: list[list[float]] = [[] for _ in range(people)]
    for value, owner in zip(values[~np.isnan(values)], person[~np.isnan(values)], strict=True):
        parts[owner].append(float(value))
    return [math.fsum(part) for part in parts]


def _read_covariates(
    people: pd.DataFrame, columns: Sequence[str], rows: Ints, totals: Sequence[float]
) -> tuple[tuple[str, ...], Floats]:
    """Return names and values of the columns; a factor of K levels gives K - 1 indicators.

    Levels are ordered by what belongs to them, so that other labels leave every digit as it is.
    """
    names: list[str] = []
    values: list[Floats] = [np.empty((len(people), 0))]
    for column in columns:
        if pd.api.types.is_numeric_dtype(people[column]) and not pd.api.types.is_bool_dtype(people[column]):
            values.append(read_columns(people, [column], rows)[1])
            names.append(column)
            continue
        if people[column].isna().any():
            where = row_name(people[column].isna().to_numpy(), rows)
            raise AnalysisError(
                f"is missing in {where}", field=column, mend="drop or complete such rows first"
            )
        members = {
            level: (people[column] == level).to_numpy(dtype=bool) for level in levels_of(people[column])
        }
        if len(members) < 2:
            raise AnalysisError("has one level only", field=column, mend="leave it out")
        content = {
            level: (int(here.sum()), math.fsum(totals[int(i)] for i in np.flatnonzero(here)))
            for level, here in members.items()
        }
        for level in sorted(members, key=content.__getitem__)[:-1]:
            names.append(f"{column}[{level}]")
            values.append(members[level].astype(np.float64)[:, None])
    return tuple(names), np.hstack(values)


def _ordered_visits(values: pd.Series) -> list[object]:
    levels = levels_of(values)
    if isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_numeric_dtype(values):
        return levels
    return sorted(levels, key=_natural)


def _natural(label: object) -> list[tuple[bool, float, str]]:
    """Return a key that sorts the numbers inside a text as numbers."""
    parts = re.split(r"(\d+\.?\d*)", str(label))
    return [(False, float(part), "") if k % 2 else (True, 0.0, part) for k, part in enumerate(parts)]


def _refuse_twice(cell: Ints, column: str) -> None:
    twice = pd.Series(cell).duplicated().to_numpy()
    if twice.any():
        where = row_name(twice, np.arange(len(cell)))
        raise AnalysisError(
            f"occurs twice for a participant, again in {where}", field=column, mend="keep one"
        )


def _refuse_unusable_visits(outcomes: Floats, visits: Sequence[object], column: str) -> None:
    for label, values in zip(visits, outcomes.T, strict=True):
        seen = values[~np.isnan(values)]
        if not len(seen):
            raise AnalysisError(
                f"is missing for everybody at visit {label}", field=column, mend="drop the visit"
            )
        if (seen == seen[0]).all():
            raise AnalysisError(f"is constant at visit {label}", field=column, mend="drop the visit")
