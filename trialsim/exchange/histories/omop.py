"""OMOP CDM 5: a folder of Parquet or CSV tables, or an SQLite file, read only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Place
from trialsim.exchange.histories.omop_tables import tables_of
from trialsim.exchange.histories.placing import NO_VALUE
from trialsim.exchange.histories.records import Meaning, frame, refuse
from trialsim.prognosis.histories.rows import cells_equal, text, where

PERSON, PERIOD, BIRTH = "PERSON", "OBSERVATION_PERIOD", "age"
EQUALS = 4172703  # the concept of "="
_PERIOD_START, _PERIOD_END = "OBSERVATION_PERIOD_START_DATE", "OBSERVATION_PERIOD_END_DATE"


@dataclass(frozen=True)
class Table:
    """Columns of a table: what was meant, when, and the value, if it has one."""

    concept: str
    date: str
    value: str | None
    kind: str | None


TABLES = {
    "MEASUREMENT": Table(
        "MEASUREMENT_CONCEPT_ID", "MEASUREMENT_DATE", "VALUE_AS_NUMBER", "MEASUREMENT_TYPE_CONCEPT_ID"
    ),
    "OBSERVATION": Table(
        "OBSERVATION_CONCEPT_ID", "OBSERVATION_DATE", "VALUE_AS_NUMBER", "OBSERVATION_TYPE_CONCEPT_ID"
    ),
    "CONDITION_OCCURRENCE": Table(
        "CONDITION_CONCEPT_ID", "CONDITION_START_DATE", None, "CONDITION_TYPE_CONCEPT_ID"
    ),
    "DRUG_EXPOSURE": Table("DRUG_CONCEPT_ID", "DRUG_EXPOSURE_START_DATE", None, "DRUG_TYPE_CONCEPT_ID"),
    "DEATH": Table("CAUSE_CONCEPT_ID", "DEATH_DATE", None, "DEATH_TYPE_CONCEPT_ID"),
}
# Of a person these columns are read, and no source value, which may be a record number.
ATTRIBUTES = (
    "GENDER_CONCEPT_ID", "RACE_CONCEPT_ID", "ETHNICITY_CONCEPT_ID", "YEAR_OF_BIRTH", "CARE_SITE_ID",
    "LOCATION_ID",
)  # fmt: skip
_VALUES = ("VALUE_AS_NUMBER", "VALUE_AS_CONCEPT_ID")


class OmopSource:
    """A database of the OMOP Common Data Model.

    Parameters
    ----------
    path : Path
        A folder of tables, or an SQLite file.

    Raises
    ------
    HistoryError
        PERSON is not there, names a person twice, or has one person under two ids.
    """

    needs_zero = True

    def __init__(self, path: Path) -> None:
        self.path, self._tables, self._read = path, tables_of(path), dict[str, pd.DataFrame]()
        persons = self._table(PERSON, PERSON)
        twice = text(persons["PERSON_ID"]).duplicated(keep=False)
        if twice.any():
            raise HistoryError(f"names one person more than once ({where(twice)})", file=path, field=PERSON,
                               mend="keep one row a person")  # fmt: skip
        if "PERSON_SOURCE_VALUE" in persons:
            source = text(persons["PERSON_SOURCE_VALUE"])
            same = source.duplicated(keep=False) & source.notna() & (source != "")
            if same.any():
                raise HistoryError(
                    f"has one person under two ids: the same person_source_value in {where(same)}", file=path,
                    field=PERSON, mend="merge the two, or leave one out",
                )  # fmt: skip

    def people(self) -> list[str]:
        """Return person_id of everybody."""
        return text(self._table(PERSON, PERSON)["PERSON_ID"]).tolist()

    def meaning(self, place: Place, field: str) -> Meaning:
        """Return what a record of a table says."""
        self._known(place, field)
        if place.table.upper() == PERSON:
            return "birth" if place.column == BIRTH else "value"
        if place.table.upper() == PERIOD:
            return "presence"
        return "value" if place.column or TABLES[place.table.upper()].value else "presence"

    def is_dated(self, place: Place) -> bool:
        """Return whether rows have dates; those of a person have none."""
        return place.table.upper() != PERSON

    def shown(self, sources: Iterable[str]) -> dict[str, str]:
        """Return the concepts of provenance, such as ``type 32817``, as they are."""
        return {one: one for one in sources}

    def records(self, place: Place, field: str, visit: str | None = None) -> pd.DataFrame:
        """Return the rows of a table with one of the concepts.

        Raises
        ------
        HistoryError
            A table, column or concept is not there, or a unit has no name.
        """
        self._known(place, field)
        if visit is not None:
            raise refuse(self, f"{field}.visit", "is of ADaM; OMOP tables have dates",
                         "leave it out: visits are told by days from zero", visit)  # fmt: skip
        name = place.table.upper()
        rows = self._where(self._table(name, field), place, field)
        if name == PERSON:
            return self._of_person(rows, place)
        if name == PERIOD:
            return self._rows(rows, name, dates=rows[str(place.column).upper()], values=rows[_PERIOD_START])
        table = TABLES[name]
        if name != "DEATH" or place.codes:
            if not place.codes:
                raise refuse(self, f"{field}.code", "must say what is meant", "give a concept_id")
            concept = text(rows[table.concept])
            rows = rows[concept.isin(place.codes)]
            if rows.empty:
                raise refuse(
                    self, f"{field}.code", f"no row of {name} has this concept", "look at the concepts",
                    list(place.codes),
                )  # fmt: skip
        column = (place.column or table.value or "").upper()
        made = self._rows(rows, name, dates=rows[table.date], values=rows[column] if column else None)
        if table.kind in rows:
            kinds = text(rows[table.kind]).reset_index(drop=True)
            made["source"] = ("type " + kinds).where(kinds.notna(), "")
        if column == "VALUE_AS_NUMBER":
            made["unit"] = self._units(rows, field).reset_index(drop=True)
            if "OPERATOR_CONCEPT_ID" in rows:
                operator = pd.to_numeric(rows["OPERATOR_CONCEPT_ID"], errors="coerce").fillna(0)
                bound = ~operator.isin([0, EQUALS]).reset_index(drop=True)
                made.loc[bound, "left_out"] = "a bound, not a value"
            made.loc[made["value"].isna(), "left_out"] = NO_VALUE
        return made

    def _rows(
        self, rows: pd.DataFrame, name: str, dates: pd.Series | None, values: pd.Series | None
    ) -> pd.DataFrame:
        made = {
            "person": text(rows["PERSON_ID"]),
            "value": 1.0 if values is None else _cells(values),
            "date": "" if dates is None else _dates(dates),
            "source": name,
            "file": name,
            "row": rows.index,
        }
        return frame(made).reset_index(drop=True)

    def _of_person(self, rows: pd.DataFrame, place: Place) -> pd.DataFrame:
        if place.column != BIRTH:
            return self._rows(rows, PERSON, dates=None, values=rows[str(place.column).upper()])
        born = text(rows["YEAR_OF_BIRTH"]).fillna("")
        for part in ("MONTH_OF_BIRTH", "DAY_OF_BIRTH"):
            if part in rows:
                number = text(rows[part])
                whole = born.str.len() == (4 if part[0] == "M" else 7)
                born = born.where(~whole | number.isna(), born + "-" + number.fillna("").str.zfill(2))
        return self._rows(rows, PERSON, dates=born, values=None)

    def _units(self, rows: pd.DataFrame, field: str) -> pd.Series:
        """Return the unit of each row: of its concept by CONCEPT, or as the source wrote it."""
        empty = pd.Series(None, index=rows.index, dtype=object)
        written = text(rows["UNIT_SOURCE_VALUE"]) if "UNIT_SOURCE_VALUE" in rows else empty
        if "UNIT_CONCEPT_ID" not in rows:
            return written.where(written.notna(), None)
        concept = text(rows["UNIT_CONCEPT_ID"]).replace("0", np.nan)
        codes = self._codes_of_units()
        if codes is not None:
            strange = concept.dropna()[~concept.dropna().isin(codes)]
            if len(strange):
                raise refuse(self, field, "is a unit concept that CONCEPT does not name as a unit of UCUM",
                             "add it to CONCEPT, with vocabulary_id UCUM", strange.iloc[0])  # fmt: skip
            by_concept = concept.map(codes)
        else:
            # Without CONCEPT a number names no unit: [aliases] may say what it is.
            by_concept = concept.map(lambda one: f"concept {one}", na_action="ignore")
        return by_concept.where(by_concept.notna(), written.where(written.notna(), None))

    def _codes_of_units(self) -> dict[str, str] | None:
        if "CONCEPT" not in self._tables.names():
            return None
        concepts = self._table("CONCEPT", "CONCEPT")
        ucum = concepts[text(concepts["VOCABULARY_ID"]) == "UCUM"]
        return dict(zip(text(ucum["CONCEPT_ID"]), text(ucum["CONCEPT_CODE"]), strict=True))

    def _where(self, rows: pd.DataFrame, place: Place, field: str) -> pd.DataFrame:
        for name, cell in place.where.items():
            if name.upper() not in rows:
                raise refuse(self, f"{field}.where", f"{place.table} has no such column, or it is not read",
                             "name a column of the table", name)  # fmt: skip
            column = rows[name.upper()]
            met = column.isna().to_numpy(dtype=bool) if cell == "" else cells_equal(column, cell)
            rows = rows[met]
        return rows

    def _known(self, place: Place, field: str) -> None:
        name = place.table.upper()
        allowed: dict[str, tuple[str | None, ...]] = {
            PERSON: (*ATTRIBUTES, BIRTH.upper()), PERIOD: (_PERIOD_START, _PERIOD_END),
        }  # fmt: skip
        allowed |= {one: (None, *_VALUES) if table.value else (None,) for one, table in TABLES.items()}
        if name not in allowed:
            raise refuse(
                self, f"{field}.from", f"is none of {', '.join(allowed)}", "name one of them", place.from_
            )
        column = None if place.column is None else place.column.upper()
        if column not in allowed[name]:
            shown = ", ".join("no column" if one is None else one.lower() for one in allowed[name])
            raise refuse(
                self, f"{field}.from", f"is not read; of {name} {shown} are", "name one of them", place.from_
            )

    def _table(self, name: str, field: str) -> pd.DataFrame:
        if name not in self._tables.names():
            raise refuse(
                self,
                field,
                f"no such table; there are {', '.join(self._tables.names()[:40])}",
                "add the table",
                name,
            )
        if name not in self._read:
            rows = self._tables.table(name)
            needed = _needed(name)
            lacking = sorted(set(needed) - set(rows.columns))
            if lacking:
                raise HistoryError(f"lacks the column {lacking[0].lower()}", file=self.path, field=name,
                                   mend="give the table as OMOP CDM 5 has it")  # fmt: skip
            self._read[name] = self._of_persons(name, rows)
        return self._read[name]

    def _of_persons(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        if name == "CONCEPT":
            return rows
        own = text(rows["PERSON_ID"])
        known = own if name == PERSON else text(self._table(PERSON, PERSON)["PERSON_ID"])
        strange = own.isna() | ~own.isin(known.dropna())
        if strange.any():
            raise HistoryError(f"names persons who are not in PERSON ({where(strange)})", file=self.path,
                               field=name, mend="add them to PERSON, or leave their rows out")  # fmt: skip
        return rows


def _needed(name: str) -> tuple[str, ...]:
    """Return the columns without which a table says nothing."""
    if name == "CONCEPT":
        return ("CONCEPT_ID", "CONCEPT_CODE", "VOCABULARY_ID")
    if name == PERSON:
        return ("PERSON_ID", "GENDER_CONCEPT_ID", "YEAR_OF_BIRTH")
    if name == PERIOD:
        return ("PERSON_ID", _PERIOD_START, _PERIOD_END)
    table = TABLES[name]
    return tuple(one for one in ("PERSON_ID", table.date, table.value) if one is not None)


def _cells(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.astype(object)
    if pd.api.types.is_datetime64_any_dtype(column):
        return _dates(column)
    return text(column)


def _dates(column: pd.Series) -> pd.Series:
    """Return dates as ISO texts: of dates of Parquet, and of texts as they are."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%d").fillna("")
    return column.fillna("").astype(str)
