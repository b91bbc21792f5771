"""The power of a size by simulation of the planning moments: a check on the formula that owes it nothing."""

from __future__ import annotations

import math

import numpy as np

from trialsim.analysis.linear import fit_linear
from trialsim.data import Floats
from trialsim.design.sizes.size_for_mean import SizingQuestion
from trialsim.design.sizes.variance import AnalysisName, PlanningMoments

_BLOCK_VALUES = 1_000_000


def simulated_power(
    controls: int,
    active: int,
    moments: PlanningMoments,
    analysis: AnalysisName,
    question: SizingQuestion,
    replicates: int,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Return the power of a size, and its Monte Carlo standard error.

    Baseline, score and outcome are jointly normal within arms, with the planning moments; outcomes are
    lost completely at random. Each trial is fitted as the question asks.

    Parameters
    ----------
    controls, active : int
        Randomised participants in each arm.
    moments : PlanningMoments
        SDs and correlations by arm.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial is read.
    question : SizingQuestion
        Effect, alpha, dropout, slopes and standard error.
    replicates : int
        Trials to simulate.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    power, error : float
        Share of trials that reject in the direction of the effect, and its standard error.

    Examples
    --------
    >>> moments = PlanningMoments((1.0, 1.0), (0.0, 0.0), (0.0, 0.0))
    >>> question = SizingQuestion(effect=1.0, variance="model")
    >>> chance = np.random.default_rng(1)
    >>> power, error = simulated_power(25, 25, moments, "unadjusted", question, 2000, chance)
    >>> abs(power - 0.934) < 4 * error
    True
    """
    total = controls + active
    arm = np.repeat(np.array([0, 1], dtype=np.int8), [controls, active])
    rejected, left = 0, replicates
    while left:
        size = min(left, max(1, _BLOCK_VALUES // total))
        outcome, covariates = _draw_trials(size, arm, moments, question, generator)
        fitted = {"unadjusted": None, "ancova": covariates[..., :1], "prognostic": covariates}[analysis]
        estimates = fit_linear(
            outcome, np.broadcast_to(arm, (size, total)), fitted,
            slopes=question.slopes, variance=question.variance, analysis=analysis,
        )  # fmt: skip
        right_way = np.sign(estimates.estimate) == np.sign(question.effect)
        rejected += int((estimates.rejects(question.alpha) & right_way).sum())
        left -= size
    power = rejected / replicates
    return power, math.sqrt(max(power * (1 - power), 1 / replicates) / replicates)


def _draw_trials(
    replicates: int,
    arm: np.ndarray,
    moments: PlanningMoments,
    question: SizingQuestion,
    generator: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return outcomes (R, N), NaN where lost, and baseline and score (R, N, 2)."""

    def by_arm(pair: tuple[float, float]) -> Floats:
        return np.asarray(pair)[arm]

    shape = (replicates, len(arm))
    baseline, rest, noise = (generator.standard_normal(shape) for _ in range(3))
    rho, r = by_arm(moments.baseline_correlation), by_arm(moments.partial_correlation)
    unexplained = np.sqrt(1 - rho**2) * (r * rest + np.sqrt(1 - r**2) * noise)
    outcome = by_arm(moments.sd) * (rho * baseline + unexplained) + question.effect * arm
    outcome[generator.random(shape) < by_arm(question.dropout)] = np.nan
    # A score carries part of the baseline; only the rest of it can add anything.
    return outcome, np.stack([baseline, 0.5 * baseline + rest], axis=-1)
