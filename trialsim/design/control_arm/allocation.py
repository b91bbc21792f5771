"""The allocation that costs least for a power, and what the same money buys with fewer controls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from scipy.optimize import brentq

from trialsim.design.sizes.asymptotic import asymptotic_controls, asymptotic_size
from trialsim.design.sizes.variance import Adjustment, Pair, asymptotic_variance
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Allocation(InNotebook):
    """Analysed participants of each arm as the formula gives them, and their cost."""

    controls: float
    active: float
    cost: float

    @property
    def total(self) -> float:
        """Participants in both arms."""
        return self.controls + self.active

    @property
    def ratio(self) -> float:
        """Active participants for each control."""
        return self.active / self.controls


def cheapest_allocation(
    left: Adjustment, effect: float, prices: Pair = (1.0, 1.0), *, power: float = 0.9, alpha: float = 0.05
) -> Allocation:
    """Return the allocation that reaches a power at least cost, for interacted slopes.

    Parameters
    ----------
    left : Adjustment
        Residual variances κ_a² and slope gap q of the analysis; see `adjustment`.
    effect : float
        τ, not 0.
    prices : pair of float
        Of one analysed (control, active) participant, above 0; equal prices give the smallest total.
    power, alpha : float
        Power, and two-sided level.

    Returns
    -------
    Allocation
        Participants of each arm, not rounded, and what they cost.

    Raises
    ------
    DesignError
        If a price, variance or effect is out of range.

    Notes
    -----
    With r = n1/n0 and D = (τ/(z_{1−α/2} + z_{power}))² the cost is
    ``(c0 + c1 r)(κ0² + κ1²/r + q/(1 + r))/D``, convex in the active share. Without a slope gap, or at equal
    prices, the least is at ``r = (κ1/κ0) √(c0/c1)``: equal arms are best at equal prices as long as the score
    explains as much in both. Otherwise the root of the derivative is found numerically.

    Examples
    --------
    >>> left = Adjustment((0.75, 0.75), 0.0, 1)
    >>> found = cheapest_allocation(left, 0.3, (1.0, 4.0))
    >>> round(found.ratio, 9), round(found.controls, 2), round(found.cost, 2)
    (0.5, 262.69, 788.06)
    """
    c0, c1 = prices
    _check(left, effect, prices)
    k0, k1 = left.residual_variance
    ratio = math.sqrt(k1 * c0 / (k0 * c1))
    if left.slope_gap > 0 and c0 != c1:
        gap = left.slope_gap * (c1 - c0)

        def slope(share: float) -> float:
            return c1 * k0 / (1 - share) ** 2 - c0 * k1 / share**2 + gap

        share = float(brentq(slope, 1e-9, 1 - 1e-9, xtol=1e-15, rtol=1e-13))
        ratio = share / (1 - share)
    return _allocated(left, effect, prices, ratio, power, alpha)


def equal_cost_allocation(
    left: Adjustment,
    effect: float,
    budget: float,
    prices: Pair = (1.0, 1.0),
    *,
    power: float = 0.9,
    alpha: float = 0.05,
) -> Allocation:
    """Return the allocation with the fewest controls that reaches a power for a given sum, interacted slopes.

    Removing controls unbalances the trial: the same precision needs relatively more active participants.
    This is where that ends, if the trial may cost as much as it would have without the score.

    Parameters
    ----------
    left, effect, prices, power, alpha
        As in `cheapest_allocation`.
    budget : float
        What may be spent on participants.

    Returns
    -------
    Allocation
        Participants of each arm, not rounded, and what they cost.

    Raises
    ------
    DesignError
        If not even the cheapest allocation can be paid.

    Notes
    -----
    Without a slope gap r is the larger root of ``c1κ0² r² − (B D − c0κ0² − c1κ1²) r + c0κ1² = 0``.

    Examples
    --------
    >>> left = Adjustment((0.75, 0.75), 0.0, 1)
    >>> found = equal_cost_allocation(left, 0.3, 466.996580508)
    >>> round(found.ratio, 6), round(found.controls, 2), round(found.active, 2)
    (3.0, 116.75, 350.25)
    """
    least = cheapest_allocation(left, effect, prices, power=power, alpha=alpha)
    if budget < least.cost * (1 - 1e-12):
        raise DesignError(
            f"does not pay for any trial of this power; the cheapest costs {least.cost:.6g}",
            field="budget",
            value=budget,
            mend="spend more, or ask for less power",
        )

    def excess(log_ratio: float) -> float:
        return _allocated(left, effect, prices, math.exp(log_ratio), power, alpha).cost - budget

    low, high = math.log(least.ratio), math.log(least.ratio) + 1.0
    if excess(low) >= 0:
        return least
    while excess(high) < 0:
        high += 1.0
    ratio = math.exp(float(brentq(excess, low, high, xtol=1e-14, rtol=1e-14)))
    return _allocated(left, effect, prices, ratio, power, alpha)


@dataclass(frozen=True)
class AllocationTable(InNotebook):
    """Ways to spend what a score saves, all of one power.

    Parameters
    ----------
    frame : DataFrame
        design, controls, active, total, cost, control_cut, total_cut and cost_cut: shares of the first
        row, which is 1:1 without the score; NaN where a design is infeasible.
    """

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a design."""
        return self.frame.copy()

    def __str__(self) -> str:
        return "Analysed participants, all with the same power\n" + self.frame.round(3).to_string(index=False)

    def plot(self) -> go.Figure:
        """Draw both arms of every design."""
        import plotly.graph_objects as go

        bars = [go.Bar(x=self.frame["design"], y=self.frame[arm], name=arm) for arm in ("controls", "active")]
        figure = go.Figure(bars)
        figure.update_layout(barmode="stack", yaxis_title="analysed participants")
        return figure


