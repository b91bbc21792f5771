"""Events, participants and calendar of trials with a time-to-event outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, assert_never, get_args

import numpy as np
from scipy.stats import norm

from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.expected_events import EventForecast
from trialsim.design.sizes.means import check_level, check_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.rates import PiecewiseRate

EventsMethod = Literal["schoenfeld", "freedman", "hsieh-freedman"]
SizeMethod = Literal["schoenfeld", "freedman", "hsieh-freedman", "lachin-foulkes", "bernstein-lagakos"]


@dataclass(frozen=True)
class SurvivalSize(InNotebook):
    """Size of a trial with one look.

    Parameters
    ----------
    events : float
        Events expected at the analysis, not rounded.
    participants : float
        Participants to enrol, not rounded.
    analysis_time : float
        Calendar time of the analysis.
    forecast : EventForecast
        What the size rests on, with its accrual scaled to `participants`.
    """

    events: float
    participants: float
    analysis_time: float
    forecast: EventForecast

    def scaled(self, factor: float) -> SurvivalSize:
        """Return the size with accrual and events multiplied, as by a design's inflation."""
        return SurvivalSize(
            self.events * factor,
            self.participants * factor,
            self.analysis_time,
            replace(self.forecast, accrual=self.forecast.accrual.scaled(factor)),
        )


def events_for_power(
    hazard_ratio: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    margin: float = 1.0,
    method: EventsMethod = "schoenfeld",
    direction: Direction | None = None,
) -> float:
    """Return the events that give a log-rank test its power, not rounded.

    Parameters
    ----------
    hazard_ratio : float
        Assumed ratio θ, active over control, above 0.
    power, alpha : float
        Power, and one-sided significance level.
    allocation : float
        Active participants for each control, r.
    margin : float
        Hazard ratio under the null; other than 1 for Schoenfeld's formula only. Above 1 for
        non-inferiority.
    method : {"schoenfeld", "freedman", "hsieh-freedman"}
        Formula.
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, it is the side of the ratio where the margin is 1, and "less" otherwise:
        a ratio above the margin then has no size.

    Returns
    -------
    float
        Events of both arms.

    Raises
    ------
    DesignError
        The ratio lies at the margin or beyond it, or a number is out of range.

    Notes
    -----
    (z_{1−α} + z_{1−β})² times ``(1 + r)²/(r ln²(θ/θ₀))`` (Schoenfeld 1981), ``(1 + rθ)²/(r(1 − θ)²)``
    (Freedman 1982), ``((1 + r)²/4r) ((1 + θ)/(1 − θ))²`` (Hsieh 1992).

    Examples
    --------
    >>> round(events_for_power(0.7), 4), round(events_for_power(0.7, method="freedman"), 4)
    (330.3779, 337.405)
    >>> round(events_for_power(1.0, margin=1.3), 1)
    610.6
    """
    if method not in get_args(EventsMethod):
        raise DesignError(
            "is not a formula for events",
            field="method",
            value=method,
            mend=f"use one of {get_args(EventsMethod)}",
        )
    if not (0 < hazard_ratio < math.inf and 0 < margin < math.inf):
        raise DesignError("must be above 0", field="hazard_ratio", value=hazard_ratio)
    if hazard_ratio == margin:
        raise DesignError(
            "must differ from the margin: no number of events detects it",
            field="hazard_ratio",
            value=hazard_ratio,
        )
    if margin != 1 and method != "schoenfeld":
        raise DesignError(
            "other than 1 is offered for Schoenfeld's formula only", field="margin", value=margin
        )
    check_level(alpha, allocation)
    check_power(power, alpha)
    distance = claimed(math.log(hazard_ratio / margin), direction, margin == 1, otherwise="less")
    refuse_wrong_side(distance, "hazard_ratio", hazard_ratio)
    r = allocation
    if method == "schoenfeld":
        factor = (1 + r) ** 2 / (r * distance**2)
    elif method == "freedman":
        factor = (1 + r * hazard_ratio) ** 2 / (r * (1 - hazard_ratio) ** 2)
    elif method != "hsieh-freedman":
        assert_never(method)
    else:
        factor = (1 + r) ** 2 / (4 * r) * ((1 + hazard_ratio) / (1 - hazard_ratio)) ** 2
    return float((norm.isf(alpha) + norm.ppf(power)) ** 2 * factor)


def drift_of_events(
    events: float,
    hazard_ratio: float,
    allocation: float = 1.0,
    *,
    margin: float = 1.0,
    direction: Direction = "less",
) -> float:
    """Return the drift of a group-sequential log-rank test, −ln(θ/θ₀) √(r d)/(1 + r).

    Parameters
    ----------
    events : float
        Events d at information 1.
    hazard_ratio, margin : float
        Assumed ratio θ and the ratio θ₀ under the null, above 0.
    allocation : float
        Active participants for each control, r.
    direction : {"greater", "less"}
        Side of the hazard ratio that is a benefit: "less", unless the event is a good one.

    Returns
    -------
    float
        Below 0 where the treatment does harm: no upper bound is then crossed but by chance.

    Examples
    --------
    >>> round(drift_of_events(330, 0.7), 4)
    3.2397
    >>> round(drift_of_events(330, 1.5), 4)
    -3.6828
    """
    distance = claimed(math.log(hazard_ratio / margin), direction, False)
    return distance * math.sqrt(allocation * events) / (1 + allocation)


