"""Bias, standard error and coverage of Fine and Gray's regression under its own model."""

import numpy as np
import pytest

from trialsim.analysis.competing_risks import fine_gray_block
from trialsim.streams import stream

R, N = 2000, 300


def draw(effect: float, leaving: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times, events and arms of Fine and Gray's model; half of the controls have the cause."""
    generator = stream(20261121, f"fine gray {leaving}", 0, "outcome")
    arm = np.resize([0, 1], (R, N))
    ratio = np.exp(effect * arm)
    share = 1 - 0.5**ratio
    cause = generator.random((R, N)) < share
    reached = 1 - (1 - generator.random((R, N)) * share) ** (1 / ratio)
    time = np.where(cause, -np.log(1 - reached / 0.5), generator.exponential(1.0, (R, N)))
    lost = generator.exponential(np.array(leaving)[arm])
    return np.minimum(time, lost), np.where(lost < time, 0, np.where(cause, 1, 2)), arm


@pytest.mark.parametrize(
    ("effect", "leaving", "censoring"),
    [(0.0, (2.0, 2.0), "pooled"), (-0.5, (2.0, 2.0), "pooled"), (-0.5, (4.0, 1.0), "by_arm")],
)
def test_estimates_hold_their_truth_and_their_error(effect, leaving, censoring):
    found = fine_gray_block(*draw(effect, leaving), censoring=censoring)
    assert (found.status == 0).all()
    error = found.estimate - effect
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(R) + 0.05 * error.std()
    assert found.standard_error.mean() == pytest.approx(error.std(), rel=0.06)
    missed = (np.abs(error) > 1.96 * found.standard_error).mean()
    assert abs(missed - 0.05) < 4 * np.sqrt(0.05 * 0.95 / R)


def test_pooled_censoring_misleads_where_the_arms_leave_at_different_rates():
    found = fine_gray_block(*draw(-0.5, (4.0, 1.0)), censoring="pooled")
    assert found.estimate.mean() < -0.6
