"""Compiled full jackknife of conditional-mean imputation with gaps.

Without one participant the restricted likelihood has another optimum, near to that of all. From there

    σ ← σ − A g_{-i}(σ)

with g the exact gradient of the likelihood without participant i, and A the inverse of the exact observed
information of all, which each step corrects by Broyden's rule. A participant moves Σ by about one part in N,
so that each gradient gives about two digits and then more; the search ends when what is left is below `STEP`
standard errors of Σ. Where it does not end, or leaves the regular matrices, the trial without the
participant is fitted from the start.

A participant who alone has a level of a factor takes the level along: the others' fit stays as it is.

Source of the update: Broyden, Math Comp 1965; 19: 577-593.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.imputation.gap_kernel import (
    TOLERANCE,
    GapGroups,
    centred,
    fit_gap_trial,
    gap_analysis_parts,
    gap_groups,
    gap_products,
    gap_weights,
    refuse_gap_groups,
    shift_ls_means,
)
from trialsim.analysis.imputation.kernel import (
    INDEFINITE,
    MAR,
    SINGULAR_LEAVE_ONE_OUT,
    Analysis,
    Plan,
    arm_of,
    summaries,
)
from trialsim.analysis.imputation.leaving_out import (
    alone_in_a_level,
    jackknife_covariance,
    leave_out_of_analysis,
)
from trialsim.analysis.repeated_measures.algebra import inverse_of
from trialsim.analysis.repeated_measures.closed_form.kernel import OK
from trialsim.analysis.repeated_measures.covariance_structures import unstructured
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.analysis.repeated_measures.information import observed_information
from trialsim.analysis.repeated_measures.likelihood import (
    Mean,
    covariance_from,
    elements_of,
    fit_mean,
    gradient,
    mean_matrix,
    moments,
)
from trialsim.analysis.repeated_measures.newton import OK as FITTED
from trialsim.analysis.repeated_measures.newton import Fit, fit_grams
from trialsim.data import Floats, Ints

STEP = 1e-6
MOST_STEPS = 12


@njit(cache=True)
def move_participant(grams: PatternSums, r: int, sign: float, z: Floats, y: Floats) -> None:
    """Add (sign 1) or take (−1) one participant to or from the sums of pattern r."""
    q, visits = len(z), len(y)
    grams.participants[r] += int(sign)
    h = 0
    for a in range(q):
        for b in range(a, q):
            grams.zz[r, h] += sign * z[a] * z[b]
            h += 1
        for j in range(visits):
            if grams.seen[r, j]:
                grams.zy[r, a, j] += sign * z[a] * y[j]
    for j in range(visits):
        for k in range(visits):
            if grams.seen[r, j] and grams.seen[r, k]:
                grams.yy[r, j, k] += sign * y[j] * y[k]


@njit(cache=True)
def broyden(inverse: Floats, step: Floats, change: Floats) -> None:
    """Correct the inverse of an information so that it turns a change of the slope into its step."""
    size = len(step)
    moved, row = np.zeros(size), np.zeros(size)
    bottom = 0.0
    for h in range(size):
        for k in range(size):
            moved[h] += inverse[h, k] * change[k]
            row[k] += step[h] * inverse[h, k]
        bottom += step[h] * moved[h]
    if bottom > 0.0:
        for h in range(size):
            factor = (step[h] - moved[h]) / bottom
            for k in range(size):
                inverse[h, k] += factor * row[k]


@njit(cache=True)
def refit(start: Fit, variance: Floats, grams: PatternSums, cell: Ints) -> tuple[bool, Floats, Mean]:
    """Return whether a fit near to another was found, its covariance (V, V) and its mean."""
    visits, columns = len(start.covariance), len(start.mean.coefficients)
    inverse = variance.copy()
    point = elements_of(start.covariance)
    covariance, mean = start.covariance, start.mean
    step, slope = np.zeros_like(point), np.zeros_like(point)
    before = np.inf
    for number in range(MOST_STEPS):
        covariance = covariance_from(point, visits)
        mean = fit_mean(covariance, grams, cell, columns, np.bool_(True))
        if not mean.regular:
            break
        found = gradient(mean, moments(mean, grams, cell, np.bool_(True)), grams)
        if number > 0:
            broyden(inverse, step, found - slope)
        slope = found
        decrement = 0.0
        for h in range(len(step)):
            step[h] = 0.0
            for k in range(len(step)):
                step[h] -= inverse[h, k] * slope[k]
            decrement -= step[h] * slope[h]
        if not (np.isfinite(decrement) and decrement >= 0.0) or decrement > 4.0 * before:
            break
        # What is left after this step is about the step times how much shorter it is than the one before.
        if number > 0 and decrement * min(1.0, decrement / before) <= STEP**2:
            covariance = covariance_from(point + step, visits)
            mean = fit_mean(covariance, grams, cell, columns, np.bool_(True))
            return mean.regular, covariance, mean
        point += step
        before = decrement
    structure = unstructured(visits)
    again = fit_grams(grams, cell, columns, structure, np.bool_(True), TOLERANCE)
    return again.status == FITTED, again.covariance, again.mean


@njit(cache=True)
def leave_each_out_of_gaps(
    y: Floats,
    z: Floats,
    groups: GapGroups,
    grams: PatternSums,
    cell: Ints,
    fit: Fit,
    parts: list[Analysis],
    plan: Plan,
    targets: Ints,
    anchored: bool,
    values: Floats,
) -> int:
    """Write the five summaries of every target without each participant (T, N, 5); return a status."""
    (participants, visits), q, size = y.shape, z.shape[1], len(plan.columns)
    kinds = len(groups.last)
    # As a constant, True would be a type of its own, for which all of this would be compiled once more.
    restricted = np.bool_(True)
    moment = moments(fit.mean, grams, cell, restricted)
    information = observed_information(fit.mean, moment, grams, cell, restricted)
    regular, variance = inverse_of(information)
    if not regular:
        return INDEFINITE
    variance *= participants / (participants - 1.0)
    gain, weights, products, work = np.zeros(visits), np.zeros(q), np.zeros(q), np.zeros(q)
    rhs, held = np.zeros(size), np.zeros((len(targets), q))
    means = mean_matrix(fit.mean.coefficients, cell)
    sigma, inverses = fit.covariance, fit.mean.inverses
    strategies = plan.strategies
    if anchored:
        strategies = np.full(len(plan.strategies), MAR)
        for t, target in enumerate(targets):
            gap_products(
                groups, sigma, inverses, means, plan, target, plan.strategies, gain, weights, held[t]
            )
            gap_products(groups, sigma, inverses, means, plan, target, strategies, gain, weights, products)
            held[t] -= products
    left = Analysis(np.zeros((size, size)), np.zeros(size), np.zeros(size), np.zeros((2, size)))
    alone = alone_in_a_level(z, plan.arm_column)
    for i in range(participants):
        g = groups.group[i]
        r, arm = g % kinds, arm_of(plan, g // kinds)
        moved_sigma, moved_inverses, moved_means = sigma, inverses, means
        if r < kinds - 1 and not alone[i]:
            kept = grams.zz[r].copy(), grams.zy[r].copy(), grams.yy[r].copy()
            move_participant(grams, r, -1.0, z[i], y[i])
            found, moved_sigma, mean = refit(fit, variance, grams, cell)
            grams.participants[r] += 1
            grams.zz[r], grams.zy[r], grams.yy[r] = kept
            if not found:
                return SINGULAR_LEAVE_ONE_OUT
            moved_inverses, moved_means = mean.inverses, mean_matrix(mean.coefficients, cell)
        for t, target in enumerate(targets):
            missing = not groups.seen[r, target]
            if not leave_out_of_analysis(
                parts[t], z[i], plan.columns, arm if missing else -1, alone[i], work, left
            ):
                return SINGULAR_LEAVE_ONE_OUT
            gap_products(
                groups, moved_sigma, moved_inverses, moved_means, plan, target, strategies, gain, weights,
                products,
            )  # fmt: skip
            own = y[i, target]
            if missing:
                own = 0.0
                # The participant's own share of the products, and of what is held.
                for turn in range(3 if anchored else 1):
                    rules = plan.strategies if turn == 1 else strategies
                    if turn == 0:
                        gap_weights(
                            groups, g, moved_sigma, moved_inverses, moved_means, plan, target, rules, gain,
                            weights,
                        )  # fmt: skip
                    else:
                        gap_weights(groups, g, sigma, inverses, means, plan, target, rules, gain, weights)
                    value = weights @ z[i]
                    for k in range(visits):
                        if groups.seen[r, k]:
                            value += gain[k] * y[i, k]
                    own += -value if turn == 2 else value
            for a in range(size):
                row = plan.columns[a]
                rhs[a] = parts[t].observed[a] + products[row] + held[t, row] - z[i, row] * own
            summaries(rhs, left, participants - 1, values[t, i])
    return OK


@njit(cache=True)
def impute_gap_trial(
    outcomes: Floats,
    covariates: Floats,
    plan: Plan,
    targets: Ints,
    anchored: bool,
    results: Floats,
    covariances: Floats,
) -> int:
    """Impute one trial that may have gaps and analyse it at some visits, with the full jackknife.

    Parameters
    ----------
    outcomes : ndarray (N, V)
    covariates : ndarray (N, q)
    plan : Plan
        Its own target is not used.
    targets : ndarray of int (T,)
    anchored : bool
        Hold the difference to missing at random fixed while leaving out (information-anchored variance).
    results : ndarray (T, 5)
        Out: as of `trialsim.analysis.imputation.jackknife.impute_trial`.
    covariances : ndarray (T, 5, 5)
        Out.

    Returns
    -------
    int
        A status.
    """
    status, shift, y, z = centred(outcomes, covariates, plan.arm_column)
    if status != OK:
        return status
    groups = gap_groups(y, z, plan)
    status = refuse_gap_groups(groups, plan.strategies)
    if status != OK:
        return status
    status, grams, cell, fit = fit_gap_trial(y, z)
    if status != OK:
        return status
    means = mean_matrix(fit.mean.coefficients, cell)
    gain, weights, products = np.zeros(y.shape[1]), np.zeros(z.shape[1]), np.zeros(z.shape[1])
    parts = []
    for t, target in enumerate(targets):
        status, here = gap_analysis_parts(groups, plan, target)
        if status != OK:
            return status
        parts.append(here)
        gap_products(
            groups, fit.covariance, fit.mean.inverses, means, plan, target, plan.strategies, gain, weights,
            products,
        )  # fmt: skip
        summaries(here.observed + products[plan.columns], here, len(y), results[t])
    values = np.empty((len(targets), len(y), 5))
    status = leave_each_out_of_gaps(y, z, groups, grams, cell, fit, parts, plan, targets, anchored, values)
    if status != OK:
        return status
    for t in range(len(targets)):
        jackknife_covariance(values[t], results[t], covariances[t])
        shift_ls_means(results[t], shift)
    return OK
