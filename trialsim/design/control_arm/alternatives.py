"""What prognostic adjustment saves beyond baseline ANCOVA: participants, months and money."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.design.control_arm.on_scales import ScaleSizing, scale_size
from trialsim.design.control_arm.plan import ControlArmPlan, Saving
from trialsim.design.sizes.size_for_mean import Size, SizingQuestion, size_for_power
from trialsim.design.sizes.variance import AnalysisName, PlanningMoments
from trialsim.errors import DesignError

if TYPE_CHECKING:
    import plotly.graph_objects as go

Months = Callable[[int], float]
_LEVEL = (0.025, 0.975)
_COMPARED: tuple[AnalysisName, ...] = ("ancova", "prognostic")
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
class SavingsTable:
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


def savings(
    plan: ControlArmPlan,
    correlation_draws: ArrayLike | None,
    months: Months,
    prices: Prices,
    *,
    sd_inflation: float | None = None,
) -> SavingsTable:
    """Return participants, controls, months and money saved in each of the plan's three figures.

    Parameters
    ----------
    plan : ControlArmPlan
        Of `plan_control_arm`.
    correlation_draws : array_like (D,) or None
        Posterior or bootstrap draws of the control arm's partial correlation, out of sample; None for the
        interval that the plan was made with.
    months : callable
        Months of enrolment for so many participants, from the trial's enrolment model.
    prices : Prices
        The user's own.
    sd_inflation : float, optional
        γ, refused unless it is the plan's.

    Returns
    -------
    SavingsTable
        `lower` and `upper` are NaN for the worst plausible figure, which is a bound itself.

    Raises
    ------
    DesignError
        If the draws are no correlations, or γ is not the plan's.

    Notes
    -----
    Values and interval ends are those of `Saving` and `saving_ends`: the ends of the 95 % interval of the
    correlation (2.5 % and 97.5 % quantiles of the draws), with each figure's own discounts. A correlation
    below 0 saves 0.

    Examples
    --------
    >>> from trialsim.design.control_arm.plan import PrognosticGain, plan_control_arm
    >>> moments = PlanningMoments((2.2, 2.2), (0.2, 0.2), (0.0, 0.0))
    >>> gain = PrognosticGain(0.4, 0.25, {}, 0.15, 0.05)
    >>> plan = plan_control_arm(moments, gain, SizingQuestion(0.5), correlation_discount=0.9,
    ...                         sd_inflation=1.0, smallest_worthwhile_saving=0.02)
    >>> draws = np.linspace(0.25, 0.55, 101)
    >>> table = savings(plan, draws, lambda n: n / 20, Prices(30_000, 40_000, month=100_000))
    >>> table.value("undiscounted", "participants"), round(table.value("undiscounted", "months"), 1)
    (122.0, 6.1)
    """
    if sd_inflation is not None and not math.isclose(sd_inflation, plan.sd_inflation):
        raise DesignError(
            "is not the inflation that the plan was made with", field="sd_inflation", value=sd_inflation
        )
    if correlation_draws is None:
        return savings_table(plan.savings, months, prices)
    bounds = correlation_interval(correlation_draws)
    drawn = [replace(saving, ends=plan.ends(saving.figure, bounds)) for saving in plan.savings]
    return savings_table(drawn, months, prices)


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


def correlation_interval(draws: ArrayLike) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantiles of draws of a correlation.

    Examples
    --------
    >>> correlation_interval(np.linspace(0.0, 0.4, 401))
    (0.01, 0.39)
    """
    found = np.asarray(draws, dtype=float)
    if found.ndim != 1 or len(found) < 20 or not np.isfinite(found).all() or (np.abs(found) >= 1).any():
        raise DesignError(
            "must be at least 20 correlations in (-1, 1)", field="correlation_draws", value=found.shape
        )
    low, high = np.quantile(found, _LEVEL)
    return float(low), float(high)


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


