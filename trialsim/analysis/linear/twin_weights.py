"""Prognostic adjustment weighted by how sure each placebo twin is of itself.

1. least-squares adjustment, residuals r; 2. regression of log r² on log s², s the predictive standard
deviation of the twin; 3. weighted least squares with w = exp(−fitted), robust standard errors. A twin
whose s says nothing gets a slope near 0, so weights near equal; the robust variance keeps the type I
error whatever the weights. After the abstract of arXiv 2309.14256.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialsim.analysis.linear.block import Slopes, Variance, fit_columns, fit_linear
from trialsim.data import Bools, Estimates, Floats
from trialsim.errors import AnalysisError

_SMALLEST_SHARE = 1e-12


def fit_twin_weighted(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike,
    score_sd: ArrayLike,
    *,
    slopes: Slopes = "common",
    variance: Variance = "hc3",
    strata: ArrayLike | None = None,
    analysis: str = "twin_weighted_adjustment",
) -> Estimates:
    """Return the adjusted difference in means, weighted by the twins' predictive variance.

    Parameters
    ----------
    outcome, arm, covariates, slopes, strata, analysis
        As in `trialsim.analysis.linear.fit_linear`; the prognostic score is among the covariates.
    score_sd : array (R, N)
        Predictive standard deviation of each twin, above 0, in the outcome's unit.
    variance : {"hc0", "hc1", "hc2", "hc3", "hc4"}
        A model-based variance is refused: it would take the estimated weights for known.

    Returns
    -------
    Estimates
        As from `trialsim.analysis.linear.fit_linear`.

    Raises
    ------
    AnalysisError
        If a used standard deviation is not above 0, or the variance is model-based.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> arm, score, sd = np.arange(200) % 2, rng.normal(size=200), rng.uniform(0.5, 4, 200)
    >>> y = score + 0.5 * arm + sd * rng.normal(size=200)
    >>> plain = fit_linear([y], [arm], score[None, :, None])
    >>> weighted = fit_twin_weighted([y], [arm], score[None, :, None], [sd])
    >>> bool(weighted.standard_error[0] < plain.standard_error[0])
    True
    """
    if variance == "model":
        raise AnalysisError(
            "weights estimated from the twins need a robust variance",
            field="variance",
            value=variance,
            mend="use hc3",
        )
    first = fit_columns(outcome, arm, 2, covariates, slopes=slopes, variance="hc0", strata=strata)
    weights = variance_function_weights(first.residuals, np.asarray(score_sd, dtype=np.float64))
    return fit_linear(
        outcome,
        arm,
        covariates,
        slopes=slopes,
        variance=variance,
        weights=weights,
        strata=strata,
        analysis=analysis,
    )


def variance_function_weights(residuals: Floats, score_sd: Floats) -> Floats:
    """Return weights (R, N) of mean 1 from the regression of log r² on log s² in every replicate.

    A squared residual below 1e-12 of its replicate's mean counts as that, so that a residual of 0 does
    not decide the weights. Where there are no residuals, weights are 1.
    """
    if score_sd.shape != residuals.shape:
        raise AnalysisError(
            "has the wrong shape", field="score_sd", value=score_sd.shape, mend="give shape (R, N)"
        )
    seen = ~np.isnan(residuals)
    bad = seen & ~((score_sd > 0) & np.isfinite(score_sd))
    if bad.any():
        replicate, row = (int(i) for i in np.argwhere(bad)[0])
        where = f"participant {row} of replicate {replicate}"
        raise AnalysisError(
            f"is not finite and above 0 for {where}, whose outcome is observed",
            field="score_sd",
            mend="issue a twin for everyone who is analysed",
        )
    count = np.maximum(seen.sum(1, keepdims=True), 1)
    square = np.where(seen, residuals, 0.0) ** 2
    floor = _SMALLEST_SHARE * square.sum(1, keepdims=True) / count
    log_square = np.log(np.where(seen & (floor > 0), np.maximum(square, floor), 1.0))
    log_variance = 2.0 * np.log(np.where(seen, score_sd, 1.0))
    centred = np.where(seen, log_variance - _mean(log_variance, seen, count), 0.0)
    spread = (centred**2).sum(1, keepdims=True)
    slope = np.divide(
        (centred * log_square).sum(1, keepdims=True), spread, out=np.zeros_like(spread), where=spread > 0
    )
    weights = np.where(seen, np.exp(-slope * centred), 1.0)
    return np.asarray(weights / np.where(seen.any(1, keepdims=True), _mean(weights, seen, count), 1.0))


def _mean(values: Floats, seen: Bools, count: np.ndarray) -> Floats:
    return np.asarray(np.where(seen, values, 0.0).sum(1, keepdims=True) / count)
