"""Whole trials with a continuous outcome: sites, randomisation, visits, dropout, and one analysis."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.data import Estimates, Floats
from trialsim.design import OperatingCharacteristics, tally
from trialsim.design.operating_characteristics import Tally
from trialsim.errors import DesignError
from trialsim.protocol import Arm, Dropout
from trialsim.streams import stream
from trialsim.study.running.conduct import ConductTally
from trialsim.study.running.work import split_replicates
from trialsim.trial import SitePlan, VisitEffect, normal_outcomes, permuted_blocks, recruit
from trialsim.trial.intercurrent_events import constant_hazard_dropout


@dataclass(frozen=True)
class LongitudinalPlan:
    """A two-arm trial with visits.

    Parameters
    ----------
    participants : int
        N.
    sites : SitePlan
        How they are recruited.
    arms : tuple of Arm
        Control and active, with the allocation ratio in whole numbers.
    block_sizes : tuple of int
        Of the permuted blocks.
    weeks : tuple of float (V,)
        Post-baseline visits, ascending.
    mean : ndarray (1 + V,)
        Means of the control, the baseline first.
    covariance : ndarray (1 + V, 1 + V)
        Covariance between visits.
    effect : VisitEffect
        Of the active arm over 1 + V visits, 0 at the baseline.
    dropout : tuple of Dropout
        Causes with their cumulative shares by arm, completely at random.

    Raises
    ------
    DesignError
        Visits out of order, means or effects of another number, or a site plan that lets in fewer.
    """

    participants: int
    sites: SitePlan
    arms: tuple[Arm, Arm]
    block_sizes: tuple[int, ...]
    weeks: tuple[float, ...]
    mean: Floats
    covariance: Floats
    effect: VisitEffect
    dropout: tuple[Dropout, ...] = ()

    def __post_init__(self) -> None:
        weeks = np.asarray(self.weeks)
        if not len(weeks) or weeks[0] <= 0 or (np.diff(weeks) <= 0).any():
            raise DesignError("must ascend from above 0", field="weeks", value=self.weeks)
        for field, values in (("mean", self.mean), ("effect", self.effect.shift)):
            if np.shape(values) != (1 + len(weeks),):
                raise DesignError(
                    "must hold the baseline and every visit", field=field, value=np.shape(values)
                )
        if self.effect.shift[0] != 0:
            raise DesignError("must be 0 at the baseline", field="effect", value=float(self.effect.shift[0]))
        for position, cause in enumerate(self.dropout):
            if missing := [arm.name for arm in self.arms if arm.name not in cause.cumulative]:
                raise DesignError("has no share for an arm", field=f"dropout[{position}]", value=missing)
        if self.participants > self.sites.most:
            raise DesignError(
                f"cannot be enrolled: the sites let in {self.sites.most}",
                field="participants",
                value=self.participants,
                mend="raise the caps or open more sites",
            )


@dataclass(frozen=True)
class LongitudinalBlock:
    """Replicate trials: months of entry (R, N), arm (R, N), baseline (R, N), outcomes (R, N, V)."""

    entry: Floats
    arm: np.ndarray
    baseline: Floats
    outcomes: Floats


BlockAnalysis = Callable[[LongitudinalBlock], Estimates]


def simulate_longitudinal_block(
    plan: LongitudinalPlan, replicates: int, seed: int, scenario: str, block: int
) -> LongitudinalBlock:
    """Simulate a block of trials; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : LongitudinalPlan
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
    LongitudinalBlock
        Entry, arms, baselines and outcomes of R trials.
    """

    def chance(component: str) -> np.random.Generator:
        return stream(seed, scenario, block, component)

    entry = recruit(plan.sites, replicates, plan.participants, chance("enrolment")).month
    ratio = [arm.allocation for arm in plan.arms]
    arm = permuted_blocks(replicates, plan.participants, ratio, plan.block_sizes, chance("randomisation"))
    outcomes = normal_outcomes(arm, plan.mean, plan.covariance, (plan.effect,), chance("outcome"))
    shares = np.array([[cause.cumulative[one.name] for cause in plan.dropout] for one in plan.arms])
    week, _ = constant_hazard_dropout(arm, shares, plan.weeks[-1], chance("dropout"))
    values = outcomes[..., 1:]
    for visit, when in enumerate(plan.weeks):
        np.copyto(values[..., visit], np.nan, where=week <= when)
    return LongitudinalBlock(entry, arm, outcomes[..., 0], values)


def mmrm_at_last_visit(block: LongitudinalBlock) -> Estimates:
    """MMRM with the baseline by visit and an unstructured covariance, in closed form, with df.

    Parameters
    ----------
    block : LongitudinalBlock
        R trials, visits missing from dropout on.

    Returns
    -------
    Estimates
        Of the difference in mean at the last visit.
    """
    design = np.empty((*block.arm.shape, 3))
    design[..., 0], design[..., 1], design[..., 2] = 1.0, block.arm, block.baseline
    return monotone_block(block.outcomes, design)


def ancova_at_last_visit(block: LongitudinalBlock) -> Estimates:
    """ANCOVA of the last visit given the baseline, HC3.

    Parameters
    ----------
    block : LongitudinalBlock
        R trials.

    Returns
    -------
    Estimates
        Of the difference in mean at the last visit.
    """
    return fit_linear(block.outcomes[..., -1], block.arm, block.baseline[..., None])


def longitudinal_characteristics(
    plan: LongitudinalPlan,
    analysis: BlockAnalysis,
    *,
    replicates: int,
    seed: int,
    scenario: str,
    alpha: float = 0.05,
    block: int = 250,
) -> tuple[OperatingCharacteristics, ConductTally]:
    """Return what an analysis does in whole trials, and how the trials went.

    Parameters
    ----------
    plan : LongitudinalPlan
        The trial.
    analysis : callable
        From `LongitudinalBlock` to `Estimates`, such as `mmrm_at_last_visit`.
    replicates : int
        Number of trials.
    seed, scenario
        Names of the random streams.
    alpha : float
        Two-sided level.
    block : int
        Trials in memory at a time; part of the names of the streams.

    Returns
    -------
    characteristics, conduct : OperatingCharacteristics, ConductTally
        Of the analysis, and of the trials.

    Raises
    ------
    DesignError
        Fewer than one replicate.

    Examples
    --------
    >>> from trialsim.trial.outcomes import autoregressive, ramp_shift
    >>> from trialsim.trial import site_plan
    >>> arms = [Arm(name=n, role=r, allocation=1) for n, r in (("placebo", "control"), ("drug", "active"))]
    >>> plan = LongitudinalPlan(
    ...     120, site_plan([0.0, 1.0, 2.0], rate=6.0, shape=2.0), tuple(arms), (4,),
    ...     (12.0, 24.0), np.zeros(3), autoregressive(3, 0.6), ramp_shift([0.0, 12.0, 24.0], 0.5, 24.0),
    ... )
    >>> found, conduct = longitudinal_characteristics(
    ...     plan, mmrm_at_last_visit, replicates=500, seed=1, scenario="doc"
    ... )
    >>> round(found.rejection_rate, 1), round(conduct.mean_months)
    (0.8, 9)
    """
    if replicates < 1:
        raise DesignError("must be at least 1", field="replicates", value=replicates)
    counts, conduct = Tally(), ConductTally()
    truth = float(plan.effect.shift[-1])
    for index, size in enumerate(split_replicates(replicates, block)):
        trials = simulate_longitudinal_block(plan, size, seed, scenario, index)
        estimates = analysis(trials)
        half_width = np.asarray(stdtrit(estimates.df, 1 - alpha / 2) * estimates.standard_error)
        counts = counts + tally(estimates, truth, alpha, half_width)
        conduct = conduct + _conduct(trials)
    return OperatingCharacteristics(scenario, estimates.analysis, truth, counts), conduct


def _conduct(trials: LongitudinalBlock) -> ConductTally:
    months, seen = trials.entry[:, -1], np.isfinite(trials.outcomes[..., -1])
    active = trials.arm == 1
    return ConductTally(
        trials=len(months),
        months=math.fsum(months),
        months_2=math.fsum(months**2),
        controls_analysed=int((seen & ~active).sum()),
        active_analysed=int((seen & active).sum()),
    )
