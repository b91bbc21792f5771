"""Sizes of negative binomial counts, with follow-up that varies between participants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.means import TwoArmSize, check_level, check_power
from trialsim.errors import DesignError

NullRates = Literal["true", "control", "pooled"]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(120)


@dataclass(frozen=True)
class FollowUp:
    """How long participants are followed.

    Parameters
    ----------
    longest : float
        Time from entry to the end for who enters first, above 0.
    shortest : float, optional
        The same for who enters last, in [0, longest]: entries are even between. `longest` if left out.
    dropout : float
        Hazard of leaving, at least 0.

    Examples
    --------
    >>> round(FollowUp(2.0, 1.0, 0.1).mean, 4)
    1.3893
    """

    longest: float
    shortest: float | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.longest < math.inf:
            raise DesignError("must be above 0", field="longest", value=self.longest)
        if self.shortest is not None and not 0 <= self.shortest <= self.longest:
            raise DesignError(
                "must lie between 0 and the longest follow-up", field="shortest", value=self.shortest
            )
        if not 0 <= self.dropout < math.inf:
            raise DesignError("must be at least 0", field="dropout", value=self.dropout)

    @property
    def mean(self) -> float:
        """Mean time that a participant is followed."""
        return self.information(1.0, 0.0)

    def information(self, rate: float, dispersion: float) -> float:
        r"""Return the information of one participant on the log rate, E[λT/(1 + kλT)].

        As :math:`\int_0^{longest} \frac{\lambda}{(1 + k\lambda t)^2} P(T > t)\,dt`.
        """
        shortest = self.longest if self.shortest is None else self.shortest
        total = 0.0
        for low, high in ((0.0, shortest), (shortest, self.longest)):
            if high > low:
                time = low + (high - low) * (1 + _NODES) / 2
                staying = np.exp(-self.dropout * time)
                if low > 0 or shortest == 0:
                    staying = staying * (self.longest - time) / (self.longest - shortest)
                slope = rate / (1 + dispersion * rate * time) ** 2
                total += (high - low) / 2 * float(np.dot(_WEIGHTS, slope * staying))
        return total


@dataclass(frozen=True)
class CountsQuestion:
    """A comparison of two negative binomial rates.

    Parameters
    ----------
    control_rate : float
        Events per unit of time, above 0.
    rate_ratio : float
        Assumed ratio, active over control.
    dispersion : float
        k of the variance μ + kμ², at least 0.
    follow_up : FollowUp
        How long participants are followed.
    margin : float
        Ratio under the null; above 1 for non-inferiority where fewer events are better.
    alpha : float
        One-sided level.
    allocation : float
        Active participants for each control, r.
    null : {"true", "control", "pooled"}
        Rates at which the variance under the null is taken: those assumed, the control's in both arms, or the
        mean rate (Zhu and Lakkis 2014, methods 2, 1 and, for equal follow-up, 3).
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, it is the side of the ratio where the margin is 1, and "less" otherwise.

    Raises
    ------
    DesignError
        A number out of range.
    """

    control_rate: float
    rate_ratio: float
    dispersion: float
    follow_up: FollowUp
    margin: float = 1.0
    alpha: float = 0.025
    allocation: float = 1.0
    null: NullRates = "true"
    direction: Direction | None = None

    def __post_init__(self) -> None:
        for field in ("control_rate", "rate_ratio", "margin"):
            if not 0 < getattr(self, field) < math.inf:
                raise DesignError("must be above 0", field=field, value=getattr(self, field))
        if not 0 <= self.dispersion < math.inf:
            raise DesignError("must be at least 0", field="dispersion", value=self.dispersion)
        if self.null not in get_args(NullRates):
            raise DesignError(
                "is not known", field="null", value=self.null, mend=f"use one of {get_args(NullRates)}"
            )
        check_level(self.alpha, self.allocation)
        claimed(0.0, self.direction, True)

    @property
    def distance(self) -> float:
        """Log ratio beyond the margin, above 0 on the side of the claim."""
        gap = math.log(self.rate_ratio / self.margin)
        return claimed(gap, self.direction, self.margin == 1, otherwise="less")

    def variances(self) -> tuple[float, float]:
        """Return the variance of the log rate ratio with one control, under the null and as assumed."""
        own = (self.control_rate, self.control_rate * self.rate_ratio)
        shared = {
            "control": self.control_rate,
            "pooled": (own[0] + self.allocation * own[1]) / (1 + self.allocation),
        }.get(self.null)
        null = own if shared is None else (shared, shared * self.margin)
        return self._variance(*null), self._variance(*own)

    def _variance(self, control: float, active: float) -> float:
        first, second = (self.follow_up.information(rate, self.dispersion) for rate in (control, active))
        return 1 / first + 1 / (self.allocation * second)


def counts_size(question: CountsQuestion, power: float = 0.9) -> TwoArmSize:
    r"""Return the size that gives the Wald test of a rate ratio its power.

    Parameters
    ----------
    question : CountsQuestion
        Rates, dispersion, follow-up, margin, level and allocation.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Notes
    -----
    :math:`n_0 = (z_{1-\alpha} \sqrt{V_0} + z_{1-\beta} \sqrt{V_1})^2 / \ln^2(\theta/\theta_0)` with
    :math:`V = 1/I_0 + 1/(r I_1)` and :math:`I_a = E[\lambda_a T / (1 + k \lambda_a T)]` over the follow-up T:
    putting the mean follow-up in its place is too small (Tang 2015, J. Biopharm. Stat. 25:1039).

    Examples
    --------
    >>> fixed = CountsQuestion(0.8, 0.85, 0.4, FollowUp(0.75))
    >>> varying = CountsQuestion(0.8, 0.85, 0.4, FollowUp(1.0, 0.5))
    >>> counts_size(fixed, 0.8).whole, counts_size(varying, 0.8).whole
    ((1316, 1316), (1323, 1323))
    """
    check_power(power, question.alpha)
    refuse_wrong_side(question.distance, "rate_ratio", question.rate_ratio)
    null, own = question.variances()
    needed = float(-ndtri(question.alpha) * math.sqrt(null) + ndtri(power) * math.sqrt(own))
    controls = (needed / question.distance) ** 2
    return TwoArmSize(controls, controls * question.allocation)


def power_of_counts(controls: float, question: CountsQuestion) -> float:
    """Return the power with so many controls, and active participants by the allocation.

    Parameters
    ----------
    controls : float
        Controls, above 0; need not be whole.
    question : CountsQuestion
        Rates, dispersion, follow-up, margin, level and allocation.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> round(power_of_counts(1316, CountsQuestion(0.8, 0.85, 0.4, FollowUp(0.75))), 3)
    0.8
    """
    null, own = question.variances()
    shift = question.distance * math.sqrt(controls) + float(ndtri(question.alpha)) * math.sqrt(null)
    return float(ndtr(shift / math.sqrt(own)))
