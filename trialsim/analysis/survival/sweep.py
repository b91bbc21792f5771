"""One sort and one sweep of a two-arm survival trial: every weighted log-rank score and covariance.

At each distinct event time of a stratum, with n at risk (n₁ of them active), d events (d₁ active):

    e = d n₁/n        v = d p(1−p)(n−d)/(n−1),  p = n₁/n        (v = 0 where n = 1)
    U_k = Σ w_k (d₁ − e)        V_kl = Σ w_k w_l v        I_k = Σ w_k v
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import ARM_EMPTY, NO_EVENTS, Labels
from trialsim.data import STATUS_OK, Floats, Ints

FLEMING_HARRINGTON, MAGIRR_BURMAN, EARLY_ZERO, AT_RISK, PETO = range(5)


@njit(cache=True)
def _power(base: float, exponent: float) -> float:
    if exponent == 0.0:
        return 1.0
    if exponent == 1.0:
        return base
    return base**exponent


@njit(cache=True)
def fill_weights(
    kinds: Ints, first: Floats, second: Floats, t: float, n: float, d: float, state: Floats, w: Floats
) -> None:
    """Fill the weights (K,) at one event time and move the stratum's curves past it.

    `state` holds Kaplan–Meier just before t, Peto–Peto's survival, then for each weight the
    Kaplan–Meier just before the last event time up to its delay.
    """
    survival = state[0]
    state[0] *= 1.0 - d / n
    state[1] *= 1.0 - d / (n + 1.0)
    for k in range(kinds.size):
        kind = kinds[k]
        if kind == FLEMING_HARRINGTON:
            w[k] = _power(survival, first[k]) * _power(1.0 - survival, second[k])
        elif kind == MAGIRR_BURMAN:
            if t <= first[k]:
                state[2 + k] = survival
            w[k] = min(second[k], 1.0 / state[2 + k])
        elif kind == EARLY_ZERO:
            w[k] = 1.0 if t >= first[k] else 0.0
        elif kind == AT_RISK:
            w[k] = _power(n, first[k])
        else:
            w[k] = state[1]


@njit(cache=True)
def sweep(
    time: Floats,
    event: Labels,
    arm: Labels,
    stratum: Ints,
    strata: int,
    order: Ints,
    kinds: Ints,
    first: Floats,
    second: Floats,
    score: Floats,
    variance: Floats,
    information: Floats,
    observed: Floats,
) -> None:
    """Fill score (R, K), variance (R, K, K), information (R, K) and weighted events by arm (R, K, 2)."""
    replicates, participants = time.shape
    K = kinds.size
    n, n1 = np.empty(strata), np.empty(strata)
    d, d1 = np.empty(strata), np.empty(strata)
    state = np.empty((strata, 2 + K))
    w = np.empty(K)
    for r in range(replicates):
        n[:], n1[:], d[:], d1[:] = 0.0, 0.0, 0.0, 0.0
        state[:] = 1.0
        for i in range(participants):
            n[stratum[r, i]] += 1.0
            n1[stratum[r, i]] += arm[r, i]
        start = 0
        while start < participants:
            t = time[r, order[r, start]]
            stop = start
            any_event = False
            while stop < participants and time[r, order[r, stop]] == t:
                i = order[r, stop]
                if event[r, i] == 1:
                    d[stratum[r, i]] += 1.0
                    d1[stratum[r, i]] += arm[r, i]
                    any_event = True
                stop += 1
            if any_event:
                for position in range(start, stop):
                    s = stratum[r, order[r, position]]
                    if d[s] == 0.0:
                        continue
                    fill_weights(kinds, first, second, t, n[s], d[s], state[s], w)
                    share = n1[s] / n[s]
                    excess = d1[s] - d[s] * share
                    v = 0.0
                    if n[s] > 1.0:
                        v = d[s] * share * (1.0 - share) * (n[s] - d[s]) / (n[s] - 1.0)
                    for k in range(K):
                        score[r, k] += w[k] * excess
                        observed[r, k, 0] += w[k] * (d[s] - d1[s])
                        observed[r, k, 1] += w[k] * d1[s]
                        wv = w[k] * v
                        information[r, k] += wv
                        for m in range(k + 1):
                            variance[r, k, m] += wv * w[m]
                    d[s], d1[s] = 0.0, 0.0
            for position in range(start, stop):
                i = order[r, position]
                n[stratum[r, i]] -= 1.0
                n1[stratum[r, i]] -= arm[r, i]
            start = stop
        for k in range(K):
            for m in range(k):
                variance[r, m, k] = variance[r, k, m]


def common_status(event: Labels, arm: Labels) -> Labels:
    """Return the status (R,) of replicates without participants of the control, or of any other arm."""
    active = (arm > 0).sum(axis=1)
    empty = (active == 0) | (active == arm.shape[1])
    none = ~(event == 1).any(axis=1)
    return np.where(empty, ARM_EMPTY, np.where(none, NO_EVENTS, STATUS_OK)).astype(np.int8)
