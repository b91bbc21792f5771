"""What each analysis of a declared trial is held against, and the true value of each estimand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trialsim.protocol.declared import AnalysisDeclared, ContinuousOutcome, DeclaredTrial
from trialsim.registry import Truth
from trialsim.study.declared.carried import carried
from trialsim.study.declared.refusing import reader_of
from trialsim.trial import LongitudinalWorld, SurvivalWorld, true_values
from trialsim.trial.intercurrent_events import STRATEGIES, TrueValue
from trialsim.trial.register import Register

Chance = Callable[[str], np.random.Generator]


def declared_truth(
    trial: DeclaredTrial, analysis: AnalysisDeclared, survival: SurvivalWorld | None, declared: Truth | None
) -> Truth:
    """Return what an analysis is held against where people are only their law.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    analysis : AnalysisDeclared
        The analysis.
    survival : SurvivalWorld or None
        World of times to event.
    declared : Truth or None
        True value under the declared strategies, where there are intercurrent events.
    """
    if declared is not None:
        return declared
    law = carried(trial).law
    assert law is not None
    return reader_of(trial, analysis).true_value(law(trial, survival), analysis)


def truth_in_register(
    trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register, declared: Truth | None
) -> Truth:
    """Return what an analysis is held against: the effect in the people that trials recruit from.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: of one world.
    analysis : AnalysisDeclared
        The analysis.
    register : Register
        The world's people.
    declared : Truth or None
        True value under the declared strategies, where there are intercurrent events.

    Returns
    -------
    Truth
        Exact for this register, so that it has no Monte Carlo error; without a value where the analysis
        estimates no single number.
    """
    if declared is not None:
        return declared
    law = carried(trial).law_in_register
    assert law is not None
    return reader_of(trial, analysis).true_value(law(trial, register), analysis)


def estimands(
    trial: DeclaredTrial, world: LongitudinalWorld, sample: int, chance: Chance
) -> dict[str, TrueValue]:
    """Return the true value of every strategy, and of the declared ones, by its name.

    Composite is left out where no failure value is declared.
    """
    by_event = tuple(one.strategy for one in (*trial.discontinuation, *trial.intercurrent_events))
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    whole = [one for one in STRATEGIES if one != "composite" or outcome.failure is not None]
    found = true_values(world, sample, chance("outcome"), chance("dropout"), [*whole, by_event])
    return {"declared": found[-1]} | {one.strategy: one for one in found[:-1]}
