"""Trials with several active arms that are read once: each arm against the control, claimed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign
from trialsim.protocol.declared.grid import without_effect
from trialsim.registry import Truth
from trialsim.study.declared.carried import carried
from trialsim.study.declared.claims import claim_counts, comparison, effective_arms
from trialsim.study.declared.dose_choice import counted_of_doses, truths_of_harm
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size
from trialsim.study.declared.drawing.people import (
    ArmChance,
    Chance,
    People,
    draw_people,
)
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.engines.common import (
    ESTIMAND,
    BlockReading,
    Engine,
    Everybody,
    arm_chance_of,
    chance_of,
    check_allocation,
)
from trialsim.study.declared.engines.individuals import Individuals
from trialsim.study.declared.engines.pairs import (
    in_arm,
    in_pair,
    only_arms,
    pair_of,
    rows_of_arms,
    take,
)
from trialsim.study.declared.engines.times import TimesInRegister
from trialsim.study.declared.looks import read_once
from trialsim.study.declared.reading import OF_DESIGN, Reading
from trialsim.study.declared.sample import Sample
from trialsim.trial import PlannedAccrual, SitePlan
from trialsim.trial.intercurrent_events import LongitudinalTrials
from trialsim.trial.interim import ClosedTest, Stopping
from trialsim.trial.outcomes import SurvivalTrials
from trialsim.trial.register import Register

REPORTED = "error of the arm with the largest statistic against its own true effect"


@dataclass(frozen=True)
class SeveralArms(Engine):
    """Draws everybody once, and reads each active arm against the control as a trial of two arms is read.

    Controls are the same people with the same outcomes in each comparison, so that comparisons are
    correlated as they are in a trial.

    Parameters
    ----------
    accrual : PlannedAccrual or SitePlan
        How they enter.
    pairs : tuple (A − 1,)
        What carries out the trial of the control and each active arm.
    """

    accrual: PlannedAccrual | SitePlan | None = None
    pairs: tuple[Individuals | TimesInRegister, ...] = ()

    @classmethod
    def of(cls, trial: DeclaredTrial, register: Register | None) -> SeveralArms:
        """Return what carries out a trial, or refuse it."""
        check_allocation(trial)
        times = trial.outcome.kind == "time_to_event"
        if times and register is None:
            raise ProtocolError(
                "needs the people of a disease model or a history, to be read in a fixed design with several "
                "active arms", field="endpoints.course",
                mend="give a course, or use the design multi_arm_multi_stage",
            )  # fmt: skip
        pairs: list[Individuals | TimesInRegister] = []
        for arm in range(1, len(trial.arms)):
            two = pair_of(trial, arm)
            if register is None:
                pairs.append(Individuals.of(two, None))
            else:
                people = register.of_arms((0, arm))
                # Events are waited for in all arms together, which `of` of a pair would not find.
                pairs.append(
                    TimesInRegister(two, largest_size(two), Strata.of(two), people, accrual_of(two))
                    if times
                    else Individuals.of(two, people)
                )
        if times:
            assert register is not None
            TimesInRegister.of(trial, register)
        return cls(
            trial, largest_size(trial), Strata.of(trial), register,
            accrual=accrual_of(trial), pairs=tuple(pairs),
        )  # fmt: skip

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block, and read every arm by every analysis."""
        chance = chance_of(seed, streams, block)
        people = self._people(replicates, chance)
        size = np.stack([(people.arm == a).sum(axis=1) for a in range(len(self.trial.arms))], axis=1)
        each = self._compared(people, chance, arm_chance_of(seed, streams, block))
        readings: dict[str, Reading] = {}
        for analysis in self.trial.analyses:
            label = analysis.label
            readings |= self._claimed(analysis, [one[label] for one in each], size, people)
        return BlockReading(readings, {})

    def _people(self, replicates: int, chance: Chance) -> People:
        assert self.accrual is not None
        return draw_people(
            self.trial, self.accrual, self.strata, self.participants, replicates, chance, self.register
        )

    def _compared(self, people: People, chance: Chance, arm_chance: ArmChance) -> list[dict[str, Reading]]:
        """Return the reading of each active arm beside the control, by analysis."""
        if self.trial.outcome.kind == "time_to_event":
            return self._compared_times(people, chance)
        found: list[dict[str, Reading]] = []
        design = self.trial.design
        assert isinstance(design, FixedDesign)
        for position, two in enumerate(self.pairs):
            sample = self._of_pair(people, chance, arm_chance, position)
            sample, seen = only_arms(sample, people.arm, 1 + position)
            readings = {one.label: read_once(sample, one, design, seen) for one in two.trial.analyses}
            found.append(readings)
        return found

    def _compared_times(self, people: People, chance: Chance) -> list[dict[str, Reading]]:
        trials = self.whole.of_people(people, chance)
        looks = self.whole.looks(trials)
        found = []
        for position, two in enumerate(self.pairs):
            assert isinstance(two, TimesInRegister)
            order, seen = rows_of_arms(people.arm, 1 + position)
            mine = in_pair(people, 1 + position)
            time = np.where(seen, take(trials.time, order), 0.0)
            event = np.where(seen, take(trials.event, order), 0).astype(np.int8)
            own = SurvivalTrials(
                take(people.entry, order), time, event, take(mine.arm, order),
                take(people.stratum, order), trials.strata,
            )  # fmt: skip
            rows = None if people.rows is None else take(people.rows, order)
            found.append(two.read_at(own, take(people.levels, order), rows, looks))
        return found

    def _claimed(
        self, analysis: AnalysisDeclared, each: Sequence[Reading], size: Ints, people: People
    ) -> dict[str, Reading]:
        """Return the readings of one analysis: that of all arms together, and of every arm."""
        design, label = self.trial.design, analysis.label
        assert isinstance(design, FixedDesign)
        z = np.concatenate([one.statistic for one in each], axis=1)
        claims = claimed_together(z, size, design)
        names = [comparison(label, arm) for arm in self.trial.arm_names[1:]]
        truths = [self._truths[name] for name in names]
        effective = effective_arms(self.trial, label, self._truths, without_effect(self.trial))
        assert effective is not None
        first = np.zeros(len(z), dtype=np.int64)
        all_sizes = np.full(len(z), self.participants)[:, None]
        counted = {**each[0].counted, "size": all_sizes} | claim_counts(claims, effective)
        if self.trial.safety is not None:
            assert self.register is not None
            counted |= counted_of_doses(self.trial, label, each, claims, people, self.register)
        together = Reading(
            _reported(label, each, z, truths), _largest(z)[:, None],
            Stopping(first, np.asarray(claims.any(axis=1), dtype=np.int8)), each[0].reached, counted,
            estimated=all(one.value is not None for one in truths), decides=OF_DESIGN,
        )  # fmt: skip
        readings = {label: together}
        for position, (name, one) in enumerate(zip(names, each, strict=True)):
            mine = size[:, [0, 1 + position]].sum(axis=1)[:, None]
            readings[name] = replace(
                one,
                estimates=replace(one.estimates, analysis=name),
                stopping=Stopping(first, claims[:, position].astype(np.int8)),
                counted={**one.counted, "size": mine},
            )
        return readings

    @cached_property
    def _truths(self) -> dict[str, Truth]:
        found: dict[str, Truth] = {}
        for two, arm in zip(self.pairs, self.trial.arm_names[1:], strict=True):
            found |= {
                comparison(name, arm): one
                for name, one in two.truths().items()
                if not name.startswith(ESTIMAND)
            }
        return found

    def truths(self) -> dict[str, Truth]:
        """Return what each comparison is held against, and each analysis: the error of the reported arm."""
        own = {one.label: Truth(0.0, note=REPORTED) for one in self.trial.analyses}
        harm = {} if self.register is None else truths_of_harm(self.trial, self.register)
        return own | self._truths | harm

    @property
    def whole(self) -> TimesInRegister:
        """What draws times to an event of all arms."""
        return TimesInRegister(self.trial, self.participants, self.strata, self.register, self.accrual)

    def sample(self, replicates: int, seed: int, block: int, purpose: str = "") -> Sample:
        """Draw everybody of a block with the outcome of their own arm, where that is no time to an event."""
        streams = purpose + self.streams
        chance, arm_chance = chance_of(seed, streams, block), arm_chance_of(seed, streams, block)
        people = self._people(replicates, chance)
        drawn = [self._of_pair(people, chance, arm_chance, position) for position in range(len(self.pairs))]
        found = drawn[0].outcomes
        for position, one in enumerate(drawn[1:], start=2):
            found = in_arm(people.arm == position, one.outcomes, found)
        if isinstance(found, LongitudinalTrials):
            found = replace(found, arm=people.arm)
        return Sample(self.trial, people, found, drawn[0].known, self.register)

    def _of_pair(self, people: People, chance: Chance, arm_chance: ArmChance, position: int) -> Sample:
        """Draw everybody as if all but one active arm were controls."""
        two = self.pairs[position]
        assert isinstance(two, Individuals)

        def own_chance(arm: int) -> np.random.Generator:
            return arm_chance(arm * (1 + position))

        return two.sample_of(in_pair(people, 1 + position), chance, own_chance)

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody:
        """Return all who were drawn in a block, with the outcomes of their own arm."""
        if self.trial.outcome.kind == "time_to_event":
            return self.whole.everybody(replicates, seed, block)
        sample = self.sample(replicates, seed, block)
        columns = {"month_of_entry": sample.people.entry}
        columns |= carried(self.trial).columns(self.trial, sample.outcomes)
        return Everybody(
            sample.people.arm, sample.people.stratum, columns | self.of_register(sample.people.rows)
        )


