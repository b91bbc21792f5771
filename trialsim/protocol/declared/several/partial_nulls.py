"""Worlds in which some effects are there and others are not: where a false claim may be made."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from trialsim.protocol.declared.scenarios import World
from trialsim.protocol.reading import refuse

MOST_EFFECTS = 6
# What is nothing for an effect that has no one value.
_WITHOUT_VALUE: dict[str, dict[str, Any]] = {
    "joint_effect": {"level": 0.0, "per_month": 0.0, "hazard_ratio": 1.0}, "dials": {"set": {}},
}  # fmt: skip


def nothing_of(effect: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an effect table at which it does nothing, in every subgroup.

    Examples
    --------
    >>> nothing_of({"kind": "hazard_ratio", "value": 0.7, "subgroup": None})
    {'value': 1.0}
    """
    if effect["kind"] in _WITHOUT_VALUE:
        return _WITHOUT_VALUE[effect["kind"]]
    nothing = 1.0 if effect["kind"].endswith("ratio") else 0.0
    found: dict[str, Any] = {"per_month" if effect["kind"] == "slope_change" else "value": nothing}
    if effect.get("subgroup") is not None:
        found["subgroup"] = {**effect["subgroup"], "value": nothing}
    return found


def partial_nulls(trial: Any) -> tuple[World, ...]:
    """Return the worlds that take away each set of effects of every alternative, where they are asked for.

    Parameters
    ----------
    trial : DeclaredTrial
        With `multiplicity.partial_nulls`; else there are none.

    Returns
    -------
    tuple of World
        Of kind other, named by the effects that are gone. The world without any effect is left to a scenario
        of kind null, where there is one.
    """
    if trial.multiplicity is None or not trial.multiplicity.partial_nulls:
        return ()
    names = _names(trial)
    if len(names) > MOST_EFFECTS:
        raise refuse(
            f"is served with at most {MOST_EFFECTS} effects", len(names), field="multiplicity.partial_nulls",
            mend="write the worlds that matter as [[scenarios]]",
        )  # fmt: skip
    some_null = any(world.kind == "null" for world in trial.scenarios)
    found = []
    for world in (one for one in trial.scenarios if one.kind == "alternative"):
        for number in range(1, len(names) + (not some_null)):
            for gone in itertools.combinations(range(len(names)), number):
                found.append(_without(trial, world, gone, names))
    return tuple(found)


def _names(trial: Any) -> list[str]:
    several_arms, several_endpoints = len(trial.arms) > 2, len(trial.endpoints) > 1
    parts = [(one.endpoint or "", one.arm) for one in trial.effects]
    if not several_arms:
        return [endpoint or arm for endpoint, arm in parts]
    return [f"{endpoint}_{arm}" if several_endpoints else arm for endpoint, arm in parts]


def _without(trial: Any, world: World, gone: tuple[int, ...], names: list[str]) -> World:
    values = dict(world.set)
    for position in gone:
        effect = trial.effects[position].model_dump(mode="json")
        values |= {f"effects[{position}].{field}": value for field, value in nothing_of(effect).items()}
    told = ", ".join(names[position] for position in gone)
    return World.model_construct(
        name=f"{world.name}_no_{'_'.join(names[position] for position in gone)}", kind="other",
        why=f"partial null: no effect on {told}", set=values, drift=world.drift, twins=world.twins,
    )  # fmt: skip
