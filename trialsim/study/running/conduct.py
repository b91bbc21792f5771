"""How the trials of a study went: months of enrolment, and participants analysed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ConductTally:
    """Running sums of how the trials went.

    `months` is the time from the first site's activation to the last randomisation.
    """

    trials: int = 0
    months: float = 0.0
    months_2: float = 0.0
    controls_analysed: int = 0
    active_analysed: int = 0

    def __add__(self, other: ConductTally) -> ConductTally:
        return ConductTally(
            *(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__)
        )

    @property
    def mean_months(self) -> float:
        """Mean months to full enrolment."""
        return self.months / self.trials

    @property
    def mean_months_mcse(self) -> float:
        """Monte Carlo standard error of the mean months."""
        spread = max(self.months_2 / self.trials - self.mean_months**2, 0.0)
        return math.sqrt(spread / max(self.trials - 1, 1))
