"""Sizes of trials that compare two means by a z or t test, against any margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy.optimize import brentq
from scipy.stats import nct, norm, t

from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.errors import DesignError, require_kind
from trialsim.notebook import InNotebook

_LARGEST_TRIAL = 1e9


@dataclass(frozen=True)
class TwoArmSize(InNotebook):
    """Participants in each arm as the formula gives them, not rounded.

    Parameters
    ----------
    control, active : float
        Participants to analyse in each arm.

    Examples
    --------
    >>> TwoArmSize(62.79, 62.79).whole
    (63, 63)
    """

    control: float
    active: float

    @property
    def total(self) -> float:
        """Participants in both arms."""
        return self.control + self.active

    @property
    def whole(self) -> tuple[int, int]:
        """Each arm rounded up."""
        return math.ceil(self.control - 1e-9), math.ceil(self.active - 1e-9)


@dataclass(frozen=True)
class MeansQuestion:
    """A comparison of two means.

    Parameters
    ----------
    effect : float
        Assumed difference active − control.
    sd : float
        Standard deviation in both arms, above 0.
    margin : float
        Difference under the null: 0 for superiority, below 0 for non-inferiority where more is better,
        above 0 with `direction` "less" where less is.
    alpha : float
        One-sided significance level.
    allocation : float
        Active participants for each control.
    test : {"t", "z"}
        Reference distribution.
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, it is the side of the effect where the margin is "no effect", and
        "greater" against any other margin: an effect below it then has no power, and no size.

    Raises
    ------
    DesignError
        The effect is the margin, or a number is out of range.
    """

    effect: float
    sd: float = 1.0
    margin: float = 0.0
    alpha: float = 0.025
    allocation: float = 1.0
    test: Literal["t", "z"] = "t"
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if self.effect == self.margin:
            raise DesignError(
                "must differ from the margin: no size detects it", field="effect", value=self.effect
            )
        if not 0 < self.sd < math.inf:
            raise DesignError("must be above 0", field="sd", value=self.sd)
        check_level(self.alpha, self.allocation)
        claimed(0.0, self.direction, True)

    @property
    def distance(self) -> float:
        """Effect beyond the margin in SDs, above 0 on the side of the claim."""
        return claimed(self.effect - self.margin, self.direction, self.margin == 0) / self.sd

    def noncentrality(self, total: float) -> float:
        """Return the mean of the test statistic with so many participants, above 0 for the claim."""
        shares = self.allocation / (1 + self.allocation) ** 2
        return self.distance * math.sqrt(total * shares)


def power_of_means(total: float, question: MeansQuestion) -> float:
    """Return the power of a trial of two means: the probability of the claim, never of its opposite.

    Parameters
    ----------
    total : float
        Participants in both arms, above 2 for a t test; need not be whole.
    question : MeansQuestion
        Effect, spread, margin, level, allocation and test.

    Returns
    -------
    float
        In [0, 1); 0 for a t test of two participants.

    Examples
    --------
    >>> round(power_of_means(170.06262827, MeansQuestion(0.5)), 6)
    0.9
    >>> round(power_of_means(400, MeansQuestion(-0.5, margin=-0.2)), 6)
    0.0
    """
    require_kind("question", question, MeansQuestion)
    shift = question.noncentrality(total)
    if question.test == "z":
        return float(norm.sf(norm.isf(question.alpha) - shift))
    if total <= 2:
        return 0.0
    return float(nct.sf(t.isf(question.alpha, total - 2), total - 2, shift))


def means_size(question: MeansQuestion, power: float = 0.9) -> TwoArmSize:
    """Return the size that gives the power.

    Parameters
    ----------
    question : MeansQuestion
        Effect, spread, margin, level, allocation and test.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize
        Participants to analyse in each arm, not rounded.

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.
    DesignError
        The effect lies on the wrong side of the margin, or no size reaches the power.

    Examples
    --------
    >>> round(means_size(MeansQuestion(0.5, test="z")).total, 4)
    168.1188
    >>> means_size(MeansQuestion(0.0, margin=-0.2)).whole
    (527, 527)
    """
    require_kind("question", question, MeansQuestion)
    check_power(power, question.alpha)
    refuse_wrong_side(question.distance, "effect", question.effect)
    return split(total_for_power(lambda total: power_of_means(total, question), power), question.allocation)


def split(total: float, allocation: float) -> TwoArmSize:
    """Return a total as arms with so many active participants for each control.

    Examples
    --------
    >>> split(90.0, 2.0)
    TwoArmSize(control=30.0, active=60.0)
    """
    return TwoArmSize(total / (1 + allocation), total * allocation / (1 + allocation))


def total_for_power(power_of: Callable[[float], float], power: float) -> float:
    """Return the total, not rounded, at which a rising power function meets the power.

    Examples
    --------
    >>> round(total_for_power(lambda n: 1 - 1 / n, 0.9), 6)
    10.0
    """
    low, high = 0.0, 4.0
    while power_of(high) < power:
        low, high = high, 2 * high
        if high > _LARGEST_TRIAL:
            raise DesignError(
                "is not reached by a billion participants",
                field="power",
                value=power,
                mend="assume more effect",
            )
    return float(brentq(lambda total: power_of(total) - power, max(low, 1e-6), high, xtol=1e-9, rtol=1e-13))


def check_level(alpha: float, allocation: float) -> None:
    """Refuse a level or an allocation that no test has."""
    if not 0 < alpha < 0.5:
        raise DesignError("must lie between 0 and 0.5", field="alpha", value=alpha)
    if not 0 < allocation < math.inf:
        raise DesignError("must be above 0", field="allocation", value=allocation)


def check_power(power: float, alpha: float) -> None:
    """Refuse a power that needs no trial, or that no trial has."""
    if not alpha < power < 1:
        raise DesignError("must lie between alpha and 1", field="power", value=power)
