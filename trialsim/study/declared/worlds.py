"""A declared trial as the engine's objects: laws, sites, strata, effects and intercurrent events."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import (
    ContinuousOutcome,
    CureDeclared,
    DeclaredTrial,
    DiscontinuationDeclared,
    Effect,
    HazardRatio,
    IntercurrentDeclared,
    Law,
    MedianLaw,
    OddsRatio,
    PiecewiseLaw,
    PlannedEnrolment,
    RateRatio,
    Shift,
    SiteEnrolment,
    SlopeChange,
    TimeToEventOutcome,
)
from trialsim.trial import (
    CureLaw,
    DiscontinuationCause,
    IntercurrentEvent,
    LongitudinalWorld,
    PiecewiseHazard,
    PlannedAccrual,
    SitePlan,
    SurvivalLaw,
    SurvivalWorld,
    VisitEffect,
    WeibullLaw,
    autoregressive,
    covariance_of,
    exchangeable,
    site_plan,
)
from trialsim.trial.accrual import Spread
from trialsim.trial.sites import NO_CAP

_MONTH = 365.25 / 84


@contextmanager
def refusing(field: str) -> Iterator[None]:
    """Turn a refusal of the engine into one of the file's table."""
    try:
        yield
    except DesignError as fault:
        inner = f"{field} ({fault.field})" if fault.field else field
        raise ProtocolError(fault.problem, field=inner, value=fault.value, mend=fault.mend) from None


@dataclass(frozen=True)
class ProportionalLaw:
    """A law whose hazard is multiplied by a ratio: :math:`S(t) = S_0(t)^h`."""

    law: SurvivalLaw
    ratio: float

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return the times at which standard exponentials are used up."""
        return self.law.time_of(exponential, self.ratio * hazard_ratio)

    def survival(self, months: ArrayLike) -> Floats:
        """Return the probability of no event by each month."""
        return np.asarray(self.law.survival(months) ** self.ratio)


@dataclass(frozen=True)
class Strata:
    """The crossing of the declared factors, S of them, in the order of the last factor fastest.

    Parameters
    ----------
    levels : ndarray of int (S, F)
        Level of each factor.
    shares, outcome : ndarray (S,)
        Share of participants, and what the stratum adds to the control's law.
    """

    levels: np.ndarray
    shares: Floats
    outcome: Floats

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Strata:
        """Return the strata of a trial; one without any factor."""
        crossed = list(itertools.product(*(range(len(one.levels)) for one in trial.strata)))
        levels = np.array(crossed, dtype=np.int64).reshape(len(crossed), len(trial.strata))
        shares, outcome = np.ones(len(levels)), np.zeros(len(levels))
        for position, factor in enumerate(trial.strata):
            shares *= np.asarray(factor.shares)[levels[:, position]]
            if factor.outcome:
                outcome += np.asarray(factor.outcome)[levels[:, position]]
        return cls(levels, shares, outcome)

    def inside(self, trial: DeclaredTrial, arm: int) -> np.ndarray:
        """Return which strata are in the subgroup of an arm's effect (S,)."""
        effect = effect_of(trial, arm)
        if effect is None or effect.subgroup is None:
            return np.zeros(len(self.shares), dtype=bool)
        names = [factor.name for factor in trial.strata]
        position = names.index(effect.subgroup.factor)
        level = trial.strata[position].levels.index(effect.subgroup.level)
        return np.asarray(self.levels[:, position] == level)


def effect_of(trial: DeclaredTrial, arm: int) -> Effect | None:
    """Return the declared effect of an arm, None for the control."""
    return {effect.arm: effect for effect in trial.effects}.get(trial.arms[arm].name)


def ratio_of(trial: DeclaredTrial, arm: int) -> HazardRatio | OddsRatio | RateRatio:
    """Return the declared ratio of an active arm."""
    effect = effect_of(trial, arm)
    assert isinstance(effect, HazardRatio | OddsRatio | RateRatio)
    return effect


def log_ratios(trial: DeclaredTrial) -> Floats:
    """Return log odds or rate ratios of each arm and stratum against the control's own law (A, S)."""
    strata = Strata.of(trial)
    table = np.tile(strata.outcome, (len(trial.arms), 1))
    for arm in range(1, len(trial.arms)):
        effect = ratio_of(trial, arm)
        table[arm] += math.log(effect.value)
        if effect.subgroup is not None:
            table[arm] += np.where(strata.inside(trial, arm), math.log(effect.subgroup.value), 0.0)
    return table


