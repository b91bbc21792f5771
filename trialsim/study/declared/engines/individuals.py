"""Trials whose participants are drawn one by one, by their law or from a register."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import ContinuousOutcome, DeclaredTrial, GroupSequentialDesign, ResizingDesign
from trialsim.registry import Truth
from trialsim.study.declared.bounds import planned_bounds
from trialsim.study.declared.carried import Columns, carried
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size
from trialsim.study.declared.drawing.people import ArmChance, Chance, Drawing, People, draw_people
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.drawing.worlds import covariance, longitudinal_world
from trialsim.study.declared.engines.common import (
    ESTIMAND,
    BlockReading,
    Engine,
    Everybody,
    arm_chance_of,
    chance_of,
    check_allocation,
    of_causes,
)
from trialsim.study.declared.looks import planned_counts, read_individuals
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.sample import Sample
from trialsim.study.declared.truths.estimands import estimands
from trialsim.trial import LongitudinalWorld, PlannedAccrual, SitePlan
from trialsim.trial.interim import promising_zone
from trialsim.trial.outcomes import covariance_factor
from trialsim.trial.register import Register


@dataclass(frozen=True)
class Individuals(Engine):
    """Draws participants one by one.

    Parameters
    ----------
    accrual : PlannedAccrual or SitePlan
        How they enter.
    visits : LongitudinalWorld or None
        Where people stop for reasons.
    """

    accrual: PlannedAccrual | SitePlan | None = None
    visits: LongitudinalWorld | None = None

    @classmethod
    def of(cls, trial: DeclaredTrial, register: Register | None) -> Individuals:
        """Return what carries out a trial, or refuse it."""
        _check_design(trial)
        check_allocation(trial)
        outcome = trial.outcome
        if isinstance(outcome, ContinuousOutcome) and outcome.course is None:
            with refusing("endpoints"):
                covariance_factor(covariance(outcome), len(outcome.mean))
        visits = None
        if carried(trial).visits and (trial.discontinuation or trial.intercurrent_events):
            visits = longitudinal_world(trial, register)
        return cls(trial, largest_size(trial), Strata.of(trial), register, accrual_of(trial), visits)

    def sample(self, replicates: int, seed: int, block: int, purpose: str = "") -> Sample:
        """Draw the participants and outcomes of a block."""
        return self._sample(replicates, seed, block, purpose + self.streams)

    def _sample(self, replicates: int, seed: int, block: int, streams: str) -> Sample:
        chance = chance_of(seed, streams, block)
        assert self.accrual is not None
        people = draw_people(
            self.trial, self.accrual, self.strata, self.participants, replicates, chance, self.register
        )
        return self.sample_of(people, chance, arm_chance_of(seed, streams, block))

    def sample_of(self, people: People, chance: Chance, arm_chance: ArmChance) -> Sample:
        """Draw the outcomes of given people."""
        trial, one = self.trial, carried(self.trial)
        draw = one.draw if self.register is None else one.recruit
        if draw is None:
            raise ProtocolError("is not drawn one by one", field="endpoints.kind", value=trial.outcome.kind)
        outcomes = draw(Drawing(trial, people, self.strata, chance, arm_chance, self.visits, self.register))
        return Sample(trial, people, outcomes, people.entry + trial.outcome.known_after, self.register)

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block and read it."""
        return BlockReading(read_individuals(self._sample(replicates, seed, block, streams)), {})

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody:
        """Return all who were drawn in a block."""
        sample = self.sample(replicates, seed, block)
        columns = self.columns_of(sample) | self.of_register(sample.people.rows)
        return Everybody(sample.people.arm, sample.people.stratum, columns)

    def columns_of(self, sample: Sample) -> Columns:
        """Return month of entry and outcomes of everybody, by name."""
        own = carried(self.trial).columns(self.trial, sample.outcomes)
        return {"month_of_entry": sample.people.entry} | own

    def truths(self) -> dict[str, Truth]:
        """Return what each analysis is held against, and the true value of each estimand."""
        trial, found = self.trial, dict[str, Truth]()
        if self.visits is not None:
            try:
                values = estimands(
                    trial, self.visits, trial.simulation.truth, chance_of(trial.seed, "truth", 0)
                )
            except DesignError as fault:
                raise of_causes(fault) from None
            found = {f"{ESTIMAND}{name}": Truth(one.value, one.mcse) for name, one in values.items()}
        return self.truths_by_analysis(declared=found.get(f"{ESTIMAND}declared")) | found


def _check_design(trial: DeclaredTrial) -> None:
    design = trial.design
    if isinstance(design, GroupSequentialDesign):
        if design.timing == "events":
            raise ProtocolError(
                "is served with a time_to_event outcome alone", field="design.timing", value="events",
                mend="use information or calendar",
            )  # fmt: skip
        if design.timing == "information":
            with refusing("design"):
                wanted = planned_counts(design, trial.participants or 0)
                planned_bounds(design, (wanted / wanted[-1]).tolist())
    if isinstance(design, ResizingDesign):
        _check_resizing(trial, design)


def _check_resizing(trial: DeclaredTrial, design: ResizingDesign) -> None:
    planned = trial.participants
    assert planned is not None
    if planned % 2 or design.largest < planned:
        raise ProtocolError(
            "must be at least the planned participants, and those an even number", field="design.largest",
            value=(planned, design.largest), mend="the second half starts with the planned half",
        )  # fmt: skip
    ratio = {arm.allocation for arm in trial.arms}
    if design.method == "blinded" and len(ratio) > 1:
        raise ProtocolError("must be 1:1 for blinded re-estimation", field="arms.allocation",
                            value=sorted(ratio))  # fmt: skip
    if design.method == "unblinded":
        with refusing("design"):
            half = planned // 2
            promising_zone(half, design.largest - half, design.zone, design.power, 1.96)
