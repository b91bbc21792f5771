"""Real placebo arms are read by their protocol, pass the search for leaks, and are not taken whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.study.people.stand_ins import declare
from trialsim.errors import HistoryError
from trialsim.study.people.history import read_declared_history

PILOT: dict[str, Any] = {
    "columns": {
        "participant": "usubjid", "outcome": "adas11",
        "covariates": {"sex": {"column": "sex", "values": {"F": 1.0, "M": 0.0}}},
    },
    "join": {"file": "subjects.csv", "by": "usubjid"},
}  # fmt: skip
ROWS = [{"column": "anl", "equals": 1}, {"column": "locf", "equals": 0}]


def test_the_pilot_is_read_from_its_placebo_arm_alone(shared: Callable[[str], Path]) -> None:
    file = shared("data/cdisc_pilot/adas_total.csv")
    endpoint = {"kind": "score", "name": "adas_cog", "direction": "higher_is_worse", "weeks": [8.0, 24.0],
                "course": {"kind": "history"}}  # fmt: skip
    arm = {"column": "arm", "equals": "placebo"}
    trial = declare("score", endpoints=[endpoint], history=PILOT | {"filter": [arm, *ROWS]})
    assert 60 < len(read_declared_history(trial, file.parent, file)) < 90
    whole = declare("score", endpoints=[endpoint], history=PILOT | {"filter": ROWS})
    with pytest.raises(HistoryError, match="arm: looks like the treatment arm and has 3 different values"):
        read_declared_history(whole, file.parent, file)


@pytest.mark.parametrize(
    ("file", "columns", "covariates"),
    [
        (
            "hf_clinical_records/hf_clinical_records.csv",
            {"outcome": "DEATH_EVENT", "time": "time", "time_unit": "days"},
            ["age", "ejection_fraction", "serum_creatinine", "serum_sodium", "anaemia", "diabetes", "sex"],
        ),
        (
            "lifelines_mit/gbsg2.csv",
            {"outcome": "cens", "time": "time", "time_unit": "days"},
            ["age", "tsize", "pnodes", "progrec", "estrec"],
        ),
    ],
)
def test_strong_covariates_of_real_histories_are_no_leaks(
    shared, tmp_path, file, columns, covariates
) -> None:
    rows = pd.read_csv(shared(f"data/{file}"))
    rows.insert(0, "participant", range(len(rows)))
    rows.to_csv(tmp_path / "past.csv", index=False)
    twins = {"source": "learned", "covariates": covariates}
    trial = declare(
        "time_to_event", twins=twins, history={"file": "past.csv", "columns": columns, "missing": []}
    )
    found = read_declared_history(trial, tmp_path)
    assert len(found) == len(rows)
    assert found.covariates.names == tuple(covariates)
