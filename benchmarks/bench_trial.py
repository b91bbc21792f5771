"""Speed of whole simulated trials, from entry to the decision, on one core."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from benchmarks.rpact_peer import SURVIVAL, rpact
from trialsim.protocol import Arm, Dropout
from trialsim.streams import stream
from trialsim.study.designs import (
    LongitudinalPlan,
    SurvivalPlan,
    ancova_at_last_visit,
    mmrm_at_last_visit,
    run_survival_block,
    simulate_longitudinal_block,
)
from trialsim.study.designs.longitudinal_trials import BlockAnalysis
from trialsim.trial import PiecewiseHazard, PlannedAccrual, SurvivalWorld, site_plan
from trialsim.trial.outcomes import autoregressive, ramp_shift

SEED, BLOCK = 20261121, 250
CONTROL, LEAVE = PiecewiseHazard((0.0577622650466621,)), PiecewiseHazard((0.00427444119896255,))
ACTIVE = PiecewiseHazard((0.0404335855326635,))
DELAYED = PiecewiseHazard((0.0577622650466621, 0.033502113727064), (0.0, 6.0))
PLAN = SurvivalPlan((165, 248, 330), (2.96258804272755, 2.35901775272199, 2.01408370036165))

SIMPLE = SurvivalWorld(480, PlannedAccrual((20,), (24,)), (CONTROL, ACTIVE), (LEAVE, LEAVE))
GENERAL = SurvivalWorld(
    480,
    site_plan(np.linspace(0.0, 12.0, 40), rate=0.75, shape=2.0, ramp=2.0),
    (CONTROL, DELAYED),
    (LEAVE, LEAVE),
    strata_shares=(0.25, 0.5, 0.25),
    strata_hazards=(0.7, 1.0, 1.4),
    frailty=0.5,
    dropout_dependence=1.0,
)


def milliseconds(world: SurvivalWorld) -> float:
    """Return the milliseconds a trial of whole blocks."""
    blocks = iter(range(10_000))
    with threadpool_limits(1):
        return (
            1e3
            * seconds(lambda: run_survival_block(world, PLAN, BLOCK, SEED, "bench", next(blocks)), 15)
            / BLOCK
        )


def survival_gs() -> Iterable[Figure]:
    value = milliseconds(SIMPLE)
    peer = rpact(SURVIVAL, "lrstat 0.2.15 0.63, rpact 3.3.4 0.67 ms/trial, on another machine", 1, 2000)
    yield Figure(
        "survival_gs N=480, dropout 5 % a year, 3 event-driven log-rank looks",
        value,
        "ms/trial",
        goal=0.045,
        at_most=True,
        peer=peer.words,
        ratio=peer.ratio(value),
        limit=f"its random numbers alone {numbers_alone():.3f} ms/trial",
    )


def survival_gs_general() -> Iterable[Figure]:
    simple, value = milliseconds(SIMPLE), milliseconds(GENERAL)
    yield Figure(
        "survival_gs_general 3 strata, delayed effect, 40 sites, informative dropout",
        value,
        "ms/trial",
        goal=0.09,
        at_most=True,
        limit=f"{value / simple:.2f} times the simple trial, {simple:.3f} ms (limit 3)",
    )


def numbers_alone() -> float:
    """Return the milliseconds of what a simple trial must draw: three exponentials and two uniforms each."""
    generator = stream(SEED, "bench", 0, "outcome")
    shape = (BLOCK, 480)

    def draw() -> None:
        for _ in range(3):
            generator.standard_exponential(shape)
        generator.random((2, *shape))

    return 1e3 * seconds(draw, 15) / BLOCK


def longitudinal(weeks: tuple[float, ...]) -> LongitudinalPlan:
    """Return a trial of 400 at 20 unequal sites, with a fifth and a quarter dropping out."""
    visits = (0.0, *weeks)
    return LongitudinalPlan(
        400,
        site_plan(np.linspace(0.0, 6.0, 20), rate=2.0, shape=1.65),
        (
            Arm(name="placebo", role="control", allocation=1),
            Arm(name="drug", role="active", allocation=1),
        ),
        (4,),
        weeks,
        np.zeros(len(visits)),
        autoregressive(len(visits), 0.7),
        ramp_shift(visits, 0.3, weeks[-1]),
        (Dropout(cause="any", cumulative={"placebo": 0.2, "drug": 0.25}, source="benchmark"),),
    )


def trials_a_second(plan: LongitudinalPlan, analysis: BlockAnalysis) -> tuple[float, float]:
    """Return whole trials a second, and analyses a second of trials that are already there."""
    blocks = iter(range(10_000))
    ready = simulate_longitudinal_block(plan, BLOCK, SEED, "bench", 0)
    with threadpool_limits(1):
        whole = seconds(
            lambda: analysis(simulate_longitudinal_block(plan, BLOCK, SEED, "bench", next(blocks))), 15
        )
        return BLOCK / whole, BLOCK / seconds(lambda: analysis(ready), 15)


def trial_mmrm() -> Iterable[Figure]:
    rate, alone = trials_a_second(longitudinal((4.0, 8.0, 12.0, 18.0, 24.0)), mmrm_at_last_visit)
    yield Figure(
        "trial_mmrm n=400, 5 visits: sites, blocks, dropout, MMRM with df",
        rate,
        "trials/s",
        goal=5_000.0,
        limit=f"the analysis alone {alone:,.0f}/s",
    )


def trial_ancova() -> Iterable[Figure]:
    rate, alone = trials_a_second(longitudinal((24.0,)), ancova_at_last_visit)
    yield Figure(
        "trial_ancova n=400: sites, blocks, dropout, ANCOVA with HC3",
        rate,
        "trials/s",
        goal=10_000.0,
        limit=f"the analysis alone {alone:,.0f}/s",
    )


BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "survival_gs": survival_gs,
    "survival_gs_general": survival_gs_general,
    "trial_ancova": trial_ancova,
    "trial_mmrm": trial_mmrm,
}
