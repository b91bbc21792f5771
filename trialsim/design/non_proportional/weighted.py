"""Power and sizes of weighted log-rank and MaxCombo tests by their large-sample law, for any hazards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from trialsim.analysis.survival.weights import (
    LOG_RANK,
    AtRisk,
    EarlyZero,
    FlemingHarrington,
    MagirrBurman,
    PetoPeto,
    Weight,
)
from trialsim.data import Floats
from trialsim.design.group_sequential.survival_events import SurvivalSize
from trialsim.design.non_proportional.course import RiskCourse, risk_course
from trialsim.design.sizes.direction import Direction, checked_direction, refuse_wrong_side
from trialsim.design.sizes.expected_events import EventForecast
from trialsim.design.sizes.means import check_level, check_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_LARGEST_FACTOR = 1e6


@dataclass(frozen=True)
class WeightedLaw(InNotebook):
    """Large-sample law of K weighted log-rank statistics at one calendar time.

    Parameters
    ----------
    score : ndarray (K,)
        Expected Σ w (e − d₁): above 0 where fewer weighted events than expected come in the active arm.
    variance : ndarray (K, K)
        Covariance of the scores.
    events : float
        Events expected in both arms.
    """

    score: Floats
    variance: Floats
    events: float

    @property
    def mean(self) -> Floats:
        """Mean of each z (K,), above 0 where the active arm has the lower weighted hazard."""
        return np.asarray(self.score / np.sqrt(np.diag(self.variance)))

    @property
    def correlation(self) -> Floats:
        """Correlation of the statistics (K, K)."""
        spread = np.sqrt(np.diag(self.variance))
        return np.asarray(self.variance / np.outer(spread, spread))


def weighted_law(
    forecast: EventForecast, analysis_time: float, weights: Sequence[Weight] = (LOG_RANK,)
) -> WeightedLaw:
    r"""Return the law of weighted log-rank statistics if the data are read at a calendar time.

    Parameters
    ----------
    forecast : EventForecast
        Accrual, hazards (proportional or not), dropout and allocation.
    analysis_time : float
        Calendar time of the reading.
    weights : sequence of Weight
        As the analyses take them: Fleming–Harrington, Magirr–Burman, early-zero, at risk, Peto–Peto.

    Returns
    -------
    WeightedLaw

    Raises
    ------
    DesignError
        A weight that is 0 wherever events come.

    Notes
    -----
    With y_a at risk and hazards λ_a over follow-up,

    :math:`E = \int w \frac{y_0 y_1}{y_0 + y_1} (\lambda_0 - \lambda_1)\,dt`, :math:`V_{kl} = \int w_k w_l
    \frac{y_0 y_1}{(y_0 + y_1)^2} (y_0 \lambda_0 + y_1 \lambda_1)\,dt`

    (Yung and Liu 2020, Biometrics 76:939; as gsDesign2 has them). The variance is that of the test under
    the alternative's own course; that of z is taken as 1.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> forecast = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)),
    ...     PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
    ... )
    >>> law = weighted_law(forecast, 40.0, [LOG_RANK, FlemingHarrington(0, 1)])
    >>> law.mean.round(3), law.correlation.round(3)[0, 1]
    (array([2.974, 3.646]), np.float64(0.86))
    """
    jumps = [one.period for one in weights if isinstance(one, EarlyZero)]
    jumps += [one.delay for one in weights if isinstance(one, MagirrBurman)]
    course = risk_course(forecast, analysis_time, bends=[t for t in jumps if t < analysis_time])
    y0, y1 = course.number
    total = np.maximum(y0 + y1, 1e-300)
    table = np.array([_values(one, course) for one in weights])
    drift = y0 * y1 / total * (course.hazard[0] - course.hazard[1]) * course.width
    spread = y0 * y1 / total**2 * (y0 * course.hazard[0] + y1 * course.hazard[1]) * course.width
    variance = np.einsum("kt,lt,t->kl", table, table, spread)
    if (np.diag(variance) <= 0).any():
        raise DesignError("is 0 wherever events come by then", field="weights", value=str(weights[0]))
    return WeightedLaw(table @ drift, variance, float(course.events.sum()))


def _values(weight: Weight, course: RiskCourse) -> Floats:
    """Return a weight at every node (G,)."""
    survival = course.survival
    match weight:
        case FlemingHarrington(rho=rho, gamma=gamma):
            return np.asarray(survival**rho * (1 - survival) ** gamma)
        case MagirrBurman(delay=delay, w_max=w_max):
            at_delay = float(np.interp(delay, course.time, survival))
            return np.asarray(np.minimum(w_max, 1 / np.maximum(survival, at_delay)))
        case EarlyZero(period=period):
            return np.asarray((course.time >= period).astype(np.float64))
        case AtRisk(power=power):
            return np.asarray(course.number.sum(axis=0) ** power)
        case PetoPeto():
            return survival
        case _:
            assert_never(weight)


def max_combo_power(
    forecast: EventForecast,
    analysis_time: float,
    weights: Sequence[Weight] = (LOG_RANK,),
    *,
    alpha: float = 0.025,
    direction: Direction = "less",
) -> float:
    r"""Return the power of the largest of several weighted log-rank tests, or of one.

    Parameters
    ----------
    forecast, analysis_time, weights
        As for `weighted_law`; one weight gives its own test.
    alpha : float
        One-sided level.
    direction : {"greater", "less"}
        Side of the hazard ratio that is a benefit.

    Returns
    -------
    float
        :math:`1 - \Phi_K(c - \mu; R)` with :math:`\Phi_K(c, \ldots, c; R) = 1 - \alpha`.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> late = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)),
    ...     PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
    ... )
    >>> pair = [LOG_RANK, FlemingHarrington(0, 1)]
    >>> [round(max_combo_power(late, 40.0, part), 3) for part in (pair[:1], pair[1:], pair)]
    [0.845, 0.954, 0.94]
    """
    check_level(alpha, forecast.allocation)
    law = weighted_law(forecast, analysis_time, weights)
    return _power(law, _critical(law, alpha), _sign(direction), 1.0)


def weighted_survival_size(
    forecast: EventForecast,
    analysis_time: float,
    weights: Sequence[Weight] = (LOG_RANK,),
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    direction: Direction = "less",
) -> SurvivalSize:
    """Return how many to enrol, in the periods of a forecast's accrual, for the power at a fixed time.

    Parameters
    ----------
    forecast : EventForecast
        Its accrual rates count relative to one another only.
    analysis_time, weights, alpha, direction
        As for `max_combo_power`.
    power : float
        In (alpha, 1).

    Returns
    -------
    SurvivalSize
        Events, participants enrolled and the forecast at that size.

    Raises
    ------
    DesignError
        The effect lies on the wrong side for every weight, or no size reaches the power.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> late = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)),
    ...     PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
    ... )
    >>> pair = [LOG_RANK, FlemingHarrington(0, 1)]
    >>> [round(weighted_survival_size(late, 40.0, part).participants) for part in (pair[:1], pair[1:], pair)]
    [570, 379, 409]
    """
    check_level(alpha, forecast.allocation)
    check_power(power, alpha)
    law, sign = weighted_law(forecast, analysis_time, weights), _sign(direction)
    refuse_wrong_side(
        float((sign * law.mean).max()),
        "hazard_ratio",
        forecast.average_hazard_ratio(analysis_time),
    )
    critical = _critical(law, alpha)
    if len(weights) == 1:
        factor = float(((critical + ndtri(power)) / law.mean[0]) ** 2)
    else:
        high = 1.0
        while _power(law, critical, sign, high) < power:
            high *= 4
            if high > _LARGEST_FACTOR:
                raise DesignError(
                    "is not reached by a million times the accrual", field="power", value=power,
                    mend="assume more effect",
                )  # fmt: skip
        factor = brentq(lambda f: _power(law, critical, sign, f) - power, 1e-9, high, xtol=1e-10, rtol=1e-9)
    return SurvivalSize(law.events, forecast.accrual.total, analysis_time, forecast).scaled(factor)


def average_hazard_ratio_size(
    forecast: EventForecast,
    analysis_time: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    direction: Direction = "less",
) -> SurvivalSize:
    r"""Return how many to enrol for a log-rank test, by the average hazard ratio at the analysis.

    Parameters
    ----------
    forecast, analysis_time, power, alpha, direction
        As for `weighted_survival_size`.

    Returns
    -------
    SurvivalSize
        Events, participants enrolled and the forecast at that size.

    Notes
    -----
    :math:`n = (z_{1-\alpha} / \sqrt{I_0} + z_{1-\beta} / \sqrt{I_1})^2 / \ln^2 \mathrm{AHR}`, I₀ and I₁ the
    information of one participant with the events shared as under the null (π₀π₁d) and as expected
    (Mukhopadhyay and others 2020). `weighted_survival_size` needs no average; both agree for modest effects.

    Examples
    --------
    >>> from trialsim.rates import PlannedAccrual, PiecewiseRate
    >>> late = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)),
    ...     PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
    ... )
    >>> round(average_hazard_ratio_size(late, 40.0).participants)
    564
    """
    check_level(alpha, forecast.allocation)
    check_power(power, alpha)
    ahr = forecast.average_hazard_ratio(analysis_time)
    distance = -_sign(direction) * math.log(ahr)
    refuse_wrong_side(distance, "hazard_ratio", ahr)
    events = forecast.events(analysis_time)
    null = events * forecast.allocation / (1 + forecast.allocation) ** 2
    own = forecast.information(analysis_time)
    needed = (-ndtri(alpha) / math.sqrt(null) + ndtri(power) / math.sqrt(own)) / distance
    size = SurvivalSize(events, forecast.accrual.total, analysis_time, forecast)
    return size.scaled(float(needed**2))


def _sign(direction: Direction) -> float:
    return 1.0 if checked_direction(direction) == "less" else -1.0


def _critical(law: WeightedLaw, alpha: float) -> float:
    """Return the bound of the largest z."""
    single = float(-ndtri(alpha))
    if len(law.mean) == 1:
        return single
    most = float(-ndtri(alpha / len(law.mean)))
    return brentq(lambda c: _below(law, np.full(len(law.mean), c)) - (1 - alpha), single, most, xtol=1e-9)


def _power(law: WeightedLaw, critical: float, sign: float, factor: float) -> float:
    gap = critical - sign * law.mean * math.sqrt(factor)
    if len(gap) == 1:
        return float(ndtr(-gap[0]))
    return 1 - _below(law, gap)


def _below(law: WeightedLaw, bound: Floats) -> float:
    """Return the probability that every statistic lies below its bound; the same for the same input."""
    return float(
        multivariate_normal.cdf(
            bound, np.zeros(len(bound)), law.correlation, allow_singular=True, maxpts=200_000, abseps=1e-8,
            releps=1e-8, rng=np.random.default_rng(0),
        )
    )  # fmt: skip
