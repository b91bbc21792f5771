r"""Recruitment by sites that open one after the other, recruit at unequal rates, and may be full.

Site s screens at the rate :math:`\lambda_s g(t - a_s)`, with :math:`\lambda_s` gamma distributed between
replicates (Anisimov and Fedorov 2007, Stat. Med. 26:4958), a_s its activation and g rising linearly from 0
to 1 over its ramp. With :math:`G(u) = \int_0^u g`, its screenings are a Poisson process of rate 1 in the
operational time :math:`\lambda_s G(t - a_s)`; each becomes a participant unless screening fails or the site
or the country is full. Without caps the number by t has mean :math:`m_s (1 - f_s) G` and, between
replicates, variance mean + mean²/shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
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
class Recruitment:
    """Who came when and where.

    Parameters
    ----------
    month : ndarray (R, N)
        Months of entry, ascending; infinite where the sites were full before N had entered.
    site : ndarray of int (R, N)
        Site of each participant; -1 where nobody entered.
    screened : ndarray of int (R,)
        Screened by the time the last participant entered.
    """

    month: Floats
    site: Ints
    screened: Ints

    @property
    def complete(self) -> Bools:
        """Whether each replicate reached N participants (R,)."""
        return np.isfinite(self.month[:, -1])


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


def recruit(
    plan: SitePlan,
    replicates: int,
    participants: int,
    generator: np.random.Generator,
    since: InterimEnrolment | None = None,
) -> Recruitment:
    """Recruit participants.

    Parameters
    ----------
    plan : SitePlan
        The sites.
    replicates, participants : int
        R, and N still to enter.
    generator : numpy.random.Generator
        Stream ``enrolment``.
    since : InterimEnrolment, optional
        Start from this state instead of from the beginning: sites go on from its month, and its
        counts use up the caps. The rates are drawn from `plan` as it is; see `posterior_plan`.

    Returns
    -------
    Recruitment

    Raises
    ------
    DesignError
        The caps let in fewer than N; the error says how many.

    Examples
    --------
    >>> plan = site_plan([0.0, 1.0], rate=[5.0, 20.0], cap=[30, 30])
    >>> found = recruit(plan, 1, 50, np.random.default_rng(1))
    >>> np.bincount(found.site[0])
    array([20, 30])
    """
    enrolled = np.zeros(len(plan), np.int64) if since is None else _checked_interim(plan, since).enrolled
    start = np.zeros(len(plan)) if since is None else plan.exposure(since.month)
    by_country = np.bincount(plan.country, weights=enrolled, minlength=len(plan.country_cap))
    room = np.maximum(plan.cap - enrolled, 0)
    country_room = np.maximum(plan.country_cap - by_country.astype(np.int64), 0)
    most = int(np.minimum(np.bincount(plan.country, weights=room), country_room).sum())
    if participants > most:
        raise DesignError(
            f"cannot be enrolled: the caps let in {most}",
            field="participants",
            value=participants,
            mend="raise the caps or open more sites",
        )
    months = np.full((replicates, participants), np.inf)
    site = np.full((replicates, participants), -1, dtype=np.int64)
    screened = np.zeros(replicates, dtype=np.int64)
    _fill_arrivals(
        _draw_rates(plan, replicates, generator), plan.activation, plan.ramp, plan.screen_failure, start,
        room, plan.country, country_room, generator, months, site, screened,
    )  # fmt: skip
    return Recruitment(months, site, screened)


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


def _draw_rates(plan: SitePlan, replicates: int, generator: np.random.Generator) -> Floats:
    uncertain = np.isfinite(plan.shape)
    rates = np.broadcast_to(plan.rate, (replicates, len(plan))).copy()
    shape = plan.shape[uncertain]
    rates[:, uncertain] = generator.gamma(
        shape, plan.rate[uncertain] / shape, size=(replicates, int(uncertain.sum()))
    )
    return rates


@njit(cache=True)
def _month_of(operational: float, activation: float, ramp: float) -> float:
    """Return the month at which G reaches a value."""
    if operational < ramp / 2.0:
        return activation + np.sqrt(2.0 * ramp * operational)
    return activation + operational + ramp / 2.0


@njit(cache=True)
def _sift_down(heap: Ints, months: Floats, size: int, place: int) -> None:
    """Restore a heap of sites and their next months, the earliest first, from a place downwards."""
    site, month = heap[place], months[place]
    child = 2 * place + 1
    while child < size:
        if child + 1 < size and months[child + 1] < months[child]:
            child += 1
        if months[child] >= month:
            break
        heap[place], months[place] = heap[child], months[child]
        place = child
        child = 2 * place + 1
    heap[place], months[place] = site, month


@njit(cache=True)
def _fill_arrivals(
    rates: Floats,
    activation: Floats,
    ramp: Floats,
    screen_failure: Floats,
    start: Floats,
    room: Ints,
    country: Ints,
    country_room: Ints,
    generator: np.random.Generator,
    months: Floats,
    site: Ints,
    screened: Ints,
) -> None:
    replicates, participants = months.shape
    sites = len(activation)
    operational, upcoming = np.empty(sites), np.empty(sites)
    heap = np.empty(sites, np.int64)
    for r in range(replicates):
        left, country_left = room.copy(), country_room.copy()
        size = 0
        for s in range(sites):
            operational[s] = start[s] + generator.standard_exponential() / rates[r, s]
            if left[s] > 0:
                heap[size] = s
                upcoming[size] = _month_of(operational[s], activation[s], ramp[s])
                size += 1
        for place in range(size // 2 - 1, -1, -1):
            _sift_down(heap, upcoming, size, place)
        entered = 0
        while entered < participants and size > 0:
            s = heap[0]
            c = country[s]
            if left[s] > 0 and country_left[c] > 0:
                screened[r] += 1
                if screen_failure[s] == 0.0 or generator.random() >= screen_failure[s]:
                    months[r, entered] = upcoming[0]
                    site[r, entered] = s
                    entered += 1
                    left[s] -= 1
                    country_left[c] -= 1
            if left[s] > 0 and country_left[c] > 0:
                operational[s] += generator.standard_exponential() / rates[r, s]
                upcoming[0] = _month_of(operational[s], activation[s], ramp[s])
            else:
                size -= 1
                heap[0], upcoming[0] = heap[size], upcoming[size]
            if size > 0:
                _sift_down(heap, upcoming, size, 0)
