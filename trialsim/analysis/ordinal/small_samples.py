"""Exact rank tests of small samples: when they decide, and their normal deviates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialsim.analysis.one_trial.deciding import deviate
from trialsim.analysis.ordinal import small_samples_kernel as kernel
from trialsim.data import Floats, Ints, for_kernel

SMALLEST_ARM = 10
MOST_PARTICIPANTS = 100
MOST_CHOICES = 13_000.0


def exact_tests(
    outcome: Floats, order: Ints, arm: NDArray[np.int8], strata: Ints, levels: int, *, permuted: bool
) -> tuple[Floats, Floats]:
    """Return two-sided p values (R,) of the exact rank test and of the permuted statistic, signed.

    NaN unless an arm has fewer than 10 participants, and both at most 100; the permuted one needs at most
    13,000 ways to choose the active arm, and no strata. `order` sorts participants by outcome.
    """
    exact, shares = np.full(len(outcome), np.nan), np.full(len(outcome), np.nan)
    kernel.small_sample_tests(
        outcome, order, arm, strata, levels, SMALLEST_ARM, MOST_PARTICIPANTS,
        MOST_CHOICES if permuted else 0.0, exact, shares,
    )  # fmt: skip
    return exact, shares


def signed(p_value: Floats) -> Floats:
    """Return the normal deviate of a p value that has the sign of the effect."""
    return deviate(np.abs(p_value), p_value)


def exact_where(which: Ints, outcome: Floats, arm: NDArray[np.int8]) -> Floats:
    """Return the normal deviate of the exact rank test (R,) of the replicates named, where they are small."""
    z = np.full(len(outcome), np.nan)
    if len(which):
        y = for_kernel(outcome[which])
        nobody = np.zeros(y.shape, np.int64)
        exact, _ = exact_tests(y, np.argsort(y, axis=1), for_kernel(arm[which]), nobody, 1, permuted=False)
        z[which] = signed(exact)
    return z
