r"""Rate ratio of recurrent events by Lin, Wei, Yang and Ying (LWYY).

Andersen and Gill's partial likelihood treats a participant as at risk of the next event until the end of
follow-up; the sandwich of score residuals summed within participants keeps the standard error right
whatever the dependence between a participant's events. The estimand is the ratio of mean rates

.. math:: E[dN(t) | arm, x] = e^{β_{arm} arm + γ'x} \, dμ_0(t)

Lin, Wei, Yang and Ying (2000), J. R. Stat. Soc. B 62:711.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.one_trial.deciding import raise_unless_decided, wald_or_score
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Tables
from trialsim.analysis.one_trial.ratios import RatioResult
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.recurrent_events.frame import read_histories
from trialsim.analysis.recurrent_events.kernel import fit_histories
from trialsim.analysis.survival.block import Labels, centred, place, read_block, read_choice
from trialsim.analysis.survival.hazards.cox_decision_kernel import fit_rows
from trialsim.analysis.survival.hazards.cox_model import REASONS, refuse_no_variance
from trialsim.analysis.survival.hazards.small_samples_kernel import correct_rows
from trialsim.analysis.survival.sweep import common_status
from trialsim.analysis.survival.time_order import merge_near_ties
from trialsim.data import STATUS_OK, Estimates, Floats
from trialsim.errors import AnalysisError

Ties = Literal["efron", "breslow"]
TIES = ("efron", "breslow")
SandwichVariance = Literal["corrected", "robust"]
VARIANCES = ("corrected", "robust")


def lwyy_block(
    event_times: ArrayLike,
    follow_up: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    variance: SandwichVariance = "corrected",
) -> Estimates:
    """Estimate the log rate ratio of recurrent events in every replicate of a block.

    Parameters
    ----------
    event_times : array (R, N, E)
        Times of each participant's events, distinct, above 0 and up to `follow_up`; NaN where there are
        fewer than E.
    follow_up : array (R, N)
        End of each participant's observation, above 0.
    arm : array (R, N)
        1 for active, 0 for control.
    covariates : array (R, N, P), optional
        Adjusted for as linear terms.
    strata : array of int (R, N), optional
        Strata from 0, each with its own baseline rate.
    ties : str
        ``"efron"`` or ``"breslow"``.
    variance : str
        ``"corrected"``, the sandwich by participant corrected for small samples (Mancl and DeRouen) with
        Student's t (Fay and Graubard), or ``"robust"``, the plain sandwich with the normal law.

    Returns
    -------
    Estimates
        Log rate ratio, active over control, with its standard error. Wald's test decides; where the fit
        fails, or one participant alone tells a coefficient, the score test with the plain sandwich
        (`Estimates.decision`).

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> times = [[[1, 4], [3, np.nan], [2, 5], [np.nan, np.nan], [6, np.nan], [1.5, 7]]]
    >>> lwyy_block(times, [[8] * 6], [[0, 0, 0, 1, 1, 1]]).estimate.round(4)
    array([-0.5108])
    """
    efron = read_choice("ties", ties, TIES) == "efron"
    corrected = read_choice("variance", variance, VARIANCES) == "corrected"
    times = read_event_times(event_times, follow_up)
    happened = np.isfinite(times).any(axis=2)
    block = read_block(follow_up, happened, arm, strata, covariates)
    X = np.concatenate([block.arm[:, :, None].astype(np.float64), block.covariates], axis=2)
    X = centred(X)
    R, _, P = X.shape
    beta, tests, model, robust = np.zeros((R, P)), np.zeros((R, 3)), np.zeros((R, P, P)), np.zeros((R, P, P))
    score, df = np.full((R, 2), np.nan), np.full((R, P), np.inf)
    status = common_status(block.event, block.arm)
    fit_histories(
        times,
        block.time,
        block.stratum,
        block.strata,
        X,
        efron,
        corrected,
        beta,
        model,
        robust,
        df,
        tests,
        score,
        status,
    )
    status = refuse_no_variance(status, robust)
    return _estimates(beta, robust, df, score, status)


def _estimates(beta: Floats, robust: Floats, df: Floats, score: Floats, status: Labels) -> Estimates:
    found = normal_estimates("LWYY", beta[:, 0], np.sqrt(robust[:, 0, 0]), status, REASONS, df=df[:, 0])
    return wald_or_score(found, score[:, 1])


def read_event_times(event_times: ArrayLike, follow_up: ArrayLike) -> Floats:
    """Return event times (R, N, E) ascending within participants, NaN at the end.

    Raises
    ------
    AnalysisError
        If a participant's events cannot have been seen in `follow_up` (R, N).
    """
    times = np.asarray(event_times, dtype=np.float64)
    if times.ndim != 3:
        raise AnalysisError(
            "must have the axes replicate, participant and event", field="event_times", value=times.shape
        )
    ends = np.asarray(follow_up, dtype=np.float64)
    if ends.ndim == 2 and times.shape[:2] == ends.shape:
        both = np.concatenate([times, ends[:, :, None]], axis=2)
        both = merge_near_ties(both.reshape(len(both), -1)).reshape(both.shape)
        times, ends = both[:, :, :-1], both[:, :, -1]
    times = np.sort(times, axis=2)
    _refuse_impossible(times, ends)
    return times


def _refuse_impossible(times: Floats, follow_up: Floats) -> None:
    """Raise if a participant's events cannot have been seen."""
    if times.shape[:2] != follow_up.shape:
        raise AnalysisError(
            f"must have the axes {follow_up.shape} and event", field="event_times", value=times.shape
        )
    for wrong, problem in (
        (follow_up[:, :, None] <= 0, "follow_up must be above 0"),
        (times <= 0, "event times must be above 0"),
        (times > follow_up[:, :, None], "event times must not be after follow_up"),
        (np.diff(times, axis=2) == 0, "event times of a participant must be distinct"),
    ):
        participants = np.asarray(np.atleast_3d(wrong).any(axis=2))
        if participants.any():
            raise AnalysisError(f"{problem}, but are not at {place(participants)}", field="event_times")


