from __future__ import annotations

import pytest
from pydantic import ValidationError

from trialsim.protocol import HistoryTable

PILOT = {
    "participants": 400,
    "columns": {
        "participant": "usubjid",
        "outcome": "adas11",
        "covariates": {"age": "age", "sex": {"column": "sex", "values": {"F": 1, "M": 0}}},
    },
    "join": {"file": "subjects.csv", "by": "usubjid"},
    "filter": [
        {"column": "arm", "equals": "placebo"},
        {"column": "anl", "equals": 1},
        {"column": "age", "at_least": 50},
    ],
}


def test_everything_has_a_default():
    table = HistoryTable()
    assert (table.participants, table.filter, table.join) == (1000, (), None)
    assert (table.columns.participant, table.columns.week, table.columns.outcome) == (
        "participant",
        "week",
        None,
    )


def test_a_real_trial_can_be_described():
    table = HistoryTable.model_validate(PILOT)
    assert table.columns.covariate("sex").values == {"F": 1.0, "M": 0.0}
    assert table.columns.covariate("bmi").column == "bmi"
    assert [row.column for row in table.filter] == ["arm", "anl", "age"]
    with pytest.raises(ValidationError):
        table.participants = 5


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("participants",), 0, "greater than or equal to 1"),
        (("participants",), 10.0, "valid integer"),
        (("columns", "visit"), "v", "Extra inputs"),
        (("columns", "week"), "", "at least 1 character"),
        (
            ("columns", "covariates"),
            {"sex": {"column": "sex", "values": {"F": 1, "M": 1}}},
            "two different numbers",
        ),
        (
            ("columns", "covariates"),
            {"sex": {"column": "sex", "values": {"F": float("nan"), "M": 1}}},
            "finite",
        ),
        (("join", "file"), "../subjects.csv", "plain file name"),
        (("join", "file"), "/etc/passwd", "plain file name"),
        (("join", "file"), "..", "plain file name"),
        (("join", "file"), "a\\b.csv", "plain file name"),
        (("join",), {"file": "subjects.csv"}, "Field required"),
        (("filter",), [{"column": "arm"}], "exactly one of"),
        (("filter",), [{"column": "arm", "equals": "a", "at_least": 1}], "exactly one of"),
        (("filter",), [{"column": "arm", "one_of": []}], "at least 1 item"),
        (("filter",), [{"column": "arm", "at_most": float("inf")}], "finite"),
    ],
)
def test_what_cannot_be_meant_is_refused(place, value, message):
    table = {**PILOT, "columns": dict(PILOT["columns"]), "join": dict(PILOT["join"])}
    holder = table
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    with pytest.raises(ValidationError, match=message):
        HistoryTable.model_validate(table)
