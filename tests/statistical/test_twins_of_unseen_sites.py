"""Twins of real sites never seen: placebo arms of two public trials, each site held out once.

Sites are small and differ, so that coverage is known to a few points only; its standard error is taken
by site.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.data import Covariates, History
from trialsim.prognosis import ModelTerms, cross_validate, read_history
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
WEEK_OF_VISIT = {4: 1.0, 5: 2.0, 6: 4.0, 7: 6.0}


def cdisc_pilot(shared):
    covariates = ("age", "sex", "mmse", "educ_years", "disease_months", "bmi")
    return read_history(shared("data/cdisc_pilot/adas_total.csv"), PILOT, "adas_cog", [8, 16, 24], covariates)


def antidepressant(shared):
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


def coverage(cv, site):
    """Return the share of outcomes inside central 90 % intervals, and its standard error by site."""
    seen = np.isfinite(cv.pit)
    inside = (np.abs(cv.pit - 0.5) <= 0.45)[seen]
    of_row = np.broadcast_to(site[cv.rows][:, None], cv.pit.shape)[seen]
    sites = np.unique(of_row)
    apart = np.array([(inside[of_row == one] - inside.mean()).sum() for one in sites])
    return inside.mean(), np.sqrt((apart**2).sum() * len(sites) / (len(sites) - 1)) / len(inside)


@pytest.mark.slow
@pytest.mark.parametrize(("read", "people", "sites"), [(cdisc_pilot, 86, 11), (antidepressant, 88, 17)])
def test_ninety_percent_intervals_cover_on_unseen_sites(shared, sampler, read, people, sites):
    history = read(shared)
    assert (len(history), np.unique(history.group).size) == (people, sites)
    cv = cross_validate(
        history, seed=1, folds=50, by_group=True, terms=ModelTerms(studies=True), sampler=sampler
    )
    assert cv.fold.max() + 1 == sites
    share, error = coverage(cv, history.group)
    assert abs(share - 0.9) < 2 * error
    assert error < 0.08
