"""REML of the visit-saturated MMRM in closed form, for monotone missingness and an unstructured covariance.

With z the baseline covariates (the first is 1, one is the arm) and every covariate having its own
coefficient at each visit, write ``y_j = z'g_j + y_{<j}'f_j + e_j`` with ``Var e_j = t_j``. The flat prior
that REML puts on the marginal coefficients is flat on g as well, so the restricted likelihood is a product
over visits and each factor is one least-squares fit among the n_j participants who reach visit j::

    t_j   = RSS_j / (n_j - q)              ML divides by n_j
    l     = (I - F)^-1                     row j of F holds f_j
    Sigma = l diag(t) l'
    B_j   = sum_k l_jk g_k
    v     = Var(c'B_m) = sum_k l_mk^2 t_k a_k          a_k = c'(ZZ_k)^-1 c

The observed information is block diagonal, ``Var f_j = t_j S_j^-1`` and ``Var t_j = 2 t_j^2 / (n_j - q)``,
with S_j the residual cross-products of y_{<j} given z; hence the Satterthwaite df
``2 v^2 / (grad v' Var grad v)`` is exact.

For one data set: `fit_monotone`. For a block of trials: `monotone_block` (estimates) and `monotone_moments`
(Sigma, B and a status for each trial, which serve as the optimum where missingness is monotone and as a
start elsewhere). `reasons` of both are `REASONS`; a trial with a gap comes back as ``not_monotone``.
Participants without any outcome do not enter.

References
----------
.. [1] Anderson TW (1957). Maximum likelihood estimates for a multivariate normal distribution when some
   observations are missing. JASA 52: 200-203 (the factorisation of the likelihood).
.. [2] Fai AHT, Cornelius PL (1996). Approximate F-tests of multiple degree of freedom hypotheses in
   generalized least squares analyses of unbalanced split-plot experiments. J Stat Comput Simul 54: 363-378.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from trialsim.analysis.one_trial.empty_levels import levels_seen, patterns_of
from trialsim.analysis.repeated_measures.closed_form import kernel
from trialsim.analysis.repeated_measures.closed_form.checked import (
    Likelihood,
    checked_arrays,
    position_of,
    raise_for_non_finite,
)
from trialsim.data import Estimates, Floats, Ints
from trialsim.errors import AnalysisError

REASONS = (
    "ok",
    "not_monotone",
    "too_few_participants_at_visit",
    "singular_design",
    "no_residual_variance",
)
_EXPLANATIONS = {
    "not_monotone": "a participant has a missing outcome before an observed one; use the general MMRM",
    "too_few_participants_at_visit": "a visit needs more participants than covariates and earlier visits",
    "singular_design": "covariates or earlier visits are collinear at a visit; drop one of them",
    "no_residual_variance": "the outcome of a visit is constant given the covariates and earlier visits",
}


@dataclass(frozen=True)
class MonotoneFit:
    """Closed-form fit of one data set.

    Parameters
    ----------
    likelihood : {"reml", "ml"}
    coefficients : ndarray (q, V)
        Marginal coefficients B: the mean of visit j is ``z'B[:, j]``.
    sigma : ndarray (V, V)
        Covariance of the outcomes given the covariates.
    autoregression : ndarray (V, V)
        F: row j holds the coefficients of the earlier visits in the regression of visit j.
    innovation : ndarray (V,)
        t: variance of each visit given the covariates and the earlier visits.
    reached : ndarray of int (V,)
        Participants who reach each visit.
    minus_two_log_likelihood : float
        -2 times the (restricted) log-likelihood at the optimum.
    """

    likelihood: Likelihood
    coefficients: Floats
    sigma: Floats
    autoregression: Floats
    innovation: Floats
    reached: Ints
    minus_two_log_likelihood: float
    _centre: Floats = field(repr=False)
    _conditional: Floats = field(repr=False)
    _factors: Floats = field(repr=False)
    _lower: Floats = field(repr=False)

    def contrast(self, weights: ArrayLike, visit: int = -1) -> tuple[float, float, float]:
        """Return estimate, standard error and Satterthwaite df of ``weights' B[:, visit]``.

        Parameters
        ----------
        weights : array_like (q,)
            For example ``[0, 1, 0]`` for the arm in the second column, or a covariate row for an LS mean.
        visit : int
            Position of the visit; -1 is the last.
        """
        weights = np.asarray(weights, dtype=np.float64)
        position = position_of(visit, len(self.reached), "visit")
        centred = weights - weights[0] * self._centre
        centred[0] = weights[0]
        _, variance, df = kernel.contrast_at_visit(
            centred,
            position,
            self.reached,
            self.likelihood == "reml",
            self._factors,
            self._conditional,
            self.innovation,
            self._lower,
        )
        return float(weights @ self.coefficients[:, position]), float(np.sqrt(variance)), float(df)


def fit_monotone(outcomes: ArrayLike, covariates: ArrayLike, likelihood: Likelihood = "reml") -> MonotoneFit:
    """Fit the visit-saturated MMRM of one data set with monotone missingness.

    Parameters
    ----------
    outcomes : array_like (N, V)
        NaN from dropout on.
    covariates : array_like (N, q)
        The first column is 1.
    likelihood : {"reml", "ml"}

    Returns
    -------
    MonotoneFit

    Raises
    ------
    AnalysisError
        If missingness is not monotone, a visit has too few participants, or a design is singular.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> arm = np.arange(60) % 2
    >>> fit = fit_monotone(rng.normal(size=(60, 3)) + arm[:, None], np.column_stack([np.ones(60), arm]))
    >>> estimate, standard_error, df = fit.contrast([0, 1])
    >>> round(df, 6)   # everybody is observed, so this is the t test of the last visit
    58.0
    """
    values, design = checked_arrays(np.asarray(outcomes)[None], np.asarray(covariates)[None])
    raise_for_non_finite(values, design)
    restricted = _restricted(likelihood)
    seen = ~np.isnan(values[0, :, 0])
    centre, shift = _centres(values[0][seen], design[0][seen])
    q, visits = design.shape[2], values.shape[2]
    grams = np.zeros((visits, q + visits, kernel.padded(q + visits)))
    reached = np.zeros(visits, np.int64)
    status = kernel.accumulate_grams(values[0] - shift, design[0] - centre, -1, grams, reached)
    factors = np.zeros((visits, q + visits, q + visits))
    conditional, innovation = np.zeros((visits, q + visits)), np.zeros(visits)
    if status == kernel.OK:
        kernel.add_backwards(grams, reached)
        status = kernel.regress_each_visit(grams, reached, q, restricted, factors, conditional, innovation)
    _raise_for(status)
    lower, sigma, means = np.zeros((visits, visits)), np.zeros((visits, visits)), np.zeros((q, visits))
    kernel.unit_lower(conditional, q, lower)
    kernel.covariance_from(lower, innovation, sigma)
    kernel.visit_means(conditional, lower, q, means)
    means[0] += shift - centre @ means
    return MonotoneFit(
        likelihood,
        means,
        sigma,
        conditional[:, q:],
        innovation,
        reached,
        _deviance(reached, q, innovation, factors, restricted),
        centre,
        conditional,
        factors,
        lower,
    )


def monotone_block(
    outcomes: ArrayLike,
    covariates: ArrayLike,
    *,
    arm_column: int = 1,
    visit: int = -1,
    likelihood: Likelihood = "reml",
) -> Estimates:
    """Fit the visit-saturated MMRM of every trial of a block and test the arm at one visit.

    Parameters
    ----------
    outcomes : array_like (R, N, V)
        NaN from dropout on.
    covariates : array_like (R, N, q) or (N, q)
        The first column is 1; two axes if all trials share them.
    arm_column : int
        Column of the arm (0 control, 1 active).
    visit : int
        Position of the visit to test; -1 is the last.
    likelihood : {"reml", "ml"}

    Returns
    -------
    Estimates
        With Satterthwaite df; `reasons` are `REASONS`.

    Raises
    ------
    AnalysisError
        If the arrays do not fit together, or a covariate or outcome is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> design = np.column_stack([np.ones(80), np.arange(80) % 2, rng.normal(size=80)])
    >>> found = monotone_block(rng.normal(size=(3, 80, 4)), design)
    >>> found.df.round(6)
    array([77., 77., 77.])
    """
    values, design = checked_arrays(np.asarray(outcomes), np.asarray(covariates))
    contrast = np.zeros(design.shape[2])
    arm = position_of(arm_column, len(contrast), "arm_column")
    contrast[arm] = 1.0
    results, _, _, status = _fit(values, design, contrast, visit, likelihood, keep=False)
    _leave_out_empty_levels(values, design, arm, visit, likelihood, results, status)
    estimate, variance, df = results.T
    standard_error = np.sqrt(variance)
    statistic = estimate / standard_error
    return Estimates(
        f"MMRM ({likelihood.upper()}, unstructured, closed form, Satterthwaite)",
        estimate,
        standard_error,
        df,
        statistic,
        2.0 * stdtr(df, -np.abs(statistic)),
        status.astype(np.int8),
        REASONS,
    )


def monotone_moments(
    outcomes: ArrayLike, covariates: ArrayLike, likelihood: Likelihood = "reml"
) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """Return Sigma (R, V, V), B (R, q, V) and the status (R,) of every trial of a block.

    Parameters as `monotone_block`. Where the status is not 0, Sigma and B are NaN.

    Parameters
    ----------
    outcomes : array (R, N, V)
        NaN from the visit of dropout on.
    covariates : array (R, N, P)
        The first is 1 for everyone.
    likelihood : {"reml", "ml"}
        As in `monotone_block`.

    Returns
    -------
    sigma : ndarray (R, V, V)
        Covariances.
    means : ndarray (R, P, V)
        Coefficients B of each visit.
    status : ndarray of int8 (R,)
        0 for a fit.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> covariates = np.ones((1, 200, 1))
    >>> sigma, means, status = monotone_moments(rng.normal(size=(1, 200, 2)) + [0.0, 3.0], covariates)
    >>> sigma.shape, np.abs(means[0, 0]).round(1), status
    ((1, 2, 2), array([0.1, 3. ]), array([0], dtype=int8))
    """
    values, design = checked_arrays(np.asarray(outcomes), np.asarray(covariates))
    contrast = np.zeros(design.shape[2])
    contrast[0] = 1.0
    _, sigma, means, status = _fit(values, design, contrast, -1, likelihood, keep=True)
    return sigma, means, status.astype(np.int8)


def _fit(
    outcomes: Floats, covariates: Floats, contrast: Floats, visit: int, likelihood: Likelihood, *, keep: bool
) -> tuple[Floats, Floats, Floats, Ints]:
    replicates, _, visits = outcomes.shape
    kept = replicates if keep else 0
    results = np.full((replicates, 3), np.nan)
    sigma = np.full((kept, visits, visits), np.nan)
    means = np.full((kept, covariates.shape[2], visits), np.nan)
    status = np.zeros(replicates, np.int64)
    kernel.fit_block(
        outcomes,
        covariates,
        contrast,
        position_of(visit, visits, "visit"),
        _restricted(likelihood),
        keep,
        results,
        sigma,
        means,
        status,
    )
    if (status == kernel.NON_FINITE).any():
        raise_for_non_finite(outcomes, covariates)
    return results, sigma, means, status


def _leave_out_empty_levels(
    outcomes: Floats,
    covariates: Floats,
    arm: int,
    visit: int,
    likelihood: Likelihood,
    results: Floats,
    status: Ints,
) -> None:
    """Fit singular trials again without the indicators of levels that nobody in them has."""
    stuck = np.flatnonzero(status == kernel.SINGULAR)
    design = covariates[stuck % len(covariates)]
    keep = np.ones((len(stuck), design.shape[2]), bool)
    others = [k for k in range(1, design.shape[2]) if k != arm]
    keep[:, others] = levels_seen(design[..., others], ~np.isnan(outcomes[stuck, :, 0]))
    for kept, rows in patterns_of(stuck, keep):
        contrast = (np.arange(len(kept)) == arm)[kept] * 1.0
        smaller = np.ascontiguousarray(covariates[rows % len(covariates)][..., kept])
        results[rows], _, _, status[rows] = _fit(
            outcomes[rows], smaller, contrast, visit, likelihood, keep=False
        )


def _restricted(likelihood: Likelihood) -> bool:
    if likelihood not in ("reml", "ml"):
        raise AnalysisError("must be 'reml' or 'ml'", field="likelihood", value=likelihood)
    return likelihood == "reml"


def _centres(outcomes: Floats, covariates: Floats) -> tuple[Floats, Floats]:
    """Return what to subtract from covariates (not the first) and outcomes: Grams then keep their digits."""
    if not len(outcomes):
        raise AnalysisError("no participant has an outcome at the first visit")
    centre = covariates.mean(axis=0)
    centre[0] = 0.0
    counts = np.maximum((~np.isnan(outcomes)).sum(axis=0), 1)
    return centre, np.nansum(outcomes, axis=0) / counts


def _deviance(reached: Ints, q: int, innovation: Floats, factors: Floats, restricted: bool) -> float:
    """Return -2 (restricted) log-likelihood: one Gaussian regression a visit."""
    freedom = reached - q if restricted else reached
    total = float((freedom * (np.log(2.0 * np.pi * innovation) + 1.0)).sum())
    if restricted:
        total += 2.0 * float(np.log(factors[:, range(q), range(q)]).sum())
    return total


def _raise_for(status: int) -> None:
    if status != kernel.OK:
        reason = REASONS[status]
        raise AnalysisError(f"{reason}: {_EXPLANATIONS[reason]}")
