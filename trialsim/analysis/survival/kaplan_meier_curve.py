r"""Kaplan–Meier curves of one group, two arms or several: variances, quantiles and numbers at risk.

.. math:: S(t) = \prod_{u \le t} (1 - d_u / n_u), \qquad
          Var\,S(t) = S(t)^2 \sum_{u \le t} \frac{d_u}{n_u (n_u - d_u)}

Kaplan and Meier (1958), JASA 53:457. Intervals are built on the scale of log S (R's default), of
log(−log S) (SAS's default) or of S, and cut at 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.colours import ARM_COLOURS
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.survival.block import read_choice, read_probability
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.step_curve import (
    INTERVALS,
    VARIANCES,
    Curve,
    Interval,
    Variance,
    estimate_curve,
)
from trialsim.analysis.survival.time_order import reaches
from trialsim.data import Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go


_TICKS = 5


@dataclass(frozen=True, repr=False)
class KaplanMeierResult(Printed):
    """Kaplan–Meier curves of one trial.

    Parameters
    ----------
    curves : dict of Curve
        By arm, control first.
    unit_label : str
        Name of the time column.
    interval : str
        Scale of the limits.
    level : float
        Of the limits.
    """

    curves: dict[str, Curve]
    unit_label: str
    interval: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each arm and distinct time."""
        shown = [name for name in Curve.__dataclass_fields__ if name != "entry"]
        tables = [
            pd.DataFrame({"arm": arm, **{name: getattr(curve, name) for name in shown}})
            for arm, curve in self.curves.items()
        ]
        return pd.concat(tables, ignore_index=True)

    def at(self, times: Sequence[float] | Floats, arm: str | None = None) -> pd.DataFrame:
        """Return survival and numbers at risk at given times, of one arm or of both.

        Beyond an arm's last time the curve is NaN, unless it has reached 0.

        Raises
        ------
        AnalysisError
            If the arm is unknown.
        """
        if arm is not None and arm not in self.curves:
            raise AnalysisError(
                "is not an arm", field="arm", value=arm, mend=f"use one of {', '.join(self.curves)}"
            )
        asked = np.asarray(times, dtype=np.float64)
        chosen = {arm: self.curves[arm]} if arm is not None else self.curves
        return pd.concat([_at(label, curve, asked) for label, curve in chosen.items()], ignore_index=True)

    def quantiles(self, probabilities: Sequence[float] = (0.25, 0.5, 0.75)) -> pd.DataFrame:
        """Return the times by which the given shares have had the event, with intervals."""
        rows = []
        for arm, curve in self.curves.items():
            for probability in probabilities:
                time, lower, upper = curve.quantile(read_probability("probabilities", probability))
                rows.append((arm, probability, time, lower, upper))
        return pd.DataFrame(rows, columns=["arm", "probability", "time", "lower", "upper"])

    def plot(self) -> go.Figure:
        """Draw the curves with their limits, censoring marks and numbers at risk."""
        from plotly.subplots import make_subplots

        figure = make_subplots(
            rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.1
        )
        last = max(curve.time[-1] for curve in self.curves.values())
        ticks = _ticks(float(last))
        for (arm, curve), colour in zip(self.curves.items(), cycle(ARM_COLOURS), strict=False):
            _draw_curve(figure, arm, curve, colour, self.level)
            figure.add_trace(_numbers_at_risk(arm, curve, ticks, colour), row=2, col=1)
        figure.update_xaxes(range=[-0.03 * last, last * 1.02], tickvals=ticks, tickformat=".4~g")
        figure.update_xaxes(title_text=self.unit_label, row=2, col=1)
        figure.update_yaxes(title_text="Event-free", range=[0, 1.02], row=1, col=1)
        figure.update_yaxes(
            title_text="At risk", range=[len(self.curves) - 0.4, -0.6], showgrid=False, row=2, col=1
        )
        figure.update_layout(template="plotly_white", legend={"orientation": "h", "y": 1.1})
        return figure

    def _title(self) -> str:
        return "Kaplan–Meier estimates of survival"

    def _facts(self) -> Facts:
        return {"intervals": f"{self.level:.0%}, on the {self.interval.replace('_', '-')} scale"}

    def _printed_quantiles(self) -> pd.DataFrame:
        """Return the quantiles as text: a time that no share reached is no number."""
        frame = self.quantiles()
        for name in ("time", "lower", "upper"):
            frame[name] = ["not reached" if np.isnan(value) else number(value) for value in frame[name]]
        return frame

    def _tables(self) -> Tables:
        counts = pd.DataFrame(
            {
                "arm": list(self.curves),
                "participants": [
                    int((curve.events + curve.censored).sum()) for curve in self.curves.values()
                ],
                "events": [int(curve.events.sum()) for curve in self.curves.values()],
            }
        )
        return {"Participants": counts, f"Quantiles of {self.unit_label}": self._printed_quantiles()}


