"""Sizes, savings, alternatives and assurance on the binary, count and survival scales."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

from trialsim.design import (
    AssuranceQuestion,
    BinaryScale,
    CountScale,
    MarginalQuestion,
    SurvivalScale,
    control_frontier,
    events_for_power,
    marginal_size,
    scale_size,
)
from trialsim.design.assured import (
    assurance,
    assured_sizes_on_scale,
    draws_on_scale,
    power_draws,
    total_for_mean_assurance,
    total_for_quantile_assurance,
)
from trialsim.design.borrowing import NoBorrowing, ScaleBorrowingQuestion
from trialsim.design.control_arm import (
    Prices,
    ScaleSizing,
    cheapest_allocation,
    savings_table,
    scale_controls,
    scale_savings,
)
from trialsim.errors import DesignError
from trialsim.streams import stream

SCALES = {
    "binary": BinaryScale(0.3, risk_difference=0.15),
    "count": CountScale(0.8, 0.7, exposure=2.0, dispersion=0.5),
    "survival": SurvivalScale(12, 0.7, accrual=18, duration=30, loss=0.01),
}
EACH = pytest.mark.parametrize("scale", SCALES.values(), ids=list(SCALES))


@EACH
def test_a_size_reaches_its_power_in_simulated_trials(scale) -> None:
    size = scale_size(ScaleSizing(scale, allocation=(1 / 3, 2 / 3)), "unadjusted")
    rng, replicates = stream(6, "scale size", 0, "outcome"), 8000
    control, v0 = scale.estimates(size.controls, replicates, rng)
    active, v1 = scale.estimates(size.active, replicates, rng, treated=True)
    z = math.copysign(1, scale.effect) * (active - control) / np.sqrt(v0 + v1)
    assert np.mean(z > 1.959964) == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / replicates))
    assert size.power == pytest.approx(0.9, abs=0.003)
    assert size.power >= 0.9 - 1e-9


def test_survival_sizes_have_schoenfelds_events() -> None:
    scale = SurvivalScale(12, 0.9, accrual=18, duration=30)
    size = scale_size(ScaleSizing(scale), "unadjusted")
    events = size.controls * scale.event_probability() + size.active * scale.event_probability(True)
    assert events == pytest.approx(events_for_power(0.9), rel=0.005)
    adjusted = scale_size(ScaleSizing(scale), "prognostic", 0.5)
    assert adjusted.total / size.total == pytest.approx(0.75, abs=1e-3)


def test_binary_and_count_sizes_agree_with_the_marginal_scale() -> None:
    plain = MarginalQuestion("binary", (0.3, 0.45), (0.0, 0.0), "log_odds_ratio")
    assert scale_size(ScaleSizing(SCALES["binary"]), "unadjusted").total == pytest.approx(
        sum(marginal_size(plain)), abs=2
    )
    counts = MarginalQuestion("count", (1.6, 1.12), (0.0, 0.0), "log_ratio", dispersion=0.5)
    assert scale_size(ScaleSizing(SCALES["count"]), "unadjusted").total == pytest.approx(
        sum(marginal_size(counts)), abs=2
    )


@EACH
def test_controls_beside_a_fixed_arm_are_the_fewest_that_reach_the_power(scale) -> None:
    question = ScaleSizing(scale, baseline_correlation=0.2, dropout=(0.0, 0.0))
    active = scale_size(question, "ancova").active
    found = scale_controls(active, question, "prognostic", 0.4)
    assert found is not None
    assert found.power >= 0.9 - 1e-9
    (v0, v1), n = question.left("prognostic", 0.4).residual_variance, found.controls - 1
    assert ndtr(abs(scale.effect) / math.sqrt(v0 / n + v1 / active) - 1.959964) < 0.9
    assert scale_controls(5, question, "prognostic", 0.4) is None


@EACH
def test_the_frontiers_controls_without_borrowing_are_the_same_size(scale) -> None:
    question = ScaleBorrowingQuestion(scale, 300, 500, correlation=0.3)
    controls = control_frontier(question, [NoBorrowing()]).points[0].controls
    size = scale_controls(300, ScaleSizing(scale), "prognostic", 0.3)
    assert size is not None
    assert controls == size.controls


def test_dropout_divides_and_the_baseline_comes_first() -> None:
    scale = SCALES["binary"]
    whole = scale_size(ScaleSizing(scale), "unadjusted").total
    lost = scale_size(ScaleSizing(scale, dropout=(0.2, 0.2)), "unadjusted").total
    assert lost == pytest.approx(whole / 0.8, abs=2)
    question = ScaleSizing(scale, baseline_correlation=0.3)
    both = question.left("prognostic", 0.4).residual_variance[0]
    alone = ScaleSizing(scale).left("prognostic", math.sqrt(1 - 0.91 * 0.84)).residual_variance[0]
    assert both == pytest.approx(alone, rel=1e-12)


@EACH
def test_savings_carry_discounts_intervals_months_and_money(scale) -> None:
    question = ScaleSizing(scale, baseline_correlation=0.2)
    found = scale_savings(question, 0.4, (0.25, 0.5), correlation_discount=0.9, sd_inflation=1.1)
    assert [one.partial_correlation[0] for one in found] == pytest.approx([0.4, 0.36, 0.25])
    assert found[1].ancova.total == pytest.approx(1.21 * found[0].ancova.total, abs=3)
    for one in found[:2]:
        low, high = one.interval
        assert low < one.participants_saved < high
    assert found[2].interval is None
    table = savings_table(found, lambda n: n / 20, Prices(30_000, 40_000, month=100_000))
    saved = found[0].ancova
    rest = found[0].prognostic
    money = 30_000 * (saved.controls - rest.controls) + 40_000 * (saved.active - rest.active)
    money += 100_000 * (saved.total - rest.total) / 20
    assert table.value("undiscounted", "cost") == pytest.approx(money)
    assert table.value("undiscounted", "months") == pytest.approx(found[0].participants_saved / 20)
    assert table.value("undiscounted", "controls", "active arm fixed") == found[0].controls_saved
    useless = scale_savings(question, -0.2)
    assert all(one.participants_saved == one.controls_saved == 0 for one in useless)


def test_the_cheapest_allocation_stands_on_the_working_scale_too() -> None:
    scale = SCALES["survival"]
    left = ScaleSizing(scale).left("unadjusted")
    best = cheapest_allocation(left, scale.effect)
    for share in (0.3, 0.4, 0.5, 0.6):
        assert scale_size(ScaleSizing(scale, allocation=(1 - share, share)), "unadjusted").total >= best.total


@EACH
def test_without_uncertainty_assurance_is_power(scale) -> None:
    rng = stream(6, "assurance", 0, "analysis")
    sure = draws_on_scale(scale, 10**9, generator=rng, correlation=0.3, draws=100)
    question = AssuranceQuestion(direction=1 if scale.effect > 0 else -1)
    size = scale_size(ScaleSizing(scale), "prognostic", 0.3)
    assert total_for_mean_assurance(sure, question) == pytest.approx(size.total, abs=2)
    assert assurance(size.total, sure, question) == pytest.approx(size.power, abs=2e-3)


@EACH
def test_assured_sizes_reach_what_they_promise(scale) -> None:
    rng = stream(6, "assured", 0, "analysis")
    draws = draws_on_scale(scale, 200, generator=rng, correlation=0.3, effect_sd=0.05, draws=1000)
    sizes = assured_sizes_on_scale(draws, AssuranceQuestion())
    total = sizes.total("assured, quantile")
    assert total == total_for_quantile_assurance(draws, sizes.question)
    reached = power_draws(total + 1e-6, draws, sizes.question) >= 0.9
    assert reached.mean() >= 0.8 > (power_draws(total * 0.99, draws, sizes.question) >= 0.9).mean()
    assert sizes.total("undiscounted") < total
    assert sizes.implied_correlation_discount < 1 < sizes.implied_sd_inflation
    assert sizes.question.direction == math.copysign(1, scale.effect)
    assert "implied discount" in str(sizes)


def test_an_assured_size_against_a_margin_is_that_of_its_distance() -> None:
    far = CountScale(0.8, 0.7, 2, 0.5)
    near = CountScale(0.8, 1.0, 2, 0.5)
    totals = []
    for scale, margin in ((far, math.log(0.85)), (near, math.log(0.85 / 0.7))):
        draws = draws_on_scale(scale, 500, generator=stream(3, "margin", 0, "analysis"), effect_sd=0.05)
        totals.append(assured_sizes_on_scale(draws, AssuranceQuestion(margin=margin)).total("undiscounted"))
    # The same distance on the log scale; only the variance of the treated differs.
    assert totals[0] / totals[1] == pytest.approx(far_to_near(far, near), rel=0.02)


def far_to_near(one: CountScale, other: CountScale) -> float:
    both = [scale.unit_variance() + scale.unit_variance(treated=True) for scale in (one, other)]
    return both[0] / both[1]


def test_the_controls_level_has_the_spread_of_the_history() -> None:
    rng = stream(6, "level", 0, "analysis")
    draws = draws_on_scale(SCALES["binary"], 150, generator=rng, level_sd=0.1, effect_sd=0.2, draws=4000)
    assert draws.level.std() == pytest.approx(math.sqrt(1 / 0.21 / 150 + 0.01), rel=0.005)
    assert draws.effect.std() == pytest.approx(0.2, rel=0.005)
    p = 1 / (1 + np.exp(-(math.log(0.3 / 0.7) + draws.level + draws.effect)))
    assert draws.residual(True) == pytest.approx(1 / (p * (1 - p)), rel=1e-9)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ScaleSizing(SCALES["binary"], baseline_correlation=1.0), "baseline_correlation"),
        (lambda: ScaleSizing(SCALES["binary"], allocation=(0.5, 0.6)), "allocation"),
        (lambda: ScaleSizing(SCALES["binary"], dropout=(1.0, 0.0)), "dropout"),
        (lambda: ScaleSizing(SCALES["binary"], power=0.01), "power"),
        (lambda: scale_size(ScaleSizing(SCALES["binary"]), "prognostic", -0.1), "partial"),
        (lambda: scale_size(ScaleSizing(SCALES["count"]), "prognostic", 0.95), "correlation"),
        (lambda: scale_savings(ScaleSizing(SCALES["count"]), 0.3, sd_inflation=0.5), "correlation_discount"),
        (lambda: draws_on_scale(SCALES["count"], 2, generator=stream(1, "", 0, "analysis")), "history"),
        (
            lambda: assured_sizes_on_scale(
                draws_on_scale(
                    BinaryScale(0.3, 2.0, contrast="risk ratio"),
                    99,
                    draws=100,
                    generator=stream(1, "", 0, "analysis"),
                ),
                AssuranceQuestion(),
            ),
            "contrast",
        ),
        (
            lambda: draws_on_scale(
                SCALES["count"], 99, generator=stream(1, "", 0, "analysis"), effect_sd=-1.0
            ),
            "effect_sd",
        ),
    ],
)
def test_impossible_questions_are_refused(make, field: str) -> None:
    with pytest.raises(DesignError) as refused:
        make()
    assert refused.value.field == field


def test_controls_who_leave_are_divided_out_of_those_who_stay() -> None:
    """With nobody lost m controls are analysed; with a fifth lost at least m of those who enter must stay."""
    scale = BinaryScale(0.3, risk_difference=0.15)
    whole = scale_controls(222, ScaleSizing(scale), "unadjusted")
    lost = scale_controls(222, ScaleSizing(scale, dropout=(0.2, 0.0)), "unadjusted")
    assert whole is not None
    assert lost is not None
    assert whole.controls - 1 < lost.controls * 0.8 + 1e-9
    assert lost.controls == pytest.approx(whole.controls / 0.8, abs=1.3)
