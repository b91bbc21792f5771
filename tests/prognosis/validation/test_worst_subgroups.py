"""Whom the twins serve least, of tables of subgroups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.prognosis.validation import OutcomeValidation, worst_subgroups
from trialsim.study.validation.outcomes import worst_finding


def table(**columns: list[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    base = {"grouping": ["race"] * n, "subgroup": list("abcdef")[:n], "shown": [True] * n}
    return pd.DataFrame(base | {"participants": [50.0] * n} | columns)


@pytest.mark.parametrize(
    ("measure", "values", "worst"),
    [
        ("discrimination", [0.7, 0.55, 0.9], "b"), ("coverage_95", [0.95, 0.99, 0.90], "c"),
        ("slope", [0.9, 1.3, 1.0], "b"), ("bias", [0.1, 0.0, -0.2], "c"),
        ("observed_to_expected", [1.5, 0.6, 1.0], "b"), ("discrimination", [np.nan, 0.8, 0.7], "c"),
    ],
)  # fmt: skip
def test_the_worst_of_each_measure(measure: str, values: list[float], worst: str) -> None:
    (row,) = worst_subgroups(table(**{measure: values})).to_dict("records")
    assert (row["measure"], row["subgroup"]) == (measure, worst)
    assert row["worst"] == values["abc".index(worst)]
    assert row["median"] == pytest.approx(np.nanmedian(values))


def test_what_is_not_shown_is_not_the_worst() -> None:
    whole = table(discrimination=[0.5, 0.7])
    whole.loc[0, "shown"] = False
    assert worst_subgroups(whole)["subgroup"].tolist() == ["b"]
    whole["shown"] = False
    assert len(worst_subgroups(whole)) == 0
    assert worst_finding(whole, "participants") == []


def test_numbers_that_have_no_goal_are_not_judged() -> None:
    assert len(worst_subgroups(table(events=[3.0, 9.0], low_95=[0.1, 0.2], slope_se=[1.0, 2.0]))) == 0


def test_a_group_of_other_risk_is_found() -> None:
    """Half the responses of what is expected in one of five groups of 400."""
    g = np.random.default_rng(1)
    label, score = np.repeat(list("abcde"), 400), g.uniform(0.2, 0.6, 2_000)
    outcome = (g.random(2_000) < np.where(label == "d", score / 2, score)).astype(float)
    none = np.zeros(2_000)
    made = OutcomeValidation(
        "binary", none.astype(int), outcome, none + 26, score, score, none, 1 - none, np.empty((2_000, 0))
    )
    worst = worst_subgroups(made.by_subgroup({"site": label})).set_index("measure")
    assert worst.loc["observed_to_expected", "subgroup"] == "d"
    assert worst.loc["observed_to_expected", "worst"] == pytest.approx(0.5, abs=0.1)
