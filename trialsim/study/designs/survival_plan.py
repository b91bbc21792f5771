"""Group-sequential trials with a time to event, from entry to the claim: log-rank looks by events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from trialsim.analysis.survival import LogRankLooks
from trialsim.design import group_sequential_design
from trialsim.design.group_sequential import GivenBounds
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.sequential_block import SequentialBlock, characteristics_of
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics
from trialsim.study.designs.survival_looks import check_two_arms, log_rank_tests, planned_looks
from trialsim.trial import SurvivalWorld, simulate_survival, stop_at_bounds
from trialsim.trial.interim import Looks, Stopping, check_calendar, check_event_order, check_reachable
from trialsim.trial.outcomes import SurvivalTrials


@dataclass(frozen=True)
class SurvivalPlan:
    """When a trial is looked at, and what is claimed; a plan that cannot be is refused when it is made.

    Parameters
    ----------
    events : tuple of int (K,)
        Events that each look waits for, ascending.
    upper : tuple of float (K,)
        Efficacy bounds on the z scale.
    lower : tuple of float (K,), optional
        Futility bounds; obeyed in the simulation. The last one has no meaning.
    alpha : float
        One-sided type I error that the upper bounds may spend, without help from the lower ones.
    stratified : bool
        Whether the log-rank test is stratified by the strata of the world.
    latest : float
        Calendar month at which the trial ends whatever its events.
    months : tuple of float (K,)
        Calendar months of the looks, instead of waiting for events; `events` are then those that the
        bounds were planned for. Bounds are not found again from the events that come; a
        `SpendingSurvivalPlan` does that.

    Raises
    ------
    DesignError
        Looks out of order, bounds of another number, or bounds that spend more than alpha.

    Examples
    --------
    >>> SurvivalPlan((80, 160), (2.0, 2.0))
    Traceback (most recent call last):
    trialsim.errors.DesignError: efficacy.z: spend 0.0379866, more than the 0.025 that there is. ...
    """

    events: tuple[int, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...] | None = None
    alpha: float = 0.025
    stratified: bool = True
    latest: float = np.inf
    months: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        wanted = check_event_order(self.events, max(self.events, default=0))
        if len(self.upper) != len(wanted):
            raise DesignError(f"must hold {len(wanted)} bounds", field="upper", value=self.upper)
        if self.months:
            check_calendar(self.months)
            if len(self.months) != len(wanted):
                raise DesignError(f"must hold {len(wanted)} looks", field="months", value=self.months)
        information = (wanted / wanted[-1]).tolist()
        group_sequential_design(information, efficacy=GivenBounds(tuple(self.upper)), alpha=self.alpha)
        stop_at_bounds(np.zeros((1, len(wanted))), self.upper, self.lower)


def run_survival_block(
    world: SurvivalWorld, plan: SurvivalPlan, replicates: int, seed: int, scenario: str, block: int
) -> tuple[SurvivalTrials, Looks, LogRankLooks, Stopping]:
    """Simulate and read one block of trials; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    world : SurvivalWorld
        Two arms.
    plan : SurvivalPlan
        Looks and bounds.
    replicates : int
        Trials in the block.
    seed, scenario, block
        Names of the random streams.

    Returns
    -------
    trials, looks, tests, stopping : SurvivalTrials, Looks, LogRankLooks, Stopping
        Of R trials.
    """
    trials = simulate_survival(world, replicates, partial(stream, seed, scenario, block))
    looks = planned_looks(trials, plan.months, plan.events, plan.latest)
    tests = log_rank_tests(trials, looks.month, plan.stratified)
    return trials, looks, tests, stop_at_bounds(tests.benefit, plan.upper, plan.lower)


def survival_group_sequential(
    world: SurvivalWorld,
    plan: SurvivalPlan,
    *,
    replicates: int,
    seed: int,
    scenario: str,
    block: int = 250,
) -> SequentialCharacteristics:
    """Return the operating characteristics of a group-sequential survival trial.

    Parameters
    ----------
    world : SurvivalWorld
        Two arms; the second is the active one.
    plan : SurvivalPlan
        Looks and bounds.
    replicates : int
        Number of trials.
    seed, scenario
        Names of the random streams.
    block : int
        Trials in memory at a time; part of the names of the streams.

    Returns
    -------
    SequentialCharacteristics
        Expected, least and most size, events and months; stopping probabilities; looks that fell short.

    Raises
    ------
    DesignError
        Not two arms, no replicate, or more events than can be expected: the error says how many can.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.036,)))
    >>> world = SurvivalWorld(200, PlannedAccrual((20,), (10,)), laws, (None, None))
    >>> plan = SurvivalPlan((60, 120), (2.963, 1.969))
    >>> found = survival_group_sequential(world, plan, replicates=500, seed=1, scenario="doc")
    >>> found.counts.trials, int(found.counts.most["events"])
    (500, 120)
    """
    check_two_arms(world)
    check_reachable(world, plan.events, plan.latest)
    return characteristics_of(
        partial(_sequential_block, world),
        plan,
        replicates=replicates,
        seed=seed,
        scenario=scenario,
        block=block,
    )


def _sequential_block(
    world: SurvivalWorld, plan: SurvivalPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    _, looks, tests, stopping = run_survival_block(world, plan, replicates, seed, scenario, block)
    counted = {"size": tests.entered, "events": tests.events.sum(axis=2), "months": looks.month}
    return SequentialBlock(stopping, tests.benefit, counted, looks.reached)
