"""Rows of a history file: reading, joining and filtering, before anything is made of them."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.data import Bools, Floats
from trialsim.errors import HistoryError
from trialsim.missing_codes import MEND, MissingCodes, blanked, code_like, declared
from trialsim.protocol.history_table import HistoryFilter, HistoryJoin, HistoryTable

MISSING = ("", "NA", "NaN", "nan", ".")
LARGEST_FILE_BYTES = 2_000_000_000
# Of a Parquet file, which can hold billions of equal cells in a few bytes: 0.8 GB of doubles.
MOST_CELLS = 100_000_000
# Squares of what is measured, and sums of them, stay far inside the range of a double.
LARGEST_NUMBER = 1e15
_SHOWN_ROWS = 5


def read_rows(path: Path, table: HistoryTable, used: set[str], labels: Collection[str] = ()) -> pd.DataFrame:
    """Return the rows that a protocol keeps of a history, still under the file's column names.

    Parameters
    ----------
    path : Path
        CSV or Parquet.
    table : HistoryTable
        What to join and which rows to keep.
    used : set of str
        Columns that will be read; none of them may stand in both files.
    labels : collection of str
        Columns beside participant and group that hold no measured value, such as the week: a code for
        "missing" means nothing there.

    Returns
    -------
    DataFrame
        The index is each row's position in the file, from 1.

    Raises
    ------
    HistoryError
        A file is missing, empty or unreadable, a column is absent, a participant is not in the
        joined file, or nothing is left.
    """
    rows = read_table(path)
    used = used | {row.column for row in table.filter}
    if table.join is not None:
        rows = _join(rows, path, table.join, used)
    by = {table.join.by} if table.join is not None else set()
    rows = _without_codes(rows, table, used - {table.columns.participant, table.columns.group, *by, *labels})
    for position, condition in enumerate(table.filter):
        rows = _keep(rows, path, condition, position, table.missing)
    return rows


def _without_codes(rows: pd.DataFrame, table: HistoryTable, columns: Collection[str]) -> pd.DataFrame:
    """Return the rows with the declared codes for "missing" left empty."""
    found = {name: codes for name in columns if (codes := declared(table.missing, name))}
    return rows.assign(**{name: blanked(rows[name], codes) for name, codes in found.items() if name in rows})


def read_table(path: Path) -> pd.DataFrame:
    """Return a CSV file (all text, missing as NaN) or a Parquet file; the index counts rows from 1."""
    require_file(path)
    rows = read_parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else _read_csv(path)
    if rows.empty:
        raise HistoryError("has no rows", file=path, mend="give a file with a header and rows")
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    return rows


def require_file(path: Path) -> None:
    """Refuse what is no file of a size that can be read, before it is opened: a pipe never ends."""
    if not path.exists():
        raise HistoryError("file not found", file=path, mend="check the path")
    if not path.is_file():
        raise HistoryError("is not a file", file=path, mend="give the path of a CSV or Parquet file")
    if not 0 < path.stat().st_size <= LARGEST_FILE_BYTES:
        raise HistoryError(
            f"is empty or larger than {LARGEST_FILE_BYTES:,} bytes", file=path, mend="give a file with rows"
        )


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = pd.Series(next(csv.reader(lines), []))
        with warnings.catch_warnings():
            # Rows with more cells than the header has names: pandas would read them without the rest.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            rows = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                na_values=list(MISSING),
                index_col=False,
                encoding="utf-8-sig",
            )
    except pd.errors.ParserWarning:
        raise HistoryError(
            f"has rows with more cells than the {len(header)} names of its header",
            file=path,
            mend="name every column, and put a text that holds a comma in quotes",
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error, ValueError) as fault:
        raise HistoryError(
            f"cannot be read as CSV ({type(fault).__name__})",
            file=path,
            mend="give comma-separated UTF-8 text with one header line, or Parquet",
        ) from None
    twice = sorted(header[header.duplicated()].astype(str))
    if twice:
        raise HistoryError("has this column twice", file=path, field=twice[0], mend="rename one of them")
    return rows


def read_parquet(path: Path) -> pd.DataFrame:
    """Return a Parquet file, if the cells that it claims to have can be held and each is one value.

    Raises
    ------
    HistoryError
        It claims too many cells, has nested columns, or cannot be read.
    """
    mend = "write the file again"
    try:
        with pq.ParquetFile(path) as file:
            facts, schema = file.metadata, file.schema_arrow
        cells = facts.num_rows * facts.num_columns
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if cells <= MOST_CELLS and not nested:
            # Texts that are no UTF-8 would fail later, with their content in the message.
            pq.read_table(path).validate(full=True)
            return pd.read_parquet(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, pa.ArrowException) as fault:
        raise HistoryError(
            f"cannot be read as Parquet ({type(fault).__name__})", file=path, mend=mend
        ) from None
    if nested:
        raise HistoryError(
            "holds several values in a cell", file=path, field=nested[0], mend="give one a cell"
        )
    raise HistoryError(
        f"claims {cells:,} cells, and {MOST_CELLS:,} are read",
        file=path,
        mend="keep the rows that are needed",
    )


def _join(rows: pd.DataFrame, path: Path, join: HistoryJoin, used: set[str]) -> pd.DataFrame:
    """Return the rows with the columns of the participant file beside them."""
    beside = path.parent / join.file
    people = read_table(beside)
    for file, frame in ((path, rows), (beside, people)):
        require_column(frame, join.by, file, "history.join.by")
    both = sorted(used & set(rows.columns) & set(people.columns) - {join.by})
    if both:
        raise HistoryError(
            f"stands in {path.name} and in {beside.name}, so its meaning is open",
            file=beside,
            field=both[0],
            mend="rename it in one of the files",
        )
    keys = text(people[join.by])
    repeated = keys.duplicated(keep=False)
    if repeated.any():
        raise HistoryError(
            f"names a participant more than once ({where(repeated)})",
            file=beside,
            field=join.by,
            mend="keep one row a participant",
        )
    own = text(rows[join.by])
    unmatched = ~own.isin(keys.dropna())
    if unmatched.any():
        raise HistoryError(
            f"participants of {where(unmatched)} are not in {beside.name}",
            file=path,
            field=join.by,
            mend=f"add them to {beside.name} or leave their rows out",
        )
    extra = people.drop(columns=[name for name in people if name in rows.columns])
    matched = extra.set_index(pd.Index(keys)).loc[own].set_index(rows.index)
    return pd.concat([rows, matched], axis=1)


def _keep(
    rows: pd.DataFrame, path: Path, condition: HistoryFilter, position: int, missing: MissingCodes
) -> pd.DataFrame:
    """Return the rows that meet one condition."""
    field = f"history.filter[{position}]"
    require_column(rows, condition.column, path, field + ".column")
    column = rows[condition.column]
    if condition.at_least is not None or condition.at_most is not None:
        values = numbers(column, path)
        low = -np.inf if condition.at_least is None else condition.at_least
        high = np.inf if condition.at_most is None else condition.at_most
        keep = (values >= low) & (values <= high)
        if declared(missing, condition.column) is None:
            refuse_codes(pd.Series(code_like(values) & keep, index=rows.index), condition.column, path)
    else:
        wanted = (condition.equals,) if condition.one_of is None else condition.one_of
        keep = np.logical_or.reduce([cells_equal(column, value) for value in wanted])
    if not keep.any():
        raise HistoryError(
            f"keeps none of the {len(rows)} rows that reach it",
            file=path,
            field=field,
            value=condition.model_dump(exclude_none=True),
            mend="check the column and the value, and the order of the conditions",
        )
    return rows[keep]


def cells_equal(column: pd.Series, value: object) -> Bools:
    """Return which cells equal a value: text as text, numbers as numbers, truth as true or false."""
    if isinstance(value, bool):
        return np.asarray(text(column).str.lower() == str(value).lower(), dtype=bool)
    if isinstance(value, (int, float)):
        return np.asarray(pd.to_numeric(column, errors="coerce") == value, dtype=bool)
    return np.asarray(text(column) == value, dtype=bool)


def require_column(rows: pd.DataFrame, column: str, file: Path, field: str) -> None:
    """Raise if the rows lack a column."""
    if column not in rows.columns:
        raise HistoryError(
            f"column {column!r} is not in the file; it has {', '.join(map(str, rows.columns))}",
            file=file,
            field=field,
            mend="name the column as the file does, under [history.columns]",
        )


def text(column: pd.Series) -> pd.Series:
    """Return a column as text, whole floats without their point, missing as NaN."""
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna()
        if (whole == whole.round()).all():
            column = column.astype("Int64")
    return column.astype("string").astype(object).where(column.notna(), np.nan)


def numbers(column: pd.Series, file: Path) -> Floats:
    """Return a column as numbers, missing as NaN; refuse what is no finite or usable number, by its row."""
    kind = column.dtype
    if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_string_dtype(kind)):
        raise HistoryError(
            f"holds {kind}, not numbers", file=file, field=str(column.name), mend="give a column of numbers"
        )
    given = pd.to_numeric(column, errors="coerce")
    wrong = column.notna() & (given.isna() | np.isinf(given.to_numpy(dtype=float, na_value=np.nan)))
    if wrong.any():
        raise HistoryError(
            f"is not a finite number in {where(wrong)}",
            file=file,
            field=str(column.name),
            mend='correct the cells, leave missing ones empty, declare codes, such as missing = [".M"], '
            "or recode categories in [history]",
        )
    beyond = given.abs().gt(LARGEST_NUMBER).fillna(False)
    if beyond.any():
        raise HistoryError(
            f"is no measured value, above {LARGEST_NUMBER:g} in size, in {where(beyond)}",
            file=file,
            field=str(column.name),
            mend="correct the cells, or leave missing ones empty",
        )
    # Python's float keeps every bit of a decimal, which pandas' faster parser does not promise.
    return np.array([np.nan if pd.isna(cell) else float(cell) for cell in column], dtype=float)


def refuse_codes(found: pd.Series, column: str, path: Path) -> None:
    """Raise if cells of a column look like codes for "missing" that nobody has declared."""
    if found.any():
        raise HistoryError(
            f"holds what looks like a code for a missing value, far from all others, in {where(found)}",
            file=path,
            field=column,
            mend=MEND,
        )


def where(flags: pd.Series) -> str:
    """Return the positions of flagged rows in words, never what stands in them."""
    positions = flags.index[flags.to_numpy(dtype=bool)]
    shown = ", ".join(str(position) for position in positions[:_SHOWN_ROWS])
    more = len(positions) - _SHOWN_ROWS
    rest = f" and {more} more" if more > 0 else ""
    return f"row{'s' if len(positions) > 1 else ''} {shown}{rest} (counted from 1 below the header)"
