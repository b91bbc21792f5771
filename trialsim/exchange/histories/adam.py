"""ADaM: ADSL and the data sets beside it, as Dataset-JSON 1.1, SAS transport files, CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Cell, Place
from trialsim.exchange.histories.files import table_of, tables_in
from trialsim.exchange.histories.records import Meaning, frame, refuse
from trialsim.prognosis.histories.rows import cells_equal, text, where
from trialsim.study.starting.visits import week_of

ENDINGS = (".csv", ".parquet", ".json", ".xpt")
SUBJECTS, SUBJECT, SITE = "ADSL", "USUBJID", "SITEID"
_SAS_EPOCH = "1960-01-01"


class AdamFolder:
    """A folder with ADSL and other ADaM data sets, one a file.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    HistoryError
        ADSL is not there, or names a participant twice or not at all.
    """

    needs_zero = False

    def __init__(self, path: Path) -> None:
        self.path, self._files, self._read = path, tables_in(path, ENDINGS), dict[str, pd.DataFrame]()
        if SUBJECTS not in self._files:
            raise HistoryError(
                "is not in the folder", file=path, field=SUBJECTS, mend="add the file of participants, adsl"
            )
        subjects = self._table(SUBJECTS, SUBJECTS)
        twice = text(subjects[SUBJECT]).duplicated(keep=False)
        if twice.any():
            raise HistoryError(
                f"names one participant more than once ({where(twice)})", file=self._files[SUBJECTS],
                field=SUBJECT, mend="keep one row a participant",
            )  # fmt: skip

    def people(self) -> list[str]:
        """Return USUBJID of everybody in ADSL."""
        return text(self._table(SUBJECTS, SUBJECTS)[SUBJECT]).tolist()

    def meaning(self, place: Place, field: str) -> Meaning:
        """Return ``event`` for a data set of times to events, ``value`` for all others."""
        is_tte = place.column is None and "CNSR" in self._table(place.table, field)
        return "event" if is_tte else "value"

    def is_dated(self, place: Place) -> bool:
        """Return whether rows belong to a visit: all but those of ADSL."""
        return place.table.upper() != SUBJECTS

    def shown(self, sources: Iterable[str]) -> dict[str, str]:
        """Return the names of data sets as they are."""
        return {one: one for one in sources}

    def records(self, place: Place, field: str, visit: str | None = None) -> pd.DataFrame:
        """Return the rows of a data set that a place means.

        Raises
        ------
        HistoryError
            A data set or column is not there, or no row is meant.
        """
        rows = self._kept(place, field)
        column = (place.column or "AVAL").upper()
        self._require(rows, column, place.table, field)
        values = rows[column]
        if column.endswith("DT") and _is_number(values):
            # SAS counts days from 1960, and a transport file may not say that they are dates.
            values = _dates(values).replace("", np.nan)
        unit = next((name for name in (f"{column}U", "AVALU") if name in rows and name != column), None)
        events = "CNSR" in rows and place.column is None
        date = "STARTDT" if events else "ADT"
        return frame(
            {
                "person": text(rows[SUBJECT]),
                "value": values.astype(object) if _is_number(values) else text(values),
                "unit": None if unit is None else text(rows[unit]).replace(np.nan, None),
                "date": _dates(rows[date]) if date in rows else "",
                "day": _days(rows["ADY"]) if "ADY" in rows else np.nan,
                "week": np.nan if visit is None else self._weeks(rows, visit, place.table, field),
                "event": (_number(rows["CNSR"]) == 0).astype(float).where(_number(rows["CNSR"]).notna())
                if events
                else np.nan,
                "source": place.table.upper(),
                "file": place.table.upper(),
                "row": rows.index,
            }
        ).reset_index(drop=True)

    def _kept(self, place: Place, field: str) -> pd.DataFrame:
        rows = self._table(place.table, field)
        conditions: list[tuple[str, tuple[Cell, ...]]] = [
            (name.upper(), (cell,)) for name, cell in place.where.items()
        ]
        if place.codes:
            conditions.append(("PARAMCD", place.codes))
        for name, cells in conditions:
            self._require(rows, name, place.table, field)
            met = np.logical_or.reduce([_equal(rows[name], cell) for cell in cells])
            if not met.any():
                raise refuse(
                    self, field, f"no row of {place.table} that reaches this condition has this {name}",
                    "look at what the column holds", list(cells),
                )  # fmt: skip
            rows = rows[met]
        return rows

    def _weeks(self, rows: pd.DataFrame, visit: str, table: str, field: str) -> pd.Series:
        self._require(rows, visit.upper(), table, field)
        named = rows[visit.upper()]
        if _is_number(named):
            return named.astype(float)
        known = {one: _week(one) for one in named.dropna().unique()}
        weeks = named.map(known).astype(float)
        if weeks.isna().all():
            raise refuse(self, field, f"no {visit} says a week", "name AVISITN, or a column of weeks", visit)
        return weeks

    def _require(self, rows: pd.DataFrame, column: str, table: str, field: str) -> None:
        if column not in rows:
            raise refuse(
                self, field, f"{table} has no such column; it has {', '.join(map(str, rows.columns[:40]))}",
                "name a column of the data set", column,
            )  # fmt: skip

    def _table(self, name: str, field: str) -> pd.DataFrame:
        name = name.upper()
        if name not in self._files:
            raise refuse(
                self, field, f"no such data set; there are {', '.join(list(self._files)[:40])}",
                "name one of them, before the point", name,
            )  # fmt: skip
        if name not in self._read:
            self._read[name] = self._checked(name, table_of(self._files[name]))
        return self._read[name]

    def _checked(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        path = self._files[name]
        if SUBJECT not in rows:
            raise HistoryError("column is not in the data set", file=path, field=SUBJECT,
                               mend="name each row's participant in USUBJID")  # fmt: skip
        own = text(rows[SUBJECT])
        if own.isna().any():
            raise HistoryError(f"is missing in {where(own.isna())}", file=path, field=SUBJECT,
                               mend="name every participant")  # fmt: skip
        if name == SUBJECTS:
            return rows
        subjects = self._table(SUBJECTS, SUBJECTS)
        known = text(subjects[SUBJECT])
        strange = ~own.isin(known)
        if strange.any():
            raise HistoryError(f"names participants who are not in ADSL ({where(strange)})", file=path,
                               field=SUBJECT, mend="add them to ADSL, or leave their rows out")  # fmt: skip
        if SITE in rows and SITE in subjects:
            sites = dict(zip(known, text(subjects[SITE]), strict=True))
            there = text(rows[SITE])
            moved = (own.map(sites) != there) & there.notna()
            if moved.any():
                raise HistoryError(
                    f"puts one patient in two sites, here and in ADSL ({where(moved)})", file=path,
                    field=SITE, mend="correct the site, or the identifier",
                )  # fmt: skip
        return rows


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _equal(column: pd.Series, cell: Cell) -> np.ndarray:
    return (column.isna() | (column == "")).to_numpy(dtype=bool) if cell == "" else cells_equal(column, cell)


def _number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").astype(float)


def _week(name: object) -> float:
    words = str(name)
    try:
        return float(words)
    except ValueError:
        found = week_of(words)
    return np.nan if found is None else found


def _days(column: pd.Series) -> pd.Series:
    """Return days from the reference date: day 1 is 0 of them, and there is no day 0."""
    days = _number(column)
    return days.where(days < 0, days - 1)


def _dates(column: pd.Series) -> pd.Series:
    """Return dates as ISO texts: texts as they are, numbers as days since 1960, as SAS counts them."""
    if not _is_number(column):
        return column.fillna("").astype(str)
    days = column.astype(float).where(column.abs() < 100_000)
    made = pd.Timestamp(_SAS_EPOCH) + pd.to_timedelta(days, unit="D")
    return made.dt.strftime("%Y-%m-%d").fillna("")
