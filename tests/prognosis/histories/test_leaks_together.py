"""Columns that are the outcome only together are found; strong but honest ones pass."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.data import Covariates, Floats, History, OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.together import (
    require_no_joint_leak,
    require_no_joint_leak_of_outcome,
)


def past(
    columns: Floats, outcome: Floats, time: Floats | None = None, family: str = "binary"
) -> OutcomeHistory:
    n = len(outcome)
    names = tuple(f"x{k}" for k in range(columns.shape[1]))
    week = np.full(n, 26.0) if time is None else time
    levels = tuple("abc") if family == "ordinal" else ()
    return OutcomeHistory(
        "outcome", "s", family, Covariates(names, columns), np.asarray(outcome, dtype=float), week,
        np.zeros(n, dtype=np.int64), levels,
    )  # fmt: skip


@pytest.mark.parametrize("n", [60, 200, 3000])
def test_a_response_that_is_a_threshold_on_the_difference_of_two_columns(n):
    rng = np.random.default_rng(4)
    before = rng.normal(20, 5, n)
    after = before - rng.normal(3, 4, n)
    columns = np.column_stack([before, after, rng.normal(size=(n, 2))])
    with pytest.raises(HistoryError, match="x0, x1: covariates part the outcomes"):
        require_no_joint_leak_of_outcome(past(columns, before - after > 3))
    # Each of them alone is an honest, strong covariate.
    require_no_joint_leak_of_outcome(past(columns[:, 1:], before - after > 3))


def test_a_level_of_the_sum_of_two_columns():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 4))
    with pytest.raises(HistoryError, match="x1, x3"):
        require_no_joint_leak_of_outcome(
            past(x, np.digitize(x[:, 1] + x[:, 3], [-0.5, 1.0]), family="ordinal")
        )


def test_a_count_that_two_halves_add_up_to_and_a_time_between_two_dates():
    rng = np.random.default_rng(6)
    first, second = rng.poisson(2, (2, 300))
    columns = np.column_stack([first, second, rng.normal(size=300)]).astype(float)
    time = np.full(300, 52.0)
    with pytest.raises(HistoryError, match="x0, x1: covariates are the count, taken together"):
        require_no_joint_leak_of_outcome(past(columns, first + second, time, "count"))
    entry, onset = rng.uniform(0, 700, 300), rng.exponential(300, 300)
    seen = np.minimum(onset, 900 - entry)
    event = onset <= 900 - entry
    dates = np.column_stack([entry, entry + seen, rng.normal(size=300)])
    with pytest.raises(HistoryError, match="covariates"):
        require_no_joint_leak_of_outcome(past(dates, event, seen, "weibull"))
    # The date of entry alone says how long the censored were followed, and nothing of the event.
    require_no_joint_leak_of_outcome(past(dates[:, [0, 2]], event, seen, "weibull"))


def test_a_change_that_two_later_values_add_up_to():
    rng = np.random.default_rng(7)
    n = 150
    baseline, part = rng.normal(20, 5, n), rng.normal(0, 3, n)
    outcomes = baseline[:, None] + rng.normal(1, 3, (n, 2))
    change = outcomes[:, 1] - baseline
    columns = np.column_stack([part, rng.normal(size=n), change - part])

    def history(x: Floats) -> History:
        names = tuple(f"x{k}" for k in range(x.shape[1]))
        return History("score", "s", False, Covariates(names, x), np.array([4.0, 8.0]), baseline, outcomes,
                       np.zeros(n, dtype=np.int64))  # fmt: skip

    with pytest.raises(HistoryError, match="x0, x2: covariates are the change at week 8"):
        require_no_joint_leak(history(columns))
    require_no_joint_leak(history(columns[:, :2]))


@pytest.mark.parametrize("seed", range(20))
def test_strong_honest_covariates_pass(seed):
    """Concordance of about .95, which no history has, and counts with a heavy tail that the past predicts."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, 6))
    eta = 1.5 * x @ np.array([1.5, 1.0, 0.8, 0.5, 0.3, 0.0])
    require_no_joint_leak_of_outcome(past(x, rng.logistic(size=80) < eta))
    rate = np.exp(rng.normal(2, 1.2, 80))
    columns = np.column_stack([rng.poisson(2 * rate), x[:, :2]]).astype(float)
    require_no_joint_leak_of_outcome(past(columns, rng.poisson(rate), np.full(80, 26.0), "count"))
    baseline = rng.normal(20, 5, 80)
    outcomes = (baseline + 3 * x[:, 0] + 2 * x[:, 1] + rng.normal(0, 1, 80))[:, None]
    names = tuple(f"x{k}" for k in range(6))
    require_no_joint_leak(
        History(
            "score",
            "s",
            False,
            Covariates(names, x),
            np.array([8.0]),
            baseline,
            outcomes,
            np.zeros(80, dtype=np.int64),
        )
    )
