"""Mixed model for repeated measures over a block of simulated trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from trialsim.analysis.one_trial.empty_levels import levels_seen, patterns_of
from trialsim.analysis.repeated_measures.block_kernel import fit_block
from trialsim.analysis.repeated_measures.closed_form.block import REASONS as MONOTONE_REASONS
from trialsim.analysis.repeated_measures.closed_form.block import monotone_block
from trialsim.analysis.repeated_measures.covariance_structures import (
    SPATIAL,
    Structure,
    in_groups,
    spatial,
    structure_of,
)
from trialsim.analysis.repeated_measures.design import Term, lay_out, renumbered
from trialsim.analysis.repeated_measures.general.block import sandwich_rows
from trialsim.analysis.repeated_measures.general.sandwich import KINDS
from trialsim.analysis.repeated_measures.methods import Method, method_of
from trialsim.analysis.repeated_measures.newton import COLLINEAR, OK, STATUSES
from trialsim.data import Bools, Estimates, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

BLOCK_TOLERANCE = 1e-10
MOST_VISITS = 62


def fit_mmrm_block(
    outcomes: ArrayLike,
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
    times: ArrayLike | None = None,
    covariance_by: ArrayLike | None = None,
    errors: str = "model",
    tolerance: float = BLOCK_TOLERANCE,
    closed_form: bool = True,
) -> Estimates:
    """Fit the mixed model for repeated measures to every trial of a block and test the arm at one visit.

    The mean is visit + arm × visit + covariates. With an unstructured covariance, every covariate by
    visit, no score and monotone missingness the fit is closed-form (`monotone_block`); else Newton's
    method (`trialsim.analysis.repeated_measures.newton`). A level of a factor, given as an indicator, that
    nobody in a trial has is left out of it; with coefficients at each visit, also where nobody who has it is
    seen.

    Parameters
    ----------
    outcomes : array_like (R, N, V)
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
        One of `covariance_structures.STRUCTURES`, or ``"sp_exp"``, ``"sp_gau"``: σ²ρ^d, d the distance of two
        visits in time or its square.
    method : {"reml", "ml"}
    df : str
        ``"satterthwaite"``, ``"kenward-roger-linear"`` (as SAS for ``us``), ``"kenward-roger"`` (with the
        second derivatives, as the R package mmrm), ``"between-within"``, ``"residual"`` or ``"z"``.
    times : array_like (V,), optional
        When the visits are, in any unit: needed by a covariance in space, and by that alone.
    covariance_by : array_like of int (R, N) or (N,), optional
        Group of each participant, from 0, such as the arm: each has its own covariance of the same structure.
    errors : {"model", "empirical", "empirical-bias-reduced", "empirical-jackknife"}
        Standard errors: of the model, or sandwiches (CR0, CR2, CR3) with the degrees of freedom of Bell and
        McCaffrey.
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
        If the arrays do not fit together, a value is infinite or a covariate missing, or choices do not go
        together: a covariance in space by group, sandwiches by group or with Kenward–Roger.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = fit_mmrm_block(rng.normal(size=(2, 60, 3)), np.arange(60) % 2)
    >>> found.df.round(6)
    array([58., 58.])
    """
    values = _as_block(outcomes, "outcomes", 3)
    replicates, participants, visits = values.shape
    if visits > MOST_VISITS:
        raise AnalysisError(f"at most {MOST_VISITS} visits can be modelled", field="outcomes", value=visits)
    arms = _as_block(arm, "arm", 2, values)
    x = _as_block(np.zeros((participants, 0)) if covariates is None else covariates, "covariates", 3, values)
    s = _as_block(np.zeros((participants, 0)) if scores is None else scores, "scores", 3, values)
    _check_values(values, arms, x, s, scores is not None)
    chosen = method_of(method, df, covariance)
    structure, group = _structure(covariance, times, covariance_by, values), _groups(covariance_by, values)
    _check_errors(errors, chosen, covariance_by is not None)
    terms = [Term("intercept", True), Term("arm", True)]
    terms += [Term(f"covariate {k}", by_visit) for k in range(x.shape[2])]
    terms += [Term("score", scores_by_visit, matched=True)] * (scores is not None)
    design = lay_out(terms, visits)
    tested = range(visits)[visit]
    table = np.full((replicates, 5), np.nan)
    status = np.full(replicates, -1, np.int64)
    counts = np.zeros((replicates, 4))
    can = structure.unstructured and design.visit_saturated and chosen.df in ("satterthwaite", "z")
    if closed_form and can and errors == "model":
        _closed_form(values, arms, x, tested, chosen, table, status)
    found = _Found(table, status, counts)
    trials = _Trials(values, arms, x, s, group)
    contrast = design.contrast(tested, {1: 1.0})
    trials.fit(design.cell, contrast, structure, chosen, tolerance, errors, found)
    counts[:, 2:] = design.columns, design.constant_terms
    for gone, rows in trials.empty_levels(np.flatnonzero(status == COLLINEAR), by_visit):
        cell, left = renumbered(design.cell, gone)
        again = _Found(np.full((len(rows), 5), np.nan), np.full(len(rows), -1), np.zeros((len(rows), 4)))
        trials.take(rows).fit(cell, contrast[left], structure, chosen, tolerance, errors, again)
        again.counts[:, 2:] = len(left), design.constant_terms - gone.all(axis=1).sum()
        table[rows], status[rows], counts[rows] = again
    return _as_estimates(found, chosen, covariance, errors)


class _Found(NamedTuple):
    """A row a trial: a contrast (R, 5), a status (R,), and observations, participants and columns (R, 4)."""

    table: Floats
    status: Ints
    counts: Floats


class _Trials(NamedTuple):
    """A block: outcome (R, N, V), and arm, covariates, scores and group of R replicates or of one for all."""

    outcome: Floats
    arm: Floats
    covariates: Floats
    scores: Floats
    group: Ints

    def take(self, rows: Ints) -> _Trials:
        """Return some replicates."""
        y, arm, x, s, group = self
        return _Trials(
            y[rows % len(y)],
            arm[rows % len(arm)],
            x[rows % len(x)],
            s[rows % len(s)],
            group[rows % len(group)],
        )

    def fit(
        self,
        cell: Ints,
        contrast: Floats,
        structure: Structure,
        method: Method,
        tolerance: float,
        errors: str,
        found: _Found,
    ) -> None:
        """Fit every trial whose status is still -1."""
        if errors != "model":
            sandwich_rows(*self[:4], cell, contrast, structure, method.restricted, tolerance, errors, *found)
            return
        fit_block(
            *self,
            np.tile(cell, (1, len(structure.deviation) // cell.shape[1])),
            int(cell.max()) + 1,
            contrast,
            structure,
            method.restricted,
            method.adjusted,
            method.curved,
            method.needs_information,
            tolerance,
            *found,
        )

    def empty_levels(self, rows: Ints, by_visit: bool) -> Iterator[tuple[Bools, Ints]]:
        """Yield which cells (q, V) hold a level that nobody has, and the replicates, of `rows`, with these.

        With coefficients at each visit those who have a level may all be missing at one of them.
        """
        seen, x = ~np.isnan(self.outcome[rows]), self.covariates[rows % len(self.covariates)]
        visits = seen.shape[2]
        anywhere = np.asarray(seen.any(axis=2), dtype=bool)
        used = [seen[:, :, visit] if by_visit else anywhere for visit in range(visits)]
        keep = np.stack([levels_seen(x, here) for here in used], axis=-1)
        fixed, matched = np.ones((2, visits), bool), np.ones((self.scores.shape[2], visits), bool)
        for kept, these in patterns_of(rows, keep):
            yield ~np.concatenate([fixed, kept, matched]), these


def _as_block(
    given: ArrayLike, name: str, axes: int, outcome: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return a contiguous array with a leading axis of 1 or R replicates."""
    array = for_kernel(given, dtype=np.float64)
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


