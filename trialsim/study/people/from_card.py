"""A register of a cohort card and a disease model: what people have in every arm."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats, History, OutcomeHistory
from trialsim.disease import Realised
from trialsim.disease.interface import Chance
from trialsim.errors import ProtocolError
from trialsim.population import draw_eligible
from trialsim.prognosis import OutcomePrognosis, Prognosis
from trialsim.prognosis.histories import require_same_covariate_scales, require_same_scales
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.drifts import drift_of
from trialsim.study.people.factor_levels import factor_levels
from trialsim.study.people.from_history import linear_score
from trialsim.study.people.history import BASELINE, learnt_covariates, weeks_of
from trialsim.study.people.learning import ModelledHistory
from trialsim.study.people.modelled.composition import Composition, compose
from trialsim.study.people.modelled.dials import dials_of_arm, dials_of_world
from trialsim.study.people.modelled.realising import harms_of, realised
from trialsim.study.people.own_spread import OwnMoments
from trialsim.study.people.told import score_told
from trialsim.trial.register import Register

STREAM = "register"


def register_from_card(
    trial: DeclaredTrial, learnt: ModelledHistory | None, folder: Path, *, own_spread: bool = True
) -> Register:
    """Return people of the card with what they have in every arm, and the twin's score if there is one.

    Each person's course, and all luck, come from the same random numbers in all arms. The twin sees
    covariates and measured baseline, and is the one of the history whatever the drift. Where the history is
    of real participants with a score at visits, changes get its own SD and correlation with the baseline
    (`trialsim.study.people.own_spread.OwnMoments`): sizes follow what was seen, not what a model spreads.

    Parameters
    ----------
    trial : DeclaredTrial
        Of one world, with the course of a disease model.
    learnt : ModelledHistory, optional
        Not needed for a trial without learnt twins.
    folder : Path
        Of the protocol.
    own_spread : bool
        False for the model's own SD, to show beside.

    Raises
    ------
    InputError
        The parts do not fit together, or the history is on another scale than the card's people.
    """
    assert trial.population is not None
    world, size = compose(trial, folder), trial.population.register_size
    chance = partial(stream, trial.seed, STREAM, 0)
    # One BLAS thread: sums over a register have the same bits whatever the machine has.
    with threadpool_limits(1, user_api="blas"):
        people, control = _on_placebo(trial, world, chance)
        baseline = control.outcomes[:, 0]

        def column(name: str) -> Floats:
            measured = trial.outcome.kind == "score" and name == BASELINE
            return baseline if measured else people.column(name)

        levels = factor_levels(trial, size, column)
        turned = [dials_of_arm(trial, arm, world.disease, levels) for arm in range(1, len(trial.arms))]
        arms = [control, *(realised(trial, world.disease, people, dials, chance) for dials in turned)]
        of_world = dials_of_world(trial, world.disease)
        harms = harms_of(trial, world.disease, people, [of_world, *turned], chance)
        tables = _outcomes(trial, arms)
        history = None if learnt is None else learnt.history
        if own_spread and isinstance(history, History) and not history.generated:
            tables[:, :, 1:] += _own_moments(trial, world, control, history, chance).moved(control.outcomes)
        scores = _scores(trial, learnt, people, control.outcomes, chance)
    names = np.array(people.names, dtype=np.str_)
    return Register(names, people.values, scores, tables, levels, _ends(arms), harms)


def _on_placebo(trial: DeclaredTrial, world: Composition, chance: Chance) -> tuple[Covariates, Realised]:
    """Return the people of a world, and what they have on placebo."""
    assert trial.population is not None
    people = draw_eligible(
        world.card,
        trial.population.register_size,
        chance("register"),
        trial.population.eligibility,
        shift=dict(drift_of(trial).covariate_shift),
    ).covariates
    return people, realised(trial, world.disease, people, dials_of_world(trial, world.disease), chance)


def _own_moments(
    trial: DeclaredTrial, world: Composition, control: Realised, history: History, chance: Chance
) -> OwnMoments:
    """Return what the history's SD asks of the model's people, the same in every drifted world."""
    (scenario,) = trial.scenarios
    if scenario.drift is not None:
        still = trial.model_copy(update={"scenarios": (scenario.model_copy(update={"drift": None}),)})
        _, control = _on_placebo(still, world, chance)
    return OwnMoments.of(control.outcomes, history)


def _outcomes(trial: DeclaredTrial, arms: list[Realised]) -> Floats:
    """Return the outcomes of all arms (A, M, K); the measured baseline is the same in all of them."""
    tables = [one.outcomes for one in arms]
    if trial.outcome.kind == "score":
        first = tables[0][:, 0]
        return np.stack([tables[0], *(np.column_stack([first, one[:, 1:]]) for one in tables[1:])])
    widest = max(one.shape[1] for one in tables)
    return np.stack(
        [np.pad(one, ((0, 0), (0, widest - one.shape[1])), constant_values=np.nan) for one in tables]
    )


def _ends(arms: list[Realised]) -> Floats:
    """Return the months in which something else ends what can be seen (A, M); empty if nothing does."""
    if all(one.ends is None for one in arms):
        return np.empty((0, 0))
    return np.stack([np.full(len(one.outcomes), np.inf) if one.ends is None else one.ends for one in arms])


def _scores(
    trial: DeclaredTrial,
    learnt: ModelledHistory | None,
    people: Covariates,
    control: Floats,
    chance: Chance,
) -> Floats:
    """Return the score of everybody (M, S): at every visit of a score, else one; none without twins."""
    if trial.twins is None:
        return np.empty((len(people), 0))
    if trial.twins.source == "assumed":
        return score_told(trial, control, chance)
    if learnt is None:
        raise ProtocolError(
            "are not learnt yet", field="twins", value=trial.twins.source,
            mend="learn them from the history first",
        )  # fmt: skip
    covariates, model, history = people.select(learnt_covariates(trial)), learnt.model, learnt.history
    if isinstance(model, OutcomePrognosis):
        assert isinstance(history, OutcomeHistory)
        if not history.generated:
            require_same_covariate_scales(history, covariates)
        expected = model.predict(covariates, [model.unit]).score[:, 0]
        return linear_score(model.family, expected, len(model.levels))[:, None]
    assert isinstance(model, Prognosis)
    assert isinstance(history, History)
    if not history.generated:
        require_same_scales(history, covariates, control[:, 0])
    return model.predict(covariates, control[:, 0], weeks_of(trial)).score
