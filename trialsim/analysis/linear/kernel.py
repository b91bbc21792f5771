"""Least squares of many replicate trials: one pass for the Gram matrix, one for the robust variance.

The columns of the design are: intercept, one indicator for each active arm, the centred covariates,
arm × centred covariate for the interacted ones, one indicator for each stratum but the first present.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trialsim.analysis.linear.gram import add_outer, dot, invert, quadratic, sandwich
from trialsim.data import Bools, Floats, Ints

Labels = NDArray[np.int8]

OK = 0
TOO_FEW_PARTICIPANTS = 1
ARM_EMPTY = 2
COLLINEAR_COVARIATE = 3
CONSTANT_OUTCOME = 4
FULL_LEVERAGE = 5
NO_RESIDUAL_VARIANCE = 6
NOT_FINITE = 7
REASONS = (
    "ok",
    "too_few_participants",
    "arm_empty",
    "collinear_covariate",
    "constant_outcome",
    "full_leverage",
    "no_residual_variance",
)

WITHOUT_ESTIMATE = (COLLINEAR_COVARIATE, FULL_LEVERAGE, NO_RESIDUAL_VARIANCE)

MODEL_BASED = -1
LEVERAGE_TOLERANCE = 1e-9
PERFECT_FIT_TOLERANCE = 1e-22


@njit(cache=True)
def centre(
    outcome: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    weights: Floats,
    mean: Floats,
    arm_count: Ints,
) -> tuple[int, int]:
    """Fill the means of covariates and outcome over the analysed; return their number and a status."""
    participants, P = covariates.shape
    n = 0
    lowest, highest = np.inf, -np.inf
    mean[:] = 0.0
    arm_count[:] = 0
    for i in range(participants):
        y = outcome[i]
        if np.isnan(y):
            continue
        n += 1
        arm_count[arm[i]] += 1
        lowest, highest = min(lowest, y), max(highest, y)
        mean[P] += y
        for k in range(P):
            mean[k] += covariates[i, k]
        if weights.size and not (0.0 < weights[i] < np.inf):
            return n, NOT_FINITE
    for k in range(P + 1):
        if not np.isfinite(mean[k]):
            return n, NOT_FINITE
        mean[k] /= max(n, 1)
    for a in range(arms):
        if arm_count[a] == 0:
            return n, ARM_EMPTY
    for a in range(arms):
        if arm_count[a] == 1:
            return n, TOO_FEW_PARTICIPANTS
    return n, CONSTANT_OUTCOME if lowest == highest else OK


@njit(cache=True)
def place_strata(outcome: Floats, strata: Ints, first_column: int, column: Ints) -> int:
    """Give every stratum with an analysed participant its column, the first of them none (-1)."""
    column[:] = -2
    for i in range(strata.size):
        if not np.isnan(outcome[i]):
            column[strata[i]] = -1
    next_column, first = first_column, True
    for z in range(column.size):
        if column[z] == -1 and first:
            first = False
        elif column[z] == -1:
            column[z] = next_column
            next_column += 1
    return next_column


@njit(cache=True)
def fill_row(
    a: int, arms: int, covariates: Floats, i: int, mean: Floats, interact: Bools, rows: Floats, at: int
) -> None:
    """Fill the design row of a participant, at a position, without its stratum."""
    P = covariates.shape[1]
    rows[at, 0] = 1.0
    for b in range(1, arms):
        rows[at, b] = 1.0 if a == b else 0.0
    j = arms
    for k in range(P):
        rows[at, j] = covariates[i, k] - mean[k]
        j += 1
    for k in range(P):
        if interact[k]:
            for b in range(1, arms):
                rows[at, j] = covariates[i, k] - mean[k] if a == b else 0.0
                j += 1


@njit(cache=True)
def gram_sums(
    outcome: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    interact: Bools,
    strata: Ints,
    column: Ints,
    weights: Floats,
    mean: Floats,
    rows: Floats,
    gram: Floats,
    moment: Floats,
) -> float:
    """Fill the design rows and their sums of products; return the outcome's sum of squares."""
    base = rows.shape[1]
    gram[:] = 0.0
    moment[:] = 0.0
    tss = 0.0
    for i in range(outcome.size):
        if np.isnan(outcome[i]):
            continue
        fill_row(arm[i], arms, covariates, i, mean, interact, rows, i)
        dummy = column[strata[i]] if strata.size else -1
        w = weights[i] if weights.size else 1.0
        add_outer(gram, rows, i, base, dummy, w)
        y = outcome[i] - mean[-1]
        tss += w * y * y
        for k in range(base):
            moment[k] += w * y * rows[i, k]
        if dummy >= 0:
            moment[dummy] += w * y
    return tss


