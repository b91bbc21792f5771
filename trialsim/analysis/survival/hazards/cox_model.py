r"""Cox regression of two arms with few covariates, stratified or not.

.. math:: \ell(β) = \sum_{deaths} \Big( β'x_i - \log \sum_{j\ at\ risk} e^{β'x_j} \Big)

with Efron's or Breslow's correction for ties. The robust standard error is Lin and Wei's sandwich
(1989, JASA 84:1074) of score residuals, without a small-sample factor, as in R's survival; it is too small
where few participants have most of the covariates' leverage, and ``"corrected"`` is right there
(`small_samples_kernel`). Newton's method stops where R's does, at a change of the log likelihood below 1e-9
of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.one_trial.deciding import raise_unless_decided, wald_or_score
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.ratios import RatioResult
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.survival.block import (
    COMMON_REASONS,
    Labels,
    SurvivalBlock,
    centred,
    read_block,
    read_choice,
)
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.hazards.cox_decision_kernel import fit_delayed, fit_replicates, fit_rows
from trialsim.analysis.survival.hazards.cox_exact_kernel import fit_exact
from trialsim.analysis.survival.hazards.small_samples_kernel import correct_replicates
from trialsim.analysis.survival.sweep import common_status
from trialsim.data import STATUS_OK, Estimates, Floats
from trialsim.errors import AnalysisError

Ties = Literal["efron", "breslow", "exact"]
Variance = Literal["model", "robust", "corrected"]
TIES, VARIANCES = ("efron", "breslow", "exact"), ("model", "robust", "corrected")
REASONS = (*COMMON_REASONS, "collinear_covariate", "infinite_coefficient", "not_converged", "no_variance")
NO_VARIANCE = len(REASONS) - 1

_ROUNDING = 1e-16  # variance of a log ratio that only rounding leaves


@dataclass(frozen=True)
class CoxFits:
    """Every number of a batch of fits; the first coefficient is the arm's.

    Parameters
    ----------
    coefficients : ndarray (R, 1 + P)
        Log hazard ratios.
    covariance : ndarray (R, 1 + P, 1 + P)
        Of the asked kind.
    df : ndarray (R, 1 + P)
        Degrees of freedom of the coefficients; infinite unless the sandwich is corrected for small samples.
    tests : ndarray (R, 3)
        Log partial likelihood at 0 and at the estimate, and the score test's chi-square.
    score : ndarray (R,)
        Model-based score z of no effect of the arm, beside the covariates, where the fit failed.
    status : ndarray of int8 (R,)
        Position in `REASONS`.
    """

    coefficients: Floats
    covariance: Floats
    df: Floats
    tests: Floats
    score: Floats
    status: Labels


def fit_cox(block: SurvivalBlock, ties: str = "efron", variance: str = "robust") -> CoxFits:
    """Fit arm and covariates in every replicate of a block."""
    return fit_columns(block, block.arm[:, :, None].astype(np.float64), ties, variance)


def fit_columns(block: SurvivalBlock, arms: Floats, ties: str, variance: str) -> CoxFits:
    """Fit indicators of arms (R, N, A − 1), and then the covariates, in every replicate of a block."""
    read_choice("ties", ties, TIES)
    asked = min(VARIANCES.index(read_choice("variance", variance, VARIANCES)), 1)
    if ties == "exact" and variance != "model":
        raise AnalysisError(
            "a sandwich does not exist with exact ties", field="variance", value=variance,
            mend="use variance model",
        )  # fmt: skip
    X = centred(np.concatenate([arms, block.covariates], axis=2))
    scale = np.abs(X).max(axis=1, keepdims=True)
    scale[scale == 0] = 1.0
    R, _, P = X.shape
    beta, tests = np.zeros((R, P)), np.zeros((R, 3))
    covariances, score, df = np.zeros((2, R, P, P)), np.full((R, 2), np.nan), np.full((R, P), np.inf)
    status = common_status(block.event, block.arm)
    found = (beta, *covariances, tests, score, status)
    if ties == "exact":
        _fit_exact(block, X / scale, *found)
    elif block.entry is not None:
        fit_delayed(
            block.entry, block.time, block.event, block.stratum, block.strata, X / scale, ties == "efron",
            *found,
        )  # fmt: skip
    else:
        fit_replicates(
            block.time, block.event, block.stratum, block.strata, X / scale, block.order(),
            ties == "efron", *found,
        )  # fmt: skip
    if variance == "corrected":
        start = np.full_like(block.time, -1.0) if block.entry is None else block.entry
        correct_replicates(
            start, block.time, block.event, block.stratum, block.strata, X / scale, ties == "efron",
            beta, covariances[asked], df, score, status,
        )  # fmt: skip
    unit = scale[:, 0, :]
    status = refuse_no_variance(status, covariances[asked])
    failed = status != STATUS_OK
    beta[failed], covariances[:, failed], df[failed] = np.nan, np.nan, np.nan
    covariance = covariances[asked] / (unit[:, :, None] * unit[:, None, :])
    return CoxFits(beta / unit, covariance, df, tests, score[:, 0], status)


def _fit_exact(
    block: SurvivalBlock, X: Floats, beta: Floats, model: Floats, robust: Floats, tests: Floats,
    score: Floats, status: Labels,
) -> None:  # fmt: skip
    """Fill the fits with exact ties; where they fail, the score test with Efron's ties stands in."""
    start = np.full_like(block.time, -1.0) if block.entry is None else block.entry
    for r in range(len(X)):
        if status[r] != STATUS_OK:
            continue
        one = (start[r], block.time[r], block.event[r])
        status[r] = fit_exact(*one, block.stratum[r].astype(np.float64), X[r], beta[r], model[r], tests[r])
        if status[r] != STATUS_OK:
            spare = np.zeros_like(beta[r]), np.zeros_like(model[r]), np.zeros_like(model[r]), np.zeros(3)
            rows = np.arange(len(start[r]))
            fit_rows(*one, block.stratum[r], block.strata, X[r], rows, len(rows), True, *spare, score[r])


