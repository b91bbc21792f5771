"""Compiled draws of approximate Bayesian imputation: parameters fitted to resamples, then outcomes drawn.

A draw of the parameters is the REML fit of as many participants as there are, drawn within each arm with
replacement; Little and Rubin's approximate draw from the posterior. What is missing from the trial itself is
then drawn from the normal law: gaps given all that is observed of the participant, and what follows the last
observed outcome by the strategy.

Source: Little RJA, Rubin DB. Statistical Analysis with Missing Data, 2nd ed. 2002, section 10.2.3; method
``approxbayes`` of the R package rbmi.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.analysis.imputation.draws import Draw, Records, analyse_draw, draw_tails
from trialsim.analysis.imputation.gap_kernel import fit_gap_trial
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.linear.gram import inverse_from_factor
from trialsim.analysis.repeated_measures.closed_form.kernel import OK, cholesky
from trialsim.analysis.repeated_measures.likelihood import mean_matrix
from trialsim.data import Floats, Ints


def resamples(arm: Floats, draws: int, generator: np.random.Generator) -> Ints:
    """Return participants drawn with replacement within each arm (M, N)."""
    rows = np.empty((draws, len(arm)), np.int64)
    for level in (0.0, 1.0):
        own = np.flatnonzero(arm == level)
        rows[:, own] = generator.choice(own, (draws, len(own)))
    return rows


def scaled(design: Floats, arm_column: int) -> Floats:
    """Return covariates (N, q) of mean 0 and size 1; the intercept and the arm stay as they are."""
    others = [k for k in range(1, design.shape[1]) if k != arm_column]
    found = design.copy()
    found[:, others] -= found[:, others].mean(axis=0)
    found[:, others] /= np.sqrt((found[:, others] ** 2).mean(axis=0))
    return found


@njit(cache=True)
def regressions_of(covariance: Floats, means: Floats, draw: Draw) -> None:
    """Fill a draw with the regression of each visit on those before, of Σ (V, V) and B (q, V)."""
    q, visits = means.shape
    draw.means[:] = means
    for j in range(visits):
        across = np.ascontiguousarray(covariance[:j, j])
        slopes = np.linalg.solve(np.ascontiguousarray(covariance[:j, :j]), across)
        draw.innovations[j] = covariance[j, j] - slopes @ across
        draw.coefficients[j, q : q + j] = slopes
        for k in range(q):
            draw.coefficients[j, k] = means[k, j]
            for m in range(j):
                draw.coefficients[j, k] -= slopes[m] * means[k, m]


@njit(cache=True)
def draw_gaps_at_once(
    outcomes: Floats, covariates: Floats, last: Ints, covariance: Floats, means: Floats,
    generator: np.random.Generator, filled: Floats,
) -> None:  # fmt: skip
    """Draw all gaps of each participant given all that is observed of him."""
    visits = outcomes.shape[1]
    for i in range(len(outcomes)):
        gaps = np.zeros(visits, np.bool_)
        seen = np.zeros(visits, np.bool_)
        for j in range(last[i]):
            gaps[j] = np.isnan(outcomes[i, j])
            seen[j] = not gaps[j]
        if not gaps.any():
            continue
        missing, known = np.flatnonzero(gaps), np.flatnonzero(seen)
        expected = covariates[i] @ means
        across = covariance[missing][:, known]
        weights = np.linalg.solve(covariance[known][:, known], np.ascontiguousarray(across.T))
        left = covariance[missing][:, missing] - across @ weights
        factor = np.linalg.cholesky(left)
        noise = np.empty(len(missing))
        for k in range(len(missing)):
            noise[k] = generator.standard_normal()
        values = expected[missing] + (outcomes[i][known] - expected[known]) @ weights + factor @ noise
        for k in range(len(missing)):
            filled[i, missing[k]] = values[k]


@njit(cache=True)
def draw_from_resamples(
    outcomes: Floats,
    last: Ints,
    covariates: Floats,
    plan: Plan,
    rows: Ints,
    generator: np.random.Generator,
    records: Records,
) -> int:
    """Fit each resample, impute the trial with what was fitted, and analyse it; return how many failed.

    Parameters
    ----------
    outcomes : ndarray (N, V)
        NaN where missing.
    last : ndarray of int (N,)
        Visits up to each participant's last observed one.
    covariates : ndarray (N, q)
        Of mean 0 and size 1; see `scaled`.
    plan : Plan
    rows : ndarray of int (M, N)
        Participants of each resample.
    generator : Generator
    records : Records
        Out; NaN where a fit failed.

    Returns
    -------
    int
        Resamples that cannot be fitted.
    """
    visits, q, size = outcomes.shape[1], covariates.shape[1], len(plan.columns)
    total, factor = np.zeros((size, size)), np.zeros((size, size))
    for a in range(size):
        for b in range(size):
            total[a, b] = (covariates[:, plan.columns[a]] * covariates[:, plan.columns[b]]).sum()
    if cholesky(total, size, factor) < size:
        return len(rows)
    inverse = np.zeros((size, size))
    inverse_from_factor(factor, size, inverse)
    missing, filled, failed = np.isnan(outcomes), outcomes.copy(), 0
    draw = Draw(np.zeros((visits, q + visits)), np.zeros(visits), np.zeros((q, visits)))
    for number in range(len(rows)):
        status, _, cell, fit = fit_gap_trial(outcomes[rows[number]], covariates[rows[number]])
        if status != OK:
            records.coefficients[number], records.variances[number], records.sums[number] = (
                np.nan,
                np.nan,
                np.nan,
            )
            failed += 1
            continue
        means = mean_matrix(fit.mean.coefficients, cell)
        regressions_of(fit.covariance, means, draw)
        draw_gaps_at_once(outcomes, covariates, last, fit.covariance, means, generator, filled)
        draw_tails(draw, covariates, last, plan, generator, filled)
        analyse_draw(
            filled, missing, covariates, plan, inverse, records.coefficients[number],
            records.variances[number], records.sums[number],
        )  # fmt: skip
    return failed