def claimed_together(z: Floats, size: Ints, design: FixedDesign) -> Bools:
    """Return which active arms are claimed (R, A − 1), the family-wise error kept as the design says.

    Parameters
    ----------
    z : ndarray (R, A − 1)
        Standard normal statistic of each active arm, larger is better; NaN where there is none.
    size : ndarray of int (R, A)
        Participants of each arm, the control first.
    design : FixedDesign
        Its level and multiplicity.

    Examples
    --------
    >>> z, size = np.array([[2.1, 0.3], [2.3, 2.0]]), np.full((2, 3), 50)
    >>> claimed_together(z, size, FixedDesign(kind="fixed", multiplicity="bonferroni")).tolist()
    [[False, False], [True, False]]
    >>> claimed_together(z, size, FixedDesign(kind="fixed")).tolist()
    [[False, False], [True, True]]
    """
    tested = ~np.isnan(z)
    shown = np.where(tested, z, -np.inf)
    if design.multiplicity in ("bonferroni", "none"):
        tests = z.shape[1] if design.multiplicity == "bonferroni" else 1
        return np.asarray(shown >= -ndtri(design.alpha / tests))
    method = design.multiplicity.removeprefix("closed_")
    closed = ClosedTest((float(-ndtri(design.alpha)),), (1.0,), method)  # type: ignore[arg-type]  # the format's names are the engine's
    return np.asarray(closed.rejected(shown[None], size[None].astype(np.float64), tested[None])[0])


