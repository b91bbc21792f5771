"""Sites of a trial: when each opens, how fast it recruits, and what counts so far say of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError

NO_CAP = 2**31


@dataclass(frozen=True)
class SitePlan:
    """Sites of a trial, S of them; make it with `site_plan`.

    Parameters
    ----------
    activation : ndarray (S,)
        Month in which each site opens.
    rate : ndarray (S,)
        Mean number screened a month when the ramp is over, m.
    shape : ndarray (S,)
        Gamma shape of the rate between replicates; infinite for a rate that is known.
    ramp : ndarray (S,)
        Months over which the rate rises from 0; 0 for none.
    screen_failure : ndarray (S,)
        Probability that a screened person is not eligible, f, in [0, 1).
    cap : ndarray of int (S,)
        Most participants of each site.
    country : ndarray of int (S,)
        Country of each site, from 0.
    country_cap : ndarray of int (C,)
        Most participants of each country.
    """

    activation: Floats
    rate: Floats
    shape: Floats
    ramp: Floats
    screen_failure: Floats
    cap: Ints
    country: Ints
    country_cap: Ints

    def __len__(self) -> int:
        return len(self.activation)

    @property
    def most(self) -> int:
        """Most participants that the caps let in."""
        by_country = np.bincount(self.country, weights=self.cap, minlength=len(self.country_cap))
        return int(np.minimum(by_country, self.country_cap).sum())

    def exposure(self, month: float) -> Floats:
        """Return G(month − activation) of each site (S,): months open, ramp-up discounted."""
        since = np.maximum(month - self.activation, 0.0)
        ramp = np.where(self.ramp > 0, self.ramp, 1.0)
        rising = np.where(since < self.ramp, since**2 / (2 * ramp), since - self.ramp / 2)
        return np.where(self.ramp > 0, rising, since)

    def expected(self, months: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of the participants by each month (T,), as long as no cap binds.

        Examples
        --------
        >>> plan = site_plan([0.0, 2.0], rate=3.0, shape=2.0, screen_failure=0.5)
        >>> mean, variance = plan.expected([4.0])
        >>> print(mean, variance)
        [9.] [31.5]
        """
        each = np.array(
            [self.rate * (1 - self.screen_failure) * self.exposure(t) for t in np.atleast_1d(months)]
        )
        return each.sum(axis=1), (each + each**2 / self.shape).sum(axis=1)


@dataclass(frozen=True)
class InterimEnrolment:
    """What enrolment has shown by a month.

    Parameters
    ----------
    month : float
        Month of the count.
    enrolled : ndarray of int (S,)
        Participants of each site so far.
    """

    month: float
    enrolled: Ints


def site_plan(
    activation: ArrayLike,
    *,
    rate: ArrayLike,
    shape: ArrayLike = np.inf,
    ramp: ArrayLike = 0.0,
    screen_failure: ArrayLike = 0.0,
    cap: ArrayLike = NO_CAP,
    country: ArrayLike = 0,
    country_cap: ArrayLike = NO_CAP,
) -> SitePlan:
    """Return a checked plan of sites; a single number serves all of them. See `SitePlan`.

    Parameters
    ----------
    activation : array (S,)
        Month from 0 in which each site opens.
    rate : float or array (S,)
        Mean participants a month of each open site, above 0.
    shape : float or array (S,)
        Shape of the gamma law of the rates, above 0; infinite for rates that do not vary.
    ramp : float or array (S,)
        Months until a site recruits at its full rate.
    screen_failure : float or array (S,)
        Share of the screened who are not randomised, in [0, 1).
    cap : int or array (S,)
        Most participants of each site.
    country : int or array (S,)
        Country of each site, numbered from 0.
    country_cap : int or array (C,)
        Most participants of each country.

    Returns
    -------
    SitePlan
        Checked and frozen.

    Raises
    ------
    DesignError
        A value out of range, a zero rate among them, or a country without a cap of its own.

    Examples
    --------
    >>> site_plan(np.linspace(0, 6, 20), rate=1.5, shape=1.65, cap=12).most
    240
    """
    opens = np.atleast_1d(np.asarray(activation, dtype=np.float64))
    if opens.ndim != 1 or not len(opens) or not np.isfinite(opens).all() or (opens < 0).any():
        raise DesignError("must be months from 0, one a site", field="activation", value=opens.tolist())
    S = len(opens)
    countries = _column(country, S, "country", np.int64)
    if (countries < 0).any():
        raise DesignError("must be numbered from 0", field="country", value=int(countries.min()))
    C = int(countries.max()) + 1
    plan = SitePlan(
        opens,
        _column(rate, S, "rate"),
        _column(shape, S, "shape"),
        _column(ramp, S, "ramp"),
        _column(screen_failure, S, "screen_failure"),
        _column(cap, S, "cap", np.int64),
        countries,
        _column(country_cap, C, "country_cap", np.int64),
    )
    _check(plan)
    return plan


