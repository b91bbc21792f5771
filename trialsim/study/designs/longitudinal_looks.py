"""Trials with visits, looked at by the calendar: a mixed model of what is seen, and bounds that follow it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from trialsim.data import Bools, Estimates, Floats
from trialsim.design import BetaSpending, OBrienFlemingSpending
from trialsim.design.group_sequential import SpendingFunction, adapted_bounds
from trialsim.errors import DesignError
from trialsim.study.designs.longitudinal_trials import (
    LongitudinalBlock,
    LongitudinalPlan,
    ancova_at_last_visit,
    mmrm_at_last_visit,
    simulate_longitudinal_block,
)
from trialsim.study.designs.sequential_block import NaiveEstimate, SequentialBlock
from trialsim.study.designs.spending_plan import spent_bounds
from trialsim.trial import normal_score, stop_at_bounds
from trialsim.trial.interim import check_calendar
from trialsim.trial.outcomes import WEEKS_PER_MONTH

_ANALYSES = {"mmrm": mmrm_at_last_visit, "ancova": ancova_at_last_visit}


@dataclass(frozen=True)
class LongitudinalLooksPlan:
    """A trial with visits, looked at in given months and when everybody's last visit is over.

    Parameters
    ----------
    trial : LongitudinalPlan
        Sites, visits, effect and dropout.
    months : tuple of float (K − 1,)
        Calendar months of the interim looks, ascending. A look sees every visit that is over by then.
    planned_information : float
        1/variance of the effect that the last look was planned to have.
    analysis : {"mmrm", "ancova"}
        Of all visits, or of those with the last one.
    efficacy : SpendingFunction
        How alpha is spent by information; the last look spends all that is left.
    alpha : float
        One-sided type I error.
    futility : BetaSpending, optional
        Futility bounds, obeyed in the simulation; they spend `beta` under `effect`.
    beta, effect : float
        Type II error and size of the planned effect of the futility bounds.
    higher_is_better : bool
        Direction of the outcome.
    least : int
        Participants of each arm whose last visit is seen, without which a look is not read: the mixed
        model's test rejects too often with fewer than about ten.
    confidence : float
        Level of the naive interval.

    Raises
    ------
    DesignError
        Looks out of order, no information planned, or errors out of range.
    """

    trial: LongitudinalPlan
    months: tuple[float, ...]
    planned_information: float
    analysis: Literal["mmrm", "ancova"] = "mmrm"
    efficacy: SpendingFunction = field(default_factory=OBrienFlemingSpending)
    alpha: float = 0.025
    futility: BetaSpending | None = None
    beta: float = 0.1
    effect: float = 0.0
    higher_is_better: bool = True
    least: int = 10
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_calendar(self.months)
        if self.analysis not in _ANALYSES:
            raise DesignError(f"must be one of {', '.join(_ANALYSES)}", field="analysis", value=self.analysis)
        if not (np.isfinite(self.planned_information) and self.planned_information > 0):
            raise DesignError(
                "must be finite and above 0", field="planned_information", value=self.planned_information
            )
        if self.futility is not None and not self.effect > 0:
            raise DesignError("must be above 0 where futility rests on it", field="effect", value=self.effect)
        adapted_bounds(np.ones((1, 1)), self.efficacy, self.alpha)


def run_longitudinal_looks_block(
    plan: LongitudinalLooksPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : LongitudinalLooksPlan
        The design and its true world.
    replicates : int
        R, trials in the block.
    seed : int
        Of the study.
    scenario : str
        Name of the random streams.
    block : int
        Index of the block.

    Returns
    -------
    SequentialBlock
        With ``size`` (entered by the look), ``completers`` (whose last visit is seen) and ``months``.

    Examples
    --------
    >>> from trialsim.protocol import Arm
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial.outcomes import autoregressive, ramp_shift
    >>> from trialsim.trial import site_plan
    >>> arms = [Arm(name=n, role=r, allocation=1) for n, r in (("placebo", "control"), ("drug", "active"))]
    >>> trial = LongitudinalPlan(
    ...     120, site_plan([0.0, 1.0, 2.0], rate=6.0, shape=2.0), tuple(arms), (4,),
    ...     (12.0, 24.0), np.zeros(3), autoregressive(3, 0.6), ramp_shift([0.0, 12.0, 24.0], 0.6, 24.0),
    ... )
    >>> plan = LongitudinalLooksPlan(trial, (10.0,), 40.0)
    >>> found = characteristics_of(run_longitudinal_looks_block, plan, replicates=400, seed=1, scenario="doc")
    >>> 0.85 < found.rejection_rate < 1.0
    True
    """
    whole = simulate_longitudinal_block(plan.trial, replicates, seed, scenario, block)
    over = whole.entry[..., None] + np.asarray(plan.trial.weeks) / WEEKS_PER_MONTH
    end = over[:, -1:, -1]
    month = np.minimum(np.column_stack([np.tile(plan.months, (replicates, 1)), end]), end)
    fits = [_read(plan, whole, over <= month[:, k, None, None]) for k in range(month.shape[1])]
    done = np.isfinite(whole.outcomes[:, None, :, -1]) & (over[:, None, :, -1] <= month[:, :, None])
    enough = _of_each_arm(done, whole.arm) >= plan.least
    estimate, error, df = (
        np.where(
            enough, np.stack([np.where(f.status == 0, getattr(f, name), np.nan) for f in fits], 1), np.nan
        )
        for name in ("estimate", "standard_error", "df")
    )
    sign = 1 if plan.higher_is_better else -1
    z = _normal_scores(sign * estimate / error, df)
    upper, lower = _bounds(plan, error)
    stopping = stop_at_bounds(z, upper, lower)
    level = 0.5 + plan.confidence / 2
    return SequentialBlock(
        stopping,
        z,
        {
            "size": (whole.entry[:, None, :] <= month[:, :, None]).sum(axis=2),
            "completers": done.sum(axis=2),
            "months": month,
        },
        estimate=NaiveEstimate(
            stopping.at(estimate),
            np.asarray(stdtrit(stopping.at(df), level)) * stopping.at(error),
            float(plan.trial.effect.shift[-1]),
        ),
    )


def _read(plan: LongitudinalLooksPlan, block: LongitudinalBlock, seen: Bools) -> Estimates:
    """Return the analysis of the visits that are over (R, N, V)."""
    return _ANALYSES[plan.analysis](replace(block, outcomes=np.where(seen, block.outcomes, np.nan)))


def _of_each_arm(done: Bools, arm: np.ndarray) -> np.ndarray:
    """Return the smaller arm's number of those who are done (R, K)."""
    active = (arm == 1)[:, None, :]
    return np.minimum((done & active).sum(axis=2), (done & ~active).sum(axis=2))


def _normal_scores(t: Floats, df: Floats) -> Floats:
    """Return the normal scores with the p values of t; NaN where the analysis failed."""
    known = np.isfinite(t) & (df > 0)
    score = normal_score(np.where(known, t, 0.0), np.where(known & np.isfinite(df), df, 1e9))
    return np.where(known, score, np.nan)


def _bounds(plan: LongitudinalLooksPlan, error: Floats) -> tuple[Floats, Floats]:
    """Return the bounds (R, K) for the information that was seen."""
    information = np.where(np.isfinite(error), 1 / np.square(error), 0.0)
    drift = plan.effect * np.sqrt(plan.planned_information)
    return spent_bounds(plan, information / plan.planned_information, drift)