@dataclass(frozen=True)
class Alternative:
    """Another population for the same trial: enriched, or with wider eligibility.

    Parameters
    ----------
    moments : PlanningMoments
        SDs and correlations in that population.
    question : SizingQuestion
        With the effect assumed in that population.
    months : callable
        Months of enrolment for so many participants from that population.
    eligible_share : float
        Share of screened people who are eligible, in (0, 1].
    """

    moments: PlanningMoments
    question: SizingQuestion
    months: Months
    eligible_share: float = 1.0

    def __post_init__(self) -> None:
        _check_share(self.eligible_share)

    def size(self, analysis: AnalysisName) -> Size:
        """Return the size of an analysis in that population."""
        return size_for_power(self.moments, analysis, self.question)


@dataclass(frozen=True)
class ScaleAlternative:
    """Another population for the same trial on the binary, count or survival scale.

    Parameters
    ----------
    question : ScaleSizing
        With control level, effect and baseline correlation of that population.
    partial : float
        Correlation of score and outcome given the baseline, there.
    months, eligible_share
        As in `Alternative`.
    """

    question: ScaleSizing
    partial: float
    months: Months
    eligible_share: float = 1.0

    def __post_init__(self) -> None:
        _check_share(self.eligible_share)

    def size(self, analysis: AnalysisName) -> Size:
        """Return the size of an analysis in that population."""
        return scale_size(self.question, analysis, self.partial)


def _check_share(eligible: float) -> None:
    if not 0 < eligible <= 1:
        raise DesignError("must lie in (0, 1]", field="eligible_share", value=eligible)


@dataclass(frozen=True)
class AlternativesTable:
    """Sizes, months, people screened and cost of each alternative."""

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return one row an alternative and analysis."""
        return self.frame.copy()

    def __str__(self) -> str:
        return self.frame.round(1).to_string(index=False)

    def plot(self) -> go.Figure:
        """Draw cost against months, one point an alternative with prognostic adjustment."""
        import plotly.graph_objects as go

        part = self.frame[self.frame["analysis"] == "prognostic"]
        figure = go.Figure(
            go.Scatter(
                x=part["months"],
                y=part["cost"],
                text=part["alternative"],
                mode="markers+text",
                marker={"size": 10},
                textposition="top center",
                cliponaxis=False,
            )
        )
        figure.update_layout(xaxis_title="months of enrolment", yaxis_title="cost")
        return figure


def compare_alternatives(
    alternatives: Mapping[str, Callable[[], Alternative | ScaleAlternative]], prices: Prices
) -> AlternativesTable:
    """Return what each population would cost, with baseline ANCOVA and with prognostic adjustment.

    Parameters
    ----------
    alternatives : mapping of str to callable
        By name; each is called once and may simulate or estimate its population.
    prices : Prices
        The user's own.

    Returns
    -------
    AlternativesTable
        A row for each population.

    Raises
    ------
    DesignError
        No alternative is given.

    Examples
    --------
    >>> moments, question = PlanningMoments((1.0, 1.0), (0.3, 0.3), (0.4, 0.4)), SizingQuestion(0.3)
    >>> all_comers = Alternative(moments, question, lambda n: n / 30, 0.8)
    >>> enriched = Alternative(moments, SizingQuestion(0.4), lambda n: n / 10, 0.3)
    >>> table = compare_alternatives({"all": lambda: all_comers, "enriched": lambda: enriched},
    ...                              Prices(100, 100, screening=10)).to_frame()
    >>> table.loc[table["analysis"] == "prognostic", ["alternative", "total", "screened"]].round()
      alternative  total  screened
    1         all    364     455.0
    3    enriched    208     693.0
    """
    if not alternatives:
        raise DesignError("must name at least one population", field="alternatives")
    rows: list[dict[str, object]] = []
    for name, make in alternatives.items():
        one = make()
        for analysis in _COMPARED:
            size = one.size(analysis)
            months = _enrolment(one.months, size.total)
            screened = size.total / one.eligible_share
            rows.append(
                {
                    "alternative": name,
                    "analysis": analysis,
                    "controls": size.controls,
                    "total": size.total,
                    "screened": screened,
                    "months": months,
                    "cost": prices.of(size, months, screened),
                }
            )
    return AlternativesTable(pd.DataFrame(rows))
