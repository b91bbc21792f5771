"""Means and covariances of outcomes and of what an analysis adjusts for, in each arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from trialsim.data import Floats
from trialsim.protocol.declared import AnalysisDeclared, ContinuousOutcome, DeclaredTrial, OrdinalOutcome
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.declared.drawing.worlds import covariance, visit_effect
from trialsim.study.sizing.formulas.answer import NoFormula
from trialsim.trial.register import Register


@dataclass(frozen=True)
class Moments:
    """What a linear analysis of two arms rests on.

    Parameters
    ----------
    effect : float
        Active minus control, at the last visit.
    residual : ndarray (2, V, V)
        Covariance of the visits in each arm around slopes that both arms share.
    covariates : int
        Columns adjusted for.
    """

    effect: float
    residual: Floats
    covariates: int

    @classmethod
    def of(cls, means: Floats, covariances: Floats, visits: int, shares: tuple[float, float]) -> Moments:
        """Return the moments from means (2, K) and covariances (2, K, K), the `visits` first."""
        weights = np.asarray(shares) / np.sum(shares)
        pooled = np.tensordot(weights, covariances, axes=1)
        x = slice(visits, None)
        slopes = np.linalg.solve(pooled[x, x], pooled[x, :visits]) if pooled.shape[0] > visits else None
        residual = covariances[:, :visits, :visits].copy()
        if slopes is not None:
            for arm, own in enumerate(covariances):
                cross = slopes.T @ own[x, :visits]
                residual[arm] += slopes.T @ own[x, x] @ slopes - cross - cross.T
        return cls(float(means[1, visits - 1] - means[0, visits - 1]), residual, pooled.shape[0] - visits)


def moments_of(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None) -> Moments:
    """Return the moments of an analysis, of a register's people where there is one, else of the law.

    A score is read at its visits given the baseline; ``unadjusted`` reads the change at the last.

    Raises
    ------
    NoFormula
        The outcome has no such moments.
    """
    control, active = (arm.allocation for arm in trial.arms)
    if register is not None:
        table = _of_register(trial, analysis, register)
        means = table.mean(axis=1)
        covariances = np.stack([np.cov(one, rowvar=False).reshape(table.shape[2], -1) for one in table])
    else:
        means, covariances = _of_law(trial, analysis)
    visits = _visits(trial, analysis)
    return Moments.of(means, covariances, visits, (control, active))


def _visits(trial: DeclaredTrial, analysis: AnalysisDeclared) -> int:
    if isinstance(trial.outcome, ContinuousOutcome) and analysis.kind != "unadjusted":
        return len(trial.outcome.weeks)
    return 1


def _of_register(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register) -> Floats:
    """Return outcomes and columns of everybody in each arm (2, M, K)."""
    rows = np.arange(len(register))[None]
    columns = adjusting_columns(trial, analysis, register.levels[None], register, rows)
    more = np.empty((len(register), 0)) if columns is None else columns[0]
    arms = []
    for outcome in register.outcomes[:2]:
        if not isinstance(trial.outcome, ContinuousOutcome):
            parts = [outcome, more]
        elif analysis.kind == "unadjusted":
            parts = [outcome[:, -1:] - outcome[:, :1], more]
        else:
            parts = [outcome[:, 1:], outcome[:, :1], more]
        arms.append(np.concatenate(parts, axis=1))
    return np.stack(arms)


def _of_law(trial: DeclaredTrial, analysis: AnalysisDeclared) -> tuple[Floats, Floats]:
    """Return means (2, K) and covariances (2, K, K) over strata, within each of which the law is known."""
    strata = Strata.of(trial)
    factors = adjusting_columns(trial, analysis, strata.levels[None])
    dummies = np.empty((len(strata.shares), 0)) if factors is None else factors[0]
    means, covariances = [], []
    for arm in (0, 1):
        if isinstance(trial.outcome, ContinuousOutcome):
            inner, within = _visits_of_law(trial, trial.outcome, analysis, strata, arm)
        elif isinstance(trial.outcome, OrdinalOutcome):
            inner, within = _levels_of_law(trial, trial.outcome, arm)
        else:
            raise NoFormula("no moments of this outcome")
        full = np.concatenate([inner, dummies], axis=1)
        mean = strata.shares @ full
        between = (full - mean).T * strata.shares @ (full - mean)
        between[: within.shape[1], : within.shape[1]] += np.tensordot(strata.shares, within, axes=1)
        means.append(mean)
        covariances.append(between)
    return np.stack(means), np.stack(covariances)


def _visits_of_law(
    trial: DeclaredTrial, outcome: ContinuousOutcome, analysis: AnalysisDeclared, strata: Strata, arm: int
) -> tuple[Floats, Floats]:
    """Return the mean (S, K) of visits and baseline in each stratum, and their covariance (S, K, K)."""
    path = np.tile(np.asarray(outcome.mean, dtype=np.float64), (len(strata.shares), 1))
    path += strata.outcome[:, None]
    if arm:
        effect = visit_effect(trial, arm)
        path = path + effect.shift
        if effect.subgroup is not None:
            path = path + strata.inside(trial, arm)[:, None] * effect.subgroup
    points = path.shape[1]
    if analysis.kind == "unadjusted":
        take = np.zeros((1, points))
        take[0, [0, -1]] = -1.0, 1.0
    else:
        take = np.roll(np.eye(points), -1, axis=0)
    within = take @ covariance(outcome) @ take.T
    return path @ take.T, np.broadcast_to(within, (len(path), *within.shape))


def _levels_of_law(trial: DeclaredTrial, outcome: OrdinalOutcome, arm: int) -> tuple[Floats, Floats]:
    """Return the mean (S, 1) of the level in each stratum, and its variance (S, 1, 1)."""
    cuts = logit(np.cumsum(outcome.shares)[:-1])
    above = expit(log_ratios(trial)[arm][:, None] - cuts)
    level = np.arange(len(outcome.shares))
    shares = -np.diff(above, prepend=1.0, append=0.0, axis=1)
    mean = shares @ level
    return mean[:, None], (shares @ level**2 - mean**2)[:, None, None]
