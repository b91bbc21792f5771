"""Score test of the arm in negative binomial regression, which needs no estimate of the rate ratio."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.counts.kernel import fit_counts
from trialsim.analysis.linear.kernel import OK
from trialsim.analysis.linear.score_kernel import efficient_score, null_columns
from trialsim.data import Bools, Floats, Ints

Labels = NDArray[np.int8]


@njit(cache=True)
def score_replicates(
    which: Ints,
    count: Floats,
    exposure: Floats,
    arm: Labels,
    covariates: Floats,
    dispersion: float,
    robust: bool,
    statistic: Floats,
    separated: Bools,
) -> None:
    """Fill the score statistic z (R,) of two arms, for the replicates named; NaN where it does not exist.

    The dispersion is that of the model without the arm, unless it is given. Marked: where the covariates
    alone leave that model without a fit (R,).
    """
    N, P = count.shape[1], covariates.shape[2]
    Z, no_strata = np.empty((N, 1 + P)), np.empty(0, np.int64)
    for r in which:
        rows = np.flatnonzero(~np.isnan(count[r]) & (exposure[r] > 0.0))
        n = rows.size
        q = null_columns(covariates[r], rows, no_strata, Z)
        y, a = count[r][rows], arm[r][rows].astype(np.float64)
        if n - q < 1 or y.sum() == 0.0:
            continue
        beta, mu = np.zeros(q), np.empty(n)
        columns = np.ascontiguousarray(Z[:n, :q])
        if np.isnan(efficient_score(y, np.ones(n), columns, a)[0]):
            continue  # the covariates determine the arm, so nothing can be said of it
        status, _, k = fit_counts(columns, y, np.log(exposure[r][rows]), dispersion, beta, mu)
        if status != OK:
            separated[r] = True
            continue
        spread = 1.0 + k * mu
        score, model, sandwich = efficient_score((y - mu) / spread, mu / spread, columns, a)
        variance = sandwich if robust else model
        if variance > 0.0:
            statistic[r] = score / np.sqrt(variance)
