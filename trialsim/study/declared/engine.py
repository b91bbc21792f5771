"""The one place that knows which part of the engine carries out which declared trial."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from trialsim.data import Ints
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import ContinuousOutcome, DeclaredTrial, trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.analyses import Sample
from trialsim.study.declared.bounds import planned_bounds
from trialsim.study.declared.claims import effective_arms, with_claims
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size
from trialsim.study.declared.drawing.people import Chance, People, allocate_people, draw_outcomes, draw_people
from trialsim.study.declared.drawing.recruits import recruit_survival
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.drawing.worlds import covariance, longitudinal_world, survival_world
from trialsim.study.declared.looks import planned_counts, read_individuals
from trialsim.study.declared.planned import Planned, is_planned, plans_of
from trialsim.study.declared.reading import Reading, reading_of
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.staged import StagedWorld, read_staged, run_staged
from trialsim.study.declared.survival import SurvivalLooksPlan, read_survival
from trialsim.study.declared.truths.by_formula import Truth, declared_truth, estimands
from trialsim.study.declared.truths.in_register import truth_in_register
from trialsim.trial import LongitudinalWorld, PlannedAccrual, SitePlan, SurvivalWorld, simulate_survival
from trialsim.trial.interim import check_event_order, promising_zone
from trialsim.trial.outcomes import SurvivalTrials, covariance_factor
from trialsim.trial.register import Register

ESTIMAND = "estimand:"
_REACH_TRIALS = 400


@dataclass(frozen=True)
class BlockReading:
    """Readings of a block by analysis, and the sums of each arm where the design has stages."""

    readings: dict[str, Reading]
    arms: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Engine:
    """What carries out a trial; made by `engine_of`, which refuses what cannot be.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    participants : int
        Participants that a trial has at most.
    strata : Strata
        Crossing of the factors.
    accrual : PlannedAccrual or SitePlan or None
        How they enter; None for designs in stages.
    visits : LongitudinalWorld or None
        Where people stop for reasons.
    survival : SurvivalWorld or None
        With a time to event.
    staged : StagedWorld or None
        Designs in stages.
    planned : dict of str to Planned or None
        Designs that are carried out as a plan for each analysis.
    register : Register or None
        Whom trials recruit from, where people are more than their law.
    """

    trial: DeclaredTrial
    participants: int
    strata: Strata
    accrual: PlannedAccrual | SitePlan | None = None
    visits: LongitudinalWorld | None = None
    survival: SurvivalWorld | None = None
    staged: StagedWorld | None = None
    planned: dict[str, Planned] | None = None
    register: Register | None = None

    @property
    def streams(self) -> str:
        """Name of the random streams."""
        return streams_of(self.trial)

    @property
    def alpha(self) -> float:
        """One-sided level."""
        return self.trial.design.alpha

    def read(self, replicates: int, seed: int, block: int, purpose: str = "") -> BlockReading:
        """Simulate a block and read it; the same arguments give the same bytes anywhere."""
        streams = purpose + self.streams
        chance = partial(stream, seed, streams, block)
        if self.staged is not None:
            found = run_staged(self.staged, self.accrual, self.participants, replicates, chance)
            reading, arms = read_staged(self.trial, self.staged, found)
            return BlockReading({"selected_arm": reading}, arms)
        if self.planned is not None:
            blocks = {
                name: reading_of(one.block(replicates, seed, streams, block), name, self.alpha)
                for name, one in self.planned.items()
            }
            effective = effective_arms(self.trial)
            if effective is not None:
                blocks = {name: with_claims(one, effective) for name, one in blocks.items()}
            return BlockReading(blocks, {})
        if self.survival is not None:
            trials = simulate_survival(self.survival, replicates, chance)
            levels = self.strata.levels[trials.stratum]
            return BlockReading(self._read_survival(trials, levels), {})
        if self.trial.outcome.kind == "time_to_event":
            people, trials = self.recruit(replicates, chance)
            return BlockReading(self._read_survival(trials, people.levels, people.rows), {})
        return BlockReading(read_individuals(self.sample(replicates, seed, block, purpose)), {})

    def sample(self, replicates: int, seed: int, block: int, purpose: str = "") -> Sample:
        """Draw the participants and outcomes of a block."""
        streams = purpose + self.streams
        chance = partial(stream, seed, streams, block)

        def arm_chance(arm: int) -> np.random.Generator:
            return stream(seed, f"{streams}.arm{arm}", block, "outcome")

        people = self._people(replicates, chance)
        outcomes = draw_outcomes(
            self.trial, people, self.strata, self.visits, chance, arm_chance, self.register
        )
        known = people.entry + self.trial.outcome.known_after
        return Sample(self.trial, people, outcomes, known, self.register)

    def recruit(self, replicates: int, chance: Chance) -> tuple[People, SurvivalTrials]:
        """Recruit trials with a time to an event from the register."""
        people = self._people(replicates, chance)
        assert self.register is not None
        return people, recruit_survival(self.trial, people, self.strata, self.register, chance)

    def _people(self, replicates: int, chance: Chance) -> People:
        assert self.accrual is not None
        return draw_people(
            self.trial, self.accrual, self.strata, self.participants, replicates, chance, self.register
        )

    def _read_survival(
        self, trials: SurvivalTrials, levels: Ints, rows: Ints | None = None
    ) -> dict[str, Reading]:
        columns = {
            one.label: adjusting_columns(self.trial, one, levels, self.register, rows)
            for one in self.trial.analyses
        }
        return read_survival(self.trial, trials, SurvivalLooksPlan.of(self.trial), columns)


def streams_of(trial: DeclaredTrial) -> str:
    """Return the name of a trial's random streams: nothing of it depends on a scenario or an effect."""
    kind = "staged" if trial.in_stages else "trial"
    return f"{kind}.{largest_size(trial)}.{len(trial.arms)}"


