"""Priors tuned to a cap: they keep it, the next bolder one does not, and infeasibility is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.design import BorrowingQuestion
from trialsim.design.borrowing import (
    Commensurate,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    TwinInformedPrior,
    safe_priors,
)
from trialsim.errors import DesignError

QUESTION = BorrowingQuestion(0.4, 100, 1000, correlation=0.5, drifts=(0.0,))


def test_tuned_priors_keep_the_cap_up_to_one_sd_and_gain_power() -> None:
    frame = safe_priors(QUESTION, 60, [NoBorrowing(), RobustMap(), Commensurate()]).to_frame()
    assert frame["feasible"].all()
    assert (frame["worst_type_one_error"] <= 0.075).all()
    assert frame["gain"].tolist()[0] == pytest.approx(0)
    assert (frame["gain"].iloc[1:] > 0.03).all()


def test_the_next_bolder_setting_breaks_the_cap() -> None:
    row = safe_priors(QUESTION, 60, [RobustMap()]).to_frame().iloc[0]
    weight = float(row["setting"].split(",")[0].removeprefix("vague weight "))
    drifts = np.linspace(-1, 1, 401)
    worst = [
        RobustMap(vague_weight=one).characteristics(QUESTION, 60, drifts).worst()[0]
        for one in (weight, weight - 0.02)
    ]
    assert worst[0] <= QUESTION.type_one_cap + 1e-6 < worst[1]


def test_a_cap_that_no_setting_keeps_is_said_with_the_best_that_can_be_had() -> None:
    tuned = safe_priors(replace(QUESTION, type_one_cap=0.05), 60, [PowerPrior()])
    row = tuned.to_frame().iloc[0]
    assert not row["feasible"]
    assert row["setting"] == PowerPrior().candidates()[-1].setting
    assert "none feasible; best that can be had" in str(tuned)
    assert len(tuned.plot().data) == 1


def test_exact_bayesian_adjustment_is_tuned_by_simulation() -> None:
    question = replace(QUESTION, replicates=1000)
    row = safe_priors(question, 100, [ExactBayesian()]).to_frame().iloc[0]
    assert row["feasible"]
    assert row["error"] > 0
    assert "K0" in row["setting"]
    assert "1/N_H" not in row["setting"]


def test_impossible_tuning_is_refused() -> None:
    with pytest.raises(DesignError):
        safe_priors(QUESTION, 1)
    with pytest.raises(DesignError):
        safe_priors(QUESTION, 50, [])


def test_every_method_has_its_own_mark_and_a_simulated_one_its_noise() -> None:
    question = BorrowingQuestion(0.4, 100, 400, correlation=0.5, replicates=400)
    tuned = safe_priors(question, 60, [RobustMap(), TwinInformedPrior(), ExactBayesian()])
    marks = [(trace.name, trace.marker.symbol) for trace in tuned.plot().data]
    assert [name for name, _ in marks] == tuned.frame["method"].to_list()
    assert len({symbol for _, symbol in marks}) == len(marks)
    noisy = [" ± " in line for line in tuned.frame["verdict"]]
    assert noisy == [False, False, True]