def survival_law(law: Law) -> SurvivalLaw:
    """Return a declared law."""
    if isinstance(law, PiecewiseLaw):
        return PiecewiseHazard(tuple(law.hazards), tuple(law.starts))
    if isinstance(law, MedianLaw):
        return PiecewiseHazard((math.log(2) / law.median,))
    if isinstance(law, CureDeclared):
        return CureLaw(law.cured, survival_law(law.uncured))
    return WeibullLaw(law.scale, law.shape)


def treated_law(law: SurvivalLaw, effect: HazardRatio) -> SurvivalLaw:
    """Return the law under a hazard ratio, from the start or from a month on."""
    if isinstance(law, PiecewiseHazard):
        if effect.from_month:
            return law.times(PiecewiseHazard((1.0, effect.value), (0.0, effect.from_month)))
        return law.times(PiecewiseHazard((effect.value,)))
    if effect.from_month:
        raise ProtocolError(
            "a delayed effect is served with hazards that are constant in pieces",
            field=f"effects.{effect.arm}.from_month",
            value=effect.from_month,
            mend="give outcome.law as piecewise or median",
        )
    if isinstance(law, WeibullLaw):
        return WeibullLaw(law.scale * effect.value ** (-1 / law.shape), law.shape)
    return ProportionalLaw(law, effect.value)


def accrual_of(trial: DeclaredTrial) -> PlannedAccrual | SitePlan:
    """Return how participants enter, refused where the caps let in fewer than planned."""
    enrolment = trial.enrolment
    assert enrolment is not None
    with refusing("enrolment"):
        if not isinstance(enrolment, SiteEnrolment):
            plan = PlannedAccrual(tuple(enrolment.rates), tuple(enrolment.durations))
            needed = largest_size(trial)
            closes = enrolment.spread == "even" or (enrolment.spread == "poisson" and not enrolment.rates[-1])
            if closes and needed > plan.total + 1e-9:
                raise ProtocolError(
                    f"cannot be enrolled: accrual closes at {plan.total:g}",
                    field="participants",
                    value=needed,
                    mend="enrol longer or faster",
                )
            return plan
        sites = _sites(enrolment)
        if largest_size(trial) > sites.most:
            raise ProtocolError(
                f"cannot be enrolled: the sites let in {sites.most}",
                field="participants",
                value=largest_size(trial),
                mend="raise the caps, open more sites, or ask for fewer participants",
            )
        return sites


def spread_of(trial: DeclaredTrial) -> Spread:
    """Return how a planned accrual spreads participants."""
    return trial.enrolment.spread if isinstance(trial.enrolment, PlannedEnrolment) else "poisson"


def largest_size(trial: DeclaredTrial) -> int:
    """Return the participants that a trial may need."""
    if trial.design.kind == "multi_arm_multi_stage" and trial.design.stages:
        return sum(map(sum, trial.design.stages))
    if trial.design.kind == "response_adaptive":
        design, arms = trial.design, len(trial.arms)
        # Arms may hold more of those who are on their way than the next batch asks for.
        return design.first * arms + 2 * design.batches * arms * math.ceil(design.batch / arms)
    if trial.design.kind == "bayesian":
        return 2 * trial.design.looks[-1]
    if trial.design.kind == "sample_size_reestimation":
        return trial.design.largest
    assert trial.participants is not None
    return trial.participants


def _sites(enrolment: SiteEnrolment) -> SitePlan:
    counts = [country.sites for country in enrolment.countries]

    def each(values: list[float]) -> Floats:
        return np.repeat(np.asarray(values, dtype=np.float64), counts)

    opens = [
        np.linspace(one.first_activation_month, one.last_activation_month, one.sites)
        for one in enrolment.countries
    ]
    return site_plan(
        np.concatenate(opens),
        rate=each([one.rate_per_site_month for one in enrolment.countries]),
        shape=each([one.rate_shape or np.inf for one in enrolment.countries]),
        ramp=each([one.ramp_months for one in enrolment.countries]),
        screen_failure=each([one.screen_failure for one in enrolment.countries]),
        cap=np.repeat([one.cap_per_site or NO_CAP for one in enrolment.countries], counts),
        country=np.repeat(np.arange(len(counts)), counts),
        country_cap=[one.cap or NO_CAP for one in enrolment.countries],
    )


