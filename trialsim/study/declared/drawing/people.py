"""Participants drawn one by one: entry, strata, allocation and who leaves, in a block of declared trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from trialsim.data import Bools, Floats, Ints
from trialsim.protocol.declared import (
    DeclaredTrial,
)
from trialsim.study.declared.drawing.accrual import spread_of
from trialsim.study.declared.drawing.strata import Strata
from trialsim.trial import (
    LongitudinalWorld,
    PlannedAccrual,
    SitePlan,
    minimise,
    permuted_blocks,
    recruit,
    simple_randomisation,
)
from trialsim.trial.allocation import Labels
from trialsim.trial.intercurrent_events import LongitudinalTrials, constant_hazard_dropout
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


@dataclass(frozen=True)
class Drawing:
    """What an endpoint draws the outcomes of a block from.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    people : People
        Who is in the trials.
    strata : Strata
        Crossing of the factors.
    chance : callable
        From the component of a stream to its generator.
    arm_chance : callable
        From an arm to its own generator: counts use up an amount of chance that depends on their rates, and
        an arm must not move when another's rate does.
    visits : LongitudinalWorld, optional
        Where people stop for reasons.
    register : Register, optional
        Whom they were recruited from.
    """

    trial: DeclaredTrial
    people: People
    strata: Strata
    chance: Chance
    arm_chance: ArmChance
    visits: LongitudinalWorld | None = None
    register: Register | None = None

    @property
    def in_own_arm(self) -> Floats:
        """What each has in their own arm, by the register (R, N, ...)."""
        assert self.register is not None
        assert self.people.rows is not None
        return np.asarray(self.register.outcomes[self.people.arm, self.people.rows])

    @property
    def ends(self) -> Floats | None:
        """Month in which something else ends what can be seen of each (R, N); None if nothing does."""
        if self.register is None or not self.register.ends.size:
            return None
        return np.asarray(self.register.ends[self.people.arm, self.people.rows])


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


def leaving(trial: DeclaredTrial, months: float, arm: Labels, chance: Chance) -> Floats:
    """Return the month of leaving (R, N); infinite for those who stay."""
    if not trial.discontinuation:
        return np.full(arm.shape, np.inf)
    shares = [[cause.cumulative[name] for cause in trial.discontinuation] for name in trial.arm_names]
    return constant_hazard_dropout(arm, shares, months, chance("dropout"))[0]


def lost(trial: DeclaredTrial, arm: Labels, generator: np.random.Generator) -> Bools:
    """Return whose outcome is missing (R, N), completely at random within arms."""
    shares = np.array(
        [sum(cause.cumulative[name] for cause in trial.discontinuation) for name in trial.arm_names]
    )
    return np.asarray(generator.random(arm.shape) < shares[arm])
