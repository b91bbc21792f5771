"""Times to an event of those who were recruited from a register."""

from __future__ import annotations

import numpy as np

from trialsim.protocol.declared import DeclaredTrial, TimeToEventOutcome
from trialsim.study.declared.drawing.laws import dropout_law, piecewise_law
from trialsim.study.declared.drawing.people import Chance, People
from trialsim.study.declared.drawing.strata import Strata
from trialsim.trial.outcomes import SurvivalTrials
from trialsim.trial.register import Register


def recruit_survival(
    trial: DeclaredTrial, people: People, strata: Strata, register: Register, chance: Chance
) -> SurvivalTrials:
    """Return trials of people who have the event of their own arm, or leave before.

    Parameters
    ----------
    trial : DeclaredTrial
        Says why people leave, and which competing causes end follow-up.
    people : People
        Those who were recruited, with their rows in the register.
    strata : Strata
        Crossing of the factors.
    register : Register
        Months to the event in every arm.
    chance : callable
        From the component ``dropout`` to its generator.

    Returns
    -------
    SurvivalTrials
    """
    outcome = trial.outcome
    assert isinstance(outcome, TimeToEventOutcome)
    assert people.rows is not None
    own = register.outcomes[people.arm, people.rows, 0]
    patience = chance("dropout").standard_exponential(own.shape)
    causes = [piecewise_law(cause.law, cause.name) for cause in outcome.competing]
    ends = register.ends
    left = ends[people.arm, people.rows] if ends.size else np.full(own.shape, np.inf)
    for arm, name in enumerate(trial.arm_names):
        law = dropout_law(trial, name, causes)
        if law is not None:
            np.minimum(left, law.time_of(patience), out=left, where=people.arm == arm)
    event = (own <= left) & np.isfinite(own)
    return SurvivalTrials(
        people.entry, np.minimum(own, left), event.view(np.int8), people.arm, people.stratum,
        len(strata.shares),
    )  # fmt: skip