def survival_world(trial: DeclaredTrial) -> SurvivalWorld:
    """Return the world of a time to event, with as many participants as the trial may need."""
    outcome = trial.outcome
    assert isinstance(outcome, TimeToEventOutcome)
    strata = Strata.of(trial)
    control = survival_law(outcome.law)
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
    with refusing("outcome"):
        return SurvivalWorld(
            participants=largest_size(trial),
            accrual=accrual_of(trial),
            events=tuple(laws),
            dropout=_leaving(trial, outcome),
            ratio=tuple(arm.allocation for arm in trial.arms),
            block_sizes=block_sizes(trial),
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
            field="outcome.dropout_dependence",
            value=outcome.dropout_dependence,
            mend="leave one of the two out",
        )
    extra = [_piecewise(cause.law, cause.name) for cause in outcome.competing]
    return tuple(dropout_law(trial, arm.name, extra) for arm in trial.arms)


def dropout_law(
    trial: DeclaredTrial, arm: str, extra: Sequence[PiecewiseHazard] = ()
) -> PiecewiseHazard | None:
    """Return the law of leaving an arm: dropout at a constant hazard, and further causes; None for nobody."""
    pieces = list(extra)
    share = math.fsum(cause.cumulative[arm] for cause in trial.discontinuation)
    if share:
        month = max(cause.by_month or 0.0 for cause in trial.discontinuation)
        pieces.append(PiecewiseHazard((-math.log1p(-share) / month,)))
    return _sum_of(pieces) if pieces else None


def _piecewise(law: Law, name: str) -> PiecewiseHazard:
    made = survival_law(law)
    if not isinstance(made, PiecewiseHazard):
        raise ProtocolError(
            "competing causes are served with hazards that are constant in pieces",
            field=f"outcome.competing.{name}.law",
            value=law.kind,
            mend="use piecewise or median",
        )
    return made


def _sum_of(laws: Sequence[PiecewiseHazard]) -> PiecewiseHazard:
    starts = np.unique(np.concatenate([law.starts for law in laws]))
    hazards = sum(
        np.asarray(law.hazards)[np.searchsorted(law.starts, starts, side="right") - 1] for law in laws
    )
    return PiecewiseHazard(tuple(np.asarray(hazards).tolist()), tuple(starts.tolist()))


def covariance(outcome: ContinuousOutcome) -> Floats:
    """Return the covariance between baseline and visits (1 + V, 1 + V)."""
    if outcome.covariance:
        return np.asarray(outcome.covariance, dtype=np.float64)
    assert outcome.correlation is not None
    make = autoregressive if outcome.structure == "autoregressive" else exchangeable
    with refusing("outcome"):
        return covariance_of(outcome.sd, make(len(outcome.sd), outcome.correlation))


def visit_effect(trial: DeclaredTrial, arm: int) -> VisitEffect:
    """Return what an active arm adds at the baseline (nothing) and at every visit (1 + V,)."""
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    effect = effect_of(trial, arm)
    assert isinstance(effect, Shift | SlopeChange)
    weeks = np.array([0.0, *outcome.weeks])
    if isinstance(effect, SlopeChange):
        shape, points = weeks / _MONTH, effect.per_month
    else:
        full = effect.full_by_week
        shape = (weeks > 0).astype(np.float64) if full is None else np.minimum(weeks / full, 1.0)
        points = effect.value
    extra = None if effect.subgroup is None else effect.subgroup.value * shape
    return VisitEffect(points * shape, extra)


def longitudinal_world(trial: DeclaredTrial) -> LongitudinalWorld:
    """Return the world of visits with intercurrent events."""
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    with refusing("intercurrent_events"):
        world = LongitudinalWorld(
            tuple(outcome.weeks),
            np.asarray(outcome.mean, dtype=np.float64),
            covariance(outcome),
            visit_effect(trial, 1),
            tuple(_event(trial, one) for one in causes_of(trial)),
            outcome.gaps,
            outcome.failure or 0.0,
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
