"""What families of a time to an event share: all follows from the onset, of which follow-up sees a part."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.families.common import Family, Params


class EventFamily(Family):
    """A law of onsets; the outcome is 1 where the onset came within follow-up."""

    @abstractmethod
    def probability(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(onset <= time) (D, N, V) for times (V,), or for times (N, V) of each participant."""

    @abstractmethod
    def draw_onset(self, params: Params, eta: Floats, cuts: Floats, generator: np.random.Generator) -> Floats:
        """Draw onsets (D, N) in units; infinite for the cured."""

    def cumulative(self, params: Params, eta: Floats, values: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(onset <= value) (D, N)."""
        return self.probability(params, eta, values[:, None], cuts)[:, :, 0]

    def moments(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> tuple[Floats, Floats]:
        """Return the probability of an event by each time twice: an indicator is its own square."""
        p = self.probability(params, eta, times, cuts)
        return p, p

    def draw(
        self, params: Params, eta: Floats, times: Floats, cuts: Floats, generator: np.random.Generator
    ) -> Floats:
        """Draw whether the event has come by each time (D, N, V)."""
        onset = self.draw_onset(params, eta, cuts, generator)
        return np.asarray(onset[:, :, None] <= times, dtype=float)

    def replicate(
        self, params: Params, eta: Floats, limit: Floats, cuts: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw events (D, N) and when they, or follow-up, ended it."""
        onset = self.draw_onset(params, eta, cuts, generator)
        # An event at the very start has no logarithm; 1e-12 of the follow-up has.
        seen = np.asarray(onset <= limit, dtype=float)
        return seen, np.clip(onset, 1e-12, limit)
