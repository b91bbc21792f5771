"""What every format is read into: one row a recorded value, with its source, date and unit."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Place

COLUMNS = ("person", "value", "unit", "date", "day", "week", "event", "source", "file", "row", "left_out")
# value: from a column or record; birth: the date is that of birth; presence: that there is a record; event: a
# time with what ended it.
Meaning = Literal["value", "birth", "presence", "event"]
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:[T ][0-9:.+\-Z]{0,40})?")
_FIRST, _LAST = 1850, 2150
_DAY_0 = date(1970, 1, 1).toordinal()
_SHOWN = 3


class Source(Protocol):
    """A folder or file of one format, read only.

    Parameters
    ----------
    path : Path
        It.
    needs_zero : bool
        Whether day 0 must be declared: its data have dates alone, and no visits.
    """

    path: Path
    needs_zero: bool

    def people(self) -> list[str]:
        """Return the identifiers of all participants, each once."""

    def meaning(self, place: Place, field: str) -> Meaning:
        """Return what a record of a place says."""

    def is_dated(self, place: Place) -> bool:
        """Return whether its records have dates; what a participant has once has none."""

    def records(self, place: Place, field: str, visit: str | None = None) -> pd.DataFrame:
        """Return the records of a place (COLUMNS)."""

    def shown(self, sources: Iterable[str]) -> dict[str, str]:
        """Return a name of each source that tells nobody."""


def frame(rows: dict[str, Any]) -> pd.DataFrame:
    """Return records from some of their columns; the others are empty."""
    made = pd.DataFrame(rows)
    empty: dict[str, Any] = {
        "value": None, "unit": None, "date": "", "day": np.nan, "week": np.nan, "event": np.nan, "source": "",
        "left_out": "", "file": "", "row": 0,
    }  # fmt: skip
    for name, value in empty.items():
        if name not in made:
            made[name] = pd.Series(
                [value] * len(made), index=made.index, dtype=object if value is None else None
            )
    return made[list(COLUMNS)]


def days_of(dates: pd.Series) -> tuple[Floats, Floats]:
    """Return the first and last day that each date can mean (n,), from 1970; NaN where there is none.

    Parameters
    ----------
    dates : Series of str
        ISO 8601: a year, a month, a day, or a time; the day is that of its own time zone.

    Examples
    --------
    >>> first, last = days_of(pd.Series(["1970-01-02", "1970-02", "1971", "", "2020-13-01"]))
    >>> first.tolist(), last.tolist()
    ([1.0, 31.0, 365.0, nan, nan], [1.0, 58.0, 729.0, nan, nan])
    """
    texts = dates.fillna("").astype(str)
    known = {text: _span(text) for text in texts.unique()}
    spans = np.array([known[text] for text in texts], dtype=float).reshape(-1, 2)
    return spans[:, 0], spans[:, 1]


def _span(text: str) -> tuple[float, float]:
    found = _DATE.fullmatch(text.strip()) if len(text) <= 60 else None
    if found is None:
        return np.nan, np.nan
    year = int(found[1])
    months = (1, 12) if found[2] is None else (int(found[2]),) * 2
    if not (_FIRST <= year <= _LAST and 1 <= months[0] <= 12):
        return np.nan, np.nan
    length = calendar.monthrange(year, months[1])[1]
    days = (1, length) if found[3] is None else (int(found[3]),) * 2
    if not 1 <= days[1] <= length:
        return np.nan, np.nan
    first, last = (date(year, month, day) for month, day in zip(months, days, strict=True))
    return float(first.toordinal() - _DAY_0), float(last.toordinal() - _DAY_0)


def places_of(records: pd.DataFrame, flags: Any) -> str:
    """Return where flagged records stand, never what they hold.

    Examples
    --------
    >>> rows = frame({"person": ["a", "b"], "file": ["ADSL", "ADSL"], "row": [1, 2]})
    >>> places_of(rows, [False, True])
    'row 2 of ADSL'
    """
    found = records[np.asarray(flags, dtype=bool)]
    shown = [f"row {row} of {file}" for file, row in zip(found["file"], found["row"], strict=True)][:_SHOWN]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def refuse(source: Source, field: str, problem: str, mend: str, value: object = None) -> HistoryError:
    """Return the error of a place that cannot be read; `value` is never a participant's."""
    return HistoryError(problem, file=source.path, field=field, value=value, mend=mend)
