"""Files of responses, counts and events are read as they stand, or refused with one clear reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from trialsim.errors import HistoryError
from trialsim.prognosis import ModelTerms, read_outcome_history
from trialsim.prognosis.histories import ISSUED, column_names, read_labels
from trialsim.prognosis.models.outcome_terms import require_outcome_terms
from trialsim.protocol import OutcomeTable

PEOPLE = 80


def table(**changes: Any) -> OutcomeTable:
    tables: dict[str, Any] = {
        "endpoint": "response",
        "family": "binary",
        "covariates": ("age", "female"),
        "week": 24.0,
        "columns": {
            "participant": "id",
            "values": {"yes": 1.0, "no": 0.0},
            "group": "site",
            "covariates": {"female": {"column": "sex", "values": {"F": 1.0, "M": 0.0}}},
        },
    }
    return OutcomeTable.model_validate(tables | changes)


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": [f"p{i:03d}" for i in rng.permutation(PEOPLE)],
            "age": rng.normal(60, 8, PEOPLE).round(1),
            "sex": rng.choice(["F", "M"], PEOPLE),
            "site": rng.choice(["north", "south", "west"], PEOPLE),
            "Race": rng.choice(["a", "b"], PEOPLE),
            "response": rng.choice(["yes", "no"], PEOPLE),
            "days": rng.integers(7, 700, PEOPLE),
            "died": rng.choice([0, 1], PEOPLE),
        }
    )


def write(people: pd.DataFrame, folder: Path, name: str = "past.csv") -> Path:
    path = folder / name
    if path.suffix == ".parquet":
        people.to_parquet(path, index=False)
    else:
        people.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["past.csv", "past.parquet"])
def test_a_binary_history_is_read_in_the_order_of_its_participants(people, tmp_path, name: str) -> None:
    past = read_outcome_history(write(people, tmp_path, name), table())
    ordered = people.sort_values("id")
    assert past.family == "binary"
    assert past.source == name
    np.testing.assert_array_equal(past.outcome, ordered["response"] == "yes")
    np.testing.assert_array_equal(past.covariates.column("age"), ordered["age"])
    np.testing.assert_array_equal(past.covariates.column("female"), ordered["sex"] == "F")
    np.testing.assert_array_equal(past.time, 24.0)
    sites = np.array(["north", "south", "west"])
    np.testing.assert_array_equal(sites[past.group], ordered["site"])


@pytest.mark.parametrize(
    ("unit", "weeks"), [("days", 1 / 7), ("weeks", 1), ("months", 365.25 / 12 / 7), ("years", 365.25 / 7)]
)
def test_follow_up_is_kept_in_weeks(people, tmp_path, unit: str, weeks: float) -> None:
    columns = {"participant": "id", "outcome": "died", "time": "days", "time_unit": unit}
    asked = table(endpoint="death", family="weibull", covariates=("age",), columns=columns, week=None)
    past = read_outcome_history(write(people, tmp_path), asked)
    np.testing.assert_allclose(past.time, people.sort_values("id")["days"] * weeks)
    assert past.group.max() == 0


def test_filters_and_joined_files_serve_outcomes_as_well(people, tmp_path: Path) -> None:
    write(people[["id", "response", "died"]], tmp_path)
    write(people.drop(columns=["response", "died"]), tmp_path, "subjects.csv")
    asked = table(join={"file": "subjects.csv", "by": "id"}, filter=({"column": "age", "at_least": 50.0},))
    past = read_outcome_history(tmp_path / "past.csv", asked)
    assert len(past) == (people["age"] >= 50).sum()
    assert set(column_names(tmp_path / "past.csv", asked.rows)) == set(people.columns)


def test_labels_of_subgroups_stand_in_the_order_of_the_history(people, tmp_path: Path) -> None:
    people.loc[people["id"] == "p007", "Race"] = None
    labels = read_labels(write(people, tmp_path), table().rows, ["Race"])["Race"]
    ordered = people.sort_values("id")["Race"].fillna("missing")
    assert labels.tolist() == ordered.tolist()


def test_labels_that_change_within_a_participant_are_refused(people, tmp_path: Path) -> None:
    twice = pd.concat([people, people.assign(Race="c")])
    with pytest.raises(HistoryError, match="changes within a participant"):
        read_labels(write(twice, tmp_path), table().rows, ["Race"])


@pytest.mark.parametrize(
    ("change", "asked", "words", "field"),
    [
        ({"response": None}, {}, "the outcome is missing in row 1", "response"),
        ({"response": "maybe"}, {}, "does not recode, in row 1 ", "columns.values"),
        ({"id": "p000"}, {}, "more than one row", "columns.participant"),
        ({"sex": "x"}, {}, "does not recode", "history.columns.covariates.female"),
        ({}, {"week": None}, "needs its week", "week"),
        ({}, {"family": "weibull"}, "needs a follow-up", "columns.time"),
        ({}, {"family": "no_such"}, "is no family", "family"),
        ({}, {"covariates": ("height",)}, "'height' is not in the file", None),
        ({}, {"covariates": ("response",)}, "which is the outcome", None),
        ({}, {"covariates": ("age",) * 1, "endpoint": "reply"}, "'reply' is not in the file", None),
    ],
)
def test_one_clear_reason(people, tmp_path: Path, change, asked, words: str, field: str | None) -> None:
    for name, cell in change.items():
        people.loc[0, name] = cell
        if name == "id":
            people.loc[1, name] = cell
    path = write(people, tmp_path)
    with pytest.raises(HistoryError, match=words.replace("(", r"\(")) as refusal:
        read_outcome_history(path, table(**asked))
    assert refusal.value.file == path
    assert refusal.value.mend
    if field is not None:
        assert refusal.value.field == field
    assert "p000" not in str(refusal.value), "no participant's value in an error"


@pytest.mark.parametrize("cell", [0, -3, None])
def test_a_follow_up_that_is_none_is_named_by_its_row(people, tmp_path: Path, cell) -> None:
    people["days"] = people["days"].astype(float)
    people.loc[4, "days"] = cell
    columns = {"participant": "id", "outcome": "died", "time": "days", "time_unit": "days"}
    asked = table(endpoint="death", family="piecewise", covariates=("age",), columns=columns)
    with pytest.raises(HistoryError, match="follow-up is missing or not above 0 in row 5 "):
        read_outcome_history(write(people, tmp_path), asked)


def test_the_families_come_from_the_package() -> None:
    assert {"binary", "weibull", "piecewise"} <= set(ISSUED)


def graded(people: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the people with a grade of 0 to 2 instead of a response, under these names."""
    grade = np.arange(PEOPLE) % 3
    return people.assign(grade=np.array(names)[grade], position=grade)


