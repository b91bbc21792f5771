"""Closed-form MMRM on very many simulated trials: no unexplained failure, nominal type I error."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.streams import stream

VISITS, DROPOUT, BLOCK = 4, 0.25, 1_000
SIGMA = np.array([[0.7 ** abs(i - j) for j in range(VISITS)] for i in range(VISITS)])


def block(arm_size, number):
    """Return statuses and rejections of one block of null trials with a baseline covariate."""
    generator = stream(20261121, f"million {arm_size}", number, "outcome")
    participants = 2 * arm_size
    outcomes = generator.standard_normal((BLOCK, participants, VISITS)) @ np.linalg.cholesky(SIGMA).T
    design = np.ones((BLOCK, participants, 3))
    design[..., 1] = np.arange(participants) % 2
    design[..., 2] = generator.standard_normal((BLOCK, participants))
    stay = (1.0 - DROPOUT) ** (np.arange(VISITS) / (VISITS - 1))
    outcomes[generator.random((BLOCK, participants))[..., None] > stay] = np.nan
    found = monotone_block(outcomes, design)
    assert np.isfinite(found.p_value[found.status == 0]).all()
    return found.status, found.rejects(0.05)


def check(arm_size, blocks):
    parts = [block(arm_size, number) for number in range(blocks)]
    status, rejected = (np.concatenate(part) for part in zip(*parts, strict=True))
    assert (status == 0).all()
    error = np.sqrt(0.05 * 0.95 / len(rejected))
    slack = 0.0 if arm_size >= 100 else 0.006
    assert abs(rejected.mean() - 0.05) < slack + 3.5 * error


@pytest.mark.parametrize("arm_size", [30, 100, 400])
def test_slice_of_simulated_trials(arm_size):
    check(arm_size, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("arm_size", "blocks"), [(30, 400), (50, 200), (100, 200), (200, 100), (400, 100)])
def test_a_million_simulated_trials(arm_size, blocks):
    check(arm_size, blocks)
