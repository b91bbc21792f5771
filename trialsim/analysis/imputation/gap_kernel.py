"""Compiled conditional-mean imputation of trials with gaps: outcomes missing before an observed one.

The unstructured visit-saturated REML fit has no closed form then; it is Newton's, on Gram sums by missingness
pattern. Gaps are missing at random. Given Σ and B everything is linear in ``(z, y_observed)`` again, so that
the analysis of covariance of imputed data needs the Grams by cell and pattern only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from trialsim.analysis.imputation.kernel import (
    ARM_TOO_SMALL,
    EFFECT,
    INDEFINITE,
    LMCF,
    LSM_ACTIVE,
    LSM_CONTROL,
    MAR,
    NEVER_TOGETHER,
    NO_OUTCOME_TO_CARRY,
    NOT_CONVERGED,
    SINGULAR_COVARIANCE,
    Analysis,
    Plan,
    arm_of,
    cell_of,
    conditional_mean_weights,
)
from trialsim.analysis.linear.gram import inverse_from_factor
from trialsim.analysis.repeated_measures import newton
from trialsim.analysis.repeated_measures.closed_form.kernel import NON_FINITE, OK, SINGULAR, TOO_FEW, cholesky
from trialsim.analysis.repeated_measures.covariance_structures import unstructured
from trialsim.analysis.repeated_measures.gram_sums import PatternSums, gram_sums, pattern_of_each
from trialsim.analysis.repeated_measures.likelihood import mean_matrix
from trialsim.analysis.repeated_measures.newton import Fit, fit_grams, seen_together
from trialsim.data import Bools, Floats, Ints

TOLERANCE = 1e-18


class GapGroups(NamedTuple):
    """Participants of one trial by cell and missingness pattern: group ``cell (S + 1) + pattern``.

    Those who are never seen have the pattern S.

    Parameters
    ----------
    seen : ndarray of bool (S + 1, V)
        Visits at which a pattern is observed.
    last : ndarray of int (S + 1,)
        Visits up to its last observed one.
    group : ndarray of int (N,)
        Of each participant.
    heads : ndarray of int (C (S + 1),)
    zz, zy : ndarray (C (S + 1), q, q) and (C (S + 1), q, V)
    """

    seen: Bools
    last: Ints
    group: Ints
    heads: Ints
    zz: Floats
    zy: Floats


@njit(cache=True)
def centred(outcomes: Floats, covariates: Floats, arm_column: int) -> tuple[int, float, Floats, Floats]:
    """Return a status, the mean outcome, outcomes about it, and covariates of mean 0 and size 1.

    The intercept and the arm stay as they are, so that the arm's coefficient and its reference stay too.
    """
    total, number = 0.0, 0
    for value in outcomes.flat:
        if not np.isnan(value):
            total += value
            number += 1
    shift = total / max(number, 1)
    design = covariates.copy()
    if not (np.isfinite(shift) and np.isfinite(design.sum())):
        return NON_FINITE, shift, outcomes, design
    for k in range(1, design.shape[1]):
        if k == arm_column:
            continue
        design[:, k] -= design[:, k].mean()
        size = np.sqrt((design[:, k] ** 2).mean())
        if size > 0.0:
            design[:, k] /= size
    return OK, shift, outcomes - shift, design


@njit(cache=True)
def gap_groups(outcomes: Floats, covariates: Floats, plan: Plan) -> GapGroups:
    """Return the groups of a trial; patterns are numbered as by `gram_sums`."""
    (participants, visits), q = outcomes.shape, covariates.shape[1]
    observed = ~np.isnan(outcomes)
    pattern, first = pattern_of_each(observed)
    kinds, cells = len(first) + 1, len(plan.strategies)
    groups = GapGroups(
        np.zeros((kinds, visits), np.bool_),
        np.zeros(kinds, np.int64),
        np.zeros(participants, np.int64),
        np.zeros(cells * kinds, np.int64),
        np.zeros((cells * kinds, q, q)),
        np.zeros((cells * kinds, q, visits)),
    )
    for r in range(kinds - 1):
        for j in range(visits):
            groups.seen[r, j] = observed[first[r], j]
            if groups.seen[r, j]:
                groups.last[r] = j + 1
    for i in range(participants):
        cell = cell_of(plan, 1 if covariates[i, plan.arm_column] > 0.5 else 0, i)
        g = cell * kinds + (pattern[i] if pattern[i] >= 0 else kinds - 1)
        groups.group[i] = g
        groups.heads[g] += 1
        for a in range(q):
            for b in range(q):
                groups.zz[g, a, b] += covariates[i, a] * covariates[i, b]
            for j in range(visits):
                if observed[i, j]:
                    groups.zy[g, a, j] += covariates[i, a] * outcomes[i, j]
    return groups


@njit(cache=True)
def refuse_gap_groups(groups: GapGroups, strategies: Ints) -> int:
    """Return the status of an arm that is too small, or that has no outcome to carry forward."""
    kinds, half = len(groups.last), len(groups.heads) // 2
    if groups.heads[:half].sum() < 2 or groups.heads[half:].sum() < 2:
        return ARM_TOO_SMALL
    for cell, strategy in enumerate(strategies):
        if strategy == LMCF and groups.heads[(cell + 1) * kinds - 1] > 0:
            return NO_OUTCOME_TO_CARRY
    return OK


@njit(cache=True)
def few_at_a_visit(grams: PatternSums, q: int) -> bool:
    """Return whether a visit has no more participants than covariates, or too few who reach it."""
    patterns, visits = grams.seen.shape
    for j in range(visits):
        here, reached = 0, 0
        for r in range(patterns):
            here += grams.participants[r] * grams.seen[r, j]
            reached += grams.participants[r] * grams.seen[r, j:].any()
        if min(reached - j, here) <= q:
            return True
    return False


@njit(cache=True)
def fit_gap_trial(outcomes: Floats, covariates: Floats) -> tuple[int, PatternSums, Floats, Fit]:
    """Return a status of imputation, Gram sums, cells (q, V) and the REML fit."""
    q, visits = covariates.shape[1], outcomes.shape[1]
    grams = gram_sums(covariates, outcomes)
    cell = np.arange(q * visits).reshape(q, visits)
    structure = unstructured(visits)
    fit = fit_grams(grams, cell, q * visits, structure, np.bool_(True), TOLERANCE)
    status = OK
    if few_at_a_visit(grams, q) or fit.status == newton.TOO_FEW:
        status = TOO_FEW
    elif not seen_together(grams):
        status = NEVER_TOGETHER
    elif fit.status == newton.COLLINEAR:
        status = SINGULAR
    elif fit.status == newton.SINGULAR:
        status = SINGULAR_COVARIANCE
    elif fit.status == newton.INDEFINITE:
        status = INDEFINITE
    elif fit.status != newton.OK:
        status = NOT_CONVERGED
    return status, grams, cell, fit


@njit(cache=True)
def gap_analysis_parts(groups: GapGroups, plan: Plan, target: int) -> tuple[int, Analysis]:
    """Return a status and what the analysis of covariance needs besides the imputation."""
    size, kinds = len(plan.columns), len(groups.last)
    total, factor = np.zeros((size, size)), np.zeros((size, size))
    parts = Analysis(np.zeros((size, size)), np.zeros(size), np.zeros(size), np.zeros((2, size)))
    for g in range(len(groups.heads)):
        for a in range(size):
            row = plan.columns[a]
            for b in range(size):
                total[a, b] += groups.zz[g, row, plan.columns[b]]
            if groups.seen[g % kinds, target]:
                parts.observed[a] += groups.zy[g, row, target]
            else:
                parts.imputed[arm_of(plan, g // kinds), a] += groups.zz[g, row, 0]
    parts.sums[:] = total[0]
    if cholesky(total, size, factor) < size:
        return SINGULAR, parts
    inverse_from_factor(factor, size, parts.inverse)
    return OK, parts


@njit(cache=True)
def gap_weights(
    groups: GapGroups,
    g: int,
    covariance: Floats,
    inverses: Floats,
    means: Floats,
    plan: Plan,
    target: int,
    strategies: Ints,
    gain: Floats,
    weights: Floats,
) -> None:
    """Write the weights of the outcomes (V,) and the covariates (q,) in a group's conditional mean."""
    kinds, visits = len(groups.last), len(gain)
    r, cell = g % kinds, g // kinds
    gain[:] = 0.0
    if r < kinds - 1:
        for k in range(visits):
            if groups.seen[r, k]:
                for j in range(visits):
                    gain[k] += covariance[target, j] * inverses[r, j, k]
    last, strategy, distance = groups.last[r], strategies[cell], arm_of(plan, cell) - plan.reference
    if target < last:
        last, strategy = visits, MAR
    conditional_mean_weights(means, gain, plan.arm_column, distance, strategy, last, target, weights)


