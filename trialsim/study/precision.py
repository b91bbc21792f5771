"""How many blocks are run: until a declared precision is reached, by a rule that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from trialsim.errors import DesignError

Sums = TypeVar("Sums", bound=Any)


@dataclass(frozen=True)
class PrecisionRule:
    """When to stop adding blocks; declared before the first is run.

    Parameters
    ----------
    target : float
        Monte Carlo standard error to reach, above 0.
    least, most : int
        Blocks that are run in any case, and the most of them.

    Examples
    --------
    >>> PrecisionRule(0.002, least=4, most=400)
    PrecisionRule(target=0.002, least=4, most=400)
    """

    target: float
    least: int
    most: int

    def __post_init__(self) -> None:
        if not (np.isfinite(self.target) and self.target > 0):
            raise DesignError("must be finite and above 0", field="target", value=self.target)
        if not 1 <= self.least <= self.most:
            raise DesignError(
                "must be at least 1 and at most `most`", field="least", value=(self.least, self.most)
            )


@dataclass(frozen=True)
class Precise(Generic[Sums]):
    """What was run: the sums, the number of blocks, the error that was reached, and whether it is enough."""

    sums: Sums
    blocks: int
    error: float
    reached: bool


def run_until_precise(
    block: Callable[[int], Sums], error: Callable[[Sums], float], rule: PrecisionRule
) -> Precise[Sums]:
    """Run blocks 0, 1, 2, … and add them up until the error is small enough.

    Parameters
    ----------
    block : callable
        From the index of a block to its sums, which add with ``+``.
    error : callable
        From sums to the Monte Carlo standard error that the rule is about.
    rule : PrecisionRule
        When to stop.

    Returns
    -------
    Precise
        The blocks are the first ones, in order, so that the same rule stops at the same block anywhere.

    Examples
    --------
    >>> found = run_until_precise(lambda index: 100, lambda n: n**-0.5, PrecisionRule(0.05, 1, 10))
    >>> found.blocks, found.reached
    (4, True)
    """
    sums = block(0)
    blocks = 1
    while blocks < rule.least or (error(sums) > rule.target and blocks < rule.most):
        sums = sums + block(blocks)
        blocks += 1
    reached = error(sums)
    return Precise(sums, blocks, reached, reached <= rule.target)
