"""Sizes against margins and within limits: numbers of rpact 3.3.4 (run in R 4.2.2), TOSTER and Julious."""

from __future__ import annotations

import math

import pytest

from trialsim.design import BinaryScale, CountScale, SurvivalScale, events_for_power, scale_size
from trialsim.design.control_arm import ScaleSizing
from trialsim.design.sizes import Claim, asymptotic_size


def exact(question: ScaleSizing) -> float:
    """Return participants to analyse, not rounded, of a trial without a score."""
    (v0, v1), (c0, c1) = question.left("unadjusted").residual_variance, question.allocation
    return asymptotic_size(v0 / c0 + v1 / c1, question.reach, power=question.power, alpha=question.alpha)


def test_hazard_ratio_1_against_1_3_rpact_get_sample_size_survival_610_586_events() -> None:
    """``getSampleSizeSurvival(hazardRatio=1, thetaH0=1.3, ...)``: 610.5860072 events, 886.0309828 people."""
    question = ScaleSizing(SurvivalScale(12, 1.0, accrual=18, duration=30), margin=1.3)
    total = exact(question)
    assert total == pytest.approx(886.0309828, rel=1e-9)
    assert total * question.scale.event_probability() == pytest.approx(610.5860072, rel=1e-9)


def test_hazard_ratio_9_against_1_2_at_2_to_1_is_near_rpact_642_38() -> None:
    """Schoenfeld pools the arms' events (642.3794160 people); Wald's variance keeps them apart."""
    scale = SurvivalScale(12, 0.9, accrual=18, duration=30)
    question = ScaleSizing(scale, margin=1.2, power=0.8, allocation=(1 / 3, 2 / 3))
    assert exact(question) == pytest.approx(642.3794160, rel=0.02)


@pytest.mark.parametrize(
    ("risk_ratio", "margin", "published"), [(False, -0.1, 1003.390191), (True, 0.8, 574.7904007)]
)
def test_equal_risks_against_a_margin_are_near_rpact_get_sample_size_rates(
    risk_ratio: bool, margin: float, published: float
) -> None:
    """rpact takes the variance under the null from the margin (Farrington and Manning), Wald does not."""
    told = {"risk_ratio": 1.0} if risk_ratio else {"risk_difference": 0.0}
    scale = BinaryScale(0.6, **told, contrast="risk ratio" if risk_ratio else "risk difference")
    assert exact(ScaleSizing(scale, margin=margin)) == pytest.approx(
        published, rel=0.02 if not risk_ratio else 0.1
    )


def test_non_inferiority_of_responders_chow_shao_wang_2003_4_2_is_25_an_arm() -> None:
    """.85 against .65 and a margin of -.10 at one-sided .05 and power .80 (epiR's vignette: 50 in all)."""
    scale = BinaryScale(0.65, risk_difference=0.2, contrast="risk difference")
    size = scale_size(ScaleSizing(scale, margin=-0.1, power=0.8, alpha=0.1), "unadjusted")
    assert (size.controls, size.active) == (25, 25)


def test_superiority_beyond_a_margin_chow_shao_wang_2003_4_2_is_98_an_arm() -> None:
    """.85 against .65, beyond a gain of .05: TrialSize's ``TwoSampleProportion.NIS`` gives 98."""
    scale = BinaryScale(0.65, risk_difference=0.2, contrast="risk difference")
    question = ScaleSizing(scale, margin=0.05, power=0.8, alpha=0.1, direction="greater")
    assert scale_size(question, "unadjusted").controls == 98


@pytest.mark.parametrize(
    ("odds_ratio", "rates", "margin", "alpha", "power", "ratio", "controls"),
    [
        (2.0, (0.25, 0.4), math.exp(0.2), 0.1, 0.8, 1, 241.5119595),
        (1.0, (0.3, 0.3), math.exp(-0.5), 0.05, 0.9, 2, 300.2120875),
    ],
)
def test_odds_ratios_against_a_margin_of_trialsize_1_4_1_relative_risk_nis(
    odds_ratio: float, rates: tuple[float, float], margin: float, alpha: float, power: float, ratio: int,
    controls: float,
) -> None:  # fmt: skip
    """``RelativeRisk.NIS(alpha, beta, or, k, pt, pc, margin)``, run in R 4.2.2."""
    if odds_ratio == 2.0:
        assert rates[1] / (1 - rates[1]) / (rates[0] / (1 - rates[0])) == pytest.approx(2.0)
    scale = BinaryScale(rates[0], odds_ratio=odds_ratio)
    question = ScaleSizing(
        scale, margin=margin, alpha=alpha, power=power, allocation=(1 / (1 + ratio), ratio / (1 + ratio)),
        direction="greater",
    )  # fmt: skip
    assert exact(question) / (1 + ratio) == pytest.approx(controls, rel=1e-9)


def test_equal_odds_within_limits_of_trialsize_1_4_1_relative_risk_equivalence() -> None:
    """``RelativeRisk.Equivalence(.05, .2, 1, 1, .25, .25, .5)``: 365.3908203 an arm."""
    limits = (math.exp(-0.5), math.exp(0.5))
    question = ScaleSizing(BinaryScale(0.25, odds_ratio=1.0), limits=limits, alpha=0.1, power=0.8)
    assert exact(question) / 2 == pytest.approx(365.3908203, rel=1e-9)


def test_a_doubled_hazard_beyond_a_log_margin_of_a_half_of_trialsize_1_4_1_cox_nis() -> None:
    """``Cox.NIS(.05, .2, log(2), .5, .8, .5)``: 828.6314331 people, .8 of them with an event."""
    events = events_for_power(2.0, margin=math.exp(0.5), alpha=0.05, power=0.8, direction="greater")
    assert events / 0.8 == pytest.approx(828.6314331, rel=1e-9)


def test_equivalence_of_half_and_half_within_a_tenth_toster_power_tost_two_prop_542() -> None:
    """``powerTOSTtwo.prop(alpha=.05, statistical_power=.9, prop1=.5, prop2=.5, -.1, .1)``: 542 an arm."""
    scale = BinaryScale(0.5, risk_difference=0.0, contrast="risk difference")
    question = ScaleSizing(scale, limits=(-0.1, 0.1), alpha=0.1)
    assert scale_size(question, "unadjusted").controls == 542


def test_reach_of_a_centred_equivalence_julious_2004() -> None:
    """n per arm = 2 σ² (z of 1 − β/2 + z of 1 − α)² / d², in large samples."""
    distance = Claim((-0.5, 0.5)).reach(0.0, 0.1, 0.9)
    assert asymptotic_size(4.0, distance, alpha=0.1) / 2 == pytest.approx(
        2 * (1.6448536 + 1.6448536) ** 2 / 0.25, rel=1e-6
    )


def test_rate_ratio_within_a_margin_zhu_2017_method_1() -> None:
    """Zhu 2017: n = (z + z)² [(1 + 1/RR)/(λ t) + 2k] / (log margin − log RR)², here with the true rates."""
    question = ScaleSizing(CountScale(0.8, 0.9, exposure=1.5, dispersion=0.7), margin=1.2)
    written = (1.959964 + 1.281552) ** 2 * ((1 + 1 / 0.9) / (0.8 * 1.5) + 1.4) / math.log(1.2 / 0.9) ** 2
    assert exact(question) / 2 == pytest.approx(written, rel=1e-6)
