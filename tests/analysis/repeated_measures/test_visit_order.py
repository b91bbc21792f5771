"""Visits are read in the order of time, or refused: text in mixed units has no order of the alphabet."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import mmrm, reference_based_imputation
from trialsim.analysis.one_trial.visit_order import visits_in_order
from trialsim.errors import AnalysisError
from trialsim.streams import stream

IN_ORDER = [
    ["Week 4", "Week 12", "Month 6", "Month 12"],
    ["week 2", "Week 6", "WEEK 10"],
    ["V1", "V2", "V10"],
    ["VIS1", "VIS2", "VIS11"],
    ["Visit-1", "Visit-2", "Visit-10"],
    ["4", "12", "100"],
    ["Day -14", "Day -1", "Day 1", "Day 8", "Day 29"],
    ["Day \N{MINUS SIGN}7", "Day \N{MINUS SIGN}1", "Day 1"],
    ["Screening", "Baseline", "Week 4", "Month 3", "Year 1", "Year 2"],
    ["Baseline", "4 weeks", "12 wks", "6 mo", "2 years"],
    ["Month 11", "Mo 12"],
    ["Day -1", "Week 0", "Week 4"],
    ["Hour 1", "Hour 12", "Day 7", "Week 4"],
    ["Cycle 1 Day 1", "Cycle 1 Day 15", "Cycle 2 Day 1", "Cycle 10 Day 1"],
    ["C1D1", "C1D8", "C2D1"],
    ["2019-12-01", "2020-01-15", "2020-02-01"],
]
REFUSED = [
    ["Week 4", "Week 12", "End of treatment"],
    ["first", "second"],
    ["Week 26", "Month 6"],
    ["Day 1", "Week 0"],
    ["Day 28", "Week 4"],
    ["Baseline", "Day 1"],
    ["Baseline", "Visit 2"],
    ["Screening", "Day -14"],
    ["Week 4", "week  4"],
    ["Week-1", "Week0", "Week4"],
    ["1/2020", "2/2019"],
    ["03/04/2020", "04/03/2021"],
    ["Day 1 Cycle 1", "Day 8 Cycle 1"],
    ["Week 4", "V2"],
    ["Week 4", "Week 4-6"],
    ["1 m", "2 h"],
]
FACE: dict[str, Any] = {"outcome": "y", "arm": "arm", "visit": "visit", "participant": "id", "control": "a"}


def column(names: list[str], seed: int = 0) -> pd.DataFrame:
    order = stream(seed, "visit order", 0, "outcome").permutation(np.repeat(np.arange(len(names)), 2))
    return pd.DataFrame({"visit": np.array(names, object)[order], "number": order * 10.0 + 3.0})


@pytest.mark.parametrize("names", IN_ORDER, ids=" < ".join)
def test_names_that_have_an_order_are_put_into_it(names: list[str]) -> None:
    for seed in range(3):
        data = column(names, seed)
        codes, labels = visits_in_order(data, "visit", None)
        assert list(labels) == names
        assert [labels[k] for k in codes] == data["visit"].tolist()
        for kind in ("string", "category"):
            assert visits_in_order(data.astype({"visit": kind}), "visit", None)[1] == tuple(names)


@pytest.mark.parametrize("names", REFUSED, ids=" ? ".join)
def test_names_without_an_order_of_their_own_are_refused_unless_something_says_it(names: list[str]) -> None:
    data = column(names)
    for kind in (object, "category"):
        with pytest.raises(AnalysisError, match=r"visit: .*no order of their own.*visits="):
            visits_in_order(data.astype({"visit": kind}), "visit", None)
    assert visits_in_order(data, "visit", names[::-1])[1] == tuple(names[::-1])
    assert visits_in_order(data, "visit", "number")[1] == tuple(names)
    ordered = data.assign(visit=pd.Categorical(data["visit"], names, ordered=True))
    assert visits_in_order(ordered, "visit", None)[1] == tuple(names)
    backwards = data.assign(visit=pd.Categorical(data["visit"], sorted(names)[::-1]))
    assert visits_in_order(backwards, "visit", None)[1] == tuple(sorted(names)[::-1])


def test_numbers_and_dates_have_their_own_order() -> None:
    weeks = pd.DataFrame({"visit": [12.0, -1.0, 4.0]})
    assert visits_in_order(weeks, "visit", None)[1] == (-1.0, 4.0, 12.0)
    dates = pd.DataFrame({"visit": pd.to_datetime(["2021-02-01", "2020-03-01"])})
    assert [str(day)[:4] for day in visits_in_order(dates, "visit", None)[1]] == ["2020", "2021"]
    alone = pd.DataFrame({"visit": ["End of treatment"] * 2})
    assert visits_in_order(alone, "visit", None)[1] == ("End of treatment",)


@pytest.mark.parametrize(
    ("change", "visits", "message"),
    [
        ({}, "weeks", "visits: is no column of the data. Got 'weeks'"),
        ({"number": 1.0}, "number", "number: two visits of visit have the same number"),
        ({"number": [1.0, 2.0, 3.0, 4.0]}, "number", "number: visit Month 6 has several numbers"),
        ({"number": [np.nan, np.nan, 3.0, 3.0]}, "number", "number: visit Week 4 has no number"),
        ({"number": ["1", "1", "2", "2"]}, "number", "number: must hold numbers"),
        ({}, ["Week 4", "Week 4", "Month 6"], "visits: names a visit twice"),
    ],
)
def test_what_says_the_order_must_fit(change: dict[str, Any], visits: Any, message: str) -> None:
    data = pd.DataFrame({"visit": ["Week 4", "Week 4", "Month 6", "Month 6"], "number": [1.0, 1.0, 2.0, 2.0]})
    with pytest.raises(AnalysisError, match=message):
        visits_in_order(data.assign(**change), "visit", visits)


def mixed(seed: int = 4) -> pd.DataFrame:
    """Return a trial in mixed units with dropout, whose effect and correlation follow time."""
    names = ["Week 4", "Week 12", "Month 6", "Month 12"]
    generator = stream(seed, "mixed units", 0, "outcome")
    people = 80
    y = generator.normal(size=(people, 4)).cumsum(axis=1)
    arm = np.where(np.arange(people) % 2, "b", "a")
    y += np.where(arm == "b", 1.0, 0.0)[:, None] * np.arange(4)
    last = generator.choice([2, 3, 4, 4], people)
    y[np.arange(4) >= last[:, None]] = np.nan
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(people), 4),
            "arm": np.repeat(arm, 4),
            "visit": np.tile(names, people),
            "week": np.tile([4, 12, 26, 52], people),
            "y": y.ravel(),
        }
    )


@pytest.mark.parametrize(
    "analyse",
    [
        partial(mmrm, covariance="ar1"),
        partial(reference_based_imputation, strategy="J2R"),
        partial(reference_based_imputation, strategy="CIR", variance="information_anchored"),
    ],
)
def test_mixed_units_give_every_analysis_the_numbers_of_the_weeks(analyse: Any) -> None:
    data = mixed()
    by_name = analyse(data, **FACE).to_frame()
    by_week = analyse(data, **(FACE | {"visit": "week"})).to_frame()
    columns = ["estimate", "standard_error", "p_value"]
    np.testing.assert_array_equal(by_name[columns], by_week[columns])
    spoilt = data.assign(visit=data["visit"].replace("Month 12", "End of treatment"))
    with pytest.raises(AnalysisError, match=r"visit: is not a time.*Got 'End of treatment'"):
        analyse(spoilt, **FACE)
    np.testing.assert_array_equal(
        analyse(spoilt, visits="week", **FACE).to_frame()[columns], by_name[columns]
    )