def engine_of(trial: DeclaredTrial, register: Register | None = None) -> Engine:
    """Return what carries out a trial, recruiting from a register where there is one.

    Parameters
    ----------
    trial : DeclaredTrial
        At one point of its grid.
    register : Register, optional
        Whom it recruits from, for a trial with twins or a disease model.

    Returns
    -------
    Engine
        Reads blocks of the trial.

    Raises
    ------
    ProtocolError
        The trial cannot be carried out; the error names the table and what would be.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> engine = engine_of(read_trial("protocols/survival_delayed_effect.toml"))
    >>> callable(engine.read)
    True
    """
    if register is None and (trial.twins is not None or trial.outcome.course is not None):
        raise ProtocolError("needs people to recruit", field="population", mend="draw its register first")
    return _engine(json.dumps(trial.to_dict(), sort_keys=True), register)


# A pure function remembered: a world's calibration takes longer than a block that uses it.
@lru_cache(maxsize=8)
def _engine(canonical: str, register: Register | None) -> Engine:
    trial = trial_from_dict(json.loads(canonical))
    strata = Strata.of(trial)
    outcome = trial.outcome
    if trial.in_stages:
        plan = StagedWorld.of(trial)
        accrual = None if trial.enrolment is None else accrual_of(trial)
        return Engine(trial, largest_size(trial), strata, accrual, staged=plan)
    if is_planned(trial):
        plans = plans_of(trial)
        return Engine(trial, largest_size(trial), strata, planned=plans)
    assert trial.participants is not None
    if outcome.kind == "time_to_event" and register is not None:
        _check_drawing(trial)
        engine = Engine(trial, trial.participants, strata, accrual_of(trial), register=register)
        _check_events(trial, trial.participants, partial(_reachable_in_register, engine))
        return engine
    if outcome.kind == "time_to_event":
        world = survival_world(trial)
        _check_drawing(trial)
        _check_events(trial, world.participants, partial(reachable_events, trial, world))
        return Engine(trial, trial.participants, strata, survival=world)
    _check_design(trial)
    _check_drawing(trial)
    visits = None
    if isinstance(outcome, ContinuousOutcome) and (trial.discontinuation or trial.intercurrent_events):
        visits = longitudinal_world(trial, register)
    return Engine(trial, largest_size(trial), strata, accrual_of(trial), visits, register=register)


def _check_drawing(trial: DeclaredTrial) -> None:
    """Refuse a scheme or a covariance that could not be drawn from, by drawing next to nothing."""
    with refusing("randomisation"):
        levels = np.zeros((1, 2, len(trial.strata)), dtype=np.int64)
        allocate_people(trial, levels, (1, 2), np.random.default_rng(0))
    if isinstance(trial.outcome, ContinuousOutcome) and trial.outcome.course is None:
        with refusing("endpoints"):
            covariance_factor(covariance(trial.outcome), len(trial.outcome.mean))