def posterior_plan(plan: SitePlan, interim: InterimEnrolment) -> SitePlan:
    r"""Return the plan with the rates that the counts so far leave plausible.

    Parameters
    ----------
    plan : SitePlan
        Prior: λ_s ~ gamma(shape, mean rate).
    interim : InterimEnrolment
        Counts n_s by a month.

    Returns
    -------
    SitePlan
        λ_s ~ gamma with shape :math:`\alpha + n_s` and rate :math:`\alpha/m + (1 - f) G_s`. A site that
        is full keeps its prior: it recruits no more, and when it filled up is not known.

    Examples
    --------
    >>> plan = site_plan([0.0, 0.0], rate=2.0, shape=2.0)
    >>> posterior_plan(plan, InterimEnrolment(4.0, np.array([3, 12]))).rate
    array([1. , 2.8])
    """
    _checked_interim(plan, interim)
    known = ~np.isfinite(plan.shape) | (interim.enrolled >= plan.cap)
    prior = np.where(known, 1.0, plan.shape)
    shape = prior + interim.enrolled
    inverse_scale = prior / plan.rate + (1 - plan.screen_failure) * plan.exposure(interim.month)
    return SitePlan(
        plan.activation,
        np.where(known, plan.rate, shape / inverse_scale),
        np.where(known, plan.shape, shape),
        plan.ramp,
        plan.screen_failure,
        plan.cap,
        plan.country,
        plan.country_cap,
    )


def _column(values: ArrayLike, size: int, field: str, kind: type = np.float64) -> NDArray[Any]:
    given = np.asarray(values)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != size):
        raise DesignError(f"must be one number, or one for each of {size}", field=field, value=given.shape)
    if kind is np.int64 and given.dtype.kind not in "iu":
        raise DesignError("must hold whole numbers", field=field, value=str(given.dtype))
    return np.ascontiguousarray(np.broadcast_to(given, (size,)), dtype=kind)


def _check(plan: SitePlan) -> None:
    def refuse(field: str, wrong: Bools, need: str) -> None:
        if wrong.any():
            place = int(np.argmax(wrong))
            raise DesignError(f"must be {need}", field=f"{field}[{place}]", value=getattr(plan, field)[place])

    refuse("rate", ~(np.isfinite(plan.rate) & (plan.rate > 0)), "finite and above 0: nobody would come")
    refuse("shape", ~(plan.shape > 0), "above 0, or infinite for a rate that is known")
    refuse("ramp", ~(np.isfinite(plan.ramp) & (plan.ramp >= 0)), "finite and at least 0")
    refuse("screen_failure", ~((plan.screen_failure >= 0) & (plan.screen_failure < 1)), "in [0, 1)")
    refuse("cap", plan.cap < 1, "at least 1")
    refuse("country_cap", plan.country_cap < 1, "at least 1")


def _checked_interim(plan: SitePlan, interim: InterimEnrolment) -> InterimEnrolment:
    enrolled = np.asarray(interim.enrolled)
    if enrolled.shape != (len(plan),) or enrolled.dtype.kind not in "iu" or (enrolled < 0).any():
        raise DesignError("must hold one count for each site", field="enrolled", value=enrolled.shape)
    if not np.isfinite(interim.month) or interim.month < 0:
        raise DesignError("must be a month from 0", field="month", value=interim.month)
    early = (plan.activation >= interim.month) & (enrolled > 0)
    if early.any():
        raise DesignError(
            "has participants before its activation", field=f"enrolled[{int(np.argmax(early))}]"
        )
    return interim
