"""Dial, conservative factors, marginal scale, weights and events: invariants and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from trialsim.analysis.linear import fit_linear, fit_twin_weighted
from trialsim.analysis.marginal import fit_marginal
from trialsim.design import (
    MarginalQuestion,
    PlanningMoments,
    guenther_schouten_size,
    marginal_size,
)
from trialsim.design.control_arm import prognostic_events
from trialsim.design.sizes import (
    PredictionMoments,
    adjustment,
    dial_sizes,
    guenther_schouten_power,
    marginal_controls,
    marginal_power,
)
from trialsim.design.sizes.marginal_scale import marginal_variance
from trialsim.design.sizes.variance import asymptotic_variance
from trialsim.errors import DesignError
from trialsim.streams import stream


def test_a_dial_of_one_is_the_sharp_variance_of_interacted_slopes() -> None:
    sd, rho, shares = (1.0, 1.2), (0.6, 0.2), (0.4, 0.6)
    sharp = asymptotic_variance(
        adjustment(PlanningMoments(sd, rho, (0.0, 0.0)), "ancova"), shares, "interacted"
    )
    dial = PredictionMoments.from_correlation(sd, rho)
    assert dial.variance(shares) == pytest.approx(sharp, rel=1e-12)


def test_the_dial_lies_between_sharp_and_the_general_bound() -> None:
    sizes = dial_sizes(PredictionMoments((0.8, 0.9), (0.5, 0.4), 0.7), 0.3, margin=-0.1)
    order = [sizes.total(name) for name in ("sharp", "chosen", "no credit", "general bound")]
    assert order == sorted(order)
    assert len(sizes.to_frame()) == 5


def test_a_margin_moves_the_effect_and_power_inverts_size() -> None:
    size = guenther_schouten_size(3.0, 0.0, margin=-0.3)
    assert size == pytest.approx(guenther_schouten_size(3.0, 0.3), rel=1e-12)
    assert guenther_schouten_power(size, 3.0, 0.0, margin=-0.3) == pytest.approx(0.9, abs=1e-12)
    assert guenther_schouten_power(1.5, 3.0, 0.3) == 0.0


@pytest.mark.parametrize(
    "question",
    [
        MarginalQuestion("binary", (0.3, 0.45), (1.0, 0.6)),
        MarginalQuestion("binary", (0.2, 0.35), (1.0, 1.0), "log_odds_ratio"),
        MarginalQuestion("count", (2.0, 1.5), (0.4, 0.2), "log_ratio", dispersion=0.3),
    ],
)
def test_controls_beside_a_fixed_arm_reach_the_power(question: MarginalQuestion) -> None:
    controls, active = marginal_size(question, (0.4, 0.6))
    assert marginal_power(controls, active, question, adjusted=True) == pytest.approx(0.9, abs=1e-9)
    assert marginal_controls(active, question) == pytest.approx(controls, rel=1e-8)
    assert marginal_controls(active / 10, question) == math.inf
    parts = marginal_variance(question)
    assert parts.adjusted(controls, active) < parts.unadjusted(controls, active)


def test_useless_scores_save_nothing_on_the_marginal_scale() -> None:
    parts = marginal_variance(MarginalQuestion("binary", (0.3, 0.5), (0.0, 0.0)))
    assert parts.adjusted(80, 120) == pytest.approx(parts.unadjusted(80, 120), rel=1e-12)
    assert parts.unadjusted(80, 120) == pytest.approx(0.21 / 80 + 0.25 / 120, rel=1e-12)


def test_marginal_variance_is_that_of_the_influence_function() -> None:
    question = MarginalQuestion("binary", (0.3, 0.5), (1.2, -0.8), "log_ratio")
    parts, n = marginal_variance(question), 2_000_000
    rng = stream(6, "influence", 0, "outcome")
    score, arm = rng.standard_normal(n), rng.random(n) < 0.6
    grid = rng.standard_normal(200_000)
    mu = []
    for mean, slope in zip(question.means, question.slopes, strict=True):
        cut = brentq(lambda b, p=mean, s=slope: expit(b + s * grid).mean() - p, -9, 9)
        mu.append(expit(cut + slope * score))
    y = rng.random(n) < np.where(arm, mu[1], mu[0])
    residual = [np.where(arm, 0, y - mu[0]) / 0.4, np.where(arm, y - mu[1], 0) / 0.6]
    influence = (residual[1] + mu[1]) / 0.5 - (residual[0] + mu[0]) / 0.3
    assert parts.adjusted(0.4, 0.6) == pytest.approx(influence.var(), rel=0.01)
    assert parts.shared > 0.05 * parts.adjusted(0.4, 0.6)


def test_marginal_power_agrees_with_simulated_g_computation() -> None:
    question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0), score=np.linspace(-2, 2, 41))
    rng, replicates, n = stream(6, "marginal", 0, "outcome"), 3000, 170
    grid = (np.linspace(-2, 2, 41)) / np.linspace(-2, 2, 41).std()
    score = rng.choice(grid, (replicates, 2 * n))
    arm = np.tile(np.repeat([0, 1], n), (replicates, 1))
    cuts = np.array([brentq(lambda b, p=p: expit(b + grid).mean() - p, -9, 9) for p in (0.3, 0.45)])
    y = (rng.random(score.shape) < expit(cuts[arm] + score)).astype(float)
    reject = fit_marginal(y, arm, score[..., None], family="binomial").rejects(0.05)
    power = marginal_power(n, n, question, adjusted=True)
    assert reject.mean() == pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) / replicates) + 0.01)


def test_weighted_adjustment_gains_what_the_formula_says() -> None:
    rng, shape = stream(6, "weighted", 0, "outcome"), (2000, 300)
    sd = np.exp(0.4 * rng.standard_normal(shape))
    score = rng.standard_normal(shape)
    arm = np.tile(np.arange(300) % 2, (shape[0], 1))
    y = score + sd * rng.standard_normal(shape)
    plain = fit_linear(y, arm, score[..., None]).estimate
    weighted = fit_twin_weighted(y, arm, score[..., None], sd).estimate
    # Harmonic over arithmetic mean of the log-normal variances exp(0.8 z).
    assert weighted.var() / plain.var() == pytest.approx(np.exp(-(0.8**2)), rel=0.1)


def test_event_saving_is_the_squared_martingale_correlation() -> None:
    events = prognostic_events(0.7, 0.2)
    assert events.saved / events.unadjusted == pytest.approx(0.2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: PredictionMoments((0.0, 1.0), (1.0, 1.0)),
        lambda: PredictionMoments((1.0, 1.0), (-1.0, 1.0)),
        lambda: PredictionMoments((1.0, 1.0), (1.0, 1.0), 1.1),
        lambda: PredictionMoments((1.0, 1.0), (1.0, 1.0)).variance((0.5, 0.4)),
        lambda: dial_sizes(PredictionMoments((1.0, 1.0), (1.0, 1.0)), 0.3, margin=0.3),
        lambda: MarginalQuestion("binary", (0.3, 1.2), (1.0, 1.0)),
        lambda: MarginalQuestion("binary", (0.3, 0.3), (1.0, 1.0)),
        lambda: MarginalQuestion("count", (1.0, 2.0), (1.0, 1.0), "log_odds_ratio"),
        lambda: prognostic_events(0.7, 1.0),
    ],
)
def test_impossible_inputs_are_refused(call) -> None:
    with pytest.raises(DesignError):
        call()
