"""The kinds of endpoints: the model of each, and what is served with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared.by_kind import ByKind
from trialsim.protocol.declared.outcome import (
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    JointOutcome,
    Measured,
    OrdinalOutcome,
    TimeToEventOutcome,
)
from trialsim.protocol.declared.twins import Strength

_ROOM = "trialsim.study.declared.endpoints"
_LOOKED_AT = ("fixed", "group_sequential")
_RESIZED = (*_LOOKED_AT, "sample_size_reestimation", "multi_arm_multi_stage")


@dataclass(frozen=True)
class Endpoint:
    """One kind of endpoint.

    Parameters
    ----------
    kind : str
        As a file names it.
    model : type
        Its pydantic model, a `Measured`.
    effects : tuple of str
        Kinds of effects that treatment may have on it.
    designs : tuple of str
        Kinds of designs that serve it.
    carried : object or str
        The `trialsim.study.declared.carried.Carried` that draws it, shows it to readers and knows what is
        true, or ``"module:NAME"``, which is imported on first use.
    strength : str, optional
        In what an assumed score says how much it tells; None where no twins are served.
    families : tuple of str
        Families of prognostic models that learn it, the usual one first.
    """

    kind: str
    model: type[Measured]
    effects: tuple[str, ...]
    designs: tuple[str, ...]
    carried: Any
    strength: Strength | None = None
    families: tuple[str, ...] = ()


_ENDPOINTS: dict[str, Endpoint] = {
    one.kind: one
    for one in (
        Endpoint(
            "score", ContinuousOutcome, ("shift", "slope_change", "slowing", "dials"), _RESIZED,
            f"{_ROOM}.scores:SCORE", "partial_correlation", ("gaussian",),
        ),
        Endpoint(
            "response", BinaryOutcome, ("odds_ratio", "dials"), (*_RESIZED, "response_adaptive", "bayesian"),
            f"{_ROOM}.one_number:RESPONSE", "auc", ("binary",),
        ),
        Endpoint(
            "level", OrdinalOutcome, ("odds_ratio", "dials"), _LOOKED_AT, f"{_ROOM}.one_number:LEVEL", "auc",
            ("ordinal",),
        ),
        Endpoint(
            "count", CountOutcome, ("rate_ratio", "dials"), _LOOKED_AT, f"{_ROOM}.events:COUNT",
            "partial_correlation", ("count",),
        ),
        Endpoint(
            "recurrent", CountOutcome, ("rate_ratio", "dials"), ("fixed",), f"{_ROOM}.events:RECURRENT",
            "partial_correlation", ("count",),
        ),
        Endpoint(
            "time_to_event", TimeToEventOutcome, ("hazard_ratio", "dials"), _RESIZED,
            f"{_ROOM}.times:TIME_TO_EVENT",
            "c_index", ("piecewise", "weibull", "cure"),
        ),
        Endpoint("joint", JointOutcome, ("joint_effect",), ("fixed",), f"{_ROOM}.joint:MARKER_AND_EVENT"),
    )
}  # fmt: skip


def endpoint(kind: str) -> Endpoint:
    """Return a kind of endpoint by its name.

    Raises
    ------
    ProtocolError
        There is no such kind; those that there are, are listed.

    Examples
    --------
    >>> endpoint("response").effects
    ('odds_ratio', 'dials')
    """
    if kind not in _ENDPOINTS:
        raise ProtocolError(
            "is no endpoint", field="endpoints.kind", value=kind, mend=f"use {', '.join(_ENDPOINTS)}"
        )
    return _ENDPOINTS[kind]


def endpoints() -> tuple[Endpoint, ...]:
    """Return all kinds of endpoints."""
    return tuple(_ENDPOINTS.values())


def add_endpoint(one: Endpoint) -> None:
    """Add a kind to those that are known; `trialsim.protocol.declared.register_endpoint` is the door."""
    if _ENDPOINTS.get(one.kind, one) != one:
        raise DesignError("is the name of another endpoint", field="kind", value=one.kind)
    _ENDPOINTS[one.kind] = one


def _models() -> dict[str, type[BaseModel]]:
    return {one.kind: one.model for one in _ENDPOINTS.values()}


if TYPE_CHECKING:
    Outcome = (
        ContinuousOutcome | BinaryOutcome | OrdinalOutcome | CountOutcome | TimeToEventOutcome | JointOutcome
    )
else:
    Outcome = Annotated[Measured, ByKind(_models)]
