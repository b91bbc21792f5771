"""The worst plausible figure is never better than the discounted one, however much history there is."""

from __future__ import annotations

import itertools

import pytest

from trialsim.design import (
    AssuranceQuestion,
    BinaryScale,
    CountScale,
    MarginalQuestion,
    PlanningMoments,
    PrognosticGain,
    Size,
    SizingQuestion,
    SurvivalScale,
    assured_sizes,
    marginal_size,
    plan_control_arm,
    scale_size,
)
from trialsim.design.assured import assured_sizes_on_scale, draws_from_history, draws_on_scale
from trialsim.design.control_arm import ScaleSizing, scale_savings, thin_arms
from trialsim.errors import DesignError
from trialsim.streams import stream

SCALES = (
    BinaryScale(0.3, 2.0),
    BinaryScale(0.8, 0.5),
    CountScale(0.8, 0.7, 2.0, 0.8),
    SurvivalScale(12, 0.7, 18, 30),
)


@pytest.mark.parametrize("history", [20, 300, 20_000])
@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.6])
def test_assured_sizes(history: int, correlation: float) -> None:
    asked = AssuranceQuestion(correlation_discount=0.8, sd_inflation=1.15)
    draws = draws_from_history(
        correlation, 2.0, history, effect=0.5, generator=stream(3, "worst", 0, "analysis"), draws=400
    )
    sizes = assured_sizes(draws, asked)
    assert sizes.total("worst plausible") >= sizes.total("discounted") >= sizes.total("undiscounted")


@pytest.mark.parametrize("history", [200, 20_000])
@pytest.mark.parametrize("scale", SCALES, ids=lambda one: type(one).__name__)
def test_assured_sizes_on_every_scale(scale, history: int) -> None:
    draws = draws_on_scale(
        scale, history, correlation=0.4, generator=stream(4, "worst", 0, "analysis"), draws=200
    )
    sizes = assured_sizes_on_scale(draws, AssuranceQuestion())
    assert sizes.total("worst plausible") >= sizes.total("discounted") >= sizes.total("undiscounted")


def test_savings() -> None:
    moments, question = PlanningMoments((2.2, 2.2), (0.2, 0.2), (0.0, 0.0)), SizingQuestion(0.45)
    for partial, lower, discount, inflation in itertools.product(
        (0.1, 0.5), (0.0, 0.09, 0.49), (0.7, 1.0), (1.0, 1.2)
    ):
        shares = {"correlation_discount": discount, "sd_inflation": inflation}
        gain = PrognosticGain(partial, min(lower, partial), {}, 0.1, 0.05)
        plan = plan_control_arm(moments, gain, question, smallest_worthwhile_saving=0.02, **shares)
        on_scale = scale_savings(ScaleSizing(SCALES[0]), partial, partial_lower=min(lower, partial), **shares)
        for found in (plan.savings, on_scale):
            figures = {one.figure: one for one in found}
            discounted, worst = figures["discounted"], figures["worst_plausible"]
            assert worst.participants_saved <= discounted.participants_saved
            assert worst.controls_saved <= discounted.controls_saved


def test_a_size_that_its_own_formula_cannot_carry_is_told() -> None:
    question = ScaleSizing(BinaryScale(0.3, odds_ratio=20.0))
    small = scale_size(question, "prognostic", 0.5)
    told = thin_arms(question, small)
    assert told is not None
    assert "normal approximation" in told
    usual = ScaleSizing(BinaryScale(0.3, odds_ratio=2.0))
    assert thin_arms(usual, scale_size(usual, "prognostic", 0.5)) is None
    # 5 / (.3 × .7) is just below 24 responders and others in an arm.
    assert thin_arms(usual, Size(23, 400, 0.9)) is not None
    assert thin_arms(usual, Size(24, 400, 0.9)) is None


def test_slopes_too_steep_for_the_quadrature_of_a_count_are_refused() -> None:
    with pytest.raises(DesignError) as refused:
        MarginalQuestion("count", (2.0, 1.5), (100.0, 100.0))
    assert refused.value.field == "slopes"
    assert all(n > 0 for n in marginal_size(MarginalQuestion("count", (2.0, 1.5), (5.0, 5.0))))
