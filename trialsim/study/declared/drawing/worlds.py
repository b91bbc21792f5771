"""The worlds in which a declared trial runs: of a time to event, and of visits with intercurrent events."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    ContinuousOutcome,
    DeclaredTrial,
    DiscontinuationDeclared,
    HazardRatio,
    IntercurrentDeclared,
    Shift,
    SlopeChange,
    TimeToEventOutcome,
)
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size, spread_of
from trialsim.study.declared.drawing.laws import dropout_law, piecewise_law, survival_law, treated_law
from trialsim.study.declared.drawing.strata import Strata, effect_of, ratio_of
from trialsim.study.declared.refusing import refusing
from trialsim.trial import (
    DiscontinuationCause,
    IntercurrentEvent,
    LongitudinalWorld,
    SurvivalWorld,
    VisitEffect,
)
from trialsim.trial.intercurrent_events import PeoplePaths
from trialsim.trial.outcomes import WEEKS_PER_MONTH, SurvivalLaw, autoregressive, covariance_of, exchangeable
from trialsim.trial.register import Register


def survival_world(trial: DeclaredTrial, *, allocates: bool = True) -> SurvivalWorld:
    """Return the world of a time to event, with as many participants as the trial may need.

    With `allocates` false it is the law alone, whatever the randomisation: people of a register are
    allocated by the scheme of the trial that recruits them.
    """
    outcome = trial.outcome
    assert isinstance(outcome, TimeToEventOutcome)
    strata = Strata.of(trial)
    control = survival_law(outcome.control)
    laws: list[SurvivalLaw] = [control]
    for arm in range(1, len(trial.arms)):
        effect = effect_of(trial, arm)
        assert isinstance(effect, HazardRatio)
        laws.append(treated_law(control, effect))
    effects = np.ones(len(strata.shares))
    subgroup = ratio_of(trial, 1).subgroup
    if len(trial.arms) > 2 and any(effect.subgroup is not None for effect in trial.effects):
        raise ProtocolError(
            "is served with one active arm when times to events are read", field="effects.subgroup"
        )
    if subgroup is not None:
        effects = np.where(strata.inside(trial, 1), subgroup.value, 1.0)
    with refusing("endpoints"):
        return SurvivalWorld(
            participants=largest_size(trial),
            accrual=accrual_of(trial),
            events=tuple(laws),
            dropout=_leaving(trial, outcome),
            ratio=tuple(arm.allocation for arm in trial.arms),
            block_sizes=block_sizes(trial) if allocates else (),
            strata_shares=tuple(strata.shares.tolist()),
            strata_hazards=tuple(np.exp(strata.outcome).tolist()),
            strata_effects=() if subgroup is None else tuple(effects.tolist()),
            frailty=outcome.frailty,
            dropout_dependence=outcome.dropout_dependence,
            spread=spread_of(trial),
        )


def block_sizes(trial: DeclaredTrial) -> tuple[int, ...]:
    """Return the block sizes of a world that blocks within every stratum, or refuse."""
    scheme = trial.randomisation
    assert scheme is not None
    if scheme.kind == "simple":
        return ()
    names = [factor.name for factor in trial.strata]
    if scheme.kind != "permuted_blocks" or sorted(scheme.strata) != sorted(names):
        raise ProtocolError(
            f"is not served with a {trial.outcome.kind} outcome",
            field="randomisation",
            value=scheme.kind,
            mend="use simple, or permuted_blocks within all the declared strata",
        )
    return scheme.block_sizes


def _leaving(trial: DeclaredTrial, outcome: TimeToEventOutcome) -> tuple[SurvivalLaw | None, ...]:
    """Return the law of leaving in each arm: dropout at constant hazards, and competing causes."""
    months = {cause.by_month for cause in trial.discontinuation if cause.by_month is not None}
    if len(months) > 1:
        raise ProtocolError(
            "must be the same for every cause", field="discontinuation.by_month", value=sorted(months)
        )
    if outcome.competing and outcome.dropout_dependence:
        raise ProtocolError(
            "is not served together with competing causes",
            field="endpoints.dropout_dependence",
            value=outcome.dropout_dependence,
            mend="leave one of the two out",
        )
    extra = [piecewise_law(cause.law, cause.name) for cause in outcome.competing]
    return tuple(dropout_law(trial, arm.name, extra) for arm in trial.arms)


def covariance(outcome: ContinuousOutcome) -> Floats:
    """Return the covariance between baseline and visits (1 + V, 1 + V)."""
    if outcome.covariance:
        return np.asarray(outcome.covariance, dtype=np.float64)
    assert outcome.correlation is not None
    make = {"autoregressive": autoregressive, "exchangeable": exchangeable}[outcome.structure]
    with refusing("endpoints"):
        return covariance_of(outcome.sd, make(len(outcome.sd), outcome.correlation))


def visit_effect(trial: DeclaredTrial, arm: int) -> VisitEffect:
    """Return what an active arm adds at the baseline (nothing) and at every visit (1 + V,)."""
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    effect = effect_of(trial, arm)
    assert isinstance(effect, Shift | SlopeChange)
    weeks = np.array([0.0, *outcome.weeks])
    if isinstance(effect, SlopeChange):
        shape, points = weeks / WEEKS_PER_MONTH, effect.per_month
    else:
        full = effect.full_by_week
        shape = (weeks > 0).astype(np.float64) if full is None else np.minimum(weeks / full, 1.0)
        points = effect.value
    extra = None if effect.subgroup is None else effect.subgroup.value * shape
    return VisitEffect(points * shape, extra)


def longitudinal_world(trial: DeclaredTrial, register: Register | None = None) -> LongitudinalWorld:
    """Return the world of visits with intercurrent events, of the people of a register where there is one."""
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    people = None
    if register is None:
        mean, spread = np.asarray(outcome.mean, dtype=np.float64), covariance(outcome)
        effect = visit_effect(trial, 1)
    else:
        people = PeoplePaths(register.outcomes[0], register.outcomes[1])
        mean, spread = people.control.mean(axis=0), np.cov(people.control, rowvar=False)
        effect = VisitEffect(people.active.mean(axis=0) - mean)
    with refusing("intercurrent_events"):
        world = LongitudinalWorld(
            tuple(outcome.weeks),
            mean,
            spread,
            effect,
            tuple(_event(trial, one) for one in causes_of(trial)),
            outcome.gaps,
            outcome.failure or 0.0,
            people=people,
        )
        world.discontinuation  # noqa: B018 - solved now, so that a world that cannot be is refused here
        return world


def causes_of(trial: DeclaredTrial) -> tuple[DiscontinuationDeclared, ...]:
    """Return discontinuation and intercurrent events, in the order of the engine's events."""
    return (*trial.discontinuation, *trial.intercurrent_events)


def _event(trial: DeclaredTrial, one: DiscontinuationDeclared) -> IntercurrentEvent:
    cumulative = tuple(one.cumulative[name] for name in trial.arm_names)
    cause = DiscontinuationCause(one.cause, cumulative, one.baseline, one.previous, one.current)
    if isinstance(one, IntercurrentDeclared):
        return IntercurrentEvent(cause, one.after, one.added, one.observed)
    return IntercurrentEvent(cause, one.after)
