"""The rules of designs in stages: planned participants, when to stop, and which arms are claimed."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np
from scipy.special import ndtri

from trialsim.data import Bools, Floats, Ints
from trialsim.design import group_sequential_design
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import BayesianDesign, MultiArmDesign, ResponseAdaptiveDesign
from trialsim.study.declared.bounds import efficacy_rule
from trialsim.study.declared.claims import arms_above, arms_probably_best, the_only_arm
from trialsim.study.declared.planned import closed_test
from trialsim.trial import bounds_rule
from trialsim.trial.interim import (
    DelayedTrials,
    Rule,
    StageAction,
    StagedState,
    StagedTrials,
    closed_rejections,
    closed_test_rule,
    keep_best,
    predictive_rule,
    probability_best,
    thompson_rule,
)

MakeRule = Callable[[np.random.Generator], Rule]
Claimed = Callable[[StagedTrials | DelayedTrials], Bools]
Stages = tuple[Ints, MakeRule, Claimed]


def multi_arm(design: MultiArmDesign, arms: int, sd: float | None) -> Stages:
    """Return stages in which arms are dropped; `sd` is that of normal outcomes."""
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


def response_adaptive(design: ResponseAdaptiveDesign, arms: int, sd: float | None) -> Stages:
    """Return batches that are allocated by the probability of being best."""
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


def bayesian(design: BayesianDesign, arms: int, sd: float | None) -> Stages:
    """Return looks at two arms by the probability that active is better."""
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
