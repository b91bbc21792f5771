"""Speed of whole adaptive trials, from entry to the decision, on one core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.study.designs import (
    ArmDroppingPlan,
    BoundsPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    JointPlan,
    SequentialBlock,
    SpendingSurvivalPlan,
    StagedPlan,
    run_arm_dropping_block,
    run_delayed_block,
    run_event_resizing_block,
    run_joint_block,
    run_spending_survival_block,
    run_staged_block,
)
from trialsim.trial import (
    ClosedTest,
    EventZone,
    JointWorld,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
)

SEED, BLOCK = 20261121, 250
OBF = (2.796509681, 1.977430959)
CONTROL, ACTIVE, LEAVE = (PiecewiseHazard((h,)) for h in (0.0578, 0.0404, 0.0043))
ACCRUAL = PlannedAccrual((20,), (24,))
TWO = SurvivalWorld(480, ACCRUAL, (CONTROL, ACTIVE), (LEAVE, LEAVE))
THREE = SurvivalWorld(480, ACCRUAL, (CONTROL, CONTROL, ACTIVE), (LEAVE,) * 3, (1, 1, 1), (3,))
ARMS = StagedPlan(
    "normal", (0.0, 0.0, 0.0, 0.3), ((60,) * 4,) * 2, ClosedTestPlan(ClosedTest(OBF, (1.0, 1.0)), best=2)
)
MARKER = JointWorld(
    300, ACCRUAL, (6.0, 12.0, 18.0), 18.0, slope=0.1, association=0.5, slope_effect=-0.05, dropout=LEAVE
)

# Name: what runs a block, and its plan.
DESIGNS: dict[str, tuple[Callable[..., SequentialBlock], object]] = {
    "N=480, 3 calendar looks, bounds found again": (
        run_spending_survival_block, SpendingSurvivalPlan(TWO, 330, months=(20.0, 28.0, 38.0)),
    ),
    "N=480, events re-estimated": (
        run_event_resizing_block, EventResizingPlan(TWO, EventZone(165, 330, 400), 480),
    ),
    "N=480, 3 arms, one dropped, closed test": (
        run_arm_dropping_block, ArmDroppingPlan(THREE, (165, 250), ClosedTest(OBF, (1.0, 1.0))),
    ),
    "n=480, 4 arms in 2 stages, closed test": (run_staged_block, ARMS),
    "n=480, 4 arms in 2 stages, outcomes after 3 months": (
        run_delayed_block, DelayedPlan(ARMS, ACCRUAL, 3.0, 480),
    ),
    "n=160, 2 arms in 2 stages, outcomes after 3 months": (
        run_delayed_block,
        DelayedPlan(
            StagedPlan("normal", (0.0, 0.4), ((40, 40),) * 2, BoundsPlan(OBF, sd=1.0)), ACCRUAL, 3.0, 160
        ),
    ),
    "n=300, marker and event, joint rank": (run_joint_block, JointPlan(MARKER, "joint_rank")),
    "n=300, marker and event, MMRM": (run_joint_block, JointPlan(MARKER, "mmrm")),
}  # fmt: skip


def adaptive() -> Iterable[Figure]:
    """Yield the milliseconds of a trial of each design."""
    for name, (run, plan) in DESIGNS.items():
        blocks = count()
        with threadpool_limits(1):
            time = seconds(
                lambda run=run, plan=plan, blocks=blocks: run(plan, BLOCK, SEED, "bench", next(blocks)), 5
            )
        yield Figure(f"adaptive: {name}", 1e3 * time / BLOCK, "ms/trial", at_most=True)


BENCHMARKS = {"adaptive": adaptive}
