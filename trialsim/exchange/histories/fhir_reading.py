"""FHIR resources as they are read: strict, of bearable size, and of a patient only what is declared below."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from trialsim.errors import HistoryError
from trialsim.exchange.histories.files import listed as files_of
from trialsim.exchange.histories.placing import NO_VALUE
from trialsim.exchange.usdm.reading import inside, key_of, listed
from trialsim.study.bundles.alone.files import LARGEST_TEXT, UnsoundError, read_plain, strict_json

MOST_RESOURCES = 5_000_000
UCUM = "http://unitsofmeasure.org"
_PERSON = re.compile(r"(?:^|/)Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
_OBSERVED = ("final", "amended", "corrected")
_ORDERED = ("active", "on-hold", "completed", "stopped")
_NOT_SO = ("refuted", "entered-in-error")
_ONLY_PLANNED = ("proposal", "plan")


# Codes (None where a drug is named elsewhere), value, unit, date, and why it is left out.
Said = tuple[tuple[str, ...] | None, object, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a resource says of one code: who, what, unit, when, by whom, where, and why it is left out."""

    person: str
    value: object
    unit: str | None
    date: str
    source: str
    file: int
    row: int
    left_out: str


@dataclass(frozen=True, slots=True)
class Person:
    """What is read of a patient; `died` is None where nobody says so, and empty where no date is given."""

    born: str
    gender: str | None
    died: str | None
    site: str | None
    source: str
    file: int
    row: int
    digest: bytes


@dataclass(frozen=True)
class Read:
    """All that a folder says, by resource type and code."""

    patients: dict[str, Person]
    facts: dict[str, dict[str, list[Fact]]]
    everything: list[Fact]
    unresolved: list[Fact]
    sources: set[str]


