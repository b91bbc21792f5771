"""From a file with one response, count or event a participant to an `OutcomeHistory`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats, OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.missing_codes import code_like, declared
from trialsim.prognosis.histories.arms import require_one_arm
from trialsim.prognosis.histories.outcome import require_outcomes
from trialsim.prognosis.histories.participants import (
    covariate,
    groups,
    in_ranges,
    participants,
    range_of,
    recoded,
    refuse_leaks,
)
from trialsim.prognosis.histories.rows import numbers, read_rows, refuse_codes, require_column, text, where
from trialsim.prognosis.histories.together import require_no_joint_leak_of_outcome
from trialsim.protocol.outcome_table import WEEKS_IN, OutcomeTable

# Families whose outcome is a time: one week for all would make everybody's event happen then.
TIMED = ("weibull", "cure", "piecewise")


def read_outcome_history(path: Path | str, table: OutcomeTable) -> OutcomeHistory:
    """Read past placebo participants with one outcome each from a tidy file: one row a participant.

    Parameters
    ----------
    path : Path or str
        CSV (UTF-8, comma) or Parquet.
    table : OutcomeTable
        Family, covariates, and what the file calls its columns.

    Returns
    -------
    OutcomeHistory
        Participants in the order of their identifiers, which are not kept. Follow-up in weeks.

    Raises
    ------
    HistoryError
        The file cannot be used; the message names the column and rows by position, never a value.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from trialsim.protocol.outcome_table import OutcomeTable
    >>> table = OutcomeTable(endpoint="response", family="binary", covariates=("age",), week=24.0)
    >>> rows = pd.DataFrame({"participant": range(40), "response": [1, 0, 0, 1] * 10, "age": range(50, 90)})
    >>> with TemporaryDirectory() as folder:
    ...     rows.to_csv(Path(folder) / "past.csv", index=False)
    ...     print(read_outcome_history(Path(folder) / "past.csv", table).outcome.sum())
    20.0
    """
    path, columns = Path(path), table.columns
    outcome = table.outcome_column
    places = {name: table.rows.columns.covariate(name) for name in table.covariates}
    reserved = {columns.participant, outcome, *([columns.time] if columns.time else [])}
    refuse_leaks(path, places, reserved)
    used = (
        reserved | {place.column for place in places.values()} | ({columns.group} if columns.group else set())
    )
    rows = read_rows(path, table.rows, used)
    require_column(rows, columns.participant, path, "columns.participant")
    require_column(rows, outcome, path, "columns.outcome")
    require_one_arm(rows, table.rows, path)
    people, codes = participants(rows, columns.participant, path)
    _require_one_row_each(rows, codes, path)
    place = np.empty(people, dtype=np.int64)
    place[codes] = np.arange(len(codes))
    outcome_of, time = _outcome(rows, table, path)[place], _time(rows, table, path)[place]
    at_baseline = np.zeros(len(rows))
    values = [
        covariate(rows, codes, at_baseline, people, name, where_it_stands, path, table.missing)
        for name, where_it_stands in places.items()
    ]
    history = OutcomeHistory(
        endpoint=table.endpoint,
        source=path.name,
        family=table.family,
        covariates=Covariates(table.covariates, np.column_stack(values)),
        outcome=outcome_of,
        time=time,
        group=groups(rows, codes, people, columns.group, path),
        levels=_levels(table, outcome_of),
    )
    try:
        require_outcomes(history)
        require_no_joint_leak_of_outcome(history)
    except HistoryError as refusal:
        refusal.file = refusal.file or path
        raise
    return history


def _levels(table: OutcomeTable, outcome: Floats) -> tuple[str, ...]:
    """Return names of the levels, 0 to the highest in the file if not given; none but for an ordinal one."""
    if table.family != "ordinal" or table.levels or not len(outcome):
        return table.levels
    return tuple(f"{level}" for level in range(int(outcome.max()) + 1))


def _require_one_row_each(rows: pd.DataFrame, codes: np.ndarray, path: Path) -> None:
    twice = pd.Series(codes, index=rows.index).duplicated(keep=False)
    if twice.any():
        raise HistoryError(
            f"a participant has more than one row: {where(twice)}",
            file=path,
            field="columns.participant",
            mend="keep one row a participant, by [[filter]] if need be",
        )


def _outcome(rows: pd.DataFrame, table: OutcomeTable, path: Path) -> Floats:
    field = "columns.values" if table.columns.values else "levels"
    column, told = rows[table.outcome_column], table.columns.values
    if told and all(range_of(key) for key in told) and not text(column).isin(list(told)).any():
        measured = numbers(column, path)
        if declared(table.missing, table.outcome_column) is None:
            refuse_codes(pd.Series(code_like(measured), index=rows.index), table.outcome_column, path)
        return _known(in_ranges(measured, told, rows.index, path, field), rows, table, path)
    try:
        values = recoded(column, table.outcome_values, path, field)
    except HistoryError as refusal:
        if field == "levels":
            refusal.mend = (
                "name every level that the file holds, or give the position of each as columns.values"
            )
        raise
    if not table.outcome_values and declared(table.missing, table.outcome_column) is None:
        refuse_codes(pd.Series(code_like(values), index=rows.index), table.outcome_column, path)
    return _known(values, rows, table, path)


def _known(values: Floats, rows: pd.DataFrame, table: OutcomeTable, path: Path) -> Floats:
    """Return the outcomes, once everybody has one."""
    missing = pd.Series(np.isnan(values), index=rows.index)
    if missing.any():
        raise HistoryError(
            f"the outcome is missing in {where(missing)}",
            file=path,
            field=table.outcome_column,
            mend="leave out whom nobody knows of, and say why they are not known",
        )
    return values


def _time(rows: pd.DataFrame, table: OutcomeTable, path: Path) -> Floats:
    name = table.columns.time
    if name is None:
        if table.family in TIMED or table.week is None:
            raise _without_time(table.family, path)
        return np.full(len(rows), table.week)
    require_column(rows, name, path, "columns.time")
    measured = numbers(rows[name], path)
    if declared(table.missing, name) is None:
        refuse_codes(pd.Series(code_like(measured), index=rows.index), name, path)
    values = measured * WEEKS_IN[table.columns.time_unit]
    wrong = pd.Series(~(values > 0), index=rows.index)
    if wrong.any():
        raise HistoryError(
            f"follow-up is missing or not above 0 in {where(wrong)}",
            file=path,
            field=name,
            mend="correct the cells, or leave these participants out",
        )
    return values


def _without_time(family: str, path: Path) -> HistoryError:
    """Return the error for a table that names neither a column of time nor, where that will do, a week."""
    column = "name the column of follow-up under [columns] time"
    needed, field, mend = "its week", "week", f"{column}, or give the week of assessment as week"
    if family in TIMED:
        needed, field, mend = "a follow-up", "columns.time", column
    if family == "count":
        field = "columns.time"
        needed, mend = "a follow-up", f"{column}, or give as week how long everybody was followed"
    return HistoryError(
        f"{'an' if family == 'ordinal' else 'a'} {family} outcome needs {needed}",
        file=path,
        field=field,
        mend=mend,
    )
