"""What must not matter: signs, units, the order of arms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from trialsim.design import (
    HwangShihDeCani,
    MeansQuestion,
    RatesQuestion,
    events_for_power,
    group_sequential_design,
    means_size,
    rates_size,
)
from trialsim.design.group_sequential.crossing import crossing_probabilities
from trialsim.design.sizes import power_of_rates
from trialsim.design.sizes.rates import rates_under_null

few = settings(deadline=None, max_examples=25)
looks = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5).map(
    lambda gaps: list(np.cumsum(gaps) / np.sum(gaps))
)


@few
@given(looks, st.floats(-3, 4))
def test_turning_signs_swaps_the_sides(times: list[float], drift: float) -> None:
    time = np.array(times)
    upper, lower = 3.0 - time, -1.0 + 2.5 * time
    mean = drift * np.sqrt(time)
    one = crossing_probabilities(time, upper, lower, mean)
    other = crossing_probabilities(time, -lower, -upper, -mean)
    np.testing.assert_allclose(one.upper, other.lower, atol=1e-12)
    np.testing.assert_allclose(one.lower, other.upper, atol=1e-12)


@few
@given(looks, st.floats(0.2, 5.0))
def test_units_of_information_do_not_matter(times: list[float], unit: float) -> None:
    time = np.array(times)
    upper, lower = 3.0 - time, np.full(len(time), -np.inf)
    mean = 2.0 * np.sqrt(time)
    one = crossing_probabilities(time, upper, lower, mean)
    other = crossing_probabilities(unit * time, upper, lower, mean)
    np.testing.assert_allclose(one.upper, other.upper, atol=1e-11)


@few
@given(looks, st.floats(-8, 3), st.floats(0.001, 0.2), st.floats(0.5, 0.99))
def test_design_spends_alpha_and_has_its_power(
    times: list[float], gamma: float, alpha: float, power: float
) -> None:
    design = group_sequential_design(times, efficacy=HwangShihDeCani(gamma), alpha=alpha, power=power)
    assert design.alpha_spent[-1] == pytest.approx(alpha, rel=1e-9)
    assert design.power_at(design.drift) == pytest.approx(power, abs=1e-9)
    assert design.inflation >= 1 - 1e-9


rate = st.floats(0.02, 0.98)


@few
@given(rate, rate, st.floats(0.3, 3.0), st.sampled_from(["difference", "ratio", "odds ratio"]))
def test_swapping_arms_swaps_sizes(control: float, active: float, allocation: float, scale: str) -> None:
    if abs(control - active) < 0.02:
        return
    one = rates_size(RatesQuestion(control, active, scale=scale, allocation=allocation))
    other = rates_size(RatesQuestion(active, control, scale=scale, allocation=1 / allocation))
    assert one.control == pytest.approx(other.active, rel=1e-9)
    question = RatesQuestion(control, active, scale=scale, allocation=allocation)
    assert power_of_rates(one.control, question) == pytest.approx(0.9, abs=1e-9)


@few
@given(rate, rate, st.floats(0.3, 3.0), st.floats(0.5, 2.0))
def test_swapping_arms_turns_the_margin(
    control: float, active: float, allocation: float, margin: float
) -> None:
    for scale, turned, gap in (
        ("ratio", 1 / margin, active - margin * control),
        ("difference", 1 - margin, active - control - (margin - 1)),
    ):
        kept = margin if scale == "ratio" else margin - 1
        if abs(gap) < 0.02 or (abs(kept) > 0.95 and scale == "difference"):
            continue
        side, back = ("greater", "less") if gap > 0 else ("less", "greater")
        one = rates_size(RatesQuestion(control, active, scale, kept, allocation=allocation, direction=side))
        other = rates_size(
            RatesQuestion(active, control, scale, turned, allocation=1 / allocation, direction=back)
        )
        assert one.control == pytest.approx(other.active, rel=1e-7)


@few
@given(rate, rate, st.floats(0.3, 3.0), st.sampled_from([-0.1, 0.05, 0.15]))
def test_rates_under_a_margin_are_the_likeliest(
    control: float, active: float, allocation: float, margin: float
) -> None:
    if abs(active - control - margin) < 0.01:
        return
    question = RatesQuestion(control, active, margin=margin, allocation=allocation)
    check_likeliest(question, allocation, lambda q: q + margin, max(0.0, -margin), min(1.0, 1 - margin))


@few
@given(rate, rate, st.floats(0.3, 3.0), st.sampled_from([0.8, 1.25]))
def test_rates_under_a_ratio_are_the_likeliest(
    control: float, active: float, allocation: float, margin: float
) -> None:
    if abs(active - margin * control) < 0.01:
        return
    question = RatesQuestion(control, active, scale="ratio", margin=margin, allocation=allocation)
    check_likeliest(question, allocation, lambda q: q * margin, 0.0, min(1.0, 1 / margin))


def check_likeliest(
    question: RatesQuestion, allocation: float, active_of: object, low: float, high: float
) -> None:
    def loss(q: float) -> float:
        a = active_of(q)
        own = question.control * math.log(q) + (1 - question.control) * math.log(1 - q)
        return -own - allocation * (question.active * math.log(a) + (1 - question.active) * math.log(1 - a))

    best = minimize_scalar(loss, bounds=(low + 1e-9, high - 1e-9), method="bounded", options={"xatol": 1e-10})
    control, active = rates_under_null(question)
    assert control == pytest.approx(best.x, abs=1e-5)
    assert active == pytest.approx(active_of(best.x), abs=1e-5)


@few
@given(st.floats(0.1, 2.0), st.floats(0.1, 50.0), st.floats(0.3, 3.0), st.sampled_from(["t", "z"]))
def test_units_of_the_outcome_do_not_matter(effect: float, unit: float, allocation: float, test: str) -> None:
    one = means_size(MeansQuestion(effect, allocation=allocation, test=test))
    other = means_size(MeansQuestion(-effect * unit, sd=unit, allocation=allocation, test=test))
    assert one.total == pytest.approx(other.total, rel=1e-7)


@few
@given(
    st.floats(0.3, 0.95), st.floats(0.3, 3.0), st.sampled_from(["schoenfeld", "freedman", "hsieh-freedman"])
)
def test_swapping_arms_keeps_events(ratio: float, allocation: float, method: str) -> None:
    one = events_for_power(ratio, allocation=allocation, method=method)
    other = events_for_power(1 / ratio, allocation=1 / allocation, method=method)
    assert one == pytest.approx(other, rel=1e-9)
