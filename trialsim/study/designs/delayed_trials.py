"""Adaptive trials in stages as plans: at once through sufficient statistics, or with delayed outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.special import ndtri

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.rule_plans import (
    BlindedResizingPlan,
    ClosedTestPlan,
    PredictivePlan,
    PromisingZonePlan,
    RulePlan,
    best_z,
    check_stage_plan,
)
from trialsim.study.designs.sequential_block import NaiveEstimate, SequentialBlock
from trialsim.trial import PlannedAccrual, SitePlan, recruit, simulate_delayed, simulate_staged
from trialsim.trial.interim import (
    DelayedTrials,
    StagedState,
    StagedTrials,
    Stopping,
    check_stages,
    closed_rejections,
)

AfterStop = Literal["stands", "confirmed"]

_OF_WHOLE_STAGES = (BlindedResizingPlan, PredictivePlan, PromisingZonePlan)


@dataclass(frozen=True)
class StagedPlan:
    """An adaptive trial in stages whose outcomes are seen at once.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        Kind of outcome.
    means : tuple of float (A,)
        True means or probabilities, the control first; larger is better.
    stage_n : tuple of tuple of int (K, A)
        Planned participants of each stage in each arm.
    design : RulePlan
        `BoundsPlan`, `ClosedTestPlan`, `BlindedResizingPlan`, `PromisingZonePlan`, `ThompsonPlan` or
        `PredictivePlan`.
    sd : float
        True standard deviation of normal outcomes.
    confidence : float
        Level of the naive interval of the first active arm's difference.

    Raises
    ------
    DesignError
        Stages, means or a rule that cannot be.

    Examples
    --------
    >>> from trialsim.study.designs import BoundsPlan
    >>> StagedPlan("normal", (0.0, 0.3), ((50, 50), (50,)), BoundsPlan((2.8, 2.0)))
    Traceback (most recent call last):
    trialsim.errors.DesignError: stage_n[1]: must hold one number for each of 2 arms. Got (50,).
    """

    endpoint: Literal["normal", "binary"]
    means: tuple[float, ...]
    stage_n: tuple[tuple[int, ...], ...]
    design: RulePlan
    sd: float = 1.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_stage_plan(self.stage_n, self.means)
        check_stages(self.endpoint, self.means, self.stage_n, self.sd, 1)
        self.design.rule(np.random.default_rng(0))
        if not 0 < self.confidence < 1:
            raise DesignError("must lie between 0 and 1", field="confidence", value=self.confidence)


@dataclass(frozen=True)
class DelayedPlan:
    """An adaptive trial in stages whose outcomes come months after entry.

    Parameters
    ----------
    staged : StagedPlan
        Stages, truth and rule. With a pipeline, what a rule asks for includes those who have entered.
    accrual : PlannedAccrual or SitePlan
        How participants enter.
    delay : float
        Months from entry to the outcome.
    most : int
        The most participants that can enter, at least the planned ones.
    wait : {"seen", "entered"}
        When a look falls; see `simulate_delayed`.
    after_stop : {"stands", "confirmed"}
        Whether a claim at a look stands whatever the pipeline says, or the first active arm must reach
        `decision` with the pipeline, which may also turn a futility stop into a claim.
    decision : tuple of float (K,)
        Critical values after the pipeline of each look, such as `design.delayed_design` finds.

    Raises
    ------
    DesignError
        Fewer participants than planned, a delay below 0, or critical values of another number.
    """

    staged: StagedPlan
    accrual: PlannedAccrual | SitePlan
    delay: float
    most: int
    wait: Literal["seen", "entered"] = "seen"
    after_stop: AfterStop = "stands"
    decision: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        planned = sum(map(sum, self.staged.stage_n))
        if self.most < planned:
            raise DesignError(
                f"is less than the {planned} that are planned",
                field="most",
                value=self.most,
                mend="let more participants enter",
            )
        can = self.accrual.most if isinstance(self.accrual, SitePlan) else self.most
        if self.most > can:
            raise DesignError(f"cannot be enrolled: the sites let in {can}", field="most", value=self.most)
        if not (np.isfinite(self.delay) and self.delay >= 0):
            raise DesignError("must be finite and at least 0", field="delay", value=self.delay)
        if self.wait not in ("seen", "entered"):
            raise DesignError("must be 'seen' or 'entered'", field="wait", value=self.wait)
        if self.wait == "entered" and isinstance(self.staged.design, _OF_WHOLE_STAGES):
            raise DesignError(
                "must be 'seen' for a rule that counts on whole stages",
                field="wait",
                value=self.wait,
                mend="let each look wait until its stage is seen",
            )
        if self.after_stop not in ("stands", "confirmed"):
            raise DesignError("must be 'stands' or 'confirmed'", field="after_stop", value=self.after_stop)
        if self.after_stop == "confirmed":
            if len(self.decision) != len(self.staged.stage_n) or np.isnan(self.decision).any():
                raise DesignError(
                    f"must hold one critical value for each of {len(self.staged.stage_n)} looks",
                    field="decision",
                    value=self.decision,
                )
            if len(self.staged.means) != 2:
                raise DesignError("is offered for two arms", field="after_stop", value=self.after_stop)


def run_staged_block(
    plan: StagedPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : StagedPlan
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
        With ``size``, participants and openness of each arm, and what each arm's claims were.

    Examples
    --------
    >>> from trialsim.study.designs import BoundsPlan
    >>> from trialsim.study import characteristics_of
    >>> plan = StagedPlan("normal", (0.0, 0.5), ((50, 50), (50, 50)), BoundsPlan((2.797, 1.977), sd=1.0))
    >>> found = characteristics_of(run_staged_block, plan, replicates=4000, seed=1, scenario="doc")
    >>> round(found.rejection_rate, 2), round(found.naive_estimate()["bias"], 2)
    (0.94, 0.04)
    """
    chance = partial(stream, seed, scenario, block)
    rule = plan.design.rule(chance("randomisation"))
    trials = simulate_staged(
        plan.endpoint, plan.means, plan.stage_n, rule, replicates, chance("outcome"), sd=plan.sd
    )
    sizes = np.stack([state.n.sum(axis=1) for state in trials.states], axis=1)
    return SequentialBlock(
        Stopping(trials.stage, trials.decision),
        _statistics(plan, trials),
        {"size": sizes, **_by_arm(plan, trials.states, trials.states[-1])},
        estimate=_difference(plan, trials.states[-1]),
    )


