"""From a file of past placebo participants to a `History` that a prognosis can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats, History, Ints
from trialsim.errors import HistoryError
from trialsim.missing_codes import code_like, declared
from trialsim.prognosis.histories.arms import require_one_arm
from trialsim.prognosis.histories.learnable import require_learnable
from trialsim.prognosis.histories.participants import (
    covariate,
    groups,
    participants,
    refuse_leaks,
    required_numbers,
)
from trialsim.prognosis.histories.rows import numbers, read_rows, refuse_codes, require_column, where
from trialsim.protocol.history_table import HistoryTable


def read_history(
    path: Path | str,
    table: HistoryTable,
    endpoint: str,
    weeks: Sequence[float] | None = None,
    covariates: Sequence[str] | None = None,
    *,
    running: bool = False,
) -> History:
    """Read past placebo participants, or those of a running trial: one row a participant and visit.

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
    running : bool
        Whether these are participants of a running trial, from which nothing need be learnt: one is enough.

    Returns
    -------
    History
        Participants in the order of their identifiers, which are not kept.

    Raises
    ------
    HistoryError
        The file cannot be used; the message names the column and rows by position, never a value.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rows = pd.DataFrame({"participant": np.repeat(np.arange(30), 2), "week": [0, 12] * 30,
    ...                      "score": np.arange(60) % 7 + 20.0})
    >>> with TemporaryDirectory() as folder:
    ...     rows.to_csv(Path(folder) / "past.csv", index=False)
    ...     print(read_history(Path(folder) / "past.csv", HistoryTable(), "score").outcomes.shape)
    (30, 1)
    """
    path = Path(path)
    columns = table.columns
    outcome_column = columns.outcome or endpoint
    names = tuple(columns.covariates if covariates is None else covariates)
    places = {name: columns.covariate(name) for name in names}
    refuse_leaks(path, places, {columns.participant, columns.week, outcome_column})

    used = {columns.participant, columns.week, outcome_column, *(place.column for place in places.values())}
    rows = read_rows(path, table, used | ({columns.group} if columns.group else set()), {columns.week})
    require_column(rows, columns.participant, path, "history.columns.participant")
    require_column(rows, columns.week, path, "history.columns.week")
    require_column(rows, outcome_column, path, f"endpoint {endpoint}")
    if not running:
        require_one_arm(rows, table, path)

    people, codes = participants(rows, columns.participant, path)
    visits = required_numbers(rows, columns.week, path)
    scores = numbers(rows[outcome_column], path)
    if declared(table.missing, outcome_column) is None:
        refuse_codes(pd.Series(code_like(scores), index=rows.index), outcome_column, path)
    _refuse_duplicates(rows, codes, visits, path)
    asked = _weeks(visits, scores, weeks, path)
    grid = _grid(codes, visits, scores, np.concatenate([[0.0], asked]), people)

    values = [
        covariate(rows, codes, visits, people, name, place, path, table.missing)
        for name, place in places.items()
    ]
    history = History(
        endpoint=endpoint,
        source=path.name,
        generated=False,
        covariates=Covariates(names, np.column_stack([np.empty((people, 0)), *values])),
        weeks=asked,
        baseline=grid[:, 0],
        outcomes=grid[:, 1:],
        group=groups(rows, codes, people, columns.group, path),
    )
    if not running:
        require_learnable(history, path)
    return history


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
