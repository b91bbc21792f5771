"""Where OMOP tables are: a folder of Parquet or CSV files, or an SQLite file, opened read only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.histories.files import table_of, tables_in
from trialsim.prognosis.histories.rows import MOST_CELLS, require_file

ENDINGS = (".parquet", ".csv")
_SQLITE = b"SQLite format 3\x00"
# Steps of SQLite's machine after which a query is given up: a table of 10**8 cells needs fewer.
_MOST_STEPS = 50
_STEPS_EACH = 100_000_000
# Texts of a person that are never asked for: they may hold names and record numbers.
_NEVER = ("NOTE_TEXT", "VALUE_AS_STRING", "PROVIDER_ID")


class Tables(Protocol):
    """Tables by name, in capitals."""

    def names(self) -> list[str]:
        """Return the names of all tables."""

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; the index counts rows from 1."""


class FolderTables:
    """Tables of a folder, one a file."""

    def __init__(self, folder: Path) -> None:
        self._files = tables_in(folder, ENDINGS)

    def names(self) -> list[str]:
        """Return the names of all tables."""
        return sorted(self._files)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; the index counts rows from 1."""
        return table_of(self._files[name])


class SqliteTables:
    """Tables of an SQLite file. Views and virtual tables are not read: what they compute is not data."""

    def __init__(self, path: Path) -> None:
        require_file(path)
        with path.open("rb") as handle:
            if handle.read(len(_SQLITE)) != _SQLITE:
                raise HistoryError("is no SQLite file, and no folder", file=path,
                                   mend="give a folder of Parquet or CSV tables, or SQLite")  # fmt: skip
        if (log := path.with_name(f"{path.name}-wal")).exists() and log.stat().st_size:
            raise HistoryError("has changes that are not yet in the file", file=path,
                               mend=f"close the database, so that {log.name} is gone")  # fmt: skip
        self._path = path
        rows = self._asked("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        named = [(str(name), str(sql or "")) for name, sql in rows]
        self._names = {
            name.upper(): name for name, sql in named if not sql.lstrip().upper().startswith("CREATE VIRTUAL")
        }

    def names(self) -> list[str]:
        """Return the names of all tables."""
        return sorted(self._names)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; the index counts rows from 1."""
        own = self._names[name].replace('"', '""')
        about = self._asked(f'PRAGMA table_info("{own}")')
        columns = [str(row[1]) for row in about if str(row[1]).upper() not in _NEVER]
        if len({one.upper() for one in columns}) < len(columns) or not columns:
            raise HistoryError("has a column twice, but for capitals", file=self._path, field=name,
                               mend="rename one of them")  # fmt: skip
        most = MOST_CELLS // len(columns)
        listed = ", ".join('"' + one.replace('"', '""') + '"' for one in columns)
        rows = self._asked(f'SELECT {listed} FROM "{own}" LIMIT {most + 1}')  # noqa: S608
        if len(rows) > most:
            raise HistoryError(f"holds more than {MOST_CELLS:,} cells", file=self._path, field=name,
                               mend="keep the rows that are needed")  # fmt: skip
        if any(isinstance(cell, bytes) for row in rows for cell in row):
            raise HistoryError("holds bytes in a cell", file=self._path, field=name,
                               mend="give numbers, texts and dates")  # fmt: skip
        made = pd.DataFrame(rows, columns=[one.upper() for one in columns])
        made.index = pd.RangeIndex(1, len(made) + 1)
        return made

    def _asked(self, query: str) -> list[tuple[object, ...]]:
        steps = 0

        def give_up() -> int:
            nonlocal steps
            steps += 1
            return int(steps > _MOST_STEPS)

        address = f"file:{quote(str(self._path.resolve()))}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as base:
                base.execute("PRAGMA trusted_schema = OFF")
                base.set_progress_handler(give_up, _STEPS_EACH)
                return list(base.execute(query))
        except (sqlite3.Error, OverflowError, UnicodeDecodeError, ValueError) as fault:
            raise HistoryError(f"cannot be read as SQLite ({type(fault).__name__})", file=self._path,
                               mend="write it again, or give Parquet or CSV tables") from None  # fmt: skip


def tables_of(path: Path) -> Tables:
    """Return the tables of a folder or of an SQLite file.

    Parameters
    ----------
    path : Path
        Folder or file.

    Returns
    -------
    Tables
        Not yet read.

    Raises
    ------
    HistoryError
        It is neither.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "person.csv").write_text("person_id,gender_concept_id,year_of_birth")
    ...     tables_of(Path(folder)).names()
    ['PERSON']
    """
    return FolderTables(path) if path.is_dir() else SqliteTables(path)
