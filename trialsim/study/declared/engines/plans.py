"""Trials that the study room carries out as whole plans, one for each analysis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trialsim.protocol.declared import DeclaredTrial
from trialsim.registry import Truth
from trialsim.study.declared.carried import Columns
from trialsim.study.declared.claims import effective_arms, with_claims
from trialsim.study.declared.drawing.accrual import largest_size
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.engines.common import BlockReading, Engine, Everybody, chance_of
from trialsim.study.declared.planned import Planned, plans_of
from trialsim.study.declared.reading import reading_of
from trialsim.study.declared.refusing import refusing
from trialsim.study.designs.joint_trials import JointPlan
from trialsim.trial import simulate_joint


@dataclass(frozen=True)
class Plans(Engine):
    """Runs a plan for each analysis; all of them read the same trials.

    Parameters
    ----------
    plans : dict of str to Planned
        By the name of the analysis.
    """

    plans: dict[str, Planned] = field(default_factory=dict)

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Plans:
        """Return what carries out a trial, or refuse it."""
        plans = plans_of(trial)
        return cls(trial, largest_size(trial), Strata.of(trial), plans=plans)

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block by every plan."""
        blocks = {
            name: reading_of(one.block(replicates, seed, streams, block), name, self.alpha)
            for name, one in self.plans.items()
        }
        effective = effective_arms(self.trial)
        if effective is not None:
            blocks = {name: with_claims(one, effective) for name, one in blocks.items()}
        return BlockReading(blocks, {})

    def truths(self) -> dict[str, Truth]:
        """Return what each plan's own estimate aims at; running two trials also shows that it runs."""
        with refusing("endpoints" if self.trial.outcome.kind == "joint" else "design"):
            return {name: _truth_of(one, self.trial.seed) for name, one in self.plans.items()}

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody | None:
        """Return all who were drawn in a block of joint trials; None of other plans."""
        plan = next(iter(self.plans.values())).plan
        if not isinstance(plan, JointPlan):
            return None
        trials = simulate_joint(plan.world, replicates, chance_of(seed, self.streams, block))
        visits = {f"month_{month:g}": trials.marker[..., v] for v, month in enumerate(plan.world.months)}
        columns: Columns = {
            "month_of_entry": trials.entry, "baseline": trials.baseline, **visits, "months": trials.time,
            "event": trials.event,
        }  # fmt: skip
        return Everybody(trials.arm, np.zeros(trials.arm.shape, dtype=np.int64), columns)


def _truth_of(planned: Planned, seed: int) -> Truth:
    estimate = planned.block(2, seed, "truth", 0).estimate
    if estimate is None:
        return Truth(None, note="this analysis estimates no single number in this world")
    return Truth(estimate.truth)
