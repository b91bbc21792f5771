"""What is true of times to an event, by declared hazards and of people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, HazardRatio, TimeToEventOutcome
from trialsim.registry import Truth
from trialsim.study.declared.drawing.strata import ratio_of
from trialsim.trial import SurvivalWorld

_GRID = 20_000


@dataclass(frozen=True)
class TimeLaw:
    """Times to an event in a world of declared hazards."""

    trial: DeclaredTrial
    outcome: TimeToEventOutcome
    world: SurvivalWorld

    def restricted_mean_difference(self, asked: AnalysisDeclared) -> Truth:
        """Return the difference of restricted means up to `tau`."""
        if self.outcome.frailty:
            return Truth(None, note="a frailty has no closed form here")
        if self.outcome.competing:
            return Truth(None, note="competing causes: the survival curve is not estimable")
        assert asked.tau is not None
        return Truth(restricted_mean_difference(self.world, asked.tau))

    def log_hazard_ratio(self, asked: AnalysisDeclared) -> Truth:
        """Return the log hazard ratio, where it is the same for everybody at all times."""
        return self._log_hazard_ratio(within_strata=False)

    def log_hazard_ratio_within_strata(self, asked: AnalysisDeclared) -> Truth:
        """Return the log hazard ratio within strata."""
        return self._log_hazard_ratio(within_strata=True)

    def _log_hazard_ratio(self, *, within_strata: bool) -> Truth:
        effect = ratio_of(self.trial, 1)
        assert isinstance(effect, HazardRatio)
        subgroup = effect.subgroup is not None and effect.subgroup.value != 1
        if effect.value == 1 and not subgroup:
            return Truth(0.0)
        if effect.from_month or subgroup:
            return Truth(None, note="hazards are not proportional: there is no one hazard ratio")
        prognostic = len(set(self.world.strata_hazards)) > 1 and not within_strata
        if self.outcome.frailty or prognostic:
            return Truth(None, note="the hazard ratio is conditional on what this analysis leaves out")
        return Truth(math.log(effect.value))


def restricted_mean_difference(world: SurvivalWorld, tau: float) -> float:
    """Return the difference of restricted means, active minus control, by the midpoint rule.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.1,)), PiecewiseHazard((0.05,)))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), laws, (None, None))
    >>> exact = (1 - np.exp(-0.6)) / 0.05 - (1 - np.exp(-1.2)) / 0.1
    >>> bool(abs(restricted_mean_difference(world, 12.0) - exact) < 1e-8)
    True
    """
    months = (np.arange(_GRID) + 0.5) * tau / _GRID
    means = []
    for law, ratios in zip(world.events, world.hazard_ratios, strict=True):
        survival = law.survival(months)
        curve = sum(share * survival**ratio for share, ratio in zip(world.strata_shares, ratios, strict=True))
        means.append(float(np.sum(curve)) * tau / _GRID)
    return means[1] - means[0]


@dataclass(frozen=True)
class TimesOfPeople:
    """Months to the event of M people in both arms (M,)."""

    outcome: TimeToEventOutcome
    control: Floats
    active: Floats

    def restricted_mean_difference(self, asked: AnalysisDeclared) -> Truth:
        """Return the difference of restricted means up to `tau`."""
        if self.outcome.competing:
            return Truth(None, note="competing causes: the survival curve is not estimable")
        assert asked.tau is not None
        means = [float(np.minimum(one, asked.tau).mean()) for one in (self.control, self.active)]
        return Truth(means[1] - means[0])

    def log_hazard_ratio(self, asked: AnalysisDeclared) -> Truth:
        """Return the log hazard ratio, which people who differ do not have."""
        if np.array_equal(self.control, self.active):
            return Truth(0.0)
        return Truth(None, note="the hazard ratio of people who differ depends on follow-up and adjustment")

    log_hazard_ratio_within_strata = log_hazard_ratio
