"""A register of a cohort card and a disease model: measured scores in every arm."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, DiseaseModel, Floats, History, Ints
from trialsim.errors import ProtocolError
from trialsim.population import draw_eligible
from trialsim.prognosis import Prognosis
from trialsim.prognosis.histories import require_same_scales
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.effects import Slowing
from trialsim.streams import stream
from trialsim.study.declared.drawing.strata import Strata, effect_of
from trialsim.study.declared.drawing.worlds import visit_effect
from trialsim.study.people.composition import compose
from trialsim.study.people.drifts import drift_of
from trialsim.study.people.factor_levels import factor_levels
from trialsim.study.people.history import BASELINE, learnt_covariates, weeks_of
from trialsim.study.people.learning import ModelledHistory
from trialsim.trial.register import Register

STREAM = "register"
# A latent score on the edge of the scale would leave no room for measurement error.
_EDGE = 1e-6


def register_from_card(trial: DeclaredTrial, learnt: ModelledHistory | None, folder: Path) -> Register:
    """Return people of the card with measured scores in every arm, and the twin's score if there is one.

    Each person's course, and every error of measurement, come from the same random numbers in all arms. The
    twin sees covariates and measured baseline, and is the one of the history whatever the drift.

    Parameters
    ----------
    trial : DeclaredTrial
        Of one world, with the course of a disease model.
    learnt : ModelledHistory, optional
        Not needed for a trial without twins.
    folder : Path
        Of the protocol.

    Raises
    ------
    InputError
        The parts do not fit together, or the history is on another scale than the card's people.
    """
    assert trial.population is not None
    world, drift = compose(trial, folder), drift_of(trial)
    disease, size = world.disease, trial.population.register_size
    weeks = np.array((0.0, *weeks_of(trial)))
    chance = partial(stream, trial.seed, STREAM, 0)
    # One BLAS thread: sums over a register have the same bits whatever the machine has.
    with threadpool_limits(1, user_api="blas"):
        people = draw_eligible(
            world.card,
            size,
            chance("register"),
            trial.population.eligibility,
            shift=dict(drift.covariate_shift),
        ).covariates
        course = disease.draw_course(people, chance("disease"))
        natural = disease.natural_history(course, weeks, progression=drift.progression)
        placebo = disease.placebo_response(course, weeks) + np.where(weeks > 0, drift.outcome_shift, 0.0)
        control = disease.measure(natural, placebo, chance("outcome"))

        def column(name: str) -> Floats:
            return control[:, 0] if name == BASELINE else people.column(name)

        levels = factor_levels(trial, size, column)
        arms = [control]
        for arm in range(1, len(trial.arms)):
            treated = treated_latent(trial, arm, natural, levels, disease)
            measured = disease.measure(treated, placebo, chance("outcome"))
            arms.append(np.column_stack([control[:, 0], measured[:, 1:]]))
        scores = np.empty((size, 0))
        if trial.twins is not None:
            scores = _scores(trial, learnt, people.select(learnt_covariates(trial)), control[:, 0])
    return Register(np.array(people.names, dtype=np.str_), people.values, scores, np.stack(arms), levels)


def treated_latent(
    trial: DeclaredTrial, arm: int, natural: Floats, levels: Ints, disease: DiseaseModel
) -> Floats:
    """Return the latent score (M, 1 + V) of an active arm, inside the scale.

    A slowing s gives ``baseline + (1 − s)(natural − baseline)``; a shift or a change of slope adds points.
    """
    effect = effect_of(trial, arm)
    if isinstance(effect, Slowing):
        if not effect.value:
            # The difference below would not be the natural course to the last bit.
            return natural
        baseline = natural[:, :1]
        return np.asarray(baseline + (1 - effect.value) * (natural - baseline))
    points = visit_effect(trial, arm)
    treated = natural + points.shift
    if points.subgroup is not None:
        strata = Strata.of(trial)
        inside = strata.inside(trial, arm)[strata.crossed(levels)]
        treated = treated + inside[:, None] * points.subgroup
    if not (points.shift.any() or points.subgroup is not None):
        return natural
    margin = _EDGE * (disease.upper - disease.lower)
    return np.clip(treated, disease.lower + margin, disease.upper - margin)


def _scores(
    trial: DeclaredTrial, learnt: ModelledHistory | None, covariates: Covariates, baseline: Floats
) -> Floats:
    if learnt is None or not isinstance(learnt.model, Prognosis) or not isinstance(learnt.history, History):
        raise ProtocolError(
            "are not learnt yet", field="twins", value=trial.twins.source if trial.twins else None,
            mend="learn them from the history of a score first",
        )  # fmt: skip
    if not learnt.history.generated:
        require_same_scales(learnt.history, covariates, baseline)
    return learnt.model.predict(covariates, baseline, weeks_of(trial)).score
