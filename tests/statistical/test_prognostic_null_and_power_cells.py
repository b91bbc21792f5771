"""Prognostic adjustment keeps its level whatever the twins, and a size its power: a fast slice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.simulated_power import simulated_power
from trialsim.analysis.linear import fit_linear
from trialsim.design import PlanningMoments, SizingQuestion, size_for_power
from trialsim.streams import stream

REPLICATES = 6000
TWINS = ("useful", "useless", "shuffled", "biased", "drifted")


@pytest.mark.parametrize("twins", TWINS)
@pytest.mark.parametrize("controls", [75, 38])
def test_level_with_good_and_bad_twins(twins: str, controls: int) -> None:
    rng, n = stream(6, f"level {twins}", controls, "outcome"), 150
    arm = np.repeat(np.array([0, 1], dtype=np.int8), [controls, n - controls])
    truth, noise = rng.standard_normal((2, REPLICATES, n))
    outcome = np.where(arm == 1, 1.25, 1.0) * (0.5 * truth + math.sqrt(0.75) * noise)
    score = {
        "useful": truth,
        "useless": rng.standard_normal(truth.shape),
        "shuffled": rng.permuted(truth, axis=1),
        "biased": 3.0 - 0.2 * truth,
        "drifted": truth,
    }[twins]
    if twins == "drifted":
        outcome = outcome + rng.random(truth.shape)
    rejected = fit_linear(outcome, np.broadcast_to(arm, outcome.shape), score[..., None]).rejects(0.05)
    assert rejected.mean() < 0.055 + 3 * math.sqrt(0.055 * 0.945 / REPLICATES)
    assert rejected.mean() > 0.04 - 3 * math.sqrt(0.04 * 0.96 / REPLICATES)


@pytest.mark.parametrize(
    ("shares", "sd", "correlation"),
    [((0.5, 0.5), (1.0, 1.0), (0.5, 0.5)), ((0.25, 0.75), (1.25, 1.0), (0.6, 0.1))],
)
def test_simulated_power_of_the_size(shares, sd, correlation) -> None:
    moments = PlanningMoments(sd, (0.0, 0.0), correlation)
    question = SizingQuestion(0.4, allocation=shares)
    size = size_for_power(moments, "prognostic", question)
    rng = stream(6, f"power {shares}", 0, "outcome")
    power, error = simulated_power(
        size.controls, size.active, moments, "prognostic", question, REPLICATES, rng
    )
    assert power == pytest.approx(0.9, abs=0.01 + 3 * error)
