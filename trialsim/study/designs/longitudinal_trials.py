"""Whole trials with a continuous outcome: sites, randomisation, visits, dropout, and one analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.data import Estimates, Floats
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.protocol import Arm, Dropout
from trialsim.streams import stream
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
class LongitudinalBlock(InNotebook):
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
