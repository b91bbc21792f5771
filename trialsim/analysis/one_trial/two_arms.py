"""What every analysis of two arms of one trial gives besides its own numbers."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.analysis.one_trial.printed import Printed, half_width
from trialsim.data import Estimates


@dataclass(frozen=True, repr=False)
class TwoArmResult(Printed):
    """The comparison of two arms of one trial.

    Parameters
    ----------
    estimates : Estimates
        Of the one data set: effect, standard error, statistic and p value.
    arms : tuple of (str, str)
        Labels of control and active.
    """

    estimates: Estimates
    arms: tuple[str, str]

    @property
    def statistic(self) -> float:
        """Test statistic, such as Wald's or a score's."""
        return float(self.estimates.statistic[0])

    @property
    def p_value(self) -> float:
        """P value of the comparison, two-sided unless the result says otherwise."""
        return float(self.estimates.p_value[0])

    @property
    def compared(self) -> str:
        """The comparison in words, such as ``"drug minus placebo"``."""
        return f"{self.arms[1]} minus {self.arms[0]}"

    def normal_interval(self, level: float) -> tuple[float, float]:
        """Return the normal confidence interval of the effect on the scale of the estimate."""
        centre, width = self.estimates.estimate[0], half_width(level) * self.estimates.standard_error[0]
        return float(centre - width), float(centre + width)