def _structure(
    covariance: str, times: ArrayLike | None, covariance_by: ArrayLike | None, outcome: Floats
) -> Structure:
    """Return the structure over the visits, or over those of every group, or refuse it."""
    visits = outcome.shape[2]
    if (times is not None) != (covariance in SPATIAL):
        raise AnalysisError(
            f"are needed by {' and '.join(SPATIAL)}, and by them alone", field="times",
            value=None if times is None else covariance, mend="give the time of each visit with these",
        )  # fmt: skip
    if times is None:
        structure = structure_of(covariance, visits)
        return structure if covariance_by is None else in_groups(structure, int(np.max(covariance_by)) + 1)
    if covariance_by is not None:
        raise AnalysisError(
            "a covariance in space is one for all", field="covariance_by", mend="use another structure"
        )
    when = np.asarray(times, dtype=np.float64)
    if when.shape != (visits,):
        raise AnalysisError("needs one time for each visit", field="times", value=when.shape)
    return spatial(covariance, when)


def _groups(covariance_by: ArrayLike | None, outcome: Floats) -> Ints:
    """Return the group of each participant (R or 1, N): all of them one, or as given."""
    if covariance_by is None:
        return np.zeros((1, outcome.shape[1]), np.int64)
    given = _as_block(covariance_by, "covariance_by", 2, outcome)
    groups = int(given.max()) + 1
    if (given < 0).any() or (given != np.floor(given)).any() or groups * outcome.shape[2] > MOST_VISITS:
        raise AnalysisError(
            f"must hold whole numbers from 0, and groups times visits at most {MOST_VISITS}",
            field="covariance_by",
        )
    return given.astype(np.int64)


