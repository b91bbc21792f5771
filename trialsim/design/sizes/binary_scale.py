"""Responders in two arms, held against each other by odds, by risks or by their ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np
from scipy.special import expit

from trialsim.data import Floats
from trialsim.design.sizes.outcome_scale import log_ratio
from trialsim.errors import DesignError

BinaryContrast = Literal["odds ratio", "risk difference", "risk ratio"]
_UNITS: dict[BinaryContrast, str] = {
    "odds ratio": "log odds",
    "risk difference": "risk",
    "risk ratio": "log risk",
}
_EFFECTS = ("odds_ratio", "risk_difference", "risk_ratio")


@dataclass(frozen=True)
class BinaryScale:
    """Responders in two arms: on the log odds, or on the risk or its logarithm.

    Parameters
    ----------
    control_rate : float
        Response rate of the controls in the history, in (0, 1).
    odds_ratio : float, optional
        Active over control, above 0.
    risk_difference : float, optional
        Active minus control.
    risk_ratio : float, optional
        Active over control; give exactly one of the three. Under drift the odds ratio is what stays.
    contrast : {"odds ratio", "risk difference", "risk ratio"}
        What is estimated and tested; the first by logistic regression, the others by g-computation.

    Raises
    ------
    DesignError
        If a rate leaves (0, 1), or not exactly one effect is given.

    Examples
    --------
    >>> scale = BinaryScale(0.3, risk_difference=0.15)
    >>> round(scale.effect, 4), round(scale.unit_variance(), 4), round(scale.rate(treated=True), 4)
    (0.6466, 4.7619, 0.45)
    >>> risks = BinaryScale(0.3, risk_difference=0.15, contrast="risk difference")
    >>> round(risks.effect, 4), round(risks.unit_variance(), 4)
    (0.15, 0.21)
    """

    control_rate: float
    odds_ratio: float | None = None
    risk_difference: float | None = None
    risk_ratio: float | None = None
    contrast: BinaryContrast = "odds ratio"

    def __post_init__(self) -> None:
        if not 0 < self.control_rate < 1:
            raise DesignError("must lie between 0 and 1", field="control_rate", value=self.control_rate)
        given = [name for name in _EFFECTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise DesignError(
                "or risk_difference or risk_ratio must be given, and no two of them", field="odds_ratio",
                value=given,
            )  # fmt: skip
        if self.contrast not in get_args(BinaryContrast):
            raise DesignError("is not known", field="contrast", value=self.contrast,
                              mend=f"use one of {get_args(BinaryContrast)}")  # fmt: skip
        for name in ("odds_ratio", "risk_ratio"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise DesignError("must be above 0", field=name, value=value)
        if not 0 < self._active_rate() < 1:
            raise DesignError(
                "leads to a rate outside (0, 1)", field=given[0], value=getattr(self, given[0])
            )  # fmt: skip

    def _active_rate(self) -> float:
        """Return the response rate under treatment, without drift."""
        if self.odds_ratio is not None:
            return float(expit(_log_odds(self.control_rate) + math.log(self.odds_ratio)))
        if self.risk_difference is not None:
            return self.control_rate + self.risk_difference
        assert self.risk_ratio is not None
        return self.control_rate * self.risk_ratio

    @property
    def log_odds_ratio(self) -> float:
        """Effect on the log odds, whatever is tested."""
        if self.odds_ratio is not None:
            return math.log(self.odds_ratio)
        return _log_odds(self._active_rate()) - _log_odds(self.control_rate)

    @property
    def effect(self) -> float:
        """Log odds ratio, risk difference or log risk ratio."""
        if self.contrast == "odds ratio":
            return self.log_odds_ratio
        if self.contrast == "risk difference":
            if self.risk_difference is not None:
                return self.risk_difference
            return self._active_rate() - self.control_rate
        if self.contrast == "risk ratio":
            return math.log(self._active_rate() / self.control_rate)
        assert_never(self.contrast)

    @property
    def unit(self) -> str:
        """Unit of the working scale."""
        return _UNITS[self.contrast]

    def working(self, value: float, field: str = "margin") -> float:
        """Return a difference as it is, or the logarithm of a ratio, if the risk on treatment can be."""
        if self.contrast == "odds ratio":
            return log_ratio(value, field)
        if self.contrast == "risk ratio":
            found = log_ratio(value, field)
            self._refuse_impossible(self.control_rate * value, value, field)
            return found
        if not -1 < value < 1:
            raise DesignError("is a difference of risks, which lies in (-1, 1)", field=field, value=value,
                              mend="write it like -0.1")  # fmt: skip
        self._refuse_impossible(self.control_rate + value, value, field)
        return value

    def _refuse_impossible(self, risk: float, value: float, field: str) -> None:
        if not 0 < risk < 1:
            raise DesignError(
                f"means a risk of {risk:g} on treatment, beside {self.control_rate:g} on control",
                field=field, value=value, mend="name one that leaves it between 0 and 1",
            )  # fmt: skip

    @property
    def analysis(self) -> str:
        """Model that estimates the effect."""
        return "logistic regression" if self.contrast == "odds ratio" else "g-computation"

    def describe(self) -> str:
        """Return the assumed control rate and effect."""
        rates = f"response rates {self.control_rate:.3g} and {self.rate(treated=True):.3g}"
        if self.contrast == "risk difference":
            return f"{rates}, risk difference {self.effect:.3g}"
        return f"{rates}, {self.contrast} {math.exp(self.effect):.3g}"

    def level(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the log odds of an arm of the trial; drift is in log odds, whatever is tested."""
        return _log_odds(self.control_rate) + drift + treated * self.log_odds_ratio

    def rate(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return the response rate of an arm of the trial."""
        return float(expit(self.level(treated, drift)))

    def unit_variance(self, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``1/(p(1 − p))`` of log odds, ``p(1 − p)`` of risks, ``(1 − p)/p`` of log risks."""
        p = self.rate(treated, drift)
        return self._by_log_odds(p) ** 2 / (p * (1 - p))

    def residual_variance(self, correlation: float, treated: bool = False, drift: float = 0.0) -> float:
        """Return ``d²/(p(1 − p)) − d²s²``; the score explains s² = ρ²/(p0(1 − p0)) of both arms' log odds.

        d is the derivative of the working scale by the log odds: 1, p(1 − p) or 1 − p. A logistic score
        moves both arms in parallel on the log odds, so that next to nothing is left of the shared term of
        the marginal variance: within 2 % of `marginal_variance` for slopes up to 1 and rates of .1 to .7.
        """
        p0, moves = self.rate(), self._by_log_odds(self.rate(treated, drift))
        explained = correlation**2 * (moves**2 / (p0 * (1 - p0)))
        return _some_left(self.unit_variance(treated, drift) - explained, correlation)

    def slope_gap(self, correlation: float) -> float:
        """Return ``s² (d1 − d0)²``, the variance of the effect among people of different scores."""
        p0 = self.rate()
        d0, d1 = (self._by_log_odds(self.rate(treated)) for treated in (False, True))
        return correlation**2 / (p0 * (1 - p0)) * (d1 - d0) ** 2

    def estimates(
        self, participants: int, replicates: int, generator: np.random.Generator,
        treated: bool = False, drift: float = 0.0,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Return empirical log odds with half a responder added to either side, and their variances."""
        if self.contrast != "odds ratio":
            raise DesignError("is not simulated: a history speaks of log odds", field="contrast",
                              value=self.contrast, mend="use the odds ratio")  # fmt: skip
        responders = generator.binomial(participants, self.rate(treated, drift), replicates) + 0.5
        others = participants + 1 - responders
        return np.log(responders / others), 1 / responders + 1 / others

    def _by_log_odds(self, rate: float) -> float:
        """Return by how much the working scale moves with the log odds, at a rate."""
        if self.contrast == "odds ratio":
            return 1.0
        if self.contrast == "risk difference":
            return rate * (1 - rate)
        if self.contrast == "risk ratio":
            return 1 - rate
        assert_never(self.contrast)


def _log_odds(rate: float) -> float:
    return math.log(rate / (1 - rate))


def _some_left(left: float, correlation: float) -> float:
    if left <= 0:
        raise DesignError(
            "explains more than there is in one of the arms, or at a drift",
            field="correlation",
            value=correlation,
            mend="give a smaller correlation, or smaller drifts",
        )
    return left