@njit(cache=True)
def gap_products(
    groups: GapGroups,
    covariance: Floats,
    inverses: Floats,
    means: Floats,
    plan: Plan,
    target: int,
    strategies: Ints,
    gain: Floats,
    weights: Floats,
    products: Floats,
) -> None:
    """Write ``Z'y`` (q,) of all who are imputed at the target."""
    products[:] = 0.0
    q, kinds = len(products), len(groups.last)
    for g in range(len(groups.heads)):
        if groups.heads[g] == 0 or groups.seen[g % kinds, target]:
            continue
        gap_weights(groups, g, covariance, inverses, means, plan, target, strategies, gain, weights)
        for row in range(q):
            total = products[row]
            for k in range(q):
                total += groups.zz[g, row, k] * weights[k]
            for k in range(len(gain)):
                total += groups.zy[g, row, k] * gain[k]
            products[row] = total


@njit(cache=True)
def fill_gap_trial(outcomes: Floats, covariates: Floats, arm_column: int) -> tuple[int, Floats]:
    """Return a status, and outcomes with conditional means in their gaps but none after the last visit."""
    filled = outcomes.copy()
    status, shift, y, z = centred(outcomes, covariates, arm_column)
    if status != OK:
        return status, filled
    q, visits = z.shape[1], y.shape[1]
    nobody = np.zeros(0, np.int64)
    plan = Plan(arm_column, np.array([0, arm_column]), 0, np.full(2, MAR), visits - 1, nobody)
    groups = gap_groups(y, z, plan)
    status, _, cell, fit = fit_gap_trial(y, z)
    if status != OK:
        return status, filled
    means = mean_matrix(fit.mean.coefficients, cell)
    gain, weights = np.zeros(visits), np.zeros(q)
    kinds = len(groups.last)
    for i in range(len(y)):
        r = groups.group[i] % kinds
        for target in range(groups.last[r]):
            if groups.seen[r, target]:
                continue
            gap_weights(
                groups, groups.group[i], fit.covariance, fit.mean.inverses, means, plan, target,
                plan.strategies, gain, weights,
            )  # fmt: skip
            filled[i, target] = shift + weights @ z[i]
            for k in range(visits):
                if groups.seen[r, k]:
                    filled[i, target] += gain[k] * y[i, k]
    return OK, filled


@njit(cache=True)
def shift_ls_means(result: Floats, shift: float) -> None:
    """Put LS means of outcomes that were centred back to their place; the effect needs nothing."""
    result[LSM_CONTROL] += shift
    result[LSM_ACTIVE] = result[LSM_CONTROL] + result[EFFECT]
