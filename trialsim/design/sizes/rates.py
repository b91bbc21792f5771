"""Sizes of trials that compare two rates, by difference, ratio or odds ratio, against any margin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from scipy.stats import norm

from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.means import TwoArmSize, check_level, check_power
from trialsim.errors import DesignError, require_kind

Scale = Literal["difference", "ratio", "odds ratio"]
Rates = tuple[float, float]


@dataclass(frozen=True)
class RatesQuestion:
    """A comparison of two rates.

    Parameters
    ----------
    control, active : float
        Assumed rates, in (0, 1).
    scale : {"difference", "ratio", "odds ratio"}
        Scale of the test.
    margin : float, optional
        Value under the null, in (−1, 1) for a difference and above 0 for a ratio; no effect if left
        out. The odds ratio is offered against no effect only.
    alpha : float
        One-sided significance level.
    allocation : float
        Active participants for each control.
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, it is the side of the effect where the margin is "no effect", and
        "greater" against any other margin: an effect below it then has no power, and no size.

    Raises
    ------
    DesignError
        The rates lie at the margin, or a number is out of range.
    """

    control: float
    active: float
    scale: Scale = "difference"
    margin: float | None = None
    alpha: float = 0.025
    allocation: float = 1.0
    direction: Direction | None = None

    def __post_init__(self) -> None:
        for field, rate in (("control", self.control), ("active", self.active)):
            if not 0 < rate < 1:
                raise DesignError("must lie between 0 and 1", field=field, value=rate)
        check_level(self.alpha, self.allocation)
        claimed(0.0, self.direction, True)
        if self.scale == "difference":
            if not -1 < self.null < 1:
                raise DesignError("must lie between -1 and 1", field="margin", value=self.margin)
        elif not 0 < self.null < math.inf:
            raise DesignError("must be above 0", field="margin", value=self.margin)
        if self.scale == "odds ratio" and self.null != 1:
            raise DesignError(
                "is offered for differences and ratios only",
                field="margin",
                value=self.margin,
                mend="state the margin as a difference or a ratio of rates",
            )
        if abs(self.contrast) < 1e-12:
            raise DesignError("lies at the margin: no size detects it", field="active", value=self.active)

    @property
    def null(self) -> float:
        """Value of the scale under the null."""
        if self.margin is not None:
            return self.margin
        return 0.0 if self.scale == "difference" else 1.0

    @property
    def contrast(self) -> float:
        """What the statistic estimates; 0 under the null."""
        if self.scale == "difference":
            return self.active - self.control - self.null
        if self.scale == "ratio":
            return self.active - self.null * self.control
        if self.scale == "odds ratio":
            return _log_odds(self.active) - _log_odds(self.control)
        assert_never(self.scale)

    @property
    def distance(self) -> float:
        """Contrast, above 0 on the side of the claim."""
        return claimed(
            self.contrast, self.direction, self.null == (0.0 if self.scale == "difference" else 1.0)
        )

    def variance(self, control: float, active: float) -> float:
        """Return the variance of the statistic with one control, at given rates."""
        r = self.allocation
        if self.scale == "odds ratio":
            return 1 / (r * active * (1 - active)) + 1 / (control * (1 - control))
        weight = self.null**2 if self.scale == "ratio" else 1.0
        return active * (1 - active) / r + weight * control * (1 - control)


def rates_under_null(question: RatesQuestion) -> Rates:
    """Return the (control, active) rates that are likeliest if the margin held.

    Notes
    -----
    The maximum of r[p₁ ln q₁ + (1−p₁) ln(1−q₁)] + p₀ ln q₀ + (1−p₀) ln(1−q₀) over (q₀, q₁) at the
    margin (Farrington & Manning 1990): a cubic for a difference, a quadratic for a ratio.

    Examples
    --------
    >>> [round(rate, 6) for rate in rates_under_null(RatesQuestion(0.6, 0.6, margin=-0.1))]
    [0.647942, 0.547942]
    """
    p0, p1, null, theta = question.control, question.active, question.null, 1 / question.allocation
    if question.scale == "odds ratio" or null == (0.0 if question.scale == "difference" else 1.0):
        pooled = (p1 + theta * p0) / (1 + theta)
        return pooled, pooled
    if question.scale == "ratio":
        b = -(null * (1 + theta * p0) + theta + p1)
        root = math.sqrt(b * b - 4 * (1 + theta) * null * (p1 + theta * p0))
        active = (-b - root) / (2 * (1 + theta))
        return active / null, active
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p0 + null * (theta + 2))
    c = null**2 + null * (2 * p1 + theta + 1) + p1 + theta * p0
    d = -p1 * null * (1 + null)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = math.copysign(math.sqrt((b / (3 * a)) ** 2 - c / (3 * a)), v)
    angle = (math.pi + math.acos(min(1.0, max(-1.0, v / u**3)))) / 3
    active = 2 * u * math.cos(angle) - b / (3 * a)
    return active - null, active


def rates_size(question: RatesQuestion, power: float = 0.9) -> TwoArmSize:
    """Return the size that gives the power.

    Parameters
    ----------
    question : RatesQuestion
        Rates, scale, margin, level and allocation.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize

    Notes
    -----
    ``n_control = (z_{1−α} √V₀ + z_{1−β} √V₁)² / contrast²``, V₀ at `rates_under_null`, V₁ at the assumed
    rates; the contrast is π₁ − π₀ − δ, π₁ − ψπ₀, or the log odds ratio.

    Examples
    --------
    >>> round(rates_size(RatesQuestion(0.2, 0.4)).total, 4)
    216.4711
    >>> round(rates_size(RatesQuestion(0.6, 0.6, margin=-0.1)).total, 3)
    1003.39
    """
    require_kind("question", question, RatesQuestion)
    check_power(power, question.alpha)
    refuse_wrong_side(question.distance, "active", question.active)
    control = (_critical_sum(question, norm.ppf(power)) / question.contrast) ** 2
    return TwoArmSize(control, control * question.allocation)


def power_of_rates(controls: float, question: RatesQuestion) -> float:
    """Return the power with so many controls, and active participants by the allocation.

    Parameters
    ----------
    controls : float
        Controls to analyse, above 0; need not be whole.
    question : RatesQuestion
        Rates, scale, margin, level and allocation.

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.

    Examples
    --------
    >>> round(power_of_rates(108.23553938, RatesQuestion(0.2, 0.4)), 6)
    0.9
    """
    require_kind("question", question, RatesQuestion)
    spread = math.sqrt(question.variance(question.control, question.active))
    shortfall = question.distance * math.sqrt(controls) - _critical_sum(question, 0.0)
    return float(norm.cdf(shortfall / spread))


def _critical_sum(question: RatesQuestion, z_power: float) -> float:
    null = math.sqrt(question.variance(*rates_under_null(question)))
    spread = math.sqrt(question.variance(question.control, question.active))
    return float(norm.isf(question.alpha) * null + z_power * spread)


def _log_odds(rate: float) -> float:
    return math.log(rate / (1 - rate))
