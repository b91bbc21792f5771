"""``trialsim history from-fhir``: values by hand, awkward resources, and people who stay unknown."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.exchange.histories.making import made, provenance
from trialsim.errors import HistoryError

UCUM, LOINC, SNOMED, RXNORM = (
    "http://unitsofmeasure.org",
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
CANARIES = ("Canary", "Nightingale", "12 Feather Lane", "MRN-777", "+49-555", "canary@", "1951-04-17", "pat-")
TOLD = f"""
zero = {{ from = "MedicationRequest", code = "{RXNORM}|6809" }}
site = {{ from = "Patient.managingOrganization" }}
[outcome]
name = "hba1c"
from = "Observation"
code = "{LOINC}|4548-4"
weeks = [0, 26]
window = [-28, 28]
unit = "%"
convert = [{{ from = "mmol/mol", times = 0.09148, plus = 2.152 }}]
[covariates]
age = {{ from = "Patient.age", unit = "a" }}
female = {{ from = "Patient.gender", values = {{ female = 1, male = 0 }} }}
glucose = {{ from = "Observation", code = "{LOINC}|2345-7", unit = "mmol/L", molar_mass = 180.156 }}
sbp = {{ from = "Observation", code = "{LOINC}|8480-6", unit = "mm[Hg]" }}
stroke = {{ from = "Condition", code = "{SNOMED}|230690007", window = [-3650, 0] }}
"""


def patient(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": f"pat-{number}", "birthDate": "1951-04-17", "gender": "female",
        "name": [{"family": "Nightingale", "given": ["Canary"]}], "telecom": [{"value": "+49-555-1"}],
        "address": [{"line": ["12 Feather Lane"]}],
        "identifier": [{"system": "urn:mrn", "value": f"MRN-777-{number}"}],
        "managingOrganization": {"reference": f"Organization/{number % 2}"},
        "text": {"status": "generated", "div": "<div>Canary Nightingale</div>"},
    } | more  # fmt: skip


def seen(
    number: int, code: str, value: Any, unit: str | None, date: str | None, **more: Any
) -> dict[str, Any]:
    quantity = {"value": value} | ({} if unit is None else {"unit": unit, "system": UCUM, "code": unit})
    made_ = {
        "resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/pat-{number}"},
        "code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity,
        "performer": [{"display": "Dr Canary"}],
    }  # fmt: skip
    return made_ | ({} if date is None else {"effectiveDateTime": date}) | more


def start(number: int, date: str = "2020-06-01", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": date,
        "subject": {"reference": f"Patient/pat-{number}"},
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "6809"}]},
    } | more  # fmt: skip


def pressure(number: int, systolic: float, date: str) -> dict[str, Any]:
    whole = seen(number, "85354-9", 0, None, date)
    del whole["valueQuantity"]
    part = {
        "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
        "valueQuantity": {"value": systolic, "system": UCUM, "code": "mm[Hg]"},
    }
    return whole | {"component": [part]}


def folk() -> list[dict[str, Any]]:
    return [
        patient(1), patient(2, birthDate="1960", gender="male"), patient(3),
        start(1), start(1, "2021-01-01"), start(2, "2020-07-01T08:00:00+02:00"), start(3),
        seen(1, "4548-4", 8.0, "%", "2020-05-20"), seen(1, "4548-4", 60, "mmol/mol", "2020-12-01T10:00:00Z"),
        seen(1, "4548-4", 7.0, "%", "2020-06-03"),
        seen(2, "4548-4", 9.0, "%", "2020-07-01"), seen(2, "4548-4", 8.1, "%", "2021-01"),
        seen(2, "4548-4", 8.2, "%", "2020-12-20"), seen(2, "4548-4", 8.4, "%", "2020-12-20"),
        seen(3, "4548-4", 6.6, "%", "2020-05-31"), seen(3, "4548-4", 6.0, "%", None),
        seen(1, "2345-7", 99.0858, "mg/dL", "2020-01-02"), seen(1, "2345-7", 180.156, "mg/dL", "2020-03-02"),
        seen(2, "2345-7", 6.1, None, "2020-06-01"), seen(3, "2345-7", -4, "mmol/L", "2020-05-01"),
        seen(3, "2345-7", 99, "mmol/L", "2020-05-02", status="entered-in-error"),
        pressure(1, 131, "2020-05-30"),
        {"resourceType": "Condition", "subject": {"reference": "Patient/pat-2"}, "onsetDateTime": "2018-05",
         "code": {"coding": [{"system": SNOMED, "code": "230690007"}]}},
        {"resourceType": "Organization", "id": "0", "name": "Canary Hospital"},
    ]  # fmt: skip


def folder(place: Path, resources: list[dict[str, Any]] | None = None, ndjson: bool = False) -> Path:
    found = place / "fhir"
    found.mkdir(exist_ok=True)
    resources = folk() if resources is None else resources
    if ndjson:
        text = "\n".join(json.dumps(one) for one in resources)
        (found / "Canary_Nightingale_1.ndjson").write_text(text)
    else:
        bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
        (found / "Canary_Nightingale_1.json").write_text(json.dumps(bundle))
    return found


@pytest.mark.parametrize("ndjson", [False, True])
def test_a_history_by_hand(tmp_path: Path, ndjson: bool) -> None:
    rows = pd.read_csv(made("fhir", folder(tmp_path, ndjson=ndjson), TOLD))
    assert rows["participant"].tolist() == ["p0001", "p0001", "p0002", "p0002", "p0003", "p0003"]
    assert rows["site"].tolist() == ["site02", "site02", "site01", "site01", "site02", "site02"]
    score = rows["hba1c"].tolist()
    # The baseline ends at day 0; 60 mmol/mol are 7.64 % (NGSP); two values of one day are no number.
    assert score[:3] == pytest.approx([8.0, 0.09148 * 60 + 2.152, 9.0])
    assert rows["hba1c"].isna().tolist() == [False, False, False, True, False, True]
    each = rows[rows["week"] == 0].set_index("participant")
    assert each["glucose"].tolist() == pytest.approx([10.0, float("nan"), -4.0], nan_ok=True)
    assert each["sbp"].tolist() == pytest.approx([131, float("nan"), float("nan")], nan_ok=True)
    assert each["stroke"].tolist() == [0, 1, 0]
    assert each["female"].tolist() == [1, 0, 1]
    # Born on 17 April 1951, day 0 on 1 June 2020; born in 1960, so in the middle of it.
    assert each["age"].tolist() == pytest.approx([69.125, 60.0, 69.125], abs=0.01)


def test_what_became_of_each_record_is_said(tmp_path: Path) -> None:
    rows = provenance(made("fhir", folder(tmp_path), TOLD))
    status = rows[rows["column"] == "hba1c"].groupby("participant")["status"].agg(list)
    assert sorted(status["p0001"]) == ["outside the windows", "used", "used"]
    assert sorted(status["p0002"]) == [
        "contradiction: cell left empty", "contradiction: cell left empty", "date too coarse", "used",
    ]  # fmt: skip
    assert sorted(status["p0003"]) == ["no date", "used"]
    glucose = rows[rows["column"] == "glucose"]
    assert set(glucose["status"]) == {"used", "another day was nearer", "no unit", "status entered-in-error"}
    assert set(rows["file"]) == {"file 1"}


def test_a_source_that_is_preferred_decides(tmp_path: Path) -> None:
    people = folk()
    people[12]["meta"] = {"source": "https://lab.canary.example/MRN-777"}
    told = TOLD.replace('unit = "%"\n', 'unit = "%"\nprefer = ["https://lab.canary.example/MRN-777"]\n')
    output = made("fhir", folder(tmp_path, people), told)
    assert pd.read_csv(output)["hba1c"].tolist()[3] == 8.2
    rows = provenance(output)
    assert set(rows["source"]) == {"", "source 1"}
    assert (rows["status"] == "contradiction: another source preferred").sum() == 1


def test_nobody_is_known_by_name_address_or_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = made("fhir", folder(tmp_path), TOLD)
    said = capsys.readouterr()
    texts = [path.read_text() for path in tmp_path.glob("history*")] + [said.out, said.err]
    for canary in CANARIES:
        assert not any(canary in text for text in texts), canary
    assert output.exists()


def test_a_drug_by_reference_and_a_death(tmp_path: Path) -> None:
    people = folk()
    for one in people:
        if one["resourceType"] == "MedicationRequest":
            del one["medicationCodeableConcept"]
            one["medicationReference"] = {"reference": "Medication/m1"}
    drug = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"coding": [{"system": RXNORM, "code": "6809"}]},
    }
    people[0]["deceasedDateTime"] = "2021-06-01"
    told = f"""
        zero = {{ from = "MedicationRequest", code = "{RXNORM}|6809" }}
        [outcome]
        name = "death"
        from = "Patient.deceased"
        until = {{ from = "Patient.last_record" }}
        kind = "time_to_event"
        unit = "d"
    """
    rows = pd.read_csv(made("fhir", folder(tmp_path, [*people, drug]), told))
    assert rows["time"].tolist() == [365, 172]
    assert rows["death"].tolist() == [1, 0]
    with pytest.raises(HistoryError, match="name a Medication that is not there"):
        made("fhir", folder(tmp_path, people), told, "--force")


def changed(place: int, **fields: Any) -> list[dict[str, Any]]:
    people = copy.deepcopy(folk())
    people[place] |= fields
    return people


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ([*folk(), patient(1, birthDate="1952-04-17")], "two dates of birth, here and in resource 1 of"),
        ([*folk(), patient(1, managingOrganization={"reference": "Org/9"})], "one patient in two sites"),
        ([*folk(), patient(1, gender="male")], "stands twice with different content"),
        ([*folk(), patient(9, identifier=patient(1)["identifier"])], "one patient under two ids"),
        ([*folk(), patient(9, link=[{"type": "replaced-by"}])], "that another has replaced"),
        ([*folk(), seen(8, "4548-4", 8.0, "%", "2020-05-20")], "is about nobody in the folder"),
        (changed(7, valueQuantity={"value": 8, "system": UCUM, "code": "mmHg"}), "Got 'mmHg'"),
        (changed(7, valueQuantity={"value": 8, "system": UCUM, "code": "mg/dL"}), "does not measure what %"),
        (changed(7, valueQuantity={"value": 10**30, "system": UCUM, "code": "%"}), "is no usable number"),
        (changed(0, gender="Canary"), "does not name every category"),
        (changed(0, id=None), "Patient without an id"),
        ([{"resourceType": "Observation"}], "holds no Patient"),
        ([patient(1)], "no MedicationRequest has this code"),
    ],
)  # fmt: skip
def test_one_clear_error_that_tells_nobody(tmp_path: Path, people: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(HistoryError, match=words) as fault:
        made("fhir", folder(tmp_path, people), TOLD)
    assert not any(canary in str(fault.value) for canary in CANARIES)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["fhir", "map.toml"]


def test_the_same_patient_twice_is_one(tmp_path: Path) -> None:
    rows = pd.read_csv(made("fhir", folder(tmp_path, [*folk(), patient(1)]), TOLD))
    assert rows["participant"].nunique() == 3


@pytest.mark.parametrize(
    "content",
    [
        b'{"resourceType": "Bundle", "entry": [' + b"[" * 100_000, b"[]", b"", b'{"resourceType": "Bundle"}',
        '{"resourceType": "Patient", "id": "Canary\xe9"}'.encode("latin-1"), b'{"id": "Canary"}',
        b'{"resourceType": "Patient", "id": "Canary", "x": ' + b"9" * 5_000 + b"}",
        b'{"resourceType": "Patient", "id": "a", "id": "Canary"}', b'{"resourceType": "Bundle", "entry": {}}',
        b'{"resourceType": "Bundle", "entry": [{"Canary": 1}]}', b'{"resourceType": "Patient", "id": NaN}',
    ],
)  # fmt: skip
def test_files_that_are_no_fhir_are_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "fhir"
    place.mkdir()
    (place / "Canary.json").write_bytes(content)
    with pytest.raises(HistoryError) as fault:
        made("fhir", place, TOLD)
    assert "Canary" not in str(fault.value)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (TOLD.replace("zero", "#zero"), "zero: must say what day 0 is"),
        (TOLD.replace(f"{LOINC}|4548-4", "4548-4"), "with its system"),
        (TOLD.replace("Patient.gender", "Patient.name"), "names, addresses and identifiers are never read"),
        (TOLD.replace("[-3650, 0]", "[-3650, 30]"), "what is known later is no covariate"),
        (TOLD.replace("window = [-28, 28]", 'visit = "AVISITN"'), "visit: is of tables"),
        (TOLD.replace('"Condition"', '"Encounter"'), "is none of Patient"),
        (TOLD.replace('unit = "%"', 'unit = "percent"'), "'%' meant"),
    ],
)
def test_what_is_asked_amiss_is_named(tmp_path: Path, told: str, words: str) -> None:
    with pytest.raises(HistoryError, match=words):
        made("fhir", folder(tmp_path), told)
