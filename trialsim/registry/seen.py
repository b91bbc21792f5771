"""What a look at a block of simulated trials shows to a reader, one noun a kind of endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Seen:
    """R trials of N participants as one look sees them.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        0 for control, 1 for active.
    covariates : ndarray (R, N, P), optional
        What the analysis adjusts for; None where that is nothing.
    stratum : ndarray of int (R, N), optional
        Position in the crossing of the declared factors.
    """

    arm: NDArray[np.int8]
    covariates: Floats | None = None
    stratum: Ints | None = None


@dataclass(frozen=True, kw_only=True)
class SeenValues(Seen):
    """One number a participant: a response, a level or a count.

    Parameters
    ----------
    values : ndarray (R, N)
        NaN where missing, or not known yet.
    """

    values: Floats


@dataclass(frozen=True, kw_only=True)
class SeenVisits(Seen):
    """A score at visits, with why people stopped.

    Parameters
    ----------
    baseline : ndarray (R, N)
        Score at week 0.
    weeks : ndarray (V,), optional
        When the visits are.
    outcomes : ndarray (R, N, V)
        All that was observed, also after an event; NaN where missing, or not known yet.
    visit : ndarray of int (R, N)
        First visit after the event, V without one.
    cause : ndarray of int (R, N)
        Position of the event, −1 without one.
    gaps : bool
        Whether visits are missed by chance.
    failure : float, optional
        What a composite strategy gives to everyone with an event.
    known : ndarray of bool (R, N), optional
        Who is seen at all by now; None for everybody.
    scores : ndarray (R, N, V), optional
        The prognostic score of each visit, where the analysis takes it and visits have scores of their own.
        `covariates` then hold that of the last visit, and `beside_scores` (R, N, P) none.
    """

    baseline: Floats
    outcomes: Floats
    visit: Ints
    cause: Ints
    gaps: bool = False
    failure: float | None = None
    known: Bools | None = None
    scores: Floats | None = None
    weeks: Floats | None = None
    beside_scores: Floats | None = None

    @property
    def on_treatment(self) -> Floats:
        """Outcomes (R, N, V) with everything after an event left out."""
        after = np.arange(self.outcomes.shape[-1]) >= self.visit[..., None]
        return np.where(after, np.nan, self.outcomes)

    @property
    def with_baseline(self) -> Floats:
        """The baseline, then what is adjusted for (R, N, 1 + P)."""
        return self._beside_baseline(self.covariates)

    @property
    def without_scores(self) -> Floats:
        """The baseline, then what is adjusted for beside scores at visits (R, N, 1 + P)."""
        return self._beside_baseline(self.beside_scores)

    def _beside_baseline(self, covariates: Floats | None) -> Floats:
        baseline = self.baseline[..., None]
        return baseline if covariates is None else np.concatenate([baseline, covariates], axis=-1)


@dataclass(frozen=True, kw_only=True)
class SeenRecurrences(Seen):
    """Recurrent events.

    Parameters
    ----------
    times : ndarray (R, N, E)
        Months of the events, ascending, padded with NaN.
    follow_up : ndarray (R, N)
        Months.
    """

    times: Floats
    follow_up: Floats


@dataclass(frozen=True, kw_only=True)
class SeenTimes(Seen):
    """Times to an event, as far as they are known by a month.

    Parameters
    ----------
    time : ndarray (R, N)
        Months to the event or the end of follow-up; 0 for those who have not entered.
    event : ndarray of int8 (R, N)
        1 where the event was seen.
    """

    time: Floats
    event: NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class SeenJoint(SeenTimes):
    """A marker at visits beside the time to an event.

    Parameters
    ----------
    baseline : ndarray (R, N)
        Measured marker at month 0.
    marker : ndarray (R, N, V)
        At each visit; NaN where missing.
    higher_is_worse : bool
        Direction of the marker.
    """

    baseline: Floats
    marker: Floats
    higher_is_worse: bool = True
