"""A response, and an ordered level: one number a participant."""

from __future__ import annotations

import math

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import BinaryOutcome, DeclaredTrial, OrdinalOutcome
from trialsim.study.declared.carried import Carried, Sums
from trialsim.study.declared.drawing.people import Drawing, lost
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.declared.truths.laws import ResponseLaw
from trialsim.study.declared.truths.levels import LevelLaw, LevelsOfPeople
from trialsim.trial import SurvivalWorld, binary_outcomes, ordinal_outcomes
from trialsim.trial.register import Register


def draw_responses(drawing: Drawing) -> Floats:
    """Draw 0 or 1, NaN for those who leave at random."""
    trial, people = drawing.trial, drawing.people
    control = [_response(trial).control] * len(trial.arms)
    shift = log_ratios(trial)[people.arm, people.stratum]
    return _of_those_who_stay(drawing, binary_outcomes(people.arm, control, drawing.chance("outcome"), shift))


def draw_levels(drawing: Drawing) -> Floats:
    """Draw levels from 0, NaN for those who leave at random."""
    trial, people = drawing.trial, drawing.people
    shift = log_ratios(trial)[people.arm, people.stratum]
    drawn = ordinal_outcomes(people.arm, _level(trial).shares, shift, drawing.chance("outcome"))
    return _of_those_who_stay(drawing, drawn)


def _of_those_who_stay(drawing: Drawing, drawn: np.ndarray) -> Floats:
    gone = lost(drawing.trial, drawing.people.arm, drawing.chance("dropout"))
    return np.where(gone, np.nan, drawn.astype(np.float64))


def _response(trial: DeclaredTrial) -> BinaryOutcome:
    assert isinstance(trial.outcome, BinaryOutcome)
    return trial.outcome


def _level(trial: DeclaredTrial) -> OrdinalOutcome:
    assert isinstance(trial.outcome, OrdinalOutcome)
    return trial.outcome


def law_of_responses(trial: DeclaredTrial, world: SurvivalWorld | None) -> ResponseLaw:
    """Return the risks of both arms over the strata."""
    control = _response(trial).control
    logit = math.log(control / (1 - control))
    table = 1 / (1 + np.exp(-(logit + log_ratios(trial)[:2])))
    risks = (table * Strata.of(trial).shares).sum(axis=1)
    return ResponseLaw(float(risks[0]), float(risks[1]))


def law_of_levels(trial: DeclaredTrial, world: SurvivalWorld | None) -> LevelLaw:
    """Return the levels of both arms in the strata."""
    return LevelLaw(trial, _level(trial).shares, log_ratios(trial)[:2], Strata.of(trial).shares)


def responses_of_people(trial: DeclaredTrial, register: Register) -> ResponseLaw:
    """Return the risks of a register's people."""
    return ResponseLaw(float(register.outcomes[0].mean()), float(register.outcomes[1].mean()))


def levels_of_people(trial: DeclaredTrial, register: Register) -> LevelsOfPeople:
    """Return the levels of a register's people."""
    return LevelsOfPeople(register.outcomes[0][:, 0], register.outcomes[1][:, 0])


def sums_of_responses(trial: DeclaredTrial) -> Sums:
    """Return the probability of what is better in each arm."""
    outcome = _response(trial)
    logit = math.log(outcome.control / (1 - outcome.control))
    p = 1 / (1 + np.exp(-(logit + log_ratios(trial)[:, 0])))
    return "binary", p if outcome.sign > 0 else 1 - p, 1.0


RESPONSE = Carried(
    draw_responses, law_of_responses, law_in_register=responses_of_people, sums=sums_of_responses
)
LEVEL = Carried(draw_levels, law_of_levels, law_in_register=levels_of_people)
