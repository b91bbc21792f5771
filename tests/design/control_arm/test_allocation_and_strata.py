"""Allocations of least cost, and sizes of stratified binary trials: closed forms, search and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, ndtri

from trialsim.design import (
    MarginalQuestion,
    PlanningMoments,
    RatesQuestion,
    compare_allocations,
    marginal_size,
    rates_size,
)
from trialsim.design.control_arm import cheapest_allocation, equal_cost_allocation
from trialsim.design.sizes import (
    Adjustment,
    StratifiedQuestion,
    adjustment,
    asymptotic_size,
    stratified_power,
    stratified_size,
)
from trialsim.design.sizes.variance import asymptotic_variance
from trialsim.errors import DesignError
from trialsim.streams import stream

UNEVEN = adjustment(PlanningMoments((1.0, 1.5), (0.6, 0.2), (0.0, 0.0)), "ancova")


def cost_at(share: float, left: Adjustment, prices: tuple[float, float]) -> float:
    total = asymptotic_size(asymptotic_variance(left, (1 - share, share), "interacted"), 0.3)
    return total * (prices[0] * (1 - share) + prices[1] * share)


@pytest.mark.parametrize("prices", [(1.0, 1.0), (1.0, 5.0), (7.0, 2.0)])
@pytest.mark.parametrize("left", [Adjustment((0.75, 0.75), 0.0, 1), Adjustment((1.0, 0.4), 0.0, 1), UNEVEN])
def test_no_other_allocation_costs_less(left: Adjustment, prices: tuple[float, float]) -> None:
    found = cheapest_allocation(left, 0.3, prices)
    search = minimize_scalar(
        cost_at, bounds=(0.01, 0.99), args=(left, prices), method="bounded", options={"xatol": 1e-10}
    )
    assert found.cost == pytest.approx(search.fun, rel=1e-12)
    assert found.active / found.total == pytest.approx(search.x, abs=1e-5)
    for share in np.linspace(0.05, 0.95, 181):
        assert cost_at(float(share), left, prices) >= found.cost * (1 - 1e-12)


def test_the_ratio_without_a_slope_gap_is_the_closed_form() -> None:
    found = cheapest_allocation(Adjustment((0.64, 1.44), 0.0, 1), 0.3, (4.0, 9.0))
    assert found.ratio == pytest.approx(1.2 / 0.8 * math.sqrt(4 / 9), rel=1e-12)
    assert cheapest_allocation(UNEVEN, 0.3).ratio == pytest.approx(
        math.sqrt(UNEVEN.residual_variance[1] / UNEVEN.residual_variance[0]), rel=1e-12
    )


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.7])
def test_for_the_same_money_is_the_larger_root_of_its_quadratic(rho: float) -> None:
    left, budget = Adjustment((1 - rho**2,) * 2, 0.0, 1), asymptotic_size(4.0, 0.3)
    found = equal_cost_allocation(left, 0.3, budget)
    # c = 1: κ² r² − (4 − 2κ²) r + κ² = 0
    roots = np.roots([1 - rho**2, -(4 - 2 * (1 - rho**2)), 1 - rho**2])
    assert found.ratio == pytest.approx(roots.max(), rel=1e-9)
    assert found.total == pytest.approx(budget, rel=1e-9)


@pytest.mark.parametrize("rho", [0.1, 0.3, 0.39, 0.5, 0.8])
def test_the_control_cut_beside_a_fixed_active_arm_is_the_closed_form(rho: float) -> None:
    table = compare_allocations(
        Adjustment((1.0, 1.0), 0.0, 0), Adjustment((1 - rho**2,) * 2, 0.0, 1), 0.3, (2.0, 3.0)
    )
    frame = table.to_frame().set_index("design")
    fixed = frame.loc["with the score, active fixed"]
    assert fixed["control_cut"] == pytest.approx(2 * rho**2 / (1 + rho**2), abs=1e-9)
    assert fixed["total_cut"] == pytest.approx(rho**2 / (1 + rho**2), abs=1e-9)
    assert frame.loc["with the score, cheapest", "cost"] <= frame["cost"].min() * (1 + 1e-12)
    assert frame.loc["with the score, for the same money", "cost_cut"] == pytest.approx(0, abs=1e-9)
    assert table.plot().data
    assert "active fixed" in str(table)


def test_an_infeasible_way_is_shown_as_such() -> None:
    before, after = Adjustment((1.0, 0.1), 0.0, 0), Adjustment((0.9, 3.0), 0.0, 1)
    with pytest.raises(DesignError, match="does not pay"):
        compare_allocations(before, after, 0.3)
    fixed = compare_allocations(before, Adjustment((0.01, 1.2), 0.0, 1), 0.3, (1.0, 0.1)).to_frame()
    fixed = fixed.set_index("design").loc["with the score, active fixed"]
    assert math.isnan(fixed["controls"])
    assert math.isnan(fixed["cost_cut"])


def test_one_stratum_is_the_test_of_two_rates() -> None:
    alone = StratifiedQuestion([1.0], [0.3], [0.45], (1 / 3, 2 / 3))
    assert stratified_size(alone) == pytest.approx(
        rates_size(RatesQuestion(0.3, 0.45, allocation=2.0)).total, rel=1e-9
    )
    for method in ("mantel-haenszel", "marginal"):
        classical = (0.55 / 0.45 / (2 / 3) + 0.7 / 0.3 / (1 / 3)) / math.log(1.5) ** 2
        assert stratified_size(alone, method) == pytest.approx(
            (1.959964 + 1.281552) ** 2 * classical, rel=1e-6
        )


def strata_of_score(
    risks: tuple[float, float], slopes: tuple[float, float], strata: int, allocation=(0.5, 0.5)
) -> StratifiedQuestion:
    """Return equal strata of a normal score, with the mean risks that a logistic score gives them."""
    score = ndtri((np.arange(4000) + 0.5) / 4000)
    each = []
    for risk, slope in zip(risks, slopes, strict=True):
        cut = brentq(lambda b, p=risk, k=slope: expit(b + k * score).mean() - p, -9, 9)
        each.append([part.mean() for part in np.array_split(expit(cut + slope * score), strata)])
    return StratifiedQuestion([1 / strata] * strata, *each, allocation)


@pytest.mark.parametrize("method", ["cmh", "mantel-haenszel", "marginal"])
def test_power_inverts_size(method) -> None:
    question = strata_of_score((0.3, 0.45), (1.0, 0.7), 4, (0.4, 0.6))
    assert stratified_power(stratified_size(question, method), question, method) == pytest.approx(
        0.9, abs=1e-12
    )


def test_many_strata_approach_the_adjusted_marginal_size() -> None:
    question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0), "log_ratio")
    fine = stratified_size(strata_of_score((0.3, 0.45), (1.0, 1.0), 200), "marginal")
    assert fine == pytest.approx(sum(marginal_size(question)), rel=2e-3)
    assert stratified_size(strata_of_score((0.3, 0.45), (1.0, 1.0), 1), "marginal") == pytest.approx(
        sum(marginal_size(question, adjusted=False)), rel=1e-5
    )


@pytest.mark.parametrize("slopes", [(1.2, 1.2), (1.2, -0.3)])
def test_stratified_power_agrees_with_simulated_trials(slopes) -> None:
    question = strata_of_score((0.3, 0.38), slopes, 4, (0.4, 0.6))
    w, p0, p1 = question.arrays
    total, replicates = 1440, 6000
    rng = stream(6, f"strata {slopes}", 0, "outcome")
    sizes = rng.multinomial(total, w, replicates)
    n0 = np.round(0.4 * sizes)
    n1 = sizes - n0
    x0, x1 = rng.binomial(n0.astype(int), p0), rng.binomial(n1.astype(int), p1)
    excess = ((x1 * n0 - x0 * n1) / sizes).sum(axis=1)
    events = x0 + x1
    spread = (n0 * n1 * events * (sizes - events) / (sizes**2 * (sizes - 1))).sum(axis=1)
    r, s = (x1 * n0 / sizes).sum(axis=1), (x0 * n1 / sizes).sum(axis=1)
    greenland = ((events * n1 * n0 / sizes - x1 * x0) / sizes).sum(axis=1) / (r * s)
    rejected = {
        "cmh": excess / np.sqrt(spread) > 1.959964,
        "mantel-haenszel": np.log(r / s) / np.sqrt(greenland) > 1.959964,
    }
    for method, share in rejected.items():
        power = stratified_power(total, question, method)  # type: ignore[arg-type]
        error = math.sqrt(power * (1 - power) / replicates)
        assert share.mean() == pytest.approx(power, abs=3 * error + (0.0 if method == "cmh" else 0.015))
    variance = np.log(r / s).var() * total
    effect = math.log(question.risk_ratio)
    implied = (1.959964 + 1.281552) ** 2 / effect**2
    assert stratified_size(question, "marginal") / implied == pytest.approx(variance, rel=0.06)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: cheapest_allocation(UNEVEN, 0.3, (0.0, 1.0)), "prices"),
        (lambda: cheapest_allocation(UNEVEN, 0.0), "effect"),
        (lambda: cheapest_allocation(Adjustment((0.0, 1.0), 0.0, 0), 0.3), "residual_variance"),
        (lambda: equal_cost_allocation(UNEVEN, 0.3, 10.0), "budget"),
        (lambda: StratifiedQuestion([0.5, 0.4], [0.3, 0.3], [0.4, 0.4]), "weights"),
        (lambda: StratifiedQuestion([0.5], [0.3, 0.3], [0.4, 0.4]), "weights"),
        (lambda: StratifiedQuestion([1.0], [0.0], [0.4]), "control"),
        (lambda: StratifiedQuestion([1.0], [0.4], [0.4]), "active"),
        (lambda: StratifiedQuestion([1.0], [0.4], [0.5], (1.0, 0.5)), "allocation"),
        (lambda: StratifiedQuestion([1.0], [0.4], [0.5], power=0.01), "power"),
        (lambda: stratified_size(StratifiedQuestion([1.0], [0.4], [0.5]), "magic"), "method"),
    ],
)
def test_impossible_questions_are_refused(make, field: str) -> None:
    with pytest.raises(DesignError) as refused:
        make()
    assert refused.value.field == field
