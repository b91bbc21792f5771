"""When enrolment will be full: prediction intervals before the start and from interim counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, xlogy

from trialsim.data import Floats
from trialsim.errors import DesignError, require_kind
from trialsim.notebook import InNotebook
from trialsim.trial.enrolment.site_plans import InterimEnrolment, SitePlan, posterior_plan
from trialsim.trial.enrolment.sites import recruit

_LARGEST_LOG_SHAPE = 16.0


@dataclass(frozen=True)
class EnrolmentForecast(InNotebook):
    """Simulated futures of enrolment.

    Parameters
    ----------
    enrolled : int
        Participants at the time of the forecast; 0 before the start.
    month : ndarray (R, N)
        Month of entry of each participant still to come.
    """

    enrolled: int
    month: Floats

    def interval(self, level: float = 0.8) -> tuple[float, float, float]:
        """Return the lower end, median and upper end of the month of full enrolment.

        Examples
        --------
        >>> from trialsim.trial.enrolment.site_plans import site_plan
        >>> plan = site_plan(np.linspace(0, 6, 20), rate=1.5, shape=1.65)
        >>> forecast = forecast_enrolment(plan, 2000, 300, np.random.default_rng(1))
        >>> [round(month) for month in forecast.interval()]
        [11, 13, 16]
        """
        if not 0 < level < 1:
            raise DesignError("must lie between 0 and 1", field="level", value=level)
        tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
        low, middle, high = np.quantile(self.month[:, -1], tails, method="inverted_cdf")
        return float(low), float(middle), float(high)

    def probability_by(self, month: float) -> float:
        """Return the probability that enrolment is full by a month."""
        return float((self.month[:, -1] <= month).mean())

    def curve(self, months: ArrayLike, level: float = 0.8) -> pd.DataFrame:
        """Return enrolled participants over time: one row a month with lower end, median, upper end."""
        when = np.atleast_1d(np.asarray(months, dtype=np.float64))
        counts = np.array([np.searchsorted(row, when, side="right") for row in self.month]) + self.enrolled
        tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
        low, middle, high = np.quantile(counts, tails, axis=0, method="inverted_cdf")
        return pd.DataFrame({"month": when, "lower": low, "median": middle, "upper": high})


def forecast_enrolment(
    plan: SitePlan,
    replicates: int,
    participants: int,
    generator: np.random.Generator,
    interim: InterimEnrolment | None = None,
) -> EnrolmentForecast:
    """Forecast enrolment of a trial.

    Parameters
    ----------
    plan : SitePlan
        The sites, as planned.
    replicates : int
        Simulated futures.
    participants : int
        Planned number of the whole trial.
    generator : numpy.random.Generator
        Stream ``enrolment``.
    interim : InterimEnrolment, optional
        Counts so far; the gamma rates of the sites are updated by them (Anisimov and Fedorov 2007).

    Returns
    -------
    EnrolmentForecast

    Raises
    ------
    DesignError
        The trial is already full, or its caps let in fewer.

    Examples
    --------
    >>> from trialsim.trial.enrolment.site_plans import site_plan
    >>> plan = site_plan([0.0, 1.0], rate=5.0)
    >>> forecast_enrolment(plan, 100, 40, np.random.default_rng(1)).month.shape
    (100, 40)
    """
    require_kind("plan", plan, SitePlan)
    if interim is None:
        return EnrolmentForecast(0, recruit(plan, replicates, participants, generator).month)
    enrolled = int(np.sum(interim.enrolled))
    if enrolled >= participants:
        raise DesignError(f"are already enrolled: {enrolled}", field="participants", value=participants)
    updated = posterior_plan(plan, interim)
    found = recruit(updated, replicates, participants - enrolled, generator, interim)
    return EnrolmentForecast(enrolled, found.month)


def fit_site_rates(enrolled: ArrayLike, exposure: ArrayLike) -> tuple[float, float, float]:
    r"""Fit the gamma law of site rates to counts, by maximum likelihood.

    Parameters
    ----------
    enrolled : array of int (S,)
        Participants of each site, n.
    exposure : array (S,)
        Months that each site was open, above 0, E.

    Returns
    -------
    mean, shape, log_likelihood : float
        Negative binomial with mean m E and shape α:
        :math:`\log\Gamma(n+\alpha) - \log\Gamma(\alpha) - \log n! + \alpha \log\frac{\alpha}{\alpha + mE}
        + n \log\frac{mE}{\alpha + mE}`. The shape is infinite where counts vary no more than Poisson.

    Raises
    ------
    DesignError
        Shapes differ, an exposure is not above 0, or nobody has enrolled.

    Examples
    --------
    >>> mean, shape, _ = fit_site_rates([1, 2, 4, 9, 30, 3], [6.0] * 6)
    >>> round(mean, 3), round(shape, 2)
    (1.361, 0.98)
    """
    n, open_months = np.asarray(enrolled), np.asarray(exposure, dtype=np.float64)
    if n.ndim != 1 or n.shape != open_months.shape or n.dtype.kind not in "iu" or (n < 0).any():
        raise DesignError("must hold one count for each exposure", field="enrolled", value=n.shape)
    if not (np.isfinite(open_months) & (open_months > 0)).all():
        raise DesignError("must be finite and above 0", field="exposure")
    if not n.any():
        raise DesignError("are all 0: no rate can be fitted", field="enrolled")

    def mean_given(shape: float) -> float:
        # Score of m: Σ (n − mE) / (m (1 + mE/α)) = 0, by fixed-point weights; exact at once if E is equal.
        mean = float(n.sum() / open_months.sum())
        for _ in range(200):
            weight = 1 / (1 + mean * open_months / shape)
            update = float((weight * n).sum() / (weight * open_months).sum())
            if abs(update - mean) < 1e-13 * mean:
                break
            mean = update
        return mean

    def deviance(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        return -_negative_binomial(n, mean_given(shape) * open_months, shape)

    best = minimize_scalar(
        deviance, bounds=(-8.0, _LARGEST_LOG_SHAPE), method="bounded", options={"xatol": 1e-9}
    )
    pooled = float(n.sum() / open_months.sum())
    poisson = float((xlogy(n, pooled * open_months) - pooled * open_months - gammaln(n + 1)).sum())
    if poisson >= -best.fun - 1e-6:
        return pooled, float("inf"), poisson
    shape = float(np.exp(best.x))
    return mean_given(shape), shape, float(-best.fun)


def _negative_binomial(n: np.ndarray, mean: Floats, shape: float) -> float:
    """Return the log-likelihood of counts with given means and one gamma shape."""
    return float(
        (
            gammaln(n + shape)
            - gammaln(shape)
            - gammaln(n + 1)
            - shape * np.log1p(mean / shape)
            + xlogy(n, mean / (shape + mean))
        ).sum()
    )
