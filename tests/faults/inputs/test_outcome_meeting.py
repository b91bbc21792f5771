"""A history of one outcome a participant meets a trial: who may, and who is refused with which reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import OutcomeHistory
from trialsim.prognosis.histories import require_compatible_outcomes

NAMES = ("age", "female", "bmi")


def people(count: int, seed: int, family: str = "binary") -> OutcomeHistory:
    """Return participants with two measured covariates and a coarse one."""
    rng = np.random.default_rng(seed)
    covariates = np.column_stack(
        [rng.normal(60, 8, count), rng.integers(0, 2, count), rng.normal(27, 4, count)]
    )
    time = np.full(count, 24.0) if family == "binary" else np.ceil(rng.exponential(30, count))
    outcome = rng.integers(0, 2, count).astype(float)
    group = np.zeros(count, dtype=np.int64)
    return OutcomeHistory(
        "relapse", f"file {seed}", family, Covariates(NAMES, covariates), outcome, time, group
    )


def both(one: OutcomeHistory, other: OutcomeHistory) -> OutcomeHistory:
    """Return the participants of two files as one."""
    values = np.concatenate([one.covariates.values, other.covariates.values])
    joined = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("outcome", "time", "group")
    }
    return replace(one, covariates=Covariates(one.covariates.names, values), **joined)


@pytest.mark.parametrize("family", ["binary", "weibull"])
def test_strangers_may_meet_and_participants_of_both_may_not(family: str) -> None:
    history, trial = people(200, 1, family), people(80, 2, family)
    require_compatible_outcomes(history, trial)
    with pytest.raises(HistoryError, match="participants: 12 participants stand in the history and in the"):
        require_compatible_outcomes(both(history, trial.take(np.arange(12))), trial)


def test_coarse_facts_that_strangers_share_are_no_overlap() -> None:
    history, trial = people(200, 1), people(80, 2)
    coarse = [
        replace(one, covariates=Covariates(NAMES, np.round(one.covariates.values / 20) * 20))
        for one in (history, trial)
    ]
    require_compatible_outcomes(*coarse)


def test_other_outcomes_scales_and_covariates_are_refused() -> None:
    history, trial = people(200, 1), people(80, 2)
    months = trial.covariates.values * [12.0, 1.0, 1.0]
    for other, words in (
        (
            replace(trial, endpoint="remission"),
            "endpoint: the trial's is remission, the history's is relapse",
        ),
        (replace(trial, family="count"), "family: the trial's is count, the history's is binary"),
        (replace(trial, levels=("a", "b")), "levels: the trial's is a, b, the history's is none"),
        (replace(trial, covariates=Covariates(NAMES, months)), "age: looks to be on another"),
        (
            replace(trial, covariates=trial.covariates.select(["age", "bmi"])),
            "female: the trial's participants do",
        ),
    ):
        with pytest.raises(HistoryError, match=words):
            require_compatible_outcomes(history, other)
