"""Which active arms a trial claims, and how often any, every or a useless one is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import DeclaredTrial, MultiArmDesign
from trialsim.registry import Truth
from trialsim.study.declared.carried import carried
from trialsim.study.declared.reading import Reading
from trialsim.study.declared.refusing import null_of, reader_of
from trialsim.trial.interim import DelayedTrials, StagedTrials, probability_best

_ROUNDING = 1e-9


def effective_arms(
    trial: DeclaredTrial, analysis: str = "", truths: Mapping[str, Truth] | None = None, null: bool = False
) -> Bools | None:
    """Return which active arms are truly better than the control (A − 1,); None where analyses claim.

    A trial of one active arm outside of stages is claimed by each analysis on its own scale.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    analysis : str
        Where each arm is read in a fixed design: the analysis of all arms together.
    truths : mapping of str to Truth, optional
        What its comparisons are held against.
    null : bool
        Whether the world is one without an effect.

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
    names = [comparison(analysis, arm) for arm in trial.arm_names[1:]]
    if truths is not None and all(name in truths for name in names):
        return np.array([measure_of(trial, name, truths[name], null) == "power" for name in names])
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
    label = analysis_of(analysis)
    kinds = [one.kind for one in trial.analyses if one.label == label]
    if trial.outcome.kind in ("joint", "time_to_event") and kinds:
        if kinds[0] in ("rmst", "joint_rank"):
            return 1.0
        if kinds[0] not in ("ancova", "mmrm"):
            return -1.0
    return trial.outcome.sign


def comparison(analysis: str, arm: str) -> str:
    """Return the name of what an analysis says of one of several active arms.

    Examples
    --------
    >>> comparison("ancova", "low"), analysis_of("ancova[low]"), analysis_of("ancova")
    ('ancova[low]', 'ancova', 'ancova')
    """
    return f"{analysis}[{arm}]"


def analysis_of(name: str) -> str:
    """Return the analysis of a comparison; names of analyses have no brackets."""
    return name.partition("[")[0]


def measure_of(trial: DeclaredTrial, analysis: str, truth: Truth, null: bool) -> str:
    """Return what a share of claims is: a type I error where there is nothing to claim, and only there.

    A treatment that does harm has nothing to claim either: the share says so, and is no power.

    Without any effect of treatment, arms that people leave for different reasons still differ in what
    some estimands count, such as a composite one; and an effect on something else is none on this.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: of one world.
    analysis : str
        An analysis of one active arm, or a comparison.
    truth : Truth
        What it is held against.
    null : bool
        Whether the world is one without an effect.
    """
    limits = _limits(trial, analysis)
    if limits and truth.value is not None:
        away = (truth.value - limits[0], limits[-1] - truth.value)
        sign = favourable_sign(trial, analysis)
        inside = min(away) if len(limits) == 2 else (away[0] if sign > 0 else away[1])
        return "power" if inside > _ROUNDING + 4 * truth.mcse else "type I error: at the margin or beyond it"
    if not null:
        if truth.value is None:
            return "power"
        if abs(truth.value) + truth.mcse <= _ROUNDING:
            return "type I error"
        harm = favourable_sign(trial, analysis) * truth.value < -4 * truth.mcse
        return "type I error: the true effect is harm" if harm else "power"
    nothing = truth.value is None or abs(truth.value) <= _ROUNDING + 4 * truth.mcse
    return "type I error" if nothing else "claims: the true effect is not 0"


def _limits(trial: DeclaredTrial, analysis: str) -> tuple[float, ...]:
    """Return the margin of an analysis, or its limits of equivalence, on the scale of the estimate."""
    for one in trial.analyses:
        if one.label == analysis and one.limits:
            return null_of(one, reader_of(trial, one))
    return ()


def measure_of_arms(effective: Bools) -> str:
    """Return what the share of trials is that claim any of the active arms.

    Examples
    --------
    >>> measure_of_arms(np.array([True, False])), measure_of_arms(np.array([True, True]))
    ('any claim, right or wrong', 'disjunctive power')
    """
    if len(effective) == 1:
        return "power" if effective[0] else "type I error"
    if effective.all():
        return "disjunctive power"
    return "any claim, right or wrong" if effective.any() else "family-wise error"


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
