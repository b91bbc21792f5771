r"""Rate ratios of counts by negative binomial regression, with each participant's exposure as offset.

.. math:: E[Y_i] = μ_i = t_i \, e^{x_i'β}, \qquad \mathrm{Var}[Y_i] = μ_i + k μ_i^2

with k by maximum likelihood (Lawless 1987, Can. J. Stat. 15:209). With
:math:`w_i = μ_i / (1 + k μ_i)`, the model-based covariance is :math:`(X'WX)^{-1}`, the expected
information; the robust one puts :math:`\sum (y_i - μ_i)^2 / (1 + k μ_i)^2 \, x_i x_i'` in between, without a
small-sample factor (Huber 1967; White 1982, Econometrica 50:1). k and β are orthogonal. Counts that vary
less than Poisson's have k = 0.

The robust one is too small where few participants have most of a covariate's leverage
:math:`h_i = w_i x_i' (X'WX)^{-1} x_i`. The corrected one divides each :math:`y_i - μ_i` by
:math:`1 - h_i` (Mancl and DeRouen 2001, Biometrics 57:126) and refers to Student's t with
:math:`(Σ q_i)^2 / Σ q_i^2` degrees of freedom, :math:`q_i = w_i [(X'WX)^{-1} x_i]_p^2 / (1 - h_i)` being what
the variance of coefficient p owes to participant i (Fay and Graubard 2001, Biometrics 57:1198).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialsim.analysis.counts import kernel
from trialsim.analysis.counts.score_kernel import score_replicates
from trialsim.analysis.linear import kernel as linear_kernel
from trialsim.analysis.linear.block import block_array, check_choice, label_array, not_finite
from trialsim.analysis.one_trial.deciding import decide, own
from trialsim.analysis.one_trial.empty_levels import without_empty_levels
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.recurrent_events.rate_ratio import read_event_times
from trialsim.analysis.survival.block import place
from trialsim.data import STATUS_OK, Estimates, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

CountVariance = Literal["model", "robust", "corrected"]


@dataclass(frozen=True)
class CountEstimates(Estimates):
    """Log rate ratios of a block; the fields besides these are those of `trialsim.data.Estimates`.

    Parameters
    ----------
    dispersion : ndarray (R,)
        k of the variance μ + k μ²; 0 where the counts vary no more than Poisson's. NaN where the fit failed.
    """

    dispersion: Floats = field(kw_only=True)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a replicate, with the dispersion."""
        return super().to_frame().assign(dispersion=self.dispersion)


@dataclass(frozen=True)
class CountFits:
    """Every number of a batch of fits.

    Parameters
    ----------
    coefficients : ndarray (R, A + P)
        Intercept, arms against the control, covariates about their mean. NaN where the fit failed.
    covariance : ndarray (R, A + P, A + P)
        Of the asked kind.
    df : ndarray (R, A + P)
        Degrees of freedom of the coefficients; infinite unless the sandwich is corrected for small samples.
    dispersion : ndarray (R,)
        k; NaN where the fit failed.
    status : ndarray of int8 (R,)
        Position in `negative_binomial_kernel.REASONS`.
    dependent : ndarray of int64 (R,)
        The first column that depends on those before it, where collinear.
    """

    coefficients: Floats
    covariance: Floats
    df: Floats
    dispersion: Floats
    status: NDArray[np.int8]
    dependent: Ints