def survival_size(
    forecast: EventForecast,
    analysis_time: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    method: SizeMethod = "schoenfeld",
    direction: Direction = "less",
) -> SurvivalSize:
    """Return how many to enrol, in the periods of a forecast's accrual, for the power at a fixed time.

    Parameters
    ----------
    forecast : EventForecast
        Accrual (its rates count relative to one another only), proportional hazards, dropout.
    analysis_time : float
        Calendar time of the analysis, not before accrual closes.
    power, alpha : float
        Power, and one-sided significance level.
    method : str
        A formula of `events_for_power`, or one that rests on the events of each arm.
    direction : {"greater", "less"}
        Side of the hazard ratio that is a benefit: "less", unless the event is a good one.

    Returns
    -------
    SurvivalSize
        Events, participants enrolled and the forecast at that size.

    Raises
    ------
    DesignError
        Hazards that are not proportional, a ratio of 1, or one on the wrong side.

    Notes
    -----
    With d_a the events of arm a expected for each participant enrolled,

    ``n = (z_{1−α} √V₀ + z_{1−β} √V₁)² / ln²θ``, ``V₁ = 1/d₀ + 1/d₁``;

    V₀ is found at the hazard averaged over participants, (λ + rθλ)/(1 + r) (Lachin & Foulkes 1986), or at
    the control hazard in both arms (Bernstein & Lagakos 1978).

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual
    >>> leaving = PiecewiseRate((0.00427444119896255,))
    >>> forecast = EventForecast(
    ...     PlannedAccrual((1,), (18,)), PiecewiseRate((math.log(2) / 12,)), PiecewiseRate((0.6,)),
    ...     (leaving, leaving),
    ... )
    >>> size = survival_size(forecast, 30, method="lachin-foulkes")
    >>> round(size.participants, 3), round(size.events, 3)
    (278.816, 160.846)
    """
    ratio = forecast.hazard_ratio.rates
    if len(set(ratio)) != 1:
        raise DesignError(
            "must be constant: these formulas rest on proportional hazards",
            field="hazard_ratio",
            value=ratio,
            mend="size by simulation, or from the average hazard ratio",
        )
    if analysis_time < forecast.accrual.duration:
        raise DesignError(
            "must not come before accrual closes",
            field="analysis_time",
            value=analysis_time,
            mend=f"analyse at {forecast.accrual.duration:g} or later",
        )
    enrolled, events = forecast.accrual.total, forecast.events(analysis_time)
    if method == "schoenfeld" or method == "freedman" or method == "hsieh-freedman":
        needed = events_for_power(
            ratio[0],
            power=power,
            alpha=alpha,
            allocation=forecast.allocation,
            method=method,
            direction=direction,
        )
        factor = needed / events
    elif method in get_args(SizeMethod):
        check_level(alpha, forecast.allocation)
        check_power(power, alpha)
        if ratio[0] == 1:
            raise DesignError("must not be 1: no size detects it", field="hazard_ratio", value=ratio[0])
        refuse_wrong_side(claimed(math.log(ratio[0]), direction, False), "hazard_ratio", ratio[0])
        factor = _participants(forecast, analysis_time, power, alpha, method) / enrolled
    else:
        raise DesignError(
            "is not known", field="method", value=method, mend=f"use one of {get_args(SizeMethod)}"
        )
    return SurvivalSize(events, enrolled, analysis_time, forecast).scaled(factor)


def _participants(
    forecast: EventForecast, analysis_time: float, power: float, alpha: float, method: SizeMethod
) -> float:
    """Return the participants by a formula with variances under both hypotheses."""
    theta, r = forecast.hazard_ratio.rates[0], forecast.allocation
    shared = (1 + r * theta) / (1 + r) if method == "lachin-foulkes" else 1.0
    hazard = forecast.control_hazard
    without_effect = replace(
        forecast,
        control_hazard=PiecewiseRate(tuple(shared * rate for rate in hazard.rates), hazard.starts),
        hazard_ratio=PiecewiseRate((1.0,)),
    )
    null, alternative = (
        float(np.sum(forecast.accrual.total / case.events_by_piece(analysis_time).sum(axis=1)))
        for case in (without_effect, forecast)
    )
    spread = norm.isf(alpha) * math.sqrt(null) + norm.ppf(power) * math.sqrt(alternative)
    return float((spread / math.log(theta)) ** 2)
