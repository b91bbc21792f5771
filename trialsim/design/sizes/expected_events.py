"""Events expected over calendar time, for piecewise constant rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from trialsim.errors import DesignError
from trialsim.rates import PiecewiseRate, PlannedAccrual

Floats = NDArray[np.float64]

_LONGEST_TRIAL = 1e6


@dataclass(frozen=True)
class EventForecast:
    """What events are expected from: accrual, hazards, effect, dropout and allocation.

    Parameters
    ----------
    accrual : PlannedAccrual
        Participants per unit of calendar time.
    control_hazard : PiecewiseRate
        Hazard of the event in the control arm, over time since entry.
    hazard_ratio : PiecewiseRate
        Active over control, over time since entry; one piece for proportional hazards.
    dropout : pair of PiecewiseRate
        Hazard of leaving in the (control, active) arm.
    allocation : float
        Active participants for each control, above 0.

    Examples
    --------
    >>> forecast = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)), PiecewiseRate((0.7,)),
    ...     (PiecewiseRate((0.00427444,)), PiecewiseRate((0.00427444,))),
    ... )
    >>> round(forecast.events(24.0), 3)
    191.184
    >>> round(forecast.time_of_events(248.0), 4)
    28.9162
    """

    accrual: PlannedAccrual
    control_hazard: PiecewiseRate
    hazard_ratio: PiecewiseRate
    dropout: tuple[PiecewiseRate, PiecewiseRate] = (PiecewiseRate((0.0,)), PiecewiseRate((0.0,)))
    allocation: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.allocation < math.inf:
            raise DesignError("must be above 0", field="allocation", value=self.allocation)
        if max(self.control_hazard.rates) == 0:
            raise DesignError(
                "must not be 0 throughout: no event would come", field="control_hazard", value=0
            )
        if min(self.hazard_ratio.rates) <= 0:
            raise DesignError("must be above 0", field="hazard_ratio", value=self.hazard_ratio.rates)

    @property
    def starts(self) -> Floats:
        """Where any rate of either arm changes."""
        pieces = (self.control_hazard, self.hazard_ratio, *self.dropout)
        return np.unique(np.concatenate([piece.starts for piece in pieces]))

    def events_by_piece(self, time: float) -> Floats:
        """Return events expected by a calendar time as an array (2, P): arm by piece of `starts`.

        Notes
        -----
        A participant followed for s has had an event in piece j with probability
        F_j(s) = ∫ λ_j exp(−(λ + η) cumulated) over the part of piece j below s. Events are
        Σ rate ∫ F_j(time − u) du over the periods of accrual, in closed form.
        """
        opened, closed = self.accrual.periods
        share = self.allocation / (1 + self.allocation)
        found = np.empty((2, len(self.starts)))
        for arm, weight in enumerate((1 - share, share)):
            hazard, exit_rate = self.rates_of(arm)
            early = _integrated_probability(self.starts, hazard, exit_rate, time - opened)
            late = _integrated_probability(self.starts, hazard, exit_rate, time - closed)
            found[arm] = weight * np.array(self.accrual.rates) @ (early - late)
        return found

    def rates_of(self, arm: int) -> tuple[Floats, Floats]:
        """Return event and exit hazards of an arm in each piece."""
        hazard = self.control_hazard.at(self.starts)
        if arm == 1:
            hazard = hazard * self.hazard_ratio.at(self.starts)
        return hazard, hazard + self.dropout[arm].at(self.starts)

    def events(self, time: float) -> float:
        """Return events expected in both arms by a calendar time."""
        return float(self.events_by_piece(time).sum())

    @property
    def reachable_events(self) -> float:
        """Events expected if everybody were followed without end."""
        return self.events(_LONGEST_TRIAL * max(self.starts.max(), self.accrual.duration, 1.0))

    def time_of_events(self, events: float) -> float:
        """Return the calendar time by which so many events are expected.

        Raises
        ------
        DesignError
            So many events are never expected; the error says how many can be had.
        """
        if not 0 < events < self.reachable_events:
            raise DesignError(
                f"cannot be reached: {self.reachable_events:.1f} events can be expected of "
                f"{self.accrual.total:.0f} participants however long they are followed",
                field="events",
                value=events,
                mend="enrol more, lower dropout, or ask for fewer events",
            )
        high = self.accrual.duration
        while self.events(high) < events:
            high *= 2
        return float(brentq(lambda time: self.events(time) - events, 0.0, high, xtol=1e-10))

    def average_hazard_ratio(self, time: float) -> float:
        """Return the average hazard ratio at a calendar time.

        Notes
        -----
        log AHR = Σ_j d_j log HR_j / Σ_j d_j, d_j the events of both arms expected in piece j
        (Mukhopadhyay and others 2020).

        Examples
        --------
        >>> forecast = EventForecast(
        ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)),
        ...     PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
        ... )
        >>> round(forecast.average_hazard_ratio(36.0), 2)
        0.74
        """
        weights = self.events_by_piece(time).sum(axis=0)
        logs = np.log(self.hazard_ratio.at(self.starts))
        return float(np.exp(np.dot(weights, logs) / weights.sum()))

    def information(self, time: float) -> float:
        """Return the information on the log hazard ratio, Σ_j 1/(1/d_0j + 1/d_1j) over pieces j."""
        control, active = self.events_by_piece(time)
        both = (control > 0) & (active > 0)
        return float(np.sum(1 / (1 / control[both] + 1 / active[both])))


def _integrated_probability(starts: Floats, hazard: Floats, exit_rate: Floats, follow_up: Floats) -> Floats:
    """Return ∫ F_j(s) ds from 0 to each follow-up, as an array (follow-ups, pieces)."""
    lengths = np.diff(starts, append=np.inf)
    inside = np.clip(np.maximum(follow_up, 0.0)[:, None] - starts, 0.0, lengths)
    after = np.maximum(np.maximum(follow_up, 0.0)[:, None] - np.append(starts[1:], np.inf), 0.0)
    staying = np.exp(-np.append(0.0, np.cumsum(exit_rate[:-1] * lengths[:-1])))
    safe = np.where(exit_rate > 0, exit_rate, 1.0)
    left = -np.expm1(-exit_rate * inside)
    whole = -np.expm1(-exit_rate * np.where(np.isfinite(lengths), lengths, 0.0))
    within = inside - left / safe
    return np.asarray(hazard / safe * staying * (within + whole * after))
