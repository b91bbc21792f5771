"""A few simulated trials of one scenario, in one form whatever the endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.declared.cells import DeclaredCell
from trialsim.study.declared.drawing.people import Outcomes, Recurrences
from trialsim.study.declared.drawing.worlds import causes_of
from trialsim.study.declared.engine import Engine, engine_of
from trialsim.study.declared.engines.individuals import Individuals
from trialsim.study.declared.engines.several_arms import SeveralArms
from trialsim.study.declared.engines.times import Times
from trialsim.study.declared.survival import SurvivalLooksPlan
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.intercurrent_events import LongitudinalTrials
from trialsim.trial.outcomes import SurvivalTrials
from trialsim.trial.register import Register

PURPOSE = "description."
# Quantiles over trials are steady with so many, and a picture needs no more people.
FEWEST_TRIALS, MOST_TRIALS, PEOPLE = 40, 200, 40_000
COMPLETED = "completed"


@dataclass(frozen=True)
class TrialSample:
    """Simulated trials as their participants: N places in each of R trials.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: one scenario at one point of the grid.
    entry : ndarray (R, N)
        Month of entry; NaN for a place that is not filled before the trial ends.
    arm : ndarray of int8 (R, N)
        Position of the arm.
    outcome : ndarray (R, N, K)
        What is observed: K visits of a score, else one number: the response, the level, the count, or the
        months until the event or the end of follow-up. NaN where missing.
    event : ndarray of bool (R, N), optional
        Whether follow-up ended with the event.
    fate : ndarray of int (R, N)
        Position in `fates`.
    fates : tuple of str
        What became of participants, e.g. ``("completed", "lost")``.
    register : Register, optional
        Whom the trials recruit from.
    """

    trial: DeclaredTrial
    entry: Floats
    arm: Labels
    outcome: Floats
    event: Bools | None
    fate: Labels
    fates: tuple[str, ...]
    register: Register | None

    def __len__(self) -> int:
        return len(self.entry)


def sample_trials(cell: DeclaredCell, register: Register | None) -> TrialSample | None:
    """Simulate a few trials of a cell, all planned participants in each.

    Parameters
    ----------
    cell : DeclaredCell
        What is simulated.
    register : Register, optional
        Whom it recruits from.

    Returns
    -------
    TrialSample or None
        None for a design whose participants are drawn stage by stage: it has no planned number of them.
    """
    trial = cell.trial
    engine = engine_of(trial, register)
    replicates = trials_sampled(cell)
    if isinstance(engine, SeveralArms) and trial.outcome.kind == "time_to_event":
        engine = engine.whole
    if isinstance(engine, Times):
        trials, _, _ = engine.draw(replicates, partial(stream, trial.seed, PURPOSE + cell.streams, 0))
        return _of_survival(engine, trials)
    if not isinstance(engine, Individuals | SeveralArms):
        return None
    sample = engine.sample(replicates, trial.seed, 0, PURPOSE)
    arm = sample.people.arm
    values, fate, fates = _what_happened(trial, sample.outcomes, arm)
    return TrialSample(trial, sample.people.entry, arm, values, None, fate, fates, register)


def trials_sampled(cell: DeclaredCell) -> int:
    """Return how many trials of a cell are simulated to describe it."""
    return int(np.clip(PEOPLE // cell.participants, FEWEST_TRIALS, MOST_TRIALS))


def _what_happened(
    trial: DeclaredTrial, outcomes: Outcomes, arm: Labels
) -> tuple[Floats, Labels, tuple[str, ...]]:
    """Return what is observed (R, N, K), and what became of everybody."""
    if isinstance(outcomes, LongitudinalTrials):
        causes = tuple(one.cause for one in causes_of(trial))
        fate = np.where(outcomes.cause < 0, 0, outcomes.cause + 1).astype(np.int8)
        return outcomes.outcomes, fate, (COMPLETED, *causes)
    if isinstance(outcomes, Recurrences):
        left = outcomes.follow_up < trial.outcome.known_after
        counts = np.isfinite(outcomes.times).sum(axis=2).astype(np.float64)
        return counts[..., None], left.astype(np.int8), (COMPLETED, "left early")
    return outcomes[..., None], np.isnan(outcomes).astype(np.int8), (COMPLETED, "outcome missing")


def _of_survival(engine: Engine, trials: SurvivalTrials) -> TrialSample:
    """Return trials as they stand when the last planned look reads them."""
    end = _last_look(engine.trial, trials)[:, None]
    until = end - trials.entry
    seen = until > 0
    had = (trials.event == 1) & (trials.time <= until)
    left = (trials.event == 0) & (trials.time <= until)
    fate = np.select([had, left], [1, 2], 0).astype(np.int8)
    months = np.where(seen, np.minimum(trials.time, until), np.nan)
    entry = np.where(seen, trials.entry, np.nan)
    names = ("followed to the end", "had the event", "left before")
    return TrialSample(
        engine.trial, entry, trials.arm, months[..., None], had & seen, fate, names, engine.register
    )


def _last_look(trial: DeclaredTrial, trials: SurvivalTrials) -> Floats:
    """Return the month (R,) of the last planned look."""
    looks = SurvivalLooksPlan.of(trial)
    if not looks.events:
        return np.full(len(trials.entry), min(looks.months[-1], looks.latest))
    at = np.sort(np.where(trials.event == 1, trials.entry + trials.time, np.inf), axis=1)
    last = min(looks.events[-1], at.shape[1]) - 1
    end = np.minimum(at[:, last], looks.latest)
    # Where so many events never come, everybody is followed until the last of those that do.
    reached = np.where(np.isfinite(at), at, -np.inf).max(axis=1)
    return np.where(np.isfinite(end), end, np.maximum(reached, trials.entry.max(axis=1)))
