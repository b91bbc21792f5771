"""Trials with a time to an event: by declared hazards, or of people of a register."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialsim.data import Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign
from trialsim.registry import Truth
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.bounds import planned_bounds
from trialsim.study.declared.carried import Columns
from trialsim.study.declared.drawing.accrual import accrual_of
from trialsim.study.declared.drawing.people import Chance, People, draw_people
from trialsim.study.declared.drawing.recruits import recruit_survival
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.drawing.worlds import survival_world
from trialsim.study.declared.engines.common import (
    BlockReading,
    Engine,
    Everybody,
    chance_of,
    check_allocation,
)
from trialsim.study.declared.reading import Reading
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.survival import SurvivalLooksPlan, read_survival
from trialsim.trial import PlannedAccrual, SitePlan, SurvivalWorld, simulate_survival
from trialsim.trial.interim import Looks, check_event_order
from trialsim.trial.outcomes import SurvivalTrials
from trialsim.trial.register import Register

_REACH_TRIALS = 400


class Times(Engine):
    """Reads times to an event at looks by events or by the calendar."""

    @abstractmethod
    def draw(self, replicates: int, chance: Chance) -> tuple[SurvivalTrials, Ints, Ints | None]:
        """Return the trials of a block, the levels of everybody's factors, and their rows in a register."""

    @abstractmethod
    def truths(self) -> dict[str, Truth]:
        """Return what each analysis is held against."""

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block and read it."""
        trials, levels, rows = self.draw(replicates, chance_of(seed, streams, block))
        return BlockReading(self._read(trials, levels, rows), {})

    def _read(self, trials: SurvivalTrials, levels: Ints, rows: Ints | None) -> dict[str, Reading]:
        return self.read_at(trials, levels, rows, self.looks(trials))

    def looks(self, trials: SurvivalTrials) -> Looks:
        """Return when the trials are looked at."""
        return SurvivalLooksPlan.of(self.trial).of_trials(trials)

    def read_at(
        self, trials: SurvivalTrials, levels: Ints, rows: Ints | None, looks: Looks
    ) -> dict[str, Reading]:
        """Return every analysis of trials at given looks."""
        columns = {
            one.label: adjusting_columns(self.trial, one, levels, self.register, rows)
            for one in self.trial.analyses
        }
        return read_survival(self.trial, trials, looks, columns)

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody:
        """Return all who were drawn in a block."""
        trials, _, rows = self.draw(replicates, chance_of(seed, self.streams, block))
        columns: Columns = {"month_of_entry": trials.entry, "months": trials.time, "event": trials.event}
        columns |= self.of_register(rows)
        return Everybody(trials.arm, trials.stratum, columns)

    def events_by(self, latest: float) -> float:
        """Return the events expected by a calendar month, from 400 trials."""
        found, _, _ = self.draw(_REACH_TRIALS, chance_of(self.trial.seed, "reach", 0))
        had = (found.event == 1) & (found.entry + found.time <= latest)
        return float(had.sum(axis=1).mean())


@dataclass(frozen=True)
class TimesByLaw(Times):
    """Times to an event of a world of declared hazards.

    Parameters
    ----------
    world : SurvivalWorld
        The world.
    """

    world: SurvivalWorld | None = None

    @classmethod
    def of(cls, trial: DeclaredTrial) -> TimesByLaw:
        """Return what carries out a trial, or refuse it."""
        assert trial.participants is not None
        world = survival_world(trial)
        check_allocation(trial)
        engine = cls(trial, trial.participants, Strata.of(trial), world=world)
        _check_events(trial, world.participants, engine.reachable)
        return engine

    def draw(self, replicates: int, chance: Chance) -> tuple[SurvivalTrials, Ints, Ints | None]:
        """Return the trials of a block, and the levels of everybody's factors."""
        assert self.world is not None
        trials = simulate_survival(self.world, replicates, chance)
        return trials, self.strata.levels[trials.stratum], None

    def reachable(self, latest: float) -> float:
        """Return the events expected by a month; without one by quadrature."""
        assert self.world is not None
        return self.world.reachable_events if not np.isfinite(latest) else self.events_by(latest)

    def truths(self) -> dict[str, Truth]:
        """Return what each analysis is held against."""
        return self.truths_by_analysis(survival=self.world)


@dataclass(frozen=True)
class TimesInRegister(Times):
    """Times to an event of those who are recruited from a register.

    Parameters
    ----------
    accrual : PlannedAccrual or SitePlan
        How they enter.
    """

    accrual: PlannedAccrual | SitePlan | None = None

    @classmethod
    def of(cls, trial: DeclaredTrial, register: Register) -> TimesInRegister:
        """Return what carries out a trial, or refuse it."""
        assert trial.participants is not None
        check_allocation(trial)
        engine = cls(trial, trial.participants, Strata.of(trial), register, accrual_of(trial))
        _check_events(trial, trial.participants, engine.events_by)
        return engine

    def recruit(self, replicates: int, chance: Chance) -> tuple[People, SurvivalTrials]:
        """Recruit the trials of a block."""
        assert self.accrual is not None
        people = draw_people(
            self.trial, self.accrual, self.strata, self.participants, replicates, chance, self.register
        )
        return people, self.of_people(people, chance)

    def of_people(self, people: People, chance: Chance) -> SurvivalTrials:
        """Return what happens to those who were recruited."""
        assert self.register is not None
        return recruit_survival(self.trial, people, self.strata, self.register, chance)

    def draw(self, replicates: int, chance: Chance) -> tuple[SurvivalTrials, Ints, Ints | None]:
        """Return the trials of a block, the levels of everybody's factors, and their rows."""
        people, trials = self.recruit(replicates, chance)
        return trials, people.levels, people.rows

    def truths(self) -> dict[str, Truth]:
        """Return what each analysis is held against."""
        return self.truths_by_analysis()


def _check_events(trial: DeclaredTrial, participants: int, reachable: Callable[[float], float]) -> None:
    design, plan = trial.design, SurvivalLooksPlan.of(trial)
    if isinstance(design, GroupSequentialDesign) and plan.events:
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
