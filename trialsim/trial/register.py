"""The register: people of one world, with what each of them would have in every arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Floats, Ints


@dataclass(frozen=True, eq=False)
class Register:
    """People of one world, M of them; replicate trials recruit from them with replacement.

    Everything that belongs to a person is drawn once: covariates, the prognostic score, and the outcome in
    every arm, from the same random numbers (potential outcomes). What is true in the world is then a mean
    over the register; conduct (entry, allocation, why people stop) is left to the replicate.

    Parameters
    ----------
    names : ndarray of str (P,)
        Names of the covariates.
    covariates : ndarray (M, P)
        As measured at baseline; NaN where missing.
    scores : ndarray (M, S)
        Prognostic scores, larger for a larger outcome on placebo (for a time to an event: a higher hazard).
        S is the number of visits of a score, else 1; 0 without twins.
    outcomes : ndarray (A, M, K)
        Outcome in every arm, the control first. K is 1 + V for a score (the baseline first, the same in
        every arm), 1 for a response (0 or 1), a level (position from 0), a count or a time to an event
        (months, may be infinite), and the most events of anybody for recurrent events
        (their months, NaN beyond).
    levels : ndarray of int (M, F)
        Level of each stratification factor.
    ends : ndarray (A, M)
        Month in which something else, such as death, ends what can be seen of a person; infinite for nobody.
        Empty where nothing does.
    harms : ndarray (A, M)
        1 for those who are harmed in an arm, else 0. Empty where no harm is declared.
    """

    names: NDArray[np.str_]
    covariates: Floats
    scores: Floats
    outcomes: Floats
    levels: Ints
    ends: Floats = field(default_factory=lambda: np.empty((0, 0)))
    harms: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def __len__(self) -> int:
        return len(self.covariates)

    def column(self, name: str) -> Floats:
        """Return one covariate (M,)."""
        return np.asarray(self.covariates[:, self.names.tolist().index(name)])

    def of_arms(self, arms: Sequence[int]) -> Register:
        """Return the same people in some of the arms alone, the control first."""
        keep = list(arms)
        ends = self.ends[keep] if self.ends.size else self.ends
        harms = self.harms[keep] if self.harms.size else self.harms
        return replace(self, outcomes=self.outcomes[keep], ends=ends, harms=harms)

    def with_useless_scores(self, generator: np.random.Generator) -> Register:
        """Return the register with the scores shuffled between people."""
        order = generator.permutation(len(self))
        return replace(self, scores=self.scores[order])
