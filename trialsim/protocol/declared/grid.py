"""Every cell that a trial file asks for: worlds crossed with the grid, each resolved or refused."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsim.errors import ProtocolError
from trialsim.protocol.declared.paths import PathError, with_values
from trialsim.protocol.declared.scenarios import Setting, World
from trialsim.protocol.declared.several.partial_nulls import nothing_of, partial_nulls
from trialsim.protocol.declared.trial import DeclaredTrial, trial_from_dict

_NEVER_SET = ("format", "name", "seed", "scenarios", "grid", "largest_grid", "context")


@dataclass(frozen=True)
class Point:
    """One cell that the file asks for.

    Parameters
    ----------
    name : str
        The scenario, with the number of the point on the grid where there is one.
    scenario, kind : str
        Name and kind of the world.
    settings : dict of str to object
        Value of each axis.
    trial : DeclaredTrial or None
        The file with the world's and the point's values, without worlds and grid; None if refused.
    refusal : str
        Why there is no such trial; empty if there is.
    """

    name: str
    scenario: str
    kind: str
    settings: dict[str, Setting]
    trial: DeclaredTrial | None
    refusal: str = ""


def grid_points(trial: DeclaredTrial, *, file: Path | str | None = None) -> tuple[Point, ...]:
    """Return every cell of a file: the full product of its worlds and the axes of its grid.

    Parameters
    ----------
    trial : DeclaredTrial
        The file.
    file : Path or str, optional
        Named in errors.

    Returns
    -------
    tuple of Point
        Worlds in their order, within each the last axis fastest. A point whose values make the
        trial impossible is refused with its reason; it is still counted.

    Raises
    ------
    ProtocolError
        A path that does not exist, more cells than `largest_grid`, or a world that is impossible as
        it stands.

    Examples
    --------
    >>> from trialsim.protocol.declared.trial import read_trial
    >>> points = grid_points(read_trial("protocols/survival_delayed_effect.toml"))
    >>> len(points), points[0].scenario
    (3, 'delayed')
    """
    worlds = (*trial.scenarios, *partial_nulls(trial))
    count = len(worlds) * math.prod(len(axis.values) for axis in trial.grid)
    if count > trial.largest_grid:
        raise ProtocolError(
            f"asks for {count:,} cells, more than largest_grid = {trial.largest_grid:,}",
            file=file,
            field="grid",
            value=[len(axis.values) for axis in trial.grid],
            mend="give fewer values, or raise largest_grid",
        )
    tables = trial.to_dict()
    _check_paths(trial, tables, file)
    points: list[Point] = []
    for position, world in enumerate(worlds):
        where = f"scenarios[{position}].set"
        for number, values in enumerate(itertools.product(*(axis.values for axis in trial.grid))):
            settings = {axis.field: value for axis, value in zip(trial.grid, values, strict=True)}
            name = f"{world.name}.g{number:04d}" if trial.grid else world.name
            points.append(_point(tables, world, settings, name, where, file))
    return tuple(points)


def _point(
    tables: dict[str, Any],
    world: World,
    settings: dict[str, Setting],
    name: str,
    where: str,
    file: Path | str | None,
) -> Point:
    """Return a cell; an impossible one is refused on a grid, and an error of the file without one."""
    try:
        resolved = _resolve(tables, {**world.set, **settings}, world)
    except ProtocolError as fault:
        if not settings:
            raise ProtocolError(
                fault.problem, file=file, field=f"{where} → {fault.field}", value=fault.value, mend=fault.mend
            ) from None
        return Point(name, world.name, world.kind, settings, None, str(fault))
    return Point(name, world.name, world.kind, settings, resolved)


def _resolve(tables: dict[str, Any], values: dict[str, Setting], world: World) -> DeclaredTrial:
    changed = with_values(tables, values)
    if world.kind == "null":
        for effect in changed["effects"]:
            effect |= nothing_of(effect)
    changed["grid"] = []
    # What is stated of a whole trial, its scenarios by name, is of no one cell.
    changed.pop("context", None)
    people = world.model_dump(mode="json", include={"drift", "twins"})
    changed["scenarios"] = [{"name": "this", "kind": "alternative", "why": "resolved", "set": {}} | people]
    return trial_from_dict(changed)


def without_effect(trial: DeclaredTrial) -> bool:
    """Return whether no arm has any effect, in the file as it is.

    Examples
    --------
    >>> from trialsim.protocol.declared.trial import read_trial
    >>> without_effect(read_trial("protocols/copd_twins.toml"))
    False
    """
    return all(declared | nothing_of(declared) == declared for declared in trial.to_dict()["effects"])


def _check_paths(trial: DeclaredTrial, tables: dict[str, Any], file: Path | str | None) -> None:
    """Refuse paths that lead nowhere, and those that a world or a grid must not set."""
    asked = [(f"grid[{i}].field", axis.field) for i, axis in enumerate(trial.grid)]
    asked += [(f"scenarios[{i}].set", path) for i, world in enumerate(trial.scenarios) for path in world.set]
    for field, path in asked:
        try:
            with_values(tables, {path: None})
        except PathError as fault:
            raise ProtocolError(str(fault), file=file, field=field, value=path,
                                mend="give the dotted path of a field of this file") from None  # fmt: skip
        if path.split(".")[0].split("[")[0] in _NEVER_SET:
            raise ProtocolError("must be the same in every cell", file=file, field=field, value=path,
                                mend="leave it out")  # fmt: skip
    both = {axis.field for axis in trial.grid} & {path for world in trial.scenarios for path in world.set}
    if both:
        raise ProtocolError("is set by a scenario and by the grid", file=file, field="grid",
                            value=sorted(both), mend="set it in one of the two")  # fmt: skip
