"""What is true of outcomes by two numbers, whether they come from a formula or from people."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreLaw:
    """A score whose means at the last visit differ by so much."""

    effect: float

    def difference(self, asked: object) -> float:
        """Return the difference of means."""
        return self.effect


@dataclass(frozen=True)
class ResponseLaw:
    """A response with a risk in each arm, over everybody."""

    control: float
    active: float

    def risk_difference(self, asked: object) -> float:
        """Return the difference of risks."""
        return self.active - self.control

    def log_odds_ratio(self, asked: object) -> float:
        """Return the marginal log odds ratio."""
        return math.log((self.active / (1 - self.active)) / (self.control / (1 - self.control)))


@dataclass(frozen=True)
class CountLaw:
    """Events with a mean in each arm, over everybody."""

    control: float
    active: float

    def log_rate_ratio(self, asked: object) -> float:
        """Return the log ratio of the means."""
        return math.log(self.active / self.control)
