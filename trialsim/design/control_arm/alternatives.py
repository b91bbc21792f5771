"""What prognostic adjustment saves beyond baseline ANCOVA: participants, months and money."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from trialsim.design.control_arm.plan import Saving
from trialsim.design.sizes.size_for_mean import Size
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go

Months = Callable[[int], float]


_GAINS = ("participants", "controls", "months", "cost")


@dataclass(frozen=True)
class Prices:
    """What a trial costs, in the user's currency.

    Parameters
    ----------
    control, active : float
        Of one randomised participant, at least 0.
    month : float
        Of one month of enrolment.
    screening : float
        Of one screened person.
    """

    control: float
    active: float
    month: float = 0.0
    screening: float = 0.0

    def __post_init__(self) -> None:
        for name in ("control", "active", "month", "screening"):
            if not 0 <= getattr(self, name) < math.inf:
                raise DesignError("must be at least 0", field=name, value=getattr(self, name))

    def of(self, size: Size, months: float, screened: float = 0.0) -> float:
        """Return the cost of a trial of a size that enrols for so many months."""
        own = self.control * size.controls + self.active * size.active
        return own + self.month * months + self.screening * screened


@dataclass(frozen=True)
class SavingsTable(InNotebook):
    """Savings of every figure and of both ways to save, each with its interval.

    Parameters
    ----------
    frame : DataFrame
        figure (undiscounted, discounted, worst_plausible), way (fixed allocation, active arm fixed), gain
        (participants, controls, months, cost), value, lower, upper: NaN where the way is infeasible.
    """

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a figure, way and gain."""
        return self.frame.copy()

    def value(self, figure: str, gain: str, way: str = "fixed allocation") -> float:
        """Return one saving."""
        f = self.frame
        found = f.loc[(f["figure"] == figure) & (f["gain"] == gain) & (f["way"] == way), "value"]
        if not len(found):
            raise DesignError("is not in the table", field="gain", value=(figure, gain, way))
        return float(found.iloc[0])

    def __str__(self) -> str:
        return "Saved beyond baseline ANCOVA\n" + self.frame.round(1).to_string(index=False)

    def plot(self, gain: str = "participants") -> go.Figure:
        """Draw one gain with its intervals, by figure and way."""
        import plotly.graph_objects as go

        if gain not in _GAINS:
            raise DesignError(f"must be one of {', '.join(_GAINS)}", field="gain", value=gain)
        figure = go.Figure()
        for way, part in self.frame[self.frame["gain"] == gain].groupby("way", sort=False):
            above, below = part["upper"] - part["value"], part["value"] - part["lower"]
            bars = {"type": "data", "array": above, "arrayminus": below}
            figure.add_bar(x=part["figure"], y=part["value"], name=str(way), error_y=bars)
        figure.update_layout(yaxis_title=f"{gain} saved")
        return figure


def savings_table(found: Sequence[Saving], months: Months, prices: Prices) -> SavingsTable:
    """Return participants, controls, months and money of savings on any scale, with their intervals.

    Parameters
    ----------
    found : sequence of Saving
        Of a plan, or of `scale_savings`.
    months, prices
        As in `savings`.

    Returns
    -------
    SavingsTable
        A row for each figure.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> from trialsim.design.control_arm import ScaleSizing, scale_savings
    >>> found = scale_savings(ScaleSizing(BinaryScale(0.3, 2.0)), 0.4, (0.25, 0.52))
    >>> table = savings_table(found, lambda n: n / 20, Prices(30_000, 40_000, month=100_000))
    >>> table.value("discounted", "participants"), table.value("discounted", "cost") > 0
    (54.0, True)
    """
    rows: list[dict[str, object]] = []
    for saving in found:
        tables = [_gains(one, months, prices) for one in (saving, *(saving.ends or ()))]
        rows.extend(_rows(saving.figure, tables))
    return SavingsTable(pd.DataFrame(rows))


def _rows(figure: str, tables: list[dict[str, dict[str, float]]]) -> list[dict[str, object]]:
    """Return a figure's rows from its gains, and those at both ends of the interval if there is one."""
    rows: list[dict[str, object]] = []
    for way, gain in itertools.product(tables[0], _GAINS):
        value, *ends = (table[way][gain] for table in tables)
        low, high = (min(*ends, value), max(*ends, value)) if ends else (math.nan, math.nan)
        rows.append({"figure": figure, "way": way, "gain": gain, "value": value, "lower": low, "upper": high})
    return rows


def _gains(saving: Saving, months: Months, prices: Prices) -> dict[str, dict[str, float]]:
    """Return every gain of both ways to save."""
    return {
        "fixed allocation": _difference(saving.ancova, saving.chosen, months, prices),
        "active arm fixed": _difference(saving.ancova, saving.chosen_active_fixed, months, prices),
    }


def _difference(before: Size, after: Size | None, months: Months, prices: Prices) -> dict[str, float]:
    if after is None:
        return dict.fromkeys(_GAINS, math.nan)
    time = [_enrolment(months, size.total) for size in (before, after)]
    return {
        "participants": float(before.total - after.total),
        "controls": float(before.controls - after.controls),
        "months": time[0] - time[1],
        "cost": prices.of(before, time[0]) - prices.of(after, time[1]),
    }


def _enrolment(months: Months, total: int) -> float:
    value = float(months(total))
    if not 0 <= value < math.inf:
        raise DesignError("the enrolment model must give months of at least 0", field="months", value=value)
    return value
