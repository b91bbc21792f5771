"""A register of the history itself: its participants, with outcomes from the posterior predictive."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import logit
from threadpoolctl import threadpool_limits

from trialsim.data import Floats, History, Ints, OutcomeHistory
from trialsim.errors import require_kind
from trialsim.prognosis import OutcomePrognosis, Prognosis
from trialsim.prognosis.families import FAMILIES, EventFamily
from trialsim.prognosis.validation.outcome_measures import log_cumulative_hazard
from trialsim.protocol.declared import DeclaredTrial, HazardRatio, TimeToEventOutcome
from trialsim.protocol.outcome_table import WEEKS_IN
from trialsim.streams import stream
from trialsim.study.declared.drawing.strata import Strata, effect_of, log_ratios
from trialsim.study.declared.drawing.worlds import visit_effect
from trialsim.study.people import potential
from trialsim.study.people.drifts import drift_of, log_drift
from trialsim.study.people.factor_levels import factor_levels
from trialsim.study.people.history import BASELINE, learnt_covariates, months_of, weeks_of
from trialsim.study.people.learning import ModelledHistory
from trialsim.study.people.own_spread import spread_factors
from trialsim.study.people.placebo_people import PlaceboPeople, placebo_people
from trialsim.trial.register import Register

STREAM = "register"
_TINY = 1e-9


def register_from_history(
    trial: DeclaredTrial, learnt: ModelledHistory, *, own_spread: bool = True
) -> Register:
    """Return people of the history, each with one posterior draw, an outcome in every arm, and the score.

    Participants are drawn with replacement, so that covariates and measured baseline keep their joint law.
    The outcome on placebo is drawn from the model's law given these, for a score with the history's own SD at
    each visit (`trialsim.study.people.own_spread`); other arms have it from the same random
    numbers under their declared effect. The same people and numbers serve every world of a protocol. Such a
    world shows no drift but the declared one, nor what the model got wrong. Beyond the longest follow-up the
    last hazard of a piecewise law goes on, other laws go on as they are, and counts keep each person's rate.

    Parameters
    ----------
    trial : DeclaredTrial
        Of one world.
    learnt : ModelledHistory
        Of that protocol.
    own_spread : bool
        False for the twins' model's own SD of a score, to show beside.

    Returns
    -------
    Register
        The same for the same arguments, on any machine with the same processor.

    Raises
    ------
    InputError
        Too few are eligible, or the history has no people such as a drift asks for.
    """
    assert trial.population is not None
    chance = partial(stream, trial.seed, STREAM, 0)
    # One BLAS thread: sums over a register have the same bits whatever the machine has.
    with threadpool_limits(1, user_api="blas"):
        people = placebo_people(trial, learnt.history)
        who = people.recruit(trial.population.register_size, chance("register"))
        covariates = people.covariates.take(who)
        baseline = people.baseline[who]

        def column(name: str) -> Floats:
            of_endpoint = isinstance(learnt.history, History) and name in (BASELINE, trial.outcome.name)
            return baseline if of_endpoint else covariates.column(name)

        levels = factor_levels(trial, len(who), column)
        if isinstance(learnt.model, Prognosis):
            outcomes = _visits(trial, learnt.model, learnt.history, people, who, levels, own_spread)
        else:
            outcomes = _one_outcome(trial, learnt.model, people, who, levels)
        scores = _scores(trial, learnt, people)[who]
    return Register(np.array(covariates.names, dtype=np.str_), covariates.values, scores, outcomes, levels)


def _visits(
    trial: DeclaredTrial,
    model: Prognosis,
    history: History | OutcomeHistory,
    people: PlaceboPeople,
    who: Ints,
    levels: Ints,
    own_spread: bool,
) -> Floats:
    """Return baseline and visits (A, M, 1 + V)."""
    assert isinstance(history, History)
    weeks = weeks_of(trial)
    baseline = people.baseline[who]
    drawn = model.draw_each(
        people.covariates.take(who), baseline, weeks, stream(trial.seed, STREAM, 0, "outcome")
    )
    if own_spread:
        score = model.predict(people.covariates, people.baseline, weeks).score[who]
        drawn = score + (drawn - score) * spread_factors(model, history.take(people.rows), trial.seed)
    control = np.column_stack([baseline, drawn + drift_of(trial).outcome_shift])
    strata = Strata.of(trial)
    stratum = strata.crossed(levels)
    arms = [control]
    for arm in range(1, len(trial.arms)):
        effect = visit_effect(trial, arm)
        treated = control + effect.shift
        if effect.subgroup is not None:
            treated = treated + strata.inside(trial, arm)[stratum][:, None] * effect.subgroup
        arms.append(treated)
    return np.stack(arms)


def _one_outcome(
    trial: DeclaredTrial, model: OutcomePrognosis, people: PlaceboPeople, who: Ints, levels: Ints
) -> Floats:
    """Return outcomes (A, M, K) of another kind."""
    own = potential.OwnDraws.of(model, people.covariates, who, stream(trial.seed, STREAM, 0, "disease"))
    ratios = log_ratios(trial)[:, Strata.of(trial).crossed(levels)]
    drift, chance = log_drift(trial), stream(trial.seed, STREAM, 0, "outcome")
    kind = trial.outcome.kind
    if kind == "response":
        return potential.responses(own, ratios + drift, chance)
    if kind == "level":
        return potential.ordered_levels(own, ratios + drift, chance)
    if kind in ("count", "recurrent"):
        months = months_of(trial)
        follow_up = potential.in_units(model, months)
        found = potential.counts(own, ratios + drift, follow_up, kind == "recurrent", chance)
        return found * months if kind == "recurrent" else found
    require_kind("outcome", trial.outcome, TimeToEventOutcome)
    starts = np.zeros(len(trial.arms))
    for arm in range(1, len(trial.arms)):
        effect = effect_of(trial, arm)
        assert isinstance(effect, HazardRatio)
        starts[arm] = potential.in_units(model, effect.from_month)
    times = potential.event_times(own, model.family, model.cuts, ratios, drift, starts, chance)
    return times * model.unit / WEEKS_IN["months"]


def _scores(trial: DeclaredTrial, learnt: ModelledHistory, people: PlaceboPeople) -> Floats:
    """Return the score (N, S) of each eligible participant, on the scale that analyses are linear in."""
    model = learnt.model
    visits = len(getattr(trial.outcome, "weeks", ())) or 1
    if learnt.source == "given":
        given = people.covariates.select(learnt_covariates(trial)).values
        given = np.where(np.isnan(given), np.nanmean(given, axis=0), given)
        return np.broadcast_to(given, (len(given), visits)).copy()
    if isinstance(model, Prognosis):
        return model.predict(people.covariates, people.baseline, weeks_of(trial)).score
    expected = model.predict(people.covariates, [model.unit]).score[:, 0]
    return linear_score(model.family, expected, len(model.levels))[:, None]


def linear_score(family: str, expected: Floats, levels: int) -> Floats:
    """Return a prediction (N,) on the scale of the regression that adjusts for it.

    The logit of a probability, or of an expected position as a share of the highest; the log of an expected
    count; the log cumulative hazard of the probability of an event.
    """
    if family == "binary":
        return np.asarray(logit(np.clip(expected, _TINY, 1 - _TINY)))
    if family == "ordinal":
        return np.asarray(logit(np.clip(expected / (levels - 1), _TINY, 1 - _TINY)))
    if family == "count":
        return np.asarray(np.log(np.maximum(expected, _TINY)))
    require_kind("family", FAMILIES[family], EventFamily)
    return log_cumulative_hazard(expected)
