"""Adjusted logistic trials: entry logistic_type1_power of prognostic_sizing.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from trialsim.analysis.marginal import fit_marginal
from trialsim.streams import stream

DATA = Path(__file__).parents[1] / "data" / "prognostic_sizing.json"
ENTRY = next(e for e in json.loads(DATA.read_text())["entries"] if e["id"] == "logistic_type1_power")
REPLICATES = 2000


def adjusted_log_odds_rejects(y: np.ndarray, arm: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return whether the Wald test of the conditional log odds ratio rejects, by Newton's method."""
    x = np.stack([np.ones_like(score), arm, score], axis=-1)
    beta = np.zeros((len(y), 3))
    for _ in range(12):
        p = expit(np.einsum("rnk,rk->rn", x, beta))
        information = np.einsum("rnk,rn,rnl->rkl", x, p * (1 - p), x)
        gradient = np.einsum("rnk,rn->rk", x, y - p)
        beta += np.linalg.solve(information, gradient[..., None])[..., 0]
    spread = np.sqrt(np.linalg.inv(information)[:, 1, 1])
    return np.abs(beta[:, 1] / spread) > 1.959964


@pytest.mark.parametrize(("effect", "key"), [(0.0, "beta1_0"), (0.75, "beta1_075")])
def test_lr_simulation_in_r_type_one_error_and_power(effect: float, key: str) -> None:
    n = ENTRY["inputs"]["n"]
    rng = stream(6, f"logistic {effect}", 0, "outcome")
    arm = np.tile(np.arange(n) % 2, (REPLICATES, 1))
    score = 1.5 * rng.standard_normal(arm.shape)
    y = (rng.random(arm.shape) < expit(1 + effect * arm + score)).astype(float)
    unadjusted = fit_marginal(y, arm, np.zeros((*y.shape, 0)), family="binomial").rejects(0.05)
    computed = fit_marginal(y, arm, score[..., None], family="binomial").rejects(0.05)
    found = [unadjusted.mean(), adjusted_log_odds_rejects(y, arm, score).mean(), computed.mean()]
    # The entry's tolerance, which is five standard errors at .05 and two at .79.
    assert found == pytest.approx(ENTRY["expected"][key], abs=0.02)