def refuse_no_variance(status: Labels, covariance: Floats) -> Labels:
    """Return the status, changed where a fit's residuals (R, P, P) leave the arm no variance at all."""
    nothing = ~(covariance[:, 0, 0] > _ROUNDING)
    return np.where((status == STATUS_OK) & nothing, NO_VARIANCE, status).astype(np.int8)


def cox_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    variance: Variance = "robust",
    entry: ArrayLike | None = None,
) -> Estimates:
    """Estimate the log hazard ratio in every replicate of a block.

    Parameters
    ----------
    time, event, arm, strata, entry : array (R, N)
        As in `log_rank_block`.
    covariates : array (R, N, P), optional
        Adjusted for as linear terms.
    ties : str
        ``"efron"``, ``"breslow"`` or ``"exact"`` (which of those at risk died, if time is discrete).
    variance : str
        ``"robust"`` (Lin–Wei), ``"corrected"`` (the same for small samples, with Student's t, as in
        `lwyy_block`) or ``"model"`` (inverse information).

    Returns
    -------
    Estimates
        Log hazard ratio, active over control, and Wald z. Wald's test decides; where the fit fails (an arm
        without events, separation), the model-based score test, which is the log-rank test but for ties
        and covariates (`Estimates.decision`). A covariate that the others determine in a replicate, such as
        the indicator of a level that nobody has, is left out.

    Raises
    ------
    AnalysisError
        If the arrays or options cannot be read.

    Examples
    --------
    >>> time, arm = [[10, 20, 30, 10, 20, 50]], [[1, 1, 1, 0, 0, 0]]
    >>> cox_block(time, [[1] * 6], arm, variance="model").estimate.round(4)
    array([0.4055])
    """
    return _estimates(fit_cox(read_block(time, event, arm, strata, covariates, entry=entry), ties, variance))


