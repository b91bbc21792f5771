"""The log hazard ratio that a fixed trial would report, and the true one where hazards are proportional."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from trialsim.analysis.survival import LogRankLooks
from trialsim.study.designs.sequential_block import NaiveEstimate
from trialsim.trial import PiecewiseHazard, SurvivalWorld, WeibullLaw
from trialsim.trial.interim import Stopping


def log_ratio_estimate(
    world: SurvivalWorld, tests: LogRankLooks, stopping: Stopping, confidence: float, stratified: bool
) -> NaiveEstimate | None:
    r"""Return the one-step estimate U/V of each trial at its last look; None without one true ratio.

    :math:`\hat\theta = U/V` with variance 1/V (Peto), U the log-rank score and V its variance. It is
    itself pulled towards 0 for ratios far from 1; where that matters compare it with a fixed trial's.
    """
    truth = proportional_log_ratio(world, stratified)
    if truth is None:
        return None
    score, information = stopping.at(tests.score), stopping.at(tests.information)
    seen = information > 0
    safe = np.where(seen, information, 1.0)
    width = ndtri(0.5 + confidence / 2) / np.sqrt(safe)
    return NaiveEstimate(np.where(seen, score / safe, np.nan), np.where(seen, width, np.nan), truth)


def proportional_log_ratio(world: SurvivalWorld, stratified: bool) -> float | None:
    """Return the log hazard ratio of the first active arm, or None where it is not one number for all.

    Examples
    --------
    >>> from trialsim.trial import PlannedAccrual
    >>> laws = (PiecewiseHazard((0.1,)), PiecewiseHazard((0.05,)))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), laws, (None, None))
    >>> round(proportional_log_ratio(world, True), 4)
    -0.6931
    """
    one_hazard = len(set(world.strata_hazards)) == 1 or stratified
    if world.frailty or len(set(world.strata_effects)) > 1 or not one_hazard:
        return None
    shared = float(np.log(world.strata_effects[0])) if world.strata_effects else 0.0
    control, active = world.events[:2]
    if isinstance(control, PiecewiseHazard) and isinstance(active, PiecewiseHazard):
        months = np.union1d(control.starts, active.starts)
        hazards = [
            np.array(law.rates)[np.searchsorted(law.starts, months, "right") - 1] for law in (control, active)
        ]
        if (hazards[0] == 0).any() or (hazards[1] == 0).any():
            return None
        ratios = np.log(hazards[1] / hazards[0])
        return shared + float(ratios[0]) if np.ptp(ratios) < 1e-12 else None
    if isinstance(control, WeibullLaw) and isinstance(active, WeibullLaw) and control.shape == active.shape:
        return shared + control.shape * float(np.log(control.scale / active.scale))
    return None
