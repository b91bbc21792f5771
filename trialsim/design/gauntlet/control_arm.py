"""A control arm of a past trial: when each participant had the event or left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError


@dataclass(frozen=True, eq=False)
class ControlArm:
    """Times of one control arm.

    Parameters
    ----------
    trial : str
        What identifies the trial: arms of one trial never predict each other.
    group : str
        Trials of one group predict each other, such as one cancer, line and outcome.
    time : ndarray (N,)
        Follow-up, at least 0; the same unit in all arms of a group.
    event : ndarray (N,)
        Whether it ended with the event.

    Raises
    ------
    DesignError
        A time below 0 or not finite, no time above 0, or not one event for each time.

    Examples
    --------
    >>> arm = ControlArm("A", "OS", np.array([2.0, 4.0, 10.0]), np.array([True, True, False]))
    >>> arm.events, arm.person_time, round(arm.log_hazard, 4)
    (2, 16.0, -2.0794)
    """

    trial: str
    group: str
    time: Floats
    event: Bools

    def __post_init__(self) -> None:
        if len(self.time) != len(self.event):
            raise DesignError("must be as many as the times", field="event", value=len(self.event))
        if not np.isfinite(self.time).all() or (self.time < 0).any() or not (self.time > 0).any():
            raise DesignError(
                "must be finite, at least 0, and above 0 for somebody",
                field=f"time of {self.trial}",
                mend="count time from the start of each participant's follow-up",
            )

    @property
    def participants(self) -> int:
        """Participants, N."""
        return len(self.time)

    @property
    def events(self) -> int:
        """Events."""
        return int(self.event.sum())

    @property
    def person_time(self) -> float:
        """Sum of all follow-up."""
        return float(self.time.sum())

    @property
    def log_hazard(self) -> float:
        """Log of events by person-time; it needs an event."""
        return math.log(self.events / self.person_time)

    def until(self, end: float) -> ControlArm:
        """Return the arm as it was when everybody had been followed until `end`."""
        return ControlArm(self.trial, self.group, np.minimum(self.time, end), self.event & (self.time <= end))
