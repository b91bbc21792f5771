"""Two-arm trials with calendar looks at outcomes that come late; bounds follow the information seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from scipy.special import ndtri

from trialsim.data import Floats, Ints
from trialsim.design import BetaSpending, OBrienFlemingSpending
from trialsim.design.group_sequential import SpendingFunction, adapted_bounds
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.sequential_block import NaiveEstimate, SequentialBlock
from trialsim.study.designs.spending_plan import spent_bounds
from trialsim.trial import PlannedAccrual, SitePlan, normal_score, permuted_blocks, recruit, stop_at_bounds
from trialsim.trial.allocation import check_blocks
from trialsim.trial.interim import check_calendar, check_stages


@dataclass(frozen=True)
class CalendarPlan:
    """A trial looked at in given months, and when everybody has been seen.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        Kind of outcome.
    means : pair of float
        True means or probabilities of control and active; larger is better.
    participants : int
        N.
    accrual : PlannedAccrual or SitePlan
        How they enter.
    delay : float
        Months from entry to the outcome, at least 0.
    months : tuple of float (K − 1,)
        Calendar months of the interim looks, ascending. The last look falls when everybody is seen.
    planned_variance : float
        Variance of an outcome with which information was planned: its maximum is what N then give.
    efficacy : SpendingFunction
        How alpha is spent; the last look spends all that is left.
    alpha : float
        One-sided type I error.
    futility : BetaSpending, optional
        Futility bounds, obeyed in the simulation; they spend `beta` under `effect`.
    beta, effect : float
        Type II error and planned difference of the futility bounds.
    spend_by : {"information", "calendar"}
        Where the spending functions are read: information seen over its planned maximum, or the look's
        month over that in which everybody is expected to be seen.
    sd : float
        True standard deviation of normal outcomes.
    ratio, block_sizes : tuple
        Allocation.
    confidence : float
        Level of the naive interval.

    Raises
    ------
    DesignError
        Looks out of order or before anybody is seen, more participants than can enter, or errors out of
        range.

    Examples
    --------
    >>> CalendarPlan("normal", (0.0, 0.3), 100, PlannedAccrual((10,), (10,)), 6.0, (5.0,))
    Traceback (most recent call last):
    trialsim.errors.DesignError: months: comes before any outcome, ... Got 5.0. Mend: look after month 6.
    """

    endpoint: Literal["normal", "binary"]
    means: tuple[float, float]
    participants: int
    accrual: PlannedAccrual | SitePlan
    delay: float
    months: tuple[float, ...]
    planned_variance: float = 1.0
    efficacy: SpendingFunction = field(default_factory=OBrienFlemingSpending)
    alpha: float = 0.025
    futility: BetaSpending | None = None
    beta: float = 0.1
    effect: float = 0.0
    spend_by: Literal["information", "calendar"] = "information"
    sd: float = 1.0
    ratio: tuple[float, float] = (1, 1)
    block_sizes: tuple[int, ...] = (4,)
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_stages(self.endpoint, self.means, np.array([[1, 1]]), self.sd, 1)
        if len(self.means) != 2 or len(self.ratio) != 2:
            raise DesignError("must hold two arms", field="means", value=self.means)
        if self.participants < 4:
            raise DesignError("must be at least 4", field="participants", value=self.participants)
        check_blocks(self.ratio, self.block_sizes)
        if isinstance(self.accrual, SitePlan) and self.participants > self.accrual.most:
            raise DesignError(
                f"cannot be enrolled: the sites let in {self.accrual.most}",
                field="participants",
                value=self.participants,
                mend="raise the caps or open more sites",
            )
        if not (np.isfinite(self.delay) and self.delay >= 0):
            raise DesignError("must be finite and at least 0", field="delay", value=self.delay)
        when = check_calendar(self.months)
        if when[0] <= self.delay:
            raise DesignError(
                "comes before any outcome, which takes the delay from entry",
                field="months",
                value=float(when[0]),
                mend=f"look after month {self.delay:g}",
            )
        if not (np.isfinite(self.planned_variance) and self.planned_variance > 0):
            raise DesignError(
                "must be finite and above 0", field="planned_variance", value=self.planned_variance
            )
        if self.spend_by not in ("information", "calendar"):
            raise DesignError("must be 'information' or 'calendar'", field="spend_by", value=self.spend_by)
        if self.futility is not None and not self.effect > 0:
            raise DesignError("must be above 0 where futility rests on it", field="effect", value=self.effect)
        adapted_bounds(np.ones((1, 1)), self.efficacy, self.alpha)

    @property
    def planned_information(self) -> float:
        """Information that N participants were planned to give."""
        share = self.ratio[1] / (self.ratio[0] + self.ratio[1])
        return self.participants * share * (1 - share) / self.planned_variance

    @property
    def expected_end(self) -> float:
        """Month in which everybody is expected to be seen under a planned accrual; infinite for sites."""
        if isinstance(self.accrual, SitePlan):
            return np.inf
        return float(self.accrual.expected_entries(self.participants)[-1]) + self.delay


def run_calendar_block(
    plan: CalendarPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : CalendarPlan
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
        With ``size`` (entered by the look), ``seen``, ``pipeline`` and ``months`` at each look.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> plan = CalendarPlan("normal", (0.0, 0.5), 170, PlannedAccrual((10,), (17,)), 3.0, (10.0, 15.0))
    >>> found = characteristics_of(run_calendar_block, plan, replicates=2000, seed=1, scenario="doc")
    >>> round(found.rejection_rate, 1), found.counts.most["seen"]
    (0.9, 170.0)
    """
    chance = partial(stream, seed, scenario, block)
    shape = (replicates, plan.participants)
    if isinstance(plan.accrual, SitePlan):
        entry = recruit(plan.accrual, *shape, chance("enrolment")).month
    else:
        entry = plan.accrual.arrivals(*shape, chance("enrolment"))
    arm = permuted_blocks(*shape, plan.ratio, plan.block_sizes, chance("randomisation"))
    outcome = _outcomes(plan, arm, chance("outcome"))
    end = entry[:, -1:] + plan.delay
    month = np.minimum(np.column_stack([np.tile(plan.months, (replicates, 1)), end]), end)
    seen = _count(entry + plan.delay, month)
    entered = _count(entry, month)
    difference, variance, freedom = _differences(outcome, arm, seen)
    z = _normal_scores(difference, variance, freedom, plan.endpoint)
    upper, lower = _bounds(plan, variance, month, end)
    stopping = stop_at_bounds(z, upper, lower)
    width = ndtri(0.5 + plan.confidence / 2) * np.sqrt(stopping.at(variance))
    return SequentialBlock(
        stopping,
        z,
        {"size": entered, "seen": seen, "pipeline": entered - seen, "months": month},
        estimate=NaiveEstimate(stopping.at(difference), width, plan.means[1] - plan.means[0]),
    )


