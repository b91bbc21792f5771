"""Compiled conjugate draws of the imputation model, and the analyses of what they impute.

With the prior ``|Sigma|^-(V+1)/2`` and a flat one on B, monotone data have an exact posterior, visit by visit
(j from 1)::

    t_j         = RSS_j / chi2(n_j - q + j - V)
    [g_j, f_j]  ~ N(least squares, t_j (X'X)^-1)      X = [z, y_{<j}]

Gaps are drawn between two draws of the parameters (data augmentation), each given all other outcomes of the
participant.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from trialsim.analysis.imputation.kernel import CIR, CR, J2R, LMCF, Plan, cell_of
from trialsim.analysis.linear.gram import inverse_from_factor
from trialsim.analysis.repeated_measures.closed_form.kernel import (
    OK,
    SINGULAR,
    TOO_FEW,
    accumulate_grams,
    add_backwards,
    cholesky,
    padded,
    regress_each_visit,
    solve_transposed,
    unit_lower,
    visit_means,
)
from trialsim.data import Bools, Floats, Ints


class Posterior(NamedTuple):
    """Least squares of each visit: counts (V,), factors (V, q + V, q + V), coefficients (V, q + V)."""

    counts: Ints
    factors: Floats
    coefficients: Floats


class Draw(NamedTuple):
    """One draw: coefficients ``[g, f]`` (V, q + V), innovation variances (V,), B (q, V)."""

    coefficients: Floats
    innovations: Floats
    means: Floats


class Records(NamedTuple):
    """What every draw leaves behind: coefficients (M, V, p), residual variance (M, V), sums (M, V, 2).

    The sums are those of the imputed outcomes of each arm.
    """

    coefficients: Floats
    variances: Floats
    sums: Floats


@njit(cache=True)
def posterior_of(outcomes: Floats, covariates: Floats, posterior: Posterior) -> int:
    """Fill in the posterior of monotone outcomes; return a status."""
    visits, q = outcomes.shape[1], covariates.shape[1]
    grams = np.zeros((visits, q + visits, padded(q + visits)))
    posterior.counts[:] = 0
    status = accumulate_grams(outcomes, covariates, -1, grams, posterior.counts)
    if status != OK:
        return status
    add_backwards(grams, posterior.counts)
    for j in range(visits):
        if posterior.counts[j] - q + j + 1 - visits < 1:
            return TOO_FEW
    return regress_each_visit(
        grams, posterior.counts, q, True, posterior.factors, posterior.coefficients, np.zeros(visits)
    )


@njit(cache=True)
def draw_parameters(posterior: Posterior, q: int, generator: np.random.Generator, draw: Draw) -> None:
    """Draw the parameters of every visit."""
    visits, order = posterior.coefficients.shape
    noise, shift, lower = np.zeros(order), np.zeros(order), np.zeros((visits, visits))
    for j in range(visits):
        size = q + j
        factor = posterior.factors[j]
        residual = factor[size, size] ** 2
        draw.innovations[j] = residual / generator.chisquare(posterior.counts[j] - q + j + 1 - visits)
        scale = np.sqrt(draw.innovations[j])
        for k in range(size):
            noise[k] = scale * generator.standard_normal()
        solve_transposed(factor, size, noise, shift)
        for k in range(size):
            draw.coefficients[j, k] = posterior.coefficients[j, k] + shift[k]
    unit_lower(draw.coefficients, q, lower)
    visit_means(draw.coefficients, lower, q, draw.means)


@njit(cache=True)
def residual_of(draw: Draw, z: Floats, y: Floats, visit: int) -> float:
    """Return an outcome minus its mean given the covariates and the earlier visits."""
    q = len(z)
    total = y[visit]
    for k in range(q):
        total -= draw.coefficients[visit, k] * z[k]
    for k in range(visit):
        total -= draw.coefficients[visit, q + k] * y[k]
    return total


@njit(cache=True)
def draw_gaps(
    draw: Draw, covariates: Floats, last: Ints, gaps: Bools, generator: np.random.Generator, filled: Floats
) -> None:
    """Draw each gap given all other outcomes of the participant up to the last observed one."""
    participants = len(filled)
    q = covariates.shape[1]
    for i in range(participants):
        for j in range(last[i]):
            if not gaps[i, j]:
                continue
            y = filled[i]
            y[j] = 0.0
            precision = 1.0 / draw.innovations[j]
            weighted = -residual_of(draw, covariates[i], y, j) * precision
            for k in range(j + 1, last[i]):
                slope = draw.coefficients[k, q + j]
                precision += slope * slope / draw.innovations[k]
                weighted += slope * residual_of(draw, covariates[i], y, k) / draw.innovations[k]
            y[j] = weighted / precision + generator.standard_normal() / np.sqrt(precision)


@njit(cache=True)
def mean_under(
    draw: Draw, z: Floats, strategy: int, distance: float, last: int, visit: int, arm: int
) -> float:
    """Return a participant's marginal mean at a visit under a strategy; `arm` is the arm's column."""
    source = visit
    if strategy == LMCF and visit >= last:
        source = last - 1
    total = 0.0
    for k in range(len(z)):
        total += draw.means[k, source] * z[k]
    if strategy == CR or (strategy in (J2R, CIR) and visit >= last):
        total -= distance * draw.means[arm, visit]
    if strategy == CIR and visit >= last > 0:
        total += distance * draw.means[arm, last - 1]
    return total


@njit(cache=True)
def draw_tails(
    draw: Draw, covariates: Floats, last: Ints, plan: Plan, generator: np.random.Generator, filled: Floats
) -> None:
    """Draw what follows each participant's last observed outcome, under the strategy of the cell."""
    participants, visits = filled.shape
    q = covariates.shape[1]
    means = np.zeros(visits)
    for i in range(participants):
        if last[i] == visits:
            continue
        z = covariates[i]
        arm = 1 if z[plan.arm_column] > 0.5 else 0
        strategy = plan.strategies[cell_of(plan, arm, i)]
        for j in range(visits):
            means[j] = mean_under(draw, z, strategy, arm - plan.reference, last[i], j, plan.arm_column)
        for j in range(last[i], visits):
            total = means[j] + np.sqrt(draw.innovations[j]) * generator.standard_normal()
            for k in range(j):
                total += draw.coefficients[j, q + k] * (filled[i, k] - means[k])
            filled[i, j] = total


