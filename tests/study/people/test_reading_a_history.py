"""A protocol's [history] is read by the endpoint's kind, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.study.people.stand_ins import declare
from trialsim.data import History, OutcomeHistory
from trialsim.errors import HistoryError, ProtocolError
from trialsim.study.people.facts import facts_of
from trialsim.study.people.history import read_declared_history, wanted_covariates

N = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a file of visits and one of one row a participant; return their folder."""
    rng = np.random.default_rng(8)
    people = pd.DataFrame(
        {
            "participant": np.arange(N), "age": rng.normal(60, 9, N).round(1), "sex": rng.integers(0, 2, N),
            "y": rng.integers(0, 2, N),
            "grade": rng.choice(["none", "some", "much"], N), "falls": rng.poisson(2, N),
            "days": rng.integers(30, 400, N), "forecast": rng.random(N).round(3),
        }
    )  # fmt: skip
    people.loc[:5, "age"] = 999
    people.to_csv(tmp_path / "people.csv", index=False)
    rows = people[["participant", "age", "sex"]].merge(pd.DataFrame({"week": [0, 12, 24, 36]}), how="cross")
    rows["total"] = rng.normal(20, 5, len(rows)).round(1)
    rows.to_csv(tmp_path / "visits.csv", index=False)
    return tmp_path


def read(folder: Path, kind: str, override: Path | None = None, **changes: Any) -> History | OutcomeHistory:
    history = {"file": "people.csv", "missing": [999], **changes.pop("history", {})}
    return read_declared_history(declare(kind, history=history, **changes), folder, override)


def test_a_score_has_the_visits_of_the_endpoint(folder):
    found = read(folder, "score", history={"file": "visits.csv", "columns": {"outcome": "total"}})
    assert isinstance(found, History)
    assert (found.weeks.tolist(), found.covariates.names, len(found)) == ([12.0, 24.0], ("age", "sex"), N)
    assert facts_of(found).missing == {"age": 6}
    with pytest.raises(HistoryError, match="nobody was measured at week 48"):
        read(folder, "score", history={"file": "visits.csv", "columns": {"outcome": "total"}},
             endpoints=[{"kind": "score", "name": "y", "direction": "higher_is_worse", "weeks": [12.0, 48.0],
                         "course": {"kind": "history"}}])  # fmt: skip
    with pytest.raises(ProtocolError, match=r"history\.columns\.time: belongs to one outcome"):
        read(folder, "score", history={"file": "visits.csv", "columns": {"outcome": "total", "time": "week"}})


def test_one_outcome_a_participant_of_every_kind(folder):
    response = read(folder, "response")
    assert isinstance(response, OutcomeHistory)
    assert (response.family, response.time[0]) == ("binary", pytest.approx(6 * 365.25 / 84))
    level = read(folder, "level", history={"columns": {"outcome": "grade"}})
    assert (level.family, level.levels) == ("ordinal", ("none", "some", "much"))
    count = read(
        folder, "count", history={"columns": {"outcome": "falls", "time": "days", "time_unit": "days"}}
    )
    assert count.family == "count"
    assert count.time.max() < 60
    assert read(folder, "recurrent", history={"columns": {"outcome": "falls"}}).family == "count"
    event = read(folder, "time_to_event", history={"columns": {"time": "days", "time_unit": "days"}})
    assert event.family == "piecewise"
    named = {"twins": {"source": "learned", "covariates": ["age"], "family": "weibull"}}
    assert read(folder, "time_to_event", history={"columns": {"time": "days"}}, **named).family == "weibull"
    with pytest.raises(HistoryError, match="needs a follow-up"):
        read(folder, "time_to_event")


def test_the_command_line_takes_the_place_of_the_file(folder):
    (folder / "elsewhere").mkdir()
    (folder / "people.csv").rename(folder / "elsewhere" / "now.csv")
    with pytest.raises(HistoryError, match="file not found"):
        read(folder, "response")
    assert len(read(folder, "response", folder / "elsewhere" / "now.csv")) == N
    assert len(read(folder, "response", history={"file": "elsewhere/now.csv"})) == N


def test_a_response_at_another_time_than_the_trials_is_refused(folder):
    with pytest.raises(ProtocolError, match=r"history\.week: is the week of.*trial's is week 26"):
        read(folder, "response", history={"week": 2.0})
    assert read(folder, "response", history={"week": 26.0}).time[0] == 26.0


def test_a_given_score_is_a_column_and_so_is_what_the_trial_asks_of_people(folder):
    trial = declare(
        "response", twins={"source": "given", "column": "forecast"},
        history={"file": "people.csv", "missing": [999]},
        population={"kind": "history", "eligibility": [{"covariate": "age", "at_most": 80.0}]},
        strata=[
            {"name": "female", "levels": ["no", "yes"], "covariate": "sex", "cuts": [0.5], "source": "t"}
        ],
    )  # fmt: skip
    assert wanted_covariates(trial) == ("given_score", "age", "sex")
    assert read_declared_history(trial, folder).covariates.names == ("given_score", "age", "sex")


def test_an_unread_code_and_a_missing_file_are_refused(folder):
    with pytest.raises(HistoryError, match="missing"):
        read_declared_history(declare("response", history={"file": "people.csv"}), folder)
    with pytest.raises(HistoryError, match=r"history\.file: is missing"):
        read_declared_history(declare("response", history={}), folder)


def test_a_given_score_that_is_not_there_is_named_as_the_file_names_it(folder):
    trial = declare(
        "response", twins={"source": "given", "column": "nowhere"},
        history={"file": "people.csv", "missing": [999]},
    )  # fmt: skip
    with pytest.raises(HistoryError, match="column 'nowhere' is not in the file") as fault:
        read_declared_history(trial, folder)
    assert fault.value.field == "twins.column"
    assert "your own predictions" in fault.value.mend


def test_given_scores_may_have_a_column_for_each_visit(tmp_path):
    rng = np.random.default_rng(4)
    rows = [
        {
            "who": 100 + who,
            "week": week,
            "y": rng.normal(),
            "age": 60 + who % 9,
            "p12": who / 10,
            "p24": who / 5,
        }
        for who in range(40)
        for week in (0, 12, 24)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "past.csv", index=False)
    columns = {"participant": "who", "week": "week", "outcome": "y", "covariates": {"age": "age"}}
    history = {"file": "past.csv", "columns": columns}

    def asked(**twins):
        return declare("score", history=history, twins={"source": "given", **twins})

    read = read_declared_history(asked(columns=["p12", "p24"]), tmp_path)
    np.testing.assert_allclose(read.covariates.column("given_score_1"), np.arange(40) / 10)
    np.testing.assert_allclose(read.covariates.column("given_score_2"), np.arange(40) / 5)
    with pytest.raises(ProtocolError, match="one column for each of the 2 visits"):
        read_declared_history(asked(columns=["p12"]), tmp_path)
    with pytest.raises(ProtocolError, match="either column or columns"):
        asked(column="p12", columns=["p12", "p24"])
    with pytest.raises(ProtocolError, match="named twice"):
        asked(columns=["p12", "p12"])
