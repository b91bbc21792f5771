"""Leaving a joint trial is no event, and ends follow-up and marker."""

from __future__ import annotations

from functools import partial

import numpy as np

from trialsim.streams import stream
from trialsim.trial import JointWorld, PiecewiseHazard, PlannedAccrual, simulate_joint


def test_who_leaves_has_no_event_and_no_later_marker() -> None:
    hazard, leaving, follow_up = 0.03, 0.05, 12.0
    world = JointWorld(
        200, PlannedAccrual((20,), (10,)), (6.0, 12.0), follow_up, hazard=hazard,
        dropout=PiecewiseHazard((leaving,)),
    )  # fmt: skip
    trials = simulate_joint(world, 100, partial(stream, 1, "joint dropout", 0))
    both = hazard + leaving
    share = hazard / both * -np.expm1(-both * follow_up)
    error = np.sqrt(share * (1 - share) / trials.event.size)
    assert abs(trials.event.mean() - share) < 4 * error
    staying = np.exp(-both * follow_up)
    assert abs((trials.time == follow_up).mean() - staying) < 4 * np.sqrt(staying / trials.event.size)
    assert np.isnan(trials.marker[trials.time < 6.0]).all()
    assert np.isfinite(trials.marker[trials.time >= 6.0][:, 0]).all()
