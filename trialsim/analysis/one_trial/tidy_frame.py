"""What every reader of a tidy data frame shares: its roles, numbers, labels, arms, and how it refuses.

Rows are named by position, from 0, never by their content. Levels are ordered by value and by Unicode code
point, never by the machine's language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import AnalysisError

Columns = str | Sequence[str]

SMALLEST_ARM = 2


def as_names(columns: Columns | None) -> list[str]:
    """Return column names as a list; a name alone is one column."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else list(columns)


def check_roles(data: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise unless the data are a frame with rows, and every column is there and has one role."""
    if not isinstance(data, pd.DataFrame):
        raise AnalysisError("must be a data frame", field="data", value=type(data).__name__)
    for column in columns:
        if column not in data.columns:
            known = ", ".join(map(str, data.columns))
            raise AnalysisError("is not a column of the data", field=str(column), mend=f"use one of {known}")
    twice = [column for position, column in enumerate(columns) if column in columns[:position]]
    if twice:
        raise AnalysisError("is named in more than one place", field=twice[0], mend="name every column once")
    if not len(data):
        raise AnalysisError("has no rows", field="data")


def check_level(level: float) -> float:
    """Return a confidence level, which must lie in (0, 1)."""
    if not 0.0 < level < 1.0:
        raise AnalysisError("must be in (0, 1)", field="level", value=level)
    return float(level)


def row_name(wrong: Bools, rows: Ints | None = None) -> str:
    """Return the first offending row by its position in the data frame, from 0."""
    first = int(np.flatnonzero(wrong)[0])
    return f"row {first if rows is None else rows[first]} (by position, from 0)"


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers; a bool is a label."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def as_numbers(column: pd.Series) -> Floats:
    """Return a column of numbers or bools, NaN where missing, or raise."""
    if not pd.api.types.is_numeric_dtype(column):
        raise AnalysisError("must hold numbers", field=str(column.name), value=str(column.dtype))
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def read_numbers(data: pd.DataFrame, column: str, rows: Ints | None = None) -> Floats:
    """Return a numeric column without missing or infinite values."""
    numbers = as_numbers(data[column])
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise AnalysisError(
            f"must be finite, but is missing or infinite in {row_name(wrong, rows)}",
            field=column,
            mend="drop or complete such rows first",
        )
    return numbers


def read_outcome(data: pd.DataFrame, column: str) -> Floats:
    """Return a numeric column, NaN where the outcome is missing; an infinite outcome is refused."""
    values = as_numbers(data[column])
    infinite = np.isinf(values)
    if infinite.any():
        raise AnalysisError(
            f"must be finite or missing, but is infinite in {row_name(infinite)}", field=column
        )
    if np.isnan(values).all():
        raise AnalysisError("is missing in every row", field=column)
    return values


def refuse_missing(data: pd.DataFrame, column: str, rows: Ints | None = None) -> None:
    """Raise if a label of a column is missing."""
    refuse_missing_rows(data[column].isna().to_numpy(), column, rows)


def refuse_missing_rows(missing: Bools, column: str, rows: Ints | None = None) -> None:
    """Raise if a label is missing, where that is known already."""
    if missing.any():
        raise AnalysisError(
            f"is missing in {row_name(missing, rows)}", field=column, mend="drop or complete such rows first"
        )


def natural_key(label: object) -> tuple[bool, float, list[tuple[bool, float, str]], str]:
    """Return a sort key that puts numbers before text, and "week 2" before "week 10", in any locale."""
    if isinstance(label, (int, float, np.integer, np.floating, np.bool_)):
        return False, float(label), [], ""
    parts = re.split(r"([0-9]+\.?[0-9]*)", str(label))
    key = [(False, float(part), "") if k % 2 else (True, 0.0, part) for k, part in enumerate(parts) if part]
    return True, 0.0, key, str(label)


def codes_of(values: pd.Series, *, unused: bool = False) -> tuple[Ints, list[object]]:
    """Return the level's position of each row (-1 where missing), and the levels in order.

    The order is that of a categorical, else by value, "week 2" before "week 10". Categories without a row
    are left out, unless `unused`.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, found = values.cat.codes.to_numpy().astype(np.int64), values.cat.categories.tolist()
        used = np.bincount(codes + 1, minlength=len(found) + 1)[1:] > 0
        order = [k for k in range(len(found)) if unused or used[k]]
    else:
        codes, levels = pd.factorize(values.array)
        found = [level.item() if isinstance(level, np.generic) else level for level in levels.tolist()]
        by_value = pd.api.types.is_datetime64_any_dtype(values)
        order = sorted(range(len(found)), key=lambda k: found[k] if by_value else natural_key(found[k]))
    place = np.full(len(found) + 1, -1, np.int64)
    place[order] = np.arange(len(order))
    return place[codes], [found[k] for k in order]


def levels_of(values: pd.Series) -> list[object]:
    """Return the levels that occur, in the order of `codes_of`."""
    return codes_of(values)[1]


def control_first(levels: Sequence[object], control: object, column: str) -> list[object]:
    """Return the levels of the arm with the control first: the named one, else the first level."""
    if len(levels) < 2:
        raise AnalysisError("has one level only", field=column, mend="compare two arms or more")
    if control is not None and control not in levels:
        known = ", ".join(map(str, levels))
        raise AnalysisError(
            "the control is not an arm of the data", field=column, value=control, mend=f"use one of {known}"
        )
    first = levels[0] if control is None else control
    return [first, *(level for level in levels if level != first)]


def refuse_small_arms(labels: Sequence[object], sizes: Sequence[int] | Ints, column: str) -> None:
    """Raise if an arm has one participant or none."""
    for label, size in zip(labels, sizes, strict=True):
        if size < SMALLEST_ARM:
            raise AnalysisError(
                f"arm {label} has {size} participant{'' if size == 1 else 's'}; each arm needs at least 2",
                field=column,
            )


def read_arms(
    data: pd.DataFrame, column: str, control: object, active: object, rows: Ints | None = None
) -> tuple[Floats, Bools, tuple[str, str]]:
    """Return 1 for active (N,), whether a row is in either arm (N,), and the labels of both arms."""
    refuse_missing(data, column, rows)
    control, *others = control_first(levels_of(data[column]), control, column)
    if active is None and len(others) == 1:
        active = others[0]
    if active not in others:
        raise AnalysisError(
            f"needs one arm beside the control {control}, and has {', '.join(map(str, others))}",
            field=column,
            value=active,
            mend="name one of them with active=",
        )
    is_active = (data[column] == active).to_numpy(dtype=bool)
    is_control = (data[column] == control).to_numpy(dtype=bool)
    refuse_small_arms((control, active), (is_control.sum(), is_active.sum()), column)
    return is_active.astype(np.float64), is_active | is_control, (str(control), str(active))


def read_several_arms(data: pd.DataFrame, column: str, control: object) -> tuple[Floats, tuple[str, ...]]:
    """Return the position of each row's arm (N,), the control being 0, and the labels of all arms."""
    refuse_missing(data, column)
    arms = control_first(levels_of(data[column]), control, column)
    codes = np.zeros(len(data))
    for position, label in enumerate(arms):
        codes[(data[column] == label).to_numpy(dtype=bool)] = position
    refuse_small_arms(arms, np.bincount(codes.astype(np.int64)), column)
    return codes, tuple(str(label) for label in arms)


def collinear(column: str) -> AnalysisError:
    """Return the error of a covariate that the columns before it determine."""
    return AnalysisError(
        "collinear_covariate: is constant, or a linear combination of arm, strata, visits and the covariates "
        "before it",
        field=column,
        mend="leave it out",
    )
