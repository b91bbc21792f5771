"""Declared designs that the study room carries out as whole plans, one for each analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from trialsim.design import group_sequential_design
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    AnalysisDeclared,
    DeclaredTrial,
    JointEffect,
    JointOutcome,
    MultiArmDesign,
    ResizingDesign,
)
from trialsim.study.declared.bounds import efficacy_rule
from trialsim.study.declared.drawing.accrual import accrual_of, spread_of
from trialsim.study.declared.drawing.laws import dropout_law
from trialsim.study.declared.drawing.strata import effect_of
from trialsim.study.declared.drawing.worlds import block_sizes, survival_world
from trialsim.study.declared.refusing import reader_of, refusing
from trialsim.study.designs.event_resizing import (
    BlindedSurvivalPlan,
    EventResizingPlan,
    run_blinded_survival_block,
    run_event_resizing_block,
)
from trialsim.study.designs.joint_trials import JointPlan, run_joint_block
from trialsim.study.designs.sequential_block import SequentialBlock
from trialsim.study.designs.survival_arm_dropping import ArmDroppingPlan, run_arm_dropping_block
from trialsim.trial import ClosedTest, EventZone, JointWorld


@dataclass(frozen=True)
class Planned:
    """A plan, and the function that runs a block of it."""

    run: Callable[[Any, int, int, str, int], SequentialBlock]
    plan: Any

    def block(self, replicates: int, seed: int, streams: str, block: int) -> SequentialBlock:
        """Simulate and read a block."""
        return self.run(self.plan, replicates, seed, streams, block)


def plans_of(trial: DeclaredTrial) -> dict[str, Planned]:
    """Return the plan of each analysis by its name; all of them read the same trials.

    Raises
    ------
    ProtocolError
        A plan that cannot be, such as more events than can be expected.
    """
    with refusing("endpoints" if trial.outcome.kind == "joint" else "design"):
        return {one.label: _plan(trial, one) for one in trial.analyses}


def _plan(trial: DeclaredTrial, analysis: AnalysisDeclared) -> Planned:
    design, stratified = trial.design, "strata" in reader_of(trial, analysis).needs
    if isinstance(trial.outcome, JointOutcome):
        return _joint(trial, trial.outcome, analysis)
    if isinstance(design, MultiArmDesign):
        return _arm_dropping(trial, design, stratified)
    if isinstance(design, ResizingDesign):
        return _resizing(trial, design, stratified)
    raise ProtocolError(
        f"is not carried out as a plan of a {trial.outcome.kind} outcome",
        field="design.kind",
        value=design.kind,
    )


def _joint(trial: DeclaredTrial, outcome: JointOutcome, analysis: AnalysisDeclared) -> Planned:
    effect = effect_of(trial, 1)
    assert isinstance(effect, JointEffect)
    if spread_of(trial) != "poisson" or trial.strata:
        raise ProtocolError(
            "is not served with a joint outcome",
            field="strata" if trial.strata else "enrolment.spread",
            mend="leave it out",
        )
    control, active = (arm.allocation for arm in trial.arms)
    assert trial.participants is not None
    world = JointWorld(
        participants=trial.participants,
        accrual=accrual_of(trial),
        months=tuple(outcome.months),
        follow_up=outcome.follow_up,
        level=outcome.level,
        slope=outcome.slope,
        random_sd=outcome.random_sd,
        correlation=outcome.correlation,
        residual_sd=outcome.residual_sd,
        hazard=outcome.hazard,
        association=outcome.association,
        slope_association=outcome.slope_association,
        level_effect=effect.level,
        slope_effect=effect.per_month,
        hazard_ratio=effect.hazard_ratio,
        dropout=_same_for_both(trial),
        ratio=(control, active),
        block_sizes=_blocks_of_joint(trial),
    )
    plan = JointPlan(
        world,
        analysis=analysis.kind,
        alpha=trial.design.alpha,
        higher_is_worse=outcome.direction == "higher_is_worse",
        confidence=1 - 2 * trial.design.alpha,
        settings=tuple(analysis.settings_of(reader_of(trial, analysis)).items()),
    )
    return Planned(run_joint_block, plan)


def _blocks_of_joint(trial: DeclaredTrial) -> tuple[int, ...]:
    sizes = block_sizes(trial)
    if not sizes:
        raise ProtocolError(
            "is not served with a joint outcome", field="randomisation", value="simple",
            mend="use permuted_blocks",
        )  # fmt: skip
    return sizes


def _same_for_both(trial: DeclaredTrial) -> Any:
    laws = [dropout_law(trial, name) for name in trial.arm_names]
    if laws[0] != laws[1]:
        raise ProtocolError(
            "must be the same in both arms of a joint outcome", field="discontinuation.cumulative",
            mend="give both arms the same share",
        )  # fmt: skip
    return laws[0]


def _arm_dropping(trial: DeclaredTrial, design: MultiArmDesign, stratified: bool) -> Planned:
    first, last = design.events
    test = closed_test(design, (float(first), float(last - first)))
    plan = ArmDroppingPlan(
        survival_world(trial),
        (first, last),
        test,
        best=design.keep_best or 0,
        futility=design.futility_z[0] if design.futility_z else -np.inf,
        latest=np.inf if design.latest_month is None else design.latest_month,
        stratified=stratified,
        confidence=1 - 2 * design.alpha,
    )
    return Planned(run_arm_dropping_block, plan)


def closed_test(design: MultiArmDesign, weights: tuple[float, ...]) -> ClosedTest:
    """Return the closed combination test of a design with the planned weight of each stage."""
    if len(weights) == 1:
        bounds: tuple[float, ...] = (float(-ndtri(design.alpha)),)
    else:
        share = np.cumsum(weights) / np.sum(weights)
        rule = efficacy_rule(design.efficacy)
        bounds = group_sequential_design(share.tolist(), efficacy=rule, alpha=design.alpha).upper
    method = design.multiplicity.removeprefix("closed_")
    return ClosedTest(bounds, weights, method)  # type: ignore[arg-type]  # the format's names are the engine's


def _resizing(trial: DeclaredTrial, design: ResizingDesign, stratified: bool) -> Planned:
    world, critical = survival_world(trial), float(-ndtri(design.alpha))
    latest = np.inf if design.latest_month is None else design.latest_month
    assert trial.participants is not None
    assert design.events is not None
    if design.method == "blinded":
        assert design.month is not None
        assert design.end_month is not None
        blinded = BlindedSurvivalPlan(
            world,
            events=design.events,
            participants=trial.participants,
            month=design.month,
            end=design.end_month,
            latest=latest,
            critical=critical,
            stratified=stratified,
            confidence=1 - 2 * design.alpha,
        )
        return Planned(run_blinded_survival_block, blinded)
    assert design.interim_events is not None
    assert design.largest_events is not None
    zone = EventZone(
        design.interim_events, design.events, design.largest_events, design.zone, design.power, critical
    )
    plan = EventResizingPlan(
        world, zone, trial.participants, design.test,
        futility=-np.inf if design.futility_z is None else design.futility_z,
        latest=latest, stratified=stratified, confidence=1 - 2 * design.alpha,
    )  # fmt: skip
    return Planned(run_event_resizing_block, plan)
