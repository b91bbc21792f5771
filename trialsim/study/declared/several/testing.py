"""Which hypotheses the trials of a block claim, and when each trial ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialsim.analysis.multiplicity import Graph, claims_over_looks, hochberg
from trialsim.analysis.multiplicity.over_looks import last_looks
from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.design.group_sequential import crosses_at_level
from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign
from trialsim.protocol.declared.bounds import Efficacy
from trialsim.protocol.declared.several.hypotheses import Hypothesis, Multiplicity, shares_of
from trialsim.study.declared.bounds import efficacy_rule
from trialsim.study.declared.reading import Reading, at_look
from trialsim.study.declared.several.drawn import DrawnTrials
from trialsim.study.declared.several.members import Found, Member
from trialsim.trial.interim import Stopping

TOGETHER = "every analysis of the hypothesis"


@dataclass(frozen=True)
class Tested:
    """A hypothesis with its analyses; `works` says whether all of them truly have something to claim."""

    hypothesis: Hypothesis
    members: tuple[Member, ...]
    works: bool

    @property
    def name(self) -> str:
        """Its name."""
        return self.hypothesis.name


@dataclass(frozen=True)
class Testing:
    """How a trial tests its hypotheses.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    tested : tuple of Tested (m,)
        In the order of the file.
    """

    trial: DeclaredTrial
    tested: tuple[Tested, ...]

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Testing:
        """Return how a trial tests its hypotheses."""
        tested = []
        for one in trial.hypotheses:
            members = tuple(Member.of(trial, one, label) for label in one.analyses)
            tested.append(Tested(one, members, all(member.works(member.truth()) for member in members)))
        return cls(trial, tuple(tested))

    @property
    def multiplicity(self) -> Multiplicity:
        """How alpha is shared."""
        return self.trial.multiplicity or Multiplicity()

    @property
    def graph(self) -> Graph:
        """Weights and transitions of the hypotheses."""
        weights, passes = shares_of(self.trial.hypotheses, self.multiplicity.procedure)
        return Graph(weights, passes, tuple(one.name for one in self.tested))

    def read(self, drawn: DrawnTrials) -> dict[str, Reading]:
        """Return a reading of each hypothesis, by its name."""
        looks = drawn.looks()
        found = [self._found(one, drawn, looks.month) for one in self.tested]
        claimed = self._claims(found)
        end = last_looks(claimed, self._needed, looks.month.shape[1])
        shared = self._counted(drawn, looks.month, claimed, end)
        readings = {}
        for h, one in enumerate(self.tested):
            look = np.where(claimed[:, h] >= 0, claimed[:, h], end)
            stopping = Stopping(look, (claimed[:, h] >= 0).astype(np.int8))
            information = np.min(
                [_information(m, f) for m, f in zip(one.members, found[h], strict=True)], axis=0
            )
            counted = {**shared, "information": information}
            readings[one.name] = _reading(one, found[h], stopping, looks.reached, counted)
        return readings

    @property
    def _needed(self) -> tuple[int, ...]:
        names = [one.name for one in self.tested]
        return tuple(names.index(name) for name in self.multiplicity.stop_when)

    def _found(self, one: Tested, drawn: DrawnTrials, months: Floats) -> list[Found]:
        return [member.read(drawn, months) for member in one.members]

    def _claims(self, found: Sequence[Sequence[Found]]) -> Ints:
        """Return the look at which each hypothesis is claimed (R, m), −1 for none."""
        alpha, design = self.trial.design.alpha, self.trial.design
        if self.multiplicity.procedure == "hochberg":
            p = np.stack(
                [np.max([ndtr(-one.statistic[:, 0]) for one in row], axis=0) for row in found], axis=1
            )
            with np.errstate(invalid="ignore"):
                return np.where(hochberg(p) <= alpha, 0, -1)
        usual = design.efficacy if isinstance(design, GroupSequentialDesign) else Efficacy()

        def crosses(h: int, level: float) -> Bools:
            one = self.tested[h]
            rule = efficacy_rule(one.hypothesis.efficacy or usual)
            each = [
                crosses_at_level(seen.statistic, _bounds_at(member, seen), rule, level)
                for member, seen in zip(one.members, found[h], strict=True)
            ]
            return np.asarray(np.all(each, axis=0))

        return claims_over_looks(self.graph, alpha, crosses, self._needed)

    def _counted(
        self, drawn: DrawnTrials, months: Floats, claimed: Ints, end: Ints
    ) -> Mapping[str, np.ndarray]:
        """Return what is counted of whole trials: they end when all that is needed is claimed."""
        rows = np.arange(len(end))
        month = months[rows, end]
        works = np.array([one.works for one in self.tested])
        made = claimed >= 0
        return {
            "size": (drawn.people.entry <= month[:, None]).sum(axis=1),
            "months": month,
            "look_month": months,
            "claims": made.sum(axis=1),
            "true_claim": made[:, works].any(axis=1),
            "every_claim": made[:, works].all(axis=1) & works.any(),
            "false_claim": made[:, ~works].any(axis=1),
        }


def _bounds_at(member: Member, seen: Found) -> Floats:
    return np.asarray(member.planned) if member.planned else _information(member, seen)


def _information(member: Member, seen: Found) -> Floats:
    """Return the information at each look (R, K), relative to what is planned."""
    if np.isinf(member.whole):
        return np.ones(seen.count.shape)
    return seen.count / member.whole


def _reading(
    one: Tested, found: Sequence[Found], stopping: Stopping, reached: Bools, counted: dict[str, np.ndarray]
) -> Reading:
    statistic = np.min([seen.statistic for seen in found], axis=0)
    if len(found) == 1:
        return Reading(at_look(found[0].estimates, stopping.look), statistic, stopping, reached, counted)
    nothing = np.full(len(statistic), np.nan)
    none = Estimates(
        one.name, nothing, nothing, nothing, nothing, nothing, np.ones(len(nothing), dtype=np.int8),
        ("ok", "no_estimate"),
    )  # fmt: skip
    return Reading(none, statistic, stopping, reached, counted, estimated=False, decides=TOGETHER)
