"""Survival trials with several active arms that drop arms at an interim look, by closed combination tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from trialsim.analysis.survival import LogRankLooks
from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.log_hazard_estimate import log_ratio_estimate
from trialsim.study.designs.sequential_block import SequentialBlock
from trialsim.study.designs.survival_looks import increment, log_rank_tests
from trialsim.trial import ClosedTest, SurvivalWorld, event_looks, simulate_survival
from trialsim.trial.allocation import reallocate
from trialsim.trial.interim import Stopping, check_event_order, check_reachable
from trialsim.trial.outcomes import SurvivalTrials


@dataclass(frozen=True)
class ArmDroppingPlan:
    """A two-look survival trial with a control and several active arms.

    Parameters
    ----------
    world : SurvivalWorld
        The arms, the control first, allocated in whole numbers.
    events : pair of int
        Events of all arms together at the look; events of the arms still open together at the end.
    test : ClosedTest
        Bounds of both looks, weights (such as the planned events of each stage), intersection test.
    best : int
        How many active arms go on at most; 0 for all above `futility`.
    futility : float
        An arm whose log-rank statistic at the look is at or below it is dropped.
    latest : float
        Month at which a trial ends whatever its events.
    stratified : bool
        Whether the log-rank tests are stratified.
    confidence : float
        Level of the naive interval of the first active arm.

    Raises
    ------
    DesignError
        One active arm, looks out of order, more events than can be expected, other bounds than two.

    Notes
    -----
    Each arm's second-stage statistic rests on the increment of its log-rank score since the look, from
    everybody at risk in that arm and the control. Who enters after the look goes to the open arms; a
    dropped arm's participants are followed no more for the events that the end waits for.
    """

    world: SurvivalWorld
    events: tuple[int, int]
    test: ClosedTest
    best: int = 1
    futility: float = -np.inf
    latest: float = np.inf
    stratified: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if len(self.world.events) < 3:
            raise DesignError("must hold at least two active arms", field="world.events")
        if len(self.events) != 2 or len(self.test.bounds) != 2:
            raise DesignError("must hold two looks", field="events", value=self.events)
        check_event_order(self.events, self.world.participants)
        check_reachable(self.world, self.events, self.latest)
        if self.best < 0 or self.best >= len(self.world.events):
            raise DesignError(
                f"must lie between 0 and {len(self.world.events) - 1}", field="best", value=self.best
            )


def run_arm_dropping_block(
    plan: ArmDroppingPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : ArmDroppingPlan
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
        With ``size``, ``events`` of all arms, ``months``, and each active arm's ``open`` and ``claim``;
        ``false_claim`` where an arm is claimed whose law is the control's.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = tuple(PiecewiseHazard((h,)) for h in (0.06, 0.06, 0.036))
    >>> world = SurvivalWorld(300, PlannedAccrual((20,), (15,)), laws, (None,) * 3, (1, 1, 1), (3,))
    >>> plan = ArmDroppingPlan(world, (90, 150), ClosedTest((2.797, 1.977), (1.0, 1.0)))
    >>> found = characteristics_of(run_arm_dropping_block, plan, replicates=500, seed=1, scenario="doc")
    >>> found.mean("claim_2")[0] > 0.6 > found.mean("claim_1")[0]
    True
    """
    chance = partial(stream, seed, scenario, block)
    first = simulate_survival(plan.world, replicates, chance)
    look = event_looks(first, (plan.events[0],), plan.latest)
    interim = np.stack([_pair(first, a, look.month, plan.stratified).benefit[:, 0] for a in _active(plan)], 1)
    entered = (first.entry <= look.month).sum(axis=1)
    is_open = _kept(plan, interim)
    # An own stream, so that who enters before the look is allocated as without dropping.
    arm = reallocate(first.arm, entered, is_open, plan.world.ratio, chance("analysis"))
    trials = simulate_survival(plan.world, replicates, chance, arm)
    end = event_looks(_only(trials, is_open), (plan.events[1],), plan.latest)
    months = np.column_stack([look.month[:, 0], np.maximum(end.month[:, 0], look.month[:, 0])])
    tests = [_pair(trials, a, months, plan.stratified) for a in _active(plan)]
    claims = _claims(plan, tests, trials, months, is_open)
    stopping = _stopping(claims, is_open)
    return SequentialBlock(
        stopping,
        np.column_stack([interim.max(axis=1), _increments(tests).max(axis=1)]),
        _counted(plan, trials, months, claims, is_open, stopping),
        np.column_stack([look.reached[:, 0], end.reached[:, 0]]),
        log_ratio_estimate(plan.world, tests[0], stopping, plan.confidence, plan.stratified),
    )


