"""Mixed model for repeated measures over a block of simulated trials."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from trialsim.analysis.repeated_measures.closed_form.block import REASONS as MONOTONE_REASONS
from trialsim.analysis.repeated_measures.closed_form.block import monotone_block
from trialsim.analysis.repeated_measures.covariance_structures import Structure, structure_of
from trialsim.analysis.repeated_measures.design import Design, Term, lay_out
from trialsim.analysis.repeated_measures.gram_sums import gram_sums
from trialsim.analysis.repeated_measures.inference import contrast_table
from trialsim.analysis.repeated_measures.methods import Method, method_of
from trialsim.analysis.repeated_measures.newton import CONSTANT, NO_ARM, OK, STATUSES, fit_grams
from trialsim.data import Estimates, Floats, Ints
from trialsim.errors import AnalysisError

BLOCK_TOLERANCE = 1e-10
MOST_VISITS = 62
ROUNDING = 1e-13


def fit_mmrm_block(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    *,
    by_visit: bool = False,
    scores_by_visit: bool = False,
    visit: int = -1,
    covariance: str = "us",
    method: str = "reml",
    df: str = "satterthwaite",
    tolerance: float = BLOCK_TOLERANCE,
    closed_form: bool = True,
) -> Estimates:
    """Fit the mixed model for repeated measures to every trial of a block and test the arm at one visit.

    The mean is visit + arm × visit + covariates. With an unstructured covariance, every covariate by
    visit, no score and monotone missingness the fit is closed-form (`monotone_block`); else Newton's
    method (`trialsim.analysis.repeated_measures.newton`).

    Parameters
    ----------
    outcome : array_like (R, N, V)
        NaN where missing; a participant without any outcome does not enter.
    arm : array_like (R, N) or (N,)
        0 for control, 1 for active.
    covariates : array_like (R, N, P) or (N, P), optional
        Baseline covariates, finite.
    scores : array_like (R, N, V) or (N, V), optional
        A visit-matched prognostic score, finite.
    by_visit, scores_by_visit : bool
        Whether the covariates, and the score, have a coefficient at each visit instead of one for all.
    visit : int
        Position of the visit to test; -1 is the last.
    covariance : str
        One of `covariance_structures.STRUCTURES`.
    method : {"reml", "ml"}
    df : str
        ``"satterthwaite"``, ``"kenward-roger-linear"`` (as SAS for ``us``), ``"kenward-roger"`` (with the
        second derivatives, as the R package mmrm), ``"between-within"``, ``"residual"`` or ``"z"``.
    tolerance : float
        Decrement (squared Newton step in standard errors of Σ) that may be left when a fit ends.
    closed_form : bool
        Whether the closed form may be used where it can; False sends every trial to Newton's method.

    Returns
    -------
    Estimates
        Active minus control; `reasons` are `mmrm_newton.STATUSES`.

    Raises
    ------
    AnalysisError
        If the arrays do not fit together or a value is infinite or a covariate missing.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = fit_mmrm_block(rng.normal(size=(2, 60, 3)), np.arange(60) % 2)
    >>> found.df.round(6)
    array([58., 58.])
    """
    values = _as_block(outcome, "outcome", 3)
    replicates, participants, visits = values.shape
    if visits > MOST_VISITS:
        raise AnalysisError(f"at most {MOST_VISITS} visits can be modelled", field="outcome", value=visits)
    arms = _as_block(arm, "arm", 2, values)
    x = _as_block(np.zeros((participants, 0)) if covariates is None else covariates, "covariates", 3, values)
    s = _as_block(np.zeros((participants, 0)) if scores is None else scores, "scores", 3, values)
    _check_values(values, arms, x, s, scores is not None)
    chosen = method_of(method, df, covariance)
    terms = [Term("intercept", True), Term("arm", True)]
    terms += [Term(f"covariate {k}", by_visit) for k in range(x.shape[2])]
    terms += [Term("score", scores_by_visit, matched=True)] * (scores is not None)
    design = lay_out(terms, visits)
    tested = range(visits)[visit]
    table = np.full((replicates, 5), np.nan)
    status = np.full(replicates, -1, np.int64)
    counts = np.zeros((replicates, 2))
    can = covariance == "us" and design.visit_saturated and chosen.df in ("satterthwaite", "z")
    if closed_form and can:
        _closed_form(values, arms, x, tested, chosen, table, status)
    _block(
        values,
        arms,
        x,
        s,
        design.cell,
        design.columns,
        design.contrast(tested, {1: 1.0}),
        structure_of(covariance, visits),
        chosen.restricted,
        chosen.adjusted,
        chosen.curved,
        chosen.needs_information,
        tolerance,
        table,
        status,
        counts,
    )
    return _as_estimates(table, status, counts, chosen, design, covariance)


def _as_block(
    given: ArrayLike, name: str, axes: int, outcome: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return a contiguous array with a leading axis of 1 or R replicates."""
    array = np.ascontiguousarray(given, dtype=np.float64)
    if outcome is None:
        if array.ndim != axes:
            raise AnalysisError("needs axes replicate, participant, visit", field=name, value=array.shape)
        return array
    if array.ndim == axes - 1:
        array = array[None]
    if array.ndim != axes or array.shape[0] not in (1, len(outcome)) or array.shape[1] != outcome.shape[1]:
        raise AnalysisError(
            "does not have the replicates and participants of the outcome", field=name, value=array.shape
        )
    return array


