"""What each participant of a file has once: identifier, baseline covariates, group, labels of subgroups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import Floats, Ints
from trialsim.errors import HistoryError
from trialsim.missing_codes import MissingCodes, code_like, declared
from trialsim.prognosis.histories.rows import numbers, read_rows, refuse_codes, require_column, text, where
from trialsim.protocol.history_table import CovariateColumn, HistoryTable

MISSING_LABEL = "missing"
MOST_LEVELS = 20
FEWEST_A_LEVEL = 2


def refuse_leaks(path: Path, places: dict[str, CovariateColumn], reserved: set[str]) -> None:
    """Raise if a covariate is read from a column that holds something else."""
    for name, place in places.items():
        if place.column in reserved:
            raise HistoryError(
                f"covariate is read from {place.column!r}, which is the outcome, the week or the participant",
                file=path,
                field=f"history.columns.covariates.{name}",
                mend="name a column of baseline values",
            )


def participants(rows: pd.DataFrame, column: str, path: Path) -> tuple[int, Ints]:
    """Return how many participants there are, and which of them each row belongs to."""
    identifiers = text(rows[column])
    if identifiers.isna().any():
        raise HistoryError(
            f"is missing in {where(identifiers.isna())}",
            file=path,
            field=column,
            mend="name every participant",
        )
    labels, codes = np.unique(identifiers.to_numpy(dtype=str), return_inverse=True)
    return len(labels), codes.astype(np.int64)


def required_numbers(rows: pd.DataFrame, column: str, path: Path) -> Floats:
    """Return a column of weeks (rows,), or raise if one is missing."""
    values = numbers(rows[column], path)
    missing = pd.Series(np.isnan(values), index=rows.index)
    if missing.any():
        raise HistoryError(
            f"is missing in {where(missing)}", file=path, field=column, mend="give every row a week"
        )
    return values


def recoded(column: pd.Series, values: Mapping[str, float], path: Path, field: str) -> Floats:
    """Return a column (rows,) as numbers, its categories by their number where some are given."""
    if not values:
        return numbers(column, path)
    categories = text(column)
    found = np.asarray(categories.map(dict(values)), dtype=np.float64)
    unknown = categories.notna() & np.isnan(found)
    if unknown.any():
        raise HistoryError(
            f"holds a category that {field} does not recode, in {where(unknown)}",
            file=path,
            field=field,
            mend=f"give each category of {column.name} a number",
        )
    return found


_RANGE = re.compile(r"(>=|<=|>|<)\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
_SIDES = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}


def range_of(key: str) -> tuple[str, float] | None:
    """Return comparison and bound of a range such as ``">= 50"``; None for the name of a category.

    Examples
    --------
    >>> range_of(">= 50"), range_of("<2.5"), range_of("partial")
    (('>=', 50.0), ('<', 2.5), None)
    """
    found = _RANGE.fullmatch(key.strip())
    return None if found is None else (found[1], float(found[2]))


def in_ranges(
    measured: Floats, values: Mapping[str, float], rows: pd.Index, path: Path, field: str
) -> Floats:
    """Return the number of the range that each measurement (rows,) is in; NaN where it is missing.

    Raises
    ------
    HistoryError
        A measurement is in none of the ranges, or in several.
    """
    found = np.full(len(measured), np.nan)
    met = np.zeros(len(measured), dtype=int)
    for key, number in values.items():
        parts = range_of(key)
        assert parts is not None
        inside = _SIDES[parts[0]](measured, parts[1])
        found[inside] = number
        met += inside
    wrong = pd.Series(~np.isnan(measured) & (met != 1), index=rows)
    if wrong.any():
        raise HistoryError(
            f"must give ranges of which each number is in one, which is not so in {where(wrong)}", file=path,
            field=field, value=list(values), mend='give both sides of one bound, such as ">= 50" and "< 50"',
        )  # fmt: skip
    return found


def covariate(
    rows: pd.DataFrame,
    codes: Ints,
    visits: Floats,
    people: int,
    name: str,
    place: CovariateColumn,
    path: Path,
    missing: MissingCodes,
) -> Floats:
    """Return one baseline covariate (N,), recoded if asked; refuse undeclared codes for "missing"."""
    field = f"history.columns.covariates.{name}"
    require_column(rows, place.column, path, field)
    values = recoded(rows[place.column], place.values, path, field)
    series = pd.Series(values, index=rows.index)
    _refuse_later_values(series, codes, visits, place.column, path)
    own = one_each(series, codes, people, place.column, path)
    if not place.values and declared(missing, place.column) is None:
        refuse_codes(
            pd.Series(code_like(own)[codes] & ~np.isnan(values), index=rows.index), place.column, path
        )
    return own


def _refuse_later_values(values: pd.Series, codes: Ints, visits: Floats, column: str, path: Path) -> None:
    """Refuse a covariate that a participant has at later visits only: it may be an outcome."""
    given = values.notna().to_numpy()
    at_baseline, known = set(codes[visits == 0]), set(codes[given & (visits == 0)])
    late = np.array([code in at_baseline and code not in known for code in codes], dtype=bool) & given
    if late.any():
        raise HistoryError(
            f"has no value at week 0 but one later, first in {where(pd.Series(late))}",
            file=path,
            field=column,
            mend="give the baseline value in the row of week 0: what is known later is no covariate",
        )


def groups(rows: pd.DataFrame, codes: Ints, people: int, column: str | None, path: Path) -> Ints:
    """Return the study or site of each participant, from 0."""
    if column is None:
        return np.zeros(people, dtype=np.int64)
    require_column(rows, column, path, "history.columns.group")
    labels = text(rows[column])
    if labels.isna().any():
        raise HistoryError(
            f"is missing in {where(labels.isna())}",
            file=path,
            field=column,
            mend="name the group of every row",
        )
    numbered = np.unique(labels.to_numpy(dtype=str), return_inverse=True)[1].astype(float)
    return one_each(pd.Series(numbered, index=rows.index), codes, people, column, path).astype(np.int64)


def one_each(values: pd.Series, codes: Ints, people: int, column: str, path: Path) -> Floats:
    """Return the one value (N,) that each participant has in a column; refuse one that changes."""
    seen = values.dropna()
    of_seen = pd.Series(codes, index=values.index).loc[seen.index]
    first = seen.groupby(of_seen).transform("first")
    changes = seen != first
    if changes.any():
        raise HistoryError(
            f"changes within a participant, first in {where(changes)}",
            file=path,
            field=column,
            mend="keep the baseline value in every row, or join a file of participants",
        )
    result = np.full(people, np.nan)
    result[of_seen.to_numpy()] = seen.to_numpy()
    return result


def read_labels(path: Path | str, table: HistoryTable, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the labels of participants (N,) in columns that no model uses, such as race.

    Parameters
    ----------
    path : Path or str
        CSV or Parquet, as in `read_history`.
    table : HistoryTable
        What to join and which rows to keep.
    columns : sequence of str
        Columns of the file or of the joined one.

    Returns
    -------
    dict of str to ndarray of str (N,)
        In the order of participants of `read_history`; ``missing`` where there is no label.

    Raises
    ------
    HistoryError
        A column is absent, changes within a participant, or tells nearly everybody apart, as an identifier
        does: its labels would be printed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from trialsim.protocol import HistoryTable
    >>> rows = pd.DataFrame({"participant": list("aabb"), "week": [0, 12, 0, 12], "sex": list("ffmm"),
    ...                      "score": [20.0, 22.0, 19.0, 18.0]})
    >>> with TemporaryDirectory() as folder:
    ...     rows.to_csv(Path(folder) / "past.csv", index=False)
    ...     print(read_labels(Path(folder) / "past.csv", HistoryTable(), ["sex"])["sex"].tolist())
    ['f', 'm']
    """
    path = Path(path)
    rows = read_rows(path, table, {table.columns.participant, *columns})
    people, codes = participants(rows, table.columns.participant, path)
    found = {}
    for name in columns:
        require_column(rows, name, path, "subgroup")
        label = text(rows[name])
        levels = np.unique(label.dropna().to_numpy(dtype=str))
        if name == table.columns.participant or levels.size > max(MOST_LEVELS, people // FEWEST_A_LEVEL):
            raise HistoryError(
                f"has {levels.size} different values for {people} participants: that is no grouping",
                file=path,
                field=name,
                mend="name a column of groups, and part a number by ranges first",
            )
        code = pd.Series(np.nan, index=rows.index)
        code[label.notna()] = np.searchsorted(levels, label.dropna().to_numpy(dtype=str)).astype(float)
        own = one_each(code, codes, people, name, path)
        known = np.isfinite(own)
        labels = np.full(people, MISSING_LABEL, dtype=object)
        labels[known] = levels[own[known].astype(int)]
        found[name] = labels.astype(str)
    return found


def participant_identifiers(path: Path | str, table: HistoryTable) -> np.ndarray:
    """Return the identifiers of participants (N,), in the order of participants of `read_history`.

    For files that their owner asks for; nothing that is kept or reported holds them.

    Parameters
    ----------
    path : Path or str
        CSV or Parquet file.
    table : HistoryTable
        How it is read.

    Returns
    -------
    ndarray of str (N,)
        Sorted.

    Raises
    ------
    HistoryError
        A row has no identifier, or the file cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from trialsim.protocol import HistoryTable
    >>> rows = pd.DataFrame({"participant": list("aabb"), "week": [0, 12, 0, 12], "sex": list("ffmm"),
    ...                      "score": [20.0, 22.0, 19.0, 18.0]})
    >>> with TemporaryDirectory() as folder:
    ...     rows.to_csv(Path(folder) / "past.csv", index=False)
    ...     print(participant_identifiers(Path(folder) / "past.csv", HistoryTable()))
    ['a' 'b']
    """
    path, name = Path(path), table.columns.participant
    rows = read_rows(path, table, {name})
    participants(rows, name, path)
    return np.unique(text(rows[name]).to_numpy(dtype=str))


def column_names(path: Path | str, table: HistoryTable) -> tuple[str, ...]:
    """Return the columns of a file and of the one joined to it.

    Parameters
    ----------
    path : Path or str
        CSV or Parquet file.
    table : HistoryTable
        How it is read.

    Returns
    -------
    tuple of str
        In the order of the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from trialsim.protocol import HistoryTable
    >>> rows = pd.DataFrame({"participant": list("aabb"), "week": [0, 12, 0, 12], "sex": list("ffmm"),
    ...                      "score": [20.0, 22.0, 19.0, 18.0]})
    >>> with TemporaryDirectory() as folder:
    ...     rows.to_csv(Path(folder) / "past.csv", index=False)
    ...     print(column_names(Path(folder) / "past.csv", HistoryTable()))
    ('participant', 'week', 'sex', 'score')
    """
    rows = read_rows(Path(path), table, {table.columns.participant})
    return tuple(str(name) for name in rows.columns)