def _largest(z: Floats) -> Floats:
    """Return the largest statistic of each trial (R,); NaN where no arm has one."""
    largest = np.where(np.isnan(z), -np.inf, z).max(axis=1)
    return np.where(np.isfinite(largest), largest, np.nan)


def _reported(label: str, each: Sequence[Reading], z: Floats, truths: Sequence[Truth]) -> Estimates:
    """Return the error of the arm with the largest statistic against its own true effect."""
    best, rows = np.where(np.isnan(z), -np.inf, z).argmax(axis=1), np.arange(len(z))
    reasons = tuple(dict.fromkeys(reason for one in each for reason in one.estimates.reasons))
    aims = np.array([np.nan if one.value is None else one.value for one in truths])

    def of_best(columns: list[np.ndarray]) -> np.ndarray:
        return np.asarray(np.stack(columns, axis=1)[rows, best])

    def number(name: str) -> np.ndarray:
        return of_best([getattr(one.estimates, name) for one in each])

    coded = [
        np.array([reasons.index(reason) for reason in one.estimates.reasons])[one.estimates.status]
        for one in each
    ]
    return Estimates(
        label, number("estimate") - aims[best], number("standard_error"), number("df"), number("statistic"),
        number("p_value"), of_best(coded).astype(np.int8), reasons,
    )  # fmt: skip
