"""Survival trials whose bounds are found again from the events or the information that really came."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from trialsim.analysis.survival import LogRankLooks
from trialsim.data import Floats
from trialsim.design import BetaSpending, OBrienFlemingSpending
from trialsim.design.group_sequential import SpendingFunction, adapted_bounds
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.log_hazard_estimate import log_ratio_estimate
from trialsim.study.designs.sequential_block import SequentialBlock
from trialsim.study.designs.spending_plan import spent_bounds
from trialsim.study.designs.survival_looks import check_two_arms, log_rank_tests, planned_looks
from trialsim.trial import SurvivalWorld, simulate_survival, stop_at_bounds
from trialsim.trial.interim import Looks, check_calendar, check_event_order, check_reachable

Clock = Literal["events", "information", "calendar"]


@dataclass(frozen=True)
class SpendingSurvivalPlan:
    """Looks of a survival trial by the calendar or by events, with bounds that follow what came.

    Parameters
    ----------
    world : SurvivalWorld
        Two arms.
    planned_events : int
        Events at information 1.
    months : tuple of float (K,)
        Calendar months of the looks; empty where they wait for events.
    events : tuple of int (K,)
        Events that each look waits for; empty where the calendar says.
    latest : float
        Month at which a trial ends that waits for events.
    efficacy : SpendingFunction
        How alpha is spent; the last look spends all that is left.
    alpha : float
        One-sided type I error.
    futility : BetaSpending, optional
        Futility bounds, obeyed in the simulation; they spend `beta` under `hazard_ratio`.
    beta, hazard_ratio : float
        Type II error and planned effect of the futility bounds.
    spend_by : {"events", "information", "calendar"}
        Where the spending functions are read: events, or the log-rank variance, over what was planned; or
        the look's month over the last one. Correlations follow the variance where "information" is
        asked for, events otherwise.
    stratified : bool
        Whether the log-rank test is stratified.
    confidence : float
        Level of the naive confidence interval.

    Raises
    ------
    DesignError
        Both or neither of months and events, looks out of order, more events than can be expected.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.036,)))
    >>> world = SurvivalWorld(200, PlannedAccrual((20,), (10,)), laws, (None, None))
    >>> SpendingSurvivalPlan(world, 120, months=(24.0, 12.0))
    Traceback (most recent call last):
    trialsim.errors.DesignError: months: must ascend. ...
    """

    world: SurvivalWorld
    planned_events: int
    months: tuple[float, ...] = ()
    events: tuple[int, ...] = ()
    latest: float = np.inf
    efficacy: SpendingFunction = field(default_factory=OBrienFlemingSpending)
    alpha: float = 0.025
    futility: BetaSpending | None = None
    beta: float = 0.1
    hazard_ratio: float = 1.0
    spend_by: Clock = "events"
    stratified: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_two_arms(self.world)
        if bool(self.months) == bool(self.events):
            raise DesignError("needs either months or events", field="months", value=self.months)
        if self.months:
            check_calendar(self.months)
        else:
            check_event_order(self.events, self.world.participants)
        check_reachable(self.world, (self.planned_events,))
        if self.events:
            check_reachable(self.world, self.events, self.latest)
        if self.spend_by not in ("events", "information", "calendar"):
            raise DesignError(
                "must be 'events', 'information' or 'calendar'", field="spend_by", value=self.spend_by
            )
        if self.spend_by == "calendar" and not (self.months or np.isfinite(self.latest)):
            raise DesignError("is needed to spend by the calendar", field="latest", value=self.latest)
        if self.futility is not None and not 0 < self.hazard_ratio < 1:
            raise DesignError(
                "must lie between 0 and 1 where futility rests on it",
                field="hazard_ratio",
                value=self.hazard_ratio,
            )
        adapted_bounds(np.ones((1, 1)), self.efficacy, self.alpha)

    @property
    def balance(self) -> float:
        """p(1 − p) of the share p on active: log-rank variance an event under the null."""
        control, active = self.world.ratio
        return control * active / (control + active) ** 2

    @property
    def drift(self) -> float:
        """Mean of z at the planned events under `hazard_ratio`."""
        return float(-np.log(self.hazard_ratio) * np.sqrt(self.planned_events * self.balance))


def run_spending_survival_block(
    plan: SpendingSurvivalPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : SpendingSurvivalPlan
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
        With ``size``, ``events``, ``months``, and the one-step log hazard ratio where hazards are
        proportional.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.036,)))
    >>> world = SurvivalWorld(200, PlannedAccrual((20,), (10,)), laws, (None, None))
    >>> plan = SpendingSurvivalPlan(world, 120, months=(12.0, 24.0))
    >>> found = characteristics_of(run_spending_survival_block, plan, replicates=500, seed=1, scenario="doc")
    >>> round(found.rejection_rate, 1)
    0.8
    """
    trials = simulate_survival(plan.world, replicates, partial(stream, seed, scenario, block))
    looks = planned_looks(trials, plan.months, plan.events, plan.latest)
    tests = log_rank_tests(trials, looks.month, plan.stratified)
    upper, lower = observed_bounds(plan, tests, looks)
    stopping = stop_at_bounds(tests.benefit, upper, lower)
    return SequentialBlock(
        stopping,
        tests.benefit,
        {"size": tests.entered, "events": tests.events.sum(axis=2), "months": looks.month},
        looks.reached,
        log_ratio_estimate(plan.world, tests, stopping, plan.confidence, plan.stratified),
    )


def observed_bounds(plan: SpendingSurvivalPlan, tests: LogRankLooks, looks: Looks) -> tuple[Floats, Floats]:
    """Return the bounds (R, K) that each trial's looks have."""
    planned = plan.planned_events * (plan.balance if plan.spend_by == "information" else 1.0)
    seen = tests.information if plan.spend_by == "information" else tests.events.sum(axis=2)
    clock = None
    if plan.spend_by == "calendar":
        clock = looks.month / (plan.months[-1] if plan.months else plan.latest)
    return spent_bounds(plan, seen / planned, plan.drift, clock)
