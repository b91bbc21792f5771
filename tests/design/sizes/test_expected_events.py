"""Events over calendar time against quadrature, and what can be reached."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.design import group_sequential_design
from trialsim.design.group_sequential import survival_looks
from trialsim.design.sizes import EventForecast
from trialsim.errors import DesignError
from trialsim.rates import PiecewiseRate, PlannedAccrual

FORECAST = EventForecast(
    PlannedAccrual((5.0, 0.0, 20.0), (3.0, 1.0, 8.0)),
    PiecewiseRate((0.05, 0.0, 0.02), (0.0, 4.0, 9.0)),
    PiecewiseRate((1.0, 0.6), (0.0, 2.0)),
    (PiecewiseRate((0.01, 0.0), (0.0, 7.0)), PiecewiseRate((0.02,))),
    allocation=2.0,
)


def integrated_probability(arm: int, follow_up: float) -> float:
    """Return ∫ P(event within s) ds from 0 to the follow-up, in 40,000 steps."""
    edges = np.linspace(0, follow_up, 40_001)
    middle, width = (edges[1:] + edges[:-1]) / 2, follow_up / 40_000
    hazard = FORECAST.control_hazard.at(middle) * (FORECAST.hazard_ratio.at(middle) if arm else 1.0)
    leaving = hazard + FORECAST.dropout[arm].at(middle)
    density = hazard * np.exp(-(np.cumsum(leaving) - leaving / 2) * width)
    return float(np.sum(density * (follow_up - middle)) * width)


@pytest.mark.parametrize("time", [2.0, 3.5, 10.0, 30.0])
def test_events_equal_slow_integration(time: float) -> None:
    for arm, share in enumerate((1 / 3, 2 / 3)):
        total = 0.0
        for rate, low, high in ((5.0, 0.0, 3.0), (20.0, 4.0, 12.0)):
            followed = (max(time - low, 0.0), max(time - high, 0.0))
            total += rate * (
                integrated_probability(arm, followed[0]) - integrated_probability(arm, followed[1])
            )
        found = FORECAST.events_by_piece(time)[arm].sum()
        assert found == pytest.approx(share * total, rel=1e-4)


def test_reachable_events_are_those_of_endless_follow_up() -> None:
    forecast = EventForecast(
        PlannedAccrual((10.0,), (10.0,)),
        PiecewiseRate((0.03,)),
        PiecewiseRate((0.5,)),
        (PiecewiseRate((0.01,)), PiecewiseRate((0.01,))),
    )
    assert forecast.reachable_events == pytest.approx(50 * 0.03 / 0.04 + 50 * 0.015 / 0.025, rel=1e-6)
    with pytest.raises(DesignError, match=r"67\.5 events can be expected of 100 participants"):
        forecast.time_of_events(68.0)
    design = group_sequential_design([0.5, 1.0])
    with pytest.raises(DesignError, match="cannot be reached"):
        survival_looks(design, forecast, 90.0)


def test_time_of_events_inverts_events() -> None:
    for events in (0.5, 5.0, 20.0):
        assert FORECAST.events(FORECAST.time_of_events(events)) == pytest.approx(events, rel=1e-9)


def test_units_of_time_do_not_matter() -> None:
    def forecast(unit: float) -> EventForecast:
        return EventForecast(
            PlannedAccrual((20.0 * unit,), (24.0 / unit,)),
            PiecewiseRate((math.log(2) / 12 * unit,)),
            PiecewiseRate((1.0, 0.58), (0.0, 6.0 / unit)),
        )

    months, years = forecast(1.0), forecast(12.0)
    assert months.events(30.0) == pytest.approx(years.events(2.5), rel=1e-12)
    assert months.average_hazard_ratio(30.0) == pytest.approx(years.average_hazard_ratio(2.5), rel=1e-12)


def test_frame_of_looks_holds_calendar_bounds_and_power_of_the_forecast() -> None:
    looks = survival_looks(group_sequential_design([0.5, 1.0]), FORECAST, 30.0)
    frame = looks.to_frame()
    assert frame["events"].tolist() == [15.0, 30.0]
    assert frame["time"].tolist() == list(looks.times)
    assert frame["cumulative_power"].iloc[-1] == pytest.approx(looks.power)
    assert looks.power < looks.design.power
