from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.bayesian.block import bayesian_adjustment, bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import (
    AdjustmentPrior,
    HistoryFit,
    adjustment_prior,
    fit_history,
)
from trialsim.errors import AnalysisError, HistoryError, InputError

FIT = HistoryFit(50, 0.0, 1.0, 1.0, 20.0)
PRIOR = adjustment_prior(FIT)
DATA = pd.DataFrame({"y": [0.1, 1.2, -0.3, 0.9], "arm": ["c", "t", "c", "t"], "m": [0.2, 0.1, -0.2, 0.0]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 2}, "at least 3"),
        ({"residual_variance": -1.0}, "above 0"),
        ({"score_sum_of_squares": 0.0}, "above 0"),
        ({"bias": np.nan}, "finite"),
    ],
)
def test_an_impossible_history_is_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        HistoryFit(**(vars(FIT) | change))


@pytest.mark.parametrize(
    ("outcome", "score", "words"),
    [
        ([], [], "at least 3"),
        ([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], "constant"),
        ([1.0, np.nan, 3.0], [1.0, 2.0, 3.0], "position 1"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], "one length"),
    ],
)
def test_a_history_that_teaches_nothing_is_refused(
    outcome: list[float], score: list[float], words: str
) -> None:
    with pytest.raises(HistoryError, match=words):
        fit_history(outcome, score)


@pytest.mark.parametrize(
    "setting",
    [
        {"mean_weight": 1.2},
        {"mean_weight": -0.1},
        {"bias_scale": 0.0},
        {"effect_scale": np.inf},
        {"vague_scale": -1.0},
        {"vague_df": 0.0},
        {"vague_variance": np.nan},
    ],
)
def test_an_impossible_prior_is_refused_by_name(setting: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"must be"):
        adjustment_prior(FIT, **setting)
    with pytest.raises(InputError, match="mean_weight"):
        AdjustmentPrior(PRIOR.informative, PRIOR.vague, float("nan"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DATA.drop(columns="m"), "is not a column"),
        (DATA.assign(arm="c"), "one level"),
        (DATA.assign(arm=["a", "b", "c", "a"]), "has 3 arms"),
        (DATA.assign(arm=["c", "t", "c", None]), "is missing in row 3"),
        (DATA.assign(y=[0.1, np.inf, 0.3, 0.4]), "row 1"),
        (DATA.assign(m=[0.1, 0.2, np.nan, 0.4]), "row 2"),
        (DATA.assign(y=[np.nan, 1.0, np.nan, 2.0]), "arm_empty"),
    ],
)
def test_a_trial_that_cannot_be_read_is_refused(data: pd.DataFrame, words: str) -> None:
    with pytest.raises(AnalysisError, match=words):
        bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=PRIOR)


def test_a_control_that_is_no_arm_is_refused() -> None:
    with pytest.raises(AnalysisError, match="not an arm"):
        bayesian_adjustment(DATA, outcome="y", arm="arm", score="m", prior=PRIOR, control="x")


def test_a_participants_value_is_never_shown() -> None:
    data = DATA.assign(m=[0.1, 0.2, np.nan, 0.4], y=[0.1, 7.77, 0.3, np.inf])
    with pytest.raises(AnalysisError) as caught:
        bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=PRIOR)
    assert "7.77" not in str(caught.value)


@pytest.mark.parametrize(
    ("outcomes", "arm", "score", "field"),
    [
        (np.zeros(4), np.zeros(4, int), np.zeros(4), "outcome"),
        (np.zeros((2, 4)), np.zeros(3, int), np.zeros((2, 4)), "arm"),
        (np.zeros((2, 4)), np.array([0, 1, 2, 0]), np.zeros((2, 4)), "arm"),
        (np.zeros((2, 4)), np.array([0, 1, 1, 0]), np.zeros((2, 3)), "score"),
    ],
)
def test_a_block_of_the_wrong_shape_is_refused(
    outcomes: np.ndarray, arm: np.ndarray, score: np.ndarray, field: str
) -> None:
    with pytest.raises(AnalysisError) as caught:
        bayesian_adjustment_block(outcomes, arm, score, PRIOR)
    assert caught.value.field == field


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.5, np.nan])
def test_an_impossible_probability_is_refused(probability: float) -> None:
    got = bayesian_adjustment_block(
        DATA[["y"]].to_numpy().T, np.array([0, 1, 0, 1]), DATA["m"].to_numpy(), PRIOR
    )
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        got.quantile(probability)
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        got.interval(probability)