def _outcomes(plan: CalendarPlan, arm: np.ndarray, generator: np.random.Generator) -> Floats:
    mean = np.asarray(plan.means)[arm]
    if plan.endpoint == "binary":
        return (generator.random(arm.shape) < mean).astype(np.float64)
    return np.asarray(mean + plan.sd * generator.standard_normal(arm.shape))


def _count(when: Floats, month: Floats) -> Ints:
    """Return how many of those that ascend in a trial (R, N) are there by each look (R, K)."""
    return (when[:, None, :] <= month[:, :, None]).sum(axis=2)


def _differences(outcome: Floats, arm: np.ndarray, seen: Ints) -> tuple[Floats, Floats, Floats]:
    """Return active minus control of those seen, its variance and degrees of freedom (R, K).

    Outcomes are seen in the order of entry, so that running sums serve every look. NaN where an arm
    has fewer than two, or nothing varies.
    """
    n: list[Floats] = []
    total: list[Floats] = []
    squares: list[Floats] = []
    for a in (0, 1):
        mine = (arm == a).astype(np.float64)
        for values, out in ((mine, n), (mine * outcome, total), (mine * outcome**2, squares)):
            running = np.concatenate([np.zeros((len(arm), 1)), np.cumsum(values, axis=1)], axis=1)
            out.append(np.take_along_axis(running, seen, axis=1))
    mean = [t / np.maximum(m, 1) for t, m in zip(total, n, strict=True)]
    within = (squares[0] - n[0] * mean[0] ** 2) + (squares[1] - n[1] * mean[1] ** 2)
    freedom = np.maximum(n[0] + n[1] - 2, 1)
    variance = within / freedom * (1 / np.maximum(n[0], 1) + 1 / np.maximum(n[1], 1))
    usable = (n[0] >= 2) & (n[1] >= 2) & (within > 1e-12)
    return mean[1] - mean[0], np.where(usable, variance, np.nan), freedom


def _normal_scores(difference: Floats, variance: Floats, freedom: Floats, endpoint: str) -> Floats:
    """Return z, of normal outcomes with the p value of the t test."""
    t = difference / np.sqrt(variance)
    return t if endpoint == "binary" else normal_score(t, freedom)


def _bounds(plan: CalendarPlan, variance: Floats, month: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Return the bounds (R, K) for the information that was seen."""
    information = np.where(np.isfinite(variance), 1 / variance, 0.0)
    clock = None
    if plan.spend_by == "calendar":
        whole = plan.expected_end if np.isfinite(plan.expected_end) else end
        clock = month / whole
    drift = plan.effect * np.sqrt(plan.planned_information)
    return spent_bounds(plan, information / plan.planned_information, drift, clock)
