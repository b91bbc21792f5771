"""Trials in stages, which draw sums of arms."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.protocol.declared import DeclaredTrial
from trialsim.registry import Truth
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.engines.common import BlockReading, Engine, chance_of
from trialsim.study.declared.staged import StagedWorld, read_staged, run_staged
from trialsim.trial import PlannedAccrual, SitePlan

SELECTED = "selected_arm"


@dataclass(frozen=True)
class Stages(Engine):
    """Draws arms in stages: they are dropped, their allocation adapts, or looks are Bayesian.

    Parameters
    ----------
    world : StagedWorld
        What the engine of stages takes.
    accrual : PlannedAccrual or SitePlan, optional
        How participants enter, where they enter one by one.
    """

    world: StagedWorld | None = None
    accrual: PlannedAccrual | SitePlan | None = None

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Stages:
        """Return what carries out a trial, or refuse it."""
        strata, world = Strata.of(trial), StagedWorld.of(trial)
        accrual = None if trial.enrolment is None else accrual_of(trial)
        return cls(trial, largest_size(trial), strata, world=world, accrual=accrual)

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block and read its best arm."""
        assert self.world is not None
        chance = chance_of(seed, streams, block)
        found = run_staged(self.world, self.accrual, self.participants, replicates, chance)
        reading, arms = read_staged(self.trial, self.world, found)
        return BlockReading({SELECTED: reading}, arms)

    def truths(self) -> dict[str, Truth]:
        """Return what the reported arm is held against."""
        return {SELECTED: Truth(0.0, note="error of the reported arm against its own true effect")}
