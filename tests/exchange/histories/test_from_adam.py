"""``trialsim history from-adam``: values by hand, awkward files, and a real trial that reads the same."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.exchange.histories.making import ADAM, ADQS, ADSL, adam, made, provenance
from tests.real_histories import COVARIATES
from trialsim.data import History
from trialsim.errors import HistoryError
from trialsim.prognosis import read_history
from trialsim.protocol import HistoryTable

BY_DAY = ADAM.replace('visit = "AVISITN"', "window = [-10, 10]").replace(
    "keep =", 'zero = { from = "ADSL.TRTSDT" }\nkeep ='
)
TIMES = """
keep = [{ from = "ADSL.TRT01P", equals = "Placebo" }]
zero = { from = "ADSL.TRTSDT" }
[outcome]
name = "death"
from = "ADTTE"
code = "OS"
kind = "time_to_event"
unit = "mo"
unit_if_missing = "d"
[covariates]
age = { from = "ADSL.AGE" }
"""
ADTTE = """USUBJID,PARAMCD,STARTDT,AVAL,CNSR
S-1,OS,2020-01-10,304.375,0
S-1,PFS,2020-01-10,100,0
S-2,OS,2020-02-01,60.875,1
S-3,OS,2020-02-03,10,0
S-4,OS,2020-03-01,0,2
"""


def test_a_history_by_hand(tmp_path: Path) -> None:
    output = made("adam", adam(tmp_path), ADAM)
    expected = pd.DataFrame(
        {
            "participant": ["p0001"] * 2 + ["p0002"] * 2 + ["p0003"] * 2,
            "site": ["site01"] * 4 + ["site02"] * 2,
            "week": [0.0, 12.0] * 3,
            "score": [20.0, 22.0, 18.0, 17.0, 30.0, np.nan],
            "age": [61.0] * 2 + [72.0] * 2 + [48.0] * 2,
            "female": [1.0] * 2 + [0.0] * 4,
            # 99.0858 mg/dL are 5.5 mmol/L; S-4's value says no unit, and none is made up.
            "glucose": [5.5] * 2 + [5.1] * 2 + [np.nan] * 2,
        }
    )
    pd.testing.assert_frame_equal(pd.read_csv(output), expected)


def test_each_value_keeps_its_source_date_and_unit(tmp_path: Path) -> None:
    rows = provenance(made("adam", adam(tmp_path), ADAM))
    glucose = rows[rows["column"] == "glucose"].set_index("participant")
    assert glucose.loc["p0001", "given_value":"given_unit"].tolist() == ["99.0858", "mg/dL"]
    assert (glucose["source"] == "ADLB").all()
    assert glucose["row"].tolist() == [1, 3, 4]
    assert glucose.loc["p0003", "status"] == "no unit"
    last = rows[(rows["column"] == "score") & (rows["participant"] == "p0002")].iloc[-1]
    assert (last["date"], last["week"], last["status"]) == ("2020-04-25", 12.0, "used")
    assert "date" not in provenance(made("adam", adam(tmp_path), ADAM, "--force", "--no-dates"))


def test_no_identifier_of_the_data_is_in_an_output(tmp_path: Path) -> None:
    output = made("adam", adam(tmp_path), ADAM)
    for path in (output, output.with_name("history.provenance.csv")):
        assert "S-1" not in path.read_text()


def test_visits_are_told_by_days_too(tmp_path: Path) -> None:
    rows = pd.read_csv(made("adam", adam(tmp_path), BY_DAY))
    assert rows["score"].tolist()[:4] == [20, 22, 18, 17]


def test_times_to_an_event(tmp_path: Path) -> None:
    rows = pd.read_csv(made("adam", adam(tmp_path, adtte=ADTTE), TIMES))
    assert rows.columns.tolist() == ["participant", "time", "death", "age"]
    assert rows["time"].tolist() == pytest.approx([10, 2, 0])
    assert rows["death"].tolist() == [1, 0, 0]


def test_one_assessment_is_one_row_a_participant(tmp_path: Path) -> None:
    told = ADAM.replace("weeks = [0, 12]", "week = 12")
    rows = pd.read_csv(made("adam", adam(tmp_path), told))
    assert rows["score"].tolist() == [22, 17]
    assert "week" not in rows


def test_a_contradiction_is_shown_and_leaves_its_cell_empty(tmp_path: Path) -> None:
    told = ADAM.replace('where = { ANL01FL = "Y" }\nvisit', "visit")
    output = made("adam", adam(tmp_path), told)
    assert pd.read_csv(output)["score"].isna().tolist() == [False, True, False, False, False, True]
    rows = provenance(output)
    seen = rows[rows["status"] == "contradiction: cell left empty"]
    assert sorted(seen["value"].tolist()) == [22.0, 29.0]


@pytest.mark.parametrize(
    ("changes", "told", "words"),
    [
        ({"adsl": ADSL + "S-1,10,Placebo,61,YEARS,F,2020-01-10\n"}, ADAM, "one participant more than once"),
        ({"adqs": ADQS.replace("S-2,10", "S-2,20")}, ADAM, "puts one patient in two sites"),
        ({"adqs": ADQS + "S-9,10,TOTAL,Week 12,12,2020-04-03,85,22,Y\n"}, ADAM, "who are not in ADSL"),
        ({"adqs": ADQS.replace("-04-03,85,22", "-04-03,80,22")}, BY_DAY, "another time zero than"),
        ({"adtte": ADTTE.replace("2020-02-01", "2020-02-02")}, TIMES, "another time zero than"),
        ({"adtte": ADTTE.replace("60.875", "-4")}, TIMES, "is no time from day 0"),
        ({"adtte": ADTTE.replace("PFS", "OS")}, TIMES, "several times of one participant"),
        ({}, ADAM.replace('"mmol/L"', '"mmoll"'), "covariates.glucose.unit: is no unit of UCUM"),
        ({}, ADAM.replace(", molar_mass = 180.156", ""), "need the molar mass"),
        ({}, ADAM.replace('aliases = { YEARS = "a" }', ""), "Got 'YEARS'"),
        ({}, ADAM.replace("F = 1, ", ""), "does not name every category"),
        ({}, ADAM.replace('"TOTAL"', '"TOTL"'), "no row of ADQS"),
        ({}, ADAM.replace('"ADQS"', '"ADXX"'), "no such data set; there are ADLB, ADQS, ADSL"),
        ({}, ADAM.replace("ADSL.SEX", "ADSL.SEXX"), "no such column"),
        ({}, ADAM.replace("Placebo", "placebo"), "leaves nobody"),
        ({}, ADAM.replace('visit = "AVISITN"\n', ""), "window: must be given"),
        ({}, ADAM.replace("weeks = [0, 12]", "weeks = [4, 12]"), "weeks must hold 0"),
        ({}, ADAM.replace("[covariates]", "[covariate]"), "extra inputs"),
        ({"adqs": ADQS.replace("22,Y", "22 points,Y")}, ADAM, "is no usable number in row 2 of ADQS"),
        ({"adqs": ADQS.replace("22,Y", "1e300,Y")}, ADAM, "is no usable number in row 2 of ADQS"),
        ({"adsl": ADSL.replace("USUBJID", "SUBJ")}, ADAM, "USUBJID: column is not in"),
    ],
)
def test_one_clear_error_and_nothing_written(
    tmp_path: Path, changes: dict[str, str], told: str, words: str
) -> None:
    with pytest.raises(HistoryError, match=words) as fault:
        made("adam", adam(tmp_path, **changes), told)
    assert "S-" not in str(fault.value)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["adam", "map.toml"]


def test_text_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    place = adam(tmp_path)
    (place / "adsl.csv").write_bytes(ADSL.replace("Placebo", "Plaz\xe9bo").encode("latin-1"))
    with pytest.raises(HistoryError, match="cannot be read as CSV"):
        made("adam", place, ADAM)


def test_a_transport_file_has_its_dates(tmp_path: Path) -> None:
    """SAS counts days from 1960; a file may say that they are dates, or leave it open."""
    pyreadstat = pytest.importorskip("pyreadstat", reason="XPORT is read by the extra 'exchange'")
    place = tmp_path / "adam"
    place.mkdir()
    for name, text in (("adsl", ADSL), ("adqs", ADQS)):
        rows = pd.read_csv(StringIO(text))
        dates = [one for one in ("TRTSDT", "ADT") if one in rows]
        since = (pd.to_datetime(rows[dates[0]]) - pd.Timestamp("1960-01-01")).dt.days
        rows = rows.drop(columns=dates).assign(**{dates[0]: since.astype(float)}).fillna({"ANL01FL": ""})
        formats = {dates[0]: "DATE9."} if name == "adqs" else {}
        pyreadstat.write_xport(
            rows, str(place / f"{name}.xpt"), file_format_version=5, variable_format=formats
        )
    told = "\n".join(line for line in BY_DAY.splitlines() if not line.startswith("glucose"))
    output = made("adam", place, told)
    assert pd.read_csv(output)["score"].tolist()[:4] == [20, 22, 18, 17]
    assert provenance(output)["date"].iloc[-1][:4] == "2020"


def test_an_output_that_is_there_stays_and_none_lies_among_the_data(tmp_path: Path) -> None:
    place = adam(tmp_path)
    output = made("adam", place, ADAM)
    with pytest.raises(HistoryError, match="there already"):
        made("adam", place, ADAM)
    with pytest.raises(HistoryError, match="in the folder of the data"):
        made("adam", place, ADAM, "-o", str(place / "history.csv"))
    assert output.exists()


def test_the_cdisc_pilot_as_adam_is_the_history_of_other_tests(
    shared: Callable[[str], Path], pilot: History, tmp_path: Path
) -> None:
    subjects = pd.read_csv(shared("data/cdisc_pilot/subjects.csv"))
    scores = pd.read_csv(shared("data/cdisc_pilot/adas_total.csv"))
    place = tmp_path / "adam"
    place.mkdir()
    subjects.rename(
        columns={"usubjid": "USUBJID", "site_pooled": "SITEGR1", "arm": "TRT01P", "educ_years": "EDUCLVL",
                 "disease_months": "DURDIS"}
    ).to_csv(place / "adsl.csv", index=False)  # fmt: skip
    scores.assign(
        PARAMCD="ACTOT",
        DTYPE=np.where(scores["locf"] == 1, "LOCF", ""),
        ANL01FL=np.where(scores["anl"], "Y", ""),
    ).rename(columns={"usubjid": "USUBJID", "week": "AVISITN", "adas11": "AVAL"}).to_parquet(
        place / "adqsadas.parquet", index=False
    )
    told = """
        site = { from = "ADSL.SITEGR1" }
        keep = [{ from = "ADSL.TRT01P", equals = "placebo" }]
        [outcome]
        name = "adas_cog"
        from = "ADQSADAS"
        code = "ACTOT"
        where = { ANL01FL = "Y", DTYPE = "" }
        visit = "AVISITN"
        weeks = [0, 8, 16, 24]
        [covariates]
        age = { from = "ADSL.AGE" }
        sex = { from = "ADSL.SEX", values = { F = 1, M = 0 } }
        mmse = { from = "ADSL.MMSE" }
        educ_years = { from = "ADSL.EDUCLVL" }
        disease_months = { from = "ADSL.DURDIS" }
        bmi = { from = "ADSL.BMI" }
    """
    output = made("adam", place, told)
    table = HistoryTable.model_validate({"columns": {"group": "site"}})
    found = read_history(output, table, "adas_cog", [8, 16, 24], COVARIATES)
    np.testing.assert_array_equal(found.baseline, pilot.baseline)
    np.testing.assert_array_equal(found.outcomes, pilot.outcomes)
    np.testing.assert_array_equal(found.covariates.values, pilot.covariates.values)
    np.testing.assert_array_equal(found.group, pilot.group)
