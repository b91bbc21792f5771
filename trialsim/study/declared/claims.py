"""Which active arms a trial claims, and how often any, every or a useless one is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import DeclaredTrial, MultiArmDesign
from trialsim.study.declared.carried import carried
from trialsim.study.declared.reading import Reading
from trialsim.trial.interim import DelayedTrials, StagedTrials, probability_best


def effective_arms(trial: DeclaredTrial) -> Bools | None:
    """Return which active arms are truly better than the control (A − 1,); None where analyses claim.

    A trial of one active arm outside of stages is claimed by each analysis on its own scale.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.

    Returns
    -------
    ndarray of bool (A − 1,) or None
        An arm that is as good as the control, or worse, is not effective: claiming it is an error.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> effective_arms(read_trial("protocols/dose_selection.toml"))
    array([ True,  True])
    """
    if not (trial.in_stages or isinstance(trial.design, MultiArmDesign)):
        return None
    favours = carried(trial).favours
    return np.array([favours(trial, arm) for arm in range(1, len(trial.arms))])


def favourable_sign(trial: DeclaredTrial, analysis: str) -> float:
    """Return the sign of an effect of one analysis that favours the active arm.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    analysis : str
        Label of one of its analyses.

    Returns
    -------
    float
        1 or −1.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> favourable_sign(read_trial("protocols/survival_delayed_effect.toml"), "log_rank")
    -1.0
    """
    kinds = [one.kind for one in trial.analyses if one.label == analysis]
    if trial.outcome.kind in ("joint", "time_to_event") and kinds:
        if kinds[0] in ("rmst", "joint_rank"):
            return 1.0
        if kinds[0] not in ("ancova", "mmrm"):
            return -1.0
    return trial.outcome.sign


def claim_counts(claims: Bools, effective: Bools) -> dict[str, np.ndarray]:
    """Return what is counted of the claims of several arms.

    Parameters
    ----------
    claims : ndarray of bool (R, A − 1)
        Arms claimed.
    effective : ndarray of bool (A − 1,)
        Arms that are truly better than the control.

    Returns
    -------
    dict of str to ndarray of bool (R,)
        ``claim_1`` and so on; ``false_claim`` of an arm that is not effective, ``true_claim`` of one that
        is, and ``every_claim`` where all that are effective are claimed, which none is where there is none.

    Examples
    --------
    >>> found = claim_counts(np.array([[True, False], [True, True]]), np.array([True, False]))
    >>> found["every_claim"], found["false_claim"]
    (array([ True,  True]), array([False,  True]))
    """
    every = claims[:, effective].all(axis=1) & effective.any()
    false, true = (claims & ~effective).any(axis=1), (claims & effective).any(axis=1)
    return {
        **{f"claim_{a + 1}": claims[:, a] for a in range(claims.shape[1])},
        "false_claim": np.asarray(false),
        "true_claim": np.asarray(true),
        "every_claim": np.asarray(every),
    }


def with_claims(reading: Reading, effective: Bools) -> Reading:
    """Return a reading that counts its arms' claims as every design with several arms does.

    Parameters
    ----------
    reading : Reading
        With ``claim_1`` and so on for each active arm.
    effective : ndarray of bool (A − 1,)
        Arms that are truly better than the control.
    """
    claims = np.stack([reading.counted[f"claim_{a + 1}"] for a in range(len(effective))], axis=1)
    return replace(reading, counted={**reading.counted, **claim_counts(claims.astype(bool), effective)})


def arms_above(trials: StagedTrials | DelayedTrials, upper: Sequence[float], sd: float | None) -> Bools:
    """Return the open arms at or above the bound of the look that stopped for efficacy (R, A − 1)."""
    last = trials.states[-1]
    z: Floats = np.where(last.open[:, 1:], last.z(sd), -np.inf)
    return np.asarray(z >= np.asarray(upper)[trials.stage][:, None]) & (trials.decision == 1)[:, None]


def arms_probably_best(trials: StagedTrials | DelayedTrials, claim: float) -> Bools:
    """Return the arms whose probability of being best led to the claim (R, A − 1)."""
    last = trials.states[-1]
    best = probability_best(last.total, last.n.astype(np.float64))[:, 1:]
    return np.asarray(best >= claim) & (trials.decision == 1)[:, None]


def the_only_arm(trials: StagedTrials | DelayedTrials) -> Bools:
    """Return the claims of the one active arm (R, 1)."""
    return np.asarray(trials.decision == 1)[:, None]


def claimed(counted: Mapping[str, object]) -> bool:
    """Return whether claims of single arms are among what was counted."""
    return "claim_1" in counted
