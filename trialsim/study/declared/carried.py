"""How trials with one kind of endpoint are carried out: drawn, seen, judged and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.endpoints import endpoint
from trialsim.registry import Seen, SeenValues
from trialsim.registry.block_reader import imported
from trialsim.study.declared.drawing.people import Drawing, Outcomes, People, lost
from trialsim.study.declared.drawing.strata import log_ratios
from trialsim.trial import SurvivalWorld
from trialsim.trial.register import Register

Columns = dict[str, np.ndarray]
See = Callable[[DeclaredTrial, People, Any, Floats | None, Bools | None], Seen]
Sums = tuple[Literal["normal", "binary"], Floats, float]


def values_seen(
    trial: DeclaredTrial, people: People, outcomes: Floats, covariates: Floats | None, known: Bools | None
) -> Seen:
    """Return one number a participant as an analysis sees it: NaN where it is not known."""
    values = outcomes if known is None else np.where(known, outcomes, np.nan)
    return SeenValues(arm=people.arm, covariates=covariates, stratum=people.stratum, values=values)


def value_in_register(drawing: Drawing) -> Floats:
    """Return the number that each has in their own arm, NaN for those who leave at random."""
    gone = lost(drawing.trial, drawing.people.arm, drawing.chance("dropout"))
    return np.where(gone, np.nan, drawing.in_own_arm[..., 0])


def itself(outcomes: Any) -> Floats:
    """Return one number a participant as it is."""
    return np.asarray(outcomes)


def ratio_favours(trial: DeclaredTrial, arm: int) -> bool:
    """Return whether an odds or rate ratio truly favours an active arm."""
    return bool(trial.outcome.sign * log_ratios(trial)[arm, 0] > 0)


def only_outcome(trial: DeclaredTrial, outcomes: Any) -> Columns:
    """Return the column of one number a participant."""
    return {"outcome": np.asarray(outcomes)}


@dataclass(frozen=True)
class Carried:
    """How trials with one kind of endpoint are carried out.

    Parameters
    ----------
    draw : callable, optional
        ``draw(drawing) -> outcomes``, (R, N) where they are one number a participant, by the declared law;
        None where trials are not drawn one by one.
    law : callable, optional
        ``law(trial, world) -> law``, whose methods are the truths that readers name.
    recruit : callable
        The same as `draw` for the people of a register.
    law_in_register : callable, optional
        ``law(trial, register) -> law``.
    see : callable
        ``see(trial, people, outcomes, covariates, known) -> Seen``.
    value : callable
        From outcomes to one number a participant (R, N), for a variance that needs no arms.
    columns : callable
        ``columns(trial, outcomes)``: what a replay shows of everybody, by name.
    favours : callable
        ``favours(trial, arm) -> bool``: whether an active arm is truly better than the control.
    sums : callable, optional
        ``sums(trial) -> ("normal" or "binary", means (A,), sd)``, turned so that larger is better, for
        designs that draw sums of arms.
    engine : {"one_by_one", "times", "plan"}
        What carries the trials out: participants one by one, times to an event, or a plan an analysis.
    visits : bool
        Whether people may stop for reasons between visits.
    """

    draw: Callable[[Drawing], Outcomes] | None = None
    law: Callable[[DeclaredTrial, SurvivalWorld | None], Any] | None = None
    recruit: Callable[[Drawing], Outcomes] = value_in_register
    law_in_register: Callable[[DeclaredTrial, Register], Any] | None = None
    see: See = values_seen
    value: Callable[[Any], Floats] = itself
    columns: Callable[[DeclaredTrial, Any], Columns] = only_outcome
    favours: Callable[[DeclaredTrial, int], bool] = ratio_favours
    sums: Callable[[DeclaredTrial], Sums] | None = None
    engine: Literal["one_by_one", "times", "plan"] = "one_by_one"
    visits: bool = False


def carried(trial: DeclaredTrial) -> Carried:
    """Return how a trial's kind of endpoint is carried out.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> carried(read_trial("protocols/survival_delayed_effect.toml")).engine
    'times'
    """
    found = endpoint(trial.outcome.kind).carried
    one = imported(found) if isinstance(found, str) else found
    assert isinstance(one, Carried)
    return one
