"""Compiled parts of a full jackknife that imputation with and without gaps share."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.imputation.kernel import Analysis
from trialsim.analysis.linear.gram import inverse_from_factor
from trialsim.analysis.repeated_measures.closed_form.kernel import SINGULAR_PIVOT, cholesky
from trialsim.data import Bools, Floats, Ints


@njit(cache=True)
def alone_in_a_level(covariates: Floats, arm_column: int) -> Bools:
    """Return who alone decides a coefficient of the covariates, other than the arm's (N,).

    Such a participant, the only one with a level of a factor, takes the level along when left out: nobody
    else's mean depends on it.
    """
    participants, q = covariates.shape
    alone = np.zeros(participants, np.bool_)
    total, factor, inverse = np.zeros((q, q)), np.zeros((q, q)), np.zeros((q, q))
    for i in range(participants):
        for a in range(q):
            for b in range(q):
                total[a, b] += covariates[i, a] * covariates[i, b]
    if cholesky(total, q, factor) < q:
        return alone
    inverse_from_factor(factor, q, inverse)
    for i in range(participants):
        leverage, of_arm = 0.0, 0.0
        for a in range(q):
            along = 0.0
            for b in range(q):
                along += inverse[a, b] * covariates[i, b]
            leverage += along * covariates[i, a]
            if a == arm_column:
                of_arm = along
        alone[i] = leverage >= 1.0 - SINGULAR_PIVOT and abs(of_arm) < 1e-8
    return alone


@njit(cache=True)
def leave_out_of_analysis(
    parts: Analysis,
    covariates: Floats,
    columns: Ints,
    imputed_arm: int,
    alone: bool,
    direction: Floats,
    moved: Analysis,
) -> bool:
    """Write the analysis without one participant, `observed` apart; False if it becomes singular.

    `imputed_arm` is the arm of a participant who is imputed, else -1. For one who is `alone` in a level the
    inverse stays: it is a generalised inverse for the others, whose level is gone.
    """
    size = len(columns)
    leverage = 0.0
    for a in range(size):
        direction[a] = 0.0
        for b in range(size):
            direction[a] += parts.inverse[a, b] * covariates[columns[b]]
        leverage += direction[a] * covariates[columns[a]]
    within = leverage < 1.0 - SINGULAR_PIVOT
    if not (within or alone):
        return False
    share = 1.0 / (1.0 - leverage) if within else 0.0
    for a in range(size):
        value = covariates[columns[a]]
        moved.sums[a] = parts.sums[a] - value
        for arm in range(2):
            moved.imputed[arm, a] = parts.imputed[arm, a] - (value if arm == imputed_arm else 0.0)
        for b in range(size):
            moved.inverse[a, b] = parts.inverse[a, b] + share * direction[a] * direction[b]
    return True


@njit(cache=True)
def jackknife_covariance(values: Floats, centre: Floats, covariance: Floats) -> None:
    """Write ``(n - 1)/n sum (v_i - mean)(v_i - mean)'`` of leave-one-out values (n, 5)."""
    number, size = values.shape
    for a in range(size):
        for b in range(a + 1):
            cross, first, second = 0.0, 0.0, 0.0
            for i in range(number):
                left, right = values[i, a] - centre[a], values[i, b] - centre[b]
                cross += left * right
                first += left
                second += right
            covariance[a, b] = (number - 1) / number * (cross - first * second / number)
            covariance[b, a] = covariance[a, b]
