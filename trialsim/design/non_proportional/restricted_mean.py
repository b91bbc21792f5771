"""Power and sizes of the difference in restricted mean survival times, for any hazards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.group_sequential.survival_events import SurvivalSize
from trialsim.design.non_proportional.course import risk_course
from trialsim.design.sizes.direction import Direction, checked_direction, refuse_wrong_side
from trialsim.design.sizes.expected_events import EventForecast
from trialsim.design.sizes.means import check_level, check_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class RestrictedMeanLaw(InNotebook):
    """Large-sample law of restricted mean survival times at one calendar time.

    Parameters
    ----------
    means : pair of float
        Expected time without the event up to τ, in the (control, active) arm.
    variances : pair of float
        Variance of each arm's estimate.
    """

    means: tuple[float, float]
    variances: tuple[float, float]

    @property
    def difference(self) -> float:
        """Active minus control, in the unit of time."""
        return self.means[1] - self.means[0]

    @property
    def z(self) -> float:
        """Mean of the Wald statistic."""
        return float(self.difference / math.sqrt(sum(self.variances)))


def restricted_mean_law(forecast: EventForecast, analysis_time: float, tau: float) -> RestrictedMeanLaw:
    r"""Return the law of the restricted means of both arms if the data are read at a calendar time.

    Parameters
    ----------
    forecast : EventForecast
        Accrual, hazards, dropout and allocation.
    analysis_time : float
        Calendar time of the reading.
    tau : float
        Horizon, above 0 and below the longest follow-up.

    Returns
    -------
    RestrictedMeanLaw
        Means and variances of both arms.

    Raises
    ------
    DesignError
        Nobody is followed for so long.

    Notes
    -----
    :math:`\mathrm{Var}(\hat\mu_a) = \int_0^\tau A_a(t)^2 \lambda_a(t) / y_a(t)\,dt` with :math:`A_a(t) =
    \int_t^\tau S_a`, y_a the number at risk: the limit of Greenwood's formula.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> forecast = EventForecast(PlannedAccrual((20,), (24,)), PiecewiseRate((0.05,)), PiecewiseRate((0.7,)))
    >>> law = restricted_mean_law(forecast, 40.0, 24.0)
    >>> round(law.means[0], 6), round((1 - math.exp(-0.05 * 24)) / 0.05, 6), round(law.z, 3)
    (13.976116, 13.976116, 2.887)
    """
    if not 0 < tau < analysis_time:
        raise DesignError(
            "must lie between 0 and the time of the analysis", field="tau", value=tau,
            mend=f"give a horizon below {analysis_time:g}, at which people are still followed",
        )  # fmt: skip
    course = risk_course(forecast, analysis_time, tau)
    if course.number[:, -1].min() <= 1e-9 * course.number[:, 0].max():
        raise DesignError("is longer than anybody is followed", field="tau", value=tau)
    means, variances = [], []
    for arm in (0, 1):
        hazard = forecast.rates_of(arm)[0]
        area = np.array([_area(forecast.starts, hazard, t, tau) for t in course.time])
        means.append(_area(forecast.starts, hazard, 0.0, tau))
        variances.append(float(np.sum(area**2 * course.hazard[arm] / course.number[arm] * course.width)))
    return RestrictedMeanLaw((means[0], means[1]), (variances[0], variances[1]))


def restricted_mean_power(
    forecast: EventForecast,
    analysis_time: float,
    tau: float,
    *,
    alpha: float = 0.025,
    direction: Direction = "greater",
) -> float:
    """Return the power of the Wald test of the difference in restricted mean survival time.

    Parameters
    ----------
    forecast, analysis_time, tau
        As for `restricted_mean_law`.
    alpha : float
        One-sided level.
    direction : {"greater", "less"}
        Side of the claim: "greater" where more time without the event is better.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> forecast = EventForecast(PlannedAccrual((20,), (24,)), PiecewiseRate((0.05,)), PiecewiseRate((0.7,)))
    >>> round(restricted_mean_power(forecast, 40.0, 24.0), 3)
    0.823
    """
    check_level(alpha, forecast.allocation)
    law = restricted_mean_law(forecast, analysis_time, tau)
    return float(ndtr(_sign(direction) * law.z + ndtri(alpha)))


def restricted_mean_size(
    forecast: EventForecast,
    analysis_time: float,
    tau: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    direction: Direction = "greater",
) -> SurvivalSize:
    """Return how many to enrol for the power of the difference in restricted mean survival time.

    Parameters
    ----------
    forecast, analysis_time, tau, alpha, direction
        As for `restricted_mean_power`; accrual rates count relative to one another only.
    power : float
        In (alpha, 1).

    Returns
    -------
    SurvivalSize
        Events, participants enrolled and the forecast at that size.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> forecast = EventForecast(PlannedAccrual((20,), (24,)), PiecewiseRate((0.05,)), PiecewiseRate((0.7,)))
    >>> round(restricted_mean_size(forecast, 40.0, 24.0).participants)
    605
    """
    check_level(alpha, forecast.allocation)
    check_power(power, alpha)
    law = restricted_mean_law(forecast, analysis_time, tau)
    refuse_wrong_side(_sign(direction) * law.z, "hazard_ratio", forecast.average_hazard_ratio(analysis_time))
    factor = ((-ndtri(alpha) + ndtri(power)) / law.z) ** 2
    size = SurvivalSize(forecast.events(analysis_time), forecast.accrual.total, analysis_time, forecast)
    return size.scaled(float(factor))


def _sign(direction: Direction) -> float:
    return 1.0 if checked_direction(direction) == "greater" else -1.0


def _area(starts: Floats, hazard: Floats, begin: float, end: float) -> float:
    """Return the integral of the survival curve of piecewise constant hazards, in closed form."""
    ends = np.append(starts[1:], np.inf)
    before = np.append(0.0, np.cumsum(hazard[:-1] * np.diff(starts)))
    total = 0.0
    for start, stop, rate, gone in zip(starts, ends, hazard, before, strict=True):
        low, high = max(begin, start), min(end, stop)
        if high > low:
            at_low = math.exp(-gone - rate * (low - start))
            total += at_low * (-math.expm1(-rate * (high - low)) / rate if rate > 0 else high - low)
    return float(total)
