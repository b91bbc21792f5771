"""The control arm that borrows on the binary, count and survival scales: against simulated trials."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import binom

from trialsim.design import (
    BinaryScale,
    BorrowingQuestion,
    CountScale,
    MarginalQuestion,
    SurvivalScale,
    control_frontier,
    drift_map,
)
from trialsim.design.borrowing import (
    Commensurate,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    ScaleBorrowingQuestion,
    SelfAdapting,
    check_frontier,
    methods_for,
    safe_priors,
    simulated_characteristics,
    tipping_drift,
)
from trialsim.design.sizes.marginal_scale import marginal_variance
from trialsim.errors import DesignError
from trialsim.streams import stream

BINARY = ScaleBorrowingQuestion(BinaryScale(0.4, odds_ratio=2.1), 200, 400)
COUNT = ScaleBorrowingQuestion(CountScale(0.8, 0.7, exposure=2.0, dispersion=0.5), 200, 500)
SURVIVAL = ScaleBorrowingQuestion(SurvivalScale(12, 0.65, accrual=18, duration=30, loss=0.005), 250, 300)
QUESTIONS = {"binary": BINARY, "count": COUNT, "survival": SURVIVAL}
METHODS = [NoBorrowing(), PowerPrior(weight=0.1), RobustMap(between_sd=0.1), SelfAdapting(between_sd=0.1)]


def gap(simulated, computed, replicates: int) -> np.ndarray:
    """Return differences in Monte Carlo standard errors."""
    return np.abs(simulated - computed) / np.sqrt(computed * (1 - computed) / replicates)


@pytest.mark.parametrize("scale", QUESTIONS)
@pytest.mark.parametrize("method", [*METHODS, Commensurate(rate=0.1)], ids=lambda m: m.name)
def test_normal_approximation_agrees_with_simulated_trials(scale: str, method) -> None:
    question, drifts = QUESTIONS[scale], np.array([-0.3, 0.0, 0.3])
    computed = method.characteristics(question, 130, drifts)
    simulated = simulated_characteristics(method, question, 130, drifts)
    assert (gap(simulated.type_one_error, computed.type_one_error, question.replicates) < 4).all()
    assert (gap(simulated.power, computed.power, question.replicates) < 4).all()
    assert simulated.bias == pytest.approx(computed.bias, abs=0.02)
    assert simulated.effective_controls == pytest.approx(computed.effective_controls, rel=0.1, abs=5)


def test_level_of_a_power_prior_agrees_with_enumerated_binomial_trials() -> None:
    controls, active, weight, drift = 140, 200, 0.1, 0.3
    question = replace(BINARY, history=10**6)  # a history without error of its own is a constant
    p = question.scale.rate(drift=drift)
    x0, x1 = np.arange(controls + 1)[:, None], np.arange(active + 1)[None, :]

    def logit(x, n):
        return np.log((x + 0.5) / (n - x + 0.5)), 1 / (x + 0.5) + 1 / (n - x + 0.5)

    (u, v0), (y, v1) = logit(x0, controls), logit(x1, active)
    prior = question.history_variance * 1e6 / 400 / weight
    centre = question.scale.level()
    share = prior / (prior + v0)
    z = (y - centre - share * (u - centre)) / np.sqrt(v1 + share * v0)
    mass = binom.pmf(x0, controls, p) * binom.pmf(x1, active, p)
    exact = float(mass[np.abs(z) > question.critical].sum())
    scaled = PowerPrior(weight=weight * 400 / 1e6 * 1.0)
    got = scaled.characteristics(question, controls, np.array([drift])).type_one_error[0]
    assert got == pytest.approx(exact, abs=0.006)


def test_power_without_borrowing_is_the_closed_form() -> None:
    variance = 1 / (0.4 * 0.6 * 120) + 1 / (BINARY.scale.rate(True) * (1 - BINARY.scale.rate(True)) * 200)
    expected = ndtr(math.log(2.1) / math.sqrt(variance) - BINARY.critical)
    got = NoBorrowing().characteristics(BINARY, 120, np.zeros(1))
    assert got.power[0] == pytest.approx(expected, abs=1e-12)
    assert got.type_one_error[0] == BINARY.alpha


def test_drift_moves_the_variance_of_both_arms() -> None:
    question = replace(BINARY, scale=BinaryScale(0.15, odds_ratio=2.1))
    p0 = 1 / (1 + math.exp(-(math.log(0.15 / 0.85) + 0.8)))
    p1 = 1 / (1 + math.exp(-(math.log(0.15 / 0.85) + 0.8 + math.log(2.1))))
    variance = 1 / (p0 * (1 - p0) * 120) + 1 / (p1 * (1 - p1) * 200)
    got = NoBorrowing().characteristics(question, 120, np.array([0.8])).power[0]
    assert got == pytest.approx(ndtr(math.log(2.1) / math.sqrt(variance) - 1.959963985), abs=1e-9)


@pytest.mark.parametrize("slope", [0.5, 1.0])
@pytest.mark.parametrize(("control", "active"), [(0.3, 0.45), (0.5, 0.7), (0.1, 0.2)])
def test_what_a_binary_score_leaves_is_the_marginal_variance(slope, control, active) -> None:
    parts = marginal_variance(MarginalQuestion("binary", (control, active), (slope, slope), "log_odds_ratio"))
    scale, rho = BinaryScale(control, risk_difference=active - control), parts.correlation[0]
    left = sum(scale.residual_variance(rho, arm) / 100 for arm in (False, True))
    assert left == pytest.approx(parts.adjusted(100, 100), rel=0.02)


def test_what_a_count_score_leaves_is_exactly_the_marginal_variance() -> None:
    question = MarginalQuestion("count", (2.0, 1.4), (0.5, 0.5), "log_ratio", dispersion=0.5)
    parts, rho = marginal_variance(question), 0.0
    rho = parts.correlation[0]
    marginal_dispersion = (parts.residual[0] + parts.explained[0] - 2.0) / 4.0
    scale = CountScale(2.0, 0.7, dispersion=marginal_dispersion)
    left = sum(scale.residual_variance(rho, arm) / 100 for arm in (False, True))
    assert left == pytest.approx(parts.adjusted(100, 100), rel=1e-9)


@pytest.mark.parametrize("accrual", [0.0, 18.0])
def test_event_probability_is_the_integral_over_entry(accrual: float) -> None:
    scale = SurvivalScale(12, 0.65, accrual=accrual, duration=30, loss=0.02)
    hazard, loss = math.log(2) / 12, -math.log(0.98)

    def seen(entry: float) -> float:
        return hazard / (hazard + loss) * -math.expm1(-(hazard + loss) * (30 - entry))

    expected = seen(0.0) if accrual == 0 else quad(seen, 0, accrual)[0] / accrual
    assert scale.event_probability() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_simulated_arms_have_the_level_and_variance_that_they_state(question) -> None:
    rng = stream(6, "arms", 0, "outcome")
    estimate, variance = question.scale.estimates(400, 4000, rng, True, 0.2)
    assert estimate.mean() == pytest.approx(question.scale.level(True, 0.2), abs=0.01)
    expected = question.scale.unit_variance(True, 0.2) / 400
    assert estimate.var() == pytest.approx(expected, rel=0.1)
    assert variance.mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_frontier_points_keep_their_promises_and_one_control_fewer_does_not(question) -> None:
    asked = question.with_drifts((-0.6, -0.3, 0.0, 0.3, 0.6))
    frontier = control_frontier(asked, [NoBorrowing(), RobustMap()])
    assert frontier.plain_controls is not None
    robust = frontier.point("robust MAP")
    assert robust.feasible
    assert robust.controls < frontier.plain_controls
    assert robust.power >= asked.power - 1e-9
    assert robust.worst_type_one_error <= asked.type_one_cap + 1e-9
    method = robust.prior
    fewer = method.characteristics(asked, robust.controls - 1, np.array([*asked.drifts]))
    assert fewer.power[2] < asked.power or fewer.worst()[0] > asked.type_one_cap
    assert f"to 0.6 {asked.scale.unit}" in str(frontier)
    assert frontier.plot().data


def test_a_frontier_is_checked_point_by_point() -> None:
    asked = COUNT.with_drifts((-0.4, 0.0, 0.4))
    methods = [NoBorrowing(), RobustMap()]
    frame = check_frontier(control_frontier(asked, methods))
    assert list(frame["method"]) == ["prognostic adjustment", "robust MAP"]
    for computed, simulated in (
        ("power", "simulated_power"),
        ("worst_type_one_error", "simulated_type_one_error"),
    ):
        assert (gap(frame[simulated], frame[computed], asked.replicates) < 4).all()
    gaussian = control_frontier(BorrowingQuestion(0.4, 120, 1000), [NoBorrowing()])
    with pytest.raises(DesignError, match="another scale"):
        check_frontier(gaussian)


def test_a_check_looks_at_both_sides_of_the_history() -> None:
    # Few respond: the integrated worst is far below the history, that of simulated trials above it.
    rare = ScaleBorrowingQuestion(BinaryScale(0.08, odds_ratio=2.4), 300, 400, replicates=20_000)
    row = check_frontier(control_frontier(rare, [RobustMap()])).iloc[0]
    assert row["at_drift"] < 0 < row["simulated_at_drift"]
    assert row["simulated_worst"] > row["simulated_type_one_error"] + 5 * row["error"]
    assert abs(row["simulated_worst"] - 0.069) < 4 * 0.0018


def test_a_turned_outcome_turns_the_drift() -> None:
    more = ScaleBorrowingQuestion(BinaryScale(0.4, odds_ratio=2.1), 200, 400)
    fewer = ScaleBorrowingQuestion(BinaryScale(0.6, odds_ratio=1 / 2.1), 200, 400)
    drifts = np.array([-0.4, 0.0, 0.2])
    one = RobustMap().characteristics(more, 100, drifts)
    other = RobustMap().characteristics(fewer, 100, -drifts)
    assert one.type_one_error == pytest.approx(other.type_one_error, abs=1e-12)
    assert one.power == pytest.approx(other.power, abs=1e-12)
    assert one.bias == pytest.approx(other.bias, abs=1e-12)
    assert one.bias[2] > 0 > one.bias[0]
    rare, turned = (replace(q, scale=s, history=150) for q, s in (
        (more, BinaryScale(0.15, odds_ratio=2.1)), (fewer, BinaryScale(0.85, odds_ratio=1 / 2.1))
    ))  # fmt: skip
    edges = [tipping_drift(PowerPrior(weight=0.3), question, 100).tipping for question in (rare, turned)]
    assert edges[0] == pytest.approx(edges[1], abs=1e-9)
    sides = [
        PowerPrior(weight=0.3).characteristics(rare, 100, np.array([s * edges[0]])).type_one_error[0]
        for s in (-1, 1)
    ]
    assert abs(sides[0] - sides[1]) > 1e-3


def test_tipping_drift_looks_on_both_sides_and_stands_beside_the_detectable_one() -> None:
    method = PowerPrior(weight=0.5)
    edge = tipping_drift(method, BINARY, 120)
    at = edge.tipping * np.array([-1.0, 1.0])
    sides = method.characteristics(BINARY, 120, at).type_one_error
    assert max(sides) == pytest.approx(BINARY.type_one_cap, abs=2e-3)
    expected = 1.959964 * math.sqrt(BINARY.scale.unit_variance() * (1 / 120 + 1 / 400))
    assert edge.detectable == pytest.approx(expected, rel=1e-6)
    assert not edge.defensible
    assert "log odds" in edge.reason


def test_no_setting_under_a_cap_at_the_level_is_none_feasible() -> None:
    strict = replace(SURVIVAL, type_one_cap=0.05, drifts=(-2.0, 0.0, 2.0))
    frontier = control_frontier(strict, [PowerPrior()])
    assert not frontier.points[0].feasible
    assert "none feasible" in str(frontier)
    assert "log hazard" in frontier.points[0].verdict


def test_the_mixture_of_a_linear_model_is_left_out_with_a_reason() -> None:
    names = [method.name for method in methods_for(COUNT)]
    assert "exact Bayesian adjustment" not in names
    assert "robust MAP" in names
    adapting = next(one for one in methods_for(COUNT) if isinstance(one, SelfAdapting))
    assert adapting.setting == "δ 0.2 log rate, prior odds 1"
    assert SelfAdapting().setting == "δ 0.2 SD, prior odds 1"
    with pytest.raises(DesignError, match="linear model only"):
        ExactBayesian().characteristics(COUNT, 100, np.zeros(1))


def test_priors_are_tuned_and_mapped_on_the_working_scale() -> None:
    tuned = safe_priors(BINARY, 120, [RobustMap()])
    assert "log odds" in str(tuned)
    row = tuned.to_frame().iloc[0]
    assert row["worst_type_one_error"] <= BINARY.type_one_cap + 1e-9
    shown = drift_map([RobustMap()], BINARY, 120)
    assert shown.plot().layout.xaxis.title.text == "drift (log odds)"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: BinaryScale(1.0, odds_ratio=2), "control_rate"),
        (lambda: BinaryScale(0.3), "odds_ratio"),
        (lambda: BinaryScale(0.3, odds_ratio=2, risk_difference=0.1), "odds_ratio"),
        (lambda: ScaleBorrowingQuestion(BinaryScale(0.3, odds_ratio=1), 99, 99), "odds_ratio"),
        (lambda: BinaryScale(0.3, odds_ratio=-1), "odds_ratio"),
        (lambda: BinaryScale(0.3, risk_difference=0.8), "risk_difference"),
        (lambda: CountScale(0.0, 0.7), "control_rate"),
        (lambda: ScaleBorrowingQuestion(CountScale(1.0, 1.0), 99, 99), "rate_ratio"),
        (lambda: CountScale(1.0, 0.7, dispersion=-1), "dispersion"),
        (lambda: SurvivalScale(12, 0.7, 31, 30), "accrual"),
        (lambda: SurvivalScale(12, 0.7, 10, 30, loss=1.0), "loss"),
        (lambda: ScaleBorrowingQuestion(SurvivalScale(12, 1.0, 10, 30), 99, 99), "hazard_ratio"),
        (lambda: replace(COUNT, correlation=0.9), "correlation"),
        (lambda: replace(BINARY, scale=BinaryScale(0.1, odds_ratio=2), correlation=0.8), "correlation"),
        (lambda: replace(SURVIVAL, dropout=(0.1, 0.1)), "dropout"),
        (lambda: replace(BINARY, history=3), "history"),
        (
            lambda: simulated_characteristics(
                NoBorrowing(), replace(BINARY, correlation=0.2), 99, np.zeros(1)
            ),
            "correlation",
        ),
        (lambda: simulated_characteristics(ExactBayesian(), BINARY, 99, np.zeros(1)), "method"),
    ],
)
def test_impossible_questions_are_refused(make, field: str) -> None:
    with pytest.raises(DesignError) as refused:
        make()
    assert refused.value.field == field
