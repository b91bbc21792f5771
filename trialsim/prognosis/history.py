"""From a file of past placebo participants to a `History` that a prognosis can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats, History, Ints
from trialsim.errors import HistoryError
from trialsim.prognosis.learnable import require_learnable
from trialsim.prognosis.rows import numbers, read_rows, require_column, text, where
from trialsim.protocol.history_table import CovariateColumn, HistoryTable


def read_history(
    path: Path | str,
    table: HistoryTable,
    endpoint: str,
    weeks: Sequence[float] | None = None,
    covariates: Sequence[str] | None = None,
) -> History:
    """Read past placebo participants from a tidy file: one row a participant and visit.

    Rows at week 0 give the baseline; rows at weeks that are not asked for are left out. Covariates
    are baseline values: they may stand in every row of a participant or in one.

    Parameters
    ----------
    path : Path or str
        CSV (UTF-8, comma) or Parquet.
    table : HistoryTable
        What the file calls its columns, which file to join and which rows to keep.
    endpoint : str
        Name of the endpoint, and of its column unless the table names another.
    weeks : sequence of float, optional
        Post-baseline visits in weeks, above 0; every week of the file if not given.
    covariates : sequence of str, optional
        Covariates to read, by our names; those that the table names if not given.

    Returns
    -------
    History
        Participants in the order of their identifiers, which are not kept.

    Raises
    ------
    HistoryError
        The file cannot be used; the message names the column and rows by position, never a value.
    """
    path = Path(path)
    columns = table.columns
    outcome_column = columns.outcome or endpoint
    names = tuple(columns.covariates if covariates is None else covariates)
    places = {name: columns.covariate(name) for name in names}
    _refuse_leaks(path, places, {columns.participant, columns.week, outcome_column})

    used = {columns.participant, columns.week, outcome_column, *(place.column for place in places.values())}
    rows = read_rows(path, table, used | ({columns.group} if columns.group else set()))
    require_column(rows, columns.participant, path, "history.columns.participant")
    require_column(rows, columns.week, path, "history.columns.week")
    require_column(rows, outcome_column, path, f"endpoint {endpoint}")

    people, codes = _participants(rows, columns.participant, path)
    visits = _required_numbers(rows, columns.week, path)
    scores = numbers(rows[outcome_column], path)
    _refuse_duplicates(rows, codes, visits, path)
    asked = _weeks(visits, scores, weeks, path)
    grid = _grid(codes, visits, scores, np.concatenate([[0.0], asked]), people)

    values = [_covariate(rows, codes, visits, people, name, place, path) for name, place in places.items()]
    history = History(
        endpoint=endpoint,
        source=path.name,
        generated=False,
        covariates=Covariates(names, np.column_stack([np.empty((people, 0)), *values])),
        weeks=asked,
        baseline=grid[:, 0],
        outcomes=grid[:, 1:],
        group=_groups(rows, codes, people, columns.group, path),
    )
    require_learnable(history, path)
    return history


def _refuse_leaks(path: Path, places: dict[str, CovariateColumn], reserved: set[str]) -> None:
    for name, place in places.items():
        if place.column in reserved:
            raise HistoryError(
                f"covariate is read from {place.column!r}, which is the outcome, the week or the participant",
                file=path,
                field=f"history.columns.covariates.{name}",
                mend="name a column of baseline values",
            )


def _participants(rows: pd.DataFrame, column: str, path: Path) -> tuple[int, Ints]:
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


def _required_numbers(rows: pd.DataFrame, column: str, path: Path) -> Floats:
    values = numbers(rows[column], path)
    missing = pd.Series(np.isnan(values), index=rows.index)
    if missing.any():
        raise HistoryError(
            f"is missing in {where(missing)}", file=path, field=column, mend="give every row a week"
        )
    return values


def _refuse_duplicates(rows: pd.DataFrame, codes: Ints, visits: Floats, path: Path) -> None:
    twice = pd.DataFrame({"p": codes, "w": visits}, index=rows.index).duplicated(keep=False)
    if twice.any():
        raise HistoryError(
            f"the same participant and week stand in more than one row: {where(twice)}",
            file=path,
            mend="keep one row a participant and visit, by [[history.filter]] if need be",
        )


def _weeks(visits: Floats, scores: Floats, asked: Sequence[float] | None, path: Path) -> Floats:
    """Return the post-baseline visits, all of which somebody was measured at."""
    seen = np.unique(visits[~np.isnan(scores)])
    if 0.0 not in seen:
        raise HistoryError(
            "no participant has a baseline: no outcome at week 0",
            file=path,
            mend="keep the rows of week 0, with the measured outcome",
        )
    later = seen[seen > 0]
    wanted = later if asked is None else np.asarray(asked, dtype=float)
    absent = [f"{week:g}" for week in wanted if week not in later]
    if absent or wanted.size == 0:
        raise HistoryError(
            f"nobody was measured at week {', '.join(absent) or '> 0'}; "
            f"the file has weeks {', '.join(f'{week:g}' for week in seen)}",
            file=path,
            mend="ask for weeks that the history has",
        )
    return np.sort(wanted)


def _grid(codes: Ints, visits: Floats, scores: Floats, weeks: Floats, people: int) -> Floats:
    """Return scores by participant and week, NaN where there is none."""
    grid = np.full((people, len(weeks)), np.nan)
    column = np.searchsorted(weeks, visits).clip(max=len(weeks) - 1)
    on_grid = weeks[column] == visits
    grid[codes[on_grid], column[on_grid]] = scores[on_grid]
    return grid


def _covariate(
    rows: pd.DataFrame,
    codes: Ints,
    visits: Floats,
    people: int,
    name: str,
    place: CovariateColumn,
    path: Path,
) -> Floats:
    """Return one baseline covariate (N,), recoded if asked."""
    field = f"history.columns.covariates.{name}"
    require_column(rows, place.column, path, field)
    column = rows[place.column]
    if place.values:
        categories = text(column)
        values = categories.map(place.values).to_numpy(dtype=float)
        unknown = categories.notna() & np.isnan(values)
        if unknown.any():
            raise HistoryError(
                f"holds a category that [history.columns.covariates] does not recode, in {where(unknown)}",
                file=path,
                field=field,
                mend=f"give each category of {place.column} a number",
            )
    else:
        values = numbers(column, path)
    series = pd.Series(values, index=rows.index)
    _refuse_later_values(series, codes, visits, place.column, path)
    return _one_each(series, codes, people, place.column, path)


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


def _groups(rows: pd.DataFrame, codes: Ints, people: int, column: str | None, path: Path) -> Ints:
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
    return _one_each(pd.Series(numbered, index=rows.index), codes, people, column, path).astype(np.int64)


def _one_each(values: pd.Series, codes: Ints, people: int, column: str, path: Path) -> Floats:
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
