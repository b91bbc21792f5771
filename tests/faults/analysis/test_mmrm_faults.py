"""Data and options that the MMRM must refuse, by a message that names the place and never a participant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.errors import AnalysisError

OPTIONS: dict[str, Any] = {
    "outcome": "change",
    "arm": "arm",
    "visit": "week",
    "participant": "id",
    "covariates": ["age", "sex"],
    "control": "placebo",
}


def trial() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"id": np.repeat(np.arange(1000, 1040), 3), "week": np.tile([4, 8, 12], 40)})
    frame["arm"] = np.where(frame["id"] % 2, "active", "placebo")
    frame["sex"] = np.where(frame["id"] % 3, "f", "m")
    frame["age"] = rng.normal(70, 5, 40)[frame["id"] - 1000]
    frame["change"] = rng.normal(size=120) + rng.normal(size=40)[frame["id"] - 1000]
    return frame


def test_the_clean_trial_is_accepted() -> None:
    assert mmrm(trial(), **OPTIONS).participants == 40


def put(column: str, row: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object if isinstance(value, str) else frame[column].dtype)
        frame.loc[row, column] = value
        return frame

    return change


def where(column: str, condition: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.query(condition).index, column] = value
        return frame

    return change


def same_baseline_twice(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(sex=2 * frame["age"] + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("change", 17, np.inf), "change: must be finite or missing, but is infinite in row 17"),
        (put("age", 31, np.nan), "age: must be finite, but is missing or infinite in row 31"),
        (put("age", 31, -np.inf), "age: must be finite, but is missing or infinite in row 31"),
        (put("sex", 5, None), "sex: is missing in row 5"),
        (put("sex", 4, "x"), "sex: must be the same in every row of a participant, but changes in row"),
        (put("arm", 4, "placebo"), "arm: must be the same in every row of a participant, but changes in row"),
        (put("week", 9, np.nan), "week: is missing in row 9"),
        (put("week", 10, 12), "week: occurs twice for a participant, again in row 11"),
        (where("change", "week == 8", np.nan), "week: no outcome is observed at this visit. Got 8"),
        (
            where("change", "week == 8", 1.5),
            "constant_outcome: change is the same for everybody at this visit. Got 8",
        ),
        (where("change", "week == 8 and arm == 'active'", np.nan), "arm_not_observed_at_visit"),
        (
            where("change", "arm == 'active' and id > 1001", np.nan),
            "arm: arm active has 1 participant; each arm needs at least 2",
        ),
        (where("change", "id > 0", np.nan), "change: is missing in every row"),
        (where("arm", "id > 0", "placebo"), "arm: has one level only"),
        (where("age", "id > 0", 50.1), "age: collinear_covariate: is constant"),
        (same_baseline_twice, "sex: collinear_covariate: is constant, or a linear combination"),
        (lambda frame: frame.astype({"change": str}), "change: must hold numbers"),
        (lambda frame: frame.drop(columns="age"), "age: is not a column of the data"),
    ],
)
def test_unusable_data_are_named(change: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    frame = trial()
    if "week" in words and "missing" in words:
        frame["week"] = frame["week"].astype(float)
    with pytest.raises(AnalysisError) as caught:
        mmrm(change(frame), **OPTIONS)
    assert words in str(caught.value)
    for secret in frame["id"].unique():
        assert str(secret) not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"control": "sham"}, "the control is not an arm of the data. Got 'sham'"),
        ({"visits": [4, 8, 16]}, "is not a visit in the data. Got 16"),
        ({"visits": [4, 8]}, "is in the data and not among the visits asked for. Got 12"),
        ({"by_visit": ["weight"]}, "is not among the covariates"),
        ({"covariates": ["arm"]}, "is named in more than one place"),
        ({"covariance": "un"}, "covariance: is not a known choice"),
        ({"method": "bayes"}, "method: is not a known choice"),
        ({"df": "kr"}, "df: is not a known choice"),
        ({"df": "kenward-roger", "method": "ml"}, "Kenward-Roger is defined for REML only"),
        ({"level": 95}, "must be in (0, 1). Got 95"),
    ],
)
def test_unusable_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        mmrm(trial(), **(OPTIONS | options))
    assert words in str(caught.value)


def test_an_unused_visit_category_is_an_unseen_visit() -> None:
    frame = trial()
    frame["week"] = pd.Categorical(frame["week"], [4, 8, 12, 16])
    with pytest.raises(AnalysisError, match=r"no outcome is observed at this visit\. Got 16"):
        mmrm(frame, **OPTIONS)


def test_visits_never_observed_together_are_named_with_a_mend() -> None:
    frame = trial()
    frame = frame[~((frame["week"] == 4) & (frame["id"] < 1020))]
    frame = frame[~((frame["week"] == 12) & (frame["id"] >= 1020))]
    with pytest.raises(AnalysisError, match=r"visits_never_observed_together.*ar1h"):
        mmrm(frame, **OPTIONS)
    assert mmrm(frame, covariance="ar1h", **OPTIONS).participants == 40


def test_a_visit_that_repeats_another_is_singular() -> None:
    frame = trial()
    frame.loc[frame["week"] == 12, "change"] = frame.loc[frame["week"] == 8, "change"].to_numpy()
    with pytest.raises(AnalysisError, match="singular_covariance"):
        mmrm(frame, **OPTIONS)


def test_an_arm_or_visit_that_is_not_in_the_fit() -> None:
    fit = mmrm(trial(), **OPTIONS)
    with pytest.raises(AnalysisError, match=r"visit: is not in the fit\. Got 16"):
        fit.estimates(visit=16)
    with pytest.raises(AnalysisError, match=r"arm: is not in the fit\. Got 'placebo'"):
        fit.estimates(arm="placebo")
    with pytest.raises(AnalysisError, match="effect: must be"):
        fit.joint_test("visit")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"outcomes": np.zeros((4, 3))}, "outcomes: needs axes replicate, participant, visit"),
        ({"outcomes": np.zeros((1, 4, 63))}, "at most 62 visits"),
        ({"arm": [0, 1, 0]}, "arm: does not have the replicates and participants"),
        ({"arm": [0, 1, 0, 2]}, "arm: is not 0 or 1 for participant 3 of replicate 0"),
        ({"covariates": np.full((4, 1), np.nan)}, "covariates: is not finite for participant 0"),
        ({"scores": np.zeros((4, 2))}, "scores: needs one score for each visit"),
        ({"scores": np.full((4, 3), np.inf)}, "scores: is not finite"),
        ({"outcomes": np.full((1, 4, 3), np.inf)}, "outcomes: is not finite"),
        ({"df": "welch"}, "df: is not a known choice"),
    ],
)
def test_an_unusable_block_is_named(arguments: dict[str, Any], words: str) -> None:
    usable = {"outcomes": np.zeros((1, 4, 3)), "arm": [0, 1, 0, 1]}
    with pytest.raises(AnalysisError) as caught:
        fit_mmrm_block(**(usable | arguments))
    assert words in str(caught.value)
