"""``trialsim history from-omop``: one database as SQLite, Parquet, CSV is one history; awkward ones none."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tests.exchange.histories.making import made, provenance
from trialsim.errors import HistoryError

TOLD = """
zero = { from = "DRUG_EXPOSURE", code = 1503297 }
keep = [{ from = "CONDITION_OCCURRENCE", code = [201826, 443238] }]
site = { from = "PERSON.care_site_id" }
[outcome]
name = "hba1c"
from = "MEASUREMENT"
code = 3004410
weeks = [0, 26]
window = [-28, 28]
unit = "%"
[covariates]
age = { from = "PERSON.age", unit = "a" }
female = { from = "PERSON.gender_concept_id", values = { 8532 = 1, 8507 = 0 } }
weight = { from = "MEASUREMENT", code = 3025315, unit = "kg" }
"""
DEATH = """
zero = { from = "DRUG_EXPOSURE", code = 1503297 }
[outcome]
name = "death"
from = "DEATH"
kind = "time_to_event"
unit = "d"
until = { from = "OBSERVATION_PERIOD.observation_period_end_date" }
"""


def tables() -> dict[str, pd.DataFrame]:
    measured = [
        (1, 3004410, "2020-05-30", 8.0, 8554, None, 4172703),
        (1, 3004410, "2020-11-30", 7.1, 8554, None, None),
        (2, 3004410, "2020-06-01", 9.0, 8554, None, 0), (2, 3004410, "2020-12-01", 8.0, 8554, None, 4171756),
        (3, 3004410, "2020-06-01", 7.5, 8554, None, None),
        (1, 3025315, "2020-01-01", 200.0, 8739, None, None), (2, 3025315, "2020-05-01", 80.0, 0, "kg", None),
        (3, 3025315, "2020-05-01", None, 9529, None, None),
    ]  # fmt: skip
    return {
        "person": pd.DataFrame(
            {
                "person_id": [1, 2, 3, 4], "gender_concept_id": [8532, 8507, 8532, 8507],
                "year_of_birth": [1950, 1960, 1970, 1980], "month_of_birth": [7, 1, 5, 1],
                "day_of_birth": [1, 1, 5, 1], "care_site_id": [30, 30, 40, 40],
                "person_source_value": ["MRN-1", "MRN-2", "MRN-3", "MRN-4"],
            }
        ),
        "measurement": pd.DataFrame(
            measured, columns=["person_id", "measurement_concept_id", "measurement_date", "value_as_number",
                               "unit_concept_id", "unit_source_value", "operator_concept_id"],
        ).assign(measurement_type_concept_id=32817),
        "condition_occurrence": pd.DataFrame(
            {"person_id": [1, 2, 3, 4], "condition_concept_id": [201826, 443238, 201826, 999],
             "condition_start_date": ["2019-01-01", "2020-01-01", "2020-08-01", "2019-01-01"]}
        ),
        "drug_exposure": pd.DataFrame(
            {"person_id": [1, 1, 2, 3, 4], "drug_concept_id": 1503297,
             "drug_exposure_start_date": ["2020-06-01", "2020-09-01", *["2020-06-01"] * 3]}
        ),
        "observation_period": pd.DataFrame(
            [(1, "2015-01-01", "2020-12-31"), (1, "2022-01-01", "2022-06-01"),
             (2, "2019-01-01", "2020-08-01"),
             (3, "2020-07-01", "2021-01-01"), (4, "2019-01-01", "2021-01-01")],
            columns=["person_id", "observation_period_start_date", "observation_period_end_date"],
        ),
        "death": pd.DataFrame({"person_id": [2, 4], "death_date": ["2020-09-01", "2020-07-01"]}),
        "concept": pd.DataFrame(
            {"concept_id": [8554, 8739, 9529], "concept_code": ["%", "[lb_av]", "kg"],
             "vocabulary_id": "UCUM"}
        ),
    }  # fmt: skip


def written(place: Path, kind: str, found: dict[str, pd.DataFrame]) -> Path:
    if kind == "sqlite":
        with sqlite3.connect(place / "cdm.sqlite") as base:
            for name, rows in found.items():
                rows.to_sql(name, base, index=False, if_exists="replace")
        base.close()
        return place / "cdm.sqlite"
    folder = place / "cdm"
    folder.mkdir(exist_ok=True)
    for name, rows in found.items():
        if kind == "csv":
            rows.to_csv(folder / f"{name}.csv", index=False)
        else:
            dates = {one: pd.to_datetime(rows[one]) for one in rows if str(one).endswith("_date")}
            rows.assign(**dates).to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.mark.parametrize("kind", ["sqlite", "csv", "parquet"])
def test_a_history_by_hand_from_each_form(tmp_path: Path, kind: str) -> None:
    output = made("omop", written(tmp_path, kind, tables()), TOLD)
    rows = pd.read_csv(output)
    # Who got the condition after day 0 is not kept; "less than 8.0" is no value.
    assert rows["participant"].tolist() == ["p0001", "p0001", "p0002", "p0002"]
    assert rows["hba1c"].tolist() == pytest.approx([8.0, 7.1, 9.0, float("nan")], nan_ok=True)
    assert rows["age"].tolist() == pytest.approx([69.92, 69.92, 60.41, 60.41], abs=0.01)
    assert rows["female"].tolist() == [1, 1, 0, 0]
    assert rows["weight"].tolist() == pytest.approx([90.718474, 90.718474, 80, 80])
    assert set(rows["site"]) == {"site01"}
    told = provenance(output)
    assert "type 32817" in set(told["source"])
    assert "a bound, not a value" in set(told["status"])
    assert "MRN-" not in output.read_text() + output.with_name("history.provenance.csv").read_text()


@pytest.mark.parametrize("kind", ["sqlite", "csv"])
def test_deaths_within_the_observation_period_of_day_0(tmp_path: Path, kind: str) -> None:
    rows = pd.read_csv(made("omop", written(tmp_path, kind, tables()), DEATH))
    # Person 2 died after the end of its period; person 3 is not observed on day 0.
    assert rows["time"].tolist() == [213, 61, 30]
    assert rows["death"].tolist() == [0, 0, 1]


def test_an_sqlite_file_is_left_as_it_was(tmp_path: Path) -> None:
    place = written(tmp_path, "sqlite", tables())
    before = place.read_bytes()
    made("omop", place, TOLD)
    assert place.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith("cdm")) == ["cdm.sqlite"]


def test_without_concepts_aliases_say_the_units(tmp_path: Path) -> None:
    found = tables()
    del found["concept"]
    place = written(tmp_path, "csv", found)
    with pytest.raises(HistoryError, match="Got 'concept 8554'"):
        made("omop", place, TOLD)
    told = 'aliases = { "concept 8554" = "%", "concept 8739" = "[lb_av]", "concept 9529" = "kg" }\n' + TOLD
    assert pd.read_csv(made("omop", place, told))["weight"].iloc[0] == pytest.approx(90.718474)


def test_a_view_is_no_table(tmp_path: Path) -> None:
    place = written(tmp_path, "sqlite", tables())
    with sqlite3.connect(place) as base:
        base.execute("DROP TABLE person")
        base.execute("CREATE VIEW person AS SELECT 1 AS person_id")
    base.close()
    with pytest.raises(HistoryError, match="no such table"):
        made("omop", place, TOLD)


def with_(name: str, **columns: object) -> dict[str, pd.DataFrame]:
    found = tables()
    return found | {name: found[name].assign(**columns)}


@pytest.mark.parametrize(
    ("found", "told", "words"),
    [
        (with_("person", person_id=[1, 1, 3, 4]), TOLD, "one person more than once"),
        (with_("person", person_source_value="MRN-1"), TOLD, "one person under two ids"),
        (with_("measurement", person_id=77), TOLD, "not in PERSON"),
        (with_("measurement", unit_concept_id=8840), TOLD, "is a unit concept that CONCEPT does not name"),
        (tables(), TOLD.replace("3004410", "3004411"), "no row of MEASUREMENT has this concept"),
        (tables(), TOLD.replace("PERSON.gender_concept_id", "PERSON.person_source_value"), "is not read"),
        (tables(), TOLD.replace("8507 = 0", "8506 = 0"), "does not name every category"),
        (tables(), DEATH.replace("until", "#until"), "how long each participant is followed"),
        ({"measurement": tables()["measurement"]}, TOLD, "no such table"),
        (tables() | {"person": tables()["person"].drop(columns="year_of_birth")}, TOLD, "lacks the column"),
    ],
)
def test_one_clear_error_and_nothing_written(
    tmp_path: Path, found: dict[str, pd.DataFrame], told: str, words: str
) -> None:
    with pytest.raises(HistoryError, match=words) as fault:
        made("omop", written(tmp_path, "csv", found), told)
    assert "MRN-" not in str(fault.value)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["cdm", "map.toml"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cdm.sqlite").write_bytes(content)
    with pytest.raises(HistoryError):
        made("omop", tmp_path / "cdm.sqlite", TOLD)
