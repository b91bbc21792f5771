"""Equivalence by two one-sided tests (TOST): power and sizes for means, rates and hazard ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from trialsim.design.sizes.claim import power_within
from trialsim.design.sizes.means import TwoArmSize, check_level, check_power, split, total_for_power
from trialsim.errors import DesignError

Scale = Literal["difference", "ratio"]


@dataclass(frozen=True)
class EquivalenceLimits:
    """Between what limits an effect counts as none.

    Parameters
    ----------
    lower, upper : float
        Limits of the effect, in its unit; the assumed effect lies between.
    alpha : float
        Level of each of the two one-sided tests.
    allocation : float
        Active participants for each control.

    Raises
    ------
    DesignError
        Limits in the wrong order, or a number out of range.

    Examples
    --------
    >>> EquivalenceLimits(0.2, -0.2)
    Traceback (most recent call last):
    trialsim.errors.DesignError: lower: must lie below the upper limit. Got 0.2.
    """

    lower: float
    upper: float
    alpha: float = 0.05
    allocation: float = 1.0

    def __post_init__(self) -> None:
        if not -math.inf < self.lower < self.upper < math.inf:
            raise DesignError("must lie below the upper limit", field="lower", value=self.lower)
        check_level(self.alpha, self.allocation)

    def distances(self, effect: float, field: str = "effect") -> tuple[float, float]:
        """Return how far an effect lies inside either limit, refusing one that does not."""
        if not self.lower < effect < self.upper:
            raise DesignError(
                f"must lie between the limits {self.lower:g} and {self.upper:g}: no size shows equivalence",
                field=field,
                value=effect,
            )
        return effect - self.lower, self.upper - effect


def equivalence_power(
    effect: float, limits: EquivalenceLimits, standard_error: float, df: float = math.inf
) -> float:
    """Return the probability that both one-sided tests reject.

    Parameters
    ----------
    effect : float
        True effect; outside the limits the power is at most alpha.
    limits : EquivalenceLimits
        Limits and level.
    standard_error : float
        Of the estimated effect, above 0.
    df : float
        Degrees of freedom of its t statistic; infinite for a normal test.

    Returns
    -------
    float
        In [0, 1).

    Raises
    ------
    DesignError
        A standard error that is not above 0.

    Notes
    -----
    Owen's integral, see `trialsim.design.sizes.claim.power_within`.

    Examples
    --------
    A crossover with 40 people, coefficient of variation .3, ratio .95 and limits .8 and 1.25:

    >>> sd, limits = math.sqrt(math.log(1 + 0.3**2)), EquivalenceLimits(math.log(0.8), math.log(1.25))
    >>> round(equivalence_power(math.log(0.95), limits, sd * math.sqrt(2 / 40), 38), 6)
    0.815845
    """
    if not 0 < standard_error < math.inf:
        raise DesignError("must be above 0", field="standard_error", value=standard_error)
    ends = [(limit - effect) / standard_error for limit in (limits.lower, limits.upper)]
    return power_within(ends[0], ends[1], limits.alpha, df)


def equivalence_of_means_size(
    effect: float,
    limits: EquivalenceLimits,
    sd: float = 1.0,
    *,
    power: float = 0.9,
    design: Literal["parallel", "crossover"] = "parallel",
) -> TwoArmSize:
    """Return the size that shows two means equivalent by t tests.

    Parameters
    ----------
    effect : float
        Assumed difference, between the limits; for ratios of log-normal outcomes give all on the log scale.
    limits : EquivalenceLimits
        Limits, level and allocation.
    sd : float
        Standard deviation in both arms; of one participant's outcome about their own mean in a crossover.
    power : float
        In (alpha, 1).
    design : {"parallel", "crossover"}
        Two arms, or two sequences of two periods; the arms of the answer are then the sequences.

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Raises
    ------
    DesignError
        An effect outside of the limits, or a number out of range.

    Examples
    --------
    >>> equivalence_of_means_size(0.0, EquivalenceLimits(-0.5, 0.5)).whole
    (88, 88)
    """
    check_power(power, limits.alpha)
    limits.distances(effect)
    if not 0 < sd < math.inf:
        raise DesignError("must be above 0", field="sd", value=sd)
    r = limits.allocation
    if design == "crossover" and r != 1:
        raise DesignError("must be 1 for a crossover", field="allocation", value=r)
    unit = 2.0 if design == "crossover" else (1 + r) ** 2 / r

    def power_of(total: float) -> float:
        return equivalence_power(effect, limits, sd * math.sqrt(unit / total), total - 2)

    return split(total_for_power(power_of, power), r)


def equivalence_of_rates_size(
    control: float,
    active: float,
    limits: EquivalenceLimits,
    *,
    scale: Scale = "difference",
    power: float = 0.9,
) -> TwoArmSize:
    """Return the size that shows two rates equivalent by Wald tests of their difference or log ratio.

    Parameters
    ----------
    control, active : float
        Assumed rates, in (0, 1).
    limits : EquivalenceLimits
        Limits of the difference, or of the ratio (above 0).
    scale : {"difference", "ratio"}
        What the limits are of.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Raises
    ------
    DesignError
        Rates outside of the limits, or a number out of range.

    Examples
    --------
    >>> equivalence_of_rates_size(0.6, 0.6, EquivalenceLimits(-0.15, 0.15)).whole
    (231, 231)
    """
    check_power(power, limits.alpha)
    for field, rate in (("control", control), ("active", active)):
        if not 0 < rate < 1:
            raise DesignError("must lie between 0 and 1", field=field, value=rate)
    r = limits.allocation
    if scale == "difference":
        effect, unit = active - control, control * (1 - control) + active * (1 - active) / r
    else:
        limits = _logs(limits)
        effect = math.log(active / control)
        unit = (1 - control) / control + (1 - active) / (active * r)
    limits.distances(effect, "active")
    controls = total_for_power(lambda n: equivalence_power(effect, limits, math.sqrt(unit / n)), power)
    return TwoArmSize(controls, controls * r)


def equivalence_of_hazards_events(
    hazard_ratio: float, limits: EquivalenceLimits, *, power: float = 0.9
) -> float:
    """Return the events that show two hazards equivalent by log-rank tests, not rounded.

    Parameters
    ----------
    hazard_ratio : float
        Assumed ratio, active over control.
    limits : EquivalenceLimits
        Limits of the ratio, above 0.
    power : float
        In (alpha, 1).

    Returns
    -------
    float
        Events of both arms, not rounded.

    Raises
    ------
    DesignError
        A hazard ratio outside of the limits, or a power out of range.

    Notes
    -----
    Var(ln θ̂) = (1 + r)²/(r d), as in Schoenfeld's formula.

    Examples
    --------
    >>> round(equivalence_of_hazards_events(1.0, EquivalenceLimits(0.8, 1.25)), 1)
    869.4
    """
    check_power(power, limits.alpha)
    if not 0 < hazard_ratio < math.inf:
        raise DesignError("must be above 0", field="hazard_ratio", value=hazard_ratio)
    logs, r = _logs(limits), limits.allocation
    effect = math.log(hazard_ratio)
    logs.distances(effect, "hazard_ratio")
    return total_for_power(lambda d: equivalence_power(effect, logs, (1 + r) / math.sqrt(r * d)), power)


def _logs(limits: EquivalenceLimits) -> EquivalenceLimits:
    if not limits.lower > 0:
        raise DesignError("must be above 0 for a ratio", field="lower", value=limits.lower)
    return EquivalenceLimits(math.log(limits.lower), math.log(limits.upper), limits.alpha, limits.allocation)
