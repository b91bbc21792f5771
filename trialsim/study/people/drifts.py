"""What a world's drift does to the outcome of an endpoint; a drift that it cannot show is refused."""

from __future__ import annotations

import math

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.scenarios import Drift

_OF_KIND = {
    "score": "outcome_shift",
    "response": "odds_ratio",
    "level": "odds_ratio",
    "count": "rate_ratio",
    "recurrent": "rate_ratio",
    "time_to_event": "hazard_ratio",
}


def drift_of(trial: DeclaredTrial) -> Drift:
    """Return the drift of a trial of one world; one that moves nothing where none is declared.

    Raises
    ------
    ProtocolError
        It moves an outcome of another kind.
    """
    (world,) = trial.scenarios
    if world.drift is None:
        return Drift.model_construct()
    plain = Drift.model_construct()
    own = _OF_KIND.get(trial.outcome.kind)
    for field in sorted(set(_OF_KIND.values())):
        if field != own and getattr(world.drift, field) != getattr(plain, field):
            raise ProtocolError(
                f"does not move a {trial.outcome.kind} outcome", field=f"scenarios.drift.{field}",
                value=getattr(world.drift, field), mend=f"use {own}",
            )  # fmt: skip
    return world.drift


def log_drift(trial: DeclaredTrial) -> float:
    """Return the log odds, rate or hazard ratio that a drift adds for everybody."""
    return math.log(getattr(drift_of(trial), _OF_KIND[trial.outcome.kind]))