def run_delayed_block(
    plan: DelayedPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block of trials on whole participants; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : DelayedPlan
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
        With ``size`` (the pipeline included), ``pipeline``, ``months`` until the last outcome,
        ``look_months`` until the look that stopped, and each arm's participants and claims. The
        decisions are those after the pipeline.

    Examples
    --------
    >>> from trialsim.study.designs import BoundsPlan
    >>> from trialsim.study import characteristics_of
    >>> staged = StagedPlan("normal", (0.0, 0.5), ((50, 50), (50, 50)), BoundsPlan((2.797, 1.977), sd=1.0))
    >>> plan = DelayedPlan(staged, PlannedAccrual((10,), (20,)), delay=3.0, most=200)
    >>> found = characteristics_of(run_delayed_block, plan, replicates=1000, seed=1, scenario="doc")
    >>> round(found.rejection_rate, 1), round(found.mean("pipeline")[0])
    (0.9, 12)
    """
    trials = simulate_delayed_block(plan, replicates, seed, scenario, block)
    staged = plan.staged
    stopping = Stopping(trials.stage, _decisions(plan, trials))
    return SequentialBlock(
        stopping,
        _statistics(staged, trials),
        {
            "size": trials.size,
            "pipeline": trials.pipeline,
            "months": trials.end,
            "look_months": trials.month,
            **_by_arm(staged, trials.states, trials.final),
        },
        estimate=_difference(staged, trials.final),
    )


def simulate_delayed_block(
    plan: DelayedPlan, replicates: int, seed: int, scenario: str, block: int
) -> DelayedTrials:
    """Return the trials of a block themselves."""
    chance = partial(stream, seed, scenario, block)
    if isinstance(plan.accrual, SitePlan):
        entry = recruit(plan.accrual, replicates, plan.most, chance("enrolment")).month
    else:
        entry = plan.accrual.arrivals(replicates, plan.most, chance("enrolment"))
    staged = plan.staged
    # Two streams keep a rule's own chance apart from the shuffling of arms.
    rule = staged.design.rule(chance("analysis"))
    return simulate_delayed(
        staged.endpoint, staged.means, staged.stage_n, rule, entry, plan.delay, chance("outcome"),
        chance("randomisation"), sd=staged.sd, wait=plan.wait,
    )  # fmt: skip


def _decisions(plan: DelayedPlan, trials: DelayedTrials) -> np.ndarray:
    """Return what each trial claims once the pipeline is in."""
    if plan.after_stop == "stands":
        return trials.decision
    sd = getattr(plan.staged.design, "sd", None)
    z = trials.final.z(sd)[:, 0]
    claimed = z >= np.asarray(plan.decision)[trials.stage]
    stopped = trials.stage < len(trials.states) - 1
    held = np.where(claimed, 1, np.where(stopped, -1, 0))
    return held.astype(np.int8)


def _statistics(plan: StagedPlan, trials: StagedTrials | DelayedTrials) -> Floats:
    sd = getattr(plan.design, "sd", None)
    return np.stack([best_z(state, sd) for state in trials.states], axis=1)


def _by_arm(plan: StagedPlan, states: tuple[StagedState, ...], final: StagedState) -> dict[str, np.ndarray]:
    """Return each arm's participants, whether it is open at the end and, of closed tests, its claims."""
    counted: dict[str, np.ndarray] = {}
    for a in range(len(plan.means)):
        counted[f"arm_{a}"] = final.n[:, a]
    for a in range(1, len(plan.means)):
        counted[f"open_{a}"] = final.open[:, a]
    if isinstance(plan.design, ClosedTestPlan):
        claims = closed_rejections(states, plan.design.test, plan.design.sd)
        counted |= {f"claim_{a}": claims[:, a - 1] for a in range(1, len(plan.means))}
        counted["false_claim"] = _false_claims(plan, claims)
    return counted


def _false_claims(plan: StagedPlan, claims: Bools) -> Bools:
    """Return whether any arm is claimed that is not better than the control (the family-wise error)."""
    null = np.asarray(plan.means[1:]) <= plan.means[0]
    return np.asarray((claims & null).any(axis=1))


def _difference(plan: StagedPlan, state: StagedState) -> NaiveEstimate:
    """Return the first active arm's difference from the control, as if the trial had been fixed."""
    mean, n = state.mean, np.maximum(state.n, 1)
    spread = mean * (1 - mean) if plan.endpoint == "binary" else state.pooled_variance[:, None]
    variance = spread / n
    width = ndtri(0.5 + plan.confidence / 2) * np.sqrt(variance[:, 0] + variance[:, 1])
    truth = plan.means[1] - plan.means[0]
    return NaiveEstimate(mean[:, 1] - mean[:, 0], width, truth)
