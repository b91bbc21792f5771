"""Running sums of a declared cell: they add up, and go to plain JSON and back to the last digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from trialsim.design.operating_characteristics import Tally
from trialsim.study.designs.sequential_characteristics import SequentialTally

_BY_LOOK = ("look_sums", "look_squares")
_ARRAYS = ("efficacy", "futility", "unreached", "unreadable")


@dataclass(frozen=True)
class DeclaredSums:
    """What the blocks of a cell leave behind.

    Parameters
    ----------
    trials : int
        Trials that were simulated.
    tallies : dict of str to Tally
        Of each analysis, at the look at which its trial stopped, against the analysis's own true value.
    stopping : dict of str to SequentialTally
        Claims, sizes and months of each analysis; a fixed design has one look.
    ledger : dict of str to dict of str to Tally
        Of each estimand and analysis, where intercurrent events are declared.
    arms : dict of str to tuple of float
        Of each arm of a design in stages: sums of participants, their squares, trials in which it was
        open at the end, deviations of its mean, their squares.
    decided : dict of str to dict of str to int
        Of each analysis, trials that each test decided.
    """

    trials: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    stopping: dict[str, SequentialTally] = field(default_factory=dict)
    ledger: dict[str, dict[str, Tally]] = field(default_factory=dict)
    arms: dict[str, tuple[float, ...]] = field(default_factory=dict)
    decided: dict[str, dict[str, int]] = field(default_factory=dict)

    def rejections(self) -> Iterable[tuple[int, int]]:
        """Return claims and trials of every analysis."""
        return [(int(one.efficacy.sum()), one.trials) for one in self.stopping.values()]

    def __add__(self, other: DeclaredSums) -> DeclaredSums:
        return DeclaredSums(
            self.trials + other.trials,
            {name: self.tallies[name] + one for name, one in other.tallies.items()},
            {name: self.stopping[name] + one for name, one in other.stopping.items()},
            {
                estimand: {name: self.ledger[estimand][name] + one for name, one in row.items()}
                for estimand, row in other.ledger.items()
            },
            {
                name: tuple(a + b for a, b in zip(self.arms[name], one, strict=True))
                for name, one in other.arms.items()
            },
            {name: _counted_together(self.decided[name], one) for name, one in other.decided.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain JSON types."""
        return {
            "trials": self.trials,
            "tallies": {name: asdict(one) for name, one in self.tallies.items()},
            "stopping": {name: _stopping_to_dict(one) for name, one in self.stopping.items()},
            "ledger": {
                estimand: {name: asdict(one) for name, one in row.items()}
                for estimand, row in self.ledger.items()
            },
            "arms": {name: list(one) for name, one in self.arms.items()},
            "decided": {name: dict(one) for name, one in self.decided.items()},
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> DeclaredSums:
        """Return the sums that `to_dict` wrote."""
        return cls(
            facts["trials"],
            {name: Tally(**one) for name, one in facts["tallies"].items()},
            {name: _stopping_from_dict(one) for name, one in facts["stopping"].items()},
            {
                estimand: {name: Tally(**one) for name, one in row.items()}
                for estimand, row in facts["ledger"].items()
            },
            {name: tuple(one) for name, one in facts["arms"].items()},
            {name: dict(one) for name, one in facts["decided"].items()},
        )


def _counted_together(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {test: one.get(test, 0) + other.get(test, 0) for test in dict.fromkeys((*one, *other))}


def _stopping_to_dict(one: SequentialTally) -> dict[str, Any]:
    by_look = {key: {name: row.tolist() for name, row in getattr(one, key).items()} for key in _BY_LOOK}
    return asdict(one) | {name: getattr(one, name).tolist() for name in _ARRAYS} | by_look


def _stopping_from_dict(facts: Mapping[str, Any]) -> SequentialTally:
    arrays = {name: np.asarray(facts[name], dtype=np.int64) for name in _ARRAYS}
    by_look = {key: {name: np.asarray(row) for name, row in facts[key].items()} for key in _BY_LOOK}
    return SequentialTally(**(dict(facts) | arrays | by_look))
