"""Margins and limits of equivalence on every scale: formula beside simulation, levels, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.design import BinaryScale, CountScale, MarginalQuestion, SurvivalScale, scale_size
from trialsim.design.borrowing import NoBorrowing, ScaleBorrowingQuestion
from trialsim.design.borrowing.scale import simulated_characteristics
from trialsim.design.control_arm import ScaleSizing, scale_controls, scale_power, scale_savings
from trialsim.design.sizes import Claim, PlanningMoments, SizingQuestion, power_of_size, size_for_power
from trialsim.design.sizes.claim import power_within
from trialsim.design.sizes.marginal_scale import marginal_variance
from trialsim.errors import DesignError
from trialsim.streams import stream

RISKS = BinaryScale(0.3, risk_difference=0.0, contrast="risk difference")
ALIKE = {
    "log odds": (BinaryScale(0.4, odds_ratio=1.0), 0.6, (0.6, 1 / 0.6)),
    "risk": (BinaryScale(0.4, risk_difference=0.0, contrast="risk difference"), -0.12, (-0.12, 0.12)),
    "log risk": (BinaryScale(0.4, risk_ratio=1.0, contrast="risk ratio"), 0.75, (0.75, 1 / 0.75)),
    "log rate": (CountScale(0.9, 1.0, 2.0, 0.4), 1.3, (0.77, 1.3)),
    "log hazard": (SurvivalScale(12, 1.0, 12, 24), 1.4, (0.71, 1.4)),
}


def estimates(scale, participants: int, treated: bool, rng) -> np.ndarray:
    """Return simulated estimates (R,) and variances of one arm, of risks by their plain shares."""
    if not isinstance(scale, BinaryScale) or scale.contrast == "odds ratio":
        return np.stack(scale.estimates(participants, 20_000, rng, treated))
    share = rng.binomial(participants, scale.rate(treated), 20_000) / participants
    if scale.contrast == "risk difference":
        return np.stack([share, share * (1 - share) / participants])
    return np.stack([np.log(share), (1 - share) / share / participants])


@pytest.mark.parametrize("unit", ALIKE)
@pytest.mark.parametrize("equivalence", [False, True])
def test_the_size_has_its_power_in_simulated_trials_and_the_level_at_the_margin(
    unit: str, equivalence: bool
) -> None:
    scale, margin, limits = ALIKE[unit]
    null = {"limits": limits} if equivalence else {"margin": margin}
    question = ScaleSizing(scale, power=0.8, **null)
    size = scale_size(question, "unadjusted")
    assert size.power >= 0.8
    rng = stream(3, unit, int(equivalence), "outcome")
    control, active = (
        estimates(scale, n, arm, rng) for n, arm in ((size.controls, False), (size.active, True))
    )
    difference, error = active[0] - control[0], np.sqrt(active[1] + control[1])
    ends = [scale.working(one) for one in limits] if equivalence else [scale.working(margin)]
    low = (difference - ends[0]) / error > 1.959964
    high = (ends[-1] - difference) / error > 1.959964
    won = low & high if equivalence else (low if ends[0] < 0 else high)
    assert won.mean() == pytest.approx(size.power, abs=0.02)
    # Shift the estimates so that the truth lies at the margin.
    at = difference + ends[-1]
    high = (ends[-1] - at) / error > 1.959964
    low = (at - ends[0]) / error > 1.959964
    worst = low & high if equivalence else ((at - ends[0]) / error > 1.959964 if ends[0] < 0 else high)
    assert worst.mean() < 0.035


@pytest.mark.parametrize("unit", ALIKE)
def test_a_margin_of_no_effect_is_superiority_and_wide_limits_are_non_inferiority(unit: str) -> None:
    scale, margin, _ = ALIKE[unit]
    whole = scale_size(ScaleSizing(scale, margin=margin), "unadjusted").total
    ratio = unit != "risk"
    far = 1e6 if ratio else 0.99
    if isinstance(scale, BinaryScale) and scale.contrast != "odds ratio":
        # As far as a risk of treatment can be.
        down, up = 0.001 - scale.control_rate, 0.999 - scale.control_rate
        far = 0.999 / scale.control_rate if ratio else up if scale.working(margin) < 0 else -down
    one_sided = (margin, far) if scale.working(margin) < 0 else ((1 / far if ratio else -far), margin)
    assert scale_size(ScaleSizing(scale, limits=one_sided), "unadjusted").total == whole
    nearer = margin**0.7 if ratio else 0.7 * margin
    assert scale_size(ScaleSizing(scale, margin=nearer), "unadjusted").total > whole
    assert scale_size(ScaleSizing(scale, limits=ALIKE[unit][2]), "unadjusted").total >= whole
    saved = scale_savings(ScaleSizing(scale, margin=margin), 0.3)
    assert saved[0].participants_saved > 0
    size = scale_size(ScaleSizing(scale, margin=margin), "prognostic", 0.3)
    beside = scale_controls(size.active, ScaleSizing(scale, margin=margin), "prognostic", 0.3)
    assert beside is not None
    assert abs(beside.controls - size.controls) <= 1
    power = [scale_power(ScaleSizing(scale, margin=margin), (n, n), "unadjusted") for n in (50, 200, 5000)]
    assert power == sorted(power)


@pytest.mark.parametrize("contrast", ["risk difference", "risk ratio", "odds ratio"])
@pytest.mark.parametrize(("control", "active"), [(0.3, 0.45), (0.6, 0.6), (0.2, 0.1)])
def test_what_a_score_leaves_of_risks_is_the_marginal_variance_by_integration(
    contrast: str, control: float, active: float
) -> None:
    name = {"risk difference": "difference", "risk ratio": "log_ratio", "odds ratio": "log_odds_ratio"}[
        contrast
    ]
    parts = marginal_variance(
        MarginalQuestion("binary", (control, active), (0.6, 0.6), name, claim=Claim((-5.0, 5.0)))
    )
    scale = BinaryScale(control, risk_difference=active - control, contrast=contrast)
    limits = {
        "risk difference": (-0.99 * control, 0.99 * (1 - control)),
        "risk ratio": (0.01, 0.99 / control),
        "odds ratio": (0.01, 100.0),
    }[contrast]
    left = ScaleSizing(scale, parts.correlation[0], limits=limits).left("ancova")
    for shares in ((0.5, 0.5), (0.25, 0.75)):
        v0, v1 = left.residual_variance
        ours = v0 / shares[0] + v1 / shares[1] + left.slope_gap
        assert ours == pytest.approx(parts.adjusted(*shares), rel=0.02)


def test_means_within_limits_have_the_power_of_simulated_t_tests_with_hc3() -> None:
    question = SizingQuestion(0.1, limits=(-0.7, 0.7))
    moments = PlanningMoments((1.0, 1.3), (0.0, 0.0), (0.0, 0.0))
    rng = np.random.default_rng(4)
    n0, n1 = 45, 60
    x0, x1 = rng.standard_normal((40_000, n0)), 0.1 + 1.3 * rng.standard_normal((40_000, n1))
    # HC3 of two means: s² of an arm over n − 1.
    error = np.sqrt(x0.var(axis=1) * n0 / (n0 - 1) ** 2 + x1.var(axis=1) * n1 / (n1 - 1) ** 2)
    difference = x1.mean(axis=1) - x0.mean(axis=1)
    critical = 1.9833
    won = ((difference + 0.7) / error > critical) & ((0.7 - difference) / error > critical)
    found = power_of_size(n0, n1, moments, "unadjusted", question)
    assert found == pytest.approx(won.mean(), abs=4 * math.sqrt(0.25 / 40_000) + 0.002)
    size = size_for_power(moments, "unadjusted", question)
    assert (
        size.power >= 0.9 > power_of_size(size.controls - 1, size.active - 1, moments, "unadjusted", question)
    )


def test_power_within_limits_falls_to_the_level_at_a_limit_and_below_beyond_it() -> None:
    assert power_within(-20.0, 0.0, 0.025) == pytest.approx(0.025)
    assert power_within(-20.0, 0.0, 0.025, 30) == pytest.approx(0.025, abs=1e-6)
    assert power_within(-20.0, -2.0, 0.025, 30) < 0.001
    assert power_within(-1.0, 1.0, 0.025) == 0.0
    rising = [power_within(-drift, drift, 0.025, 40, 1.03) for drift in (2.5, 3, 4, 6, 50)]
    assert rising == sorted(rising)
    assert rising[-1] == pytest.approx(1.0)


def test_borrowing_against_a_margin_agrees_with_simulated_trials() -> None:
    question = ScaleBorrowingQuestion(
        BinaryScale(0.4, odds_ratio=1.0), 250, 400, drifts=(0.0,), margin=0.55, replicates=20_000
    )
    assert question.effect == pytest.approx(-math.log(0.55))
    assert question.orientation == 1
    drift = np.array([-0.3, 0.0, 0.3])
    written = NoBorrowing().characteristics(question, 220, drift)
    simulated = simulated_characteristics(NoBorrowing(), question, 220, drift)
    assert written.type_one_error == pytest.approx(0.05, abs=1e-9)
    assert simulated.type_one_error == pytest.approx(written.type_one_error, abs=0.008)
    assert simulated.power == pytest.approx(written.power, abs=0.015)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ScaleSizing(BinaryScale(0.3, 1.0)), "no effect: no size detects it"),
        (lambda: ScaleSizing(SurvivalScale(12, 1.5, 12, 24), margin=1.3), "wrong side"),
        (lambda: ScaleSizing(SurvivalScale(12, 0.7, 12, 24), margin=0.8), "wrong side"),
        (lambda: ScaleSizing(SurvivalScale(12, 1.3, 12, 24), limits=(0.8, 1.25)), "between the limits"),
        (lambda: ScaleSizing(BinaryScale(0.3, 1.0), margin=-0.1), "is a ratio, which must be above 0"),
        (lambda: ScaleSizing(RISKS, margin=1.2), "difference of risks"),
        (lambda: ScaleSizing(BinaryScale(0.3, 1.0), margin=0.8, limits=(0.8, 1.2)), "limits"),
        (lambda: ScaleSizing(BinaryScale(0.3, 1.0), limits=(1.2, 0.8)), "the lower limit, then the upper"),
        (lambda: ScaleSizing(BinaryScale(0.3, 1.0), margin=1.0), "is no margin"),
        (lambda: BinaryScale(0.3, odds_ratio=2.0, risk_ratio=1.2), "no two of them"),
        (lambda: BinaryScale(0.6, risk_ratio=2.0), "outside"),
        (lambda: BinaryScale(0.6, 2.0, contrast="hazard ratio"), "is not known"),
        (lambda: ScaleBorrowingQuestion(RISKS, 99, 99), "log odds"),
        (lambda: ScaleBorrowingQuestion(BinaryScale(0.4, 1.0), 99, 99), "no effect"),
        (lambda: SizingQuestion(0.8, limits=(-0.7, 0.7)), "between the limits"),
    ],
)  # fmt: skip
def test_margins_that_cannot_be_are_refused_in_words(make, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        make()


def test_superiority_beyond_a_gain_needs_its_direction() -> None:
    scale = SurvivalScale(12, 0.6, 12, 24)
    gain = scale_size(ScaleSizing(scale, margin=0.8, direction="less"), "unadjusted").total
    assert gain > 2 * scale_size(ScaleSizing(scale), "unadjusted").total
