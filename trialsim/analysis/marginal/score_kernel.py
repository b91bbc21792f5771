"""Robust score test of the arm in a working model, which needs no estimate of the marginal effect."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.score_kernel import efficient_score, null_columns
from trialsim.analysis.marginal.working_model import (
    CONVERGED,
    NEGATIVE_BINOMIAL,
    fit_working_model,
    working_weight,
)
from trialsim.data import Bools, Floats, Ints

Labels = NDArray[np.int8]


@njit(cache=True)
def score_replicates(
    which: Ints,
    outcome: Floats,
    arm: Labels,
    covariates: Floats,
    family: int,
    theta: float,
    statistic: Floats,
    separated: Bools,
) -> None:
    """Fill the score statistic z (R,) of two arms, for the replicates named; NaN where it does not exist.

    Marked: where the covariates alone leave that model without a fit, or separate the outcome (R,).
    """
    N, P = outcome.shape[1], covariates.shape[2]
    Z, no_strata = np.empty((N, 1 + P)), np.empty(0, np.int64)
    for r in which:
        rows = np.flatnonzero(~np.isnan(outcome[r]))
        n = rows.size
        q = null_columns(covariates[r], rows, no_strata, Z)
        y, a = outcome[r][rows], arm[r][rows].astype(np.float64)
        if n - q < 1 or y.min() == y.max():
            continue
        beta, mu, weight = np.zeros(q), np.empty(n), np.empty(n)
        columns = np.ascontiguousarray(Z[:n, :q])
        if np.isnan(efficient_score(y, np.ones(n), columns, a)[0]):
            continue  # the covariates determine the arm, so nothing can be said of it
        status, _, penalised, fitted = fit_working_model(family, theta, columns, y, np.bool_(False), beta, mu)
        if status != CONVERGED or penalised:
            separated[r] = True
            continue
        residual = y - mu
        for i in range(n):
            weight[i] = working_weight(family, mu[i], fitted)
            if family == NEGATIVE_BINOMIAL:
                residual[i] /= 1.0 + mu[i] / fitted
        score, _, variance = efficient_score(residual, weight, columns, a)
        if variance > 0.0:
            statistic[r] = score / np.sqrt(variance)
