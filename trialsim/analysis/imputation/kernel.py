"""Compiled core of conditional-mean imputation; `trialsim.analysis.imputation.frame` explains it.

A conditional mean is linear in ``(z, y_observed)``, so the analysis of covariance of imputed data needs only
the Grams of ``[z, y]`` by arm, kind of participant and last visit.
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
    """Participants of one trial by cell and last visit: group ``cell * (V + 1) + last``; see `cell_of`.

    Parameters
    ----------
    grams : ndarray (C (V + 1), q + V, padded)
        Gram of ``[z, y]`` of each group.
    heads : ndarray of int (C (V + 1),)
        Size of each group.
    last, cell : ndarray of int (N,)
        Of each participant.
    """

    grams: Floats
    heads: Ints
    last: Ints
    cell: Ints


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
    strategies : ndarray of int (C,)
        Strategy of each cell's dropouts; see `cell_of`. C is 2 where the arm decides.
    target : int
        Visit to analyse.
    kind : ndarray of int (N,)
        Kind of each participant, from 0; empty where C is 2.
    """

    arm_column: int
    columns: Ints
    reference: int
    strategies: Ints
    target: int
    kind: Ints = np.zeros(0, np.int64)


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
def cell_of(plan: Plan, arm: int, i: int) -> int:
    """Return the cell of a participant: his kind within the arm, those of the control first."""
    kinds = len(plan.strategies) // 2
    return arm * kinds + plan.kind[i] if kinds > 1 else arm


@njit(cache=True)
def arm_of(plan: Plan, cell: int) -> int:
    """Return the arm of a cell."""
    return 2 * cell // len(plan.strategies)


@njit(cache=True)
def group_trial(outcomes: Floats, covariates: Floats, plan: Plan) -> tuple[int, Groups]:
    """Return a status and the trial's participants by cell and last visit."""
    participants, visits = outcomes.shape
    q, cells = covariates.shape[1], len(plan.strategies)
    width = padded(q + visits)
    row = np.zeros(width)
    groups = Groups(
        np.zeros((cells * (visits + 1), q + visits, width)),
        np.zeros(cells * (visits + 1), np.int64),
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
        cell = cell_of(plan, 1 if row[plan.arm_column] > 0.5 else 0, i)
        group = cell * (visits + 1) + seen
        groups.last[i], groups.cell[i] = seen, cell
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
    half, each = len(heads) // 2, len(heads) // len(strategies)
    if heads[:half].sum() < 2 or heads[half:].sum() < 2:
        return ARM_TOO_SMALL
    for cell, strategy in enumerate(strategies):
        if strategy == LMCF and heads[cell * each] > 0:
            return NO_OUTCOME_TO_CARRY
    return OK


@njit(cache=True)
def regress_groups(groups: Groups, q: int) -> tuple[int, Model, Floats]:
    """Return a status, the imputation model and the inverse (V, q + V, q + V) of each visit's Gram."""
    order, width = groups.grams.shape[1], groups.grams.shape[2]
    visits = order - q
    each = visits + 1
    reached, counts = np.zeros((visits, order, width)), np.zeros(visits, np.int64)
    for j in range(visits - 1, -1, -1):
        for first in range(0, len(groups.heads), each):
            reached[j] += groups.grams[first + j + 1]
            counts[j] += groups.heads[first + j + 1]
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
    size, half, each = len(plan.columns), len(groups.heads) // 2, groups.grams.shape[1] - q + 1
    total, factor = np.zeros((size, size)), np.zeros((size, size))
    parts = Analysis(np.zeros((size, size)), np.zeros(size), np.zeros(size), np.zeros((2, size)))
    for group in range(len(groups.heads)):
        gram = groups.grams[group]
        for a in range(size):
            row = plan.columns[a]
            for b in range(size):
                total[a, b] += gram[row, plan.columns[b]]
            if group % each > plan.target:
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
    q, each = len(products), len(groups.heads) // len(strategies)
    products[:] = 0.0
    for last in range(plan.target + 1):
        if groups.heads[last::each].sum() == 0:
            continue
        gains(model.coefficients, q, last, plan.target, gain)
        for cell, strategy in enumerate(strategies):
            if groups.heads[cell * each + last] == 0:
                continue
            conditional_mean_weights(
                model.means,
                gain[plan.target],
                plan.arm_column,
                arm_of(plan, cell) - plan.reference,
                strategy,
                last,
                plan.target,
                weights,
            )
            gram = groups.grams[cell * each + last]
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
