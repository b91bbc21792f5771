"""Mixed model for repeated measures over a block of simulated trials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from trialsim.analysis.one_trial.empty_levels import levels_seen, patterns_of
from trialsim.analysis.repeated_measures.block_kernel import fit_block
from trialsim.analysis.repeated_measures.closed_form.block import REASONS as MONOTONE_REASONS
from trialsim.analysis.repeated_measures.closed_form.block import monotone_block
from trialsim.analysis.repeated_measures.covariance_structures import Structure, structure_of
from trialsim.analysis.repeated_measures.design import Term, lay_out, renumbered
from trialsim.analysis.repeated_measures.methods import Method, method_of
from trialsim.analysis.repeated_measures.newton import COLLINEAR, OK, STATUSES
from trialsim.data import Bools, Estimates, Floats, Ints
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
    values = _as_block(outcomes, "outcomes", 3)
    replicates, participants, visits = values.shape
    if visits > MOST_VISITS:
        raise AnalysisError(f"at most {MOST_VISITS} visits can be modelled", field="outcomes", value=visits)
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
    counts = np.zeros((replicates, 4))
    can = covariance == "us" and design.visit_saturated and chosen.df in ("satterthwaite", "z")
    if closed_form and can:
        _closed_form(values, arms, x, tested, chosen, table, status)
    found = _Found(table, status, counts)
    trials = _Trials(values, arms, x, s)
    contrast, structure = design.contrast(tested, {1: 1.0}), structure_of(covariance, visits)
    trials.fit(design.cell, contrast, structure, chosen, tolerance, found)
    counts[:, 2:] = design.columns, design.constant_terms
    for gone, rows in trials.empty_levels(np.flatnonzero(status == COLLINEAR), by_visit):
        cell, left = renumbered(design.cell, gone)
        again = _Found(np.full((len(rows), 5), np.nan), np.full(len(rows), -1), np.zeros((len(rows), 4)))
        trials.take(rows).fit(cell, contrast[left], structure, chosen, tolerance, again)
        again.counts[:, 2:] = len(left), design.constant_terms - gone.all(axis=1).sum()
        table[rows], status[rows], counts[rows] = again
    return _as_estimates(found, chosen, covariance)


class _Found(NamedTuple):
    """A row a trial: a contrast (R, 5), a status (R,), and observations, participants and columns (R, 4)."""

    table: Floats
    status: Ints
    counts: Floats


class _Trials(NamedTuple):
    """A block: outcome (R, N, V), and arm, covariates and scores of R replicates or of one for all."""

    outcome: Floats
    arm: Floats
    covariates: Floats
    scores: Floats

    def take(self, rows: Ints) -> _Trials:
        """Return some replicates."""
        return _Trials(*(part[rows % len(part)] for part in self))

    def fit(
        self,
        cell: Ints,
        contrast: Floats,
        structure: Structure,
        method: Method,
        tolerance: float,
        found: _Found,
    ) -> None:
        """Fit every trial whose status is still -1."""
        fit_block(
            *self,
            cell,
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


def _as_estimates(found: _Found, method: Method, covariance: str) -> Estimates:
    table, status, counts = found
    ok = status == OK
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
