"""What is true of ordered levels, by a declared law and of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.registry import Truth


@dataclass(frozen=True)
class LevelLaw:
    """Ordered levels under log odds ratios (2, S) in strata of given shares (S,)."""

    trial: DeclaredTrial
    shares: tuple[float, ...]
    ratios: Floats
    strata: Floats

    def log_odds_ratio(self, asked: AnalysisDeclared) -> Truth:
        """Return the log odds ratio of a higher level, where it is the same for everybody."""
        effect = self.ratios[1] - self.ratios[0]
        every = sorted(asked.adjust) == sorted(one.name for one in self.trial.strata)
        alike = np.ptp(self.ratios[0]) == 0 or every
        if np.ptp(effect) == 0 and (alike or effect[0] == 0):
            return Truth(float(effect[0]))
        return Truth(None, note="the odds ratio is conditional on what this analysis leaves out")

    def mean_difference(self, asked: AnalysisDeclared) -> float:
        """Return the difference of mean levels."""
        higher = self._higher()
        return float(higher[1].sum() - higher[0].sum())

    def probability_of_more(self, asked: AnalysisDeclared) -> float:
        """Return the probability of a higher level on active, ties half, less one half."""
        category = -np.diff(self._higher(), prepend=1.0, append=0.0, axis=1)
        below = np.cumsum(category[0]) - category[0] / 2
        return float(category[1] @ below) - 0.5

    def _higher(self) -> Floats:
        """Return the probability of each level or a higher one in both arms (2, C − 1)."""
        above = 1 - np.cumsum(self.shares)[:-1]
        logits = np.log(above / (1 - above))
        higher = 1 / (1 + np.exp(-(logits + self.ratios[..., None])))
        return np.asarray((higher * self.strata[:, None]).sum(axis=1))


@dataclass(frozen=True)
class LevelsOfPeople:
    """Ordered levels of M people in both arms (M,)."""

    control: Floats
    active: Floats

    @property
    def _same(self) -> bool:
        return np.array_equal(self.control, self.active)

    def mean_difference(self, asked: AnalysisDeclared) -> float:
        """Return the difference of mean levels."""
        return 0.0 if self._same else float(self.active.mean() - self.control.mean())

    def log_odds_ratio(self, asked: AnalysisDeclared) -> Truth:
        """Return the log odds ratio of a higher level, which people who differ do not have."""
        if self._same:
            return Truth(0.0)
        return Truth(None, note="the odds ratio is conditional on what the analysis adjusts for")

    def probability_of_more(self, asked: AnalysisDeclared) -> float:
        """Return the probability of a higher level on active, ties half, less one half."""
        if self._same:
            return 0.0
        levels = int(max(self.control.max(), self.active.max())) + 1
        shares = [
            np.bincount(one.astype(np.int64), minlength=levels) / len(one)
            for one in (self.control, self.active)
        ]
        below = np.cumsum(shares[0]) - shares[0] / 2
        return float(shares[1] @ below) - 0.5
