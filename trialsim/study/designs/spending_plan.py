"""Bounds of plans that spend their errors by what has come."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from trialsim.data import Floats
from trialsim.design import BetaSpending
from trialsim.design.group_sequential import SpendingFunction, adapted_bounds


class SpendingPlan(Protocol):
    """What a plan says of its errors."""

    @property
    def efficacy(self) -> SpendingFunction:
        """How alpha is spent."""
        ...

    @property
    def alpha(self) -> float:
        """One-sided type I error."""
        ...

    @property
    def futility(self) -> BetaSpending | None:
        """How beta is spent, if at all."""
        ...

    @property
    def beta(self) -> float:
        """Type II error."""
        ...


def spent_bounds(
    plan: SpendingPlan, share: Floats, drift: float, clock: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the efficacy and futility bounds of each trial's looks (R, K).

    Parameters
    ----------
    plan : SpendingPlan
        The errors.
    share : ndarray (R, K)
        Information at each look over what was planned. An estimate of it may fall between two looks; what
        was read stays read.
    drift : float
        Mean of z at the planned information, on which futility rests.
    clock : ndarray (R, K), optional
        Where the spending functions are read instead.
    """
    return adapted_bounds(
        np.maximum.accumulate(share, axis=1),
        plan.efficacy,
        plan.alpha,
        spending_time=clock,
        futility=plan.futility,
        beta=plan.beta,
        drift=drift,
    )
