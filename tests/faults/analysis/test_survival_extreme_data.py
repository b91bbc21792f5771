"""Extreme data are evidence: an arm without events, separation, rare levels, strata with one arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from trialsim.analysis import adjusted_log_rank, cox, fine_gray, log_rank, lwyy
from trialsim.analysis.competing_risks import fine_gray_block, gray_test_block
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.survival import adjusted_log_rank_block, cox_block, log_rank_block
from trialsim.data import Estimates

COLUMNS = {"time": "t", "event": "e", "arm": "arm"}


def one_sided() -> pd.DataFrame:
    """Return 24 participants of whom no active one has an event."""
    return pd.DataFrame(
        {
            "t": [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25] * 2,
            "e": [0] * 12 + [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1],
            "arm": ["drug"] * 12 + ["placebo"] * 12,
            "x": np.cos(np.arange(24)),
        }
    )


def test_the_adjusted_log_rank_test_without_covariates_is_the_log_rank_test_without_events_too() -> None:
    plain = log_rank(one_sided(), **COLUMNS, control="placebo")
    assert_allclose(plain.z, -3.0, rtol=1e-12)
    alone = adjusted_log_rank(one_sided(), **COLUMNS, control="placebo")
    assert_allclose(alone.z, plain.z, rtol=1e-12)
    assert alone.p_value == plain.p_value < 0.001  # exact: fewer than 10 events
    asymptotic = adjusted_log_rank(one_sided(), **COLUMNS, control="placebo", test="asymptotic")
    assert_allclose(asymptotic.p_value, 0.0026997961, rtol=1e-6)
    assert alone.status == "infinite_hazard_ratio"
    assert adjusted_log_rank(one_sided(), **COLUMNS, control="placebo", covariates="x").z < -2.9


def test_cox_without_events_in_an_arm_is_decided_by_its_score_test() -> None:
    fit = cox(one_sided(), **COLUMNS, control="placebo")
    assert (fit.status, fit.decided_by) == ("infinite_coefficient", "score")
    assert_allclose(fit.statistic, -3.0, rtol=1e-12)
    assert_allclose(fit.statistic**2, fit.score_chi_square, rtol=1e-12)
    assert "the score test decides, z -3, p 0.0027" in str(fit)


def test_the_score_test_beside_covariates_is_the_slope_of_the_profile_likelihood() -> None:
    """Where the fit exists the same score must be had by numbers: U at (0, γ̂) over its partial variance."""
    rng = np.random.default_rng(5)
    time, event = rng.exponential(1, (1, 60)), rng.random((1, 60)) < 0.7
    arm, x = np.tile([0, 1], (1, 30)), rng.normal(size=(1, 60, 1))
    time = time * np.exp(0.5 * x[:, :, 0])
    from trialsim.analysis.survival.hazards.cox_decision_kernel import score_test

    order = np.argsort(time[0])
    X = np.column_stack([arm[0], x[0]])[order].astype(float)
    z, rows = np.empty(2), np.arange(60)
    segment, none = np.array([0, 60]), np.empty(0, np.int64)
    score_test(
        np.zeros(60), time[0][order], event[0][order].astype(np.int8), X, segment, none, rows, 60, True, z
    )

    def log_likelihood(theta: float, gamma: float) -> float:
        eta = X @ [theta, gamma]
        risk = np.cumsum(np.exp(eta)[::-1])[::-1]
        return float(((eta - np.log(risk)) * event[0][order]).sum())

    from scipy.optimize import minimize_scalar

    def profile(theta: float) -> float:
        return -minimize_scalar(lambda g: -log_likelihood(theta, g), bracket=(-1, 0), tol=1e-12).fun

    h = 1e-3
    up, here, down = profile(h), profile(0.0), profile(-h)
    slope, curvature = (up - down) / (2 * h), -(up - 2 * here + down) / h**2
    assert_allclose(z[0], slope / np.sqrt(curvature), rtol=1e-4)


@pytest.mark.parametrize("weak", [0.3, 0.1, 0.03, 0.01, 0.001])
def test_the_power_of_every_hazard_analysis_grows_with_the_effect(weak: float) -> None:
    """At a hazard ratio of .01 Cox stood at .198 beside its own log-rank test's 1.0."""
    strong, weak_power = _powers(weak / 3), _powers(weak)
    for name, power in strong.items():
        assert power >= weak_power[name] - 0.04, name
    for name in ("cox", "cox_adjusted", "adjusted_log_rank", "lwyy"):
        assert strong[name] >= strong["log_rank"] - 0.12, (name, strong)
    assert strong["fine_gray"] >= strong["gray"] - 0.12


def _powers(ratio: float) -> dict[str, float]:
    rng = np.random.default_rng(3)
    arm, x = np.tile([0, 1], (400, 30)), rng.normal(size=(400, 60, 1))
    time = rng.exponential(1, arm.shape) / np.where(arm == 1, 0.5 * ratio, 0.5)
    event, time = (time < 1).astype(int), np.minimum(time, 1)
    events = np.where(event[:, :, None] == 1, time[:, :, None], np.nan)
    cause = np.where(event == 1, np.where(rng.random(arm.shape) < 0.8, 1, 2), 0)
    found: dict[str, Estimates] = {
        "log_rank": log_rank_block(time, event, arm),
        "cox": cox_block(time, event, arm),
        "cox_adjusted": cox_block(time, event, arm, x, variance="model"),
        "adjusted_log_rank": adjusted_log_rank_block(time, event, arm, x),
        "gray": gray_test_block(time, cause, arm),
        "fine_gray": fine_gray_block(time, cause, arm),
        "lwyy": lwyy_block(events, np.ones_like(time), arm),
    }
    return {name: float(one.rejects(0.05).mean()) for name, one in found.items()}


