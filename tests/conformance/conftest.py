"""The placebo arm of the CDISC pilot (LZZT), as a history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trialsim.data import History
from trialsim.prognosis import read_history
from trialsim.protocol import HistoryTable

TABLE = HistoryTable.model_validate(
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


@pytest.fixture(scope="module")
def pilot(shared: Callable[[str], Path]) -> History:
    """Return ADAS-Cog at weeks 8, 16 and 24 of the participants on placebo."""
    return read_history(shared("data/cdisc_pilot/adas_total.csv"), TABLE, "adas_cog", [8, 16, 24], COVARIATES)
