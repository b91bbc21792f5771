"""A time to an event."""

from __future__ import annotations

from trialsim.protocol.declared import DeclaredTrial, HazardRatio, TimeToEventOutcome
from trialsim.study.declared.carried import Carried
from trialsim.study.declared.drawing.strata import effect_of
from trialsim.study.declared.truths.times import TimeLaw, TimesOfPeople
from trialsim.trial import SurvivalWorld
from trialsim.trial.register import Register


def outcome_of(trial: DeclaredTrial) -> TimeToEventOutcome:
    """Return the time to an event of a trial."""
    assert isinstance(trial.outcome, TimeToEventOutcome)
    return trial.outcome


def law(trial: DeclaredTrial, world: SurvivalWorld | None) -> TimeLaw:
    """Return what is true in a world of declared hazards."""
    assert world is not None
    return TimeLaw(trial, outcome_of(trial), world)


def law_in_register(trial: DeclaredTrial, register: Register) -> TimesOfPeople:
    """Return what is true of a register's people."""
    return TimesOfPeople(outcome_of(trial), register.outcomes[0][:, 0], register.outcomes[1][:, 0])


def favours(trial: DeclaredTrial, arm: int) -> bool:
    """Return whether an active arm truly delays the event."""
    effect = effect_of(trial, arm)
    return isinstance(effect, HazardRatio) and effect.value < 1


TIME_TO_EVENT = Carried(law=law, law_in_register=law_in_register, favours=favours, engine="times")