@njit(cache=True)
def leverage_factor(hc: int, room: float, n_over_p: float) -> float:
    """Return what a squared residual is multiplied by, with room = 1 − h."""
    if hc == 2:
        return 1.0 / room
    if hc == 3:
        return 1.0 / (room * room)
    return room ** -min(4.0, n_over_p * (1.0 - room))


@njit(cache=True)
def robust_meat(
    outcome: Floats,
    rows: Floats,
    arms: int,
    strata: Ints,
    column: Ints,
    weights: Floats,
    mean: Floats,
    base: int,
    hc: int,
    n_over_p: float,
    inverse: Floats,
    beta: Floats,
    meat: Floats,
    residual: Floats,
) -> tuple[float, int]:
    """Fill the meat of the sandwich and the residuals; return the weighted residual sum and a status."""
    rss = 0.0
    meat[:] = 0.0
    status = OK
    for i in range(outcome.size):
        residual[i] = np.nan
        if np.isnan(outcome[i]):
            continue
        dummy = column[strata[i]] if strata.size else -1
        w = weights[i] if weights.size else 1.0
        r = outcome[i] - mean[-1] - dot(rows, i, beta, base, dummy)
        residual[i] = r
        rss += w * r * r
        if hc == MODEL_BASED:
            continue
        factor = w * w * r * r
        if hc >= 2:
            room = 1.0 - w * quadratic(inverse, rows, i, base, dummy)
            if room > LEVERAGE_TOLERANCE:
                factor *= leverage_factor(hc, room, n_over_p)
            else:
                factor = 0.0
                for b in range(1, arms):
                    influence = dot(rows, i, inverse[b], base, dummy)
                    if w * influence * influence > LEVERAGE_TOLERANCE * inverse[b, b]:
                        status = FULL_LEVERAGE
        add_outer(meat, rows, i, base, dummy, factor)
    return rss, status


@njit(cache=True)
def add_centring(
    arms: int,
    covariates: Floats,
    outcome: Floats,
    mean: Floats,
    interact: Bools,
    n: int,
    beta: Floats,
    covariance: Floats,
) -> None:
    """Add what the estimated centre of the covariates adds to the covariance of the arm effects.

    For arms a and b: δ_a' S δ_b / n with δ the difference in slopes to the control and S the sample
    covariance of the covariates.
    """
    P = interact.size
    moved = np.zeros(arms)
    added = np.zeros((arms, arms))
    for i in range(outcome.size):
        if np.isnan(outcome[i]):
            continue
        moved[:] = 0.0
        j = arms + P
        for k in range(P):
            if interact[k]:
                for b in range(1, arms):
                    moved[b] += beta[j] * (covariates[i, k] - mean[k])
                    j += 1
        for b in range(1, arms):
            for c in range(1, arms):
                added[b, c] += moved[b] * moved[c]
    for b in range(1, arms):
        for c in range(1, arms):
            covariance[b, c] += added[b, c] / ((n - 1.0) * n)


@njit(cache=True)
def fixed_by_blocks(arm: Labels, arm_count: Ints, blocks: Ints, levels: int, residual: Floats) -> Floats:
    """Return what permuted blocks within strata fix of the arm means' covariance (A, A).

    Σ_z (n_z/n) R_z R_z' ∘ (diag π − ππ') / n with R_za the mean residual over π_a; a residual of NaN is
    of nobody analysed.
    """
    arms, n = arm_count.size, arm_count.sum()
    total, count = np.zeros((levels, arms)), np.zeros((levels, arms))
    for i in range(residual.size):
        if not np.isnan(residual[i]):
            total[blocks[i], arm[i]] += residual[i]
            count[blocks[i], arm[i]] += 1.0
    fixed = np.zeros((arms, arms))
    for z in range(levels):
        share = count[z].sum() / n
        for a in range(arms):
            for b in range(arms):
                if count[z, a] > 0.0 and count[z, b] > 0.0:
                    pi_a, pi_b = arm_count[a] / n, arm_count[b] / n
                    product = total[z, a] / count[z, a] / pi_a * total[z, b] / count[z, b] / pi_b
                    fixed[a, b] += share * product * ((pi_a if a == b else 0.0) - pi_a * pi_b) / n
    return fixed


