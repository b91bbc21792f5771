"""Survival trials that re-estimate their events or their size at an interim look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.log_hazard_estimate import log_ratio_estimate
from trialsim.study.designs.sequential_block import SequentialBlock
from trialsim.study.designs.survival_looks import check_planned, check_two_arms, increment, log_rank_tests
from trialsim.trial import EventZone, SurvivalWorld, event_looks, simulate_survival, stop_at_bounds
from trialsim.trial.interim import (
    FinalTest,
    Looks,
    blinded_size,
    check_event_order,
    check_reachable,
    final_statistic,
    participants_for_events,
)
from trialsim.trial.outcomes import SurvivalTrials


@dataclass(frozen=True)
class EventResizingPlan:
    """A two-look survival trial that adds events when its interim result is promising.

    Parameters
    ----------
    world : SurvivalWorld
        Two arms; its participants are the most that can enter.
    zone : EventZone
        When events are added, and how many.
    participants : int
        Planned participants. Those beyond them enter only where events are added, in proportion, after
        the look.
    test : {"weighted", "conventional", "naive"}
        Final test; see `final_statistic`. "naive" inflates the error, and is there to show it.
    efficacy, futility : float
        Bounds at the interim look.
    latest : float
        Month at which a trial ends whatever its events.
    stratified : bool
        Whether the log-rank test is stratified.
    confidence : float
        Level of the naive interval.

    Raises
    ------
    DesignError
        Participants beyond the world's, or more events than can be expected.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> law = PiecewiseHazard((0.05,))
    >>> world = SurvivalWorld(200, PlannedAccrual((10,), (20,)), (law, law), (law, law))
    >>> EventResizingPlan(world, EventZone(40, 60, 180), 150)
    Traceback (most recent call last):
    trialsim.errors.DesignError: events: cannot be reached: 100.0 events can be expected of 200 ...
    """

    world: SurvivalWorld
    zone: EventZone
    participants: int
    test: FinalTest = "weighted"
    efficacy: float = np.inf
    futility: float = -np.inf
    latest: float = np.inf
    stratified: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_two_arms(self.world)
        check_planned(self.participants, self.world)
        check_reachable(
            replace(self.world, participants=self.participants), (self.zone.planned,), self.latest
        )
        check_reachable(self.world, (self.zone.most,))
        if self.test not in ("weighted", "conventional", "naive"):
            raise DesignError("must be 'weighted', 'conventional' or 'naive'", field="test", value=self.test)
        if not self.futility <= self.efficacy:
            raise DesignError("lies above the efficacy bound", field="futility", value=self.futility)


@dataclass(frozen=True)
class BlindedSurvivalPlan:
    """A survival trial that re-estimates its participants from pooled events, and tests once.

    Parameters
    ----------
    world : SurvivalWorld
        Two arms; its participants are the most that can enter.
    events : int
        Events that the final test waits for.
    participants : int
        Planned participants.
    month, end : float
        Calendar months of the blinded look and of the planned end.
    latest : float
        Month at which a trial ends whatever its events.
    critical : float
        Bound of the final test.
    stratified : bool
        Whether the log-rank test is stratified.
    confidence : float
        Level of the naive interval.

    Raises
    ------
    DesignError
        The look after the end, participants beyond the world's, more events than can be expected.
    """

    world: SurvivalWorld
    events: int
    participants: int
    month: float
    end: float
    latest: float = np.inf
    critical: float = 1.959964
    stratified: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_two_arms(self.world)
        check_planned(self.participants, self.world)
        if not 0 < self.month < self.end <= self.latest:
            raise DesignError(
                "must lie above 0 and before the planned end, which is no later than the latest",
                field="month",
                value=self.month,
                mend="put the interim look before the final one",
            )
        check_event_order((self.events,), self.world.participants)
        check_reachable(self.world, (self.events,), self.latest)


def run_event_resizing_block(
    plan: EventResizingPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : EventResizingPlan
        The design and its true world.
    replicates : int
        R, trials in the block.
    seed : int
        Of the study.
    scenario : str
        Name of the random streams.
    block : int
        Index of the block.

    Returns
    -------
    SequentialBlock
        With ``size``, ``events``, ``months`` at both looks and ``asked`` events.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.042,)))
    >>> world = SurvivalWorld(400, PlannedAccrual((20,), (20,)), laws, (None, None))
    >>> plan = EventResizingPlan(world, EventZone(100, 200, 340), 250)
    >>> found = characteristics_of(run_event_resizing_block, plan, replicates=500, seed=1, scenario="doc")
    >>> found.rejection_rate > 0.7, found.counts.most["asked"] <= 340
    (True, True)
    """
    trials = simulate_survival(plan.world, replicates, partial(stream, seed, scenario, block))
    planned = np.full(replicates, plan.participants)
    first = event_looks(limited(trials, planned), (plan.zone.interim,), plan.latest)
    month = first.month[:, 0]
    interim = log_rank_tests(limited(trials, planned), first.month, plan.stratified)
    z = interim.benefit[:, 0]
    asked = np.where(np.isfinite(z), plan.zone.events(np.nan_to_num(z)), plan.zone.planned)
    size = participants_for_events(asked, plan.zone.planned, plan.participants, plan.world.participants)
    grown = limited(_later(trials, month, plan.participants), size)
    last = _month_of(grown, asked, plan.latest)
    months = np.column_stack([month, np.maximum(last.month[:, 0], month)])
    tests = log_rank_tests(grown, months, plan.stratified)
    statistic, bound = final_statistic(
        tests.benefit[:, 0], increment(tests), tests.benefit[:, 1], asked, plan.zone, plan.test
    )
    both = np.column_stack([tests.benefit[:, 0], statistic])
    upper = np.column_stack([np.full(replicates, plan.efficacy), bound])
    stopping = stop_at_bounds(both, upper, np.tile([plan.futility, -np.inf], (replicates, 1)))
    reached = np.column_stack([first.reached[:, 0], last.reached[:, 0]])
    return SequentialBlock(
        stopping,
        both,
        {
            "size": np.minimum(tests.entered, np.column_stack([planned, size])),
            "events": tests.events.sum(axis=2),
            "months": months,
            "asked": asked,
        },
        reached,
        log_ratio_estimate(plan.world, tests, stopping, plan.confidence, plan.stratified),
    )


