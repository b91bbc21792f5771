"""Compiled core of conditional-mean imputation; `trialsim.analysis.imputation.frame` explains it.

A conditional mean is linear in ``(z, y_observed)``, so the analysis of covariance of imputed data needs only
the Grams of ``[z, y]`` by arm and last visit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from trialsim.analysis.linear.gram import inverse_from_factor
from trialsim.analysis.repeated_measures.closed_form.kernel import (
    LANES,
    NON_FINITE,
    NOT_MONOTONE,
    OK,
    SINGULAR,
    cholesky,
    last_visit_of,
    padded,
    regress_each_visit,
    unit_lower,
    visit_means,
)
from trialsim.data import Floats, Ints

MAR, J2R, CR, CIR, LMCF = range(5)
SINGULAR_LEAVE_ONE_OUT, NO_OUTCOME_TO_CARRY, ARM_TOO_SMALL = 6, 7, 8
NOT_CONVERGED, NEVER_TOGETHER, SINGULAR_COVARIANCE, INDEFINITE = 9, 10, 11, 12
EFFECT, LSM_CONTROL, LSM_ACTIVE, SLOPE_CONTROL, SLOPE_ACTIVE = range(5)


class Groups(NamedTuple):
    """Participants of one trial by arm and last visit: group ``arm * (V + 1) + last``.

    Parameters
    ----------
    grams : ndarray (2 (V + 1), q + V, padded)
        Gram of ``[z, y]`` of each group.
    heads : ndarray of int (2 (V + 1),)
        Size of each group.
    last, arm : ndarray of int (N,)
        Of each participant.
    """

    grams: Floats
    heads: Ints
    last: Ints
    arm: Ints


class Model(NamedTuple):
    """Imputation model: regression of each visit ``[g, f]`` (V, q + V) and marginal coefficients B (q, V)."""

    coefficients: Floats
    means: Floats


class Plan(NamedTuple):
    """How to impute and analyse.

    Parameters
    ----------
    arm_column : int
        Column of the covariates that holds the arm.
    columns : ndarray of int (p,)
        Columns of the analysis of covariance; the first is the intercept, the second the arm.
    reference : int
        Reference arm, 0 or 1.
    strategies : ndarray of int (2,)
        Strategy of each arm's dropouts.
    target : int
        Visit to analyse.
    """

    arm_column: int
    columns: Ints
    reference: int
    strategies: Ints
    target: int


class Analysis(NamedTuple):
    """Analysis of covariance at the target visit, as far as it does not depend on the imputation.

    Parameters
    ----------
    inverse : ndarray (p, p)
        ``(Z'Z)^-1``.
    sums : ndarray (p,)
        Column sums of Z.
    observed : ndarray (p,)
        ``Z'y`` over the observed.
    imputed : ndarray (2, p)
        ``Z'D``, D marking the imputed of each arm.
    """

    inverse: Floats
    sums: Floats
    observed: Floats
    imputed: Floats


@njit(cache=True)
def group_trial(outcomes: Floats, covariates: Floats, arm_column: int) -> tuple[int, Groups]:
    """Return a status and the trial's participants by arm and last visit."""
    participants, visits = outcomes.shape
    q = covariates.shape[1]
    width = padded(q + visits)
    row = np.zeros(width)
    groups = Groups(
        np.zeros((2 * (visits + 1), q + visits, width)),
        np.zeros(2 * (visits + 1), np.int64),
        np.zeros(participants, np.int64),
        np.zeros(participants, np.int64),
    )
    for i in range(participants):
        seen = last_visit_of(outcomes[i])
        if seen < 0:
            return NOT_MONOTONE, groups
        total = 0.0
        for k in range(q):
            row[k] = covariates[i, k]
            total += row[k]
        for k in range(visits):
            row[q + k] = outcomes[i, k] if k < seen else 0.0
            total += row[q + k]
        if not np.isfinite(total):
            return NON_FINITE, groups
        arm = 1 if row[arm_column] > 0.5 else 0
        group = arm * (visits + 1) + seen
        groups.last[i], groups.arm[i] = seen, arm
        groups.heads[group] += 1
        gram = groups.grams[group]
        for a in range(q + seen):
            factor = row[a]
            for block in range(0, width, LANES):
                for lane in range(LANES):
                    gram[a, block + lane] += factor * row[block + lane]
    return OK, groups


@njit(cache=True)
def refuse_groups(heads: Ints, strategies: Ints) -> int:
    """Return the status of an arm that is too small, or that has no outcome to carry forward."""
    half = len(heads) // 2
    for arm in range(2):
        if heads[arm * half : (arm + 1) * half].sum() < 2:
            return ARM_TOO_SMALL
        if strategies[arm] == LMCF and heads[arm * half] > 0:
            return NO_OUTCOME_TO_CARRY
    return OK


@njit(cache=True)
def regress_groups(groups: Groups, q: int) -> tuple[int, Model, Floats]:
    """Return a status, the imputation model and the inverse (V, q + V, q + V) of each visit's Gram."""
    half = len(groups.heads) // 2
    visits, order, width = half - 1, groups.grams.shape[1], groups.grams.shape[2]
    reached, counts = np.zeros((visits, order, width)), np.zeros(visits, np.int64)
    for j in range(visits - 1, -1, -1):
        reached[j] = groups.grams[j + 1] + groups.grams[half + j + 1]
        counts[j] = groups.heads[j + 1] + groups.heads[half + j + 1]
        if j + 1 < visits:
            reached[j] += reached[j + 1]
            counts[j] += counts[j + 1]
    model = Model(np.zeros((visits, order)), np.zeros((q, visits)))
    inverses, factors = np.zeros((visits, order, order)), np.zeros((visits, order, order))
    status = regress_each_visit(reached, counts, q, True, factors, model.coefficients, np.zeros(visits))
    if status == OK:
        lower = np.zeros((visits, visits))
        unit_lower(model.coefficients, q, lower)
        visit_means(model.coefficients, lower, q, model.means)
        for j in range(visits):
            inverse_from_factor(factors[j], q + j, inverses[j])
    return status, model, inverses


@njit(cache=True)
def analysis_parts(groups: Groups, plan: Plan, q: int) -> tuple[int, Analysis]:
    """Return a status and what the analysis of covariance needs besides the imputation."""
    size, half = len(plan.columns), len(groups.heads) // 2
    total, factor = np.zeros((size, size)), np.zeros((size, size))
    parts = Analysis(np.zeros((size, size)), np.zeros(size), np.zeros(size), np.zeros((2, size)))
    for group in range(len(groups.heads)):
        gram = groups.grams[group]
        for a in range(size):
            row = plan.columns[a]
            for b in range(size):
                total[a, b] += gram[row, plan.columns[b]]
            if group % half > plan.target:
                parts.observed[a] += gram[row, q + plan.target]
            else:
                parts.imputed[group // half, a] += gram[row, 0]
    parts.sums[:] = total[0]
    if cholesky(total, size, factor) < size:
        return SINGULAR, parts
    inverse_from_factor(factor, size, parts.inverse)
    return OK, parts


@njit(cache=True)
def gains(coefficients: Floats, q: int, last: int, target: int, gain: Floats) -> None:
    """Write the weights of the first `last` outcomes in the conditional mean of visits up to `target`.

    ``K_s = f_{s,<=L} + sum_{L<u<s} f_su K_u``, in rows `last` to `target` of `gain` (V, V).
    """
    for s in range(last, target + 1):
        for k in range(last):
            gain[s, k] = coefficients[s, q + k]
        for u in range(last, s):
            weight = coefficients[s, q + u]
            for k in range(last):
                gain[s, k] += weight * gain[u, k]


@njit(cache=True)
def reference_shift(strategy: int, effect: Floats, gain: Floats, last: int, target: int) -> float:
    """Return what the rule takes off the conditional mean, for one unit of arm minus reference arm."""
    if strategy == J2R:
        return effect[target]
    if strategy == CR:
        total = effect[target]
        for k in range(last):
            total -= gain[k] * effect[k]
        return total
    if strategy == CIR:
        return effect[target] - (effect[last - 1] if last > 0 else 0.0)
    return 0.0


@njit(cache=True)
def conditional_mean_weights(
    means: Floats,
    gain: Floats,
    arm_column: int,
    distance: float,
    strategy: int,
    last: int,
    target: int,
    weights: Floats,
) -> None:
    """Write the weights of the covariates (q,) in the conditional mean of `target` under a strategy."""
    source = last - 1 if strategy == LMCF else target
    for row in range(len(weights)):
        total = means[row, source]
        for k in range(last):
            total -= gain[k] * means[row, k]
        weights[row] = total
    if distance != 0.0:
        weights[0] -= distance * reference_shift(strategy, means[arm_column], gain, last, target)


@njit(cache=True)
def imputed_products(
    model: Model,
    groups: Groups,
    plan: Plan,
    strategies: Ints,
    gain: Floats,
    weights: Floats,
    products: Floats,
) -> None:
    """Write ``Z'y`` (q,) of the imputed: everyone whose last visit comes before the target."""
    q, half = len(products), len(groups.heads) // 2
    products[:] = 0.0
    for last in range(plan.target + 1):
        if groups.heads[last] == 0 and groups.heads[half + last] == 0:
            continue
        gains(model.coefficients, q, last, plan.target, gain)
        for arm in range(2):
            if groups.heads[arm * half + last] == 0:
                continue
            conditional_mean_weights(
                model.means,
                gain[plan.target],
                plan.arm_column,
                arm - plan.reference,
                strategies[arm],
                last,
                plan.target,
                weights,
            )
            gram = groups.grams[arm * half + last]
            for row in range(q):
                total = products[row]
                for k in range(q):
                    total += gram[row, k] * weights[k]
                for k in range(last):
                    total += gram[row, q + k] * gain[plan.target, k]
                products[row] = total


@njit(cache=True)
def imputed_value(
    model: Model,
    covariates: Floats,
    outcomes: Floats,
    arm: int,
    last: int,
    plan: Plan,
    strategy: int,
    gain: Floats,
    weights: Floats,
) -> float:
    """Return one participant's conditional mean at the target."""
    q = len(covariates)
    gains(model.coefficients, q, last, plan.target, gain)
    conditional_mean_weights(
        model.means,
        gain[plan.target],
        plan.arm_column,
        arm - plan.reference,
        strategy,
        last,
        plan.target,
        weights,
    )
    total = 0.0
    for k in range(q):
        total += weights[k] * covariates[k]
    for k in range(last):
        total += gain[plan.target, k] * outcomes[k]
    return total


@njit(cache=True)
def summaries(products: Floats, parts: Analysis, participants: int, out: Floats) -> None:
    """Write effect, LS means and the effect's slopes (5,) for the whole ``Z'y`` (p,)."""
    size = len(products)
    common = 0.0
    for row in range(size):
        solution = 0.0
        for k in range(size):
            solution += parts.inverse[row, k] * products[k]
        if row == 1:
            out[EFFECT] = solution
        else:
            common += solution * parts.sums[row] / participants
    out[LSM_CONTROL] = common
    out[LSM_ACTIVE] = common + out[EFFECT]
    for arm in range(2):
        slope = 0.0
        for k in range(size):
            slope += parts.inverse[1, k] * parts.imputed[arm, k]
        out[SLOPE_CONTROL + arm] = slope
