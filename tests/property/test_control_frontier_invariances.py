"""Borrowing does not depend on the outcome's unit, and a drift of either sign is equally harmful."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.design import AssuranceQuestion, BorrowingQuestion, MarginalQuestion, marginal_size
from trialsim.design.assured import PlanningDraws, power_draws
from trialsim.design.borrowing import (
    Commensurate,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    SelfAdapting,
    TwinInformedPrior,
)
from trialsim.design.sizes import PredictionMoments

METHODS = (
    NoBorrowing(),
    PowerPrior(weight=0.3),
    RobustMap(),
    Commensurate(),
    SelfAdapting(),
    TwinInformedPrior(calibration_slope=0.9),
)
DRIFTS = np.array([-0.4, 0.0, 0.4])


@given(
    unit=st.floats(0.01, 100),
    rho=st.floats(0, 0.9),
    controls=st.integers(10, 200),
    method=st.sampled_from(METHODS),
)
@settings(deadline=None, max_examples=25)
def test_the_unit_of_the_outcome_does_not_matter(unit: float, rho: float, controls: int, method) -> None:
    question = BorrowingQuestion(0.4, 100, 500, correlation=rho)
    scaled = replace(question, effect=0.4 * unit, sd=unit)
    one, other = (method.characteristics(q, controls, DRIFTS) for q in (question, scaled))
    assert other.type_one_error == pytest.approx(one.type_one_error, rel=1e-7)
    assert other.power == pytest.approx(one.power, rel=1e-7)
    assert other.bias == pytest.approx(unit * one.bias, rel=1e-6, abs=1e-9 * unit)
    assert other.effective_controls == pytest.approx(one.effective_controls, rel=1e-6, abs=1e-6)


@given(controls=st.integers(5, 150), drift=st.floats(0.01, 1.5), method=st.sampled_from(METHODS))
@settings(deadline=None, max_examples=25)
def test_drift_harms_alike_on_both_sides(controls: int, drift: float, method) -> None:
    question = BorrowingQuestion(0.4, 100, 500, correlation=0.4)
    got = method.characteristics(question, controls, np.array([-drift, drift]))
    assert got.type_one_error[0] == pytest.approx(got.type_one_error[1], rel=1e-9)
    assert got.bias[0] == pytest.approx(-got.bias[1], rel=1e-9, abs=1e-12)


def test_simulated_trials_do_not_depend_on_the_unit() -> None:
    question = BorrowingQuestion(0.4, 60, 200, correlation=0.5, replicates=400)
    method = ExactBayesian(vague_scale=1.0)
    one = method.characteristics(question, 40, DRIFTS)
    other = method.characteristics(replace(question, sd=2.0, effect=0.8), 40, DRIFTS)
    # The vague part's own scale is in the outcome's unit, so only the bold prior is free of it.
    assert np.abs(other.type_one_error - one.type_one_error).max() < 0.05


@given(c=st.floats(-1, 1), share=st.floats(0.1, 0.9), rho=st.floats(-0.9, 0.9))
@settings(deadline=None, max_examples=25)
def test_swapping_arms_leaves_the_dial_alone(c: float, share: float, rho: float) -> None:
    one = PredictionMoments.from_correlation((1.0, 1.5), (rho, 0.3), c).variance((share, 1 - share))
    other = PredictionMoments.from_correlation((1.5, 1.0), (0.3, rho), c).variance((1 - share, share))
    assert other == pytest.approx(one, rel=1e-12)


@given(risk=st.floats(0.1, 0.8), slope=st.floats(-2, 2))
@settings(deadline=None, max_examples=25)
def test_swapping_arms_leaves_the_marginal_size_alone(risk: float, slope: float) -> None:
    one = marginal_size(MarginalQuestion("binary", (risk, risk + 0.1), (slope, 0.5)), (0.4, 0.6))
    other = marginal_size(MarginalQuestion("binary", (risk + 0.1, risk), (0.5, slope)), (0.6, 0.4))
    assert other == pytest.approx((one[1], one[0]), rel=1e-9)


@given(unit=st.floats(0.01, 100))
@settings(deadline=None, max_examples=10)
def test_assured_power_does_not_depend_on_the_unit(unit: float) -> None:
    one = np.linspace(0.8, 1.2, 5)

    def power(scale: float) -> np.ndarray:
        draws = PlanningDraws(
            (scale * one, scale * one), (0.4 * one, 0.3 * one), 0.5 * one, 0.3 * scale * one
        )
        return power_draws(200, draws, AssuranceQuestion())

    assert power(unit) == pytest.approx(power(1.0), rel=1e-9)
