"""Type I error of adaptive and sequential designs over a grid of nulls, family-wise for several arms."""

from __future__ import annotations

import math

import pytest

from trialsim.design import HwangShihDeCani
from trialsim.design.group_sequential import delayed_design
from trialsim.study import characteristics_of
from trialsim.study.designs import (
    ArmDroppingPlan,
    BlindedSurvivalPlan,
    BoundsPlan,
    ClosedTestPlan,
    DelayedPlan,
    EventResizingPlan,
    JointPlan,
    PromisingZonePlan,
    SpendingSurvivalPlan,
    StagedPlan,
    run_arm_dropping_block,
    run_blinded_survival_block,
    run_delayed_block,
    run_event_resizing_block,
    run_joint_block,
    run_spending_survival_block,
)
from trialsim.trial import (
    ClosedTest,
    EventZone,
    JointWorld,
    PiecewiseHazard,
    PlannedAccrual,
    SurvivalWorld,
    WeibullLaw,
    site_plan,
)
from trialsim.trial.outcomes import SurvivalLaw

ALPHA = 0.025
OBF = (2.796509681, 1.977430959)
LEAVE = PiecewiseHazard((0.003,))
LAWS: dict[str, SurvivalLaw] = {
    "constant": PiecewiseHazard((0.05,)),
    "late": PiecewiseHazard((0.01, 0.09), (0.0, 6.0)),
    "weibull": WeibullLaw(18.0, 0.8),
    "rising": WeibullLaw(18.0, 1.6),
}
SITES = site_plan([0.0, 1.0, 2.0, 4.0, 6.0], rate=5.0, shape=1.5)


def world(law: SurvivalLaw, arms: int = 2, **change: object) -> SurvivalWorld:
    given = {"strata_shares": (0.4, 0.6), "strata_hazards": (0.7, 1.3)} | change
    accrual = given.pop("accrual", PlannedAccrual((15,), (16,)))
    return SurvivalWorld(
        240, accrual, (law,) * arms, (LEAVE,) * arms, (1,) * arms, (arms * (2 if arms == 2 else 1),), **given
    )


def plans() -> dict[str, tuple[object, object]]:
    found: dict[str, tuple[object, object]] = {}
    for name, law in LAWS.items():
        two = world(law)
        found[f"calendar, {name}"] = (
            run_spending_survival_block,
            SpendingSurvivalPlan(two, 150, months=(10.0, 16.0, 24.0), efficacy=HwangShihDeCani(-1.0)),
        )
        found[f"events added, {name}"] = (
            run_event_resizing_block,
            EventResizingPlan(two, EventZone(70, 90, 170, (0.0, 0.5)), 160),
        )
        found[f"blinded, {name}"] = (
            run_blinded_survival_block,
            BlindedSurvivalPlan(two, 110, 160, 10.0, 26.0, latest=80.0),
        )
        found[f"arms dropped, {name}"] = (
            run_arm_dropping_block,
            ArmDroppingPlan(world(law, 3), (80, 110), ClosedTest(OBF, (1.0, 1.0))),
        )
    informative = world(LAWS["constant"], accrual=SITES, frailty=0.6, dropout_dependence=1.0)
    found["calendar, sites and informative dropout"] = (
        run_spending_survival_block,
        SpendingSurvivalPlan(informative, 150, months=(10.0, 16.0, 24.0), spend_by="information"),
    )
    for delay in (0.0, 2.0, 6.0):
        arms = StagedPlan(
            "normal", (0.0,) * 4, ((25,) * 4,) * 2, ClosedTestPlan(ClosedTest(OBF, (1.0, 1.0)), best=1)
        )
        found[f"closed test, delay {delay:g}"] = (
            run_delayed_block,
            DelayedPlan(arms, PlannedAccrual((15,), (14,)), delay, 260),
        )
        zone = StagedPlan(
            "normal", (0.0, 0.0), ((50, 50),) * 2, PromisingZonePlan(50, 150, (0.2, 0.8), 0.8, 1.959964)
        )
        found[f"promising zone, delay {delay:g}"] = (
            run_delayed_block,
            DelayedPlan(zone, PlannedAccrual((15,), (14,)), delay, 500),
        )
    two = StagedPlan("normal", (0.0, 0.0), ((40, 40),) * 2, BoundsPlan(OBF, (0.3, 1.9), sd=1.0))
    decision = delayed_design([0.5, 1.0], [1.0, 1.0], OBF, (0.3, 1.9)).decision
    found["confirmed after the pipeline"] = (
        run_delayed_block,
        DelayedPlan(two, PlannedAccrual((10,), (16,)), 200.0, 160, after_stop="confirmed", decision=decision),
    )
    marker = JointWorld(160, PlannedAccrual((20,), (8,)), (6.0, 12.0), 12.0, slope=0.1, association=0.8)
    found["joint rank"] = (run_joint_block, JointPlan(marker, "joint_rank"))
    return found


PLANS = plans()


def check(name: str, replicates: int) -> None:
    run, plan = PLANS[name]
    found = characteristics_of(run, plan, replicates=replicates, seed=20261121, scenario=name)
    limit = ALPHA + 4 * math.sqrt(ALPHA * (1 - ALPHA) / replicates)
    assert found.rejection_rate < limit, name
    # Closed tests and obeyed futility may leave some of alpha; nothing may lose most of it.
    assert found.rejection_rate > 0.4 * ALPHA - 4 * math.sqrt(ALPHA / replicates), name


@pytest.mark.parametrize("name", PLANS)
def test_error_over_the_null_grid(name: str) -> None:
    check(name, 1_500)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_error_over_the_null_grid_at_full_length(name: str) -> None:
    check(name, 40_000)
