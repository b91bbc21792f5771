"""What is true in a world of a trial with a score at visits, read off the people that it recruits from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.data import Floats
from trialsim.design import PlanningMoments
from trialsim.notebook import InNotebook
from trialsim.trial.register import Register


@dataclass(frozen=True)
class WorldFacts(InNotebook):
    """What is true in a scenario's world.

    Parameters
    ----------
    scenario : str
        Name of the scenario.
    participants : int
        M.
    true_effect : float
        Mean difference at the last visit, active minus control, over the register.
    true_effect_error : float
        Standard error of that mean from the register being a sample of the population.
    moments : PlanningMoments
        SD of the change, its correlation with the baseline, and its partial correlation with the score.
    mean_change : float
        Mean measured change of controls at the last visit.
    baseline_mean, baseline_sd : float
        Of the measured baseline.
    score_outcome_correlation : float
        Correlation of the score with the measured outcome of controls, before any adjustment.
    """

    scenario: str
    participants: int
    true_effect: float
    true_effect_error: float
    moments: PlanningMoments
    mean_change: float
    baseline_mean: float
    baseline_sd: float
    score_outcome_correlation: float


def facts_of_world(scenario: str, register: Register) -> WorldFacts:
    """Return what is true in the world of a register of two arms with a score at visits.

    Parameters
    ----------
    scenario : str
        Name of the world.
    register : Register
        With the score of the last visit as the last of its scores.

    Returns
    -------
    WorldFacts
    """
    baseline, score = register.outcomes[0][:, 0], register.scores[:, -1]
    # One BLAS thread: sums over a register have the same bits whatever the machine has.
    with threadpool_limits(1, user_api="blas"):
        control, active = (outcomes[:, -1] - baseline for outcomes in register.outcomes)
        difference = active - control
        return WorldFacts(
            scenario=scenario,
            participants=len(register),
            true_effect=float(difference.mean()),
            true_effect_error=float(difference.std(ddof=1) / np.sqrt(len(register))),
            moments=measured_moments((control, active), baseline, score),
            mean_change=float(control.mean()),
            baseline_mean=float(baseline.mean()),
            baseline_sd=float(baseline.std(ddof=1)),
            score_outcome_correlation=float(np.corrcoef(score, control + baseline)[0, 1]),
        )


def measured_moments(changes: tuple[Floats, Floats], baseline: Floats, score: Floats) -> PlanningMoments:
    """Return the planning moments of two arms' changes from baseline.

    Parameters
    ----------
    changes : pair of ndarray (N,)
        Change at the last visit as a control, and as an active participant.
    baseline, score : ndarray (N,)
        Measured baseline and prognostic score of the same participants.

    Returns
    -------
    PlanningMoments
    """
    rest = without_baseline(score, baseline)
    rows = [
        (
            float(change.std(ddof=1)),
            float(np.corrcoef(change, baseline)[0, 1]),
            float(np.corrcoef(without_baseline(change, baseline), rest)[0, 1]),
        )
        for change in changes
    ]
    sd, with_baseline, partial = zip(*rows, strict=True)
    return PlanningMoments(sd, with_baseline, partial)


def without_baseline(values: Floats, baseline: Floats) -> Floats:
    """Return what is left of values (N,) after a straight line in the baseline (N,)."""
    centred = baseline - baseline.mean()
    slope = centred @ values / (centred @ centred)
    return np.asarray(values - values.mean() - slope * centred)


def facts_frame(facts: list[WorldFacts]) -> pd.DataFrame:
    """Return what is true in each world, one row each."""
    return pd.DataFrame(
        {
            "scenario": fact.scenario,
            "participants": fact.participants,
            "true_effect": fact.true_effect,
            "true_effect_error": fact.true_effect_error,
            "mean_change": fact.mean_change,
            "baseline_mean": fact.baseline_mean,
            "baseline_sd": fact.baseline_sd,
            "sd_control": fact.moments.sd[0],
            "sd_active": fact.moments.sd[1],
            "baseline_correlation_control": fact.moments.baseline_correlation[0],
            "baseline_correlation_active": fact.moments.baseline_correlation[1],
            "partial_correlation_control": fact.moments.partial_correlation[0],
            "partial_correlation_active": fact.moments.partial_correlation[1],
            "score_outcome_correlation": fact.score_outcome_correlation,
        }
        for fact in facts
    )