def grades(**changes: Any) -> OutcomeTable:
    return table(**{"endpoint": "grade", "family": "ordinal", "columns": {"participant": "id"},
                    "covariates": ("age",), "levels": ("none", "mild", "severe")} | changes)  # fmt: skip


def test_levels_that_the_cells_are_named_by(people, tmp_path: Path) -> None:
    people = graded(people, ["none", "mild", "severe"])
    past = read_outcome_history(write(people, tmp_path), grades())
    assert past.levels == ("none", "mild", "severe")
    np.testing.assert_array_equal(past.outcome, people.sort_values("id")["position"])


def test_levels_named_1_to_3_are_not_positions(people, tmp_path: Path) -> None:
    people = graded(people, ["1", "2", "3"])
    past = read_outcome_history(write(people, tmp_path), grades(levels=("1", "2", "3")))
    np.testing.assert_array_equal(past.outcome, people.sort_values("id")["position"])


def test_levels_beside_the_positions_of_the_categories(people, tmp_path: Path) -> None:
    people = graded(people, ["A", "B", "C"])
    columns = {"participant": "id", "values": {"C": 0.0, "B": 1.0, "A": 2.0}}
    past = read_outcome_history(write(people, tmp_path), grades(columns=columns))
    assert past.levels == ("none", "mild", "severe")
    np.testing.assert_array_equal(past.outcome, 2 - people.sort_values("id")["position"])


def test_without_levels_they_are_called_by_their_numbers(people, tmp_path: Path) -> None:
    asked = grades(levels=(), columns={"participant": "id", "outcome": "position"})
    past = read_outcome_history(write(graded(people, ["a", "b", "c"]), tmp_path), asked)
    assert past.levels == ("0", "1", "2")


@pytest.mark.parametrize(
    ("names", "asked", "words", "field"),
    [
        (["none", "mild", "fatal"], {}, "a category that levels does not recode, in rows 3", "levels"),
        (["none", "mild", "mild"], {}, "nobody is at level severe", "grade"),
        (["none", "mild", "severe"], {"levels": ("none", "severe")}, "does not recode", "levels"),
    ],
)
def test_levels_that_the_file_does_not_have(people, tmp_path, names, asked, words, field) -> None:
    path = write(graded(people, names), tmp_path)
    with pytest.raises(HistoryError, match=words) as refusal:
        read_outcome_history(path, grades(**asked))
    assert (refusal.value.file, refusal.value.field) == (path, field)
    assert refusal.value.mend
    assert "fatal" not in str(refusal.value), "no participant's value in an error"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"covariates": ("age", "age")}, "covariates", "is named twice"),
        ({"family": "binary"}, "levels", "a binary outcome has no levels"),
        ({"levels": ("none", "mild", "mild")}, "levels", "a level is named twice"),
        ({"columns": {"values": {"a": 1.0, "b": 2.0, "c": 3.0}}}, "columns.values",
         "must give the positions 0 to 2"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_meant(changes, field, words) -> None:
    with pytest.raises(ValidationError, match=words) as refusal:
        grades(**changes)
    assert field in str(refusal.value.errors())


def test_a_history_that_cannot_carry_the_terms_is_refused_with_its_file(people, tmp_path: Path) -> None:
    path = write(people, tmp_path)
    past = read_outcome_history(path, table())
    with pytest.raises(
        HistoryError, match=r"too small for these terms: \d+ of .* at least 44 are"
    ) as refusal:
        require_outcome_terms(past, ModelTerms(("age",), (("age", "female"),)), path)
    assert (refusal.value.file, refusal.value.field) == (path, "prognosis.splines")
    with pytest.raises(HistoryError, match="female takes too few values for a spline") as refusal:
        require_outcome_terms(past, ModelTerms(("female",)), path)
    assert refusal.value.file == path
