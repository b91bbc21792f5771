r"""Linear models of a block of trials: unadjusted, ANCOVA, ANHECOVA, with robust standard errors.

The estimand is the difference in mean outcome, active minus control. Notation: D design, r residuals,
h leverages, w weights, n analysed participants, p columns.

.. math:: V = (D'WD)^{-1} D' W \, diag(r_i^2 c_i) \, W D (D'WD)^{-1}

with c = 1 (HC0), n/(n−p) (HC1), 1/(1−h_i) (HC2), 1/(1−h_i)² (HC3),
(1−h_i)^−min(4, n h_i/p) (HC4). With interacted slopes the covariates
are centred at their mean over both arms, and (β1−β0)' S_X (β1−β0)/n is added, because that centre is
estimated. Least squares reaches the semiparametric robustness of Lin (2013, Ann. Appl. Stat. 7:295) and
Ye, Shao, Yi, Zhao (2022, JASA 118:2370); HC as in MacKinnon and White (1985, J. Econometrics 29:305).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from trialsim.analysis.linear import kernel
from trialsim.analysis.linear.safety import warn_where_unsafe
from trialsim.analysis.linear.score_kernel import linear_score_tests
from trialsim.analysis.one_trial.deciding import decide, deviate, own
from trialsim.analysis.one_trial.empty_levels import without_empty_levels
from trialsim.data import Bools, Estimates, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

Slopes = Literal["common", "interacted"]
Variance = Literal["hc0", "hc1", "hc2", "hc3", "hc4", "model"]
Randomisation = Literal["simple", "permuted_blocks"]

VARIANCES = {"hc0": 0, "hc1": 1, "hc2": 2, "hc3": 3, "hc4": 4, "model": kernel.MODEL_BASED}


@dataclass(frozen=True)
class LinearFits:
    """Every number of a batch of least-squares fits.

    Parameters
    ----------
    coefficients : ndarray (R, K)
        Intercept, arm effects, centred covariates, arm × covariate, strata. NaN where the fit failed.
    covariance : ndarray (R, K, K)
        Their covariance, of the asked kind.
    means : ndarray (R, P + 1)
        Means of the covariates over the analysed participants, then of the outcome.
    residuals : ndarray (R, N)
        NaN where not analysed.
    df : ndarray (R,)
        Analysed participants minus columns.
    status : ndarray of int8 (R,)
        Position in `linear_kernel.REASONS`.
    dependent : ndarray of int64 (R,)
        The first column that depends on those before it, where collinear.
    """

    coefficients: Floats
    covariance: Floats
    means: Floats
    residuals: Floats
    df: Floats
    status: NDArray[np.int8]
    dependent: NDArray[np.int64]


def fit_linear(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    slopes: Slopes = "common",
    variance: Variance = "hc3",
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    randomisation: Randomisation = "simple",
    analysis: str = "ancova",
) -> Estimates:
    """Return the adjusted difference in means of every replicate, active minus control.

    Parameters
    ----------
    outcome : array (R, N)
        Outcomes; NaN where missing: such a participant is left out of that replicate.
    arm : array of int (R, N)
        0 control, 1 active.
    covariates : array (R, N, P), optional
        Baseline covariates and prognostic scores; finite wherever the outcome is observed.
    slopes : {"common", "interacted"}
        One slope a covariate, or one a covariate and arm (ANHECOVA).
    variance : {"hc0", "hc1", "hc2", "hc3", "hc4", "model"}
        Kind of standard error. "model" is unsafe where arms are of unequal size and spread.
    weights : array (R, N), optional
        Weights above 0 of weighted least squares.
    strata : array of int (R, N), optional
        Stratum of each participant from 0; strata are main effects. A level that nobody has is no column.
    randomisation : {"simple", "permuted_blocks"}
        With permuted blocks within the strata, what the blocks fix is taken off the robust variance.
    analysis : str
        Name carried into the result.

    Returns
    -------
    Estimates
        Student's t with n − columns degrees of freedom. Named statuses: too_few_participants (no
        degree of freedom, or an arm of one), arm_empty, collinear_covariate, constant_outcome,
        full_leverage (HC2 to HC4 where one participant alone fixes the effect) and
        no_residual_variance (the model fits perfectly). After these two and collinear_covariate the score
        test of the arm decides, if there is one: Student's t of the model without the arm. Levels that
        nobody in a replicate has are left out.

    Raises
    ------
    AnalysisError
        If shapes or arms do not fit together, or a used value is not finite.

    Warns
    -----
    UnsafeStandardErrorWarning
        If the variance is model-based, and arms of unequal size differ in residual spread.

    Examples
    --------
    >>> y = [[1.0, 2.0, 3.0, 3.0, 5.0, float("nan")]]
    >>> unadjusted = fit_linear(y, [[0, 0, 0, 1, 1, 1]], variance="model", analysis="unadjusted")
    >>> print(unadjusted.estimate, unadjusted.df)
    [2.] [3.]
    """

    def fit(rows: Ints | slice, x: ArrayLike | None) -> Estimates:
        y, a, w, z = (
            None if one is None else np.asarray(one)[rows] for one in (outcome, arm, weights, strata)
        )
        assert y is not None
        assert a is not None
        fits = fit_columns(
            y, a, 2, x, slopes=slopes, variance=variance, weights=w, strata=z, randomisation=randomisation
        )
        if variance == "model" and fits.residuals.size:
            warn_where_unsafe(fits.residuals, a, 2)
        found = as_estimates(
            analysis, fits.coefficients[:, 1], fits.covariance[:, 1, 1], fits.df, fits.status
        )
        return decide(found, {"t": own(found), "score": _score_deviates(fits.status, y, a, x, z, w)})

    found = fit(slice(None), covariates)
    return without_empty_levels(found, covariates, ~np.isnan(np.asarray(outcome, dtype=np.float64)), fit)


def _score_deviates(
    status: NDArray[np.int8],
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None,
    strata: ArrayLike | None,
    weights: ArrayLike | None,
) -> Floats:
    """Return the normal deviate of the score test of the arm where the data are too extreme for a fit."""
    t, df = np.full(len(status), np.nan), np.full(len(status), np.nan)
    extreme = np.flatnonzero(np.isin(status, kernel.WITHOUT_ESTIMATE))
    if len(extreme):
        y = for_kernel(outcome, dtype=np.float64)
        linear_score_tests(
            extreme, y, for_kernel(arm, dtype=np.int8),
            np.empty((*y.shape, 0)) if covariates is None else for_kernel(covariates, np.float64),
            strata_array(strata, y.shape)[0],
            np.empty((0, 0)) if weights is None else for_kernel(weights, dtype=np.float64),
            t, df,
        )  # fmt: skip
    return deviate(2.0 * special.stdtr(df, -np.abs(t)), t)


def as_estimates(
    analysis: str, estimate: Floats, variance: Floats, df: Floats, status: NDArray[np.int8]
) -> Estimates:
    """Return estimates with two-sided Student p values; NaN wherever the fit failed."""
    failed = status != kernel.OK
    estimate, df = np.where(failed, np.nan, estimate), np.where(failed, np.nan, df)
    standard_error = np.sqrt(np.where(failed, np.nan, variance))
    statistic = estimate / standard_error
    p_value = 2.0 * special.stdtr(df, -np.abs(statistic))
    return Estimates(analysis, estimate, standard_error, df, statistic, p_value, status, kernel.REASONS)


def fit_columns(
    outcome: ArrayLike,
    arm: ArrayLike,
    arms: int,
    covariates: ArrayLike | None = None,
    *,
    slopes: Slopes = "common",
    interact: Bools | None = None,
    variance: Variance = "hc3",
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    strata_in_model: bool = True,
    randomisation: Randomisation = "simple",
) -> LinearFits:
    """Return all coefficients of every replicate, for any number of arms; arm 0 is the control.

    As `fit_linear`, but `interact` (P,) can pick the covariates with a slope an arm, and strata can be
    used for the permuted blocks alone.
    """
    check_choice("slopes", slopes, ("common", "interacted"))
    check_choice("variance", variance, tuple(VARIANCES))
    check_choice("randomisation", randomisation, ("simple", "permuted_blocks"))
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    a = label_array("arm", arm, (R, N), arms, np.int8)
    x = np.empty((R, N, 0)) if covariates is None else block_array("covariates", covariates, 3, (R, N))
    w = np.empty((0, 0)) if weights is None else block_array("weights", weights, 2, (R, N))
    z, levels = strata_array(strata, (R, N))
    P = x.shape[2]
    interact = np.full(P, slopes == "interacted") if interact is None else interact
    permuted = randomisation == "permuted_blocks"
    _check_blocks(permuted, variance, levels, w)
    in_model = strata_in_model and levels > 1
    K = arms + P + int(interact.sum()) * (arms - 1) + (levels - 1 if in_model else 0)
    fits = LinearFits(
        np.full((R, K), np.nan),
        np.full((R, K, K), np.nan),
        np.empty((R, P + 1)),
        np.full((R, N), np.nan),
        np.empty(R),
        np.zeros(R, np.int8),
        np.full(R, -1, np.int64),
    )
    y, a, x, interact, z, w = (for_kernel(one) for one in (y, a, x, interact, z, w))
    kernel.fit_replicates(
        y, a, arms, x, interact, z, levels, in_model, w, VARIANCES[variance], permuted,
        fits.coefficients, fits.covariance, fits.means, fits.residuals, fits.df, fits.status, fits.dependent,
    )  # fmt: skip
    if (fits.status == kernel.NOT_FINITE).any():
        raise not_finite(y, x, w)
    return fits


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a choice that is not among the allowed ones."""
    if value not in allowed:
        raise AnalysisError(
            "is not a known choice", field=name, value=value, mend=f"use one of {', '.join(allowed)}"
        )