@njit(cache=True)
def subtract_from_effects(fixed: Floats, covariance: Floats) -> None:
    """Subtract what is fixed of the arm means (A, A) from the covariance of the arms' effects."""
    arms = len(fixed)
    for a in range(1, arms):
        for b in range(1, arms):
            covariance[a, b] -= fixed[a, b] - fixed[a, 0] - fixed[0, b] + fixed[0, 0]


@njit(cache=True)
def fit_replicates(
    outcome: Floats,
    arm: Labels,
    arms: int,
    covariates: Floats,
    interact: Bools,
    strata: Ints,
    levels: int,
    strata_in_model: bool,
    weights: Floats,
    hc: int,
    permuted_blocks: bool,
    coefficients: Floats,
    covariance: Floats,
    means: Floats,
    residuals: Floats,
    df: Floats,
    status: Labels,
    detail: Ints,
) -> None:
    """Fit every replicate; see `trialsim.analysis.linear.block.fit_linear` for what it means.

    Filled: coefficients (R, K), covariance (R, K, K), means (R, P + 1: covariates, then outcome),
    residuals (R, N), df (R,), status (R,) and detail (R,): the dependent column where collinear.
    """
    R, N = outcome.shape
    K = coefficients.shape[1]
    base = K - (levels - 1) if strata_in_model else K
    gram, lower = np.zeros((K, K)), np.zeros((K, K))
    inverse, meat = np.zeros((K, K)), np.zeros((K, K))
    moment, beta, rows = np.zeros(K), np.zeros(K), np.zeros((N, base))
    column = np.full(levels, -1, np.int64)
    arm_count = np.zeros(arms, np.int64)
    no_strata, no_weights = np.empty(0, np.int64), np.empty(0)
    for r in range(R):
        z = strata[r] if levels > 0 else no_strata
        w_r = weights[r] if weights.size else no_weights
        mean = means[r]
        x = covariates[r]
        n, status[r] = centre(outcome[r], arm[r], arms, x, w_r, mean, arm_count)
        columns = place_strata(outcome[r], z, base, column) if strata_in_model else base
        df[r] = n - columns
        if status[r] == OK and n - columns < 1:
            status[r] = TOO_FEW_PARTICIPANTS
        if status[r] != OK:
            continue
        tss = gram_sums(outcome[r], arm[r], arms, x, interact, z, column, w_r, mean, rows, gram, moment)
        dependent = invert(gram, columns, lower, inverse)
        if dependent >= 0:
            status[r] = COLLINEAR_COVARIATE
            detail[r] = dependent
            continue
        for j in range(columns):
            s = 0.0
            for k in range(columns):
                s += inverse[j, k] * moment[k]
            beta[j] = s
        rss, status[r] = robust_meat(
            outcome[r],
            rows,
            arms,
            z,
            column,
            w_r,
            mean,
            base,
            hc,
            n / columns,
            inverse,
            beta,
            meat,
            residuals[r],
        )
        if not np.isfinite(rss):
            status[r] = NOT_FINITE
        elif rss <= PERFECT_FIT_TOLERANCE * tss:
            status[r] = NO_RESIDUAL_VARIANCE
        if status[r] != OK:
            continue
        if hc == MODEL_BASED:
            # Loops, not slices: numba compiles a second more for each that could be of another shape.
            for j in range(columns):
                for k in range(columns):
                    covariance[r, j, k] = inverse[j, k] * (rss / df[r])
        else:
            sandwich(inverse, meat, columns, covariance[r])
            if hc == 1:
                for j in range(K):
                    for k in range(K):
                        covariance[r, j, k] *= n / df[r]
            add_centring(arms, x, outcome[r], mean, interact, n, beta, covariance[r])
        if permuted_blocks:
            fixed = fixed_by_blocks(arm[r], arm_count, z, levels, residuals[r])
            subtract_from_effects(fixed, covariance[r])
        for b in range(1, arms):
            if not covariance[r, b, b] > 0.0:
                status[r] = NO_RESIDUAL_VARIANCE
        for j in range(columns):
            coefficients[r, j] = beta[j]
