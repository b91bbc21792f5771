"""Who was at risk and who had the event at each event time, by arm, with or without delayed entry.

At a time t a participant is at risk if entry < t ≤ time. The kernels sweep millions of trials of two arms;
this table serves one trial of any number of arms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.survival.block import SurvivalBlock
from trialsim.analysis.survival.sweep import fill_weights
from trialsim.analysis.survival.weights import Weight, encode
from trialsim.data import Floats


@dataclass(frozen=True)
class RiskTable:
    """Event times of one stratum.

    Parameters
    ----------
    time : ndarray (K,)
        Distinct times of an event, ascending.
    at_risk, events : ndarray (K, A)
        Just before each time, and at it, by arm.
    """

    time: Floats
    at_risk: Floats
    events: Floats

    def weights(self, weights: Sequence[Weight]) -> Floats:
        """Return each weight at each time (K, W), from the pooled data."""
        found = np.empty((len(self.time), len(weights)))
        kinds, first, second = encode(weights)
        state = np.ones(2 + len(weights))
        for k, (t, n, d) in enumerate(zip(self.time, self.at_risk.sum(1), self.events.sum(1), strict=True)):
            fill_weights(kinds, first, second, t, n, d, state, found[k])
        return found

    def scores(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return weighted observed minus expected events (W, A), and their covariance (W, W, A, A).

        U_a = Σ w (d_a − d n_a/n), V_ab = Σ w w' d (n − d)/(n − 1) (n_a/n)(δ_ab − n_b/n).
        """
        n, d = self.at_risk.sum(axis=1), self.events.sum(axis=1)
        share = self.at_risk / n[:, None]
        score = weights.T @ (self.events - d[:, None] * share)
        spread = d * (n - d) / np.maximum(n - 1.0, 1.0)
        inner = share[:, :, None] * (np.eye(share.shape[1]) - share[:, None, :])
        return score, np.einsum("kw,kv,k,kab->wvab", weights, weights, spread, inner)


def risk_table(time: Floats, event: Floats, arm: Floats, arms: int, entry: Floats | None) -> RiskTable:
    """Return the table of one stratum of one trial (N,)."""
    times = np.unique(time[event == 1])
    at_risk, events = np.zeros((len(times), arms)), np.zeros((len(times), arms))
    for a in range(arms):
        own = arm == a
        stops = np.sort(time[own])
        at_risk[:, a] = len(stops) - np.searchsorted(stops, times, side="left")
        if entry is not None:
            starts = np.sort(entry[own])
            at_risk[:, a] -= len(starts) - np.searchsorted(starts, times, side="left")
        happened = time[own & (event == 1)]
        events[:, a] = np.bincount(np.searchsorted(times, happened), minlength=len(times))
    return RiskTable(times, at_risk, events)


def risk_tables(block: SurvivalBlock, replicate: int, arms: int) -> Iterator[RiskTable]:
    """Yield the table of each stratum of a replicate that has an event."""
    for s in range(block.strata):
        own = block.stratum[replicate] == s
        entry = None if block.entry is None else block.entry[replicate][own]
        event = block.event[replicate][own]
        if (event == 1).any():
            yield risk_table(block.time[replicate][own], event, block.arm[replicate][own], arms, entry)
