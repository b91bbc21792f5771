"""What every analysis of two arms of one trial gives besides its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trialsim.analysis.one_trial.deciding import StandsIn
from trialsim.analysis.one_trial.printed import Printed, half_width
from trialsim.data import STATUS_OK, Decision, Estimates


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
        """Statistic of the test that decides, such as Wald's or a score's."""
        decision = self._stands_in()
        return float(self.estimates.statistic[0] if decision is None else decision.z[0])

    @property
    def p_value(self) -> float:
        """P value of the comparison, two-sided unless the result says otherwise."""
        decision = self._stands_in()
        return float(self.estimates.p_value[0] if decision is None else decision.p_value[0])

    @property
    def status(self) -> str:
        """``"ok"``, or why the effect cannot be estimated."""
        return self.estimates.reasons[self.estimates.status[0]]

    @property
    def decided_by(self) -> str:
        """The test of `statistic` and `p_value`, such as ``"wald"``; ``"own"`` where there is but one."""
        decision = self.estimates.decision
        return "own" if decision is None else decision.tests[decision.test[0]]

    def _stands_in(self) -> Decision | None:
        return self.estimates.decision if self.estimates.status[0] != STATUS_OK else None

    def _notes(self) -> Sequence[str]:
        if self._stands_in() is None:
            return ()
        return (StandsIn(self.status, self.decided_by, self.statistic, self.p_value).note,)

    @property
    def compared(self) -> str:
        """The comparison in words, such as ``"drug minus placebo"``."""
        return f"{self.arms[1]} minus {self.arms[0]}"

    def normal_interval(self, level: float) -> tuple[float, float]:
        """Return the normal confidence interval of the effect on the scale of the estimate."""
        centre, width = self.estimates.estimate[0], half_width(level) * self.estimates.standard_error[0]
        return float(centre - width), float(centre + width)
