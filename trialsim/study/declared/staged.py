"""Declared designs in stages: arms dropped, allocation adapted, Bayesian decisions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, assert_never

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.design import group_sequential_design
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    BayesianDesign,
    BinaryOutcome,
    ContinuousOutcome,
    DeclaredTrial,
    MultiArmDesign,
    ResponseAdaptiveDesign,
)
from trialsim.study.declared.bounds import efficacy_rule
from trialsim.study.declared.claims import (
    arms_above,
    arms_probably_best,
    claim_counts,
    effective_arms,
    the_only_arm,
)
from trialsim.study.declared.drawing.accrual import spread_of
from trialsim.study.declared.drawing.strata import log_ratios
from trialsim.study.declared.drawing.worlds import covariance, visit_effect
from trialsim.study.declared.planned import closed_test
from trialsim.study.declared.reading import OF_DESIGN, Reading
from trialsim.study.declared.refusing import refusing
from trialsim.trial import (
    PlannedAccrual,
    SitePlan,
    bounds_rule,
    recruit,
    simulate_delayed,
    simulate_staged,
)
from trialsim.trial.enrolment import Spread
from trialsim.trial.interim import (
    DelayedTrials,
    Rule,
    StageAction,
    StagedState,
    StagedTrials,
    Stopping,
    closed_rejections,
    closed_test_rule,
    keep_best,
    predictive_rule,
    probability_best,
    thompson_rule,
)

Chance = Callable[[str], np.random.Generator]
MakeRule = Callable[[np.random.Generator], Rule]
Claimed = Callable[[StagedTrials | DelayedTrials], Bools]
Endpoint = Literal["normal", "binary"]
Wait = Literal["seen", "entered"]


@dataclass(frozen=True)
class StagedWorld:
    """What the engine of stages takes.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        ``normal`` or ``binary``.
    means : ndarray (A,)
        True means or probabilities, turned so that larger is better.
    sd : float
        Of normal outcomes.
    stages : ndarray of int (K, A)
        Planned participants.
    make_rule : callable
        From the generator of the stream ``randomisation`` to the rule.
    alpha : float
        One-sided level of intervals of the naive estimate.
    claimed : callable
        From trials that ended to the active arms that the rule claims (R, A − 1).
    effective : ndarray of bool (A − 1,)
        Active arms that are truly better than the control.
    wait, delay, spread
        When looks fall, months until an outcome is known, and how a planned accrual spreads, where
        participants enter one by one.
    """

    endpoint: Endpoint
    means: Floats
    sd: float
    stages: Ints
    make_rule: MakeRule
    alpha: float
    claimed: Claimed
    effective: Bools
    wait: Wait = "seen"
    delay: float = 0.0
    spread: Spread = "poisson"

    @classmethod
    def of(cls, trial: DeclaredTrial) -> StagedWorld:
        """Return the plan of a trial, or refuse it."""
        outcome, design = trial.outcome, trial.design
        sign = outcome.sign
        with refusing("design"):
            if isinstance(outcome, ContinuousOutcome):
                shifts = [visit_effect(trial, arm).shift[-1] for arm in range(1, len(trial.arms))]
                means = sign * (outcome.mean[-1] + np.array([0.0, *shifts]))
                endpoint: Endpoint = "normal"
                sd = math.sqrt(covariance(outcome)[-1, -1])
            elif isinstance(outcome, BinaryOutcome):
                logit = math.log(outcome.control / (1 - outcome.control))
                p = 1 / (1 + np.exp(-(logit + log_ratios(trial)[:, 0])))
                means, endpoint, sd = (p if sign > 0 else 1 - p), "binary", 1.0
            else:
                raise ProtocolError(
                    "is not served by designs in stages", field="endpoints.kind", value=outcome.kind
                )
            stages, make, claimed = _rule(design, len(trial.arms), sd if endpoint == "normal" else None)
        wait: Wait = "seen"
        if isinstance(design, MultiArmDesign | ResponseAdaptiveDesign):
            wait = design.wait
        effective = effective_arms(trial)
        assert effective is not None
        return cls(
            endpoint, means, sd, stages, make, design.alpha, claimed, effective, wait, outcome.known_after,
            spread_of(trial),
        )  # fmt: skip


def _rule(design: object, arms: int, sd: float | None) -> tuple[Ints, MakeRule, Claimed]:
    if isinstance(design, MultiArmDesign):
        stages = np.asarray(design.stages, dtype=np.int64)
        keep = None if design.keep_best is None else keep_best(design.keep_best)
        if not design.multiplicity.startswith("closed"):
            upper = _upper_bounds(design, stages)
            rule = _multi_arm_rule(design, upper, sd, keep)
            return stages, lambda _: rule, partial(arms_above, upper=upper, sd=sd)
        test = closed_test(design, tuple(stages.sum(axis=1).astype(float).tolist()))
        futility = design.futility_z[0] if design.futility_z else -np.inf
        closed = closed_test_rule(test, sd=sd, keep=keep, futility=futility, stop_at=design.stop_at)
        return stages, lambda _: closed, lambda trials: closed_rejections(trials.states, test, sd)
    if isinstance(design, ResponseAdaptiveDesign):
        if design.least_share * arms >= 1:
            raise ProtocolError(
                f"must be below 1/{arms}, or nothing is left to adapt", field="design.least_share",
                value=design.least_share,
            )  # fmt: skip
        planned = np.full((design.batches, arms), math.ceil(design.batch / arms), dtype=np.int64)
        stages = np.vstack([np.full((1, arms), design.first, dtype=np.int64), planned])

        def adaptive(generator: np.random.Generator) -> Rule:
            return thompson_rule(
                design.batch, generator, claim=design.claim, power=design.tuning,
                least=design.least_share, futility=design.futility,
            )  # fmt: skip

        adaptive(np.random.default_rng(0))
        return stages, adaptive, partial(arms_probably_best, claim=design.claim)
    if not isinstance(design, BayesianDesign):
        raise ProtocolError(
            "is no design in stages", field="design.kind", value=getattr(design, "kind", None)
        )
    each = np.diff(design.looks, prepend=0)
    stages = np.repeat(each[:, None], 2, axis=1).astype(np.int64)
    if design.rule == "predictive":
        rule = predictive_rule(
            design.looks, design.looks[-1], design.claim, stop_above=design.stop_above,
            stop_below=design.stop_below,
        )  # fmt: skip
    elif design.rule == "posterior":
        rule = posterior_rule(design.claim, design.stop_below, len(stages))
    else:
        assert_never(design.rule)
    return stages, lambda _: rule, the_only_arm


def _upper_bounds(design: MultiArmDesign, stages: Ints) -> tuple[float, ...]:
    """Return the bound of each look (K,) that every arm is held against."""
    alpha = design.alpha / {"bonferroni": stages.shape[1] - 1, "none": 1}[design.multiplicity]
    if len(stages) == 1:
        return (float(-ndtri(alpha)),)
    total = np.cumsum(stages.sum(axis=1))
    share = (total / total[-1]).tolist()
    return group_sequential_design(share, efficacy=efficacy_rule(design.efficacy), alpha=alpha).upper


def _multi_arm_rule(
    design: MultiArmDesign,
    upper: tuple[float, ...],
    sd: float | None,
    keep: Callable[[StagedState, Floats], Bools] | None,
) -> Rule:
    looks = len(upper)
    if design.futility_z and len(design.futility_z) != looks - 1:
        raise ProtocolError(
            f"must hold one bound for each of {looks - 1} interim looks", field="design.futility_z",
            value=design.futility_z,
        )  # fmt: skip
    lower = (*design.futility_z, upper[-1]) if design.futility_z else None
    return bounds_rule(upper, lower, sd=sd, keep=keep)


def posterior_rule(claim: float, futility: float, looks: int) -> Rule:
    """Return the rule of two arms that stops on P(active better | data) with uniform priors.

    Examples
    --------
    >>> rule = posterior_rule(0.9, 0.1, 2)
    >>> n, every = np.full((1, 2), 20), np.ones((1, 2), dtype=bool)
    >>> total = np.array([[4.0, 14.0]])
    >>> rule(StagedState(0, n, total, total, n, total, every, every[:, 0])).decision
    array([1], dtype=int8)
    """

    def decide(state: StagedState) -> StageAction:
        better = probability_best(state.total, state.n.astype(np.float64))[:, 1]
        stop = np.where(better >= claim, 1, np.where(better < futility, -1, 0))
        return StageAction(np.where((state.stage == looks - 1) & (stop < 0), 0, stop).astype(np.int8))

    return decide


def run_staged(
    plan: StagedWorld,
    accrual: PlannedAccrual | SitePlan | None,
    participants: int,
    replicates: int,
    chance: Chance,
) -> StagedTrials | DelayedTrials:
    """Simulate a block of trials in stages, at once or with participants who enter one by one.

    `participants` is the most that can enter.
    """
    if accrual is None:
        rule = plan.make_rule(chance("randomisation"))
        return simulate_staged(
            plan.endpoint, plan.means, plan.stages, rule, replicates, chance("outcome"), sd=plan.sd
        )
    if isinstance(accrual, SitePlan):
        entry = recruit(accrual, replicates, participants, chance("enrolment")).month
    else:
        entry = accrual.arrivals(replicates, participants, chance("enrolment"), plan.spread)
    # Two streams keep a rule's own chance apart from the shuffling of arms.
    rule = plan.make_rule(chance("analysis"))
    return simulate_delayed(
        plan.endpoint, plan.means, plan.stages, rule, entry, plan.delay, chance("outcome"),
        chance("randomisation"), sd=plan.sd, wait=plan.wait,
    )  # fmt: skip


def read_staged(
    trial: DeclaredTrial, plan: StagedWorld, trials: StagedTrials | DelayedTrials
) -> tuple[Reading, dict[str, tuple[float, ...]]]:
    """Return the reading of the best active arm, and the sums of every arm.

    The estimate is that of the active arm with the largest mean among those that are open at the end: the
    one that would be reported, with the optimism of having been selected. It is given as its error against
    that arm's own true effect.
    """
    sign = trial.outcome.sign
    stopping = Stopping(trials.stage, trials.decision)
    last = trials.final if isinstance(trials, DelayedTrials) else trials.states[-1]
    looks = (len(trials.stage), len(trials.states))
    counted = _counted(plan, trials)
    mean = np.where(last.open[:, 1:], last.mean[:, 1:], -np.inf)
    best = 1 + mean.argmax(axis=1)
    rows = np.arange(len(best))
    if plan.endpoint == "normal":
        variance = np.full(last.n.shape, plan.sd**2)
    else:
        variance = last.mean * (1 - last.mean)
    estimate = last.mean[rows, best] - last.mean[:, 0]
    error = np.sqrt(variance[rows, best] / last.n[rows, best] + variance[:, 0] / last.n[:, 0])
    truth = plan.means[best] - plan.means[0]
    spread = error > 0
    z = np.where(spread, estimate / np.where(spread, error, 1.0), np.nan)
    estimates = Estimates(
        "selected_arm",
        np.where(spread, sign * (estimate - truth), np.nan),
        np.where(spread, error, np.nan),
        np.full(len(z), np.inf),
        sign * z,
        np.asarray(2 * ndtr(-np.abs(z))),
        (~spread).astype(np.int8),
        ("ok", "constant_outcome"),
    )
    reading = Reading(
        estimates, np.zeros(looks), stopping, np.ones(looks, dtype=bool), counted, decides=OF_DESIGN
    )
    return reading, _arm_sums(trial, plan, last, sign)


def _counted(plan: StagedWorld, trials: StagedTrials | DelayedTrials) -> dict[str, np.ndarray]:
    """Return sizes, months and, of several active arms, the claims of each."""
    counted: dict[str, np.ndarray] = {"size": trials.size}
    if isinstance(trials, DelayedTrials):
        counted |= {"months": trials.end, "pipeline": trials.pipeline}
    if len(plan.effective) > 1:
        counted |= claim_counts(plan.claimed(trials), plan.effective)
    return counted


def _arm_sums(
    trial: DeclaredTrial, plan: StagedWorld, last: StagedState, sign: float
) -> dict[str, tuple[float, ...]]:
    deviation = sign * (last.mean - plan.means)
    n = last.n.astype(np.float64)
    return {
        name: (
            float(n[:, a].sum()),
            float((n[:, a] ** 2).sum()),
            float(last.open[:, a].sum()),
            math.fsum(deviation[:, a]),
            math.fsum(deviation[:, a] ** 2),
        )
        for a, name in enumerate(trial.arm_names)
    }
