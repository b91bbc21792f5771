"""Reference-based imputation of blocks of simulated trials: conditional means, jackknife, tipping points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialsim.analysis.imputation.frame import REASONS, Variance
from trialsim.analysis.imputation.jackknife import impute_block
from trialsim.analysis.imputation.kernel import EFFECT, SLOPE_CONTROL, Plan
from trialsim.analysis.imputation.shift_law import critical_value, two_sided
from trialsim.analysis.imputation.strategies import strategy_code
from trialsim.analysis.one_trial.empty_levels import levels_seen, patterns_of
from trialsim.analysis.repeated_measures.closed_form.checked import (
    checked_arrays,
    position_of,
    raise_for_non_finite,
)
from trialsim.analysis.repeated_measures.closed_form.kernel import NON_FINITE, OK, SINGULAR
from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.errors import AnalysisError


def imputation_block(
    outcomes: ArrayLike,
    covariates: ArrayLike,
    *,
    strategy: str,
    reference: int = 0,
    variance: Variance = "jackknife",
    arm_column: int = 1,
    visit: int = -1,
) -> Estimates:
    """Impute every trial of a block by conditional means and test the arm, with the full jackknife.

    Parameters
    ----------
    outcomes : array_like (R, N, V)
        NaN where missing; gaps are missing at random, and cost about twenty times as much.
    covariates : array_like (R, N, q) or (N, q)
        The first column is 1; also the covariates of the analysis of covariance.
    strategy : str
        One of `trialsim.analysis.imputation.strategies.STRATEGIES`, for the dropouts of both arms.
    reference : int
        Reference arm: 0 control, 1 active.
    variance : {"jackknife", "information_anchored"}
    arm_column : int
        Column of the arm (0 control, 1 active).
    visit : int
        Position of the visit to test; -1 is the last.

    Returns
    -------
    Estimates
        Normal inference: df is infinite.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> outcomes = rng.normal(size=(2, 80, 3))
    >>> outcomes[:, ::5, 2] = np.nan
    >>> found = imputation_block(outcomes, np.column_stack([np.ones(80), np.arange(80) % 2]), strategy="J2R")
    >>> found.status.tolist()
    [0, 0]
    """
    results, covariances, status = _run(
        outcomes, covariates, strategy, reference, variance, arm_column, visit
    )
    estimate = results[:, EFFECT]
    error = np.sqrt(covariances[:, EFFECT, EFFECT])
    df = np.where(status == OK, np.inf, np.nan)
    statistic = estimate / error
    return Estimates(
        f"{strategy} imputation (conditional mean, {variance.replace('_', '-')})",
        estimate,
        error,
        df,
        statistic,
        two_sided(statistic, df),
        status.astype(np.int8),
        REASONS,
    )


def tipping_point_block(
    outcomes: ArrayLike,
    covariates: ArrayLike,
    *,
    strategy: str = "MAR",
    reference: int = 0,
    variance: Variance = "jackknife",
    arm_column: int = 1,
    visit: int = -1,
    shifted: int = 1,
    alpha: float = 0.05,
) -> Floats:
    """Return each trial's tipping point (R,): the shift nearest to 0 at which p equals alpha.

    The shift is added to the imputed outcomes of arm `shifted` (0 control, 1 active). With normal inference
    it solves ``(theta + s d)^2 = z^2 (W + 2 l d + Q d^2)``. NaN where the fit failed, nothing was imputed in
    that arm, or no shift changes the conclusion. Other parameters as `imputation_block`.

    Parameters
    ----------
    outcomes : array (R, N, V)
        NaN where missing.
    covariates : array (R, N, P)
        Intercept and arm among them, as in `imputation_block`.
    strategy : {"MAR", "J2R", "CR", "CIR"}
        How missing outcomes are imputed before the shift.
    reference : int
        Arm that stands for those who stopped, 0 or 1.
    variance : {"jackknife", "rubin"}
        As in `imputation_block`.
    arm_column : int
        Position of the arm among the covariates.
    visit : int
        Position of the visit that is tested.
    shifted : int
        Arm whose imputed outcomes are shifted: 0 control, 1 active.
    alpha : float
        Two-sided level, in (0, 1).

    Returns
    -------
    ndarray (R,)
        In points of the outcome; NaN where no shift tips the trial.

    Raises
    ------
    AnalysisError
        Another arm than 0 or 1 is shifted, or the level is not in (0, 1).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> arm = np.arange(80) % 2
    >>> outcomes = rng.normal(size=(2, 80, 3)) + arm[:, None]
    >>> outcomes[:, ::5, 2] = np.nan
    >>> bool((tipping_point_block(outcomes, np.column_stack([np.ones(80), arm])) < 0).all())
    True
    """
    if shifted not in (0, 1) or not 0.0 < alpha < 1.0:
        raise AnalysisError("shifted must be 0 or 1 and alpha in (0, 1)", value=(shifted, alpha))
    results, covariances, _ = _run(outcomes, covariates, strategy, reference, variance, arm_column, visit)
    slope = SLOPE_CONTROL + shifted
    z2 = critical_value(1.0 - alpha, np.inf) ** 2
    a = results[:, slope] ** 2 - z2 * covariances[:, slope, slope]
    b = results[:, EFFECT] * results[:, slope] - z2 * covariances[:, EFFECT, slope]
    c = results[:, EFFECT] ** 2 - z2 * covariances[:, EFFECT, EFFECT]
    with np.errstate(invalid="ignore", divide="ignore"):
        stable = -(b + np.copysign(np.sqrt(b * b - a * c), b))
        roots = np.stack([stable / a, c / stable])
        roots[~np.isfinite(roots)] = np.nan
        first, second = roots
        nearest = np.where(np.abs(first) <= np.abs(second), first, second)
    return np.asarray(np.where(np.isnan(first), second, np.where(np.isnan(second), first, nearest)))


def _run(
    outcomes: ArrayLike,
    covariates: ArrayLike,
    strategy: str,
    reference: int,
    variance: str,
    arm_column: int,
    visit: int,
) -> tuple[Floats, Floats, Ints]:
    """Return summaries (R, 5), their jackknife covariances (R, 5, 5) and statuses (R,)."""
    values, design = checked_arrays(np.asarray(outcomes), np.asarray(covariates))
    code = strategy_code(strategy)
    if reference not in (0, 1):
        raise AnalysisError("must be 0 (control) or 1 (active)", field="reference", value=reference)
    if variance not in ("jackknife", "information_anchored"):
        raise AnalysisError("must be 'jackknife' or 'information_anchored'", field="variance", value=variance)
    arm_column = position_of(arm_column, design.shape[2], "arm_column")
    if not np.isin(design[..., arm_column], (0.0, 1.0)).all():
        raise AnalysisError("must hold 0 for control and 1 for active", field=f"covariate {arm_column}")
    target = position_of(visit, values.shape[2], "visit")
    plan = _plan(np.ones(design.shape[2], bool), arm_column, reference, code, target)
    replicates = len(values)
    results, covariances = np.full((replicates, 5), np.nan), np.full((replicates, 5, 5), np.nan)
    status = np.zeros(replicates, np.int64)
    anchored = variance == "information_anchored"
    impute_block(values, design, plan, anchored, results, covariances, status)
    stuck = np.flatnonzero(status == SINGULAR)
    keep = np.ones((len(stuck), design.shape[2]), bool)
    others = plan.columns[2:]
    everybody = np.ones((len(stuck), values.shape[1]), bool)
    keep[:, others] = levels_seen(design[stuck % len(design)][..., others], everybody)
    for kept, rows in patterns_of(stuck, keep):
        smaller = np.ascontiguousarray(design[rows % len(design)][..., kept])
        here = _plan(kept, arm_column, reference, code, target)
        again = results[rows], covariances[rows], status[rows]
        impute_block(values[rows], smaller, here, anchored, *again)
        results[rows], covariances[rows], status[rows] = again
    if (status == NON_FINITE).any():
        raise_for_non_finite(values, design)
    failed = status != OK
    results[failed], covariances[failed] = np.nan, np.nan
    return results, covariances, status


def _plan(kept: Bools, arm_column: int, reference: int, strategy: int, target: int) -> Plan:
    """Return the plan for the covariates that are kept, in their positions among these."""
    arm = int(kept[:arm_column].sum())
    others = [column for column in range(1, int(kept.sum())) if column != arm]
    return Plan(arm, np.array([0, arm, *others]), reference, np.full(2, strategy), target)
