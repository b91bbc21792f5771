"""Files of responses, counts and events are read as they stand, or refused with one clear reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import ISSUED, column_names, read_labels, read_outcome_history
from trialsim.protocol import OutcomeTable, is_outcome_table, read_outcome_table

PEOPLE = 80


def table(**changes: Any) -> OutcomeTable:
    tables: dict[str, Any] = {
        "format": "trialsim.outcome/1",
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


def test_a_table_is_told_from_a_protocol_by_its_format(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'format = "trialsim.outcome/1"\nendpoint = "response"\nfamily = "binary"\n'
        'covariates = ["age"]\nweek = 24\n'
    )
    assert is_outcome_table(mine)
    assert read_outcome_table(mine).covariates == ("age",)
    protocol = Path(__file__).parents[2] / "protocols" / "alzheimers_phase2.toml"
    assert not is_outcome_table(protocol)
    mine.write_text(mine.read_text() + 'colour = "red"\n')
    with pytest.raises(HistoryError, match="colour"):
        read_outcome_table(mine)


def test_the_families_come_from_the_package() -> None:
    assert {"binary", "weibull", "piecewise"} <= set(ISSUED)
