"""Trials with a marker and an event that follows it, as plans, read by one of several analyses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.analysis.survival import cox_block, log_rank_block
from trialsim.data import Estimates, Floats
from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study.designs.joint_rank import joint_rank_block
from trialsim.study.designs.sequential_block import NaiveEstimate, SequentialBlock
from trialsim.trial import JointWorld, normal_score, simulate_joint, stop_at_bounds
from trialsim.trial.outcomes import JointTrials, joint_truth

JointAnalysis = Literal["log_rank", "cox", "ancova", "mmrm", "joint_rank"]


@dataclass(frozen=True)
class JointPlan:
    """A joint longitudinal–event trial and its primary analysis.

    Parameters
    ----------
    world : JointWorld
        The trial.
    analysis : {"log_rank", "cox", "ancova", "mmrm", "joint_rank"}
        Of the event (`log_rank`, and `cox` adjusted for the measured baseline), of the marker
        (`ancova` of the last visit among those who have it, `mmrm` of all visits), or of both.
    alpha : float
        One-sided level.
    higher_is_worse : bool
        Direction of the marker.
    confidence : float
        Level of the interval.

    Raises
    ------
    DesignError
        An unknown analysis, or a level out of range.

    Examples
    --------
    >>> from trialsim.trial import PlannedAccrual
    >>> JointPlan(JointWorld(100, PlannedAccrual((10,), (10,)), (6.0,), 12.0), "t_test")
    Traceback (most recent call last):
    trialsim.errors.DesignError: analysis: must be one of log_rank, cox, ancova, mmrm, joint_rank. ...
    """

    world: JointWorld
    analysis: JointAnalysis = "log_rank"
    alpha: float = 0.025
    higher_is_worse: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.analysis not in _ANALYSES:
            raise DesignError(f"must be one of {', '.join(_ANALYSES)}", field="analysis", value=self.analysis)
        for name, most in (("alpha", 0.5), ("confidence", 1.0)):
            if not 0 < getattr(self, name) < most:
                raise DesignError(f"must lie between 0 and {most:g}", field=name, value=getattr(self, name))


def run_joint_block(
    plan: JointPlan, replicates: int, seed: int, scenario: str, block: int
) -> SequentialBlock:
    """Simulate one block; the same arguments give the same bytes anywhere.

    Parameters
    ----------
    plan : JointPlan
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
        One look, with ``size``, ``events``, ``measured`` (participants with the last visit) and
        ``months`` until everybody's follow-up is over. The naive estimate is compared with what it
        aims at: the marker's difference without events, or the win difference; the event's analyses
        have one only where the hazard does not follow the marker.

    Examples
    --------
    >>> from trialsim.study import characteristics_of
    >>> from trialsim.trial import PlannedAccrual
    >>> world = JointWorld(
    ...     200, PlannedAccrual((20,), (10,)), (6.0, 12.0), 12.0, slope=0.1, association=0.5,
    ...     slope_effect=-0.1,
    ... )
    >>> plan = JointPlan(world, "joint_rank")
    >>> found = characteristics_of(run_joint_block, plan, replicates=300, seed=1, scenario="doc")
    >>> found.rejection_rate > 0.9
    True
    """
    trials = simulate_joint(plan.world, replicates, partial(stream, seed, scenario, block))
    estimates = _ANALYSES[plan.analysis](trials, plan)
    statistic = _benefit(estimates, _direction(plan))[:, None]
    return SequentialBlock(
        stop_at_bounds(statistic, (-ndtri(plan.alpha),)),
        statistic,
        {
            "size": np.full(replicates, plan.world.participants),
            "events": trials.event.sum(axis=1),
            "measured": np.isfinite(trials.marker[..., -1]).sum(axis=1),
            "months": trials.entry[:, -1] + plan.world.follow_up,
        },
        estimate=_naive(plan, estimates),
    )


def _direction(plan: JointPlan) -> int:
    """Return the sign of an estimate that favours active."""
    if plan.analysis == "joint_rank":
        return 1
    if plan.analysis in ("log_rank", "cox"):
        return -1
    if plan.analysis not in ("ancova", "mmrm"):
        raise DesignError("has no side that is known", field="analysis", value=plan.analysis)
    return -1 if plan.higher_is_worse else 1


def _benefit(estimates: Estimates, sign: int) -> Floats:
    """Return the normal score of the one-sided p value (R,) of the test that decides; NaN without a test."""
    if estimates.decision is not None:
        return sign * estimates.decision.z
    t = sign * np.where(estimates.status == 0, estimates.statistic, np.nan)
    finite = np.isfinite(estimates.df)
    return np.where(finite, normal_score(t, np.where(finite, estimates.df, 1.0)), t)


def _naive(plan: JointPlan, estimates: Estimates) -> NaiveEstimate | None:
    truth = _truth(plan)
    if truth is None:
        return None
    failed = estimates.status != 0
    finite = np.isfinite(estimates.df) & ~failed
    level = 0.5 + plan.confidence / 2
    quantile = np.where(finite, stdtrit(np.where(finite, estimates.df, 1.0), level), ndtri(level))
    return NaiveEstimate(
        np.where(failed, np.nan, estimates.estimate),
        np.where(failed, np.nan, quantile * estimates.standard_error),
        truth,
    )


def _truth(plan: JointPlan) -> float | None:
    """Return what the analysis aims at, or None where that is not one number."""
    world = plan.world
    if plan.analysis in ("log_rank", "cox"):
        split = world.subgroup_share > 0 and world.subgroup_hazard_ratio != 1.0
        proportional = not (world.association or world.slope_association or split)
        return float(np.log(world.hazard_ratio)) if proportional else None
    truth = joint_truth(world, higher_is_worse=plan.higher_is_worse)
    if plan.analysis == "joint_rank":
        return truth.win_difference if world.dropout is None else None
    if plan.analysis in ("ancova", "mmrm"):
        return truth.marker_difference
    raise DesignError("aims at nothing that is known", field="analysis", value=plan.analysis)


def _log_rank(trials: JointTrials, plan: JointPlan) -> Estimates:
    return log_rank_block(trials.time, trials.event, trials.arm)


def _cox(trials: JointTrials, plan: JointPlan) -> Estimates:
    return cox_block(trials.time, trials.event, trials.arm, trials.baseline[..., None])


def _ancova(trials: JointTrials, plan: JointPlan) -> Estimates:
    return fit_linear(trials.marker[..., -1], trials.arm, trials.baseline[..., None])


def _mmrm(trials: JointTrials, plan: JointPlan) -> Estimates:
    design = np.empty((*trials.arm.shape, 3))
    design[..., 0], design[..., 1], design[..., 2] = 1.0, trials.arm, trials.baseline
    return monotone_block(trials.marker, design)


def _joint_rank(trials: JointTrials, plan: JointPlan) -> Estimates:
    return joint_rank_block(trials, higher_is_worse=plan.higher_is_worse)


_ANALYSES: dict[str, Callable[[JointTrials, JointPlan], Estimates]] = {
    "log_rank": _log_rank,
    "cox": _cox,
    "ancova": _ancova,
    "mmrm": _mmrm,
    "joint_rank": _joint_rank,
}
