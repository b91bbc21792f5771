"""The large-sample course of a survival trial: who is at risk over follow-up, and at what hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trialsim.data import Floats
from trialsim.design.sizes.expected_events import EventForecast
from trialsim.errors import DesignError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_WIDEST_PANEL = 1 / 16  # Of the follow-up; what is integrated is smooth inside a panel.


@dataclass(frozen=True)
class RiskCourse:
    """Participants at risk and hazards on quadrature nodes of follow-up time, at one calendar time.

    Parameters
    ----------
    time, width : ndarray (G,)
        Follow-up since entry, ascending, and the quadrature weight of each node.
    number : ndarray (2, G)
        Participants expected at risk in the (control, active) arm.
    hazard : ndarray (2, G)
        Hazard of the event.
    survival : ndarray (G,)
        Pooled Kaplan–Meier estimate just before each node, in the limit.
    """

    time: Floats
    width: Floats
    number: Floats
    hazard: Floats
    survival: Floats

    @property
    def events(self) -> Floats:
        """Events expected in each node's stretch of follow-up, both arms together (G,)."""
        return np.asarray((self.number * self.hazard).sum(axis=0) * self.width)


def risk_course(
    forecast: EventForecast, analysis_time: float, until: float | None = None, bends: Sequence[float] = ()
) -> RiskCourse:
    r"""Return who is at risk over follow-up if the data are read at a calendar time.

    Parameters
    ----------
    forecast : EventForecast
        Accrual, hazards, dropout and allocation.
    analysis_time : float
        Calendar time T of the reading, above 0.
    until : float, optional
        Longest follow-up that counts; T unless given.
    bends : sequence of float
        Further times at which what will be integrated bends or jumps.

    Returns
    -------
    RiskCourse
        Numbers at risk, hazards and survival of both arms over follow-up.

    Raises
    ------
    DesignError
        A time that is not above 0, or beyond the analysis.

    Notes
    -----
    Arm a has :math:`y_a(t) = \pi_a A(T - t) e^{-\Lambda_a(t) - H_a(t)}` at risk, A the participants entered
    by a calendar time, Λ and H the cumulative hazards of event and dropout. The pooled Kaplan–Meier estimate
    tends to :math:`\exp(-\int \sum y\lambda / \sum y)`.

    Examples
    --------
    >>> import math
    >>> from trialsim.design.sizes import EventForecast
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> forecast = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)), PiecewiseRate((0.7,))
    ... )
    >>> course = risk_course(forecast, 36.0)
    >>> round(float(course.events.sum()), 6), round(forecast.events(36.0), 6)
    (320.52516, 320.52516)
    """
    if not 0 < analysis_time < np.inf:
        raise DesignError("must be above 0", field="analysis_time", value=analysis_time)
    longest = analysis_time if until is None else until
    if not 0 < longest <= analysis_time:
        raise DesignError(
            "must lie between 0 and the time of the analysis", field="until", value=until,
            mend=f"give at most {analysis_time:g}",
        )  # fmt: skip
    time, width = _nodes(forecast, analysis_time, longest, bends)
    share = forecast.allocation / (1 + forecast.allocation)
    entered = np.array([forecast.accrual.expected(analysis_time - t) for t in time])
    hazard, number = np.empty((2, len(time))), np.empty((2, len(time)))
    for arm, weight in enumerate((1 - share, share)):
        event, leaving = forecast.rates_of(arm)
        hazard[arm] = event[np.searchsorted(forecast.starts, time, side="right") - 1]
        number[arm] = weight * entered * np.exp(-_cumulative(forecast.starts, leaving, time))
    return RiskCourse(time, width, number, hazard, _pooled_survival(forecast, time, number, hazard, width))


def _nodes(
    forecast: EventForecast, analysis_time: float, longest: float, further: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return nodes and weights on panels between the times at which anything changes its course."""
    opened, closed = forecast.accrual.periods
    bends = np.concatenate(
        [forecast.starts, analysis_time - opened, analysis_time - closed, [0.0, longest], further]
    )
    edges = np.unique(bends[(bends >= 0) & (bends <= longest)])
    cut = [
        np.linspace(low, high, 1 + max(1, int(np.ceil((high - low) / (_WIDEST_PANEL * longest)))))[:-1]
        for low, high in pairwise(edges)
    ]
    panels = np.append(np.concatenate(cut), longest)
    half = np.diff(panels) / 2
    time = (panels[:-1, None] + half[:, None] * (1 + _NODES)).ravel()
    return time, (half[:, None] * _WEIGHTS).ravel()


def _cumulative(starts: Floats, rates: Floats, time: Floats) -> Floats:
    """Return the integral of a piecewise constant rate up to each time."""
    lengths = np.clip(time[:, None] - starts, 0.0, np.diff(starts, append=np.inf))
    return np.asarray(lengths @ rates)


def _pooled_survival(
    forecast: EventForecast, time: Floats, number: Floats, hazard: Floats, width: Floats
) -> Floats:
    """Return the limit of the pooled Kaplan–Meier estimate at each node.

    Between nodes the pooled hazard is integrated by the trapezoid of the arms' own cumulative hazards, which
    is exact where both arms are followed alike: the estimate is then the mixture of both survival curves.
    """
    share = forecast.allocation / (1 + forecast.allocation)
    own = [np.exp(-_cumulative(forecast.starts, forecast.rates_of(arm)[0], time)) for arm in (0, 1)]
    mixture = (1 - share) * own[0] + share * own[1]
    if forecast.dropout[0] == forecast.dropout[1]:
        return np.asarray(mixture)
    pooled = (number * hazard).sum(axis=0) / np.maximum(number.sum(axis=0), 1e-300)
    steps = pooled * width
    return np.asarray(np.exp(-(np.cumsum(steps) - 0.5 * steps)))
