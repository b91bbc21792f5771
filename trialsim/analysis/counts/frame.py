"""Rate ratios of counts for a statistician's own trial: a tidy data frame in, a printed table out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.counts.block import (
    CountEstimates,
    CountFits,
    CountVariance,
    count_estimates,
    fit_counts,
)
from trialsim.analysis.linear.design import read_design
from trialsim.analysis.linear.refused import refuse_undecided
from trialsim.analysis.one_trial.printed import Facts, Tables, number
from trialsim.analysis.one_trial.ratios import RatioResult
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.recurrent_events.frame import arm_exposure, read_histories
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True, repr=False)
class NegativeBinomialResult(RatioResult):
    """A negative binomial regression of one trial: log rate ratios; see `RatioResult` for the other fields.

    Parameters
    ----------
    dispersion : float
        k of the variance μ + k μ².
    given : bool
        Whether k was given rather than estimated.
    exposure : DataFrame
        Participants, events, time at risk and crude rate of each arm.
    variance : str
        "robust", "model" or "corrected".
    df : ndarray (1 + P,)
        Degrees of freedom of the coefficients' t tests; infinite unless corrected for small samples.
    left_out : int
        Rows without a count.
    """

    ratio = "rate_ratio"

    dispersion: float
    given: bool
    exposure: pd.DataFrame
    variance: str
    df: Floats
    left_out: int

    def _degrees_of_freedom(self) -> Floats:
        return self.df

    def _title(self) -> str:
        return f"Negative binomial regression; {self.compared}"

    def _facts(self) -> Facts:
        source = "given" if self.given else "maximum likelihood"
        how = "" if np.isinf(self.df[0]) else f" for small samples, Student's t with {self.df[0]:.1f} df"
        return {
            "dispersion": f"{number(self.dispersion)}, {source}",
            "variance": f"{self.variance}{how}; {self.level:.0%} intervals",
            "left out": f"{self.left_out} without a count",
        }

    def _tables(self) -> Tables:
        return {"Exposure": self.exposure, "Coefficients": self.to_frame()}

    def _notes(self) -> Sequence[str]:
        if self.given or self.dispersion != 0.0:
            return super()._notes()
        return ("the counts vary no more than Poisson's, so the dispersion is at its limit of 0",)


def negative_binomial(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    exposure: str | None = None,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    active: Hashable | None = None,
    dispersion: float | None = None,
    variance: CountVariance = "robust",
    level: float = 0.95,
) -> NegativeBinomialResult:
    """Estimate the rate ratio of counts of two arms by negative binomial regression.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of the count; rows where it is missing are left out.
    arm : str
        Column of the arm.
    exposure : str, optional
        Column of the time at risk, above 0; everyone the same if not given.
    covariates : str or sequence of str
        Baseline columns: numbers enter as they are, text, booleans and categories as factors.
    strata : str or sequence of str
        Factors of the randomisation, whatever their type; main effects of the model.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    dispersion : float, optional
        k, at least 0; 0 is Poisson regression. Estimated by maximum likelihood if not given.
    variance : {"robust", "model", "corrected"}
        As in `negative_binomial_block`; "corrected" keeps the level in small trials with covariates.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    NegativeBinomialResult
        Prints exposure and coefficients; `to_frame` gives one row a coefficient.

    Raises
    ------
    AnalysisError
        If a column cannot be used, a covariate is collinear (named), or a coefficient is infinite.

    Notes
    -----
    Formulas and sources: `trialsim.analysis.counts.block`, whose block serves simulated trials.

    Examples
    --------
    >>> trial = pd.DataFrame({
    ...     "arm": ["p"] * 4 + ["d"] * 4, "relapses": [0, 4, 2, 6, 1, 0, 1, 2],
    ...     "years": [1, 2, 1, 2, 2, 1, 1, 2],
    ... })
    >>> fit = negative_binomial(trial, outcome="relapses", arm="arm", exposure="years", control="p")
    >>> fit.to_frame()[["term", "estimate", "rate_ratio"]].round(4)
         term  estimate  rate_ratio
    0  arm[d]   -1.0986      0.3333
    """
    check_level(level)
    design = read_design(
        data, outcome=outcome, arm=arm, covariates=covariates, strata=strata, control=control, active=active,
        two_arms=True, extra=() if exposure is None else (exposure,),
    )  # fmt: skip
    time = np.ones(len(design.outcome)) if exposure is None else design.extra[:, 0]
    _refuse_no_count(design.outcome, outcome)
    fits = fit_counts(
        design.outcome[None], time[None], design.arm[None], 2, design.covariates[None],
        dispersion=dispersion, variance=variance,
    )  # fmt: skip
    counts = pd.DataFrame({"arm": design.arm, "event": design.outcome.astype(int), "time": time})
    found = count_estimates(
        fits,
        design.outcome[None],
        time[None],
        design.arm[None],
        design.covariates[None],
        dispersion,
        variance,
    )
    return _result(
        fits, found, arm, outcome, (design.arms[0], design.arms[1]), design.columns,
        arm_exposure(counts.assign(participant=np.arange(len(counts))), design.arms),
        dispersion is not None, variance, design.left_out, level,
    )  # fmt: skip


def negative_binomial_events(
    data: pd.DataFrame,
    *,
    participant: str,
    start: str,
    stop: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    control: object = None,
    active: object = None,
    dispersion: float | None = None,
    variance: CountVariance = "robust",
    level: float = 0.95,
) -> NegativeBinomialResult:
    """Estimate the rate ratio of recurrent events of two arms from how many each participant had.

    The rows are those of `lwyy`, beside which it stands: the same rate ratio where rates are constant.

    Parameters
    ----------
    data, participant, start, stop, event, arm, control, active
        As in `lwyy`.
    covariates : str or sequence of str, optional
        Columns that do not change within a participant.
    dispersion, variance, level
        As in `negative_binomial`.

    Returns
    -------
    NegativeBinomialResult
        As `negative_binomial`.

    Raises
    ------
    AnalysisError
        As `lwyy`, or if a covariate changes within a participant.

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "id": [1, 1, 1, 2, 2, 3, 4, 4], "from": [0, 1, 4, 0, 3, 0, 0, 6],
    ...     "to": [1, 4, 8, 3, 8, 8, 6, 8], "event": [1, 1, 0, 1, 0, 0, 1, 0], "arm": list("pppppvvv"),
    ... })
    >>> fit = negative_binomial_events(
    ...     data, participant="id", start="from", stop="to", event="event", arm="arm")
    >>> fit.coefficients.round(4)
    array([-1.0986])
    """
    check_level(level)
    rows = read_histories(
        data, participant=participant, start=start, stop=stop, event=event, arm=arm,
        covariates=covariates, strata=None, control=control, active=active,
    )  # fmt: skip
    X = _one_row_each(rows.X, rows.participant, ("arm", *rows.covariates))
    count = np.bincount(rows.participant, weights=rows.event)
    time = np.bincount(rows.participant, weights=rows.stop - rows.start)
    fits = fit_counts(
        count[None], time[None], X[None, :, 0].astype(np.int8), 2, X[None, :, 1:],
        dispersion=dispersion, variance=variance,
    )  # fmt: skip
    found = count_estimates(
        fits, count[None], time[None], X[None, :, 0].astype(np.int8), X[None, :, 1:], dispersion, variance
    )
    return _result(
        fits, found, arm, event, rows.arms, rows.covariates, rows.exposure(), dispersion is not None,
        variance, 0, level,
    )  # fmt: skip


def _refuse_no_count(count: Floats, column: str) -> None:
    """Raise unless every outcome is a whole number from 0."""
    if not ((count >= 0) & (count == np.floor(count))).all():
        raise AnalysisError("must hold whole numbers from 0", field=column)
    if not count.any():
        raise AnalysisError("has no event in either arm", field=column)


def _one_row_each(columns: Floats, participant: Ints, names: Sequence[str]) -> Floats:
    """Return the columns of each participant, which must not change from row to row."""
    first = np.unique(participant, return_index=True)[1]
    changes = (columns != columns[first][participant]).any(axis=0)
    if changes.any():
        raise AnalysisError(
            "changes within a participant",
            field=names[int(np.argmax(changes))],
            mend="give its baseline value",
        )
    return np.ascontiguousarray(columns[first])


def _result(
    fits: CountFits,
    found: CountEstimates,
    arm: str,
    outcome: str,
    arms: tuple[str, str],
    columns: tuple[str, ...],
    exposure: pd.DataFrame,
    given: bool,
    variance: str,
    left_out: int,
    level: float,
) -> NegativeBinomialResult:
    """Return the printable result of the only replicate, or raise what its status says."""
    names = (f"{arm}[{arms[1]}]", *columns)
    refuse_undecided(found, fits.dependent[0], ("(intercept)", *names), outcome)
    covariance = fits.covariance[0, 1:, 1:]
    return NegativeBinomialResult(
        estimates=found,
        names=names,
        coefficients=fits.coefficients[0, 1:],
        covariance=covariance,
        arms=arms,
        level=level,
        dispersion=float(fits.dispersion[0]),
        given=given,
        exposure=exposure,
        variance=variance,
        df=fits.df[0, 1:],
        left_out=left_out,
    )  # fmt: skip
