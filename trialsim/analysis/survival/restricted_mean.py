r"""Restricted mean survival time: the area under each arm's Kaplan–Meier curve up to τ.

.. math:: RMST(τ) = \int_0^τ S(t) dt, \qquad
          Var = \sum_{t \le τ} A(t)^2 \frac{d}{n (n - d)}, \quad A(t) = \int_t^τ S(u) du

Royston and Parmar (2013), BMC Med. Res. Methodol. 13:152. With ``variance="unbiased"`` each arm's
variance is multiplied by E/(E − 1), E its events up to τ.

Greenwood's variance is too small in small samples, and the normal law too narrow: with 20 to 50 a group the
test claims up to .061 at a one-sided .05. With ``variance="corrected"`` each arm's variance is multiplied by
n/(n − 1), n its participants, and the difference is referred to Student's t with Welch's degrees of freedom

.. math:: (V_0 + V_1)^2 / (V_0^2 / (n_0 - 1) + V_1^2 / (n_1 - 1)),

which is Welch's t test of min(T, τ) where nobody is censored before τ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, half_width, number, p_text
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.block import read_block, read_choice, read_positive
from trialsim.analysis.survival.curves import CURVE_REASONS, Curves, compare_arms, curves_at
from trialsim.analysis.survival.frame import read_frame
from trialsim.data import Estimates, Floats

Variance = Literal["greenwood", "unbiased", "corrected"]
VARIANCES = ("greenwood", "unbiased", "corrected")


def restricted_mean_survival_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    tau: float,
    variance: Variance = "greenwood",
    entry: ArrayLike | None = None,
) -> Estimates:
    """Compare restricted mean survival times in every replicate of a block.

    Parameters
    ----------
    time, event, arm : array (R, N)
        As in `log_rank_block`.
    tau : float
        Horizon, above 0, in the unit of time.
    variance : str
        ``"greenwood"``; ``"unbiased"``: times E/(E − 1) of each arm; or ``"corrected"``: times n/(n − 1) of
        each arm, with Student's t, which keeps the level in small trials.
    entry : array (R, N), optional
        Delayed entry, as in `log_rank_block`.

    Returns
    -------
    Estimates
        Difference of the restricted means, active minus control, in the unit of time.

    Raises
    ------
    AnalysisError
        If the arrays or options cannot be read.

    Examples
    --------
    >>> time, arm = [[1, 2, 3, 4, 2, 3, 4, 5]], [[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> restricted_mean_survival_block(time, [[1] * 8], arm, tau=4).estimate
    array([0.75])
    """
    curves = curves_at(read_block(time, event, arm, entry=entry), read_positive("tau", tau))
    return _estimates(curves, read_choice("variance", variance, VARIANCES))


def _variances(curves: Curves, variance: str) -> Floats:
    """Return the variance of each arm's restricted mean (R, 2); infinite for a single event, unbiased."""
    if variance == "greenwood":
        return curves.area_variance
    count = curves.events if variance == "unbiased" else curves.participants
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(curves.events > 0, count / (count - 1.0), 1.0)
        return np.where(curves.events > 0, curves.area_variance * factor, 0.0)


def _estimates(curves: Curves, variance: str) -> Estimates:
    spread, df = _variances(curves, variance), None
    if variance == "corrected":
        with np.errstate(divide="ignore", invalid="ignore"):
            df = spread.sum(axis=1) ** 2 / (spread**2 / (curves.participants - 1.0)).sum(axis=1)
    return compare_arms("restricted mean survival", curves.area, spread, curves.status, df)


@dataclass(frozen=True, repr=False)
class RestrictedMeanResult(TwoArmResult):
    """Restricted mean survival times of one trial, and their difference; see `TwoArmResult`.

    Parameters
    ----------
    means, standard_errors : ndarray (2,)
        Of control and active.
    df : ndarray (3,)
        Degrees of freedom of control, active and their difference; infinite unless corrected for small
        samples.
    tau : float
        Horizon.
    level : float
        Of the intervals.
    """

    means: Floats
    standard_errors: Floats
    df: Floats
    tau: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return control, active and their difference, each with its standard error and interval."""
        estimate = np.append(self.means, self.estimates.estimate)
        error = np.append(self.standard_errors, self.estimates.standard_error)
        above = 0.5 + self.level / 2.0
        quantile = np.where(np.isinf(self.df), half_width(self.level), special.stdtrit(self.df, above))
        width = quantile * error
        return pd.DataFrame(
            {
                "arm": [*self.arms, f"{self.arms[1]} - {self.arms[0]}"],
                "estimate": estimate,
                "standard_error": error,
                "lower": estimate - width,
                "upper": estimate + width,
            }
        )

    def _title(self) -> str:
        return f"Restricted mean survival to {number(self.tau)}; {self.compared}"

    def _facts(self) -> Facts:
        df = self.df[2]
        test = "z" if np.isinf(df) else f"Student's t with {df:.1f} df,"
        return {
            "intervals": f"{self.level:.0%}",
            "difference": f"{test} {number(self.statistic)}, p {p_text(self.p_value)}",
        }

    def _tables(self) -> Tables:
        return {"Mean time": self.to_frame()}


def restricted_mean_survival(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    tau: float,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    variance: Variance = "greenwood",
    level: float = 0.95,
) -> RestrictedMeanResult:
    """Compare the restricted mean survival times of two arms.

    Parameters
    ----------
    data, time, event, arm, entry, control, active, level
        As in `log_rank`.
    tau, variance
        As in `restricted_mean_survival_block`.

    Returns
    -------
    RestrictedMeanResult
        Prints both means and their difference.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or an arm is not followed to `tau`.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [1, 2, 3, 4, 2, 3, 4, 5], "e": 1, "arm": list("aaaabbbb")})
    >>> restricted_mean_survival(data, time="t", event="e", arm="arm", tau=4).means
    array([2.5 , 3.25])
    """
    frame = read_frame(data, time=time, event=event, arm=arm, control=control, active=active, entry=entry)
    curves = curves_at(frame.block, read_positive("tau", tau))
    estimates = _estimates(curves, read_choice("variance", variance, VARIANCES))
    raise_for(estimates.status[0], CURVE_REASONS, time)
    each = curves.participants[0] - 1.0 if variance == "corrected" else np.full(2, np.inf)
    return RestrictedMeanResult(
        estimates=estimates,
        means=curves.area[0],
        standard_errors=np.sqrt(_variances(curves, variance)[0]),
        df=np.append(each, estimates.df[0]),
        tau=tau,
        arms=frame.pair,
        level=check_level(level),
    )