def _check_design(trial: DeclaredTrial) -> None:
    design = trial.design
    if design.kind == "group_sequential":
        if design.timing == "events":
            raise ProtocolError(
                "is served with a time_to_event outcome alone", field="design.timing", value="events",
                mend="use information or calendar",
            )  # fmt: skip
        if design.timing == "information":
            with refusing("design"):
                wanted = planned_counts(design, trial.participants or 0)
                planned_bounds(design, (wanted / wanted[-1]).tolist())
    if design.kind == "sample_size_reestimation":
        _check_resizing(trial)


def _check_resizing(trial: DeclaredTrial) -> None:
    design, planned = trial.design, trial.participants
    assert planned is not None
    assert design.kind == "sample_size_reestimation"
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


def _check_events(trial: DeclaredTrial, participants: int, reachable: Callable[[float], float]) -> None:
    design, plan = trial.design, SurvivalLooksPlan.of(trial)
    if design.kind == "group_sequential" and plan.events:
        with refusing("design"):
            planned_bounds(design, (np.asarray(plan.events) / plan.events[-1]).tolist())
    if not plan.events:
        return
    with refusing("design"):
        check_event_order(plan.events, participants)
    can = reachable(plan.latest)
    if plan.events[-1] > can:
        until = f"by month {plan.latest:g}" if np.isfinite(plan.latest) else "however long they are followed"
        raise ProtocolError(
            f"cannot be reached: {can:.1f} events can be expected of {participants} participants {until}",
            field="design.events",
            value=plan.events[-1],
            mend="enrol more, follow longer, lower dropout, or ask for fewer events",
        )


def reachable_events(trial: DeclaredTrial, world: SurvivalWorld, latest: float) -> float:
    """Return the events expected by a calendar month; without one by quadrature, else from 400 trials."""
    if not np.isfinite(latest):
        return world.reachable_events
    found = simulate_survival(world, _REACH_TRIALS, partial(stream, trial.seed, "reach", 0))
    had = (found.event == 1) & (found.entry + found.time <= latest)
    return float(had.sum(axis=1).mean())


def _reachable_in_register(engine: Engine, latest: float) -> float:
    """Return the events expected by a calendar month, from 400 trials."""
    _, found = engine.recruit(_REACH_TRIALS, partial(stream, engine.trial.seed, "reach", 0))
    had = (found.event == 1) & (found.entry + found.time <= latest)
    return float(had.sum(axis=1).mean())


def truths_of(trial: DeclaredTrial, register: Register | None = None) -> dict[str, Truth]:
    """Return what each analysis is held against, and the true value of each estimand.

    Raises
    ------
    ProtocolError
        The trial cannot be carried out.
    """
    engine = engine_of(trial, register)
    if engine.staged is not None:
        return {"selected_arm": Truth(0.0, note="error of the reported arm against its own true effect")}
    if engine.planned is not None:
        with refusing("endpoints" if trial.outcome.kind == "joint" else "design"):
            return {name: _truth_of(one, trial.seed) for name, one in engine.planned.items()}
    found: dict[str, Truth] = {}
    if engine.visits is not None:
        chance = partial(stream, trial.seed, "truth", 0)
        try:
            values = estimands(trial, engine.visits, trial.simulation.truth, chance)
        except DesignError as fault:
            raise ProtocolError(fault.problem, field="intercurrent_events", value=fault.value) from None
        found = {f"{ESTIMAND}{name}": Truth(one.value, one.mcse) for name, one in values.items()}
    declared = found.get(f"{ESTIMAND}declared")
    if register is not None:
        return {
            one.label: truth_in_register(trial, one, register, declared) for one in trial.analyses
        } | found
    return {
        one.label: declared_truth(trial, one, engine.survival, declared) for one in trial.analyses
    } | found


def _truth_of(planned: Planned, seed: int) -> Truth:
    """Return what a plan's own estimate aims at; running two trials also shows that it runs."""
    estimate = planned.block(2, seed, "truth", 0).estimate
    if estimate is None:
        return Truth(None, note="this analysis estimates no single number in this world")
    return Truth(estimate.truth)
