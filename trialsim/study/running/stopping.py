"""When a cell has been simulated enough: a rule that is fixed before the first replicate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

REPLICATES_BETWEEN_LOOKS = 1_000


@dataclass(frozen=True)
class StoppingRule:
    """Stop at the first look at which every rejection rate is known to the asked precision.

    Looks are taken after every `look` blocks, in the order of the plan, so that neither workers nor
    a resumed run change the number of replicates.

    Parameters
    ----------
    precision : float
        Largest Monte Carlo standard error, above 0.
    look : int
        Blocks between looks, at least 1.
    most : int
        Replicates at most: what a rate of one half needs.

    Notes
    -----
    The error is that of a rate p̃ = (x + 2) / (n + 4) (Agresti and Coull 1998), which a run of equal
    results at the start cannot make 0: sqrt(p̃ (1 − p̃) / (n + 4)).
    """

    precision: float
    look: int
    most: int

    @classmethod
    def for_precision(cls, precision: float, block: int) -> StoppingRule:
        """Return the rule for a precision and replicates in a block.

        Examples
        --------
        >>> StoppingRule.for_precision(0.005, 250)
        StoppingRule(precision=0.005, look=4, most=10000)
        """
        look = max(1, math.ceil(REPLICATES_BETWEEN_LOOKS / block))
        most = math.ceil(round(0.25 / precision**2, 6))
        return cls(precision, look, max(most, 100))

    def reached(self, blocks: int, rejections: Iterable[tuple[int, int]]) -> bool:
        """Return whether to stop after so many blocks, given rejected and all trials of each rate.

        Examples
        --------
        >>> rule = StoppingRule.for_precision(0.005, 250)
        >>> rule.reached(8, [(100, 2000)])
        True
        >>> rule.reached(8, [(200, 2000)])
        False
        >>> rule.reached(7, [(0, 1750)])
        False
        """
        return blocks % self.look == 0 and all(self.error(*one) <= self.precision for one in rejections)

    @staticmethod
    def error(rejected: int, trials: int) -> float:
        """Return the standard error of the rejection rate that the rule looks at."""
        rate = (rejected + 2) / (trials + 4)
        return math.sqrt(rate * (1 - rate) / (trials + 4))

    def in_words(self) -> str:
        """Return the rule as a sentence."""
        return (
            f"each cell stops at the first look, taken every {self.look} blocks, at which the Monte Carlo "
            f"standard error of every rejection rate is at most {self.precision:g}, or at {self.most:,} "
            "replicates"
        )