@njit(cache=True)
def analyse_draw(
    filled: Floats,
    missing: Bools,
    covariates: Floats,
    plan: Plan,
    inverse: Floats,
    coefficients: Floats,
    variances: Floats,
    sums: Floats,
) -> None:
    """Write the analysis of covariance of every visit of one completed data set."""
    participants, visits = filled.shape
    size = len(plan.columns)
    products = np.zeros(size)
    for j in range(visits):
        products[:] = 0.0
        sums[j] = 0.0
        for i in range(participants):
            for a in range(size):
                products[a] += covariates[i, plan.columns[a]] * filled[i, j]
            if missing[i, j]:
                sums[j, 1 if covariates[i, plan.arm_column] > 0.5 else 0] += filled[i, j]
        coefficients[j] = 0.0
        for a in range(size):
            for b in range(size):
                coefficients[j, a] += inverse[a, b] * products[b]
        square = 0.0
        for i in range(participants):
            residual = filled[i, j]
            for a in range(size):
                residual -= coefficients[j, a] * covariates[i, plan.columns[a]]
            square += residual * residual
        variances[j] = square / (participants - size)


@njit(cache=True)
def draw_and_analyse(
    outcomes: Floats,
    start: Floats,
    last: Ints,
    covariates: Floats,
    plan: Plan,
    burn_in: int,
    generator: np.random.Generator,
    records: Records,
) -> int:
    """Draw, impute and analyse M times.

    Parameters
    ----------
    outcomes : ndarray (N, V)
        NaN where missing.
    start : ndarray (N, V)
        Outcomes with a first value in every gap.
    last : ndarray of int (N,)
        Visits up to each participant's last observed one.
    covariates : ndarray (N, q)
    plan : Plan
    burn_in : int
        Draws to pass over first; only gaps need any.
    generator : Generator
    records : Records
        Out.

    Returns
    -------
    int
        A status.
    """
    visits, q, size = outcomes.shape[1], covariates.shape[1], len(plan.columns)
    missing = np.isnan(outcomes)
    observed, filled = outcomes.copy(), start.copy()
    gaps = np.zeros(missing.shape, np.bool_)
    augmented = False
    for i in range(len(outcomes)):
        for j in range(last[i]):
            gaps[i, j] = missing[i, j]
            augmented = augmented or missing[i, j]
            observed[i, j] = start[i, j]
    total, factor = np.zeros((size, size)), np.zeros((size, size))
    for i in range(len(outcomes)):
        for a in range(size):
            for b in range(size):
                total[a, b] += covariates[i, plan.columns[a]] * covariates[i, plan.columns[b]]
    if cholesky(total, size, factor) < size:
        return SINGULAR
    inverse = np.zeros((size, size))
    inverse_from_factor(factor, size, inverse)
    order = q + visits
    posterior = Posterior(
        np.zeros(visits, np.int64), np.zeros((visits, order, order)), np.zeros((visits, order))
    )
    status = posterior_of(observed, covariates, posterior)
    if status != OK:
        return status
    draw = Draw(np.zeros((visits, order)), np.zeros(visits), np.zeros((q, visits)))
    for number in range(-burn_in, len(records.variances)):
        draw_parameters(posterior, q, generator, draw)
        if augmented:
            draw_gaps(draw, covariates, last, gaps, generator, observed)
            status = posterior_of(observed, covariates, posterior)
            if status != OK:
                return status
            for i in range(len(outcomes)):
                for j in range(last[i]):
                    filled[i, j] = observed[i, j]
        if number < 0:
            continue
        draw_tails(draw, covariates, last, plan, generator, filled)
        analyse_draw(
            filled,
            missing,
            covariates,
            plan,
            inverse,
            records.coefficients[number],
            records.variances[number],
            records.sums[number],
        )
    return OK