@dataclass
class FhirReader:
    """Reads a folder once.

    Parameters
    ----------
    folder : Path
        With ``.json`` and ``.ndjson`` files.
    """

    folder: Path
    _patients: dict[str, Person] = field(default_factory=dict)
    _identifiers: dict[tuple[str, str], str] = field(default_factory=dict)
    _by_url: dict[str, str] = field(default_factory=dict)
    _drugs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _waiting: list[tuple[str, dict[str, Any], int, int]] = field(default_factory=list)

    def whole(self) -> Read:
        """Return what the folder says.

        Raises
        ------
        HistoryError
            See `FhirFolder`; no message holds what a resource says.
        """
        for number, path in enumerate(files_of(self.folder, (".json", ".ndjson")), start=1):
            for row, url, resource in self._resources(path, number):
                self._take(resource, url, number, row)
        if not self._patients:
            raise HistoryError("holds no Patient", file=self.folder, mend="add the file of patients")
        return self._facts()

    def _refuse(self, problem: str, file: int, row: int | None, mend: str) -> NoReturn:
        where = f"file {file} by name" if row is None else f"resource {row} of file {file} by name"
        raise HistoryError(problem, file=self.folder, field=where, mend=mend)

    def _resources(self, path: Path, number: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Yield the position, full URL and content of each resource of a file."""
        try:
            content = read_plain(path, f"file {number}", LARGEST_TEXT)
        except UnsoundError as fault:
            self._refuse(fault.problem, number, None, "give plain files of a bearable size")
        if path.suffix.lower() == ".ndjson":
            for row, line in enumerate(content.split(b"\n"), start=1):
                if line.strip():
                    yield row, "", self._object(line, number, row)
            return
        one = self._object(content, number, None)
        if one.get("resourceType") != "Bundle":
            yield 1, "", one
            return
        entries = one.get("entry", [])
        if not isinstance(entries, list):
            self._refuse("has an entry that is no list", number, None, "give a FHIR R4 Bundle")
        for row, entry in enumerate(entries, start=1):
            held = inside(entry if isinstance(entry, dict) else {}, "resource")
            if not held:
                self._refuse(
                    "has an entry without a resource", number, row, "give a FHIR R4 Bundle of resources"
                )
            yield row, key_of(entry.get("fullUrl")) or "", held

    def _object(self, content: bytes, number: int, row: int | None) -> dict[str, Any]:
        try:
            found = strict_json(content, "")
        except UnsoundError:
            # What is wrong may be somebody's number: it is not said.
            found = None
        if not isinstance(found, dict):
            self._refuse(
                "is no strict JSON object: UTF-8, no key twice, no number beyond a double, no deep nesting",
                number, row, "export it again",
            )  # fmt: skip
        return found

    def _take(self, resource: dict[str, Any], url: str, number: int, row: int) -> None:
        kind = key_of(resource.get("resourceType"))
        if kind is None:
            self._refuse("has no resourceType", number, row, "give FHIR R4 resources")
        name = key_of(resource.get("id"))
        if kind == "Patient":
            self._take_patient(resource, name, url, number, row)
        elif kind == "Medication":
            for key in {url, f"Medication/{name}"} - {""}:
                self._drugs[key] = _codes(resource.get("code"))
        elif kind in ("Observation", "Condition", "MedicationRequest"):
            self._waiting.append((kind, resource, number, row))
            if len(self._waiting) > MOST_RESOURCES:
                self._refuse(f"is beyond the {MOST_RESOURCES:,} that are read", number, row, "give fewer")

    def _take_patient(
        self, resource: dict[str, Any], name: str | None, url: str, number: int, row: int
    ) -> None:
        if not name or len(name) > 64:
            self._refuse("is a Patient without an id", number, row, "give each Patient an id")
        found = _person(resource, number, row)
        if url:
            self._by_url[url] = name
        before = self._patients.get(name)
        if before is not None:
            self._refuse_other(before, found)
            return
        if any(key_of(link.get("type")) == "replaced-by" for link in listed(resource, "link")):
            self._refuse(
                "is a Patient that another has replaced", number, row, "leave it and its records out"
            )
        for one in listed(resource, "identifier"):
            key = (key_of(one.get("system")), key_of(one.get("value")))
            if key[0] is not None and key[1] is not None:
                other = self._identifiers.setdefault((key[0], key[1]), name)
                if other != name:
                    there = self._patients[other]
                    self._refuse(
                        f"is one patient under two ids: resource {there.row} of file {there.file} has the "
                        "same identifier", number, row, "merge the two, or leave one out",
                    )  # fmt: skip
        self._patients[name] = found

    def _refuse_other(self, before: Person, found: Person) -> None:
        """Refuse a patient who stands twice with other content; the same twice is one."""
        if before.digest == found.digest:
            return
        there = f"resource {before.row} of file {before.file}"
        if before.born != found.born:
            problem = f"is a Patient with two dates of birth, here and in {there}"
        elif before.site != found.site:
            problem = f"is one patient in two sites, here and in {there}"
        else:
            problem = f"is a Patient who stands twice with different content, here and in {there}"
        self._refuse(problem, found.file, found.row, "keep the one that holds")

    def _facts(self) -> Read:
        facts: dict[str, dict[str, list[Fact]]] = {
            "Observation": {}, "Condition": {}, "MedicationRequest": {},
        }  # fmt: skip
        everything: list[Fact] = []
        unresolved: list[Fact] = []
        sources = {one.source for one in self._patients.values()}
        for kind, resource, number, row in self._waiting:
            person = self._person_of(resource, number, row)
            source = _source(resource)
            sources.add(source)
            for codes, value, unit, date, left_out in self._said(kind, resource):
                one = Fact(person, value, unit, date, source, number, row, left_out)
                everything.append(one)
                if codes is None:
                    unresolved.append(one)
                for code in codes or ():
                    facts[kind].setdefault(code, []).append(one)
        self._waiting.clear()
        return Read(self._patients, facts, everything, unresolved, sources)

    def _person_of(self, resource: dict[str, Any], number: int, row: int) -> str:
        reference = key_of(inside(resource, "subject").get("reference")) or ""
        found = _PERSON.search(reference)
        name = found[1] if found else self._by_url.get(reference)
        if name is None or name not in self._patients:
            self._refuse(
                "is about nobody in the folder", number, row, "add the Patient, or leave the resource out"
            )
        return name

    def _said(self, kind: str, resource: dict[str, Any]) -> Iterator[Said]:
        """Yield codes, value, unit, date and why it is left out, of each statement of a resource."""
        of_kind = {
            "Observation": _of_observation, "Condition": _of_condition, "MedicationRequest": self._of_request,
        }  # fmt: skip
        return of_kind[kind](resource)

    def _of_request(self, resource: dict[str, Any]) -> Iterator[Said]:
        status, intent = key_of(resource.get("status")), key_of(resource.get("intent"))
        why = "" if status in _ORDERED else f"status {_word(status)}"
        why = why or (f"intent {intent}" if intent in _ONLY_PLANNED else "")
        why = why or ("not to be given" if resource.get("doNotPerform") is True else "")
        yield self._drug(resource), 1.0, None, _first(resource, "authoredOn"), why

    def _drug(self, resource: dict[str, Any]) -> tuple[str, ...] | None:
        if "medicationCodeableConcept" in resource:
            return _codes(resource["medicationCodeableConcept"])
        reference = key_of(inside(resource, "medicationReference").get("reference")) or ""
        for one in listed(resource, "contained"):
            if reference == f"#{one.get('id')}":
                return _codes(one.get("code"))
        return self._drugs.get(reference)


def _of_observation(resource: dict[str, Any]) -> Iterator[Said]:
    status = key_of(resource.get("status"))
    why = "" if status in _OBSERVED else f"status {_word(status)}"
    date = _observed(resource)
    components = listed(resource, "component")
    for part in (resource, *components):
        value, unit, lacking = _measured(part)
        if part is resource and lacking == NO_VALUE and components:
            continue
        yield _codes(part.get("code")), value, unit, date, why or lacking


def _of_condition(resource: dict[str, Any]) -> Iterator[Said]:
    status = next(iter(_codes(resource.get("verificationStatus"))), "|").rpartition("|")[2]
    date = _first(resource, "onsetDateTime") or _start(resource, "onsetPeriod")
    why = f"status {status}" if status in _NOT_SO else ""
    yield _codes(resource.get("code")), 1.0, None, date or _first(resource, "recordedDate"), why


def _word(status: str | None) -> str:
    """Return a status as FHIR has it; any other text may be anything."""
    return status if status is not None and re.fullmatch(r"[a-z-]{1,20}", status) else "not known"


def _person(resource: dict[str, Any], number: int, row: int) -> Person:
    died = key_of(resource.get("deceasedDateTime"))
    if died is None and resource.get("deceasedBoolean") is True:
        died = ""
    content = {key: value for key, value in resource.items() if key not in ("meta", "text")}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).digest()
    return Person(
        key_of(resource.get("birthDate")) or "", key_of(resource.get("gender")), died,
        key_of(inside(resource, "managingOrganization").get("reference")), _source(resource), number, row,
        digest,
    )  # fmt: skip


def _source(resource: dict[str, Any]) -> str:
    return key_of(inside(resource, "meta").get("source")) or ""


def _codes(concept: Any) -> tuple[str, ...]:
    """Return the codings of a concept as ``system|code``."""
    if not isinstance(concept, dict):
        return ()
    pairs = [(key_of(one.get("system")), key_of(one.get("code"))) for one in listed(concept, "coding")]
    return tuple(f"{system or ''}|{code}" for system, code in pairs if code)


def _observed(resource: dict[str, Any]) -> str:
    date = _first(resource, "effectiveDateTime") or _first(resource, "effectiveInstant")
    return date or _start(resource, "effectivePeriod")


def _first(resource: dict[str, Any], name: str) -> str:
    return key_of(resource.get(name)) or ""


def _start(resource: dict[str, Any], name: str) -> str:
    return key_of(inside(resource, name).get("start")) or ""


def _measured(part: dict[str, Any]) -> tuple[object, str | None, str]:
    """Return value, unit and why it is left out, of an Observation or a component of one."""
    quantity = part.get("valueQuantity")
    if isinstance(quantity, dict):
        number = quantity.get("value")
        if not isinstance(number, int | float) or isinstance(number, bool):
            return None, None, NO_VALUE
        by_code = key_of(quantity.get("code")) if quantity.get("system") == UCUM else None
        unit = by_code or key_of(quantity.get("unit")) or key_of(quantity.get("code"))
        bound = "a bound, not a value" if quantity.get("comparator") is not None else ""
        return float(number) if abs(number) < 1e300 else number, unit, bound
    whole = part.get("valueInteger")
    if isinstance(whole, int) and not isinstance(whole, bool):
        return whole, None, ""
    if isinstance(part.get("valueBoolean"), bool):
        return str(part["valueBoolean"]).lower(), None, ""
    if codes := _codes(part.get("valueCodeableConcept")):
        return codes, None, ""
    text = key_of(part.get("valueString"))
    return (text, None, "") if text is not None else (None, None, NO_VALUE)
