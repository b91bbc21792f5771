"""A score at visits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import ContinuousOutcome, DeclaredTrial
from trialsim.registry import SeenVisits
from trialsim.study.declared.carried import Carried, Columns, Sums
from trialsim.study.declared.drawing.people import Chance, Drawing, People
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.drawing.worlds import causes_of, covariance, visit_effect
from trialsim.study.declared.truths.laws import ScoreLaw
from trialsim.trial import SurvivalWorld, normal_outcomes, simulate_longitudinal
from trialsim.trial.allocation import Labels
from trialsim.trial.intercurrent_events import LongitudinalTrials, intermittent_gaps
from trialsim.trial.outcomes import WEEKS_PER_MONTH
from trialsim.trial.register import Register


def outcome_of(trial: DeclaredTrial) -> ContinuousOutcome:
    """Return the score of a trial."""
    assert isinstance(trial.outcome, ContinuousOutcome)
    return trial.outcome


def draw(drawing: Drawing) -> LongitudinalTrials:
    """Draw visits by the declared law, with why people stop where that is declared."""
    trial, people, chance = drawing.trial, drawing.people, drawing.chance
    if drawing.visits is not None:
        return simulate_longitudinal(drawing.visits, people.arm, chance("outcome"), chance("dropout"))
    outcome, strata = outcome_of(trial), drawing.strata
    effects = tuple(visit_effect(trial, arm) for arm in range(1, len(trial.arms)))
    inside = np.zeros(people.arm.shape, dtype=bool)
    for arm in range(1, len(trial.arms)):
        inside |= (people.arm == arm) & strata.inside(trial, arm)[people.stratum]
    paths = normal_outcomes(people.arm, outcome.mean, covariance(outcome), effects, chance("outcome"), inside)
    if strata.outcome.any():
        paths += strata.outcome[people.stratum][..., None]
    return _without_events(outcome, people.arm, paths, chance)


def recruit(drawing: Drawing) -> LongitudinalTrials:
    """Return the visits that those who were recruited have in their own arm, as far as they stay."""
    people, chance, register = drawing.people, drawing.chance, drawing.register
    assert register is not None
    if drawing.visits is not None:
        control = register.outcomes[0][people.rows]
        paths = (control, register.outcomes[1][people.rows] - control)
        trials = simulate_longitudinal(
            drawing.visits, people.arm, chance("outcome"), chance("dropout"), paths
        )
    else:
        trials = _without_events(outcome_of(drawing.trial), people.arm, drawing.in_own_arm, chance)
    ends = drawing.ends
    if ends is None:
        return trials
    gone = trials.weeks > ends[..., None] * WEEKS_PER_MONTH
    return replace(trials, outcomes=np.where(gone, np.nan, trials.outcomes))


def _without_events(
    outcome: ContinuousOutcome, arm: Labels, paths: Floats, chance: Chance
) -> LongitudinalTrials:
    """Return visits of people (R, N, 1 + V) whom nothing befalls but gaps."""
    values = paths[..., 1:]
    if outcome.gaps:
        missed = intermittent_gaps(values.shape, outcome.gaps, chance("dropout"))
        values = np.where(missed, np.nan, values)
    shape, visits = arm.shape, len(outcome.weeks)
    return LongitudinalTrials(
        np.asarray(outcome.weeks),
        arm,
        paths[..., 0],
        values,
        np.full(shape, visits, dtype=np.int64),
        np.full(shape, -1, dtype=np.int64),
    )


def see(
    trial: DeclaredTrial,
    people: People,
    outcomes: LongitudinalTrials,
    covariates: Floats | None,
    known: Bools | None,
) -> SeenVisits:
    """Return visits as an analysis sees them: whoever is not known yet has no value and no event."""
    outcome, values, cause = outcome_of(trial), outcomes.outcomes, outcomes.cause
    if known is not None:
        values, cause = np.where(known[..., None], values, np.nan), np.where(known, cause, -1)
    return SeenVisits(
        arm=outcomes.arm,
        covariates=covariates,
        stratum=people.stratum,
        baseline=outcomes.baseline,
        outcomes=values,
        visit=outcomes.visit,
        cause=cause,
        gaps=bool(outcome.gaps),
        failure=outcome.failure,
        known=known,
        weeks=outcomes.weeks,
    )


def change(outcomes: LongitudinalTrials) -> Floats:
    """Return the change at the last visit (R, N)."""
    return np.asarray(outcomes.outcomes[..., -1] - outcomes.baseline)


def columns(trial: DeclaredTrial, outcomes: LongitudinalTrials) -> Columns:
    """Return baseline, visits and why each stopped."""
    causes = np.array([*(one.cause for one in causes_of(trial)), ""], dtype=object)
    visits = {f"week_{week:g}": outcomes.outcomes[..., v] for v, week in enumerate(outcomes.weeks)}
    return {"baseline": outcomes.baseline, **visits, "cause": causes[outcomes.cause]}


def favours(trial: DeclaredTrial, arm: int) -> bool:
    """Return whether an active arm is truly better at the last visit."""
    return bool(trial.outcome.sign * visit_effect(trial, arm).shift[-1] > 0)


def law(trial: DeclaredTrial, world: SurvivalWorld | None) -> ScoreLaw:
    """Return what is true of the last visit."""
    effect, strata = visit_effect(trial, 1), Strata.of(trial)
    extra = 0.0 if effect.subgroup is None else float(effect.subgroup[-1])
    share = float(strata.shares[strata.inside(trial, 1)].sum())
    return ScoreLaw(float(effect.shift[-1]) + share * extra)


def law_in_register(trial: DeclaredTrial, register: Register) -> ScoreLaw:
    """Return what is true of the last visit of a register's people."""
    control, active = register.outcomes[0], register.outcomes[1]
    return ScoreLaw(float((active[:, -1] - control[:, -1]).mean()))


def sums(trial: DeclaredTrial) -> Sums:
    """Return the law of the last visit in each arm."""
    outcome = outcome_of(trial)
    shifts = [visit_effect(trial, arm).shift[-1] for arm in range(1, len(trial.arms))]
    means = outcome.sign * (outcome.mean[-1] + np.array([0.0, *shifts]))
    return "normal", means, math.sqrt(covariance(outcome)[-1, -1])


SCORE = Carried(draw, law, recruit, law_in_register, see, change, columns, favours, sums, visits=True)
