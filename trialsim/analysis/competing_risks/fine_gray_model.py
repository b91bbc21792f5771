r"""Subdistribution hazard ratio of one cause among competing ones, by Fine and Gray's regression.

.. math:: λ^*(t \mid x) = λ^*_0(t) e^{β'x}, \qquad F_1(t \mid x) = 1 - e^{-\int_0^t λ^*}

Who had another event at T stays at risk with the weight :math:`G(t-)/G(T-)`, G the Kaplan–Meier of
censoring. The sandwich holds each participant's score residual and what they move by way of G, as in R's
cmprsk; ties as Breslow. Fine and Gray (1999), JASA 94:496.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.competing_risks.fine_gray_kernel import fit_replicates
from trialsim.analysis.competing_risks.gray import count_events
from trialsim.analysis.one_trial.deciding import raise_unless_decided, wald_or_score
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Tables
from trialsim.analysis.one_trial.ratios import RatioResult
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.survival.block import Labels, SurvivalBlock, centred, read_block, read_choice
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.hazards.cox_model import REASONS, refuse_no_variance
from trialsim.analysis.survival.sweep import common_status
from trialsim.data import STATUS_OK, Estimates, Floats

Censoring = Literal["pooled", "by_arm"]
CENSORINGS = ("pooled", "by_arm")


def fine_gray_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    censoring: Censoring = "pooled",
) -> Estimates:
    """Estimate the log subdistribution hazard ratio in every replicate of a block.

    Parameters
    ----------
    time, arm : array (R, N)
        As in `log_rank_block`.
    event : array (R, N)
        0 for censored, 1 for the cause of interest, 2 for any other cause.
    covariates : array (R, N, P), optional
        Adjusted for as linear terms.
    censoring : str
        Whether G is that of everybody (``"pooled"``, the custom) or of each arm (``"by_arm"``). Pooled, the
        estimate is biased where the arms are censored at different rates.

    Returns
    -------
    Estimates
        Log subdistribution hazard ratio, active over control, and Wald z. Named statuses: no_events,
        arm_empty, collinear_covariate, infinite_coefficient, not_converged, no_variance. Wald's test decides;
        where the fit fails, the score test with the same sandwich (`Estimates.decision`). A covariate that
        the others determine in a replicate is left out.

    Raises
    ------
    AnalysisError
        If the arrays or options cannot be read.

    Examples
    --------
    >>> event = [[1, 2, 1, 1, 2, 0, 1, 0]]
    >>> fine_gray_block([range(1, 9)], event, [[0, 1] * 4]).estimate.round(4)
    array([-1.3636])
    """
    return _fit(read_block(time, event, arm, None, covariates, causes=2), censoring).estimates()


@dataclass(frozen=True)
class FineGrayFits:
    """Coefficients (R, 1 + P), their covariance, the sandwich score z (R,) of failed fits, and statuses."""

    coefficients: Floats
    covariance: Floats
    score: Floats
    status: Labels

    def estimates(self) -> Estimates:
        """Return what the fits say of the arm."""
        error = np.sqrt(self.covariance[:, 0, 0])
        found = normal_estimates("Fine–Gray", self.coefficients[:, 0], error, self.status, REASONS)
        return wald_or_score(found, self.score)


def _fit(block: SurvivalBlock, censoring: str) -> FineGrayFits:
    """Fit arm and covariates in every replicate of a block."""
    by_arm = read_choice("censoring", censoring, CENSORINGS) == "by_arm"
    X = np.concatenate([block.arm[:, :, None].astype(np.float64), block.covariates], axis=2)
    X = centred(X)
    scale = np.abs(X).max(axis=1, keepdims=True)
    scale[scale == 0] = 1.0
    R, _, K = X.shape
    beta, covariance = np.zeros((R, K)), np.zeros((R, K, K))
    score = np.full((R, 2), np.nan)
    status = common_status(block.event, block.arm)
    fit_replicates(
        block.time, block.event, block.arm if by_arm else np.zeros_like(block.arm), 2 if by_arm else 1,
        X / scale, block.order(), beta, covariance, score, status,
    )  # fmt: skip
    status = refuse_no_variance(status, covariance)
    failed = status != STATUS_OK
    beta[failed], covariance[failed] = np.nan, np.nan
    unit = scale[:, 0, :]
    return FineGrayFits(beta / unit, covariance / (unit[:, :, None] * unit[:, None, :]), score[:, 1], status)


@dataclass(frozen=True, repr=False)
class FineGrayResult(RatioResult):
    """A Fine–Gray regression of one trial; see `RatioResult` for the fields besides these.

    Parameters
    ----------
    cause : str
        The cause of interest.
    censoring : str
        "pooled" or "by_arm".
    events : DataFrame
        Participants and events by kind of each arm.
    """

    ratio = "subdistribution_hazard_ratio"

    cause: str
    censoring: str
    events: pd.DataFrame

    def _title(self) -> str:
        return f"Fine–Gray regression of cause {self.cause}; {self.compared}"

    def _facts(self) -> Facts:
        return {"censoring": self.censoring.replace("_", " "), "intervals": f"{self.level:.0%}"}

    def _tables(self) -> Tables:
        return {"Events": self.events, "Coefficients": self.to_frame()}


def fine_gray(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    cause: object,
    censored: object = 0,
    covariates: Columns | None = None,
    control: object = None,
    active: object = None,
    censoring: Censoring = "pooled",
    level: float = 0.95,
) -> FineGrayResult:
    """Estimate the subdistribution hazard ratio of two arms for one cause among competing ones.

    Parameters
    ----------
    data, time, event, arm, cause, censored, control, active
        As in `gray_test`.
    covariates, level
        As in `cox`.
    censoring
        As in `fine_gray_block`.

    Returns
    -------
    FineGrayResult
        Prints events and coefficients.

    Raises
    ------
    AnalysisError
        If the data cannot be read, a covariate is collinear (named), or a coefficient is infinite.

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "t": range(1, 9), "arm": list("abababab"),
    ...     "e": ["relapse", "death", "relapse", "relapse", "death", "none", "relapse", "none"],
    ... })
    >>> fit = fine_gray(data, time="t", event="e", arm="arm", cause="relapse", censored="none")
    >>> fit.coefficients.round(4)
    array([-1.3636])
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, covariates=covariates, control=control, active=active,
        codes=(censored, cause),
    )  # fmt: skip
    fits = _fit(frame.block, censoring)
    estimates = fits.estimates()
    raise_unless_decided(estimates, arm)
    return FineGrayResult(
        estimates=estimates,
        names=(f"{arm}[{frame.pair[1]}]", *frame.covariates),
        coefficients=fits.coefficients[0],
        covariance=fits.covariance[0],
        arms=frame.pair,
        level=check_level(level),
        cause=str(cause),
        censoring=censoring,
        events=count_events(frame.block, frame.pair),
    )
