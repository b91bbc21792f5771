r"""How many events a survival trial goes on to, decided at an interim look from its log-rank statistic.

With d₁ of d events at the look and :math:`t = d_1 / d`, the increments of the log-rank score are independent
of what came before, so that :math:`\sqrt t Z_1 + \sqrt{1 - t} Z_\Delta` with the planned weights keeps the
type I error whatever rule of Z₁ chose the final number of events D (Cui, Hung & Wang 1999, Biometrics
55:853). Z_Δ is the statistic of the events after the look alone. That holds while the rule uses nothing but
Z₁: what else is known of those still at risk, such as a biomarker, would bend it (Bauer & Posch 2004, Stat.
Med. 23:1333).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError

FinalTest = Literal["weighted", "conventional", "naive"]


@dataclass(frozen=True)
class EventZone:
    """A promising zone in events.

    Parameters
    ----------
    interim, planned, most : int
        Events at the look, at the planned end, and the most that may be asked for.
    zone : pair of float
        Conditional power under the interim trend from which, and up to which, events are added.
    target : float
        Conditional power to be reached.
    critical : float
        Bound of the final test.

    Raises
    ------
    DesignError
        The interim look after the final one, fewer events at most than planned, or a zone outside [0, 1].

    Examples
    --------
    >>> zone = EventZone(100, 200, 400, (0.3, 0.9), 0.9, 1.96)
    >>> zone.events(np.array([0.2, 1.4, 1.7, 2.5])).tolist()
    [200, 400, 292, 200]
    """

    interim: int
    planned: int
    most: int
    zone: tuple[float, float] = (0.3, 0.9)
    target: float = 0.9
    critical: float = 1.959964

    def __post_init__(self) -> None:
        if not 1 <= self.interim < self.planned:
            raise DesignError(
                "must lie between 1 and the planned events",
                field="interim",
                value=self.interim,
                mend="put the interim look before the final one",
            )
        if self.most < self.planned:
            raise DesignError(
                f"must be at least the {self.planned} that are planned", field="most", value=self.most
            )
        if not 0 <= self.zone[0] < self.zone[1] <= 1:
            raise DesignError("must ascend within [0, 1]", field="zone", value=self.zone)
        if not (0 < self.target < 1 and np.isfinite(self.critical)):
            raise DesignError("must lie between 0 and 1", field="target", value=self.target)

    @property
    def share(self) -> float:
        """Interim over planned events, t."""
        return self.interim / self.planned

    def conditional_power(self, z: Floats, events: Floats | float) -> Floats:
        r"""Return the power of the weighted test at D events under the interim trend.

        :math:`\Phi\bigl(z_1 \sqrt{(D - d_1)/d_1} - (c - \sqrt t z_1)/\sqrt{1 - t}\bigr)`, which at the
        planned events is the usual conditional power.
        """
        need = (self.critical - np.sqrt(self.share) * z) / np.sqrt(1 - self.share)
        return np.asarray(ndtr(z * np.sqrt((events - self.interim) / self.interim) - need))

    def events(self, z: Floats) -> Ints:
        """Return the final events (R,) for interim statistics (R,)."""
        power = self.conditional_power(z, self.planned)
        promising = (power >= self.zone[0]) & (power < self.zone[1]) & (z > 0)
        safe = np.where(promising, z, 1.0)
        need = (self.critical - np.sqrt(self.share) * safe) / np.sqrt(1 - self.share)
        wanted = self.interim * (1 + ((ndtri(self.target) + need) / safe) ** 2)
        asked = np.clip(np.ceil(wanted - 1e-9), self.planned, self.most)
        return np.where(promising, asked, self.planned).astype(np.int64)


def conventional_bound(zone: EventZone, z: Floats, events: Floats) -> Floats:
    r"""Return the bound at which the usual test of all D events keeps the error, given the rule.

    :math:`b(z_1, D) = \frac{1}{\sqrt D}\left[\sqrt{\tfrac{D - d_1}{d - d_1}}(c \sqrt d - z_1 \sqrt{d_1}) +
    z_1 \sqrt{d_1}\right]` (Gao, Ware & Mehta 2008, J. Biopharm. Stat. 18:1184). Where b ≤ c the usual
    bound c is conservative.

    Parameters
    ----------
    zone : EventZone
        Planned events, those of the interim look, and the critical value.
    z : ndarray (R,)
        Of the interim look.
    events : ndarray (R,)
        All events at the end, D.

    Returns
    -------
    ndarray (R,)
        On the scale of z.

    Examples
    --------
    >>> zone = EventZone(100, 200, 400)
    >>> conventional_bound(zone, np.array([1.0, 2.0]), np.array([400.0, 400.0])).round(3)
    array([2.034, 1.668])
    """
    rest = np.sqrt((events - zone.interim) / (zone.planned - zone.interim))
    start = z * np.sqrt(zone.interim)
    return np.asarray((rest * (zone.critical * np.sqrt(zone.planned) - start) + start) / np.sqrt(events))


def final_statistic(
    z: Floats, increment: Floats, whole: Floats, final: Floats, zone: EventZone, test: FinalTest
) -> tuple[Floats, Floats]:
    """Return what is compared at the end, and its bound.

    Parameters
    ----------
    z, increment, whole : ndarray (R,)
        Statistic of the look, of the events since, and of all events.
    final : ndarray (R,)
        Final number of events.
    zone : EventZone
        The rule.
    test : {"weighted", "conventional", "naive"}
        "weighted" combines look and increment with planned weights. "conventional" uses all events
        against c, and where a rule added events outside the region that allows it, against the adjusted
        bound if that is higher. "naive" uses all events against c whatever was added.

    Returns
    -------
    statistic, bound : ndarray (R,)

    Raises
    ------
    DesignError
        Another test.

    Examples
    --------
    >>> zone = EventZone(100, 200, 300)
    >>> one = np.ones(1)
    >>> statistic, bound = final_statistic(2 * one, 1 * one, 2.1 * one, 200 * one, zone, "weighted")
    >>> statistic.round(3), bound.round(3)
    (array([2.121]), array([1.96]))
    """
    fixed = np.full(len(z), zone.critical)
    if test == "weighted":
        return np.sqrt(zone.share) * z + np.sqrt(1 - zone.share) * increment, fixed
    if test == "naive":
        return whole, fixed
    if test != "conventional":
        raise DesignError("must be 'weighted', 'conventional' or 'naive'", field="test", value=test)
    return whole, np.maximum(fixed, conventional_bound(zone, z, np.asarray(final, dtype=np.float64)))


def participants_for_events(events: Ints, planned_events: int, planned: int, most: int) -> Ints:
    """Return participants (R,) in proportion to the events asked for, up to the most that can enter.

    Parameters
    ----------
    events : ndarray of int (R,)
        Events asked for.
    planned_events : int
        Events as planned, above 0.
    planned : int
        Participants as planned.
    most : int
        Participants who can enter at most.

    Returns
    -------
    ndarray of int (R,)
        From `planned` to `most`.

    Examples
    --------
    >>> participants_for_events(np.array([200, 300]), 200, 400, 500).tolist()
    [400, 500]
    """
    wanted = np.ceil(planned * events / planned_events - 1e-9)
    return np.clip(wanted, planned, most).astype(np.int64)


def blinded_size(
    events: Ints,
    exits: Ints,
    exposure: Floats,
    at_risk: Ints,
    entered: Ints,
    month: float,
    end: float,
    wanted: int,
    planned: int,
    most: int,
) -> Ints:
    r"""Return participants (R,) that are expected to give enough events by the planned end, from pooled data.

    Parameters
    ----------
    events, exits : ndarray of int (R,)
        Events and dropouts of both arms together by the look.
    exposure : ndarray (R,)
        Months at risk, of all together.
    at_risk, entered : ndarray of int (R,)
        Participants still followed, and all who have entered.
    month, end : float
        Calendar months of the look and of the planned end.
    wanted : int
        Events that the trial needs, whatever the hazard: they rest on the hazard ratio alone.
    planned, most : int
        Planned participants, and the most that can enter.

    Returns
    -------
    ndarray of int (R,)
        The fewest from `planned` to `most` whose expected events reach `wanted`; `most` where none do.

    Notes
    -----
    With :math:`\hat\lambda` events and :math:`\hat\eta` exits a month at risk, a participant followed for
    s months has the event with probability :math:`p(s) = \frac{\lambda}{\lambda + \eta}(1 -
    e^{-(\lambda + \eta)s})`; those at risk have s = end − month, those to come enter at the rate seen so far.
    No arm need be known, and the log-rank test keeps its error.

    Examples
    --------
    >>> one = [np.array([n]) for n in (30, 5, 600.0, 85, 120)]
    >>> blinded_size(*one, 12.0, 30.0, 100, 150, 400).tolist()
    [165]
    """
    total = np.maximum(exposure, 1e-12)
    hazard, leave = events / total, exits / total
    both = np.maximum(hazard + leave, 1e-12)
    rate = np.maximum(entered, 1) / month

    def share(months: Floats) -> Floats:
        both_, hazard_ = (
            both.reshape(-1, *(1,) * (months.ndim - 1)),
            hazard.reshape(-1, *(1,) * (months.ndim - 1)),
        )
        return np.asarray(hazard_ / both_ * -np.expm1(-both_ * np.maximum(months, 0.0)))

    first = events + at_risk * share(np.full(len(events), end - month))
    coming = np.arange(1, most + 1)
    gains = np.cumsum(share(end - month - coming / rate[:, None]), axis=1)
    count = entered[:, None] + coming
    enough = (first[:, None] + gains >= wanted) & (count >= planned)
    already = (first >= wanted) & (entered >= planned)
    found = np.where(
        enough.any(axis=1), np.take_along_axis(count, enough.argmax(axis=1)[:, None], 1)[:, 0], most
    )
    return np.clip(np.where(already, entered, found), planned, most).astype(np.int64)