def run_blinded_survival_block(
    plan: BlindedSurvivalPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : BlindedSurvivalPlan
        The design and its true world.
    replicates : int
        R, trials in the block.
    seed : int
        Of the study.
    scenario : str
        Name of the random streams.
    block : int
        Index of the block.

    Returns
    -------
    SequentialBlock
        With ``size``, ``events``, ``months`` at the end, one look.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> law = PiecewiseHazard((0.03,))
    >>> world = SurvivalWorld(500, PlannedAccrual((20,), (25,)), (law, law), (None, None))
    >>> plan = BlindedSurvivalPlan(world, 150, 250, 10.0, 30.0)
    >>> found = characteristics_of(run_blinded_survival_block, plan, replicates=500, seed=1, scenario="doc")
    >>> abs(found.mean("months")[0] - 30) < 1.5
    True
    """
    trials = simulate_survival(plan.world, replicates, partial(stream, seed, scenario, block))
    planned = np.full(replicates, plan.participants)
    size = _blinded_sizes(plan, limited(trials, planned))
    grown = limited(_later(trials, np.full(replicates, plan.month), plan.participants), size)
    looks = event_looks(grown, (plan.events,), plan.latest)
    tests = log_rank_tests(grown, looks.month, plan.stratified)
    stopping = stop_at_bounds(tests.benefit, (plan.critical,))
    return SequentialBlock(
        stopping,
        tests.benefit,
        {
            "size": np.minimum(tests.entered, size[:, None]),
            "events": tests.events.sum(axis=2),
            "months": looks.month,
        },
        looks.reached,
        log_ratio_estimate(plan.world, tests, stopping, plan.confidence, plan.stratified),
    )


def limited(trials: SurvivalTrials, size: Ints) -> SurvivalTrials:
    """Return trials in which only the first `size` (R,) participants count.

    The others are censored when they enter, and so are never at risk.
    """
    beyond = np.arange(trials.time.shape[1]) >= size[:, None]
    return replace(
        trials,
        time=np.where(beyond, 0.0, trials.time),
        event=np.where(beyond, 0, trials.event).astype(np.int8),
    )


def _later(trials: SurvivalTrials, month: Floats, planned: int) -> SurvivalTrials:
    """Return trials whose participants beyond the planned ones are asked for at a month (R,)."""
    if planned == trials.entry.shape[1]:
        return trials
    pause = np.maximum(month - trials.entry[:, planned - 1], 0.0)
    extra = np.arange(trials.entry.shape[1]) >= planned
    return replace(trials, entry=trials.entry + np.where(extra, pause[:, None], 0.0))


def _month_of(trials: SurvivalTrials, events: Ints, latest: float) -> Looks:
    """Return the look that waits for each trial's own number of events."""
    calendar = np.sort(np.where(trials.event == 1, trials.entry + trials.time, np.inf), axis=1)
    month = np.take_along_axis(calendar, events[:, None] - 1, axis=1)
    reached = np.isfinite(month) & (month <= latest)
    last = np.max(calendar, axis=1, initial=0.0, where=np.isfinite(calendar))[:, None]
    return Looks(np.where(reached, month, np.minimum(latest, last)), reached)


def _blinded_sizes(plan: BlindedSurvivalPlan, trials: SurvivalTrials) -> Ints:
    """Return the participants that pooled data at the look ask for."""
    here = (trials.entry <= plan.month) & (np.arange(trials.time.shape[1]) < plan.participants)
    follow = np.where(here, np.minimum(trials.time, plan.month - trials.entry), 0.0)
    over = here & (trials.entry + trials.time <= plan.month)
    return blinded_size(
        (over & (trials.event == 1)).sum(axis=1),
        (over & (trials.event == 0)).sum(axis=1),
        follow.sum(axis=1),
        (here & ~over).sum(axis=1),
        here.sum(axis=1),
        plan.month,
        plan.end,
        plan.events,
        plan.participants,
        plan.world.participants,
    )
