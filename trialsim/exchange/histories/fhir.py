"""FHIR R4: a folder of bundles, resources or NDJSON: Patient, Condition, Observation, MedicationRequest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialsim.exchange.histories.declaration import Place
from trialsim.exchange.histories.fhir_reading import Fact, FhirReader
from trialsim.exchange.histories.placing import NO_DATE, NO_VALUE
from trialsim.exchange.histories.records import Meaning, days_of, frame, refuse

PATIENT = "Patient"
VALUES, PRESENCES = "Observation", ("Condition", "MedicationRequest")
# What is read of a patient. Names, addresses, telephone numbers and record numbers are never kept.
ATTRIBUTES = ("gender", "age", "birthDate", "deceased", "managingOrganization", "last_record")
_DATED = ("deceased", "last_record")


class FhirFolder:
    """A folder of FHIR R4 resources.

    Parameters
    ----------
    path : Path
        The folder, with ``.json`` and ``.ndjson`` files.

    Raises
    ------
    HistoryError
        A file is no strict JSON, a patient stands twice otherwise, or a resource names nobody in the folder.
        Files are named by their number in the order of names: names of files may be those of people.
    """

    needs_zero = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = FhirReader(path).whole()

    def people(self) -> list[str]:
        """Return the ids of all patients."""
        return sorted(self._read.patients)

    def meaning(self, place: Place, field: str) -> Meaning:
        """Return what a record of a resource says."""
        self._known(place, field)
        if place.table == PATIENT:
            if place.column == "age":
                return "birth"
            return "presence" if place.column in _DATED else "value"
        return "value" if place.table == VALUES else "presence"

    def is_dated(self, place: Place) -> bool:
        """Return whether records have a date of their own."""
        return place.table != PATIENT or place.column in _DATED

    def shown(self, sources: Iterable[str]) -> dict[str, str]:
        """Return ``source 1``, ``source 2``, … for what resources name as their source."""
        named = sorted(set(self._read.sources) - {""})
        numbers = {source: f"source {number}" for number, source in enumerate(named, start=1)} | {"": ""}
        return {one: numbers[one] for one in sources}

    def records(self, place: Place, field: str, visit: str | None = None) -> pd.DataFrame:
        """Return the records of a resource type with one of the codes, or one attribute of each patient.

        Raises
        ------
        HistoryError
            The type or attribute is not read, or no code is given.
        """
        self._known(place, field)
        if visit is not None or place.where:
            name = "visit" if visit is not None else "where"
            raise refuse(self, f"{field}.{name}", "is of tables; FHIR resources have no columns",
                         "leave it out: visits are told by days from zero")  # fmt: skip
        if place.table == PATIENT:
            return self._attribute(str(place.column))
        facts = self._coded(place, field)
        categories = getattr(place, "values", {})
        return frame(
            {
                "person": [one.person for one in facts],
                "value": pd.Series([_value(one, categories) for one in facts], dtype=object),
                "unit": pd.Series([one.unit for one in facts], dtype=object),
                "date": pd.Series([one.date for one in facts], dtype=object),
                "source": pd.Series([one.source for one in facts], dtype=object),
                "file": pd.Series([f"file {one.file}" for one in facts], dtype=object),
                "row": pd.Series([one.row for one in facts], dtype=int),
                "left_out": pd.Series([one.left_out for one in facts], dtype=object),
            }
        )

    def _known(self, place: Place, field: str) -> None:
        tables = (PATIENT, VALUES, *PRESENCES)
        if place.table not in tables:
            raise refuse(
                self, f"{field}.from", f"is none of {', '.join(tables)}", "name one of them", place.from_
            )
        allowed = ATTRIBUTES if place.table == PATIENT else (None,)
        if place.column not in allowed:
            raise refuse(
                self, f"{field}.from", f"is not read; of a Patient {', '.join(ATTRIBUTES)} are",
                "name one of them; names, addresses and identifiers are never read", place.from_,
            )  # fmt: skip

    def _coded(self, place: Place, field: str) -> list[Fact]:
        wanted = place.codes
        if not wanted or not all("|" in one for one in wanted):
            raise refuse(
                self, f"{field}.code", "must say what is meant, with its system",
                "such as http://loinc.org|4548-4", list(wanted) or None,
            )  # fmt: skip
        if place.table == "MedicationRequest" and self._read.unresolved:
            raise refuse(
                self, f"{field}.code",
                f"{len(self._read.unresolved)} MedicationRequests name a Medication that is not there, "
                f"first in resource {self._read.unresolved[0].row} of file {self._read.unresolved[0].file}",
                "add the Medication resources: who has none of a drug could not be told",
            )  # fmt: skip
        by_code = self._read.facts[place.table]
        found: dict[int, Fact] = {}
        for code in wanted:
            for one in by_code.get(code, ()):
                found[id(one)] = one
        if not found:
            raise refuse(self, f"{field}.code", f"no {place.table} has this code", "look at the codes",
                         list(wanted))  # fmt: skip
        return sorted(found.values(), key=lambda one: (one.file, one.row))

    def _attribute(self, name: str) -> pd.DataFrame:
        people = self._read.patients
        rows: dict[str, Any] = {
            "person": list(people),
            "source": pd.Series([one.source for one in people.values()], dtype=object),
            "file": pd.Series([f"file {one.file}" for one in people.values()], dtype=object),
            "row": pd.Series([one.row for one in people.values()], dtype=int),
        }
        if name in ("gender", "managingOrganization"):
            said = [one.gender if name == "gender" else one.site for one in people.values()]
            rows["value"] = pd.Series(said, dtype=object)
            return frame(rows)
        if name in ("age", "birthDate"):
            rows["date"] = pd.Series([one.born for one in people.values()], dtype=object)
            return frame(rows)
        if name == "last_record":
            rows["date"] = pd.Series(self._last(), dtype=object)
            return frame(rows)
        if name != "deceased":
            raise refuse(
                self, "from", "is no attribute that is read", f"name one of {', '.join(ATTRIBUTES)}", name
            )
        died = [one.died for one in people.values()]
        rows["date"] = pd.Series([one or "" for one in died], dtype=object)
        rows["left_out"] = pd.Series([NO_DATE if one == "" else "" for one in died], dtype=object)
        return frame(rows)[[one is not None for one in died]].reset_index(drop=True)

    def _last(self) -> list[str]:
        """Return the date of each patient's last exactly dated record, death among them."""
        dated = [
            (one.person, one.date)
            for one in self._read.everything
            if not one.left_out or one.left_out == NO_VALUE
        ]
        dated += [(name, one.died) for name, one in self._read.patients.items() if one.died]
        table = pd.DataFrame(dated, columns=["person", "date"])
        first, last = days_of(table["date"])
        table["day"] = np.where(first == last, first, np.nan)
        exact = table.dropna(subset="day")
        latest = exact.loc[exact.groupby("person")["day"].idxmax()].set_index("person")["date"].to_dict()
        return [str(latest.get(person, "")) for person in self._read.patients]


def _value(fact: Fact, categories: dict[str, float]) -> object:
    """Return the value of a record: of several codings the one that has a number, and else the first."""
    if not isinstance(fact.value, tuple):
        return fact.value
    return next((one for one in fact.value if one in categories), fact.value[0] if fact.value else None)