def _check_values(outcome: Floats, arm: Floats, covariates: Floats, scores: Floats, scored: bool) -> None:
    """Refuse infinite outcomes, arms that are not 0 or 1, and covariates or scores that are not finite."""
    if scored and scores.shape[2] != outcome.shape[2]:
        raise AnalysisError("needs one score for each visit", field="scores", value=scores.shape)
    for name, bad in (
        ("outcome", np.isinf(outcome).any(axis=2)),
        ("arm", (arm != 0.0) & (arm != 1.0)),
        ("covariates", ~np.isfinite(covariates).all(axis=2)),
        ("scores", ~np.isfinite(scores).all(axis=2)),
    ):
        if bad.any():
            replicate, participant = (int(axis[0]) for axis in np.nonzero(bad))
            problem = "is not 0 or 1" if name == "arm" else "is not finite"
            raise AnalysisError(
                f"{problem} for participant {participant} of replicate {replicate}",
                field=name,
                mend="give finite covariates, and NaN for a missing outcome",
            )


def _closed_form(
    outcome: Floats,
    arm: Floats,
    covariates: Floats,
    visit: int,
    method: Method,
    table: Floats,
    status: Ints,
) -> None:
    """Fill in the trials with monotone missingness that the closed form can fit."""
    replicates = max(len(arm), len(covariates))
    participants = arm.shape[1]
    design = np.empty((replicates, participants, 2 + covariates.shape[2]))
    design[..., 0] = 1.0
    design[..., 1] = arm
    design[..., 2:] = covariates
    found = monotone_block(outcome, design, visit=visit, likelihood="reml" if method.restricted else "ml")
    fitted = found.status == MONOTONE_REASONS.index("ok")
    table[fitted, 0] = found.estimate[fitted]
    table[fitted, 1] = found.standard_error[fitted] ** 2
    table[fitted, 2] = found.df[fitted]
    status[fitted] = OK


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
def _block(
    outcome: Floats,
    arm: Floats,
    covariates: Floats,
    scores: Floats,
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
    """Fit every trial whose status is still -1; fill in the contrast, status, and sample sizes."""
    contrasts = contrast.reshape(1, -1)
    for r in range(len(outcome)):
        y = outcome[r]
        counts[r] = _count(y)
        if status[r] >= 0:
            continue
        arms = arm[r % len(arm)]
        status[r] = _unusable(y, arms)
        if status[r] != OK:
            continue
        z = _covariate_rows(arms, covariates[r % len(covariates)], scores[r % len(scores)])
        grams = gram_sums(z, _centred(y))
        fit = fit_grams(grams, cell, columns, structure, restricted, tolerance)
        if needs_information or fit.status != OK:
            status[r], found = contrast_table(
                contrasts, fit, grams, cell, structure, restricted, adjusted, curved
            )
            table[r] = found[0]
        else:
            table[r, 0] = contrast @ fit.mean.coefficients
            table[r, 1] = contrast @ fit.mean.variance @ contrast


def _as_estimates(
    table: Floats, status: Ints, counts: Floats, method: Method, design: Design, covariance: str
) -> Estimates:
    standard_error = np.sqrt(table[:, method.variance_column])
    estimate = np.where(status == OK, table[:, 0], np.nan)
    df = method.degrees_of_freedom(table[:, 2], counts[:, 0], counts[:, 1], design, between=True)
    df = np.where(status == OK, df, np.nan)
    statistic = estimate / standard_error
    tail = ndtr(-np.abs(statistic)) if method.df == "z" else stdtr(df, -np.abs(statistic))
    return Estimates(
        f"MMRM ({method.likelihood.upper()}, {covariance}, {method.df})",
        estimate,
        np.where(status == OK, standard_error, np.nan),
        df,
        statistic,
        2.0 * tail,
        status.astype(np.int8),
        STATUSES,
    )
