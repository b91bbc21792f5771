"""Compiled conditional-mean imputation without a jackknife, of many resamples of one trial.

A resample draws as many participants as there are, within each arm, with replacement. The imputation model is
fitted again to each, by Newton's method with gaps or without.

Source: Wolbers M, Noci A, Delmar P, et al. Standard and reference-based conditional mean imputation. Pharm
Stat 2022; 21: 1246-1257.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.imputation.gap_kernel import (
    centred,
    fit_gap_trial,
    gap_analysis_parts,
    gap_groups,
    gap_products,
    refuse_gap_groups,
    shift_ls_means,
)
from trialsim.analysis.imputation.kernel import Plan, summaries
from trialsim.analysis.repeated_measures.closed_form.kernel import OK
from trialsim.analysis.repeated_measures.likelihood import mean_matrix
from trialsim.data import Floats, Ints


@njit(cache=True)
def impute_once(outcomes: Floats, covariates: Floats, plan: Plan, targets: Ints, results: Floats) -> int:
    """Write the five summaries of every target (T, 5); return a status."""
    status, shift, y, z = centred(outcomes, covariates, plan.arm_column)
    if status != OK:
        return status
    groups = gap_groups(y, z, plan)
    status = refuse_gap_groups(groups, plan.strategies)
    if status != OK:
        return status
    status, _, cell, fit = fit_gap_trial(y, z)
    if status != OK:
        return status
    means = mean_matrix(fit.mean.coefficients, cell)
    gain, weights, products = np.zeros(y.shape[1]), np.zeros(z.shape[1]), np.zeros(z.shape[1])
    for t, target in enumerate(targets):
        status, parts = gap_analysis_parts(groups, plan, target)
        if status != OK:
            return status
        gap_products(
            groups,
            fit.covariance,
            fit.mean.inverses,
            means,
            plan,
            target,
            plan.strategies,
            gain,
            weights,
            products,
        )
        summaries(parts.observed + products[plan.columns], parts, len(y), results[t])
        shift_ls_means(results[t], shift)
    return OK


@njit(cache=True)
def impute_resamples(
    outcomes: Floats, covariates: Floats, plan: Plan, targets: Ints, rows: Ints, results: Floats
) -> int:
    """Impute each resample (B, N) of participants: results (B, T, 5). Return the number that failed.

    The results of a resample that failed are NaN.
    """
    failed = 0
    for b in range(len(rows)):
        kind = plan.kind[rows[b]] if len(plan.kind) > 0 else plan.kind
        here = Plan(plan.arm_column, plan.columns, plan.reference, plan.strategies, plan.target, kind)
        if impute_once(outcomes[rows[b]], covariates[rows[b]], here, targets, results[b]) != OK:
            results[b] = np.nan
            failed += 1
    return failed