def _at(arm: str, curve: Curve, times: Floats) -> pd.DataFrame:
    """Return the curve of an arm read at given times."""
    position = np.searchsorted(curve.time, times * reaches(1.0), side="right") - 1
    before = position < 0
    unknown = (times > reaches(curve.time[-1])) & (curve.survival[-1] > 0)

    def read(values: Floats, at_start: float) -> Floats:
        return np.where(unknown, np.nan, np.where(before, at_start, values[np.maximum(position, 0)]))

    return pd.DataFrame(
        {
            "arm": arm,
            "time": times,
            "at_risk": curve.followed(times),
            "survival": read(curve.survival, 1.0),
            "standard_error": read(curve.standard_error, 0.0),
            "lower": read(curve.lower, 1.0),
            "upper": read(curve.upper, 1.0),
        }
    )


def kaplan_meier(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str | None = None,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    interval: Interval = "log",
    variance: Variance = "greenwood",
    level: float = 0.95,
) -> KaplanMeierResult:
    """Estimate the survival curves of all arms, of two, or of everybody.

    Parameters
    ----------
    data, time, event, entry, control, level
        As in `log_rank`.
    arm, active
        Every level of `arm` has a curve unless `active` names one; without `arm` everybody is one group.
    variance : str
        Of the cumulative hazard: ``"greenwood"``, Σ d/(n (n − d)), or ``"aalen"``, Σ d/n² (R's
        ``error = "tsiatis"``).
    interval : str
        ``"log"``, ``"log_log"`` or ``"plain"``: the scale of the limits.

    Returns
    -------
    KaplanMeierResult
        Prints quantiles; ``at()`` reads the curves, ``plot()`` draws them.

    Raises
    ------
    AnalysisError
        If the data cannot be read.

    Examples
    --------
    >>> data = pd.DataFrame({"month": [1, 2, 3, 4, 2, 3, 4, 5], "e": 1, "arm": list("aaaabbbb")})
    >>> print(kaplan_meier(data, time="month", event="e", arm="arm"))
    Kaplan–Meier estimates of survival
      intervals  95%, on the log scale
    <BLANKLINE>
    Participants
      arm participants events
        a            4      4
        b            4      4
    <BLANKLINE>
    Quantiles of month
      arm probability time lower       upper
        a        0.25  1.5     1 not reached
        a         0.5  2.5     1 not reached
        a        0.75  3.5     2 not reached
        b        0.25  2.5     2 not reached
        b         0.5  3.5     2 not reached
        b        0.75  4.5     3 not reached
    """
    read_choice("interval", interval, INTERVALS)
    check_level(level)
    read_choice("variance", variance, VARIANCES)
    frame = read_frame(
        data, time=time, event=event, arm=arm, control=control, active=active, entry=entry,
        several=active is None,
    )  # fmt: skip
    block = frame.block
    curves = {}
    for position, label in enumerate(frame.arms):
        member = block.arm[0] == position
        after = None if block.entry is None else block.entry[0][member]
        curves[label] = estimate_curve(
            block.time[0][member], block.event[0][member], interval, level, after, variance
        )
    return KaplanMeierResult(curves, time, interval, level)


def _ticks(last: float) -> Floats:
    """Return about five round times from 0."""
    step = last / _TICKS
    unit = 10.0 ** np.floor(np.log10(step))
    round_step = unit * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda size: abs(size * unit - step))
    return np.arange(0.0, last * (1.0 + 1e-9), round_step)


def _draw_curve(figure: go.Figure, arm: str, curve: Curve, colour: str, level: float) -> None:
    import plotly.graph_objects as go

    time = np.concatenate([[0.0], curve.time])
    survival = np.concatenate([[1.0], curve.survival])
    lower, upper = np.concatenate([[1.0], curve.lower]), np.concatenate([[1.0], curve.upper])
    steps = {"shape": "hv", "color": colour}
    thin = {**steps, "width": 0}
    figure.add_trace(
        go.Scatter(x=time, y=upper, mode="lines", line=thin, showlegend=False, hoverinfo="skip"), row=1, col=1
    )
    figure.add_trace(
        go.Scatter(
            x=time, y=lower, mode="lines", line=thin, fill="tonexty", opacity=0.2, showlegend=False,
            fillcolor=_faint(colour), hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=time, y=survival, mode="lines", line=steps, name=arm,
            customdata=np.column_stack([lower, upper]),
            hovertemplate=f"%{{x:.4~g}}: %{{y:.3f}} ({level:.0%} %{{customdata[0]:.3f}} to "
            "%{customdata[1]:.3f})",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    censored = curve.censored > 0
    figure.add_trace(
        go.Scatter(
            x=curve.time[censored], y=curve.survival[censored], mode="markers", name=f"{arm}, censored",
            marker={"symbol": "line-ns-open", "size": 7, "color": colour}, showlegend=False,
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip


def _numbers_at_risk(arm: str, curve: Curve, ticks: Floats, colour: str) -> go.Scatter:
    import plotly.graph_objects as go

    counts = curve.followed(ticks)
    return go.Scatter(
        x=ticks, y=[arm] * len(ticks), mode="text", text=[str(count) for count in counts],
        textfont={"color": colour}, showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