def test_the_stand_in_keeps_its_level_where_events_are_few() -> None:
    rng = np.random.default_rng(11)
    arm = np.tile([0, 1], (4000, 40))
    time = rng.exponential(1, arm.shape) / 0.06
    event, time = (time < 1).astype(int), np.minimum(time, 1)
    found = cox_block(time, event, arm, variance="model")
    assert found.decision is not None
    assert found.decision.counts()["score"] > 200
    assert found.rejects(0.05).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4000)


def test_fine_gray_and_lwyy_without_events_in_an_arm_are_decided_by_their_score_tests() -> None:
    data = one_sided().assign(c=lambda d: np.where(d.e == 1, 1, np.where(d.t == 3, 2, 0)), start=0.0)
    cause = fine_gray(data, time="t", event="c", arm="arm", cause=1, control="placebo")
    data["id"] = np.arange(24)
    rate = lwyy(data, participant="id", start="start", stop="t", event="e", arm="arm", control="placebo")
    for fit in (cause, rate):
        assert (fit.status, fit.decided_by) == ("infinite_coefficient", "score")
        assert -4.5 < fit.statistic < -2.5
        assert np.isnan(fit.coefficients).all()


def test_a_level_that_nobody_has_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    shape = (3, 80)
    arm, x = np.tile([0, 1], (3, 40)), rng.normal(size=shape)
    time, event = rng.exponential(1, shape), (rng.random(shape) < 0.7).astype(int)
    cause = np.where(event == 1, rng.choice([1, 2], shape), 0)
    events = np.where(event[:, :, None] == 1, time[:, :, None] * [0.5, 1.0], np.nan)
    alone = x[:, :, None]
    nobody, everybody, twice = np.zeros(shape), np.full(shape, 0.1), 2 * x
    with_empty = np.stack([nobody, x, everybody, twice], axis=2)
    for read in (
        lambda columns: cox_block(time, event, arm, columns),
        lambda columns: adjusted_log_rank_block(time, event, arm, columns),
        lambda columns: fine_gray_block(time, cause, arm, columns),
        lambda columns: lwyy_block(events, time, arm, columns),
    ):
        without, found = read(alone), read(with_empty)
        assert (found.status == 0).all()
        assert_allclose(found.estimate, without.estimate, rtol=1e-8)
        assert_allclose(found.statistic, without.statistic, rtol=1e-8)


def test_an_empty_reference_level_drops_the_last_of_the_others() -> None:
    rng = np.random.default_rng(4)
    arm = np.tile([0, 1], (2, 40))
    level = rng.choice([1, 2], arm.shape)
    time, event = rng.exponential(1, arm.shape), np.ones(arm.shape)
    both = np.stack([level == 1, level == 2], axis=2).astype(float)
    found, one = cox_block(time, event, arm, both), cox_block(time, event, arm, both[:, :, :1])
    assert (found.status == 0).all()
    assert_allclose(found.estimate, one.estimate, rtol=1e-8)


def test_a_covariate_that_is_the_arm_is_no_rare_level() -> None:
    arm = np.tile([0, 1], (1, 10))
    time = np.arange(1.0, 21.0)[None]
    found = cox_block(time, np.ones_like(arm), arm, 2.0 * arm[:, :, None])
    assert found.to_frame().status.tolist() == ["collinear_covariate"]
    assert not found.rejects(0.5).any()


def test_a_stratum_with_one_arm_says_nothing() -> None:
    rng = np.random.default_rng(8)
    data = pd.DataFrame(
        {
            "t": rng.exponential(1, 40),
            "e": 1,
            "arm": np.tile(["a", "b"], 20),
            "s": 0,
            "x": rng.normal(size=40),
        }
    )
    lone = pd.DataFrame({"t": [0.4, 0.9, 1.1], "e": 1, "arm": "a", "s": 1, "x": [0.2, 3.0, -1.0]})
    both = pd.concat([data, lone], ignore_index=True)
    columns = {**COLUMNS, "strata": "s"}
    assert_allclose(log_rank(both, **columns).z, log_rank(data, **columns).z, rtol=1e-12)
    assert_allclose(cox(both, **columns).coefficients, cox(data, **columns).coefficients, rtol=1e-12)
    for covariates in (None, "x"):
        found, alone = (adjusted_log_rank(one, **columns, covariates=covariates) for one in (both, data))
        assert_allclose(found.z, alone.z, rtol=1e-12)


def test_no_data_at_all_decide_nothing() -> None:
    time, arm = np.ones((2, 6)), np.tile([0, 1], (2, 3))
    arm[1] = 0
    found = cox_block(time, np.zeros_like(arm), arm)
    assert found.decision is not None
    assert found.decision.counts() == {"none": 2, "wald": 0, "score": 0}
    assert not found.rejects(1.0).any()
