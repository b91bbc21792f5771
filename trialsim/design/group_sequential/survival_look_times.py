"""When the looks of a survival trial fall, and how many have events and take part by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.design.group_sequential.crossing import Crossings, Floats, crossing_probabilities
from trialsim.design.group_sequential.design import GroupSequentialDesign
from trialsim.design.group_sequential.survival_events import drift_of_events
from trialsim.design.sizes.direction import Direction, checked_direction
from trialsim.design.sizes.expected_events import EventForecast
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class SurvivalLooks(InNotebook):
    """Calendar of an event-driven group-sequential trial; made by `survival_looks`.

    Hazards need not be proportional: each look has its own average hazard ratio. Their probabilities
    rest on Schoenfeld's information d r/(1 + r)² and are approximate, the more so the larger the effect.

    Parameters
    ----------
    design : GroupSequentialDesign
        Bounds.
    forecast : EventForecast
        Accrual, hazards and dropout.
    events, times, participants : tuple of float
        Expected at each look.
    direction : {"greater", "less"}
        Side of the hazard ratio that is a benefit: "less", unless the event is a good one.
    """

    design: GroupSequentialDesign
    forecast: EventForecast
    events: tuple[float, ...]
    times: tuple[float, ...]
    participants: tuple[float, ...]
    direction: Direction = "less"

    @property
    def means(self) -> Floats:
        """Mean of z at each look (K,): −ln AHR √(r d)/(1 + r), with the average hazard ratio so far.

        Below 0 at a look at which the treatment does harm, as under crossing hazards.
        """
        forecast = self.forecast
        return np.array(
            [
                drift_of_events(
                    events,
                    forecast.average_hazard_ratio(time),
                    forecast.allocation,
                    direction=self.direction,
                )
                for events, time in zip(self.events, self.times, strict=True)
            ]
        )

    @property
    def stopping(self) -> Crossings:
        """Stopping probabilities at each look under the forecast's effect."""
        time, upper, lower = (
            np.array(part) for part in (self.design.information, self.design.upper, self.design.lower)
        )
        return crossing_probabilities(time, upper, lower, self.means)

    @property
    def power(self) -> float:
        """Probability of crossing an upper bound under the forecast's effect."""
        return float(self.stopping.upper.sum())

    def expected(self) -> dict[str, float]:
        """Return expected events, duration and participants when the trial stops."""
        stops = self.stopping.stopped.copy()
        stops[-1] = 1 - stops[:-1].sum()
        columns = {"events": self.events, "duration": self.times, "participants": self.participants}
        return {name: float(np.dot(stops, values)) for name, values in columns.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each look; probabilities under H1 are those of the forecast's effect."""
        calendar = pd.DataFrame(
            {"events": self.events, "time": self.times, "participants": self.participants},
            index=pd.RangeIndex(1, len(self.events) + 1, name="look"),
        )
        stops = self.stopping
        bounds = self.design.to_frame().assign(
            stop_upper_h1=stops.upper, stop_lower_h1=stops.lower, cumulative_power=np.cumsum(stops.upper)
        )
        return calendar.join(bounds.drop(columns="beta_spent"))


def survival_looks(
    design: GroupSequentialDesign,
    forecast: EventForecast,
    max_events: float,
    *,
    direction: Direction = "less",
) -> SurvivalLooks:
    """Return when the looks of a design fall, if the last has so many events.

    Parameters
    ----------
    design : GroupSequentialDesign
        Information is the share of events.
    forecast : EventForecast
        Accrual, hazards and dropout.
    max_events : float
        Events at information 1.
    direction : {"greater", "less"}
        Side of the hazard ratio that is a benefit: "less", unless the event is a good one.

    Returns
    -------
    SurvivalLooks
        Months, events and power of each look.

    Raises
    ------
    DesignError
        The forecast never has so many events; the error says how many can be had.

    Examples
    --------
    >>> import math
    >>> from trialsim.design import group_sequential_design
    >>> from trialsim.rates import PiecewiseRate, PlannedAccrual
    >>> leaving = PiecewiseRate((0.00427444119896255,))
    >>> forecast = EventForecast(
    ...     PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)), PiecewiseRate((0.7,)),
    ...     (leaving, leaving),
    ... )
    >>> design = group_sequential_design([165 / 330, 248 / 330, 1.0])
    >>> looks = survival_looks(design, forecast, 330)
    >>> round(looks.power, 4), round(looks.expected()["duration"], 2)
    (0.8944, 30.61)
    """
    events: Floats = max_events * np.array(design.information)
    times = [forecast.time_of_events(float(count)) for count in events]
    entered = [forecast.accrual.expected(time) for time in times]
    return SurvivalLooks(
        design,
        forecast,
        tuple(events.tolist()),
        tuple(times),
        tuple(entered),
        checked_direction(direction),
    )