def _active(plan: ArmDroppingPlan) -> range:
    return range(1, len(plan.world.events))


def _pair(trials: SurvivalTrials, active: int, months: Floats, stratified: bool) -> LogRankLooks:
    """Return the log-rank looks of one active arm against the control."""
    among = (trials.arm == 0) | (trials.arm == active)
    pair = replace(
        trials,
        time=np.where(among, trials.time, 0.0),
        event=np.where(among, trials.event, 0).astype(np.int8),
        arm=(trials.arm == active).astype(np.int8),
    )
    return log_rank_tests(pair, months, stratified)


def _only(trials: SurvivalTrials, is_open: Bools) -> SurvivalTrials:
    """Return trials in which only events of open arms count."""
    counts = np.take_along_axis(is_open, trials.arm.astype(np.int64), axis=1)
    return replace(trials, event=np.where(counts, trials.event, 0).astype(np.int8))


def _kept(plan: ArmDroppingPlan, z: Floats) -> Bools:
    """Return the arms that go on (R, A), the control always."""
    shown = np.where(np.isfinite(z), z, -np.inf)
    rank = np.argsort(np.argsort(-shown, axis=1, kind="stable"), axis=1)
    kept = (shown > plan.futility) & (rank < (plan.best or z.shape[1]))
    return np.column_stack([np.ones(len(z), dtype=bool), kept])


def _increments(tests: list[LogRankLooks]) -> Floats:
    """Return each arm's statistic since the look (R, A − 1); −inf where nothing came."""
    seen = np.stack([increment(one) for one in tests], axis=1)
    return np.where(np.isnan(seen), -np.inf, seen)


def _claims(
    plan: ArmDroppingPlan, tests: list[LogRankLooks], trials: SurvivalTrials, months: Floats, is_open: Bools
) -> Bools:
    """Return the arms claimed by each look (2, R, A − 1)."""
    first = np.stack([one.benefit[:, 0] for one in tests], axis=1)
    z = np.stack([np.where(np.isfinite(first), first, -np.inf), _increments(tests)])
    tested = np.stack([np.isfinite(z[0]), is_open[:, 1:] & np.isfinite(z[1])])
    n = np.stack([_entered(trials, months[:, k], is_open.shape[1]) for k in (0, 1)])
    return plan.test.rejected(z, n.astype(np.float64), tested)


def _entered(trials: SurvivalTrials, month: Floats, arms: int) -> Ints:
    """Return the participants of each arm who have entered by a month (R, A)."""
    here = trials.entry <= month[:, None]
    return np.stack([(here & (trials.arm == a)).sum(axis=1) for a in range(arms)], axis=1)


def _stopping(claims: Bools, is_open: Bools) -> Stopping:
    """Return where each trial stopped: at the first claim, or at the look if no arm is left."""
    early, late = claims[0].any(axis=1), claims[1].any(axis=1)
    futile = ~is_open[:, 1:].any(axis=1) & ~early
    decision = np.where(early | (late & ~futile), 1, np.where(futile, -1, 0))
    return Stopping(np.where(early | futile, 0, 1), decision.astype(np.int8))


def _counted(
    plan: ArmDroppingPlan,
    trials: SurvivalTrials,
    months: Floats,
    claims: Bools,
    is_open: Bools,
    stopping: Stopping,
) -> dict[str, np.ndarray]:
    rows = np.arange(len(months))
    made = claims[stopping.look, rows]
    null = np.array([law == plan.world.events[0] for law in plan.world.events[1:]])
    events = (trials.event == 1)[:, None, :] & (
        (trials.entry + trials.time)[:, None, :] <= months[:, :, None]
    )
    counted = {
        "size": (trials.entry[:, None, :] <= months[:, :, None]).sum(axis=2),
        "events": events.sum(axis=2),
        "months": months,
        "false_claim": (made & null).any(axis=1),
    }
    for a in _active(plan):
        counted[f"open_{a}"] = is_open[:, a]
        counted[f"claim_{a}"] = made[:, a - 1]
    return counted
