"""Placebo arms of two public trials, as histories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.data import Covariates, History
from trialsim.prognosis import read_history
from trialsim.protocol import HistoryTable

PILOT = HistoryTable.model_validate(
    {
        "columns": {
            "participant": "usubjid",
            "outcome": "adas11",
            "group": "site_pooled",
            "covariates": {"sex": {"column": "sex", "values": {"F": 1, "M": 0}}},
        },
        "join": {"file": "subjects.csv", "by": "usubjid"},
        "filter": [
            {"column": "arm", "equals": "placebo"},
            {"column": "anl", "equals": 1},
            {"column": "locf", "equals": 0},
        ],
    }
)
COVARIATES = ("age", "sex", "mmse", "educ_years", "disease_months", "bmi")
WEEK_OF_VISIT = {4: 1.0, 5: 2.0, 6: 4.0, 7: 6.0}


@pytest.fixture(scope="session")
def pilot(shared: Callable[[str], Path]) -> History:
    """Return ADAS-Cog at weeks 8, 16 and 24 of the CDISC pilot (LZZT)."""
    return read_history(shared("data/cdisc_pilot/adas_total.csv"), PILOT, "adas_cog", [8, 16, 24], COVARIATES)


@pytest.fixture(scope="session")
def antidepressant(shared: Callable[[str], Path]) -> History:
    """Return HAMD-17 at weeks 1, 2, 4 and 6 of the antidepressant trial."""
    rows = pd.read_csv(shared("data/antidepressant_dia/antidepressant.csv"))
    rows = rows[rows["THERAPY"] == "PLACEBO"]
    outcomes = rows.pivot_table(index="PATIENT", columns="VISIT", values="HAMDTL17")
    people = rows.groupby("PATIENT").first()
    return History(
        "hamd17",
        "antidepressant.csv",
        False,
        Covariates(("female",), (people["GENDER"] == "F").to_numpy(float)[:, None]),
        np.array([WEEK_OF_VISIT[visit] for visit in outcomes.columns]),
        people["BASVAL"].to_numpy(float),
        outcomes.to_numpy(float),
        pd.factorize(people["POOLINV"])[0].astype(np.int64),
    )
