"""Score test of the arm in proportional odds regression, which needs no estimate of its effect."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.gram import invert
from trialsim.analysis.linear.kernel import COLLINEAR_COVARIATE, OK, centre
from trialsim.analysis.ordinal.odds_kernel import (
    accumulate,
    expect,
    gather,
    maximise,
    start,
)
from trialsim.data import Bools, Floats, Ints

Labels = NDArray[np.int8]


@njit(cache=True)
def score_statistic(category: Ints, weight: Floats, X: Floats, cuts: int) -> tuple[int, float]:
    """Return a status and the score statistic z of the first coefficient at 0, the others at their best.

    Its variance is the expected information, which makes it Wilcoxon's where there is nothing else.
    """
    K = cuts + X.shape[1]
    restricted, inverse, meat = np.empty(K - 1), np.empty((K - 1, K - 1)), np.empty((K - 1, K - 1))
    start(category, weight, cuts, restricted)
    status, _ = maximise(category, weight, np.ascontiguousarray(X[:, 1:]), restricted, inverse, meat)
    if status != OK:
        return status, np.nan
    full = np.zeros(K)
    full[:cuts], full[cuts + 1 :] = restricted[:cuts], restricted[cuts:]
    score, gram, lower = np.empty(K), np.empty((K, K)), np.zeros((K, K))
    whole = np.empty((K, K))
    accumulate(category, weight, X, full, score, gram, whole)
    expect(weight, X, full, gram)
    if invert(gram, K, lower, whole) >= 0:
        return COLLINEAR_COVARIATE, np.nan
    return OK, score[cuts] * np.sqrt(whole[cuts, cuts])


@njit(cache=True)
def score_replicates(
    which: Ints,
    outcome: Ints,
    categories: int,
    arm: Labels,
    covariates: Floats,
    statistic: Floats,
    separated: Bools,
) -> None:
    """Fill the score statistic z (R,) of two arms, for the replicates named; NaN where it does not exist.

    Marked: where the covariates alone leave the model without the arm without a fit (R,).
    """
    N, P = outcome.shape[1], covariates.shape[2]
    most = max(N, categories * 2)
    category, weight, X = np.empty(most, np.int64), np.empty(most), np.empty((most, 1 + P))
    place, mean, arm_count = np.empty(categories, np.int64), np.empty(P + 1), np.empty(2, np.int64)
    seen = np.empty(N)
    for r in which:
        for i in range(N):
            seen[i] = outcome[r, i] if outcome[r, i] >= 0 else np.nan
        _, status = centre(seen, arm[r], 2, covariates[r], np.empty(0), mean, arm_count)
        if status != OK:
            continue
        rows, cuts = gather(outcome[r], arm[r], 2, covariates[r], mean, place, category, weight, X)
        status, z = score_statistic(category[:rows], weight[:rows], X[:rows], cuts)
        if status == OK:
            statistic[r] = z
        separated[r] = status not in (OK, COLLINEAR_COVARIATE)