def _check_blocks(permuted: bool, variance: str, levels: int, weights: Floats) -> None:
    if permuted and levels < 1:
        raise AnalysisError(
            "permuted blocks need the strata", field="strata", mend="give the strata of randomisation"
        )
    if permuted and (variance == "model" or weights.size):
        raise AnalysisError(
            "permuted blocks are accounted for in robust, unweighted variances only",
            field="randomisation",
            mend="ask for variance hc0 to hc4 without weights, or for simple randomisation",
        )


def block_array(name: str, values: ArrayLike, axes: int, shape: tuple[int, int] | None = None) -> Floats:
    """Return an array of floats (R, N) or (R, N, P), or refuse its shape."""
    block = for_kernel(values, dtype=np.float64)
    if block.ndim != axes or (shape is not None and block.shape[:2] != shape):
        wanted = ("(R, N, P)" if axes == 3 else "(R, N)") if shape is None else f"{shape} in front"
        raise AnalysisError("has the wrong shape", field=name, value=block.shape, mend=f"give shape {wanted}")
    return block


def label_array(name: str, values: ArrayLike, shape: tuple[int, int], levels: int, kind: Any) -> NDArray[Any]:
    """Return whole numbers from 0 to levels - 1 (R, N), or refuse them."""
    given = np.asarray(values)
    if given.shape != shape:
        raise AnalysisError("has the wrong shape", field=name, value=given.shape, mend=f"give shape {shape}")
    labels = for_kernel(given, dtype=kind)
    if labels.size and (labels.min() < 0 or labels.max() >= levels or not np.array_equal(labels, given)):
        raise AnalysisError(
            "has labels that are no whole number from 0", field=name, mend=f"number them 0 to {levels - 1}"
        )
    return labels


