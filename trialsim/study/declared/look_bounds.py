"""Bounds of a declared group-sequential trial as tables: what each look asks for, and what it costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialsim.data import Floats
from trialsim.design.group_sequential import GroupSequentialDesign as Design
from trialsim.design.group_sequential import bounds_table, expected_sizes
from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign
from trialsim.study.declared.bounds import design_at_information, planned_design
from trialsim.study.declared.looks import planned_counts
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics

PLANNED, ON_AVERAGE = "planned", "at the mean information"
NO_BOUNDS = "none: a look without new information"
_NEW = 1e-3


_COLUMNS = {
    "information": "information",
    "z_upper": "z",
    "z_lower": "futility_z",
    "nominal_p": "nominal_p",
    "alpha_spent": "alpha_spent",
    "share_of_effect_at_bound": "effect_at_z",
}


def bounds_rows(trial: DeclaredTrial, seen: SequentialCharacteristics) -> list[dict[str, Any]]:
    """Return one row a look of a group-sequential trial; none of other designs.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    seen : SequentialCharacteristics
        Of any analysis: looks fall at the same time for all of them.

    Returns
    -------
    list of dict
        ``look``, ``information``, ``z_upper``, ``z_lower``, one-sided ``nominal_p``, ``alpha_spent`` so far,
        the efficacy bound as a share of the effect at which the design has its power, ``events`` or
        ``participants`` and ``month`` of each look as simulated, were it held, and of a time to an event
        the hazard ratio at the bound, exp(−z/√(d p q)) of d events in shares p and q (Schoenfeld 1981).
    """
    if not isinstance(trial.design, GroupSequentialDesign):
        return []
    design, rows = _design(trial, seen), []
    table = None if design is None else bounds_table(design, effect=1.0)
    for look in range(trial.design.looks):
        found: dict[str, Any] = {"look": look + 1}
        for name, column in _COLUMNS.items():
            found[name] = math.nan if table is None else float(table[column].iloc[look])
        for name, column in (("events", "events"), ("known", "participants"), ("months", "month")):
            if name in seen.counts.look_sums:
                value, error = seen.mean_at_look(name, look)
                found |= {column: value, f"{column}_mcse": error}
        if "events" in found:
            found["hazard_ratio_at_bound"] = _hazard_ratio(trial, found["z_upper"], found["events"])
        on_time = ON_AVERAGE if trial.design.timing == "calendar" else PLANNED
        found["bounds_are"] = NO_BOUNDS if table is None else on_time
        rows.append(found)
    return rows


def size_rows(trial: DeclaredTrial, seen: SequentialCharacteristics) -> list[dict[str, Any]]:
    """Return what a group-sequential trial is expected to need under no, half and all of its effect.

    Parameters
    ----------
    trial, seen
        As of `bounds_rows`.

    Returns
    -------
    list of dict
        ``effect`` (all of it is the one at which the design has its ``power``), ``information`` when the
        trial stops as a share of the maximum, and ``events`` or ``participants`` with that information.
    """
    if not isinstance(trial.design, GroupSequentialDesign) or (design := _design(trial, seen)) is None:
        return []
    name, most = _largest(trial, trial.design)
    rows = expected_sizes(design).to_dict("records")
    return [
        {"effect": row["effect"], "power": row["power"], "information": row["information"],
         name: most * row["information"]}
        for row in rows
    ]  # fmt: skip


def _design(trial: DeclaredTrial, seen: SequentialCharacteristics) -> Design | None:
    """Return the design whose bounds stand for a cell; None where looks by the calendar had nothing new."""
    design = trial.design
    assert isinstance(design, GroupSequentialDesign)
    if design.timing == "calendar":
        counted = "events" if trial.outcome.kind == "time_to_event" else "known"
        _, most = _largest(trial, design)
        mean: Floats = np.array([seen.mean_at_look(counted, k)[0] for k in range(design.looks)])
        if (np.diff(mean / most, prepend=0.0) < _NEW).any():
            return None
        return design_at_information(design, mean / most)
    planned = {
        "events": lambda: np.asarray(design.events),
        "information": lambda: planned_counts(design, trial.participants or 0),
    }[design.timing]()
    return planned_design(design, (planned / planned[-1]).tolist())


def _largest(trial: DeclaredTrial, design: GroupSequentialDesign) -> tuple[str, int]:
    """Return what information is counted in, and how many are planned."""
    planned = design.events[-1] if design.events else design.planned_events
    if planned is not None:
        return "events", planned
    assert trial.participants is not None
    return "participants", trial.participants


def _hazard_ratio(trial: DeclaredTrial, z: float, events: float) -> float:
    control, active = (arm.allocation for arm in trial.arms)
    share = active / (control + active)
    return math.exp(-z / math.sqrt(events * share * (1 - share))) if events > 0 else math.nan
