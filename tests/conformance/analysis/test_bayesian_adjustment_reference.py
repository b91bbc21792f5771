"""Worked posteriors and drift tables of shared/reference/prognostic_sizing.json (inline inputs)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.analysis.bayesian.block import bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import (
    AdjustmentPrior,
    AdjustmentPriorPart,
    HistoryFit,
    adjustment_prior,
    fit_history,
)
from trialsim.streams import stream

ENTRIES: dict[str, dict[str, Any]] = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "prognostic_sizing.json").read_text())[
        "entries"
    ]
}
POSTERIORS = [name for name in ENTRIES if name.startswith("mixture_posterior")]
KNOBS: dict[str, dict[str, float]] = {
    "mixture_knob_default": {},
    "mixture_knob_k_1": {"vague_scale": 1.0},
    "mixture_knob_k_1_mean_weight_1": {"vague_scale": 1.0, "mean_weight": 0.1},
    "mixture_knob_K0_01": {"bias_scale": 0.01},
    "mixture_knob_K0_05": {"bias_scale": 0.05},
}


@pytest.mark.parametrize("name", POSTERIORS)
def test_project_mixture_posterior_is_exact(name: str) -> None:
    given, expected = ENTRIES[name]["inputs"], ENTRIES[name]["expected"]
    history = given["history"]
    prior = AdjustmentPrior(
        AdjustmentPriorPart(
            (history["b0"], 0.0, history["b2"]),
            tuple(given["K_informative"]),
            given["nu_informative"],
            history["s2"],
        ),
        AdjustmentPriorPart((0.0, 0.0, 0.0), tuple(given["K_vague"]), given["nu_vague"], given["s2_vague"]),
        given["mean_weight"],
    )
    y, arm, score = (np.array([given[key]]) for key in ("y", "A", "M"))
    got = bayesian_adjustment_block(y.astype(float), arm, score.astype(float), prior)
    assert got.weight[0] == pytest.approx(expected["weight"], rel=1e-9)
    assert got.log_marginal[0] == pytest.approx(
        [expected["log_m_informative"], expected["log_m_vague"]], rel=1e-9
    )
    for part, key in enumerate(("t_informative", "t_vague")):
        moments = [got.location[0, part], got.scale[0, part], got.df[0, part]]
        assert moments == pytest.approx([expected[key][k] for k in ("loc", "scale", "df")], rel=1e-9)
    assert got.mean()[0] == pytest.approx(expected["mean"], rel=1e-9)
    assert got.sd()[0] == pytest.approx(expected["sd"], rel=1e-9)
    assert got.probability_above(0.0)[0] == pytest.approx(expected["p_gt0"], rel=1e-9)
    assert [end[0] for end in got.interval()] == pytest.approx(expected["ci95"], rel=1e-9)


def test_the_prior_of_the_first_worked_posterior_is_built_from_its_history() -> None:
    given = ENTRIES["mixture_posterior_1"]["inputs"]
    h = given["history"]
    prior = adjustment_prior(HistoryFit(h["n"], h["b0"], h["b2"], h["s2"], h["S_MM"]))
    assert prior.informative.scale == pytest.approx(given["K_informative"], rel=1e-12)
    assert prior.informative.df == given["nu_informative"]
    assert prior.vague.scale == pytest.approx(given["K_vague"])


@cache
def simulate(
    drift: float, active_share: float, effect: float, replicates: int, knob: str = "mixture_knob_default"
) -> dict[str, float]:
    """Draw trials of section 7.3, each with a fresh history, and analyse them both ways."""
    n, rho = 200, 0.5
    generator = stream(73, f"{drift} {active_share} {effect} {knob}", 0, "outcome")
    # One history a chunk of trials: the reference averages over histories too.
    chunks, weight, mean, mixture, ancova, estimates = 50, [], [], [], [], []
    for _ in range(chunks):
        past = rho * generator.standard_normal(1000)
        outcome = past + np.sqrt(1 - rho**2) * generator.standard_normal(1000)
        prior = adjustment_prior(fit_history(outcome, past), **KNOBS[knob])
        size = (replicates // chunks, n)
        score = rho * generator.standard_normal(size)
        arm = np.tile((np.arange(n) < round(n * active_share)).astype(np.int8), (size[0], 1))
        y = score + np.sqrt(1 - rho**2) * generator.standard_normal(size) + drift + effect * arm
        got = bayesian_adjustment_block(y, arm, score, prior)
        weight.append(got.weight)
        mean.append(got.mean() - effect)
        mixture.append(got.estimates().rejects(0.05))
        estimate, reject = least_squares(y, arm, score)
        estimates.append(estimate - effect)
        ancova.append(reject)
    bias = np.concatenate(mean)
    return {
        "weight": float(np.mean(weight)),
        "bias": float(bias.mean()),
        "reject": float(np.mean(mixture)),
        "variance_ratio": float(bias.var() / np.concatenate(estimates).var()),
        "ancova": float(np.mean(ancova)),
    }


def least_squares(y: np.ndarray, arm: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequentist prognostic adjustment by the normal equations; model-based z test as n is 200."""
    V = np.stack([np.ones_like(y), arm.astype(float), score], axis=-1)
    inverse = np.linalg.inv(np.einsum("rni,rnj->rij", V, V))
    beta = np.einsum("rij,rnj,rn->ri", inverse, V, y)
    residual = y - np.einsum("rni,ri->rn", V, beta)
    s2 = (residual**2).sum(axis=1) / (y.shape[1] - 3)
    z = beta[:, 1] / np.sqrt(s2 * inverse[:, 1, 1])
    return beta[:, 1], np.abs(z) > 1.9720


