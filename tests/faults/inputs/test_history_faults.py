"""Every way in which a history cannot be used: one clear error each, and never a participant's value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import read_history
from trialsim.protocol import HistoryTable

SECRET_VALUE, SECRET_NAME = 87.654321, "Participant-Q7"
TABLE = {"columns": {"group": "site", "covariates": {"sex": {"column": "sex", "values": {"F": 1, "M": 0}}}}}


def good(n=40):
    rng = np.random.default_rng(1)
    people = pd.DataFrame(
        {
            "participant": [f"p{i:02d}" for i in range(n)],
            "age": rng.normal(70, 8, n).round(2),
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["a", "b"], n),
        }
    )
    rows = people.merge(pd.DataFrame({"week": [0, 12, 24]}), how="cross")
    return rows.assign(score=rng.normal(20, 5, len(rows)).round(2)).astype(object)


def read(path, table=None, weeks=(12, 24), covariates=("age", "sex")):
    return read_history(path, HistoryTable.model_validate(table or TABLE), "score", weeks, covariates)


def refused(rows, tmp_path, **options):
    """Return the message with which rows are refused."""
    path = tmp_path / "history.csv"
    rows.to_csv(path, index=False)
    with pytest.raises(HistoryError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert message.startswith(str(tmp_path)), "names the file"
    assert "Mend: " in message
    assert str(SECRET_VALUE) not in message
    assert SECRET_NAME not in message
    assert "p07" not in message
    return message


def edit(column, row, value):
    def apply(rows):
        rows.loc[row, column] = value
        return rows

    return apply


def twice(rows):
    rows.loc[23, ["participant", "score"]] = [SECRET_NAME, SECRET_VALUE]
    return pd.concat([rows, rows.loc[[23]]], ignore_index=True)


EDITS = {
    "endpoint's column absent": (
        lambda r: r.drop(columns="score"),
        "endpoint score: column 'score' is not in the file",
    ),
    "participant's column absent": (
        lambda r: r.drop(columns="participant"),
        "history.columns.participant: column",
    ),
    "week's column absent": (lambda r: r.drop(columns="week"), "history.columns.week: column"),
    "covariate absent": (
        lambda r: r.drop(columns="age"),
        "history.columns.covariates.age: column 'age' is not in",
    ),
    "group absent": (lambda r: r.drop(columns="site"), "history.columns.group: column 'site' is not in"),
    "duplicate participant-visit": (
        twice,
        "more than one row: rows 24, 121 (counted from 1 below the header)",
    ),
    "score no number": (edit("score", 4, SECRET_NAME), "score: is not a finite number in row 5 (counted"),
    "score beyond any": (
        edit("score", 4, "-1e308"),
        "score: is no measured value, above 1e+15 in size, in row 5",
    ),
    "covariate beyond any": (
        edit("age", 4, 1e200),
        "age: is no measured value, above 1e+15 in size, in row 5",
    ),
    "score infinite": (edit("score", 4, "inf"), "score: is not a finite number in row 5"),
    "age no number": (edit("age", [1, 2], SECRET_NAME), "age: is not a finite number in rows 2, 3 (counted"),
    "week no number": (edit("week", 8, "baseline"), "week: is not a finite number in row 9"),
    "week missing": (edit("week", 8, None), "week: is missing in row 9"),
    "participant missing": (edit("participant", 6, None), "participant: is missing in row 7"),
    "group missing": (edit("site", 6, None), "site: is missing in row 7"),
    "unknown category": (edit("sex", 10, SECRET_NAME), "does not recode, in row 11"),
    "covariate changes": (
        edit("age", 10, SECRET_VALUE),
        "age: changes within a participant, first in row 11",
    ),
    "constant covariate": (lambda r: r.assign(age=SECRET_VALUE), "age: covariate is the same for everybody"),
    "constant category": (lambda r: r.assign(sex="F"), "sex: covariate is the same for everybody"),
    "covariate always missing": (lambda r: r.assign(age=None), "age: covariate is missing for everybody"),
    "no baseline": (lambda r: r[r.week != 0], "no participant has a baseline"),
    "baseline never measured": (
        lambda r: r.assign(score=r.score.where(r.week != 0)),
        "no participant has a baseline",
    ),
    "baseline constant": (
        lambda r: r.assign(score=r.score.where(r.week != 0, SECRET_VALUE)),
        "baseline takes fewer than three values",
    ),
    "week absent": (lambda r: r[r.week != 12], "nobody was measured at week 12; the file has weeks 0, 24"),
    "week never measured": (
        lambda r: r.assign(score=r.score.where(r.week != 24)),
        "nobody was measured at week 24",
    ),
    "too small": (
        lambda r: r.head(75),
        "too small to learn from: 25 participants have a baseline and an outcome at the last visit (week 24), "
        "at least 26 are needed for 2 covariates and the baseline",
    ),
}


@pytest.mark.parametrize("fault", EDITS)
def test_faulty_rows(fault, tmp_path):
    change, message = EDITS[fault]
    assert message in refused(change(good()), tmp_path)


def test_a_good_history_is_read(tmp_path):
    good().to_csv(tmp_path / "history.csv", index=False)
    assert len(read(tmp_path / "history.csv")) == 40


def test_many_rows_are_counted_not_listed(tmp_path):
    rows = good()
    rows["score"] = "x"
    assert "in rows 1, 2, 3, 4, 5 and 115 more (counted from 1" in refused(rows, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"participant,week,score\n", "has no rows"),
        (b"\xff\xfe\x00bad", "cannot be read as CSV"),
        (b'participant,week\n"open,1\n', "cannot be read as CSV"),
        (b"participant,week,score,score\na,0,1,2\n", "score: has this column twice"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=message):
        read(path)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(HistoryError, match="file not found"):
        read(tmp_path / "none.csv")
    with pytest.raises(HistoryError, match="is not a file"):
        read(tmp_path)


def test_a_broken_parquet_file(tmp_path):
    path = tmp_path / "history.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(HistoryError, match="cannot be read as Parquet"):
        read(path)


def test_dates_are_no_numbers(tmp_path):
    rows = good().assign(age=pd.Timestamp("2020-01-01"))
    rows.to_parquet(tmp_path / "history.parquet")
    with pytest.raises(HistoryError, match=r"age: holds datetime64.*, not numbers"):
        read(tmp_path / "history.parquet")


@pytest.mark.parametrize("column", ["score", "week", "participant"])
def test_the_outcome_is_no_covariate(tmp_path, column):
    table = {"columns": {"covariates": {"age": column}}}
    assert "which is the outcome, the week or the participant" in refused(
        good(), tmp_path, table=table, covariates=("age",)
    )


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"column": "site", "equals": "z"}, "history.filter[0]: keeps none of the 120 rows"),
        ({"column": "week", "at_least": 99}, "history.filter[0]: keeps none of the 120 rows"),
        ({"column": "arm", "equals": "z"}, "history.filter[0].column: column 'arm' is not in the file"),
        ({"column": "sex", "at_least": 1}, "sex: is not a finite number in rows 1"),
    ],
)
def test_conditions_that_cannot_hold(tmp_path, condition, message):
    assert message in refused(good(), tmp_path, table=TABLE | {"filter": [condition]})


JOIN = TABLE | {"join": {"file": "people.csv", "by": "participant"}}


def parted():
    rows = good()
    people = rows.drop_duplicates("participant")[["participant", "age", "sex", "site"]].reset_index(drop=True)
    return rows[["participant", "week", "score"]], people


def test_a_join_that_holds(tmp_path):
    rows, people = parted()
    rows.to_csv(tmp_path / "history.csv", index=False)
    people.to_csv(tmp_path / "people.csv", index=False)
    assert len(read(tmp_path / "history.csv", JOIN)) == 40


JOINS = {
    "key absent here": (lambda r, p: (r.rename(columns={"participant": "id"}), p), "history.join.by: column"),
    "key absent there": (
        lambda r, p: (r, p.rename(columns={"participant": "id"})),
        "people.csv: history.join.by: column",
    ),
    "participant twice": (
        lambda r, p: (r, pd.concat([p, p.loc[[7]]])),
        "people.csv: participant: names a participant more than once (rows 8, 41 (counted",
    ),
    "participant unknown": (lambda r, p: (r, p.drop(index=7)), "participants of rows 22, 23, 24 (counted"),
    "column in both": (
        lambda r, p: (r.assign(age=1), p),
        "people.csv: age: stands in history.csv and in people.csv",
    ),
}


@pytest.mark.parametrize("fault", JOINS)
def test_joins_that_do_not_hold(fault, tmp_path):
    change, message = JOINS[fault]
    rows, people = change(*parted())
    people.to_csv(tmp_path / "people.csv", index=False)
    assert message in refused(rows, tmp_path, table=JOIN)


def test_a_join_without_its_file(tmp_path):
    assert "people.csv: file not found" in refused(parted()[0], tmp_path, table=JOIN)
