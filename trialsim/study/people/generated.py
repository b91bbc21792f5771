"""A history that the trial's own card and disease model make: optimistic by construction."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from trialsim.data import History
from trialsim.population import draw_eligible
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.composition import compose
from trialsim.study.people.history import learnt_covariates, weeks_of

STREAM = "history"


def generate_declared_history(trial: DeclaredTrial, folder: Path) -> History:
    """Generate past placebo participants who are eligible, and measured at the visits of the trial.

    They stop at a constant hazard, completely at random, as many by the last visit as the control arm
    declares under ``[[discontinuation]]``, whatever their mechanism there.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``history.generated``, a card and a disease model.
    folder : Path
        Of the protocol.

    Returns
    -------
    History
        Measured values alone, with the covariates of the twins.
    """
    assert trial.history is not None
    assert trial.population is not None
    n = trial.history.generated
    assert n is not None
    world, chance = compose(trial, folder), partial(stream, trial.seed, STREAM, 0)
    weeks = np.array((0.0, *weeks_of(trial)))
    people = draw_eligible(world.card, n, chance("history"), trial.population.eligibility).covariates
    course = world.disease.draw_course(people, chance("disease"))
    outcomes = world.disease.measure(
        world.disease.natural_history(course, weeks), world.disease.placebo_response(course, weeks),
        chance("outcome"),
    )  # fmt: skip
    stopping = sum(cause.cumulative[trial.arms[0].name] for cause in trial.discontinuation)
    uniform = chance("dropout").random(n)
    if stopping:
        left = np.where(uniform < stopping, weeks[-1] * np.log1p(-uniform) / np.log1p(-stopping), np.inf)
        outcomes[left[:, None] <= weeks] = np.nan
    return History(
        endpoint=trial.outcome.name,
        source=f"{n} placebo participants of the card {world.card.name} and the model {world.disease.name}",
        generated=True,
        covariates=people.select(learnt_covariates(trial)),
        weeks=weeks[1:],
        baseline=outcomes[:, 0],
        outcomes=outcomes[:, 1:],
        group=np.zeros(n, dtype=np.int64),
    )