def monte_carlo_error(probability: float, replicates: int) -> float:
    p = min(max(probability, 1 / replicates), 1 - 1 / replicates)
    return float(np.sqrt(p * (1 - p) / replicates))


def assert_probability(got: float, replicates: int, expected: float, reference: int) -> None:
    """Within four standard errors of the difference of two simulations, and its printed rounding."""
    spread = np.hypot(monte_carlo_error(expected, replicates), monte_carlo_error(expected, reference))
    assert got == pytest.approx(expected, abs=4 * spread + 0.0005)


def check_drift(name: str, replicates: int) -> None:
    drift, expected = ENTRIES[name]["inputs"]["drift_sd"], ENTRIES[name]["expected"]
    null = simulate(drift, 0.5, 0.0, replicates)
    assert_probability(null["reject"], replicates, expected["type1_1to1"], 4000)
    assert_probability(null["ancova"], replicates, expected["ancova_type1_1to1"], 4000)
    # The weight lies in [0, 1], so its spread is below that of a coin of the same mean.
    assert_probability(null["weight"], replicates, expected["mean_weight_1to1"], 4000)
    assert null["bias"] == pytest.approx(expected["bias_1to1"], abs=0.012)
    assert null["variance_ratio"] == pytest.approx(expected["var_ratio_vs_ancova_1to1"], rel=0.1)
    two_to_one = simulate(drift, 2 / 3, 0.0, replicates)
    assert_probability(two_to_one["reject"], replicates, expected["type1_2to1"], 4000)
    power = simulate(drift, 0.5, 0.4, replicates)
    assert power["reject"] == pytest.approx(expected["power_mixture_1to1"], abs=0.03)
    assert power["ancova"] == pytest.approx(expected["power_ancova_1to1"], abs=0.03)


DRIFTS = [name for name in ENTRIES if name.startswith("mixture_oc")]


@pytest.mark.parametrize("name", DRIFTS)
def test_project_drift_table(name: str) -> None:
    check_drift(name, 4000)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIFTS)
def test_project_drift_table_with_many_replicates(name: str) -> None:
    check_drift(name, 40_000)


@pytest.mark.parametrize("name", list(KNOBS))
def test_project_drift_knobs(name: str) -> None:
    expected = ENTRIES[name]["expected"]
    drifts = ENTRIES[name]["inputs"]["drifts"]
    cells = [simulate(drift, 0.5, 0.0, 2000, name) for drift in drifts]
    assert max(cell["reject"] for cell in cells) == pytest.approx(expected["worst_type1"], abs=0.035)
    assert cells[0]["variance_ratio"] == pytest.approx(expected["var_ratio_at_zero_drift"], rel=0.1)
