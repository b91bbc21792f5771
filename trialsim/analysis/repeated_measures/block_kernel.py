"""Compiled fit of a block of trials by a mixed model for repeated measures."""

from __future__ import annotations

import numba
import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import Structure
from trialsim.analysis.repeated_measures.gram_sums import gram_sums
from trialsim.analysis.repeated_measures.inference import contrast_table
from trialsim.analysis.repeated_measures.newton import CONSTANT, NO_ARM, OK, fit_grams
from trialsim.data import Floats, Ints

ROUNDING = 1e-13


@numba.njit(cache=True, nogil=True)
def _count(outcome: Floats) -> tuple[float, float]:
    """Return the number of observations, and of participants with at least one."""
    observations, participants = 0, 0
    for i in range(len(outcome)):
        before = observations
        for j in range(outcome.shape[1]):
            observations += not np.isnan(outcome[i, j])
        participants += observations > before
    return float(observations), float(participants)


@numba.njit(cache=True, nogil=True)
def _unusable(outcome: Floats, arm: Floats) -> int:
    """Return the status of a trial whose arms or outcomes cannot be compared at some visit, or OK."""
    participants, visits = outcome.shape
    for j in range(visits):
        lowest, highest = np.inf, -np.inf
        seen = np.zeros(2, np.int64)
        for i in range(participants):
            value = outcome[i, j]
            if not np.isnan(value):
                lowest = min(lowest, value)
                highest = max(highest, value)
                seen[int(arm[i])] += 1
        if seen[0] == 0 or seen[1] == 0:
            return NO_ARM
        if lowest == highest:
            return CONSTANT
    return OK


@numba.njit(cache=True, nogil=True)
def _centred(outcome: Floats) -> Floats:
    """Return outcomes about the mean of their visit."""
    centred = outcome.copy()
    for j in range(outcome.shape[1]):
        total, number = 0.0, 0
        for i in range(len(outcome)):
            if not np.isnan(outcome[i, j]):
                total += outcome[i, j]
                number += 1
        centred[:, j] -= total / max(number, 1)
    return centred


@numba.njit(cache=True, nogil=True)
def _centre(column: Floats) -> float:
    """Take the mean off a column, in place, and return the standard deviation; infinite if constant."""
    mean, largest, squares = 0.0, 0.0, 0.0
    for i in range(len(column)):
        mean += column[i]
        largest = max(largest, abs(column[i]))
    mean /= len(column)
    for i in range(len(column)):
        column[i] -= mean
        squares += column[i] ** 2
    size = np.sqrt(squares / len(column))
    return size if size > ROUNDING * largest else np.inf


@numba.njit(cache=True, nogil=True)
def _covariate_rows(arm: Floats, covariates: Floats, scores: Floats) -> Floats:
    """Return z (N, q): one, arm, standardised covariates, and scores centred at each visit.

    A constant covariate becomes zeros, which the fit then calls collinear.
    """
    baseline, visits = covariates.shape[1], scores.shape[1]
    z = np.empty((len(arm), 2 + baseline + visits))
    z[:, 0] = 1.0
    z[:, 1] = arm
    z[:, 2 : 2 + baseline] = covariates
    z[:, 2 + baseline :] = scores
    spread = 0.0
    for k in range(2, z.shape[1]):
        size = _centre(z[:, k])
        if k < 2 + baseline:
            z[:, k] /= size
        else:
            spread = max(spread, size)
    if spread > 0.0:
        z[:, 2 + baseline :] /= spread
    return z


@numba.njit(cache=True, nogil=True)
def in_own_visits(outcome: Floats, group: Ints, groups: int) -> Floats:
    """Return outcomes (N, groups · V), each participant's at the visits of the own group, else missing."""
    participants, visits = outcome.shape
    spread = np.full((participants, groups * visits), np.nan)
    for i in range(participants):
        for j in range(visits):
            spread[i, group[i] * visits + j] = outcome[i, j]
    return spread


@numba.njit(cache=True, nogil=True)
def prepared(
    outcome: Floats, arm: Floats, covariates: Floats, scores: Floats
) -> tuple[int, float, float, Floats, Floats]:
    """Return a trial's status, its observations, its participants, z (N, q), and centred outcomes (N, V)."""
    observations, participants = _count(outcome)
    status = _unusable(outcome, arm)
    return status, observations, participants, _covariate_rows(arm, covariates, scores), _centred(outcome)


@numba.njit(cache=True, nogil=True)
def fit_block(
    outcome: Floats,
    arm: Floats,
    covariates: Floats,
    scores: Floats,
    group: Ints,
    cell: Ints,
    columns: int,
    contrast: Floats,
    structure: Structure,
    restricted: bool,
    adjusted: bool,
    curved: bool,
    needs_information: bool,
    tolerance: float,
    table: Floats,
    status: Ints,
    counts: Floats,
) -> None:
    """Fit every trial whose status is still -1; fill in contrast, status, and the first two counts.

    Where `cell` has more visits than the outcome, `group` (N,) says which of them are a participant's own.
    """
    contrasts = contrast.reshape(1, -1)
    groups = cell.shape[1] // outcome.shape[2]
    for r in range(len(outcome)):
        y = outcome[r]
        counts[r, 0], counts[r, 1] = _count(y)
        if status[r] >= 0:
            continue
        arms = arm[r % len(arm)]
        status[r] = _unusable(y, arms)
        if status[r] != OK:
            continue
        z = _covariate_rows(arms, covariates[r % len(covariates)], scores[r % len(scores)])
        centred = _centred(y)
        if groups > 1:
            centred = in_own_visits(centred, group[r % len(group)], groups)
        grams = gram_sums(z, centred)
        fit = fit_grams(grams, cell, columns, structure, restricted, tolerance)
        if needs_information or fit.status != OK:
            status[r], found = contrast_table(
                contrasts, fit, grams, cell, structure, restricted, adjusted, curved
            )
            table[r] = found[0]
        else:
            table[r, 0] = contrast @ fit.mean.coefficients
            table[r, 1] = contrast @ fit.mean.variance @ contrast