def strata_array(strata: ArrayLike | None, shape: tuple[int, int]) -> tuple[NDArray[Any], int]:
    """Return the strata (R, N) and their number; an empty array and 0 if there are none."""
    if strata is None:
        return np.empty((0, 0), np.int64), 0
    given = np.asarray(strata)
    levels = int(np.nanmax(given, initial=0)) + 1
    return label_array("strata", given, shape, levels, np.int64), levels


def not_finite(outcome: Floats, covariates: Floats, weights: Floats) -> AnalysisError:
    """Return the error that names the first analysed value that cannot be used, by position."""
    seen = ~np.isnan(outcome)
    bad = {"outcome": np.isinf(outcome) & seen}
    for k in range(covariates.shape[2]):
        bad[f"covariates[{k}]"] = ~np.isfinite(covariates[:, :, k]) & seen
    if weights.size:
        bad["weights"] = ~((weights > 0) & np.isfinite(weights)) & seen
    for name, where in bad.items():
        if where.any():
            replicate, row = (int(i) for i in np.argwhere(where)[0])
            need = "finite and above 0" if name == "weights" else "finite"
            return AnalysisError(
                f"is not {need} for participant {row} of replicate {replicate}, whose outcome is observed",
                field=name,
                mend="mend or impute it, or set the outcome to missing",
            )
    return AnalysisError("is too large to sum", field="outcome", mend="use another unit")
