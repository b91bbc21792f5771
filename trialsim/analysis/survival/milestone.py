r"""Milestone survival: the two arms' Kaplan–Meier estimates compared at one time.

On the plain scale :math:`S_1(t) - S_0(t)` with Greenwood's variance
:math:`S^2 \sum d / (n (n - d))`; on the log-log scale
:math:`\log(-\log S_1) - \log(-\log S_0)`, whose variances are :math:`\sum d/(n(n-d)) / (\log S)^2`.
Klein, Logan, Harhoff and Andersen (2007), Stat. Med. 26:4505.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.block import read_block, read_choice, read_positive
from trialsim.analysis.survival.curves import CURVE_REASONS, Curves, compare_arms, curves_at
from trialsim.analysis.survival.frame import read_frame
from trialsim.data import Estimates, Floats
from trialsim.errors import AnalysisError

Scale = Literal["difference", "log_log"]
SCALES = ("difference", "log_log")


def milestone_survival_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    at: float,
    scale: Scale = "difference",
    entry: ArrayLike | None = None,
) -> Estimates:
    """Compare survival at one time in every replicate of a block.

    Parameters
    ----------
    time, event, arm : array (R, N)
        As in `log_rank_block`.
    at : float
        The milestone, above 0, in the unit of time.
    scale : str
        ``"difference"`` of survival, or ``"log_log"``: difference of log(−log S), the log hazard ratio
        up to the milestone under proportional hazards.
    entry : array (R, N), optional
        Delayed entry, as in `log_rank_block`.

    Returns
    -------
    Estimates
        Active minus control on the asked scale.

    Raises
    ------
    AnalysisError
        If the arrays or options cannot be read.

    Examples
    --------
    >>> time, arm = [[1, 2, 3, 4, 2, 3, 4, 5]], [[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> milestone_survival_block(time, [[1] * 8], arm, at=2).estimate
    array([0.25])
    """
    curves = curves_at(read_block(time, event, arm, entry=entry), read_positive("at", at))
    return _estimates(curves, read_choice("scale", scale, SCALES))


def _estimates(curves: Curves, scale: str) -> Estimates:
    survival = curves.survival
    if scale == "difference":
        points, variances = survival, survival**2 * curves.hazard_variance
    elif scale != "log_log":
        raise AnalysisError("is no scale of survival", field="scale", value=scale)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            points = np.log(-np.log(survival))
            variances = curves.hazard_variance / np.log(survival) ** 2
    return compare_arms("milestone survival", points, variances, curves.status)


@dataclass(frozen=True, repr=False)
class MilestoneResult(TwoArmResult):
    """Survival of both arms of one trial at one time, compared on a scale; see `TwoArmResult`.

    Parameters
    ----------
    survival, standard_errors : ndarray (2,)
        Kaplan–Meier of control and active, with Greenwood's standard errors.
    at : float
        The milestone.
    scale : str
        Of the comparison.
    level : float
        Of the interval.
    """

    survival: Floats
    standard_errors: Floats
    at: float
    scale: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm: survival and its standard error."""
        return pd.DataFrame(
            {"arm": self.arms, "survival": self.survival, "standard_error": self.standard_errors}
        )

    def _title(self) -> str:
        return f"Survival at {number(self.at)}; {self.compared}"

    def _facts(self) -> Facts:
        estimate, error = float(self.estimates.estimate[0]), float(self.estimates.standard_error[0])
        lower, upper = self.normal_interval(self.level)
        return {
            f"effect ({self.scale.replace('_', '-')})": (
                f"{number(estimate)}, standard error {number(error)}, {self.level:.0%} interval "
                f"{number(lower)} to {number(upper)}, p {p_text(self.p_value)}"
            ),
        }

    def _tables(self) -> Tables:
        return {"Kaplan–Meier": self.to_frame()}


def milestone_survival(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    at: float,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    scale: Scale = "difference",
    level: float = 0.95,
) -> MilestoneResult:
    """Compare the survival of two arms at one time.

    Parameters
    ----------
    data, time, event, arm, entry, control, active, level
        As in `log_rank`.
    at, scale
        As in `milestone_survival_block`.

    Returns
    -------
    MilestoneResult
        Prints both survivals and the effect.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or an arm is not followed to the milestone.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [1, 2, 3, 4, 2, 3, 4, 5], "e": 1, "arm": list("aaaabbbb")})
    >>> milestone_survival(data, time="t", event="e", arm="arm", at=2).survival
    array([0.5 , 0.75])
    """
    frame = read_frame(data, time=time, event=event, arm=arm, control=control, active=active, entry=entry)
    curves = curves_at(frame.block, read_positive("at", at))
    estimates = _estimates(curves, read_choice("scale", scale, SCALES))
    raise_for(estimates.status[0], CURVE_REASONS, time)
    return MilestoneResult(
        estimates=estimates,
        survival=curves.survival[0],
        standard_errors=curves.survival[0] * np.sqrt(curves.hazard_variance[0]),
        at=at,
        scale=scale,
        arms=frame.pair,
        level=check_level(level),
    )
