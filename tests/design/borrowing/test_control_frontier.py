"""Borrowing in place of controls: each method against another route, and the frontier's promises."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from trialsim.analysis.borrowing import (
    CommensuratePrior,
    DecisionRule,
    NormalBorrowingDesign,
    NormalMixture,
    commensurate_normal,
    sam_normal,
)
from trialsim.design import BorrowingQuestion, control_frontier, drift_map
from trialsim.design.borrowing import (
    Commensurate,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    SelfAdapting,
    TwinInformedPrior,
    default_methods,
    tipping_drift,
    vague_weight_from_calibration,
)
from trialsim.design.borrowing.control_posterior import control_posterior
from trialsim.errors import DesignError
from trialsim.streams import stream

QUESTION = BorrowingQuestion(0.4, 120, 1000, correlation=0.5)
DRIFTS = np.array([-0.5, -0.2, 0.0, 0.1, 0.3, 1.0])


@pytest.mark.parametrize("weight", [1.0, 0.2, 0.01])
def test_power_prior_equals_its_closed_form(weight: float) -> None:
    controls = 70
    v0, v1 = QUESTION.arm_variances(controls)
    vh = QUESTION.history_variance
    share = 1 / v0 / (1 / v0 + weight / vh)
    posterior = math.sqrt(v1 + v0 * share)
    sampling = math.sqrt(v1 + share**2 * v0 + (1 - share) ** 2 * vh)
    shift, cut = (1 - share) * DRIFTS, QUESTION.critical * posterior
    level = ndtr((shift - cut) / sampling) + ndtr((-shift - cut) / sampling)
    got = PowerPrior(weight=weight).characteristics(QUESTION, controls, DRIFTS)
    assert got.type_one_error == pytest.approx(level, abs=1e-9)
    assert got.power == pytest.approx(ndtr((QUESTION.effect + shift - cut) / sampling), abs=1e-9)
    assert got.bias == pytest.approx(shift, abs=1e-9)
    assert got.effective_controls == pytest.approx(controls * (1 / share - 1), rel=1e-9)


def test_robust_map_equals_the_quadrature_of_the_analysis_room() -> None:
    question = replace(QUESTION, history=10**9)  # no error of its own: the other route holds it fixed
    method = RobustMap(vague_weight=0.3, between_sd=0.1)
    got = method.characteristics(question, 60, DRIFTS)
    v0, v1 = question.arm_variances(60)
    prior = NormalMixture([0.7, 0.3], [0.0, 0.0], [0.1, math.sqrt(question.residual_variance)])
    flat = NormalMixture(1, 0, 1e4)
    rule = DecisionRule(1 - question.alpha / 2)
    design = NormalBorrowingDesign(flat, prior, math.sqrt(v1), math.sqrt(v0), rule, nodes=121)
    for drift, power in zip(DRIFTS, got.power, strict=True):
        assert power == pytest.approx(design.rejection_probability(drift + 0.4, drift), abs=5e-8)


@pytest.mark.parametrize("shape", [1.0, 0.001])
def test_commensurate_posterior_equals_the_analysis_room(shape: float) -> None:
    method = Commensurate(shape=shape, rate=0.01)
    se = math.sqrt(QUESTION.arm_variances(80)[0])
    estimates = np.array([-0.4, 0.05, 0.25, 1.0])
    log_weight, variance = method.components(QUESTION)
    mean, var = control_posterior(estimates, se**2, log_weight, variance).moments()
    external = (0.0, math.sqrt(QUESTION.history_variance))
    for i, estimate in enumerate(estimates):
        other = commensurate_normal((estimate, se), external, CommensuratePrior(shape, 0.01))
        assert mean[i] == pytest.approx(other.mean(), abs=2e-4)
        assert math.sqrt(var[i]) == pytest.approx(other.sd(), abs=5e-4)


def test_self_adapting_posterior_equals_the_analysis_room() -> None:
    method, se = SelfAdapting(difference=0.3, between_sd=0.1), 0.12
    estimates = np.array([-0.5, 0.0, 0.2])
    variance = method.components(QUESTION)[1]
    posterior = control_posterior(estimates, se**2, method.log_weights(QUESTION, estimates, se), variance)
    informative = NormalMixture(1, 0.0, math.sqrt(variance[0]))
    vague = NormalMixture(1, 0.0, math.sqrt(variance[1]))
    for i, estimate in enumerate(estimates):
        other = sam_normal(informative, estimate, se, difference=0.3, vague=vague).posterior
        assert posterior.moments()[0][i] == pytest.approx(other.mean(), abs=1e-12)


@pytest.mark.parametrize("method", [RobustMap(), Commensurate(), SelfAdapting(), TwinInformedPrior()])
def test_quadrature_agrees_with_simulated_trials(method) -> None:
    controls, drift, replicates = 60, 0.25, 40_000
    rng = stream(6, method.name, 0, "outcome")
    v0, v1 = QUESTION.arm_variances(controls)
    history = math.sqrt(QUESTION.history_variance) * rng.standard_normal(replicates)
    u = drift + math.sqrt(v0) * rng.standard_normal(replicates) - history
    y = drift + math.sqrt(v1) * rng.standard_normal(replicates) - history
    se = math.sqrt(v0)
    posterior = control_posterior(u, v0, method.log_weights(QUESTION, u, se), method.components(QUESTION)[1])
    spread = np.sqrt(v1 + posterior.variance)
    no_benefit = (posterior.weight * ndtr((posterior.mean - y[:, None]) / spread)).sum(axis=1)
    level = np.mean((no_benefit < 0.025) | (no_benefit > 0.975))
    got = method.characteristics(QUESTION, controls, np.array([drift]))
    expected = got.type_one_error[0]
    assert level == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / replicates))
    assert np.mean(y - posterior.moments()[0]) == pytest.approx(got.bias[0], abs=4 * 0.15 / 200)


def test_level_is_symmetric_in_drift_and_nominal_without_borrowing() -> None:
    for method in (RobustMap(), Commensurate(shape=0.5), SelfAdapting()):
        got = method.characteristics(QUESTION, 50, np.array([-0.3, 0.3])).type_one_error
        assert got[0] == pytest.approx(got[1], rel=1e-12)
    assert (NoBorrowing().characteristics(QUESTION, 50, DRIFTS).type_one_error == 0.05).all()


def test_exact_bayesian_warning_figure_of_the_notes() -> None:
    question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5, replicates=4000)
    got = ExactBayesian().characteristics(question, 100, np.array([0.0, 0.1, 0.3, 1.0]))
    spread = np.sqrt(2 * got.type_one_error * (1 - got.type_one_error) / 4000)
    assert (np.abs(got.type_one_error - [0.053, 0.173, 0.595, 0.049]) < 4 * spread + 0.003).all()
    assert got.power == pytest.approx([0.992, 0.996, 0.953, 0.909], abs=0.03)
    assert got.bias == pytest.approx([0.003, 0.093, 0.222, -0.002], abs=0.015)
    assert 0.005 < got.error < 0.01
    assert 0 < got.power_error < 0.01
    mirrored = ExactBayesian().characteristics(question, 100, np.array([-0.3, 0.3]))
    assert mirrored.bias[0] == -mirrored.bias[1] != 0
    assert mirrored.type_one_error[0] == mirrored.type_one_error[1]
    assert mirrored.power[0] < mirrored.power[1]


def test_simulated_sizes_share_their_participants() -> None:
    from trialsim.design.borrowing.exact_bayesian import simulate_trials

    question = replace(QUESTION, replicates=200)
    small, large = simulate_trials(question, 20), simulate_trials(question, 30)
    assert (small.outcome[:, :20] == large.outcome[:, :20]).all()
    assert (small.outcome[:, 20:] == large.outcome[:, 30:]).all()


def test_frontier_points_keep_what_they_promise_and_one_control_fewer_does_not() -> None:
    question = replace(QUESTION, drifts=(-0.4, -0.2, 0.0, 0.2, 0.4))
    frontier = control_frontier(question, [NoBorrowing(), RobustMap(), Commensurate(), PowerPrior()])
    for point in frontier.points:
        assert point.feasible
        assert point.power >= question.power
        assert point.worst_type_one_error <= question.type_one_cap + 1e-9
    robust = frontier.point("robust MAP")
    assert robust.prior.setting == robust.setting
    method, count = robust.prior, robust.controls - 1
    fewer = method.characteristics(question, count, np.array(question.drifts))
    still = method.characteristics(question, count, np.zeros(1))
    assert fewer.worst()[0] > question.type_one_cap or still.power[0] < question.power
    assert robust.controls < frontier.plain_controls
    frame = frontier.to_frame()
    saved = frame.loc[frame["method"] == "robust MAP", "controls_saved"].iloc[0]
    assert saved == frontier.plain_controls - robust.controls


def test_a_simulated_point_keeps_the_cap_beyond_its_noise() -> None:
    question = replace(QUESTION, replicates=1000, drifts=(-0.4, -0.2, 0.0, 0.2, 0.4))
    point = control_frontier(question, [ExactBayesian()]).points[0]
    assert point.feasible
    assert point.error > 0
    assert point.worst_type_one_error + 1.645 * point.error <= question.type_one_cap + 1e-9
    assert point.power_error > 0
    assert f"power {point.power:.3f} ± {point.power_error:.4f}" in point.verdict
    assert "declared drifts only" in point.verdict


def test_prognostic_adjustment_alone_gives_the_closed_form_cut() -> None:
    rho = 0.5
    plain = BorrowingQuestion(0.1, 2102, 1000)
    with_score = replace(plain, correlation=rho)
    controls = [control_frontier(q, [NoBorrowing()]).points[0].controls for q in (plain, with_score)]
    assert 1 - controls[1] / controls[0] == pytest.approx(2 * rho**2 / (1 + rho**2), abs=2e-3)


def test_a_cap_at_the_nominal_level_leaves_a_power_prior_infeasible() -> None:
    frontier = control_frontier(replace(QUESTION, type_one_cap=0.05), [PowerPrior()])
    point = frontier.points[0]
    assert not point.feasible
    assert "none feasible" in str(frontier)
    assert "misses the cap" in point.verdict
    assert math.isnan(frontier.to_frame()["controls_saved"].iloc[0])


def test_a_tipping_drift_that_cannot_be_seen_is_not_defensible() -> None:
    narrow = replace(QUESTION, drifts=(0.0, 0.05))
    edge = tipping_drift(PowerPrior(weight=0.5), narrow, 80)
    assert edge.tipping < edge.detectable
    assert not edge.defensible
    assert "borrowing is not defensible" in edge.reason
    level = PowerPrior(weight=0.5).characteristics(narrow, 80, np.array([edge.tipping])).type_one_error[0]
    assert level == pytest.approx(narrow.type_one_cap, abs=1e-3)
    assert "borrowing is not defensible" in str(control_frontier(narrow, [PowerPrior()]))
    assert tipping_drift(NoBorrowing(), QUESTION, 80).tipping == math.inf


def test_drift_map_has_every_setting_and_its_sweet_spot() -> None:
    shown = drift_map([NoBorrowing(), RobustMap()], QUESTION, 60, all_settings=True)
    assert len(shown.to_frame()) == (1 + len(RobustMap().candidates())) * len(QUESTION.drifts)
    spots = shown.sweet_spots()
    robust = spots[spots["method"] == "robust MAP"].iloc[0]
    assert robust["from_drift"] < 0 < robust["to_drift"]
    averaged = shown.averaged(0.1)
    assert averaged["type_one_error"].iloc[0] == pytest.approx(0.05)
    assert "Warning" in str(shown)
    lines = shown.plot().data
    assert len({line.line.color for line in lines}) == len(lines) == 1 + len(RobustMap().candidates())
    assert len({line.line.dash for line in lines}) == 2
    assert control_frontier(QUESTION, [NoBorrowing()]).plot().data


def test_twins_that_miss_in_held_out_studies_are_trusted_less() -> None:
    good = vague_weight_from_calibration(np.zeros(9), np.ones(9))
    bad = vague_weight_from_calibration(np.full(9, 3.0), np.ones(9))
    assert (good, bad) == pytest.approx((0.05, 0.95))
    steep = TwinInformedPrior(calibration_slope=0.5)
    assert steep.informative_variance(QUESTION) > TwinInformedPrior().informative_variance(QUESTION)


def test_every_method_of_the_issue_is_on_the_default_frontier() -> None:
    assert [method.name for method in default_methods()] == [
        "prognostic adjustment",
        "weighted adjustment",
        "exact Bayesian adjustment",
        "robust MAP",
        "commensurate prior",
        "power prior",
        "self-adapting mixture",
        "twin-informed prior",
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"effect": 0.0}, "effect"),
        ({"sd": -1.0}, "sd"),
        ({"active": 1}, "active"),
        ({"history": 2}, "history"),
        ({"correlation": 1.0}, "correlation"),
        ({"power": 0.01}, "power"),
        ({"type_one_cap": 0.01}, "type_one_cap"),
        ({"drifts": ()}, "drifts"),
        ({"dropout": (1.0, 0.0)}, "dropout"),
    ],
)
def test_questions_that_cannot_be_asked(change: dict, field: str) -> None:
    with pytest.raises(DesignError) as refused:
        replace(QUESTION, **change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "call",
    [
        lambda: PowerPrior(weight=0.0),
        lambda: RobustMap(vague_weight=1.5),
        lambda: RobustMap(between_sd=-1.0),
        lambda: SelfAdapting(difference=0.0),
        lambda: NoBorrowing(variance_factor=0.0),
        lambda: ExactBayesian().characteristics(replace(QUESTION, correlation=0.0), 50, DRIFTS),
        lambda: drift_map([NoBorrowing()], QUESTION, 1),
        lambda: drift_map([NoBorrowing()], QUESTION, 50).plot("nothing"),
        lambda: drift_map([NoBorrowing()], QUESTION, 50).averaged(0.0),
        lambda: control_frontier(QUESTION, []),
        lambda: control_frontier(QUESTION, [NoBorrowing()]).point("none"),
        lambda: vague_weight_from_calibration(np.array([0.1]), np.array([0.0])),
    ],
)
def test_impossible_borrowing_is_refused(call) -> None:
    with pytest.raises(DesignError):
        call()
