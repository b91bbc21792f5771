"""The size formula: exact where theory is exact, and near simulation where it is an approximation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nct, t

from benchmarks.simulated_power import simulated_power
from trialsim.design import PlanningMoments, SizingQuestion, power_of_size, size_for_power
from trialsim.errors import DesignError

PLAIN = PlanningMoments((1.0, 1.0), (0.0, 0.0), (0.0, 0.0))


def test_unadjusted_model_based_power_is_the_exact_t_test() -> None:
    question = SizingQuestion(0.5, variance="model")
    found = power_of_size(40, 80, PLAIN, "unadjusted", question)
    exact = nct.sf(t.ppf(0.975, 118), 118, 0.5 / np.sqrt(1 / 40 + 1 / 80))
    assert found == pytest.approx(exact, rel=1e-12)


# rpact getSampleSizeMeans(alternative, sided = 2, alpha = 0.05, beta, allocationRatioPlanned), t test
@pytest.mark.parametrize(
    ("effect", "ratio", "power", "total"),
    [(0.5, 1, 0.9, 170.06), (0.5, 2, 0.9, 191.15), (0.2, 1, 0.8, 786.8)],
)
def test_size_of_a_t_test(effect: float, ratio: int, power: float, total: float) -> None:
    question = SizingQuestion(
        effect, power=power, allocation=(1 / (1 + ratio), ratio / (1 + ratio)), variance="model"
    )
    size = size_for_power(PLAIN, "unadjusted", question)
    assert size.active == ratio * size.controls
    assert total <= size.total <= total + 1 + ratio


def test_dropout_scales_the_randomised() -> None:
    without = size_for_power(PLAIN, "unadjusted", SizingQuestion(0.3))
    half = size_for_power(PLAIN, "unadjusted", SizingQuestion(0.3, dropout=(0.5, 0.5)))
    assert half.total == pytest.approx(2 * without.total, abs=4)


CELLS = {
    "1:1 hc3": SizingQuestion(0.6, variance="hc3"),
    "1:3 interacted": SizingQuestion(0.6, allocation=(0.25, 0.75), slopes="interacted"),
    "3:1 hc1 interacted": SizingQuestion(0.6, allocation=(0.75, 0.25), slopes="interacted", variance="hc1"),
    "2:1 model": SizingQuestion(0.6, allocation=(2 / 3, 1 / 3), variance="model"),
    "1:1 hc0 dropout": SizingQuestion(0.6, dropout=(0.1, 0.3), variance="hc0"),
    "1:2 hc2": SizingQuestion(0.6, allocation=(1 / 3, 2 / 3), variance="hc2"),
}


@pytest.mark.filterwarnings("ignore::trialsim.analysis.linear.UnsafeStandardErrorWarning")
@pytest.mark.parametrize("cell", CELLS)
def test_formula_is_within_a_point_of_simulation(cell: str) -> None:
    question = CELLS[cell]
    moments = PlanningMoments((1.0, 1.3), (0.4, 0.2), (0.35, 0.1))
    size = size_for_power(moments, "prognostic", question)
    assert size.total >= 100
    power, error = simulated_power(
        size.controls, size.active, moments, "prognostic", question, 8_000, np.random.default_rng(11)
    )
    assert abs(power - size.power) < 0.01 + 3 * error


def test_dropping_the_slope_gap_would_undersize() -> None:
    unequal = PlanningMoments((1.0, 1.0), (0.0, 0.0), (0.6, 0.0))
    question = SizingQuestion(0.3, slopes="interacted")
    naive = (1 - 0.36) * 2 + 2
    expected = (naive + 0.36) / naive
    size = size_for_power(unequal, "prognostic", question).total
    assert size / (naive * (1.959964 + 1.281552) ** 2 / 0.09) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"effect": 0.0}, "effect"),
        ({"effect": float("nan")}, "effect"),
        ({"effect": 1.0, "power": 0.01}, "power"),
        ({"effect": 1.0, "allocation": (0.0, 1.0)}, "allocation"),
        ({"effect": 1.0, "dropout": (1.0, 0.0)}, "dropout"),
    ],
)
def test_impossible_questions_are_refused(options: dict, field: str) -> None:
    with pytest.raises(DesignError, match=field):
        SizingQuestion(**options)


def test_an_unreachable_power_names_the_limit() -> None:
    with pytest.raises(DesignError, match="largest_trial"):
        size_for_power(PLAIN, "ancova", SizingQuestion(0.001, largest_trial=1000))
