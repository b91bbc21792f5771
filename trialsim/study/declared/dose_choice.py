"""Which dose a trial chooses: the most benefit less harm, of those claimed within the limit of harm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import Safety
from trialsim.registry import Truth
from trialsim.study.declared.claims import comparison, favourable_sign
from trialsim.study.declared.drawing.people import People
from trialsim.study.declared.reading import Reading
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics
from trialsim.trial.register import Register

HARM = "harm:"
# What is counted of every arm; results show it by arm, not by analysis.
CHOSEN, BEYOND, SEEN = "chosen_", "beyond_limit_", "harm_"


def utilities(benefit: Floats, harm: Floats, safety: Safety) -> Floats:
    """Return the benefit of each active arm less its harm beyond the control's (..., A − 1).

    Parameters
    ----------
    benefit : ndarray (..., A − 1)
        Of each active arm against the control, larger is better.
    harm : ndarray (..., A)
        Share that is harmed in each arm, the control first.
    safety : Safety
        Its weight.

    Examples
    --------
    >>> safety = Safety(endpoint="harm", limit=0.2, weight=10.0, source="test")
    >>> utilities(np.array([3.0, 5.0]), np.array([0.0, 0.1, 0.4]), safety)
    array([2., 1.])
    """
    return np.asarray(benefit - safety.weight * (harm[..., 1:] - harm[..., :1]))


def chosen(benefit: Floats, harm: Floats, claims: Bools, safety: Safety) -> Bools:
    """Return which arm each trial chooses (R, A − 1): none where no claimed arm is within the limit.

    Parameters
    ----------
    benefit : ndarray (R, A − 1)
        Estimates, larger is better; NaN where there is none.
    harm : ndarray (R, A)
        Observed share of harm.
    claims : ndarray of bool (R, A − 1)
        Arms that are claimed.
    safety : Safety
        Its limit and weight.

    Examples
    --------
    >>> safety = Safety(endpoint="harm", limit=0.2, weight=10.0, source="test")
    >>> harm = np.array([[0.0, 0.1, 0.3], [0.0, 0.1, 0.2], [0.0, 0.1, 0.2]])
    >>> claims = np.array([[True, True], [True, True], [False, False]])
    >>> chosen(np.array([[3.0, 9.0]] * 3), harm, claims, safety).tolist()
    [[True, False], [False, True], [False, False]]
    """
    open_ = claims & (harm[:, 1:] <= safety.limit) & np.isfinite(benefit)
    value = np.where(open_, utilities(benefit, harm, safety), -np.inf)
    best = np.zeros(claims.shape, dtype=bool)
    best[np.arange(len(best)), value.argmax(axis=1)] = True
    return best & open_


def counted_of_doses(
    trial: DeclaredTrial,
    analysis: str,
    each: Sequence[Reading],
    claims: Bools,
    people: People,
    register: Register,
) -> dict[str, np.ndarray]:
    """Return what is counted of every arm: whether it is chosen, and harm as it is seen.

    Harm is seen of everybody who was randomised, whoever stopped.
    """
    safety, rows = trial.safety, people.rows
    assert safety is not None
    assert rows is not None
    own, arms = register.harms[people.arm, rows], range(len(trial.arms))
    size = np.stack([(people.arm == a).sum(axis=1) for a in arms], axis=1)
    cases = np.stack([np.where(people.arm == a, own, 0.0).sum(axis=1) for a in arms], axis=1)
    harm = cases / np.maximum(size, 1)
    sign = favourable_sign(trial, analysis)
    benefit = np.stack([sign * one.estimates.estimate for one in each], axis=1)
    best = chosen(benefit, harm, claims, safety)
    found: dict[str, np.ndarray] = {f"{SEEN}{a}": harm[:, a] for a in arms}
    found |= {f"{BEYOND}{a}": harm[:, a] > safety.limit for a in arms}
    return found | {f"{CHOSEN}{a}": best[:, a - 1] for a in arms[1:]}


def truths_of_harm(trial: DeclaredTrial, register: Register) -> dict[str, Truth]:
    """Return the share of the register's people who are harmed in every arm, by ``harm:ARM``."""
    shares = register.harms.mean(axis=1) if register.harms.size else ()
    return {f"{HARM}{name}": Truth(float(one)) for name, one in zip(trial.arm_names, shares, strict=False)}


def of_doses(key: str) -> bool:
    """Return whether something counted is of a dose, and has a place of its own in the results.

    Examples
    --------
    >>> of_doses("chosen_2"), of_doses("size")
    (True, False)
    """
    return key.startswith((CHOSEN, BEYOND, SEEN))


def dose_of_arm(
    trial: DeclaredTrial,
    analysis: str,
    truths: dict[str, Truth],
    stops: SequentialCharacteristics,
    position: int,
) -> dict[str, Any]:
    """Return benefit and harm of an arm in truth, and how often it is chosen; empty without a harm."""
    safety, names = trial.safety, trial.arm_names
    if safety is None or f"{SEEN}0" not in stops.counts.sums:
        return {}
    harm = np.array([truths[f"{HARM}{name}"].value for name in names], dtype=np.float64)
    sign = favourable_sign(trial, analysis)
    value = None if not position else truths[comparison(analysis, names[position])].value
    benefit = math.nan if value is None else sign * value
    utility = math.nan
    if position:
        utility = float(utilities(np.array([benefit]), harm[[0, position]], safety)[0])
    share = stops.share(f"{CHOSEN}{position}") if position else (math.nan, math.nan)
    beyond = stops.share(f"{BEYOND}{position}")
    return {
        "true_benefit": benefit,
        "true_harm": float(harm[position]),
        "true_utility": utility,
        "chosen": share[0],
        "chosen_mcse": share[1],
        "harm_beyond_limit": beyond[0],
        "harm_beyond_limit_mcse": beyond[1],
    }
