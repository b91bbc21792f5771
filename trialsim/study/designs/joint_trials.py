"""Trials with a marker and an event that follows it, as plans, read by one of several analyses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import ndtri, stdtrit

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.analysis.survival import cox_block, log_rank_block
from trialsim.data import Estimates, Floats
from trialsim.errors import DesignError
from trialsim.registry import Reader, SeenJoint, Truth, reader, served
from trialsim.streams import stream
from trialsim.study.designs.joint_rank import joint_rank_block
from trialsim.study.designs.sequential_block import NaiveEstimate, SequentialBlock
from trialsim.trial import JointWorld, normal_score, simulate_joint, stop_at_bounds
from trialsim.trial.outcomes import joint_truth

JOINT = "joint"


@dataclass(frozen=True)
class JointPlan:
    """A joint longitudinal–event trial and its primary analysis.

    Parameters
    ----------
    world : JointWorld
        The trial.
    analysis : str
        An estimator that reads a joint endpoint, of trialsim or another package: of the event (`log_rank`,
        and `cox` adjusted for the measured baseline), of the marker (`ancova` of the last visit among those
        who have it, `mmrm` of all visits), or of both (`joint_rank`).
    alpha : float
        One-sided level.
    higher_is_worse : bool
        Direction of the marker.
    confidence : float
        Level of the interval.
    settings : tuple of (str, float)
        Numbers that the analysis takes.

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
    analysis: str = "log_rank"
    alpha: float = 0.025
    higher_is_worse: bool = True
    confidence: float = 0.95
    settings: tuple[tuple[str, float | str], ...] = ()

    def __post_init__(self) -> None:
        if reader(self.analysis, JOINT) is None:
            raise DesignError(
                f"must be one of {', '.join(served(JOINT))}", field="analysis", value=self.analysis
            )
        for name, most in (("alpha", 0.5), ("confidence", 1.0)):
            if not 0 < getattr(self, name) < most:
                raise DesignError(f"must lie between 0 and {most:g}", field=name, value=getattr(self, name))

    @property
    def reader(self) -> Reader:
        """How the analysis reads the trials."""
        found = reader(self.analysis, JOINT)
        assert found is not None
        return found


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
    estimates = plan.reader.block(
        SeenJoint(
            arm=trials.arm, time=trials.time, event=trials.event, baseline=trials.baseline,
            marker=trials.marker, higher_is_worse=plan.higher_is_worse,
        ),
        dict(plan.settings),
    )  # fmt: skip
    sign = plan.reader.sign(-1.0 if plan.higher_is_worse else 1.0)
    statistic = _benefit(estimates, sign)[:, None]
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


def _benefit(estimates: Estimates, sign: float) -> Floats:
    """Return the normal score of the one-sided p value (R,) of the test that decides; NaN without a test."""
    if estimates.decision is not None:
        return sign * estimates.decision.z
    t = sign * np.where(estimates.status == 0, estimates.statistic, np.nan)
    finite = np.isfinite(estimates.df)
    return np.where(finite, normal_score(t, np.where(finite, estimates.df, 1.0)), t)


def _naive(plan: JointPlan, estimates: Estimates) -> NaiveEstimate | None:
    truth = plan.reader.true_value(JointLaw(plan), plan).value
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


@dataclass(frozen=True)
class JointLaw:
    """What is true of a joint trial."""

    plan: JointPlan

    def log_hazard_ratio(self, asked: object) -> Truth:
        """Return the log hazard ratio, where the hazard does not follow the marker."""
        world = self.plan.world
        split = world.subgroup_share > 0 and world.subgroup_hazard_ratio != 1.0
        if world.association or world.slope_association or split:
            return Truth(None, note="hazards are not proportional: there is no one hazard ratio")
        return Truth(float(np.log(world.hazard_ratio)))

    def marker_difference(self, asked: object) -> float:
        """Return the difference of mean markers at the last visit, without events."""
        return joint_truth(self.plan.world, higher_is_worse=self.plan.higher_is_worse).marker_difference

    def win_difference(self, asked: object) -> Truth:
        """Return wins minus losses; no closed form with dropout."""
        if self.plan.world.dropout is not None:
            return Truth(None, note="dropout changes which pairs are decided")
        found = joint_truth(self.plan.world, higher_is_worse=self.plan.higher_is_worse)
        return Truth(found.win_difference)


def log_rank(seen: SeenJoint) -> Estimates:
    """Return the one-step log hazard ratio of the event."""
    return log_rank_block(seen.time, seen.event, seen.arm)


def cox(seen: SeenJoint) -> Estimates:
    """Return the log hazard ratio of the event, given the measured baseline."""
    return cox_block(seen.time, seen.event, seen.arm, seen.baseline[..., None])


def ancova(seen: SeenJoint) -> Estimates:
    """Return the difference of markers at the last visit among those who have it, given the baseline."""
    return fit_linear(seen.marker[..., -1], seen.arm, seen.baseline[..., None])


def mmrm(seen: SeenJoint) -> Estimates:
    """Return the difference of markers at the last visit, by a mixed model of all visits."""
    design = np.empty((*seen.arm.shape, 3))
    design[..., 0], design[..., 1], design[..., 2] = 1.0, seen.arm, seen.baseline
    return monotone_block(seen.marker, design)


def joint_rank(seen: SeenJoint) -> Estimates:
    """Return wins minus losses over the event, then the marker."""
    return joint_rank_block(seen, higher_is_worse=seen.higher_is_worse)
