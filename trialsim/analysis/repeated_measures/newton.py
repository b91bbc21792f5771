"""Compiled fit of a mixed model for repeated measures: Newton's method, for any missingness.

Each failure has a name; see `STATUSES`.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from trialsim.analysis.repeated_measures.algebra import factorise, inverse_of
from trialsim.analysis.repeated_measures.covariance_structures import (
    Structure,
    covariance_derivatives,
    parameters_near,
)
from trialsim.analysis.repeated_measures.gram_sums import PatternSums
from trialsim.analysis.repeated_measures.information import observed_information
from trialsim.analysis.repeated_measures.likelihood import (
    Mean,
    Moments,
    covariance_from,
    elements_of,
    fit_mean,
    gradient,
    in_parameters,
    information_given_mean,
    information_of_mean,
    invert_patterns,
    moments,
)
from trialsim.analysis.repeated_measures.start import (
    REGRESSED,
    SINGULAR_PIVOT,
    SMALLEST_SHARE,
    first_covariance,
)
from trialsim.analysis.repeated_measures.start import TOO_FEW as FEW
from trialsim.data import Floats, Ints

STATUSES = (
    "ok",
    "not_converged",
    "too_few_participants_at_visit",
    "visits_never_observed_together",
    "collinear_covariate",
    "constant_outcome",
    "singular_covariance",
    "arm_not_observed_at_visit",
    "indefinite_information",
)
OK, NOT_CONVERGED, TOO_FEW, NEVER_TOGETHER, COLLINEAR, CONSTANT, SINGULAR, NO_ARM, INDEFINITE = range(9)

STEPS_BEFORE_EXACT = 6
NEAR = 1e-6
EDGE = 1e-4
SHORTEST_STEP = 1e-12
ABOVE_NOISE = 10.0
MOST_NOISE = 0.01
MOST_DIRECT_STEPS = 30
MOST_STEPS = 300
RESTARTS = (0.5, 0.0, 0.95)


class Fit(NamedTuple):
    """A fitted model, or the reason why there is none.

    Parameters
    ----------
    status : int
        Position in `STATUSES`.
    covariance : ndarray (m, m)
        Σ.
    parameters : ndarray (T,)
        Parameters of the structure.
    mean : Mean
        Coefficients, their variance and the deviance.
    steps : int
        Newton steps taken.
    """

    status: int
    covariance: Floats
    parameters: Floats
    mean: Mean
    steps: int


@numba.njit(cache=True, nogil=True)
def newton_step(
    mean: Mean,
    moment: Moments,
    grams: PatternSums,
    point: Floats,
    structure: Structure,
    direct: bool,
    cell: Ints,
    restricted: bool,
    exact: bool,
) -> tuple[Floats, float]:
    """Return the step from a point, and its squared length in the information (the decrement).

    The information is the first positive definite one of: the exact one (if asked for), the one
    observed given the mean, the expected one given the mean.
    """
    slope = gradient(mean, moment, grams)
    step = np.zeros(len(point))
    if not direct:
        _, first, second = covariance_derivatives(point, structure)
        inner = slope
        slope = first.T @ inner
    for kind in range(0 if exact else 1, 3):
        if kind == 0:
            information = observed_information(mean, moment, grams, cell, restricted)
        else:
            information = information_given_mean(mean, moment, grams, kind == 2)
        if not direct:
            curvature = np.zeros_like(inner) if kind == 2 else inner
            information = in_parameters(information, curvature, first, second)
        regular, inverse = inverse_of(information)
        if regular:
            step = -(inverse @ slope)
            return step, -(step @ slope)
    return step, np.inf


@numba.njit(cache=True, nogil=True)
def rounding_noise(
    covariance: Floats, mean: Mean, grams: PatternSums, cell: Ints, columns: int, restricted: bool
) -> float:
    """Return by how much rounding changes the deviance: that of a Σ larger by units in the last place.

    Nearly singular covariances lose digits, so that the deviance cannot tell a better point any more.
    """
    noise = 0.0
    for k in range(1, 9):
        shaken = fit_mean(covariance * (1.0 + k * 2.0**-51), grams, cell, columns, restricted)
        if shaken.regular:
            noise = max(noise, abs(shaken.deviance - mean.deviance))
    return noise


@numba.njit(cache=True, nogil=True)
def descend(
    start: Floats,
    grams: PatternSums,
    cell: Ints,
    columns: int,
    restricted: bool,
    structure: Structure,
    direct: bool,
    tolerance: float,
    most_steps: int,
) -> tuple[bool, Floats, Floats, Mean, int]:
    """Minimise the deviance over the elements of Σ (`direct`) or over the parameters of a structure.

    Newton's method with step halving; the exact information, which costs several times more, only
    after some steps without convergence. Ends when the decrement that is left, judged by how
    fast it falls, is below the tolerance. Below `NEAR` (a thousandth of a standard error of Σ) the
    deviance is lost in rounding: full steps are taken there without looking at it, and the end is also
    reached when the decrement no longer falls. Where a nearly singular Σ makes rounding worse than that, it
    is measured, and the same holds below `ABOVE_NOISE` times it, though never above `MOST_NOISE`.
    """
    m = grams.seen.shape[1]
    point = start.copy()
    covariance = covariance_from(point, m) if direct else covariance_derivatives(point, structure)[0]
    mean = fit_mean(covariance, grams, cell, columns, restricted)
    before, noise = np.inf, 0.0
    for steps in range(most_steps):
        if not mean.regular:
            return False, point, covariance, mean, steps
        moment = moments(mean, grams, cell, restricted)
        exact = steps >= STEPS_BEFORE_EXACT
        step, decrement = newton_step(mean, moment, grams, point, structure, direct, cell, restricted, exact)
        if not np.isfinite(decrement):
            return False, point, covariance, mean, steps
        near = decrement < max(NEAR, ABOVE_NOISE * noise)
        if near and decrement > 0.25 * before:
            return True, point, covariance, mean, steps
        length = 1.0
        improved = False
        while length > SHORTEST_STEP:
            trial = point + length * step
            candidate = covariance_from(trial, m) if direct else covariance_derivatives(trial, structure)[0]
            fitted = fit_mean(candidate, grams, cell, columns, restricted)
            if fitted.regular and (near or fitted.deviance <= mean.deviance - 1e-4 * length * decrement):
                improved = True
                break
            length *= 0.5
        if not improved:
            if near:
                return False, point, covariance, mean, steps
            noise = max(noise, rounding_noise(covariance, mean, grams, cell, columns, restricted))
            if not decrement < min(ABOVE_NOISE * noise, MOST_NOISE):
                return False, point, covariance, mean, steps
            continue
        point, covariance, mean = trial, candidate, fitted
        if near and decrement * min(1.0, decrement / before) < tolerance:
            return True, point, covariance, mean, steps + 1
        before = decrement
    return False, point, covariance, mean, most_steps


@numba.njit(cache=True, nogil=True)
def seen_together(grams: PatternSums) -> bool:
    """Return whether every pair of visits is observed in some participant."""
    patterns, m = grams.seen.shape
    for j in range(m):
        for k in range(j):
            together = False
            for r in range(patterns):
                together = together or (grams.seen[r, j] and grams.seen[r, k])
            if not together:
                return False
    return True


@numba.njit(cache=True, nogil=True)
def first_redundant_column(covariance: Floats, grams: PatternSums, cell: Ints, columns: int) -> int:
    """Return the first coefficient that is a linear function of earlier ones, or -1."""
    inverses = invert_patterns(covariance, grams)[1]
    information = information_of_mean(inverses, grams, cell, columns)
    return factorise(information, np.empty_like(information), SINGULAR_PIVOT)


@numba.njit(cache=True, nogil=True)
def nearly_singular(covariance: Floats) -> bool:
    """Return whether some visit is a linear function of the earlier ones, up to rounding."""
    lower = np.empty_like(covariance)
    return factorise(covariance, lower, SMALLEST_SHARE) >= 0


@numba.njit(cache=True, nogil=True)
def interior(mean: Mean, grams: PatternSums, cell: Ints, restricted: bool) -> bool:
    """Return whether the gradient in the elements of Σ vanishes: not so on the edge of a singular Σ."""
    moment = moments(mean, grams, cell, restricted)
    slope = gradient(mean, moment, grams)
    regular, inverse = inverse_of(observed_information(mean, moment, grams, cell, restricted))
    return regular and slope @ (inverse @ slope) < EDGE


@numba.njit(cache=True, nogil=True)
def fit_grams(
    grams: PatternSums,
    cell: Ints,
    columns: int,
    structure: Structure,
    restricted: bool,
    tolerance: float,
) -> Fit:
    """Fit the model.

    An unstructured covariance is first sought in its elements; if that does not converge, or ends where
    only the observed blocks are positive definite, in the parameters of its Cholesky factor. What still does
    not converge is started again, in this order, with half the first covariances between visits, with none,
    and with .95 of them.

    Parameters
    ----------
    grams : PatternSums
        Of outcomes and covariates that are centred at each visit, or nearly, for the digits' sake.
    cell : ndarray of int (q, m)
        Coefficient of each element of B, -1 for none.
    columns : int
        Number of coefficients p.
    structure : Structure
        Of the covariance.
    restricted : bool
        REML if True, else ML.
    tolerance : float
        The decrement (squared Newton step in standard errors of Σ) that may be left.

    Returns
    -------
    Fit
    """
    outcome, dependent, short, covariance = first_covariance(grams, cell)
    parameters = np.zeros(0)
    mean = Mean(False, np.zeros((0, 0, 0)), np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(columns), np.nan)
    if outcome != REGRESSED:
        return Fit(TOO_FEW if outcome == FEW else SINGULAR, covariance, parameters, mean, 0)
    if structure.unstructured and not seen_together(grams):
        return Fit(NEVER_TOGETHER, covariance, parameters, mean, 0)
    if structure.unstructured and dependent:
        return Fit(SINGULAR, covariance, parameters, mean, 0)
    parameters = parameters_near(covariance, structure)
    if first_redundant_column(np.diag(np.diag(covariance)), grams, cell, columns) >= 0:
        return Fit(COLLINEAR, covariance, parameters, mean, 0)
    short = short and structure.unstructured
    steps = 0
    start = covariance
    converged = False
    # Constants would each be a type of their own, for which `descend` would be compiled once more.
    if structure.unstructured:
        converged, _, covariance, mean, steps = descend(
            elements_of(covariance),
            grams,
            cell,
            columns,
            restricted,
            structure,
            np.bool_(True),
            tolerance,
            np.int64(MOST_DIRECT_STEPS),
        )
    if converged and not nearly_singular(covariance):
        parameters = parameters_near(covariance, structure)
    else:
        converged, parameters, covariance, mean, more = descend(
            parameters,
            grams,
            cell,
            columns,
            restricted,
            structure,
            np.bool_(False),
            tolerance,
            np.int64(MOST_STEPS),
        )
        steps += more
        for share in RESTARTS:
            if converged:
                break
            nearer = share * start + (1.0 - share) * np.diag(np.diag(start))
            converged, parameters, covariance, mean, more = descend(
                parameters_near(nearer, structure),
                grams,
                cell,
                columns,
                restricted,
                structure,
                np.bool_(False),
                tolerance,
                np.int64(MOST_STEPS),
            )
            steps += more
        if converged and structure.unstructured and not interior(mean, grams, cell, restricted):
            return Fit(TOO_FEW if short else SINGULAR, covariance, parameters, mean, steps)
    if nearly_singular(covariance):
        return Fit(TOO_FEW if short else SINGULAR, covariance, parameters, mean, steps)
    if not converged:
        return Fit(TOO_FEW if short else NOT_CONVERGED, covariance, parameters, mean, steps)
    return Fit(OK, covariance, parameters, mean, steps)
