"""Participants drawn one by one: entry, strata, allocation and outcomes of a block of declared trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    DeclaredTrial,
    OrdinalOutcome,
)
from trialsim.study.declared.drawing.accrual import spread_of
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.declared.drawing.worlds import covariance, visit_effect
from trialsim.trial import (
    LongitudinalWorld,
    PlannedAccrual,
    SitePlan,
    binary_outcomes,
    count_outcomes,
    minimise,
    normal_outcomes,
    ordinal_outcomes,
    permuted_blocks,
    recruit,
    recurrent_events,
    simple_randomisation,
    simulate_longitudinal,
)
from trialsim.trial.allocation import Labels
from trialsim.trial.intercurrent_events import LongitudinalTrials, constant_hazard_dropout, intermittent_gaps
from trialsim.trial.register import Register

Chance = Callable[[str], np.random.Generator]
ArmChance = Callable[[int], np.random.Generator]


@dataclass(frozen=True)
class People:
    """Who is in the trials.

    Parameters
    ----------
    entry : ndarray (R, N)
        Months of entry, ascending.
    stratum : ndarray of int (R, N)
        Position in `Strata`.
    levels : ndarray of int (R, N, F)
        Level of each factor.
    arm : ndarray of int8 (R, N)
        Position of the arm.
    rows : ndarray of int (R, N), optional
        Row of each in the register, where there is one.
    """

    entry: Floats
    stratum: Ints
    levels: Ints
    arm: Labels
    rows: Ints | None = None


@dataclass(frozen=True)
class Recurrences:
    """Recurrent events: times (R, N, E) padded with NaN, and follow-up (R, N), in months."""

    times: Floats
    follow_up: Floats


Outcomes = LongitudinalTrials | Floats | Recurrences


def draw_people(
    trial: DeclaredTrial,
    accrual: PlannedAccrual | SitePlan,
    strata: Strata,
    participants: int,
    replicates: int,
    chance: Chance,
    register: Register | None = None,
) -> People:
    """Draw entry, strata and allocation of a block; a design of any size takes the first `participants`."""
    shape = (replicates, participants)
    if isinstance(accrual, SitePlan):
        entry = recruit(accrual, *shape, chance("enrolment")).month
    else:
        entry = accrual.arrivals(*shape, chance("enrolment"), spread_of(trial))
    if register is not None:
        rows = chance("recruitment").integers(0, len(register), size=shape)
        levels = register.levels[rows]
        arm = allocate_people(trial, levels, shape, chance("randomisation"))
        return People(entry, strata.crossed(levels), levels, arm, rows)
    stratum = np.zeros(shape, dtype=np.int64)
    if len(strata.shares) > 1:
        edges = np.cumsum(strata.shares)[:-1]
        stratum = np.searchsorted(edges, chance("recruitment").random(shape), side="right")
    levels = strata.levels[stratum]
    return People(entry, stratum, levels, allocate_people(trial, levels, shape, chance("randomisation")))


def allocate_people(
    trial: DeclaredTrial, levels: Ints, shape: tuple[int, int], generator: np.random.Generator
) -> Labels:
    """Allocate participants of given factor levels (R, N, F) by the declared scheme."""
    scheme, ratio = trial.randomisation, [arm.allocation for arm in trial.arms]
    assert scheme is not None
    if scheme.kind == "simple":
        return simple_randomisation(*shape, ratio, generator)
    names = [factor.name for factor in trial.strata]
    if scheme.kind == "minimisation":
        columns = [names.index(name) for name in scheme.factors]
        return minimise(levels[..., columns], ratio, generator, probability=scheme.probability)
    if scheme.kind != "permuted_blocks":
        assert_never(scheme)
    within = np.zeros(shape, dtype=np.int64)
    for name in scheme.strata:
        position = names.index(name)
        within = within * len(trial.strata[position].levels) + levels[..., position]
    return permuted_blocks(*shape, ratio, scheme.block_sizes, generator, within if scheme.strata else None)


def draw_outcomes(
    trial: DeclaredTrial,
    people: People,
    strata: Strata,
    world: LongitudinalWorld | None,
    chance: Chance,
    arm_chance: ArmChance,
    register: Register | None = None,
) -> Outcomes:
    """Draw the outcomes of a block.

    `arm_chance` gives each arm its own generator: counts use up an amount of chance that depends on
    their rates, and an arm must not move when another's rate does.
    """
    outcome = trial.outcome
    if register is not None:
        return _of_register(trial, people, register, world, chance)
    if isinstance(outcome, ContinuousOutcome):
        if world is not None:
            return simulate_longitudinal(world, people.arm, chance("outcome"), chance("dropout"))
        return _visits(trial, outcome, people, strata, chance)
    if isinstance(outcome, CountOutcome):
        return _counts(trial, outcome, people, chance, arm_chance)
    table = log_ratios(trial)
    shift = table[people.arm, people.stratum]
    drawn: np.ndarray
    if isinstance(outcome, BinaryOutcome):
        control = [outcome.control] * len(trial.arms)
        drawn = binary_outcomes(people.arm, control, chance("outcome"), shift)
    elif isinstance(outcome, OrdinalOutcome):
        drawn = ordinal_outcomes(people.arm, outcome.shares, shift, chance("outcome"))
    else:
        raise ProtocolError("is not drawn one by one", field="endpoints.kind", value=outcome.kind)
    lost = _lost(trial, people.arm, chance("dropout"))
    return np.where(lost, np.nan, drawn.astype(np.float64))


def _of_register(
    trial: DeclaredTrial,
    people: People,
    register: Register,
    world: LongitudinalWorld | None,
    chance: Chance,
) -> Outcomes:
    """Return what those who were recruited have in their own arm, as far as they stay."""
    outcome, arm, rows = trial.outcome, people.arm, people.rows
    assert rows is not None
    if isinstance(outcome, ContinuousOutcome):
        control = register.outcomes[0][rows]
        if world is not None:
            paths = (control, register.outcomes[1][rows] - control)
            return simulate_longitudinal(world, arm, chance("outcome"), chance("dropout"), paths)
        return _without_events(outcome, arm, register.outcomes[arm, rows], chance)
    if isinstance(outcome, CountOutcome) and outcome.kind == "recurrent":
        follow_up = np.minimum(outcome.months, _leaving(trial, outcome.months, arm, chance))
        times = register.outcomes[arm, rows]
        seen = np.where(times <= follow_up[..., None], times, np.nan)
        most = max(int(np.isfinite(seen).sum(axis=2).max(initial=0)), 1)
        return Recurrences(seen[..., :most], follow_up)
    lost = _lost(trial, arm, chance("dropout"))
    return np.where(lost, np.nan, register.outcomes[arm, rows, 0])


def _visits(
    trial: DeclaredTrial, outcome: ContinuousOutcome, people: People, strata: Strata, chance: Chance
) -> LongitudinalTrials:
    effects = tuple(visit_effect(trial, arm) for arm in range(1, len(trial.arms)))
    inside = np.zeros(people.arm.shape, dtype=bool)
    for arm in range(1, len(trial.arms)):
        inside |= (people.arm == arm) & strata.inside(trial, arm)[people.stratum]
    paths = normal_outcomes(people.arm, outcome.mean, covariance(outcome), effects, chance("outcome"), inside)
    if strata.outcome.any():
        paths += strata.outcome[people.stratum][..., None]
    return _without_events(outcome, people.arm, paths, chance)


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


def _counts(
    trial: DeclaredTrial, outcome: CountOutcome, people: People, chance: Chance, arm_chance: ArmChance
) -> Floats | Recurrences:
    ratios = np.exp(log_ratios(trial))
    rate, dispersion = outcome.control
    follow_up = np.minimum(outcome.months, _leaving(trial, outcome.months, people.arm, chance))
    counts = np.zeros(people.arm.shape)
    events: list[tuple[Ints, Floats]] = []
    for arm in range(len(trial.arms)):
        nobody = np.zeros(people.arm.shape, dtype=np.int8)
        # A rate times a ratio over some months is the rate over that many times the months.
        ratio = ratios[arm, people.stratum]
        exposure, generator = follow_up * ratio, arm_chance(arm)
        mine = people.arm == arm
        if outcome.kind == "count":
            found = count_outcomes(nobody, [rate], exposure, dispersion, generator)
            counts += np.where(mine, found, 0)
            continue
        who, when = recurrent_events(nobody, [rate], exposure, dispersion, generator)
        keep = mine.ravel()[who]
        events.append((who[keep], (when / ratio.ravel()[who])[keep]))
    return counts if outcome.kind == "count" else Recurrences(_padded(people.arm.shape, events), follow_up)


def _padded(shape: tuple[int, int], drawn: list[tuple[Ints, Floats]]) -> Floats:
    """Return event times (R, N, E), NaN where a participant has fewer."""
    who = np.concatenate([one for one, _ in drawn])
    when = np.concatenate([times for _, times in drawn])
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    counts = np.bincount(who, minlength=shape[0] * shape[1])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    out = np.full((shape[0] * shape[1], max(int(counts.max(initial=0)), 1)), np.nan)
    out[who, np.arange(len(who)) - first[who]] = when
    return out.reshape(*shape, -1)


def _leaving(trial: DeclaredTrial, months: float, arm: Labels, chance: Chance) -> Floats:
    """Return the month of leaving (R, N); infinite for those who stay."""
    if not trial.discontinuation:
        return np.full(arm.shape, np.inf)
    shares = [[cause.cumulative[name] for cause in trial.discontinuation] for name in trial.arm_names]
    return constant_hazard_dropout(arm, shares, months, chance("dropout"))[0]


def _lost(trial: DeclaredTrial, arm: Labels, generator: np.random.Generator) -> Bools:
    """Return whose outcome is missing (R, N), completely at random within arms."""
    shares = np.array(
        [sum(cause.cumulative[name] for cause in trial.discontinuation) for name in trial.arm_names]
    )
    return np.asarray(generator.random(arm.shape) < shares[arm])
