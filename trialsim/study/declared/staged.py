"""Declared designs in stages: arms dropped, allocation adapted, Bayesian decisions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    DeclaredTrial,
    MultiArmDesign,
    ResponseAdaptiveDesign,
)
from trialsim.protocol.declared.design_kinds import design_kind
from trialsim.registry.block_reader import imported
from trialsim.study.declared.carried import carried
from trialsim.study.declared.claims import (
    claim_counts,
    effective_arms,
)
from trialsim.study.declared.drawing.accrual import spread_of
from trialsim.study.declared.reading import OF_DESIGN, Reading
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.stage_rules import Claimed, MakeRule
from trialsim.trial import (
    PlannedAccrual,
    SitePlan,
    recruit,
    simulate_delayed,
    simulate_staged,
)
from trialsim.trial.enrolment import Spread
from trialsim.trial.interim import (
    DelayedTrials,
    StagedState,
    StagedTrials,
    Stopping,
)

Chance = Callable[[str], np.random.Generator]
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
        design, one = trial.design, carried(trial)
        with refusing("design"):
            if one.sums is None:
                raise ProtocolError(
                    "is not served by designs in stages", field="endpoints.kind", value=trial.outcome.kind
                )
            endpoint, means, sd = one.sums(trial)
            make_stages = design_kind(design.kind).stages
            assert make_stages is not None
            stages, make, claimed = imported(make_stages)(
                design, len(trial.arms), sd if endpoint == "normal" else None
            )
        wait: Wait = "seen"
        if isinstance(design, MultiArmDesign | ResponseAdaptiveDesign):
            wait = design.wait
        effective = effective_arms(trial)
        assert effective is not None
        return cls(
            endpoint, means, sd, stages, make, design.alpha, claimed, effective, wait,
            trial.outcome.known_after,            spread_of(trial),
        )  # fmt: skip


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
