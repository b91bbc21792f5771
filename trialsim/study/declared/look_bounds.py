"""Bounds of a declared group-sequential trial as tables: what each look asks for, and what it costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.group_sequential import GroupSequentialDesign as Design
from trialsim.design.group_sequential import bounds_table, expected_sizes, group_sequential_design
from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign, MultiArmDesign
from trialsim.study.declared.bounds import design_at_information, efficacy_rule, planned_design
from trialsim.study.declared.looks import planned_counts
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics
from trialsim.trial.interim import intersection_score

PLANNED, ON_AVERAGE = "planned", "at the mean information"
NO_BOUNDS = "none: a look without new information"
OF_INTERSECTIONS = "planned; of each intersection of arms, {} within a stage, stages combined"
OF_ARMS = "planned; of the z of each arm"
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
    """Return one row a look of a group-sequential trial, of two arms or more; none of other designs.

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
        Of several active arms see `_rows_of_arms`.
    """
    if isinstance(trial.design, MultiArmDesign):
        return _rows_of_arms(trial, trial.design, seen)
    if not isinstance(trial.design, GroupSequentialDesign):
        return []
    design, rows = _design(trial, seen), []
    table = None if design is None else bounds_table(design, effect=1.0)
    for look in range(trial.design.looks):
        found: dict[str, Any] = {"look": look + 1}
        for name, column in _COLUMNS.items():
            found[name] = math.nan if table is None else float(table[column].iloc[look])
        found |= _seen_at(seen, look)
        if "events" in found:
            found["hazard_ratio_at_bound"] = _hazard_ratio(trial, found["z_upper"], found["events"])
        on_time = ON_AVERAGE if trial.design.timing == "calendar" else PLANNED
        found["bounds_are"] = NO_BOUNDS if table is None else on_time
        rows.append(found)
    return rows


def _seen_at(seen: SequentialCharacteristics, look: int) -> dict[str, float]:
    """Return the events or participants and the month of a look as simulated, with Monte Carlo errors."""
    found: dict[str, float] = {}
    for name, column in (("events", "events"), ("known", "participants"), ("months", "month")):
        if name in seen.counts.look_sums:
            value, error = seen.mean_at_look(name, look)
            found |= {column: value, f"{column}_mcse": error}
    return found


def _rows_of_arms(
    trial: DeclaredTrial, design: MultiArmDesign, seen: SequentialCharacteristics
) -> list[dict[str, Any]]:
    """Return one row a look of a trial with several active arms.

    A closed test holds the combined score of each intersection of arms against ``z_upper``; the arm with
    the largest z is then claimed at the first look where its z reaches ``best_arm_z``, as all arms are
    still tested. Otherwise ``z_upper`` is that of each arm. ``z_lower`` is of an arm's z against the
    control: at or below it the arm is dropped. ``participants`` are planned, as if no arm were dropped.
    """
    arms = len(trial.arms) - 1
    sizes = np.asarray(design.stages, float) if design.stages else np.diff(design.events, prepend=0)[:, None]
    share = np.cumsum(sizes.sum(axis=1)) / sizes.sum()
    alpha = design.alpha / (arms if design.multiplicity == "bonferroni" else 1)
    if len(share) == 1:
        upper, spent = [float(-ndtri(alpha))], [alpha]
    else:
        found = group_sequential_design(share, efficacy=efficacy_rule(design.efficacy), alpha=alpha)
        upper, spent = list(found.upper), list(found.alpha_spent)
    method = design.multiplicity.removeprefix("closed_")
    closed, rows = method != design.multiplicity, []
    lower = list(design.futility_z) * (len(share) - 1 if closed else 1)
    for look, z in enumerate(upper):
        row = {
            "look": look + 1,
            "information": float(share[look]),
            "z_upper": z,
            "z_lower": lower[look] if look < len(lower) else math.nan,
            "nominal_p": float(ndtr(-z)),
            "alpha_spent": spent[look],
            "best_arm_z": math.nan if closed else z,
        }
        if closed and look == 0:
            row["best_arm_z"] = _best_arm(trial, design, z, method)
        if design.stages:
            row["participants"] = float(sizes[: look + 1].sum())
        row |= _seen_at(seen, look)
        rows.append(row | {"bounds_are": OF_INTERSECTIONS.format(method.title()) if closed else OF_ARMS})
    return rows


def _best_arm(trial: DeclaredTrial, design: MultiArmDesign, bound: float, method: Any) -> float:
    """Return the z of one arm at which the intersection of all is rejected, the others having none."""
    n = design.stages[0] if design.stages else [arm.allocation for arm in trial.arms]
    each, tested = np.asarray(n, float)[None], np.ones((1, len(n) - 1), bool)

    def over(z: float) -> float:
        return float(
            intersection_score(np.append(z, np.full(len(n) - 2, -9.0))[None], each, tested, method)[0]
        )

    return float(brentq(lambda z: over(z) - bound, bound - 1.0, bound + 5.0, xtol=1e-10))


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