@dataclass(frozen=True, repr=False)
class RateRatioResult(RatioResult):
    """An LWYY analysis of one trial: log rate ratios; see `RatioResult` for the fields besides these.

    Parameters
    ----------
    model_covariance : ndarray (1 + P, 1 + P)
        Inverse information, beside the sandwich by participant.
    df : ndarray (1 + P,)
        Degrees of freedom of the coefficients' t tests; infinite with the plain sandwich.
    exposure : DataFrame
        Participants, events, time at risk and crude rate of each arm.
    """

    ratio = "rate_ratio"

    model_covariance: Floats
    df: Floats
    exposure: pd.DataFrame

    def _degrees_of_freedom(self) -> Floats:
        return self.df

    def _title(self) -> str:
        return f"Rate ratio of recurrent events (LWYY); {self.compared}"

    def _facts(self) -> Facts:
        df = self.df[0]
        how = "" if np.isinf(df) else f", corrected for small samples; Student's t with {df:.1f} df"
        return {"variance": f"robust, by participant{how}", "intervals": f"{self.level:.0%}"}

    def _tables(self) -> Tables:
        return {"Exposure": self.exposure, "Coefficients": self.to_frame()}


def lwyy(
    data: pd.DataFrame,
    *,
    participant: str,
    start: str,
    stop: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    strata: Columns | None = None,
    control: object = None,
    active: object = None,
    ties: Ties = "efron",
    variance: SandwichVariance = "corrected",
    level: float = 0.95,
) -> RateRatioResult:
    """Estimate the rate ratio of recurrent events of two arms.

    Parameters
    ----------
    data : DataFrame
        One row for each stretch of time at risk, ended by an event or not, as for Andersen–Gill.
    participant : str
        Column that says whose row it is.
    start, stop : str
        Columns: a row is at risk after `start` and up to `stop`. Rows of a participant may not overlap.
    event : str
        Column: 1 if the row ends with an event, else 0.
    arm, covariates, strata, control, active, ties, level
        As in `cox`.
    variance : str
        As in `lwyy_block`.

    Returns
    -------
    RateRatioResult
        Prints exposure and coefficients.

    Raises
    ------
    AnalysisError
        If the data cannot be read, a covariate is collinear (named), or a coefficient is infinite.

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "id": [1, 1, 1, 2, 2, 3, 4, 4], "from": [0, 1, 4, 0, 3, 0, 0, 6],
    ...     "to": [1, 4, 8, 3, 8, 8, 6, 8], "event": [1, 1, 0, 1, 0, 0, 1, 0], "arm": list("pppppvvv"),
    ... })
    >>> fit = lwyy(data, participant="id", start="from", stop="to", event="event", arm="arm")
    >>> fit.coefficients.round(4)
    array([-1.0986])
    """
    efron = read_choice("ties", ties, TIES) == "efron"
    corrected = read_choice("variance", variance, VARIANCES) == "corrected"
    rows = read_histories(
        data, participant=participant, start=start, stop=stop, event=event, arm=arm,
        covariates=covariates, strata=strata, control=control, active=active,
    )  # fmt: skip
    P = rows.X.shape[1]
    beta, test, model, robust = np.zeros(P), np.zeros(3), np.zeros((P, P)), np.zeros((P, P))
    score, df = np.full(2, np.nan), np.full(P, np.inf)
    history = (
        rows.start, rows.stop, rows.event, rows.stratum, int(rows.stratum.max()) + 1,
        rows.X - rows.X.mean(axis=0), rows.participant, int(rows.participant.max()) + 1, efron,
    )  # fmt: skip
    found = fit_rows(*history, beta, model, robust, test, score)
    if corrected and found == STATUS_OK:
        correct_rows(*history, beta, robust, df, score)
    status = refuse_no_variance(np.array([found]), robust[None])
    estimates = _estimates(beta[None], robust[None], df[None], score[None], status)
    raise_unless_decided(estimates, arm)
    if status[0] != STATUS_OK:
        beta[:], model[:], robust[:], df[:] = np.nan, np.nan, np.nan, np.nan
    return RateRatioResult(
        estimates=estimates,
        names=(f"{arm}[{rows.arms[1]}]", *rows.covariates),
        coefficients=beta,
        covariance=robust,
        model_covariance=model,
        df=df,
        exposure=rows.exposure(),
        arms=rows.arms,
        level=check_level(level),
    )
