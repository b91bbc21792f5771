"""A declared trial at another size: everything that scales with participants scales with them."""

from __future__ import annotations

import math
from typing import Any

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    AnalysisDeclared,
    DeclaredTrial,
    FixedDesign,
    GroupSequentialDesign,
    trial_from_dict,
)
from trialsim.protocol.declared.consistency.parts import BESIDE_FORMULA


def step_of(trial: DeclaredTrial) -> int:
    """Return the least number of participants that the allocation ratio divides.

    Examples
    --------
    >>> import tomllib
    >>> from pathlib import Path
    >>> from trialsim.protocol.declared import read_trial
    >>> step_of(read_trial("protocols/ordinal_recovery.toml"))
    2
    """
    parts = [arm.allocation for arm in trial.arms]
    if all(float(part).is_integer() for part in parts):
        whole = [int(part) for part in parts]
        return sum(whole) // math.gcd(*whole)
    return 2


def at_size(
    trial: DeclaredTrial,
    participants: int,
    analyses: tuple[AnalysisDeclared, ...] | None = None,
    *,
    allocation: tuple[int, int] | None = None,
) -> DeclaredTrial:
    """Return the trial with another number of participants, and only some analyses where they are given.

    Events of a time to an event keep their share of the participants, so that follow-up stays what it was.
    With an `allocation` of its own, permuted blocks become the smallest that hold it.

    Raises
    ------
    ProtocolError
        The design has a size of its own.
    """
    design = trial.design
    if not isinstance(design, FixedDesign | GroupSequentialDesign):
        raise ProtocolError(
            f"is not served by the design {design.kind}, whose size changes at a look", field="sizing",
            mend="use a fixed or a group_sequential design",
        )  # fmt: skip
    tables: dict[str, Any] = trial.to_dict()
    share = participants / (trial.participants or participants)
    if trial.outcome.kind == "time_to_event":
        made = tables["design"]
        for field in ("events", "planned_events"):
            if made.get(field):
                made[field] = _scaled(made[field], share)
    tables["participants"] = participants
    if allocation is not None:
        _allocate(tables, allocation)
    if analyses is not None:
        tables["analyses"] = [one.model_dump(mode="json") for one in analyses]
        # What is asked beside sizes by formula is asked of the trial as declared, not of a part of it.
        tables |= dict.fromkeys((*BESIDE_FORMULA, "context"))
        if tables["sizing"] is not None:
            tables["sizing"] |= {"analyses": [], "sd_inflation": 1.0}
    return trial_from_dict(tables)


def _allocate(tables: dict[str, Any], allocation: tuple[int, int]) -> None:
    """Give the arms their numbers; with these, the controls are no longer asked for."""
    parts = [part // math.gcd(*allocation) for part in allocation]
    for arm, part in zip(tables["arms"], parts, strict=True):
        arm["allocation"] = float(part)
    if tables["randomisation"]["kind"] == "permuted_blocks":
        tables["randomisation"]["block_sizes"] = [sum(parts)]
    if tables["sizing"] is not None:
        tables["sizing"] |= {"vary": "participants", "active": None}


def _scaled(events: int | list[int], share: float) -> int | list[int]:
    if isinstance(events, list):
        return [max(1, round(one * share)) for one in events]
    return max(1, round(events * share))
