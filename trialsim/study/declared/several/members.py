"""One analysis of a hypothesis: what it finds at each look, and how much information it has by then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialsim.analysis.simulated.times import SMALL_TRIAL, SeenLooks
from trialsim.data import Bools, Estimates, Floats
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.protocol.declared.several.hypotheses import Hypothesis
from trialsim.protocol.declared.several.views import active_arm, endpoint_of, looks_of, of_comparison
from trialsim.registry import Truth
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.carried import carried
from trialsim.study.declared.claims import favourable_sign
from trialsim.study.declared.drawing.strata import Strata, effect_of
from trialsim.study.declared.drawing.worlds import survival_world
from trialsim.study.declared.looks import planned_counts
from trialsim.study.declared.reading import benefit
from trialsim.study.declared.refusing import null_of, reader_of
from trialsim.study.declared.sample import Sample
from trialsim.study.declared.several.drawn import DrawnTrials
from trialsim.study.declared.survival import read_looks
from trialsim.study.declared.truths.estimands import declared_truth
from trialsim.trial.intercurrent_events import LongitudinalTrials

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Found:
    """What an analysis finds over K looks: estimates of each, statistic (R, K) and what it counts (R, K)."""

    estimates: list[Estimates]
    statistic: Floats
    count: Floats


@dataclass(frozen=True)
class Member:
    """One analysis of a hypothesis.

    Parameters
    ----------
    trial : DeclaredTrial
        The whole trial.
    view : DeclaredTrial
        Its endpoint in the control and the hypothesis's arm and population.
    analysis : AnalysisDeclared
        How it is read.
    endpoint : str
        Name of the endpoint.
    arm : int
        Position of the active arm in the whole trial.
    inside : ndarray of bool (S,)
        Which strata are in the population.
    whole : float
        Participants or events at which its information is whole.
    planned : tuple of float (K,)
        Planned information, where the looks wait for this very count; else empty.
    """

    trial: DeclaredTrial
    view: DeclaredTrial
    analysis: AnalysisDeclared
    endpoint: str
    arm: int
    inside: Bools
    whole: float
    planned: tuple[float, ...]

    @classmethod
    def of(cls, trial: DeclaredTrial, hypothesis: Hypothesis, label: str) -> Member:
        """Return an analysis of a hypothesis."""
        name, arm = endpoint_of(trial, label), active_arm(trial, hypothesis)
        view = of_comparison(trial, name, arm, hypothesis.population)
        position, strata = trial.arm_names.index(arm), Strata.of(trial)
        inside = np.ones(len(strata.shares), dtype=bool)
        if hypothesis.population is not None:
            factors = [one.name for one in trial.strata]
            factor = factors.index(hypothesis.population.factor)
            level = trial.strata[factor].levels.index(hypothesis.population.level)
            inside = np.asarray(strata.levels[:, factor] == level)
        ratio = [one.allocation for one in trial.arms]
        share = (ratio[0] + ratio[position]) / sum(ratio) * float(strata.shares[inside].sum())
        analysis = next(one for one in trial.analyses if one.label == label)
        everybody = len(trial.arms) == 2 and bool(inside.all())
        return cls(
            trial, view, analysis, name, position, inside, _whole(trial, hypothesis, name, share),
            _planned(trial, name, everybody),
        )  # fmt: skip

    def truth(self) -> Truth:
        """Return the true value of what is estimated."""
        world = survival_world(self.view, allocates=False) if self._times else None
        return declared_truth(self.view, self.analysis, world, None)

    def works(self, truth: Truth) -> bool:
        """Return whether there is truly something to claim."""
        limits = null_of(self.analysis, reader_of(self.view, self.analysis))
        sign = favourable_sign(self.view, self.analysis.label)
        if truth.value is not None:
            low = truth.value - (limits[0] if limits else 0.0)
            away = sign * low
            if len(limits) == 2:
                away = min(low, limits[1] - truth.value)
            return bool(away > _ROUNDING + 4 * truth.mcse)
        effect = effect_of(self.view, 1)
        ratio = float(getattr(effect, "value", 1.0))
        subgroup = getattr(effect, "subgroup", None)
        ratios = [ratio, ratio * (1.0 if subgroup is None else float(subgroup.value))]
        return min(ratios) < 1 if self._times else carried(self.view).favours(self.view, 1)

    @property
    def _times(self) -> bool:
        return self.view.outcome.kind == "time_to_event"

    def read(self, drawn: DrawnTrials, months: Floats) -> Found:
        """Return what is found at the months of the looks (R, K)."""
        people = drawn.people
        among: Bools = np.ones(people.arm.shape, dtype=bool)
        if not self.inside.all():
            among = self.inside[people.stratum]
        if len(self.trial.arms) > 2:
            among = among & ((people.arm == 0) | (people.arm == self.arm))
        arm = (people.arm == self.arm).view(np.int8)
        return (
            self._of_times(drawn, months, among, arm)
            if self._times
            else self._of_values(drawn, months, among, arm)
        )

    def _of_times(self, drawn: DrawnTrials, months: Floats, among: Bools, arm: np.ndarray) -> Found:
        trials, levels = drawn.outcomes[self.endpoint], drawn.people.levels
        entry, time, event, stratum = trials.entry, trials.time, trials.event, trials.stratum
        if not among.all():
            # Those who are compared stand first; the others enter after the last look, and are never at risk.
            width = min(max(int(among.sum(axis=1).max()), SMALL_TRIAL + 1), among.shape[1])
            first = np.argsort(~among, axis=1, kind="stable")[:, :width]
            inside = np.take_along_axis(among, first, axis=1)
            entry, time, event, arm, stratum = (
                np.take_along_axis(one, first, axis=1) for one in (entry, time, event, arm, stratum)
            )
            entry = np.where(inside, entry, months[:, -1:] + 1.0)
            levels = np.take_along_axis(levels, first[..., None], axis=1)
        seen = SeenLooks(entry, time, event, arm, stratum, trials.strata, months)
        columns = adjusting_columns(self.view, self.analysis, levels)
        estimates, statistic = read_looks(self.view, self.analysis, seen, columns)
        return Found(estimates, statistic, seen.log_rank().events.sum(axis=2).astype(np.float64))

    def _of_values(self, drawn: DrawnTrials, months: Floats, among: Bools, arm: np.ndarray) -> Found:
        outcomes = drawn.outcomes[self.endpoint]
        if isinstance(outcomes, LongitudinalTrials):
            outcomes = replace(outcomes, arm=arm)
        sample = Sample(self.view, replace(drawn.people, arm=arm), outcomes, drawn.known[self.endpoint])
        sign, looks = reader_of(self.view, self.analysis).sign(sample.sign), months.shape[1]
        estimates: list[Estimates] = []
        count, whole = np.empty(months.shape), False
        for look in range(looks):
            if whole:
                estimates.append(estimates[-1])
                count[:, look] = count[:, look - 1]
                continue
            seen = (sample.known <= months[:, look, None]) & among
            # Once everybody is known, no later look can find anything else.
            whole = bool((seen == among).all())
            estimates.append(sample.read(self.analysis, seen))
            count[:, look] = seen.sum(axis=1)
        return Found(estimates, np.stack([benefit(one, sign) for one in estimates], axis=1), count)


def _whole(trial: DeclaredTrial, hypothesis: Hypothesis, endpoint: str, share: float) -> float:
    """Return the count at which an endpoint's information is whole, among a share of the participants."""
    design, kinds = trial.design, {one.name: one.kind for one in trial.endpoints}
    if kinds[endpoint] != "time_to_event":
        assert trial.participants is not None
        return trial.participants * share
    asked = hypothesis.events_of(endpoint)
    if asked is None and isinstance(design, GroupSequentialDesign) and design.endpoint == endpoint:
        return design.events[-1] * share
    return float("inf") if asked is None else float(asked)


def _planned(trial: DeclaredTrial, endpoint: str, everybody: bool) -> tuple[float, ...]:
    design = trial.design
    if looks_of(trial) == 1:
        return (1.0,)
    assert isinstance(design, GroupSequentialDesign)
    assert not isinstance(design, FixedDesign)
    if not everybody or design.endpoint != endpoint:
        return ()
    assert trial.participants is not None
    wanted = np.asarray(design.events) if design.events else planned_counts(design, trial.participants)
    return tuple((wanted / wanted[-1]).tolist())
