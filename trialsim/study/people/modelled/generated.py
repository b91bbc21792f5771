"""A history that the trial's own card and disease model make: optimistic by construction."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from trialsim.data import Covariates, Floats, History, OutcomeHistory
from trialsim.disease import Realised
from trialsim.disease.inputs import WEEKS_PER_MONTH
from trialsim.errors import ProtocolError
from trialsim.population import draw_eligible
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.history import family_of, learnt_covariates, weeks_of
from trialsim.study.people.modelled.composition import compose
from trialsim.study.people.modelled.dials import dials_of_course
from trialsim.study.people.modelled.realising import realised

STREAM = "history"


def generate_declared_history(trial: DeclaredTrial, folder: Path) -> History | OutcomeHistory:
    """Generate past placebo participants who are eligible, and measured as the trial measures.

    They stop at a constant hazard, completely at random, as many by the last visit, or by the end of
    follow-up, as the control arm declares under ``[[discontinuation]]``, whatever their mechanism there.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``history.generated``, a card and a disease model.
    folder : Path
        Of the protocol.

    Returns
    -------
    History or OutcomeHistory
        Measured values alone, with the covariates of the twins.

    Raises
    ------
    ProtocolError
        Times to an event need `history.week`, until which past participants were followed.
    """
    assert trial.history is not None
    assert trial.population is not None
    n = trial.history.generated
    assert n is not None
    world, chance = compose(trial, folder), partial(stream, trial.seed, STREAM, 0)
    people = draw_eligible(world.card, n, chance("history"), trial.population.eligibility).covariates
    found = realised(trial, world.disease, people, dials_of_course(trial), chance)
    covariates = people.select(learnt_covariates(trial))
    source = f"{n} placebo participants of the card {world.card.name} and the model {world.disease.name}"
    uniform = chance("dropout").random(n)
    if trial.outcome.kind == "score":
        return _of_visits(trial, source, covariates, found, uniform)
    return _of_outcomes(trial, source, covariates, found, uniform)


def _of_visits(
    trial: DeclaredTrial, source: str, covariates: Covariates, found: Realised, uniform: Floats
) -> History:
    weeks, outcomes = np.array((0.0, *weeks_of(trial))), found.outcomes
    if found.ends is not None:
        outcomes[found.ends[:, None] * WEEKS_PER_MONTH < weeks] = np.nan
    outcomes[_left(trial, uniform, weeks[-1])[:, None] <= weeks] = np.nan
    return History(
        endpoint=trial.outcome.name,
        source=source,
        generated=True,
        covariates=covariates,
        weeks=weeks[1:],
        baseline=outcomes[:, 0],
        outcomes=outcomes[:, 1:],
        group=np.zeros(len(uniform), dtype=np.int64),
    )


def _of_outcomes(
    trial: DeclaredTrial, source: str, covariates: Covariates, found: Realised, uniform: Floats
) -> OutcomeHistory:
    kind, week = trial.outcome.kind, _followed(trial)
    seen = np.minimum(week, _left(trial, uniform, week))
    if found.ends is not None:
        seen = np.minimum(seen, found.ends * WEEKS_PER_MONTH)
    outcome, time = found.outcomes[:, 0], np.full(len(uniform), week)
    if kind == "recurrent":
        outcome = (found.outcomes * WEEKS_PER_MONTH <= seen[:, None]).sum(axis=1).astype(np.float64)
        time = seen
    elif kind == "time_to_event":
        event = outcome * WEEKS_PER_MONTH
        outcome, time = (event <= seen).astype(np.float64), np.minimum(event, seen)
    kept = slice(None) if kind in ("recurrent", "time_to_event") else seen >= week
    return OutcomeHistory(
        endpoint=trial.outcome.name,
        source=source,
        family=family_of(trial),
        covariates=covariates.take(np.arange(len(uniform))[kept]),
        outcome=outcome[kept],
        time=time[kept],
        group=np.zeros(len(outcome[kept]), dtype=np.int64),
        levels=tuple(getattr(trial.outcome, "levels", ())),
        generated=True,
    )


def _followed(trial: DeclaredTrial) -> float:
    """Return the week until which past participants were followed."""
    assert trial.history is not None
    if trial.history.week is not None:
        return trial.history.week
    if trial.outcome.kind == "time_to_event":
        raise ProtocolError(
            "is needed by a generated history of times to an event", field="history.week",
            mend="say until which week the past participants were followed",
        )  # fmt: skip
    # A response has one time and no clock: any unit of time will do.
    return float(getattr(trial.outcome, "months", 0.0)) * WEEKS_PER_MONTH or 1.0


def _left(trial: DeclaredTrial, uniform: Floats, last: float) -> Floats:
    """Return the week of leaving (N,), infinite for those who stay."""
    stopping = sum(cause.cumulative[trial.arms[0].name] for cause in trial.discontinuation)
    if not stopping:
        return np.full(len(uniform), np.inf)
    return np.where(uniform < stopping, last * np.log1p(-uniform) / np.log1p(-stopping), np.inf)
