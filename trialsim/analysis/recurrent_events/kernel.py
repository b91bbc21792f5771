"""Andersen–Gill fits of replicate trials in which a participant can have several events."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_decision_kernel import fit_rows
from trialsim.analysis.survival.hazards.small_samples_kernel import correct_rows
from trialsim.data import STATUS_OK, Floats, Ints


@njit(cache=True)
def fit_histories(
    times: Floats,
    follow_up: Floats,
    stratum: Ints,
    strata: int,
    X: Floats,
    efron: bool,
    corrected: bool,
    beta: Floats,
    model: Floats,
    robust: Floats,
    df: Floats,
    test: Floats,
    z: Floats,
    status: Labels,
) -> None:
    """Fit every replicate (R,) whose status is ok, from event times (R, N, E), ascending, NaN at the end.

    With `corrected` the sandwich is that of small samples, and df (R, P) is filled.
    """
    replicates, participants, most = times.shape
    size = participants * (most + 1)
    start, stop = np.empty(size), np.empty(size)
    event, cluster = np.empty(size, np.int8), np.empty(size, np.int64)
    for r in range(replicates):
        if status[r] != STATUS_OK:
            continue
        rows = 0
        for i in range(participants):
            previous = 0.0
            for k in range(most):
                if np.isnan(times[r, i, k]):
                    break
                start[rows], stop[rows] = previous, times[r, i, k]
                event[rows], cluster[rows] = 1, i
                previous = stop[rows]
                rows += 1
            if previous < follow_up[r, i]:
                start[rows], stop[rows] = previous, follow_up[r, i]
                event[rows], cluster[rows] = 0, i
                rows += 1
        members = cluster[:rows]
        status[r] = fit_rows(
            start[:rows], stop[:rows], event[:rows], stratum[r][members], strata, X[r][members],
            members, participants, efron, beta[r], model[r], robust[r], test[r], z[r],
        )  # fmt: skip
        if corrected and status[r] == STATUS_OK:
            correct_rows(
                start[:rows], stop[:rows], event[:rows], stratum[r][members], strata, X[r][members],
                members, participants, efron, beta[r], robust[r], df[r], z[r],
            )  # fmt: skip
