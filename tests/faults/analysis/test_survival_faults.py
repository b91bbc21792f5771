"""Bad time-to-event data are refused by name, and no participant's value is shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import (
    adjusted_log_rank,
    cox,
    gray_test,
    kaplan_meier,
    log_rank,
    lwyy,
    max_combo,
    milestone_survival,
    restricted_mean_survival,
)
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.survival import (
    FlemingHarrington,
    MagirrBurman,
    cox_block,
    log_rank_block,
    max_combo_block,
    restricted_mean_survival_block,
)
from trialsim.errors import AnalysisError

COLUMNS = {"time": "day", "event": "died", "arm": "arm"}
READERS = {
    "log_rank": lambda data: log_rank(data, **COLUMNS),
    "max_combo": lambda data: max_combo(data, **COLUMNS),
    "kaplan_meier": lambda data: kaplan_meier(data, **COLUMNS),
    "cox": lambda data: cox(data, **COLUMNS, covariates="age"),
    "adjusted_log_rank": lambda data: adjusted_log_rank(data, **COLUMNS, covariates="age"),
    "restricted_mean_survival": lambda data: restricted_mean_survival(data, **COLUMNS, tau=5),
    "milestone_survival": lambda data: milestone_survival(data, **COLUMNS, at=5),
    "gray_test": lambda data: gray_test(data, **COLUMNS, cause=1),
}
EVERY = pytest.mark.parametrize("read", READERS.values(), ids=READERS)
Reader = Callable[[pd.DataFrame], object]


def trial() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0],
            "died": [1, 0, 1, 1, 0, 1, 1, 1],
            "arm": ["a", "b"] * 4,
            "age": [61.0, 58, 70, 66, 59, 73, 64, 62],
        }
    )


def spoil(column: str, row: int, value: object) -> pd.DataFrame:
    data = trial().astype({column: object})
    data.loc[row, column] = value
    return data.assign(**{column: data[column].infer_objects()})


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -987654.25])
def test_a_bad_time_is_named_by_row_and_never_shown(read: Reader, value: float) -> None:
    with pytest.raises(AnalysisError, match=r"day: .* in row 5 \(by position") as caught:
        read(spoil("day", 5, value).set_index(pd.Index(list("hgfedcba"))))
    assert "987654" not in str(caught.value)


@EVERY
def test_no_event_is_refused(read: Reader) -> None:
    with pytest.raises(AnalysisError, match=r"died: (has no event|does not occur)"):
        read(trial().assign(died=0))


@EVERY
def test_an_arm_of_one_participant_is_refused(read: Reader) -> None:
    with pytest.raises(AnalysisError, match="arm: arm b has 1 participant; each arm needs at least 2"):
        read(trial().assign(arm=["a"] * 7 + ["b"]))


@EVERY
def test_a_missing_arm_is_refused(read: Reader) -> None:
    with pytest.raises(AnalysisError, match="arm: is missing in row 3"):
        read(spoil("arm", 3, None))


@EVERY
def test_an_unknown_column_is_refused_with_the_known_ones(read: Reader) -> None:
    with pytest.raises(AnalysisError, match=r"day: is not a column of the data.*use one of .*age"):
        read(trial().drop(columns="day"))


def test_an_event_that_is_not_0_or_1_is_refused() -> None:
    with pytest.raises(AnalysisError, match="died: must be 0 or 1, but is not in row 2"):
        log_rank(trial().assign(died=[1, 0, 2, 1, 0, 1, 1, 1]), **COLUMNS)


def test_a_cause_that_is_censoring_is_refused() -> None:
    with pytest.raises(AnalysisError, match="cause of interest and censoring must differ"):
        gray_test(trial(), **COLUMNS, cause=0)


def test_three_arms_need_a_name() -> None:
    data = trial().assign(arm=list("abcabcab"))
    with pytest.raises(AnalysisError, match=r"beside the control a, and has b, c.*active="):
        log_rank(data, **COLUMNS)
    assert log_rank(data, **COLUMNS, control="a", active="c").arms == ("a", "c")


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(AnalysisError, match="the control is not an arm of the data"):
        log_rank(trial(), **COLUMNS, control="z")


@pytest.mark.parametrize("analyse", [cox, adjusted_log_rank])
def test_a_collinear_covariate_is_named(analyse: Callable[..., object]) -> None:
    data = trial().assign(months=lambda frame: 12 * frame.age - 3, same=4.0)
    with pytest.raises(
        AnalysisError, match="months: collinear_covariate: is constant, or a linear combination"
    ):
        analyse(data, **COLUMNS, covariates=["age", "months"])
    with pytest.raises(AnalysisError, match="same: collinear_covariate: is constant"):
        analyse(data, **COLUMNS, covariates=["age", "same"])


def test_a_non_finite_covariate_is_named_by_row() -> None:
    with pytest.raises(AnalysisError, match="age: must be finite, but is missing or infinite in row 6"):
        cox(spoil("age", 6, np.nan), **COLUMNS, covariates="age")


def test_strata_without_both_arms_are_refused() -> None:
    with pytest.raises(AnalysisError, match="strata: no stratum has participants of both arms"):
        log_rank(trial().assign(site=list("abababab")), **COLUMNS, strata="site")


def test_an_infinite_hazard_ratio_is_named() -> None:
    data = trial().assign(died=[1, 0] * 4)
    for fit, status in (
        (cox(data, **COLUMNS), "infinite_coefficient"),
        (adjusted_log_rank(data, **COLUMNS), "infinite_hazard_ratio"),
    ):
        assert fit.status == status
        assert np.isnan(fit.estimates.estimate[0])
        assert f"Note: {status}: the effect cannot be estimated; the " in str(fit)


@pytest.mark.parametrize(
    "read",
    [
        lambda data: restricted_mean_survival(data, **COLUMNS, tau=16),
        lambda data: milestone_survival(data, **COLUMNS, at=16),
    ],
)
def test_a_horizon_beyond_follow_up_is_refused(read: Reader) -> None:
    with pytest.raises(AnalysisError, match="not_followed_to_horizon"):
        read(trial().assign(died=[1, 0, 1, 1, 0, 1, 0, 1]))


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(AnalysisError, match="rho: must be finite and at least 0"):
        FlemingHarrington(-1, 0)
    with pytest.raises(AnalysisError, match="w_max: must be at least 1"):
        MagirrBurman(3, 0.5)
    with pytest.raises(AnalysisError, match="tau: must be finite and above 0"):
        restricted_mean_survival(trial(), **COLUMNS, tau=0)
    with pytest.raises(AnalysisError, match="ties: must be one of efron, breslow, exact"):
        cox(trial(), **COLUMNS, ties="kalbfleisch")
    with pytest.raises(AnalysisError, match="level: must be in \\(0, 1\\)"):
        log_rank(trial(), **COLUMNS, level=95)
    with pytest.raises(AnalysisError, match="weights: is not a weight"):
        log_rank(trial(), **COLUMNS, weights="late")
    with pytest.raises(AnalysisError, match="weights: must name at least one"):
        max_combo(trial(), **COLUMNS, weights=[])


def test_a_block_names_the_replicate_and_participant() -> None:
    time, event, arm = np.ones((2, 4)), np.ones((2, 4)), np.tile([0, 1], (2, 2))
    time[1, 3] = np.nan
    with pytest.raises(AnalysisError, match=r"time: .* at replicate 1, participant 3"):
        log_rank_block(time, event, arm)
    time[1, 3] = -5.5
    with pytest.raises(AnalysisError, match="negative at replicate 1, participant 3"):
        max_combo_block(time, event, arm)
    time[1, 3] = 1
    with pytest.raises(AnalysisError, match="arm: must be one of 0 to 1, but is not at replicate 0"):
        log_rank_block(time, event, arm + 1)
    with pytest.raises(AnalysisError, match="event: must have the shape"):
        cox_block(time, event[:, :3], arm)
    with pytest.raises(AnalysisError, match="time: must have the axes"):
        log_rank_block(time[0], event[0], arm[0])
    with pytest.raises(AnalysisError, match="covariates: must be finite"):
        cox_block(time, event, arm, np.full((2, 4, 1), np.nan))


def test_blocks_name_the_status_of_a_replicate_that_fails() -> None:
    time = np.tile(np.arange(1.0, 7.0), (2, 1))
    arm = np.tile([0, 1], (2, 3))
    event = np.ones((2, 6))
    event[1, 4:] = 0
    means = restricted_mean_survival_block(time, event, arm, tau=5.5)
    assert list(means.to_frame().status) == ["ok", "not_followed_to_horizon"]


def histories() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1, 1, 2, 3, 3, 4],
            "start": [0.0, 4, 0, 0, 2, 0],
            "stop": [4.0, 9, 8, 2, 7, 6],
            "event": [1, 0, 1, 1, 1, 0],
            "arm": list("aabbba"),
        }
    )


HISTORY = {"participant": "id", "start": "start", "stop": "stop", "event": "event", "arm": "arm"}


def test_histories_that_cannot_be_are_refused() -> None:
    with pytest.raises(AnalysisError, match=r"stop: must be after start, but is not in row 1"):
        lwyy(histories().assign(stop=[4, 4, 8, 2, 7, 6]), **HISTORY)
    with pytest.raises(AnalysisError, match=r"row 4 .* overlaps another row of the same participant"):
        lwyy(histories().assign(start=[0, 4, 0, 0, 1, 0]), **HISTORY)
    with pytest.raises(AnalysisError, match=r"row 1 .* changes the arm of its participant"):
        lwyy(histories().assign(arm=list("abbbba")), **HISTORY)
    with pytest.raises(AnalysisError, match="event: has no event"):
        lwyy(histories().assign(event=0), **HISTORY)
    with pytest.raises(AnalysisError, match="arm b has 1 participant"):
        lwyy(histories().assign(arm=list("aaabba")), **HISTORY)


@pytest.mark.parametrize(
    ("times", "follow_up", "problem"),
    [
        ([[[5.0], [np.nan]] * 2], 4.0, "must not be after follow_up"),
        ([[[0.0], [np.nan]] * 2], 4.0, "event times must be above 0"),
        ([[[2.0, 2.0], [1, np.nan]] * 2], 4.0, "must be distinct"),
        ([[[2.0], [1.0]] * 2], 0.0, "follow_up must be above 0"),
        ([[2.0, 1.0, 3.0, 1.0]], 4.0, "must have the axes replicate, participant and event"),
    ],
)
def test_blocks_of_histories_that_cannot_be_are_refused(times: list, follow_up: float, problem: str) -> None:
    with pytest.raises(AnalysisError, match=problem):
        lwyy_block(times, np.full((1, 4), follow_up), [[0, 1, 0, 1]])
