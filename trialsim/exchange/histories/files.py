"""Folders of data sets: which files there are, and tables from CSV, Parquet, Dataset-JSON or XPORT."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.adam.dataset_json import read_dataset_json
from trialsim.prognosis.histories.rows import MOST_CELLS, read_table, require_file
from trialsim.study.bundles.alone.files import UnsoundError, open_plain

MOST_FILES = 5_000
_LARGEST_XPORT = 2**31
_XPORT = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"


def listed(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder with one of these endings, by name; nothing below it is looked at.

    Raises
    ------
    HistoryError
        It is no folder, or holds none of them or too many.
    """
    if not folder.is_dir():
        raise HistoryError("is not a folder", file=folder, mend="give the folder that holds the files")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings and path.is_file())
    if not found or len(found) > MOST_FILES:
        raise HistoryError(
            f"holds {len(found)} files that end in {', '.join(endings)}; 1 to {MOST_FILES:,} are read",
            file=folder, mend="give the folder that holds the files",
        )  # fmt: skip
    return found


def tables_in(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Return the file of each table of a folder, by its name in capitals.

    Raises
    ------
    HistoryError
        A table is there in two formats, so that it is open which holds.
    """
    found: dict[str, Path] = {}
    for path in listed(folder, endings):
        name = path.stem.upper()
        if path.name.lower() == "define.json":
            continue
        if name in found:
            raise HistoryError(
                f"is there twice, as {found[name].name} and {path.name}", file=folder, field=name,
                mend="keep one of them in the folder",
            )  # fmt: skip
        found[name] = path
    return found


def table_of(path: Path) -> pd.DataFrame:
    """Return a table with its columns in capitals; the index counts rows from 1.

    Raises
    ------
    HistoryError
        It cannot be read, or two columns differ by capitals alone.
    """
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise HistoryError(f"ends in none of {', '.join(_READERS)}", file=path, mend="give one of these")
    rows = _READERS[ending](path)
    names = [str(name).upper() for name in rows.columns]
    if len(set(names)) < len(names):
        raise HistoryError("has a column twice, but for capitals", file=path, mend="rename one of them")
    rows.columns = pd.Index(names)
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    return rows


def _xport(path: Path) -> pd.DataFrame:
    require_file(path)
    try:
        import pyreadstat
    except ModuleNotFoundError:
        raise HistoryError(
            "needs the package pyreadstat", file=path, mend="pip install 'trialsim[exchange]'"
        ) from None
    try:
        with open_plain(path, path.name, _LARGEST_XPORT) as handle:
            if handle.read(len(_XPORT)) != _XPORT:
                raise UnsoundError(path.name, "does not begin as a SAS transport file of version 5")
        _, about = pyreadstat.read_xport(str(path), metadataonly=True)
        rows = about.number_rows or 0
        if rows * len(about.column_names) > MOST_CELLS:
            raise UnsoundError(path.name, f"claims more than the {MOST_CELLS:,} cells that are read")
        frame, _ = pyreadstat.read_xport(str(path))
    except UnsoundError as fault:
        raise HistoryError(fault.problem, file=path, mend="give a file in SAS transport format 5") from None
    except (
        pyreadstat.ReadstatError,
        pyreadstat.PyreadstatError,
        ValueError,
        OverflowError,
        TypeError,
    ) as fault:
        raise HistoryError(
            f"cannot be read as a SAS transport file ({type(fault).__name__})", file=path,
            mend="write it again as XPORT version 5, Dataset-JSON or CSV",
        ) from None  # fmt: skip
    return pd.DataFrame({name: _plain(frame[name]) for name in frame.columns})


def _plain(column: pd.Series) -> pd.Series:
    """Return dates as ISO texts and empty texts as missing."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%d").astype(object).where(column.notna(), np.nan)
    made = [
        one.isoformat() if isinstance(one, datetime.date | datetime.time) else one for one in column.tolist()
    ]
    return pd.Series(made, index=column.index, dtype=object).replace("", np.nan)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": read_table, ".parquet": read_table, ".json": read_dataset_json, ".xpt": _xport,
}  # fmt: skip
