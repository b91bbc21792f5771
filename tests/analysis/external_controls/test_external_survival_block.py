"""Thousands of trials with outside controls: each is what the data frame says, and drift costs the level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.external_controls import (
    external_controls_survival,
    external_controls_survival_block,
)
from trialsim.errors import AnalysisError

TREATED, OUTSIDE = 80, 120


def trials(
    seed: int, number: int, *, log_ratio: float = 0.0, shift: float = 0.0, apart: float = 0.8,
    hidden: float = 0.0,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return trials whose outside controls are older by `apart`, and drift by `shift` and a hidden cause."""
    rng = np.random.default_rng(seed)
    arm = np.repeat([1, 0], [TREATED, OUTSIDE])
    shape = (number, len(arm))
    outside = 1 - arm
    age = rng.standard_normal(shape) + apart * outside
    severe = (rng.random(shape) < 0.3 + 0.2 * outside).astype(float)
    unseen = rng.standard_normal(shape) + hidden * outside
    hazard = 0.1 * np.exp(0.6 * age + 0.4 * severe + 0.5 * unseen + log_ratio * arm + shift * outside)
    time, censored = rng.exponential(1 / hazard), rng.uniform(4, 30, shape)
    event = (time <= censored).astype(int)
    return (
        np.round(np.minimum(time, censored), 2), event, np.broadcast_to(arm, shape).copy(),
        np.stack([age, severe], axis=2),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["att", "ate", "overlap"])
def test_each_trial_is_what_the_data_frame_says(kind: str) -> None:
    time, event, arm, x = trials(1, 4)
    x[:, :, 0] = 50 + 8 * x[:, :, 0]
    found = external_controls_survival_block(time, event, arm, x, weights=kind)
    assert found.reasons[0] == "ok"
    for r in range(4):
        data = pd.DataFrame(
            {
                "t": time[r],
                "e": event[r],
                "arm": np.where(arm[r] == 1, "b", "a"),
                "x": x[r, :, 0],
                "y": x[r, :, 1],
            }
        )
        one = external_controls_survival(
            data, time="t", event="e", arm="arm", control="a", covariates=["x", "y"], weights=kind
        )
        assert found.estimate[r] == pytest.approx(one.log_hazard_ratio, abs=1e-8)
        assert found.standard_error[r] == pytest.approx(one.standard_error, rel=1e-6)
        assert found.effective_controls[r] == pytest.approx(one.sizes["effective"].iloc[0], rel=1e-7)


def rejected(found) -> float:
    return float((found.p_value < 0.05).mean())


def test_measured_differences_keep_the_level_and_drift_of_any_other_kind_does_not() -> None:
    number = 1000
    calm = rejected(external_controls_survival_block(*trials(2, number)))
    assert abs(calm - 0.05) < 0.015 + 4 * np.sqrt(0.05 * 0.95 / number)
    for drift in ({"shift": 0.5}, {"hidden": 1.0}):
        assert rejected(external_controls_survival_block(*trials(2, number, **drift))) > 3 * calm
    ratios = [
        rejected(external_controls_survival_block(*trials(2, 300, log_ratio=effect)))
        for effect in (0.0, -0.4, -0.8, -1.6)
    ]
    assert ratios == sorted(ratios)
    assert ratios[-1] > 0.95


def test_hard_trials_fail_alone_and_by_name() -> None:
    time, event, arm, x = trials(3, 5)
    x[0, :, 0] = arm[0]
    event[1] = 0
    event[2] = event[2] * (arm[2] == 0)
    arm[3] = 0
    x[4, :, 1] = 7.0
    found = external_controls_survival_block(time, event, arm, x)
    assert [found.reasons[one] for one in found.status] == [
        "not_balanced", "no_events", "infinite_hazard_ratio", "arm_empty", "ok",
    ]  # fmt: skip
    assert np.isnan(found.estimate[:4]).all()
    alone = external_controls_survival_block(time[4:], event[4:], arm[4:], x[4:, :, :1])
    assert found.estimate[4] == pytest.approx(alone.estimate[0], abs=1e-9)
    assert found.standard_error[4] == pytest.approx(alone.standard_error[0], rel=1e-8)


def test_order_and_units_change_nothing() -> None:
    time, event, arm, x = trials(4, 3)
    first = external_controls_survival_block(time, event, arm, x)
    back = external_controls_survival_block(
        30 * time[:, ::-1], event[:, ::-1], arm[:, ::-1], 5 - 100 * x[:, ::-1]
    )
    np.testing.assert_allclose(first.estimate, back.estimate, atol=1e-8)
    np.testing.assert_allclose(first.standard_error, back.standard_error, rtol=1e-7)


def test_what_cannot_be_read_is_refused() -> None:
    time, event, arm, x = trials(5, 2)
    with pytest.raises(AnalysisError, match="weights: must be one of att, ate, overlap in simulated trials"):
        external_controls_survival_block(time, event, arm, x, weights="entropy")
    with pytest.raises(AnalysisError, match="covariates: are needed"):
        external_controls_survival_block(time, event, arm, x[:, :, :0])