def negative_binomial_block(
    count: ArrayLike,
    exposure: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    dispersion: float | None = None,
    variance: CountVariance = "robust",
    analysis: str = "negative binomial",
) -> CountEstimates:
    """Estimate the log rate ratio of counts in every replicate of a block.

    Parameters
    ----------
    count : array (R, N)
        Events of each participant, whole numbers from 0; NaN where missing: such a participant is left out
        of that replicate.
    exposure : array (R, N)
        Time at risk, at least 0 in any unit; who has 0 is left out.
    arm : array of int (R, N)
        0 control, 1 active.
    covariates : array (R, N, P), optional
        Baseline covariates and indicators of strata; finite wherever the count is observed.
    dispersion : float, optional
        k, at least 0; 0 is Poisson regression. Estimated by maximum likelihood if not given.
    variance : {"robust", "model", "corrected"}
        Sandwich with the normal law, inverse expected information, or the sandwich corrected for small
        samples (Mancl and DeRouen) with Student's t (Fay and Graubard).
    analysis : str
        Name carried into the result.

    Returns
    -------
    CountEstimates
        Log rate ratio, active over control, Wald z, and the dispersion. Named statuses:
        too_few_participants, arm_empty, collinear_covariate, no_events (in either arm),
        infinite_coefficient (no event in one arm, or where a covariate says so), not_converged,
        no_residual_variance (corrected, also where one participant alone tells a coefficient). What decides
        is the first that exists of: wald, score (of the model without the arm, with the same kind of
        variance, a sandwich being the plain one), unadjusted_score (without the covariates). Levels that
        nobody in a replicate has are left out.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read, or a participant has events without exposure.

    Examples
    --------
    >>> rates = negative_binomial_block([[0, 4, 2, 6, 1, 0, 1, 2]], [[1.0] * 8], [[0] * 4 + [1] * 4])
    >>> rates.estimate.round(4), rates.dispersion.round(4)
    (array([-1.0986]), array([0.1848]))
    """

    def fit(rows: Ints | slice, x: ArrayLike | None) -> CountEstimates:
        y, t, a = (np.asarray(one)[rows] for one in (count, exposure, arm))
        fits = fit_counts(y, t, a, 2, x, dispersion=dispersion, variance=variance)
        return count_estimates(fits, y, t, a, x, dispersion, variance, analysis)

    found = fit(slice(None), covariates)
    y, t = np.asarray(count, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    return without_empty_levels(found, covariates, ~np.isnan(y) & (t > 0.0), fit)


def count_estimates(
    fits: CountFits,
    count: ArrayLike,
    exposure: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None,
    dispersion: float | None,
    variance: CountVariance,
    analysis: str = "negative binomial",
) -> CountEstimates:
    """Return the log rate ratio of two arms and the test that decides: see `negative_binomial_block`."""
    y, t = for_kernel(count, dtype=np.float64), for_kernel(exposure, dtype=np.float64)
    a, nothing = for_kernel(arm, dtype=np.int8), np.empty((*y.shape, 0))
    x = nothing if covariates is None else for_kernel(covariates, dtype=np.float64)
    k = kernel.ESTIMATED if dispersion is None else dispersion
    extreme = np.flatnonzero(np.isin(fits.status, kernel.WITHOUT_ESTIMATE))
    score, unadjusted = np.full(len(y), np.nan), np.full(len(y), np.nan)
    separated = np.zeros(len(y), np.bool_)
    score_replicates(extreme, y, t, a, x, k, variance != "model", score, separated)
    rest = np.flatnonzero(separated)
    score_replicates(rest, y, t, a, nothing, k, variance != "model", unadjusted, separated)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(fits.covariance[:, 1, 1])
    found = normal_estimates(
        analysis, fits.coefficients[:, 1], error, fits.status, kernel.REASONS, df=fits.df[:, 1]
    )
    found = decide(found, {"wald": own(found), "score": score, "unadjusted_score": unadjusted})
    return CountEstimates(**vars(found), dispersion=fits.dispersion)


def negative_binomial_events_block(
    event_times: ArrayLike,
    follow_up: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    dispersion: float | None = None,
    variance: CountVariance = "robust",
    analysis: str = "negative binomial of events",
) -> CountEstimates:
    """Estimate the log rate ratio of recurrent events from how many each participant had.

    The arrays are those of `lwyy_block`, beside which it stands: the same rate ratio where rates are
    constant in time, from counts with follow-up as their exposure.

    Parameters
    ----------
    event_times : array (R, N, E)
        Times of each participant's events, distinct, above 0 and up to `follow_up`; NaN where there are
        fewer than E.
    follow_up : array (R, N)
        End of each participant's observation, above 0.
    arm, covariates, dispersion, variance, analysis
        As in `negative_binomial_block`.

    Returns
    -------
    CountEstimates
        As `negative_binomial_block`.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> times = [[[1, 4], [3, np.nan], [2, 5], [np.nan, np.nan], [6, np.nan], [1.5, 7]]]
    >>> negative_binomial_events_block(times, [[8] * 6], [[0, 0, 0, 1, 1, 1]]).estimate.round(4)
    array([-0.5108])
    """
    times = read_event_times(event_times, follow_up)
    count = np.isfinite(times).sum(axis=2)
    return negative_binomial_block(
        count, follow_up, arm, covariates, dispersion=dispersion, variance=variance, analysis=analysis
    )


def fit_counts(
    count: ArrayLike,
    exposure: ArrayLike,
    arm: ArrayLike,
    arms: int,
    covariates: ArrayLike | None = None,
    *,
    dispersion: float | None = None,
    variance: CountVariance = "robust",
) -> CountFits:
    """Return all coefficients of every replicate, for any number of arms; see `negative_binomial_block`."""
    check_choice("variance", variance, kernel.VARIANCES)
    if dispersion is not None and not 0.0 <= dispersion < np.inf:
        raise AnalysisError("must be finite and at least 0", field="dispersion", value=dispersion)
    y = block_array("count", count, 2)
    R, N = y.shape
    t = block_array("exposure", exposure, 2, (R, N))
    a = label_array("arm", arm, (R, N), arms, np.int8)
    x = np.empty((R, N, 0)) if covariates is None else block_array("covariates", covariates, 3, (R, N))
    _refuse_impossible(y, t)
    K = arms + x.shape[2]
    fits = CountFits(
        np.full((R, K), np.nan),
        np.full((R, K, K), np.nan),
        np.full((R, K), np.inf),
        np.full(R, np.nan),
        np.zeros(R, np.int8),
        np.full(R, -1, np.int64),
    )
    kernel.fit_replicates(
        y, t, a, arms, x, kernel.ESTIMATED if dispersion is None else dispersion,
        kernel.VARIANCES.index(variance), fits.coefficients, fits.covariance, fits.df,
        np.empty((R, x.shape[2] + 1)), fits.dispersion, fits.status, fits.dependent,
    )  # fmt: skip
    if (fits.status == linear_kernel.NOT_FINITE).any():
        raise not_finite(np.where(t > 0, y, np.nan), x, np.empty((0, 0)))
    failed = fits.status != STATUS_OK
    for numbers in (fits.coefficients, fits.covariance, fits.df, fits.dispersion):
        numbers[failed] = np.nan
    return fits


def _refuse_impossible(count: Floats, exposure: Floats) -> None:
    """Raise if a count is none, or was seen without exposure, naming its place and not its content."""
    seen = ~np.isnan(count)
    for name, wrong, need in (
        ("count", seen & ~((count >= 0) & (count == np.floor(count))), "a whole number from 0"),
        ("exposure", seen & ~((exposure >= 0) & (exposure < np.inf)), "finite and at least 0"),
        ("exposure", seen & (count > 0) & (exposure == 0), "above 0 for a participant with events"),
    ):
        if wrong.any():
            raise AnalysisError(f"must be {need}, but is not at {place(wrong)}", field=name)
