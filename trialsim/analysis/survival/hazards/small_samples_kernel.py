r"""A sandwich of Cox's partial likelihood that is right in small samples, and its degrees of freedom.

Participant i adds Uᵢ to the score and Aᵢ to the information A = Σ Aᵢ,

.. math:: A_i = w_i \int (x_i - x̄(t)) (x_i - x̄(t))' \, Y_i(t) \, dΛ̂_0(t).

Lin and Wei's sandwich sums the squares of A⁻¹Uᵢ. It is too small, since each Uᵢ was shrunk by the fit: by
I − AᵢA⁻¹, as a residual of least squares by one less its leverage. Mancl and DeRouen (2001, Biometrics
57:126) divide by that, which makes the influence

.. math:: d_i = A^{-1} (I - A_i A^{-1})^{-1} U_i = (A - A_i)^{-1} U_i,

the first step of a fit without participant i, so that Σ dᵢdᵢ' is nearly the jackknife. Student's t with
:math:`(Σ q_i)^2 / Σ q_i^2` degrees of freedom stands for the normal, :math:`q_i = [(A - A_i)^{-1} -
A^{-1}]_{pp}` being what the variance of a coefficient owes to participant i (Fay and Graubard 2001,
Biometrics 57:1198, with the covariance of the residuals taken as known). As many as there are participants
if all have the same leverage; few if few have most of it. At tied times Aᵢ has Breslow's mean.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_decision_kernel import score_test
from trialsim.analysis.survival.hazards.cox_kernel import (
    invert,
    partial_likelihood,
    risk_weights,
    sort_by_stratum,
)
from trialsim.data import STATUS_OK, Floats, Ints


@njit(cache=True)
def participants_parts(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    w: Floats,
    segment: Ints,
    entry: Ints,
    jumps: Floats,
    cluster: Ints,
    score: Floats,
    information: Floats,
) -> None:
    """Add each row's part to its participant's score (n, P) and information (n, P, P).

    Rows are sorted and `jumps` filled as by `cox_kernel.partial_likelihood`.
    """
    rows, P = X.shape
    hazard, centre = np.zeros(rows), np.zeros((rows, P))
    linear, square = np.zeros((rows, P)), np.zeros((rows, P, P))
    mass, mass1, mass2, ahead = np.zeros(P), np.zeros(P), np.zeros((P, P)), np.zeros(P)
    for s in range(segment.size - 1):
        total = 0.0
        mass[:], mass1[:], mass2[:] = 0.0, 0.0, 0.0
        entering = segment[s + 1] - 1
        first = segment[s]
        while first < segment[s + 1]:
            t = stop[first]
            while entry.size and entering >= segment[s] and start[entry[entering]] < t:
                row = entry[entering]
                hazard[row], centre[row], linear[row], square[row] = total, mass, mass1, mass2
                entering -= 1
            mean = jumps[first, 3 + 2 * P : 3 + 3 * P]
            last = first
            while last < segment[s + 1] and stop[last] == t:
                died, who = event[last] == 1, cluster[last]
                jump = jumps[first, 2] if died else jumps[first, 1]
                spent = total - hazard[last] + jump
                for p in range(P):
                    moment = mass[p] - centre[last, p] + jumps[first, (3 + P if died else 3) + p]
                    score[who, p] -= w[last] * (X[last, p] * spent - moment)
                    if died:
                        score[who, p] += X[last, p] - mean[p]
                    ahead[p] = mass1[p] - linear[last, p] + jump * mean[p]
                for p in range(P):
                    for q in range(P):
                        spread = mass2[p, q] - square[last, p, q] + jump * mean[p] * mean[q]
                        spread += X[last, p] * (X[last, q] * spent - ahead[q]) - ahead[p] * X[last, q]
                        information[who, p, q] += w[last] * spread
                last += 1
            total += jumps[first, 1]
            for p in range(P):
                mass[p] += jumps[first, 3 + p]
                mass1[p] += jumps[first, 1] * mean[p]
                for q in range(P):
                    mass2[p, q] += jumps[first, 1] * mean[p] * mean[q]
            first = last


@njit(cache=True)
def correct_rows(
    start: Floats,
    stop: Floats,
    event: Labels,
    stratum: Ints,
    strata: int,
    X: Floats,
    cluster: Ints,
    clusters: int,
    efron: bool,
    beta: Floats,
    robust: Floats,
    df: Floats,
    z: Floats,
) -> None:
    """Fill the corrected sandwich (P, P) and degrees of freedom (P,) at a fit of rows in any order.

    What was left out of the fit has no coefficient (NaN) and none of these. Where the other participants
    cannot tell a coefficient without one of them there is no variance (0), and `z` (2,) is filled with the
    score test.
    """
    kept = np.flatnonzero(~np.isnan(beta))
    K = kept.size
    order, segment = np.empty(stop.size, np.int64), np.empty(strata + 1, np.int64)
    sort_by_stratum(np.argsort(stop, kind="mergesort"), stratum, strata, order, segment)
    start, stop, event, cluster = start[order], stop[order], event[order], cluster[order]
    entry, late = np.empty(stop.size, np.int64), np.empty(strata + 1, np.int64)
    sort_by_stratum(np.argsort(-start, kind="mergesort"), stratum[order], strata, entry, late)
    X = np.ascontiguousarray(X[order][:, kept])
    w, jumps = np.ones(stop.size), np.empty((stop.size, 3 + 3 * K))
    risk_weights(X, beta[kept], w)
    score, bread = np.empty(K), np.empty((K, K))
    partial_likelihood(start, stop, event, X, w, segment, entry, efron, score, bread, jumps)
    parts, share = np.zeros((clusters, K)), np.zeros((clusters, K, K))
    participants_parts(start, stop, event, X, w, segment, entry, jumps, cluster, parts, share)
    model, without = np.empty((K, K)), np.empty((K, K))
    robust[:], df[:] = np.nan, np.nan
    found = invert(bread, model)
    covariance, owed, owed2 = np.zeros((K, K)), np.zeros(K), np.zeros(K)
    for i in range(clusters):
        if not found or not invert(bread - share[i], without):
            found = False
            break
        step = without @ parts[i]
        for p in range(K):
            q = max(without[p, p] - model[p, p], 0.0)
            owed[p] += q
            owed2[p] += q * q
            for r in range(K):
                covariance[p, r] += step[p] * step[r]
    for p in range(K):
        df[kept[p]] = owed[p] ** 2 / owed2[p] if found and owed2[p] > 0.0 else np.nan
        for r in range(K):
            robust[kept[p], kept[r]] = covariance[p, r] if found else 0.0
    if not found:
        score_test(start, stop, event, X, segment, entry, cluster, clusters, efron, z)


@njit(cache=True)
def correct_replicates(
    entry: Floats,
    time: Floats,
    event: Labels,
    stratum: Ints,
    strata: int,
    X: Floats,
    efron: bool,
    beta: Floats,
    robust: Floats,
    df: Floats,
    z: Floats,
    status: Labels,
) -> None:
    """Correct every replicate (R,) whose fit is ok: one row a participant, at risk after its entry (R, N)."""
    participants = time.shape[1]
    for r in range(len(time)):
        if status[r] == STATUS_OK:
            correct_rows(
                entry[r], time[r], event[r], stratum[r], strata, X[r], np.arange(participants), participants,
                efron, beta[r], robust[r], df[r], z[r],
            )  # fmt: skip
