"""What each analysis estimates in a register: means over its people, who have an outcome in every arm."""

from __future__ import annotations

import math

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import (
    AnalysisDeclared,
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    DeclaredTrial,
    OrdinalOutcome,
    TimeToEventOutcome,
)
from trialsim.study.declared.refusing import unserved
from trialsim.study.declared.truths.by_formula import Truth
from trialsim.trial.register import Register


def truth_in_register(
    trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register, declared: Truth | None
) -> Truth:
    """Return what an analysis is held against: the effect in the people that trials recruit from.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: of one world.
    analysis : AnalysisDeclared
        The analysis.
    register : Register
        The world's people.
    declared : Truth or None
        True value under the declared strategies, where there are intercurrent events.

    Returns
    -------
    Truth
        Exact for this register, so that it has no Monte Carlo error; without a value where the analysis
        estimates no single number.
    """
    if declared is not None:
        return declared
    control, active = register.outcomes[0], register.outcomes[1]
    match trial.outcome:
        case ContinuousOutcome():
            return Truth(float((active[:, -1] - control[:, -1]).mean()))
        case BinaryOutcome():
            return Truth(_of_risks(analysis, float(control.mean()), float(active.mean())))
        case OrdinalOutcome():
            return _of_levels(analysis, control[:, 0], active[:, 0])
        case CountOutcome() as outcome:
            totals = [_events(one, outcome) for one in (control, active)]
            return Truth(math.log(totals[1] / totals[0]))
        case TimeToEventOutcome() as outcome:
            return _of_times(analysis, outcome, control[:, 0], active[:, 0])
        case _:
            raise unserved(analysis.kind, trial.outcome.kind)


def _of_risks(analysis: AnalysisDeclared, control: float, active: float) -> float:
    if analysis.kind == "log_odds_ratio":
        return math.log(active / (1 - active)) - math.log(control / (1 - control))
    if analysis.kind in ("risk_difference", "g_computation"):
        return active - control
    raise unserved(analysis.kind, "binary")


def _of_levels(analysis: AnalysisDeclared, control: Floats, active: Floats) -> Truth:
    if np.array_equal(control, active):
        return Truth(0.0)
    if analysis.kind == "mean_score":
        return Truth(float(active.mean() - control.mean()))
    if analysis.kind == "proportional_odds":
        return Truth(None, note="the odds ratio is conditional on what the analysis adjusts for")
    if analysis.kind != "probabilistic_index":
        raise unserved(analysis.kind, "ordinal")
    levels = int(max(control.max(), active.max())) + 1
    shares = [np.bincount(one.astype(np.int64), minlength=levels) / len(one) for one in (control, active)]
    below = np.cumsum(shares[0]) - shares[0] / 2
    return Truth(float(shares[1] @ below) - 0.5)


def _events(outcomes: Floats, outcome: CountOutcome) -> float:
    """Return the events of everybody over full follow-up."""
    return float(np.isfinite(outcomes).sum() if outcome.kind == "recurrent" else outcomes.sum())


def _of_times(
    analysis: AnalysisDeclared, outcome: TimeToEventOutcome, control: Floats, active: Floats
) -> Truth:
    if analysis.kind == "rmst":
        if outcome.competing:
            return Truth(None, note="competing causes: the survival curve is not estimable")
        assert analysis.tau is not None
        means = [float(np.minimum(one, analysis.tau).mean()) for one in (control, active)]
        return Truth(means[1] - means[0])
    if analysis.kind in ("max_combo", "weighted_log_rank"):
        return Truth(None, note="a test, not an estimate")
    if analysis.kind not in ("log_rank", "stratified_log_rank", "adjusted_log_rank", "cox", "stratified_cox"):
        raise unserved(analysis.kind, "time_to_event")
    if np.array_equal(control, active):
        return Truth(0.0)
    return Truth(None, note="the hazard ratio of people who differ depends on follow-up and adjustment")