def _estimates(fits: CoxFits) -> Estimates:
    error = np.sqrt(fits.covariance[:, 0, 0])
    found = normal_estimates(
        "Cox regression", fits.coefficients[:, 0], error, fits.status, REASONS, df=fits.df[:, 0]
    )
    return wald_or_score(found, fits.score)


@dataclass(frozen=True, repr=False)
class CoxResult(RatioResult):
    """A Cox regression of one trial: log hazard ratios; see `RatioResult` for the fields besides these.

    Parameters
    ----------
    log_likelihood : tuple of (float, float)
        At 0 and at the estimate.
    score_chi_square : float
        Score test of all coefficients.
    df : ndarray (1 + P,)
        Degrees of freedom of the coefficients' tests; infinite unless the variance is corrected.
    method : str
        Ties, variance and strata in words.
    """

    ratio = "hazard_ratio"

    log_likelihood: tuple[float, float]
    score_chi_square: float
    df: Floats
    method: str

    def _degrees_of_freedom(self) -> Floats:
        return self.df

    def _title(self) -> str:
        return f"Cox regression; {self.compared}"

    def _facts(self) -> Facts:
        ratio = 2.0 * (self.log_likelihood[1] - self.log_likelihood[0])
        return {
            "method": f"{self.method}; {self.level:.0%} intervals",
            "likelihood ratio": self._chi_square(ratio),
            "score test": self._chi_square(self.score_chi_square),
        }

    def _chi_square(self, value: float) -> str:
        degrees = len(self.names)
        p_value = float(special.chdtrc(degrees, value))
        return f"chi-square {number(value)} on {degrees} df, p {p_text(p_value)}"

    def _tables(self) -> Tables:
        return {"Coefficients": self.to_frame()}


def cox(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    strata: Columns | None = None,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    ties: Ties = "efron",
    variance: Variance = "robust",
    level: float = 0.95,
) -> CoxResult:
    """Estimate the hazard ratio of two arms by Cox regression.

    Parameters
    ----------
    data, time, event, arm, strata, entry, control, active, level
        As in `log_rank`.
    covariates : str or sequence of str, optional
        Columns adjusted for; labels become an indicator of each level but the first.
    ties : str
        ``"efron"``, ``"breslow"`` or ``"exact"`` (which of those at risk died, if time is discrete).
    variance : str
        As in `cox_block`.

    Returns
    -------
    CoxResult
        Prints every coefficient.

    Raises
    ------
    AnalysisError
        If the data cannot be read, a covariate is collinear (named), or a coefficient is infinite.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [10, 20, 30, 10, 20, 50], "e": 1, "arm": list("aaabbb")})
    >>> fit = cox(data, time="t", event="e", arm="arm", control="b", variance="model")
    >>> fit.coefficients.round(4), fit.standard_errors.round(4)
    (array([0.4055]), array([0.9129]))
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, covariates=covariates, control=control,
        active=active, entry=entry,
    )  # fmt: skip
    fits = fit_cox(frame.block, ties, variance)
    estimates = _estimates(fits)
    raise_unless_decided(estimates, arm)
    by_t = f" (Student's t with {fits.df[0, 0]:.1f} df)" if np.isfinite(fits.df[0, 0]) else ""
    stratified = f", {frame.block.strata} strata" if frame.block.strata > 1 else ""
    return CoxResult(
        estimates=estimates,
        names=(f"{arm}[{frame.pair[1]}]", *frame.covariates),
        coefficients=fits.coefficients[0],
        covariance=fits.covariance[0],
        log_likelihood=(float(fits.tests[0, 0]), float(fits.tests[0, 1])),
        score_chi_square=float(fits.tests[0, 2]),
        df=fits.df[0],
        arms=frame.pair,
        method=f"{ties.capitalize()} ties, {variance} variance{by_t}{stratified}",
        level=check_level(level),
    )
