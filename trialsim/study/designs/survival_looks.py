"""What the designs that look at survival trials by log-rank tests share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.analysis.survival import LogRankLooks, sweep_looks
from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.trial import SurvivalWorld, calendar_looks, event_looks
from trialsim.trial.interim import Looks
from trialsim.trial.outcomes import SurvivalTrials


def check_two_arms(world: SurvivalWorld) -> None:
    """Refuse what the log-rank looks cannot serve."""
    if len(world.events) != 2:
        raise DesignError("must be two: the log-rank test compares two arms", field="world.events")


def check_planned(participants: int, world: SurvivalWorld) -> None:
    """Refuse planned participants that cannot be compared, or that cannot enter."""
    if not 2 <= participants <= world.participants:
        raise DesignError(
            f"must lie between 2 and the {world.participants} that can enter",
            field="participants",
            value=participants,
        )


def planned_looks(
    trials: SurvivalTrials, months: Sequence[float], events: Sequence[int], latest: float
) -> Looks:
    """Return the looks in given months, or where there are none, by events."""
    return calendar_looks(trials, months) if months else event_looks(trials, events, latest)


def log_rank_tests(trials: SurvivalTrials, months: Floats, stratified: bool) -> LogRankLooks:
    """Return the log-rank test of each trial at its months (R, K), in the world's strata or in none."""
    strata = trials.strata if stratified else 1
    return sweep_looks(trials.entry, trials.time, trials.event, trials.arm, months, trials.stratum, strata)


def increment(tests: LogRankLooks) -> Floats:
    """Return the statistic of what came after the first of two looks (R,); NaN where nothing came."""
    information = tests.information[:, 1] - tests.information[:, 0]
    score = tests.score[:, 1] - tests.score[:, 0]
    came = information > 0
    return np.where(came, -score / np.sqrt(np.where(came, information, 1.0)), np.nan)
