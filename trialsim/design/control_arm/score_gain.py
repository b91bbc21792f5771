"""What a score saves where the plain formula does not reach: unequal certainty, and time to event."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.design.group_sequential.survival_events import EventsMethod, events_for_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class PrognosticEvents(InNotebook):
    """Events with and without a prognostic score in a covariate-adjusted log-rank test.

    Parameters
    ----------
    unadjusted, adjusted : float
        Events expected at the analysis, not rounded.
    squared_correlation : float
        Of the score and the martingale pseudo-outcome: the share of events saved.
    """

    unadjusted: float
    adjusted: float
    squared_correlation: float

    @property
    def saved(self) -> float:
        """Events saved."""
        return self.unadjusted - self.adjusted

    def __str__(self) -> str:
        return (
            f"events {self.adjusted:.1f} with the score, {self.unadjusted:.1f} without "
            f"(saved {self.squared_correlation:.1%}; exploratory: time to event is outside the "
            "procedure that regulators have looked at)"
        )


def prognostic_events(
    hazard_ratio: float,
    squared_correlation: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    method: EventsMethod = "schoenfeld",
) -> PrognosticEvents:
    """Return the events of an adjusted log-rank test, ``d (1 − ρ²)``.

    Parameters
    ----------
    hazard_ratio : float
        Active over control.
    squared_correlation : float
        ρ² in [0, 1) of score and martingale residual, in controls.
    power, alpha : float
        Power, and *one-sided* level, as in `events_for_power`.
    allocation : float
        Active participants for each control.
    method : {"schoenfeld", "freedman", "hsieh-freedman"}
        Formula of the unadjusted events.

    Returns
    -------
    PrognosticEvents
        Events without and with the score, not rounded.

    Raises
    ------
    DesignError
        A squared correlation outside of [0, 1).

    Examples
    --------
    >>> print(prognostic_events(0.7, 0.1))
    events 297.3 with the score, 330.4 without (saved 10.0%; exploratory: time to event is outside ...)
    """
    if not 0 <= squared_correlation < 1:
        raise DesignError("must lie in [0, 1)", field="squared_correlation", value=squared_correlation)
    events = events_for_power(hazard_ratio, power=power, alpha=alpha, allocation=allocation, method=method)
    return PrognosticEvents(events, events * (1 - squared_correlation), squared_correlation)
