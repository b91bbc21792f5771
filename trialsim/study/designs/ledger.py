"""The estimand ledger: every analysis held against the true value of every estimand, from one declaration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from trialsim.analysis.simulated import visits
from trialsim.data import Estimates
from trialsim.design import OperatingCharacteristics, tally
from trialsim.design.operating_characteristics import Tally
from trialsim.errors import DesignError
from trialsim.registry import SeenVisits
from trialsim.streams import stream
from trialsim.study.running.work import split_replicates
from trialsim.trial import LongitudinalWorld, simulate_longitudinal, true_values
from trialsim.trial.allocation import allocate
from trialsim.trial.intercurrent_events import STRATEGIES, LongitudinalTrials, Strategy, TrueValue

TrialAnalysis = Callable[[SeenVisits], Estimates]


def visits_seen(trials: LongitudinalTrials, failure: float | None = None) -> SeenVisits:
    """Return what an analyst sees of trials with visits.

    Parameters
    ----------
    trials : LongitudinalTrials
        R trials of N participants.
    failure : float, optional
        What a composite strategy gives to everyone with an event.
    """
    return SeenVisits(
        arm=trials.arm, baseline=trials.baseline, outcomes=trials.outcomes, visit=trials.visit,
        cause=trials.cause, failure=failure,
    )  # fmt: skip


def usual_analyses(world: LongitudinalWorld) -> dict[str, TrialAnalysis]:
    """Return the analyses that a ledger holds unless told otherwise.

    Jump to reference needs visits without gaps and is left out of a world that has them.

    Parameters
    ----------
    world : LongitudinalWorld
        Whether it has gaps decides which analyses there are.

    Returns
    -------
    dict of str to callable
        Each takes a block of trials as `SeenVisits` and returns `Estimates`.

    Examples
    --------
    >>> from trialsim.trial import VisitEffect
    >>> world = LongitudinalWorld((12.0, 24.0), np.zeros(3), np.eye(3), VisitEffect(np.zeros(3)), (),
    ...                           calibration=500)
    >>> list(usual_analyses(world))[:2]
    ['mmrm, on treatment', 'mmrm, all observed']
    """
    usual: dict[str, TrialAnalysis] = {
        "mmrm, on treatment": visits.mmrm_on_treatment,
        "mmrm, all observed": visits.mmrm_all_observed,
        "ancova, completers": visits.ancova_completers,
        "ancova, all observed": visits.ancova_all_observed,
        "ancova, last on treatment": visits.ancova_last_on_treatment,
        "ancova, composite": visits.ancova_composite,
    }
    if world.gaps == 0:
        usual["jump to reference"] = visits.jump_to_reference
    return usual


def estimand_ledger(
    world: LongitudinalWorld,
    controls: int,
    active: int,
    *,
    replicates: int,
    seed: int,
    scenario: str,
    analyses: Mapping[str, TrialAnalysis] | None = None,
    strategies: Sequence[Strategy | tuple[Strategy, ...]] = STRATEGIES,
    participants: int = 200_000,
    alpha: float = 0.05,
    block: int = 250,
) -> pd.DataFrame:
    """Return bias, coverage and power of each analysis against each estimand.

    Parameters
    ----------
    world : LongitudinalWorld
        Outcomes, effect and intercurrent events.
    controls, active : int
        Size of each trial.
    replicates : int
        Number of trials.
    seed : int
        Master seed.
    scenario : str
        Name of the random streams.
    analyses : mapping of str to callable, optional
        From `SeenVisits` to `Estimates`; `usual_analyses` unless given.
    strategies : sequence
        Each one strategy for all events, or a tuple with one for each event.
    participants : int
        Sample from which true values are computed.
    alpha : float
        Two-sided level.
    block : int
        Replicates in memory at a time; part of the names of the streams.

    Returns
    -------
    DataFrame
        One row an estimand and analysis: the columns of `OperatingCharacteristics`, the estimand, the
        Monte Carlo error of its true value, and that of the bias with both errors in it.

    Raises
    ------
    DesignError
        No replicate, an empty arm, or a world that cannot be.

    Examples
    --------
    >>> from trialsim.trial import DiscontinuationCause, IntercurrentEvent, VisitEffect
    >>> sick = DiscontinuationCause("lack of efficacy", (0.3, 0.1), previous=0.1)
    >>> world = LongitudinalWorld(
    ...     (12.0, 24.0), np.zeros(3), 25 * (0.6 + 0.4 * np.eye(3)), VisitEffect(np.array([0.0, -1.5, -3.0])),
    ...     (IntercurrentEvent(sick, "lost", observed=0.5),), failure=10.0, calibration=2000,
    ... )
    >>> found = estimand_ledger(world, 50, 50, replicates=100, seed=1, scenario="doc", participants=5000)
    >>> len(found), sorted(found["estimand"].unique())[:2]
    (35, ['composite', 'hypothetical'])
    """
    if replicates < 1 or min(controls, active) < 1:
        raise DesignError("must be at least 1", field="replicates", value=(replicates, controls, active))
    chosen = usual_analyses(world) if analyses is None else analyses
    truths = true_values(
        world,
        participants,
        stream(seed, f"{scenario}/truth", 0, "outcome"),
        stream(seed, f"{scenario}/truth", 0, "dropout"),
        strategies,
    )
    sums: dict[tuple[int, str], Tally] = {}
    for index, size in enumerate(split_replicates(replicates, block)):
        trials = _simulate(world, controls, active, size, seed, scenario, index)
        seen = visits_seen(trials, world.failure)
        for name, analyse in chosen.items():
            estimates = analyse(seen)
            half_width = np.asarray(stdtrit(estimates.df, 1 - alpha / 2) * estimates.standard_error)
            for position, truth in enumerate(truths):
                one = tally(estimates, truth.value, alpha, half_width)
                sums[position, name] = sums.get((position, name), Tally()) + one
    return pd.DataFrame(
        [
            _row(truth, OperatingCharacteristics(scenario, name, truth.value, sums[position, name]))
            for position, truth in enumerate(truths)
            for name in chosen
        ]
    )


def _simulate(
    world: LongitudinalWorld,
    controls: int,
    active: int,
    replicates: int,
    seed: int,
    scenario: str,
    index: int,
) -> LongitudinalTrials:
    arm = allocate(replicates, controls, active, stream(seed, scenario, index, "randomisation"))
    outcome, dropout = (stream(seed, scenario, index, name) for name in ("outcome", "dropout"))
    return simulate_longitudinal(world, arm, outcome, dropout)


def _row(truth: TrueValue, found: OperatingCharacteristics) -> dict[str, object]:
    """Return a row; an analysis that failed in every trial has no bias and says so in its failures."""
    first: dict[str, object] = {
        "estimand": truth.strategy,
        "share_of_participants": truth.share,
        "true_effect_mcse": truth.mcse,
    }
    if found.counts.fitted < 2:
        failures = "; ".join(f"{k}: {v}" for k, v in sorted(found.counts.failures.items()))
        return first | {
            "scenario": found.scenario,
            "analysis": found.analysis,
            "true_effect": truth.value,
            "replicates": found.counts.replicates,
            "failed": found.counts.replicates - found.counts.fitted,
            "failures": failures,
        }
    both = math.hypot(found.bias_mcse, truth.mcse)
    return first | found.to_row() | {"bias_mcse_with_truth": both}
