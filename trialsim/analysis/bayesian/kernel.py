"""Inner kernel of the exact Bayesian prognostic adjustment: Gram sums and two conjugate updates a trial."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.data import Floats

OK, EMPTY_ARM, NON_FINITE = 0, 1, 2
REASONS = ("ok", "arm_empty", "not_finite")


@njit(cache=True)
def solve_spd3(a: Floats, rhs: Floats) -> tuple[float, float, float, float, float]:
    """Return a⁻¹ rhs (three numbers), the second diagonal element of a⁻¹ and ln|a| by Cholesky."""
    l00 = math.sqrt(a[0, 0])
    l10, l20 = a[1, 0] / l00, a[2, 0] / l00
    l11 = math.sqrt(a[1, 1] - l10 * l10)
    l21 = (a[2, 1] - l20 * l10) / l11
    l22 = math.sqrt(a[2, 2] - l20 * l20 - l21 * l21)
    z0 = rhs[0] / l00
    z1 = (rhs[1] - l10 * z0) / l11
    z2 = (rhs[2] - l20 * z0 - l21 * z1) / l22
    x2 = z2 / l22
    x1 = (z1 - l21 * x2) / l11
    x0 = (z0 - l10 * x1 - l20 * x2) / l00
    e2 = -l21 / (l11 * l22)
    return x0, x1, x2, 1.0 / (l11 * l11) + e2 * e2, 2.0 * math.log(l00 * l11 * l22)


@njit(cache=True)
def update_part(
    gram: Floats, cross: Floats, square: float, n: int, location: Floats, scale: Floats, df: float, s2: float
) -> tuple[float, float, float]:
    """Return location and scale of the effect's t, and the log marginal likelihood, of one prior part."""
    precision = gram.copy()
    residual = cross.copy()
    square_residual = square
    log_scale = 0.0
    for i in range(3):
        precision[i, i] += 1.0 / scale[i]
        log_scale += math.log(scale[i])
        fitted = 0.0
        for j in range(3):
            fitted += gram[i, j] * location[j]
        residual[i] -= fitted
        square_residual -= location[i] * (cross[i] + residual[i])
    x0, x1, x2, variance, log_det = solve_spd3(precision, residual)
    q = square_residual - (x0 * residual[0] + x1 * residual[1] + x2 * residual[2])
    q = max(q, 0.0)
    total = n + df
    log_m = (
        math.lgamma(0.5 * total)
        - math.lgamma(0.5 * df)
        - 0.5 * n * math.log(df * math.pi * s2)
        - 0.5 * (log_det + log_scale)
        - 0.5 * total * math.log1p(q / (df * s2))
    )
    return location[1] + x1, math.sqrt((df * s2 + q) / total * variance), log_m


@njit(cache=True)
def adjust_block(
    outcomes: Floats,
    arm: NDArray[np.int8],
    score: Floats,
    location: Floats,
    scale: Floats,
    df: Floats,
    variance: Floats,
    t_location: Floats,
    t_scale: Floats,
    log_m: Floats,
    observed: NDArray[np.int64],
    status: NDArray[np.int8],
) -> None:
    """Fill the two t parts (R, 2), log marginal likelihoods (R, 2), sizes (R,) and statuses (R,)."""
    replicates, participants = outcomes.shape
    gram, cross = np.empty((3, 3)), np.empty(3)
    for r in range(replicates):
        n, n1, total_score, finite = 0, 0, 0.0, True
        for i in range(participants):
            if not math.isnan(outcomes[r, i]):
                n += 1
                n1 += arm[r, i]
                total_score += score[r, i]
                finite &= math.isfinite(outcomes[r, i]) and math.isfinite(score[r, i])
        observed[r] = n
        if not finite:
            status[r] = NON_FINITE
            continue
        if n1 == 0 or n1 == n:
            status[r] = EMPTY_ARM
            continue
        centre = total_score / n
        y1, y, ym, yy, mm, m1 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(participants):
            value = outcomes[r, i] - centre
            if not math.isnan(value):
                m = score[r, i] - centre
                active = arm[r, i]
                y += value
                y1 += active * value
                ym += m * value
                yy += value * value
                mm += m * m
                m1 += active * m
        gram[0, 0], gram[0, 1], gram[0, 2] = n, n1, 0.0
        gram[1, 0], gram[1, 1], gram[1, 2] = n1, n1, m1
        gram[2, 0], gram[2, 1], gram[2, 2] = 0.0, m1, mm
        cross[0], cross[1], cross[2] = y, y1, ym
        for part in range(2):
            t_location[r, part], t_scale[r, part], log_m[r, part] = update_part(
                gram, cross, yy, n, location[part], scale[part], df[part], variance[part]
            )