def _check_errors(errors: str, method: Method, by_group: bool) -> None:
    known = ("model", *KINDS)
    if errors not in known:
        raise AnalysisError(
            "is not a known choice", field="errors", value=errors, mend=f"use one of {', '.join(known)}"
        )
    if errors != "model" and (by_group or method.adjusted):
        raise AnalysisError(
            "sandwiches are there for one covariance of all participants, and without Kenward-Roger",
            field="errors", value=errors, mend='use errors="model"',
        )  # fmt: skip


def _check_values(outcome: Floats, arm: Floats, covariates: Floats, scores: Floats, scored: bool) -> None:
    """Refuse infinite outcomes, arms that are not 0 or 1, and covariates or scores that are not finite."""
    if scored and scores.shape[2] != outcome.shape[2]:
        raise AnalysisError("needs one score for each visit", field="scores", value=scores.shape)
    for name, bad in (
        ("outcomes", np.isinf(outcome).any(axis=2)),
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


def _as_estimates(found: _Found, method: Method, covariance: str, errors: str) -> Estimates:
    table, status, counts = found
    ok = status == OK
    if errors != "model":
        # Sandwiches have degrees of freedom of their own, unless the normal law is asked for.
        method = method if method.df == "z" else replace(method, df="satterthwaite")
        covariance = f"{covariance}, {errors}"
    standard_error = np.sqrt(table[:, method.variance_column])
    estimate = np.where(ok, table[:, 0], np.nan)
    df = np.where(ok, method.degrees_of_freedom(table[:, 2], *counts.T, between=True), np.nan)
    statistic = estimate / standard_error
    tail = ndtr(-np.abs(statistic)) if method.df == "z" else stdtr(df, -np.abs(statistic))
    return Estimates(
        f"MMRM ({method.likelihood.upper()}, {covariance}, {method.df})",
        estimate,
        np.where(ok, standard_error, np.nan),
        df,
        statistic,
        2.0 * tail,
        status.astype(np.int8),
        STATUSES,
    )
