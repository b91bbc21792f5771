"""Outcomes on the scale where an effect and a drift add up: what every scale offers; counts and times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trialsim.data import Floats
from trialsim.errors import DesignError


class OutcomeScale(Protocol):
    """An outcome whose two arms differ by `effect` on a working scale, and whose trial drifts there.

    Drift is added to both arms of the trial: it is the trial's control level minus the history's, so
    that it leaves the effect on the working scale as it is.
    """

    @property
    def effect(self) -> float:
        """Active minus control on the working scale; 0 where they are alike."""
        ...

    @property
    def contrast(self) -> str:
        """What a margin is a value of, such as ``"odds ratio"``."""
        ...

    def working(self, value: float, field: str = "margin") -> float:
        """Return a value of the contrast on the working scale, refusing one that cannot be."""
        ...

    @property
    def unit(self) -> str:
        """Unit of the working scale, such as ``"log odds"``."""
        ...

    @property
    def analysis(self) -> str:
        """Model that estimates the effect, such as ``"logistic regression"``."""
        ...

    def describe(self) -> str:
        """Return the assumed control level and effect in the scale's own terms."""
        ...

    def level(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return an arm's true value on the working scale."""
        ...

    def unit_variance(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the variance of an arm's estimate on the working scale, times its participants."""
        ...

    def residual_variance(self, correlation: float, treated: bool = False, drift: float = 0.0) -> float:
        """Return the part of `unit_variance` that a score leaves, ρ its correlation in the controls."""
        ...

    def slope_gap(self, correlation: float) -> float:
        """Return the variance of what the score says of the effect: 0 where it moves both arms alike."""
        ...

    def estimates(
        self, participants: int, replicates: int, generator: np.random.Generator,
        treated: bool = False, drift: float = 0.0,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Return the estimates (R,) of simulated arms on the working scale, and their variances (R,)."""
        ...


@dataclass(frozen=True)
class CountScale:
    """Events counted over a fixed exposure, on the log rate.

    Parameters
    ----------
    control_rate : float
        Events per unit of time of the controls in the history, above 0.
    rate_ratio : float
        Active over control, above 0.
    exposure : float
        Time that each participant is followed.
    dispersion : float
        k of a negative binomial count: variance μ + kμ², at least 0.

    Examples
    --------
    >>> scale = CountScale(0.8, 0.7, exposure=2.0, dispersion=0.5)
    >>> round(scale.effect, 4), scale.unit_variance()
    (-0.3567, 1.125)
    """

    control_rate: float
    rate_ratio: float
    exposure: float = 1.0
    dispersion: float = 0.0

    def __post_init__(self) -> None:
        for name in ("control_rate", "rate_ratio", "exposure"):
            _refuse_unless_positive(name, getattr(self, name))
        if not 0 <= self.dispersion < math.inf:
            raise DesignError("must be at least 0", field="dispersion", value=self.dispersion)

    @property
    def effect(self) -> float:
        """Log rate ratio."""
        return math.log(self.rate_ratio)

    @property
    def unit(self) -> str:
        """Unit of the working scale."""
        return "log rate"

    @property
    def contrast(self) -> str:
        """What a margin is a value of."""
        return "rate ratio"

    def working(self, value: float, field: str = "margin") -> float:
        """Return the logarithm of a rate ratio."""
        return log_ratio(value, field)

    def slope_gap(self, correlation: float) -> float:
        """Return 0: the score moves both arms alike."""
        return 0.0

    @property
    def analysis(self) -> str:
        """Model that estimates the effect."""
        return "negative binomial regression" if self.dispersion else "Poisson regression"

    def describe(self) -> str:
        """Return the assumed control rate and effect."""
        return (
            f"control rate {self.control_rate:g} over an exposure of {self.exposure:g}, dispersion "
            f"{self.dispersion:g}, rate ratio {self.rate_ratio:g}"
        )

    def level(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the log rate of an arm of the trial."""
        return math.log(self.control_rate) + drift + treated * self.effect

    def mean(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the expected count of a participant of the trial."""
        return self.exposure * math.exp(self.level(treated, drift))

    def unit_variance(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``1/μ + k``."""
        return 1 / self.mean(treated, drift) + self.dispersion

    def residual_variance(self, correlation: float, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``1/μ + k − s²``; the score explains s² = ρ²(1/μ0 + k), in either arm.

        Raises
        ------
        DesignError
            If s² exceeds k: a score explains why participants differ, never the Poisson noise.
        """
        explained = correlation**2 * self.unit_variance()
        if explained > self.dispersion:
            most = math.sqrt(self.dispersion / self.unit_variance())
            raise DesignError(
                f"is more than counts of this dispersion allow: at most {most:.3f}, where the score explains "
                "all that differs between participants",
                field="correlation",
                value=correlation,
                mend="give a smaller correlation or a larger dispersion",
            )
        return self.unit_variance(treated, drift) - explained

    def estimates(
        self, participants: int, replicates: int, generator: np.random.Generator,
        treated: bool = False, drift: float = 0.0,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Return log rates, and their variances ``1/events + k/n`` with the dispersion known."""
        expected = np.full(replicates, participants * self.mean(treated, drift))
        if self.dispersion > 0:
            shape = participants / self.dispersion
            expected = expected * generator.gamma(shape, 1 / shape, replicates)
        events = generator.poisson(expected) + 0.5
        estimate = np.log(events / (participants * self.exposure))
        return estimate, 1 / events + self.dispersion / participants


@dataclass(frozen=True)
class SurvivalScale:
    """Time to an event under constant hazards, on the log hazard.

    Parameters
    ----------
    control_median : float
        Median time to the event of the controls in the history.
    hazard_ratio : float
        Active over control, above 0.
    accrual : float
        Time over which participants enter evenly, at least 0.
    duration : float
        Calendar time of the analysis, not before accrual closes.
    loss : float
        Share of participants without an event who would be lost in one unit of time, in [0, 1).

    Examples
    --------
    >>> scale = SurvivalScale(12, 0.7, accrual=18, duration=30)
    >>> round(scale.event_probability(), 4), round(scale.event_probability(treated=True), 4)
    (0.6891, 0.5627)
    """

    control_median: float
    hazard_ratio: float
    accrual: float
    duration: float
    loss: float = 0.0

    def __post_init__(self) -> None:
        for name in ("control_median", "hazard_ratio", "duration"):
            _refuse_unless_positive(name, getattr(self, name))
        if not 0 <= self.accrual <= self.duration:
            raise DesignError(
                "must lie between 0 and the duration", field="accrual", value=self.accrual,
                mend="analyse when accrual has closed, or later",
            )  # fmt: skip
        if not 0 <= self.loss < 1:
            raise DesignError("must lie in [0, 1)", field="loss", value=self.loss)

    @property
    def effect(self) -> float:
        """Log hazard ratio."""
        return math.log(self.hazard_ratio)

    @property
    def unit(self) -> str:
        """Unit of the working scale."""
        return "log hazard"

    @property
    def contrast(self) -> str:
        """What a margin is a value of."""
        return "hazard ratio"

    def working(self, value: float, field: str = "margin") -> float:
        """Return the logarithm of a hazard ratio."""
        return log_ratio(value, field)

    def slope_gap(self, correlation: float) -> float:
        """Return 0: the score moves both arms alike."""
        return 0.0

    @property
    def analysis(self) -> str:
        """Model that estimates the effect."""
        return "Cox regression"

    def describe(self) -> str:
        """Return the assumed control median and effect."""
        return (
            f"control median {self.control_median:g}, hazard ratio {self.hazard_ratio:g}, accrual over "
            f"{self.accrual:g}, analysis at {self.duration:g}, "
            f"{self.event_probability():.0%} of controls with an event"
        )

    def level(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the log hazard of an arm of the trial."""
        return math.log(math.log(2) / self.control_median) + drift + treated * self.effect

    def hazard(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the hazard of an arm of the trial."""
        return math.exp(self.level(treated, drift))

    def event_probability(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the probability that a participant's event is seen by the analysis.

        ``P = λ/(λ + η) [1 − (e^{−(λ+η)(T−A)} − e^{−(λ+η)T})/((λ+η)A)]``, η the hazard of loss.
        """
        hazard = self.hazard(treated, drift)
        leaving = hazard - math.log1p(-self.loss)
        if self.accrual == 0:
            staying = math.exp(-leaving * self.duration)
        else:
            first, last = leaving * self.duration, leaving * (self.duration - self.accrual)
            staying = (math.exp(-last) - math.exp(-first)) / (leaving * self.accrual)
        return hazard / leaving * (1 - staying)

    def unit_variance(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``1/P``: the log hazard has variance 1/events."""
        return 1 / self.event_probability(treated, drift)

    def residual_variance(self, correlation: float, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``(1 − ρ²)/P``, ρ the correlation of score and martingale residual, in either arm."""
        return (1 - correlation**2) * self.unit_variance(treated, drift)

    def estimates(
        self, participants: int, replicates: int, generator: np.random.Generator,
        treated: bool = False, drift: float = 0.0,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Return log event rates by exposure, and their variances 1/events, from simulated times."""
        shape = (replicates, participants)
        followed = self.duration - self.accrual * generator.random(shape)
        if self.loss > 0:
            followed = np.minimum(followed, generator.exponential(-1 / math.log1p(-self.loss), shape))
        time = generator.exponential(1 / self.hazard(treated, drift), shape)
        events = (time <= followed).sum(axis=1) + 0.5
        exposure = np.minimum(time, followed).sum(axis=1)
        return np.log(events / exposure), 1 / events


def _refuse_unless_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise DesignError("must be above 0", field=name, value=value)


def log_ratio(value: float, field: str) -> float:
    """Return the logarithm of a ratio.

    Raises
    ------
    DesignError
        It is not above 0.

    Examples
    --------
    >>> round(log_ratio(1.25, "margin"), 4)
    0.2231
    """
    if not 0 < value < math.inf:
        raise DesignError("is a ratio, which must be above 0", field=field, value=value,
                          mend="write it like 1.3")  # fmt: skip
    return math.log(value)
