r"""Odds ratio of an ordinal outcome by proportional odds regression.

.. math:: \mathrm{logit}\, P(Y > c \mid x) = -α_c + x'β, \qquad c = 0, …, C-2

so that :math:`e^{β}` is the odds ratio of a higher category, whatever the cut (McCullagh 1980, J. R. Stat.
Soc. B 42:109). The model-based covariance is the inverse observed information; the robust one puts the
score products in between (White 1982), for odds that are not proportional. The score test of two arms
without covariates is Wilcoxon's: its χ² is n/(n − 1) times that of the rank sum with midranks (Whitehead
1993, Stat. Med. 12:2257).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from trialsim.analysis.linear import kernel as linear_kernel
from trialsim.analysis.linear.block import block_array, check_choice, label_array, not_finite
from trialsim.analysis.one_trial.deciding import decide, own
from trialsim.analysis.one_trial.empty_levels import without_empty_levels
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.ordinal import odds_kernel as kernel
from trialsim.analysis.ordinal.odds_score_kernel import score_replicates
from trialsim.analysis.ordinal.small_samples import exact_where
from trialsim.data import STATUS_OK, Bools, Estimates, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

OddsVariance = Literal["model", "robust"]
OddsTest = Literal["wald", "score"]

MOST_CATEGORIES = 50


@dataclass(frozen=True)
class OddsFits:
    """Every number of a batch of fits.

    Parameters
    ----------
    coefficients : ndarray (R, A - 1 + P)
        Log odds ratios of a higher category: arms against the control, covariates. NaN where the fit failed.
    covariance : ndarray (R, A - 1 + P, A - 1 + P)
        Of the asked kind.
    category : ndarray of int64 (R, N)
        Category of each participant from 0, -1 where missing.
    status : ndarray of int8 (R,)
        Position in `odds_kernel.REASONS`.
    dependent : ndarray of int64 (R,)
        The first coefficient whose column depends on those before it, where collinear.
    """

    coefficients: Floats
    covariance: Floats
    category: Ints
    status: NDArray[np.int8]
    dependent: Ints


def proportional_odds_block(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    test: OddsTest = "wald",
    variance: OddsVariance = "model",
    analysis: str = "proportional odds",
) -> Estimates:
    """Estimate the log odds ratio of a higher category in every replicate of a block.

    Parameters
    ----------
    outcome : array (R, N)
        Ordered categories as numbers, at most 50 of them; NaN where missing: such a participant is left
        out of that replicate.
    arm : array of int (R, N)
        0 control, 1 active.
    covariates : array (R, N, P), optional
        Baseline covariates and indicators of strata; finite wherever the outcome is observed.
    test : {"wald", "score"}
        Whence statistic and p value come; the estimate is that of maximum likelihood in either case.
    variance : {"model", "robust"}
        Inverse observed information, or sandwich. The score test is model-based.
    analysis : str
        Name carried into the result.

    Returns
    -------
    Estimates
        Log odds ratio of a higher category, active over control. Named statuses: too_few_participants,
        arm_empty, collinear_covariate, constant_outcome, not_converged, no_residual_variance,
        infinite_coefficient (the categories of the arms, or of a covariate, do not overlap). What decides is
        the first that exists of: wald (unless the score test is asked for), exact (the rank test, where an
        arm has fewer than 10 participants and there are no covariates), score, wilcoxon (the score test
        without the covariates). Levels that nobody in a replicate has are left out.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read, or there are too many categories.

    Examples
    --------
    >>> grade = [[0, 1, 1, 2, 0, 1, 2, 2, 2, 1]]
    >>> odds = proportional_odds_block(grade, [[0] * 5 + [1] * 5])
    >>> odds.estimate.round(4), odds.standard_error.round(4)
    (array([2.2443]), array([1.4156]))
    """
    check_test(test, variance)

    def fit(rows: Ints | slice, x: ArrayLike | None) -> Estimates:
        y, a = np.asarray(outcome)[rows], np.asarray(arm)[rows]
        fits = fit_odds(y, a, 2, x, variance=variance)
        return odds_estimates(fits, a, None if x is None else np.asarray(x), test=test, analysis=analysis)

    seen = ~np.isnan(np.asarray(outcome, dtype=np.float64))
    return without_empty_levels(fit(slice(None), covariates), covariates, seen, fit)


def check_test(test: OddsTest, variance: OddsVariance) -> None:
    """Refuse an unknown test, and a robust score test."""
    check_choice("test", test, ("wald", "score"))
    if test == "score" and variance == "robust":
        raise AnalysisError(
            "the score test is model-based", field="variance", value=variance, mend="ask for the Wald test"
        )


def fit_odds(
    outcome: ArrayLike,
    arm: ArrayLike,
    arms: int,
    covariates: ArrayLike | None = None,
    *,
    variance: OddsVariance = "model",
) -> OddsFits:
    """Return all log odds ratios of every replicate, for any number of arms, as `proportional_odds_block`."""
    check_choice("variance", variance, ("model", "robust"))
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    a = label_array("arm", arm, (R, N), arms, np.int8)
    x = np.empty((R, N, 0)) if covariates is None else block_array("covariates", covariates, 3, (R, N))
    if np.isinf(y).any():
        raise not_finite(y, x, np.empty((0, 0)))
    category, categories = _categories(y)
    K = arms - 1 + x.shape[2]
    fits = OddsFits(
        np.full((R, K), np.nan),
        np.full((R, K, K), np.nan),
        category,
        np.zeros(R, np.int8),
        np.full(R, -1, np.int64),
    )
    kernel.fit_replicates(
        category, categories, a, arms, x, variance == "robust",
        fits.coefficients, fits.covariance, fits.status, fits.dependent,
    )  # fmt: skip
    if (fits.status == linear_kernel.NOT_FINITE).any():
        raise not_finite(y, x, np.empty((0, 0)))
    return fits


def odds_estimates(
    fits: OddsFits,
    arm: NDArray[np.int8],
    covariates: Floats | None,
    *,
    test: OddsTest = "wald",
    analysis: str = "proportional odds",
) -> Estimates:
    """Return the log odds ratio of two arms and the test that decides: see `proportional_odds_block`."""
    nothing = np.empty((*arm.shape, 0))
    failed = np.flatnonzero(np.isin(fits.status, kernel.WITHOUT_ESTIMATE))
    which = (
        failed
        if test == "wald"
        else np.flatnonzero((fits.status == STATUS_OK) | np.isin(fits.status, kernel.WITHOUT_ESTIMATE))
    )
    score, unadjusted = np.full(len(arm), np.nan), np.full(len(arm), np.nan)
    categories = int(fits.category.max(initial=0)) + 1
    a = for_kernel(arm, dtype=np.int8)
    x = nothing if covariates is None else for_kernel(covariates, dtype=np.float64)
    separated = np.zeros(len(arm), np.bool_)
    score_replicates(which, fits.category, categories, a, x, score, separated)
    rest = np.flatnonzero(separated & (fits.status != linear_kernel.COLLINEAR_COVARIATE))
    score_replicates(rest, fits.category, categories, a, nothing, unadjusted, separated)
    values = np.where(fits.category < 0, np.nan, fits.category.astype(np.float64))
    # Too few to estimate odds and cuts may still be ranked.
    few = np.flatnonzero((fits.status == linear_kernel.TOO_FEW_PARTICIPANTS) & _both_seen(values, a))
    exact = exact_where(np.union1d(which, few) if x.shape[2] == 0 else which[:0], values, a)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(fits.covariance[:, 0, 0])
    found = normal_estimates(
        analysis, fits.coefficients[:, 0], error, fits.status, kernel.REASONS,
        score if test == "score" else None,
    )  # fmt: skip
    rule = {"exact": exact, "score": score, "wilcoxon": unadjusted}
    if test == "wald":
        return decide(found, {"wald": own(found)} | rule)
    small = ~np.isnan(exact) & (fits.status == STATUS_OK)
    p_value = np.where(small, 2.0 * special.ndtr(-np.abs(exact)), found.p_value)
    return decide(replace(found, p_value=p_value), rule)


def _both_seen(values: Floats, arm: NDArray[np.int8]) -> Bools:
    """Return whether each replicate has participants with an outcome in both arms (R,)."""
    seen = ~np.isnan(values)
    return np.asarray((seen & (arm == 0)).any(axis=1) & (seen & (arm == 1)).any(axis=1))


def _categories(outcome: Floats) -> tuple[Ints, int]:
    """Return the category of each participant (R, N) from 0, -1 where missing, and their number."""
    seen = ~np.isnan(outcome)
    levels, codes = np.unique(outcome[seen], return_inverse=True)
    if len(levels) > MOST_CATEGORIES:
        raise AnalysisError(
            f"has more than {MOST_CATEGORIES} categories",
            field="outcome",
            value=len(levels),
            mend="use the probabilistic index, which takes any number",
        )
    category = np.full(outcome.shape, -1, np.int64)
    category[seen] = codes
    return category, max(len(levels), 1)
