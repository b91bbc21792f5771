"""Files as programs of the office write them: other separators, decimal commas, other alphabets, packed."""

from __future__ import annotations

import gzip
import re
import zlib
from io import StringIO
from pathlib import Path

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.prognosis.histories.rows import MISSING, read_table

LARGEST_UNPACKED = 500_000_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)?(e[+-]?\d+)?", re.IGNORECASE)


def read_spelled(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of a CSV or Parquet file, and in words what of its spelling trialsim does not read.

    Text columns are stripped of blanks around; cells of CSV are text, missing ones NaN.

    Raises
    ------
    HistoryError
        The file is missing, empty, or no table.
    """
    if path.suffix.lower() in {".parquet", ".pq"} or not path.is_file() or path.stat().st_size == 0:
        return read_table(path), ()
    text, changes = _text(path)
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=lambda mark: (_outside_quotes(header).count(mark), mark == ","))
    if separator == "," and not changes:
        return _without_blanks(read_table(path), changes)
    if separator != ",":
        changes = (*changes, f"its columns are separated by {_SEPARATORS[separator]}, not by commas")
    try:
        rows = pd.read_csv(
            StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=list(MISSING),
            index_col=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as fault:
        raise HistoryError(
            f"cannot be read as a table ({type(fault).__name__})", file=path,
            mend="give text with one header line, or Parquet",
        ) from None  # fmt: skip
    if rows.empty:
        raise HistoryError("has no rows", file=path, mend="give a file with a header and rows")
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    rows, changes = _without_blanks(rows, changes)
    if separator != ",":
        rows, changes = _with_points(rows, changes)
    return rows, changes


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    raw = path.read_bytes()
    changes: tuple[str, ...] = ()
    if raw[:2] == b"\x1f\x8b":
        raw, changes = _unpacked(path), ("it is packed",)
    try:
        return raw.decode("utf-8-sig"), changes
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), (*changes, "it is not UTF-8; read as Windows-1252")


def _unpacked(path: Path) -> bytes:
    """Return the bytes of a packed file, as far as they can be held: a few bytes can unpack to any number."""
    try:
        with gzip.open(path) as packed:
            raw = packed.read(LARGEST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise HistoryError(
            f"cannot be unpacked ({type(fault).__name__})", file=path, mend="unpack it, and give the CSV file"
        ) from None
    if len(raw) > LARGEST_UNPACKED:
        raise HistoryError(
            f"unpacks to more than {LARGEST_UNPACKED:,} bytes",
            file=path,
            mend="keep the rows that are needed",
        )
    return raw


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _without_blanks(rows: pd.DataFrame, changes: tuple[str, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Strip names and cells of blanks around them, which nobody sees."""
    stripped = rows.rename(columns=lambda name: str(name).strip())
    texts = [name for name in stripped if pd.api.types.is_string_dtype(stripped[name])]
    for name in texts:
        bare = stripped[name].str.strip()
        stripped[name] = bare.mask(bare.isin(MISSING))
    if not stripped.columns.equals(rows.columns) or not _same(stripped, rows):
        changes = (*changes, "there are blanks around names or cells")
    return stripped, changes


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return all(one.iloc[:, k].equals(other.iloc[:, k]) for k in range(one.shape[1]))


def _with_points(rows: pd.DataFrame, changes: tuple[str, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Write numbers such as 3,5 with a point, in columns where a number is all that it can be."""
    turned = []
    for name in rows:
        cells = rows[name].dropna()
        numbers = cells.map(lambda cell: bool(_COMMA_NUMBER.fullmatch(cell)))
        with_comma = cells.str.contains(",", regex=False) & numbers
        # Codes for "missing" may stand between the numbers; sentences with commas are none.
        if with_comma.any() and numbers.mean() > 0.5:
            rows[name] = rows[name].where(
                ~rows.index.isin(cells.index[with_comma]), rows[name].str.replace(",", ".", regex=False)
            )
            turned.append(str(name))
    if turned:
        changes = (*changes, f"numbers have decimal commas in {', '.join(turned)}")
    return rows, changes
