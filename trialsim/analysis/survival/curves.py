"""Kaplan–Meier summaries at one time horizon, for both arms of each replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.survival.block import COMMON_REASONS, Labels, SurvivalBlock
from trialsim.analysis.survival.curve_kernel import curves_to
from trialsim.analysis.survival.risk_table import risk_table
from trialsim.analysis.survival.sweep import common_status
from trialsim.analysis.survival.time_order import reaches
from trialsim.data import STATUS_OK, Estimates, Floats, Ints

NOT_FOLLOWED, NO_VARIANCE = len(COMMON_REASONS), len(COMMON_REASONS) + 1
CURVE_REASONS = (*COMMON_REASONS, "not_followed_to_horizon", "no_variance")


@dataclass(frozen=True)
class Curves:
    """Kaplan–Meier of control and active (R, 2) up to a horizon; see `curves_to`.

    Parameters
    ----------
    survival, hazard_variance, area, area_variance : ndarray (R, 2)
        Curve at the horizon, Greenwood's sum, area under the curve and its variance.
    events, participants : ndarray of int64 (R, 2)
        Number of events up to the horizon, and of members.
    status : ndarray of int8 (R,)
        Position in `CURVE_REASONS`: an arm all of whose members were censored or had left before the
        horizon, while its curve is above 0, is not followed to it.
    """

    survival: Floats
    hazard_variance: Floats
    area: Floats
    area_variance: Floats
    events: Ints
    participants: Ints
    status: Labels


def curves_at(block: SurvivalBlock, horizon: float) -> Curves:
    """Return the curves of a block up to a horizon, from one sort."""
    shape = (len(block.time), 2)
    survival, greenwood, area, variance, followed = (np.zeros(shape) for _ in range(5))
    events = np.zeros(shape, np.int64)
    active = block.arm.sum(axis=1, dtype=np.int64)
    participants = np.column_stack([block.arm.shape[1] - active, active])
    if block.entry is not None:
        _curves_after_entry(block, horizon, survival, greenwood, area, variance, events, followed)
    else:
        curves_to(
            block.time, block.event, block.arm, block.order(), horizon, reaches(horizon),
            survival, greenwood, area, variance, events, followed,
        )  # fmt: skip
    status = _status(block, horizon, followed, survival)
    return Curves(survival, greenwood, area, variance, events, participants, status)


def _status(block: SurvivalBlock, horizon: float, followed: Floats, survival: Floats) -> Labels:
    """Return the status (R,): an arm must be followed to the horizon, unless its curve is 0."""
    status = common_status(block.event, block.arm)
    short = ((reaches(1.0) * followed < horizon) & (survival > 0)).any(axis=1)
    status[(status == STATUS_OK) & short] = NOT_FOLLOWED
    return status


def _curves_after_entry(
    block: SurvivalBlock, horizon: float, survival: Floats, greenwood: Floats, area: Floats,
    variance: Floats, events: Ints, followed: Floats,
) -> None:  # fmt: skip
    """Fill what `curves_to` fills, where participants are at risk after their entry only."""
    assert block.entry is not None
    for r in range(len(block.time)):
        table = risk_table(block.time[r], block.event[r], block.arm[r], 2, block.entry[r])
        early = table.time <= reaches(horizon)
        for a in (0, 1):
            d, n = table.events[early, a], table.at_risk[early, a]
            happened = d > 0
            d, n, t = d[happened], n[happened], np.minimum(table.time[early][happened], horizon)
            steps = np.concatenate([[1.0], np.cumprod(1.0 - d / n)])
            parts = steps * np.diff(np.concatenate([[0.0], t, [horizon]]))
            rest = parts[::-1].cumsum()[::-1][1:]
            jump = np.where(n > d, d / np.maximum(n * (n - d), 1.0), 0.0)
            survival[r, a], greenwood[r, a], area[r, a] = steps[-1], jump.sum(), parts.sum()
            variance[r, a], events[r, a] = (rest**2 * jump).sum(), d.sum()
            followed[r, a] = block.time[r][block.arm[r] == a].max(initial=0.0)


def compare_arms(
    analysis: str, points: Floats, variances: Floats, status: Labels, df: Floats | None = None
) -> Estimates:
    """Return the difference of control and active (R, 2) in what their curves say, active minus control.

    Its test is normal, or Student's t with `df` (R,).
    """
    total = variances.sum(axis=1)
    possible = (total > 0) & np.isfinite(total) & np.isfinite(points).all(axis=1)
    status = np.where((status == STATUS_OK) & ~possible, NO_VARIANCE, status)
    ok = status == STATUS_OK
    difference = np.subtract(points[:, 1], points[:, 0], where=ok, out=np.zeros(len(ok)))
    error = np.sqrt(np.where(ok, total, 1.0))
    return normal_estimates(analysis, difference, error, status, CURVE_REASONS, df=df)
