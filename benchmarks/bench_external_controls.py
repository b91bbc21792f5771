"""Speed of weighted Cox models against outside controls, in blocks of simulated trials on one core."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.external_controls import external_controls_survival_block
from trialsim.streams import stream

TREATED, OUTSIDE, REPLICATES, GOAL = 200, 300, 2000, 2000.0


def external_controls() -> Iterable[Figure]:
    """Yield trials a second: propensity of three covariates, weights, hazard ratio and robust variance."""
    chance = stream(20261201, "bench_external_controls", 0, "outcome")
    arm = np.tile(np.repeat([1, 0], [TREATED, OUTSIDE]), (REPLICATES, 1))
    x = chance.standard_normal((*arm.shape, 3)) + 0.4 * (arm == 0)[:, :, None]
    hazard = np.exp(0.4 * x.sum(axis=2)) * np.where(arm == 1, 0.75, 1.0)
    time, censored = chance.exponential(1 / hazard), chance.uniform(0.0, 4.0, arm.shape)
    trials = np.minimum(time, censored), (time <= censored).astype(np.int8), arm, x
    with threadpool_limits(1):
        for kind in ("att", "ate", "overlap"):
            taken = seconds(lambda kind=kind: external_controls_survival_block(*trials, weights=kind))
            yield Figure(
                f"external_controls {kind} n={TREATED}+{OUTSIDE}", REPLICATES / taken, "trials/s", goal=GOAL
            )


BENCHMARKS = {"external_controls": external_controls}
