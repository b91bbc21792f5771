"""Score tests of the arm: they need the model without the arm alone, so they exist where its effect does not.

With score residuals u of the model without the arm, its weights w, and e what the other columns Z leave of
the arm's indicator,

    U = Σ u e,    V = Σ w e² (from the model),    V = Σ u² e² (robust)

(Rao 1948, Proc. Camb. Phil. Soc. 44:50; generalised: Boos 1992, Am. Stat. 46:327).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.gram import invert
from trialsim.data import Floats, Ints

Labels = NDArray[np.int8]

_ROUNDING = 1e-20


@njit(cache=True)
def null_columns(covariates: Floats, rows: Ints, strata: Ints, columns: Floats) -> int:
    """Fill intercept, centred covariates and strata of the analysed rows; return how many columns they are.

    Strata without anybody have no column. `strata` may be empty.
    """
    n, P = rows.size, covariates.shape[1]
    q = 1
    for j in range(n):
        columns[j, 0] = 1.0
    for k in range(P):
        mean = 0.0
        for j in range(n):
            mean += covariates[rows[j], k] / n
        for j in range(n):
            columns[j, q] = covariates[rows[j], k] - mean
        q += 1
    if strata.size:
        first = True
        for z in range(strata.max() + 1):
            size = 0
            for j in range(n):
                columns[j, q] = 1.0 if strata[rows[j]] == z else 0.0
                size += int(columns[j, q])
            if size and first:
                first = False
            elif size:
                q += 1
    return q


@njit(cache=True)
def efficient_score(residual: Floats, weight: Floats, Z: Floats, arm: Floats) -> tuple[float, float, float]:
    """Return the score of the arm given the columns Z, and its variance from the model and robust.

    NaN where the columns depend on each other or determine the arm.
    """
    n, q = Z.shape
    gram, moment = np.zeros((q, q)), np.zeros(q)
    for i in range(n):
        for j in range(q):
            scaled = weight[i] * Z[i, j]
            moment[j] += scaled * arm[i]
            for k in range(j + 1):
                gram[j, k] += scaled * Z[i, k]
    lower, inverse = np.zeros((q, q)), np.zeros((q, q))
    if invert(gram, q, lower, inverse) >= 0:
        return np.nan, np.nan, np.nan
    slope = inverse @ moment
    score, model, robust, whole = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        left = arm[i]
        for j in range(q):
            left -= slope[j] * Z[i, j]
        score += residual[i] * left
        model += weight[i] * left * left
        robust += (residual[i] * left) ** 2
        whole += weight[i] * arm[i]
    if not model > 1e-11 * whole:
        return np.nan, np.nan, np.nan
    return score, model, robust


@njit(cache=True)
def linear_score_tests(
    which: Ints,
    outcome: Floats,
    arm: Labels,
    covariates: Floats,
    strata: Ints,
    weights: Floats,
    statistic: Floats,
    df: Floats,
) -> None:
    """Fill Student's t of the score test of the arm in a linear model (R,), for the replicates named.

    The residual variance is that of the model without the arm, n − q degrees of freedom for its q columns.
    """
    N, P = outcome.shape[1], covariates.shape[2]
    levels = int(strata.max()) + 1 if strata.size else 0
    Z = np.empty((N, 2 + P + levels))
    no_strata = np.empty(0, np.int64)
    for r in which:
        rows = np.flatnonzero(~np.isnan(outcome[r]))
        n = rows.size
        q = null_columns(covariates[r], rows, strata[r] if levels else no_strata, Z)
        if n - q < 1:
            continue
        w = weights[r][rows] if weights.size else np.ones(n)
        y, a = outcome[r][rows], arm[r][rows].astype(np.float64)
        residual = y - np.sum(w * y) / np.sum(w)
        whole = np.sum(w * residual * residual)
        gram, moment = np.zeros((q, q)), np.zeros(q)
        for i in range(n):
            for j in range(q):
                moment[j] += w[i] * Z[i, j] * residual[i]
                for k in range(j + 1):
                    gram[j, k] += w[i] * Z[i, j] * Z[i, k]
        lower, inverse = np.zeros((q, q)), np.zeros((q, q))
        if invert(gram, q, lower, inverse) >= 0:
            continue
        slope = inverse @ moment
        for i in range(n):
            for j in range(q):
                residual[i] -= slope[j] * Z[i, j]
        score, model, _ = efficient_score(w * residual, w, Z[:n, :q], a)
        left = np.sum(w * residual * residual)
        variance = model * left / (n - q)
        # What the covariates leave of a perfect fit is rounding, and no evidence of anything.
        if variance > 0.0 and left > _ROUNDING * whole:
            statistic[r], df[r] = score / np.sqrt(variance), n - q
