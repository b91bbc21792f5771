"""The plan's rules, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.design import (
    PlanningMoments,
    PrognosticGain,
    SizingQuestion,
    controls_for_power,
    plan_control_arm,
    power_of_size,
    size_for_power,
)
from trialsim.design.control_arm import ControlArmPlan

MOMENTS = PlanningMoments((2.0, 2.0), (0.3, 0.3), (0.0, 0.0))
QUESTION = SizingQuestion(effect=0.8)
GAIN = PrognosticGain(0.4, 0.3, {"drift": 0.35}, 0.16, 0.05, 1.0, 0.5)


def plan(gain: PrognosticGain = GAIN, **options: float) -> ControlArmPlan:
    fields = {"correlation_discount": 0.9, "sd_inflation": 1.0, "smallest_worthwhile_saving": 0.02} | options
    return plan_control_arm(MOMENTS, gain, QUESTION, **fields)


def size_at(r: float, sd: float = 2.0) -> int:
    return size_for_power(PlanningMoments((sd, sd), (0.3, 0.3), (r, r)), "prognostic", QUESTION).total


def test_each_figure_uses_its_correlation() -> None:
    point, discounted, worst = plan().savings
    assert [s.partial_correlation[0] for s in (point, discounted, worst)] == pytest.approx([0.4, 0.36, 0.3])
    assert [s.prognostic.total for s in (point, discounted, worst)] == [
        size_at(0.4),
        size_at(0.36),
        size_at(0.3),
    ]


@pytest.mark.parametrize(
    ("changes", "worst"),
    [
        ({"drift_partial_correlations": {"a": 0.35, "b": 0.1}}, 0.1),
        ({"partial_correlation_lower": 0.38}, 0.35),
        ({"partial_correlation_lower": 0.39, "drift_partial_correlations": {}}, 0.36),
        ({"partial_correlation_lower": -0.1}, 0.0),
    ],
)
def test_worst_plausible_is_the_smallest_of_all_and_never_negative(changes: dict, worst: float) -> None:
    found = plan(replace(GAIN, **changes)).saving("worst_plausible")
    assert found.partial_correlation[0] == pytest.approx(worst)


def test_sd_inflation_enlarges_every_analysis_and_leaves_the_undiscounted_figure() -> None:
    inflated = plan(sd_inflation=1.2)
    assert inflated.savings[0] == plan().savings[0]
    assert inflated.saving("discounted").prognostic.total == size_at(0.36, 2.4)
    assert inflated.saving("discounted").ancova.total > plan().saving("discounted").ancova.total * 1.4


@pytest.mark.parametrize(
    ("lower", "supported"), [(0.021, True), (0.02, False), (0.019, False), (-0.1, False)]
)
def test_support_is_decided_by_the_lower_bound_alone(lower: float, supported: bool) -> None:
    decided = plan(replace(GAIN, gain=0.5, gain_lower=lower))
    assert decided.supported is supported
    assert f"{lower:.1%}" in decided.reason


def test_a_useless_score_costs_and_saves_nothing() -> None:
    useless = plan(replace(GAIN, partial_correlation=-0.2, partial_correlation_lower=-0.4))
    for saving in useless.savings:
        assert saving.partial_correlation == (0.0, 0.0)
        assert saving.participants_saved == saving.controls_saved == 0
    prognostic = useless.sizes["prognostic"]
    assert prognostic.total > useless.sizes["ancova"].total
    power = power_of_size(prognostic.controls, prognostic.active, useless.moments, "prognostic", QUESTION)
    assert prognostic.power == pytest.approx(power)
    assert power >= 0.9


def test_the_active_arm_follows_its_ratio() -> None:
    weaker = plan(replace(GAIN, active_to_control=0.5)).savings[0]
    assert weaker.partial_correlation == pytest.approx((0.4, 0.2))
    assert weaker.prognostic.total > size_at(0.4)


def test_intervals_are_those_of_the_correlation() -> None:
    point, discounted, worst = plan().savings
    ancova = point.ancova.total
    assert point.interval == (ancova - size_at(0.3), ancova - size_at(0.5))
    assert discounted.interval == (ancova - size_at(0.27), ancova - size_at(0.45))
    assert worst.interval is None


def test_active_fixed_keeps_ancovas_active_arm() -> None:
    saving = plan().savings[0]
    assert saving.active_fixed is not None
    assert saving.active_fixed.active == saving.ancova.active
    moments = MOMENTS.with_partial(0.4, 0.4)
    assert saving.active_fixed == controls_for_power(saving.ancova.active, moments, "prognostic", QUESTION)
    fewer = power_of_size(
        saving.active_fixed.controls - 1, saving.active_fixed.active, moments, "prognostic", QUESTION
    )
    assert fewer < 0.9 <= saving.active_fixed.power


def test_designs_are_judged_at_other_moments_by_their_own_analysis() -> None:
    planned = plan()
    truth = MOMENTS.with_partial(0.2, 0.2)
    powers = planned.power_at(truth)
    assert set(powers) == {"unadjusted", "ancova", "prognostic", "discounted", "active_fixed"}
    assert powers["ancova"] == pytest.approx(planned.sizes["ancova"].power)
    assert powers["prognostic"] < 0.9


@pytest.mark.parametrize("allocation", [(2 / 3, 1 / 3), (0.75, 0.25), (1 / 3, 2 / 3)])
def test_a_score_that_explains_nothing_spares_no_control_by_rounding(allocation: tuple[float, float]) -> None:
    for effect in np.linspace(0.25, 0.45, 9):
        moments = PlanningMoments((1.0, 2.0), (0.5, 0.5), (0.0, 0.0))
        question = SizingQuestion(float(effect), allocation=allocation, slopes="interacted", variance="model")
        plan = plan_control_arm(
            moments,
            PrognosticGain(0.0, 0.0, {}, 0.0, 0.0),
            question,
            correlation_discount=0.9,
            sd_inflation=1.0,
            smallest_worthwhile_saving=0.0,
        )
        assert [one.controls_saved for one in plan.savings] == [0, 0, 0]
