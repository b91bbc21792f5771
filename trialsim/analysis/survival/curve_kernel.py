"""Kaplan–Meier of both arms of every replicate in one sweep: milestone survival and restricted means."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.data import Floats, Ints


@njit(cache=True)
def curves_to(
    time: Floats,
    event: Labels,
    arm: Labels,
    order: Ints,
    tau: float,
    latest: float,
    survival: Floats,
    hazard_variance: Floats,
    area: Floats,
    area_variance: Floats,
    events: Ints,
    followed: Floats,
) -> None:
    """Fill, for each replicate and arm (R, 2), the Kaplan–Meier estimate at `tau` and what goes with it.

    Times up to `latest`, a hair later, count as `tau`.

    `hazard_variance` is Greenwood's sum Σ d/(n(n−d)), `area` the integral of the curve from 0 to `tau`,
    `area_variance` Σ A(t)² d/(n(n−d)) with A(t) the remaining area, `events` the number up to `tau`,
    and `followed` the last time of the arm.
    """
    replicates, participants = time.shape
    before, jump = np.empty(participants), np.empty(participants)
    for r in range(replicates):
        for a in range(2):
            n = 0.0
            for i in range(participants):
                if arm[r, i] == a:
                    n += 1.0
            s, previous, total, greenwood = 1.0, 0.0, 0.0, 0.0
            jumps, count = 0, 0
            position = 0
            while position < participants:
                t = time[r, order[r, position]]
                d, leaving = 0.0, 0.0
                while position < participants and time[r, order[r, position]] == t:
                    i = order[r, position]
                    if arm[r, i] == a:
                        leaving += 1.0
                        if event[r, i] == 1:
                            d += 1.0
                    position += 1
                if leaving == 0.0:
                    continue
                followed[r, a] = t
                if d > 0.0 and t <= latest:
                    total += s * (min(t, tau) - previous)
                    previous = min(t, tau)
                    s *= 1.0 - d / n
                    count += int(d)
                    if n > d:
                        before[jumps], jump[jumps] = total, d / (n * (n - d))
                        greenwood += jump[jumps]
                        jumps += 1
                n -= leaving
            total += s * (tau - previous)
            survival[r, a], hazard_variance[r, a], area[r, a], events[r, a] = s, greenwood, total, count
            variance = 0.0
            for k in range(jumps):
                variance += (total - before[k]) ** 2 * jump[k]
            area_variance[r, a] = variance
