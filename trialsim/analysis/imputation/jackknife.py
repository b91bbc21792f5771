"""Compiled full jackknife of conditional-mean imputation.

A leave-one-out refit moves each visit's least squares by one participant (Sherman-Morrison); means,
imputations and the analysis of covariance are then evaluated again on the Grams without that participant.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.imputation.gap_jackknife import impute_gap_trial
from trialsim.analysis.imputation.kernel import (
    MAR,
    SINGULAR_LEAVE_ONE_OUT,
    Analysis,
    Groups,
    Model,
    Plan,
    analysis_parts,
    arm_of,
    group_trial,
    imputed_products,
    imputed_value,
    refuse_groups,
    regress_groups,
    summaries,
)
from trialsim.analysis.imputation.leaving_out import (
    alone_in_a_level,
    jackknife_covariance,
    leave_out_of_analysis,
)
from trialsim.analysis.repeated_measures.closed_form.kernel import (
    NOT_MONOTONE,
    OK,
    SINGULAR_PIVOT,
    unit_lower,
    visit_means,
)
from trialsim.data import Floats, Ints


@njit(cache=True)
def leave_out(
    coefficients: Floats,
    inverses: Floats,
    covariates: Floats,
    outcomes: Floats,
    last: int,
    alone: bool,
    work: Floats,
    moved: Floats,
) -> bool:
    """Write each visit's least squares without one participant; False if a visit becomes singular.

    One who is `alone` in a level has no residual, and moves nothing.
    """
    q, visits = len(covariates), len(coefficients)
    for j in range(visits):
        size = q + j
        moved[j, :size] = coefficients[j, :size]
        if j >= last:
            continue
        residual, leverage = outcomes[j], 0.0
        for a in range(size):
            total = 0.0
            for b in range(q):
                total += inverses[j, a, b] * covariates[b]
            for b in range(j):
                total += inverses[j, a, q + b] * outcomes[b]
            work[a] = total
            value = covariates[a] if a < q else outcomes[a - q]
            leverage += value * total
            residual -= value * coefficients[j, a]
        if not leverage < 1.0 - SINGULAR_PIVOT:
            if alone:
                continue
            return False
        for a in range(size):
            moved[j, a] -= work[a] * residual / (1.0 - leverage)
    return True


@njit(cache=True)
def leave_each_out(
    outcomes: Floats,
    covariates: Floats,
    groups: Groups,
    model: Model,
    inverses: Floats,
    parts: Analysis,
    plan: Plan,
    anchored: bool,
    values: Floats,
) -> int:
    """Write the five summaries without each participant (N, 5); return a status."""
    participants, visits = outcomes.shape
    q, size = covariates.shape[1], len(plan.columns)
    gain, weights, lower = np.zeros((visits, visits)), np.zeros(q), np.zeros((visits, visits))
    work, rhs, held = np.zeros(q + visits), np.zeros(size), np.zeros(q)
    products, strategies = np.zeros(q), plan.strategies
    if anchored:
        strategies = np.full(len(plan.strategies), MAR)
        imputed_products(model, groups, plan, plan.strategies, gain, weights, held)
        imputed_products(model, groups, plan, strategies, gain, weights, products)
        held -= products
    moved = Model(model.coefficients.copy(), model.means.copy())
    alone = alone_in_a_level(covariates, plan.arm_column)
    left = Analysis(np.zeros((size, size)), np.zeros(size), np.zeros(size), np.zeros((2, size)))
    for i in range(participants):
        z, y, last, cell = covariates[i], outcomes[i], groups.last[i], groups.cell[i]
        arm = arm_of(plan, cell)
        missing = last <= plan.target
        regular = leave_out(model.coefficients, inverses, z, y, last, alone[i], work, moved.coefficients)
        if not (
            regular
            and leave_out_of_analysis(parts, z, plan.columns, arm if missing else -1, alone[i], work, left)
        ):
            return SINGULAR_LEAVE_ONE_OUT
        unit_lower(moved.coefficients, q, lower)
        visit_means(moved.coefficients, lower, q, moved.means)
        imputed_products(moved, groups, plan, strategies, gain, weights, products)
        own = y[plan.target]
        if missing:
            own = imputed_value(moved, z, y, arm, last, plan, strategies[cell], gain, weights)
            if anchored:
                own += imputed_value(model, z, y, arm, last, plan, plan.strategies[cell], gain, weights)
                own -= imputed_value(model, z, y, arm, last, plan, MAR, gain, weights)
        for a in range(size):
            row = plan.columns[a]
            rhs[a] = parts.observed[a] + products[row] + held[row] - z[row] * own
        summaries(rhs, left, participants - 1, values[i])
    return OK


@njit(cache=True)
def impute_trial(
    outcomes: Floats, covariates: Floats, plan: Plan, anchored: bool, result: Floats, covariance: Floats
) -> int:
    """Impute one trial by conditional means and analyse it, with the full jackknife.

    Parameters
    ----------
    outcomes : ndarray (N, V)
    covariates : ndarray (N, q)
    plan : Plan
    anchored : bool
        Hold the difference to missing at random fixed while leaving out (information-anchored variance).
    result : ndarray (5,)
        Out: effect, LS mean of control and active, slopes in a shift of control and active.
    covariance : ndarray (5, 5)
        Out: jackknife covariance of `result`.

    Returns
    -------
    int
        A status.
    """
    q, visits = covariates.shape[1], outcomes.shape[1]
    status, groups = group_trial(outcomes, covariates, plan)
    if status == OK:
        status = refuse_groups(groups.heads, plan.strategies)
    if status != OK:
        return status
    status, model, inverses = regress_groups(groups, q)
    if status != OK:
        return status
    status, parts = analysis_parts(groups, plan, q)
    if status != OK:
        return status
    gain, weights, products = np.zeros((visits, visits)), np.zeros(q), np.zeros(q)
    imputed_products(model, groups, plan, plan.strategies, gain, weights, products)
    summaries(parts.observed + products[plan.columns], parts, len(outcomes), result)
    values = np.empty((len(outcomes), len(result)))
    status = leave_each_out(outcomes, covariates, groups, model, inverses, parts, plan, anchored, values)
    if status == OK:
        jackknife_covariance(values, result, covariance)
    return status


@njit(cache=True)
def impute_block(
    outcomes: Floats,
    covariates: Floats,
    plan: Plan,
    anchored: bool,
    results: Floats,
    covariances: Floats,
    status: Ints,
) -> None:
    """Impute every replicate: results (R, 5), covariances (R, 5, 5), status (R,).

    By `impute_trial`, or by `impute_gap_trial` where there are gaps.
    """
    shared = covariates.shape[0] == 1
    targets = np.array([plan.target])
    for r in range(len(outcomes)):
        design = covariates[0 if shared else r]
        status[r] = impute_trial(outcomes[r], design, plan, anchored, results[r], covariances[r])
        if status[r] == NOT_MONOTONE:
            here, around = results[r : r + 1], covariances[r : r + 1]
            status[r] = impute_gap_trial(outcomes[r], design, plan, targets, anchored, here, around)
