"""Cox fits that leave out what a replicate cannot tell, and the score test that exists without a fit.

A covariate that the covariates before it determine in a replicate (a level that nobody has, or everybody)
is left out, as R does. The score test of no effect of the first column holds the others at their estimate
without it:

    u = U₁ − h'U₂,  h = I₂₂⁻¹ I₂₁        z = u / √(I₁₁ − h'I₂₁)   or   u / √(Σ (r₁ − h'r₂)²), r by cluster

It exists where an estimate is infinite, because the likelihood still has its limit.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.hazards.cox_kernel import (
    COLLINEAR,
    fit,
    invert,
    partial_likelihood,
    risk_weights,
    score_residuals,
    sort_by_stratum,
)
from trialsim.data import STATUS_OK, Bools, Floats, Ints

_DEPENDENT = 1e-10
_NO_SPREAD = 1e-16
_MOST_STEPS = 60
_MOST_HALVINGS = 30
_FLAT = 1e-9  # relative change of the log likelihood


@njit(cache=True)
def independent(information: Floats, keep: Bools) -> None:
    """Mark the columns that those before them do not determine, the first column being tested last."""
    P = len(information)
    rest = information.copy()
    for step in range(P):
        j = (step + 1) % P
        keep[j] = rest[j, j] > _DEPENDENT * information[j, j]
        if not keep[j]:
            continue
        for a in range(P):
            ratio = rest[a, j] / rest[j, j]
            if a != j and ratio != 0.0:
                for b in range(P):
                    if b != j:
                        rest[a, b] -= ratio * rest[j, b]


@njit(cache=True)
def projection(information: Floats) -> Floats:
    """Return (1, −h): the combination of score components that tests the first beside the others."""
    P = len(information)
    direction = np.zeros(P)
    direction[0] = 1.0
    keep = np.zeros(P, np.bool_)
    independent(information, keep)
    keep[0] = False
    others = np.flatnonzero(keep)
    size = others.size
    matrix, inverse = np.empty((size, size)), np.empty((size, size))
    for a in range(size):
        for b in range(size):
            matrix[a, b] = information[others[a], others[b]]
    if size > 0 and invert(matrix, inverse):
        for a in range(size):
            for b in range(size):
                direction[others[a]] -= inverse[a, b] * information[others[b], 0]
    return direction


@njit(cache=True)
def standardise(score: Floats, information: Floats, residual: Floats, z: Floats) -> None:
    """Fill z (2,) with the score test of the first column, model-based and from residuals by cluster."""
    direction = projection(information)
    u = direction @ score
    variance = direction @ information @ direction
    moved = residual @ direction
    z[0] = u / np.sqrt(variance) if variance > _DEPENDENT * information[0, 0] else np.nan
    spread = moved @ moved
    # Less than this beside the model's variance is rounding.
    z[1] = u / np.sqrt(spread) if spread > _DEPENDENT * variance and not np.isnan(z[0]) else np.nan


@njit(cache=True)
def climb(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    segment: Ints,
    entry: Ints,
    efron: bool,
    beta: Floats,
) -> None:
    """Improve `beta` from 0 until the likelihood is flat, though coefficients may then run to infinity."""
    rows, P = X.shape
    w, jumps = np.ones(rows), np.empty((rows, 3 + 3 * P))
    score, information, inverse = np.empty(P), np.empty((P, P)), np.empty((P, P))
    best = partial_likelihood(start, stop, event, X, w, segment, entry, efron, score, information, jumps)
    for _ in range(_MOST_STEPS):
        if not invert(information, inverse):
            return
        step = inverse @ score
        for _ in range(_MOST_HALVINGS):
            risk_weights(X, beta + step, w)
            value = partial_likelihood(
                start, stop, event, X, w, segment, entry, efron, score, information, jumps
            )
            if value >= best - _FLAT * abs(best):
                break
            step *= 0.5
        beta += step
        if abs(value - best) <= _FLAT * abs(best):
            return
        best = value


@njit(cache=True)
def score_test(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    segment: Ints,
    entry: Ints,
    cluster: Ints,
    clusters: int,
    efron: bool,
    z: Floats,
) -> None:
    """Fill the score test of the first column (2,): model-based, and robust by cluster."""
    rows, P = X.shape
    beta = np.zeros(P)
    if P > 1:
        others = np.zeros(P - 1)
        climb(start, stop, event, np.ascontiguousarray(X[:, 1:]), segment, entry, efron, others)
        beta[1:] = others
    w, jumps = np.ones(rows), np.empty((rows, 3 + 3 * P))
    risk_weights(X, beta, w)
    score, information = np.empty(P), np.empty((P, P))
    partial_likelihood(start, stop, event, X, w, segment, entry, efron, score, information, jumps)
    residual, by_cluster = np.empty((rows, P)), np.zeros((clusters, P))
    score_residuals(start, stop, event, X, w, segment, entry, jumps, residual)
    for i in range(rows):
        by_cluster[cluster[i]] += residual[i]
    standardise(score, information, by_cluster, z)


@njit(cache=True)
def fit_or_score(
    start: Floats,
    stop: Floats,
    event: Labels,
    X: Floats,
    segment: Ints,
    entry: Ints,
    cluster: Ints,
    clusters: int,
    efron: bool,
    beta: Floats,
    model: Floats,
    robust: Floats,
    test: Floats,
    z: Floats,
) -> int:
    """Fit as `cox_kernel.fit` does, without the covariates that cannot be told; return a status.

    What was left out has no coefficient (NaN). Where the fit fails `z` (2,) is filled with the score test.
    """
    status = fit(start, stop, event, X, segment, entry, cluster, clusters, efron, beta, model, robust, test)
    if status == STATUS_OK:
        if not robust[0, 0] > _NO_SPREAD:
            score_test(start, stop, event, X, segment, entry, cluster, clusters, efron, z)
        return status
    rows, P = X.shape
    score, information, jumps = np.empty(P), np.empty((P, P)), np.empty((rows, 3 + 3 * P))
    partial_likelihood(start, stop, event, X, np.ones(rows), segment, entry, efron, score, information, jumps)
    keep = np.zeros(P, np.bool_)
    independent(information, keep)
    if not keep[0]:
        return COLLINEAR
    kept = np.flatnonzero(keep)
    if kept.size < P:
        X = np.ascontiguousarray(X[:, kept])
        K = kept.size
        some, by_model, sandwich = np.zeros(K), np.zeros((K, K)), np.zeros((K, K))
        status = fit(
            start, stop, event, X, segment, entry, cluster, clusters, efron, some, by_model, sandwich, test
        )
        beta[:], model[:], robust[:] = np.nan, np.nan, np.nan
        for a in range(K):
            beta[kept[a]] = some[a]
            for b in range(K):
                model[kept[a], kept[b]] = by_model[a, b]
                robust[kept[a], kept[b]] = sandwich[a, b]
    if status != STATUS_OK:
        score_test(start, stop, event, X, segment, entry, cluster, clusters, efron, z)
    return status


@njit(cache=True)
def fit_rows(
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
    model: Floats,
    robust: Floats,
    test: Floats,
    z: Floats,
) -> int:
    """Sort rows (start, stop] of any order, fit them, and return the status of `fit_or_score`."""
    rows, segment = np.empty(stop.size, np.int64), np.empty(strata + 1, np.int64)
    sort_by_stratum(np.argsort(stop, kind="mergesort"), stratum, strata, rows, segment)
    start, stop, event, X, cluster = start[rows], stop[rows], event[rows], X[rows], cluster[rows]
    entry, late = np.empty(stop.size, np.int64), np.empty(strata + 1, np.int64)
    sort_by_stratum(np.argsort(-start, kind="mergesort"), stratum[rows], strata, entry, late)
    return fit_or_score(
        start, stop, event, X, segment, entry, cluster, clusters, efron, beta, model, robust, test, z
    )


@njit(cache=True)
def fit_replicates(
    time: Floats,
    event: Labels,
    stratum: Ints,
    strata: int,
    X: Floats,
    order: Ints,
    efron: bool,
    beta: Floats,
    model: Floats,
    robust: Floats,
    test: Floats,
    z: Floats,
    status: Labels,
) -> None:
    """Fit every replicate (R,) whose status is still ok; X (R, N, P), z (R, 2)."""
    participants = time.shape[1]
    rows, segment = np.empty(participants, np.int64), np.empty(strata + 1, np.int64)
    start, entry, cluster = np.zeros(participants), np.empty(0, np.int64), np.arange(participants)
    for r in range(len(time)):
        if status[r] != STATUS_OK:
            continue
        sort_by_stratum(order[r], stratum[r], strata, rows, segment)
        status[r] = fit_or_score(
            start, time[r][rows], event[r][rows], X[r][rows], segment, entry, cluster, participants,
            efron, beta[r], model[r], robust[r], test[r], z[r],
        )  # fmt: skip


@njit(cache=True)
def fit_delayed(
    entry: Floats,
    time: Floats,
    event: Labels,
    stratum: Ints,
    strata: int,
    X: Floats,
    efron: bool,
    beta: Floats,
    model: Floats,
    robust: Floats,
    test: Floats,
    z: Floats,
    status: Labels,
) -> None:
    """Fit every replicate as `fit_replicates` does, participants being at risk after their entry (R, N)."""
    participants = time.shape[1]
    for r in range(len(time)):
        if status[r] == STATUS_OK:
            status[r] = fit_rows(
                entry[r], time[r], event[r], stratum[r], strata, X[r], np.arange(participants), participants,
                efron, beta[r], model[r], robust[r], test[r], z[r],
            )  # fmt: skip
