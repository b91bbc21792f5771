r"""Cumulative incidence of one cause among competing ones, of one group or of each arm (Aalen–Johansen).

.. math:: F(t) = \sum_{u \le t} S(u-) \, d_{1}(u) / n(u)

with S the Kaplan–Meier curve of any event. The variance is Aalen's (as in R's cmprsk and SAS; see
`incidence_at`), or by the delta method (as in Stata):

.. math:: \sum (F(t)-F(u))^2 \frac{d}{n (n-d)} + \sum S(u-)^2 \frac{(n-d_1) d_1}{n^3}
          - 2 \sum (F(t)-F(u)) S(u-) \frac{d_1}{n^2}

Marubini and Valsecchi (1995), Analysing Survival Data from Clinical Trials, section 10.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.competing_risks.gray import count_events
from trialsim.analysis.competing_risks.kernel import incidence_at, incidence_replicates, tabulate
from trialsim.analysis.one_trial.colours import ARM_COLOURS
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.survival.block import (
    COMMON_REASONS,
    SurvivalBlock,
    read_block,
    read_choice,
    read_positive,
)
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.sweep import common_status
from trialsim.analysis.survival.time_order import reaches
from trialsim.data import STATUS_OK, Estimates
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

Variance = Literal["delta", "aalen"]
VARIANCES = ("delta", "aalen")
NOT_FOLLOWED, NO_VARIANCE = len(COMMON_REASONS), len(COMMON_REASONS) + 1
REASONS = (*COMMON_REASONS, "not_followed_to_horizon", "no_variance")

_ROUNDING = 1e-15  # variance of a probability that only rounding leaves


def cumulative_incidence_block(
    time: ArrayLike, event: ArrayLike, arm: ArrayLike, at: float, variance: Variance = "delta"
) -> Estimates:
    """Compare the cumulative incidence at one time in every replicate of a block.

    Parameters
    ----------
    time, arm : array (R, N)
        As in `log_rank_block`.
    event : array (R, N)
        0 for censored, 1 for the cause of interest, 2 for any other cause.
    at : float
        The time, above 0, in the unit of time.
    variance : str
        ``"delta"`` method or ``"aalen"``.

    Returns
    -------
    Estimates
        Difference in cumulative incidence, active minus control.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> time, arm = [[1, 2, 3, 4, 1, 2, 3, 4]], [[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> cumulative_incidence_block(time, [[1, 1, 2, 0, 2, 1, 2, 0]], arm, at=3).estimate
    array([-0.25])
    """
    read_choice("variance", variance, VARIANCES)
    return _difference(read_block(time, event, arm, causes=2), read_positive("at", at), variance)


def _difference(block: SurvivalBlock, at: float, kind: str) -> Estimates:
    result = np.zeros((len(block.time), 2, 4))
    incidence_replicates(
        block.time, block.event, block.arm, block.order(), reaches(at), kind == "aalen", result
    )
    status = common_status(block.event, block.arm)
    short = ((reaches(1.0) * result[:, :, 3] < at) & (result[:, :, 2] > 0)).any(axis=1)
    status[(status == STATUS_OK) & short] = NOT_FOLLOWED
    variance = result[:, :, 1].sum(axis=1)
    status[(status == STATUS_OK) & ~(variance > _ROUNDING)] = NO_VARIANCE
    error = np.sqrt(np.where(status == STATUS_OK, variance, 1.0))
    difference = result[:, 1, 0] - result[:, 0, 0]
    return normal_estimates("cumulative incidence", difference, error, status, REASONS)


@dataclass(frozen=True, repr=False)
class CumulativeIncidenceResult(Printed):
    """Cumulative incidence curves of one trial.

    Parameters
    ----------
    block : SurvivalBlock
        The trial, as one replicate.
    curves : DataFrame
        One row for each arm and time of an event: incidence, standard error, limits, event-free.
    events : DataFrame
        Participants and events by kind of each arm.
    arms : tuple of str
        Labels, the control first.
    cause, unit_label : str
        The cause of interest, and the name of the time column.
    level : float
        Of the limits.
    variance : str
        ``"delta"`` or ``"aalen"``.
    """

    block: SurvivalBlock
    curves: pd.DataFrame
    events: pd.DataFrame
    arms: tuple[str, ...]
    cause: str
    unit_label: str
    level: float
    variance: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each arm and time of an event."""
        return self.curves

    def difference(self, at: float) -> Estimates:
        """Return the difference in cumulative incidence at one time, active minus control.

        Raises
        ------
        AnalysisError
            If there are not two arms.
        """
        if len(self.arms) != 2:
            raise AnalysisError("a difference needs two arms", field="arm", value=", ".join(self.arms))
        return _difference(self.block, read_positive("at", at), self.variance)

    def at(self, times: Sequence[float]) -> pd.DataFrame:
        """Return the curves at given times; NaN beyond the last time of an arm with participants left."""
        return pd.concat(
            [_curve(self.block, position, label, np.asarray(times, float), self.level, self.variance)
             for position, label in enumerate(self.arms)],
            ignore_index=True,
        )  # fmt: skip

    def plot(self) -> go.Figure:
        """Draw the curves of both arms with their limits."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for arm, colour in zip(self.arms, cycle(ARM_COLOURS), strict=False):
            rows = self.curves[self.curves.arm == arm]
            start = pd.DataFrame({"time": [0.0], "incidence": [0.0], "lower": [0.0], "upper": [0.0]})
            rows = pd.concat([start, rows[list(start)]], ignore_index=True)
            for column, width, dash in (("incidence", 2, "solid"), ("lower", 1, "dot"), ("upper", 1, "dot")):
                figure.add_trace(
                    go.Scatter(
                        x=rows.time, y=rows[column], mode="lines", name=arm, legendgroup=arm,
                        showlegend=column == "incidence",
                        line={"shape": "hv", "color": colour, "width": width, "dash": dash},
                    )
                )  # fmt: skip
        figure.update_xaxes(title_text=self.unit_label)
        figure.update_yaxes(title_text=f"Cumulative incidence of {self.cause}", rangemode="tozero")
        figure.update_layout(template="plotly_white", legend={"orientation": "h", "y": 1.1})
        return figure

    def _title(self) -> str:
        return f"Cumulative incidence of cause {self.cause}"

    def _facts(self) -> Facts:
        return {"intervals": f"{self.level:.0%}, on the log-log scale; {self.variance} variance"}

    def _tables(self) -> Tables:
        arms = range(len(self.arms))
        last = float(min(self.block.time[0][self.block.arm[0] == arm].max() for arm in arms))
        return {"Events": self.events, f"At {self.unit_label}": self.at([last / 4, last / 2, last])}


def _curve(
    block: SurvivalBlock, position: int, label: str, at: np.ndarray, level: float, kind: str
) -> pd.DataFrame:
    """Return the curve of one arm of one replicate at given times."""
    time, event, arm = block.time[0], block.event[0], block.arm[0]
    times, table, jumps = (
        np.empty(time.size),
        np.empty((time.size, int(arm.max()) + 1, 3)),
        np.empty((time.size, 3)),
    )
    count = tabulate(time, event, arm, block.order()[0], times, table)
    rows = np.array(
        [incidence_at(times, table, count, position, reaches(one), kind == "aalen", jumps) for one in at]
    ).reshape(-1, 3)
    own = time[arm == position]
    unknown = (at > reaches(own.max())) & (rows[:, 2] > 0)
    rows[unknown] = np.nan
    incidence, error = rows[:, 0], np.sqrt(np.maximum(rows[:, 1], 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(half_width(level) * error / (incidence * np.log(incidence)))
        lower, upper = incidence ** (1.0 / factor), incidence**factor
    certain = (incidence == 0.0) | (incidence == 1.0)
    return pd.DataFrame(
        {
            "arm": label,
            "time": at,
            "incidence": incidence,
            "standard_error": error,
            "lower": np.where(certain, incidence, lower),
            "upper": np.where(certain, incidence, upper),
            "event_free": rows[:, 2],
        }
    )


def cumulative_incidence(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str | None = None,
    cause: object,
    censored: object = 0,
    control: object = None,
    active: object = None,
    variance: Variance = "delta",
    level: float = 0.95,
) -> CumulativeIncidenceResult:
    """Estimate the cumulative incidence of one cause among competing ones in all arms, two, or everybody.

    Parameters
    ----------
    data, time, control, level
        As in `log_rank`.
    arm, active
        Every level of `arm` has a curve unless `active` names one; without `arm` everybody is one group.
    variance : str
        By the ``"delta"`` method, or ``"aalen"``.
    event, cause, censored
        As in `gray_test`.

    Returns
    -------
    CumulativeIncidenceResult
        Prints the curves; ``at()`` reads them, ``difference()`` compares them, ``plot()`` draws them.

    Raises
    ------
    AnalysisError
        If the data cannot be read.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [1, 2, 3, 4] * 2, "e": [1, 1, 2, 0, 2, 1, 2, 0], "arm": list("aaaabbbb")})
    >>> cumulative_incidence(data, time="t", event="e", arm="arm", cause=1).at([3]).incidence.to_numpy()
    array([0.5 , 0.25])
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, control=control, active=active, codes=(censored, cause),
        several=active is None,
    )  # fmt: skip
    read_choice("variance", variance, VARIANCES)
    block = frame.block
    check_level(level)
    curves = [
        _curve(block, position, label, _event_times(block, position), level, variance)
        for position, label in enumerate(frame.arms)
    ]
    return CumulativeIncidenceResult(
        block=block,
        curves=pd.concat(curves, ignore_index=True),
        events=count_events(block, frame.arms),
        arms=frame.arms,
        cause=str(cause),
        unit_label=time,
        level=level,
        variance=variance,
    )


def _event_times(block: SurvivalBlock, position: int) -> np.ndarray:
    """Return the distinct times of any event of one arm."""
    return np.unique(block.time[0][(block.arm[0] == position) & (block.event[0] > 0)])
