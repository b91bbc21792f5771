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

import numpy as np
from numba import njit

from trialsim.data import Bools, Floats, Ints, for_kernel
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.enrolment.site_plans import InterimEnrolment, SitePlan, _checked_interim


@dataclass(frozen=True)
class Recruitment(InNotebook):
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
    >>> from trialsim.trial.enrolment.site_plans import site_plan
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
        _draw_rates(plan, replicates, generator),
        *map(for_kernel, (plan.activation, plan.ramp, plan.screen_failure, start, room, plan.country)),
        country_room, generator, months, site, screened,
    )  # fmt: skip
    return Recruitment(months, site, screened)


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
        if child + 1 < size:
            child += int(months[child + 1] < months[child])
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