def compare_allocations(
    before: Adjustment,
    after: Adjustment,
    effect: float,
    prices: Pair = (1.0, 1.0),
    *,
    power: float = 0.9,
    alpha: float = 0.05,
) -> AllocationTable:
    """Return what a score saves at 1:1, with the active arm fixed, at least cost, and for the same money.

    Parameters
    ----------
    before, after : Adjustment
        What the baseline analysis and the prognostic one leave; see `adjustment`.
    effect, prices, power, alpha
        As in `cheapest_allocation`.

    Returns
    -------
    AllocationTable
        A row for each allocation, with and without the score.

    Examples
    --------
    >>> table = compare_allocations(Adjustment((1.0, 1.0), 0.0, 0), Adjustment((0.75, 0.75), 0.0, 1), 0.3)
    >>> table.to_frame()[["controls", "active", "control_cut", "total_cut"]].round(3)
       controls   active  control_cut  total_cut
    0   233.498  233.498         0.00       0.00
    1   175.124  175.124         0.25       0.25
    2   140.099  233.498         0.40       0.20
    3   175.124  175.124         0.25       0.25
    4   116.749  350.247         0.50       0.00
    """
    options = {"power": power, "alpha": alpha}
    base = _allocated(before, effect, prices, 1.0, power, alpha)
    fixed = asymptotic_controls(base.active, after, effect, power=power, alpha=alpha)
    designs = {
        "without the score, 1:1": base,
        "with the score, 1:1": _allocated(after, effect, prices, 1.0, power, alpha),
        "with the score, active fixed": Allocation(
            fixed, base.active, prices[0] * fixed + prices[1] * base.active
        ),
        "with the score, cheapest": cheapest_allocation(after, effect, prices, **options),
        "with the score, for the same money": equal_cost_allocation(
            after, effect, base.cost, prices, **options
        ),
    }
    rows = []
    for design, one in designs.items():
        controls, total, cost = (
            value if math.isfinite(value) else math.nan for value in (one.controls, one.total, one.cost)
        )
        rows.append(
            {
                "design": design,
                "controls": controls,
                "active": one.active,
                "total": total,
                "cost": cost,
                "control_cut": 1 - controls / base.controls,
                "total_cut": 1 - total / base.total,
                "cost_cut": 1 - cost / base.cost,
            }
        )
    return AllocationTable(pd.DataFrame(rows))


def _allocated(
    left: Adjustment, effect: float, prices: Pair, ratio: float, power: float, alpha: float
) -> Allocation:
    """Return the size that reaches the power with so many active participants for each control."""
    _check(left, effect, prices)
    shares = (1 / (1 + ratio), ratio / (1 + ratio))
    variance = asymptotic_variance(left, shares, "interacted")
    total = asymptotic_size(variance, effect, power=power, alpha=alpha)
    controls, active = (total * share for share in shares)
    return Allocation(controls, active, prices[0] * controls + prices[1] * active)


def _check(left: Adjustment, effect: float, prices: Pair) -> None:
    if not all(0 < price < math.inf for price in prices):
        raise DesignError("must be two numbers above 0", field="prices", value=prices)
    if min(left.residual_variance) <= 0:
        raise DesignError("must be above 0", field="residual_variance", value=left.residual_variance)
    if effect == 0 or not math.isfinite(effect):
        raise DesignError("must not be 0: no size detects it", field="effect", value=effect)
