"""Type I error and power of bounds at observed looks, by simulated paths."""

from __future__ import annotations

import numpy as np

from trialsim.design import PocockSpending, group_sequential_design


def test_overrun_final_look_keeps_the_type_one_error() -> None:
    plan = group_sequential_design([1 / 3, 2 / 3, 1.0], efficacy=PocockSpending())
    design = plan.at_observed([0.4, 0.55, 1.3], final=True)
    time, paths = np.array(design.information), 400_000
    steps = np.random.default_rng(20).standard_normal((paths, 3)) * np.sqrt(np.diff(time, prepend=0))
    for drift in (0.0, plan.drift):
        z = (np.cumsum(steps, axis=1) + drift * time) / np.sqrt(time)
        rejected = np.mean(np.any(z >= np.array(design.upper), axis=1))
        expected = design.power_at(drift)
        assert abs(rejected - expected) < 4 * np.sqrt(expected * (1 - expected) / paths)
