"""Dotted paths into a trial file, and tables with values put in their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from trialsim.protocol.declared.design_kinds import design_kinds
from trialsim.protocol.declared.endpoints import endpoints

_NAMED_BY = ("name", "arm", "cause")
_INDEX = re.compile(r"\[(\d+)\]")


class PathError(ValueError):
    """A path that leads nowhere; the text says why."""


def with_values(tables: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of tables with values at dotted paths.

    Parameters
    ----------
    tables : mapping
        The whole file with its defaults filled in.
    values : mapping of str to object
        Path to value. An entry of a list is picked by its name, arm or cause, or by ``[0]``; the
        only entry of a list need not be picked.

    Returns
    -------
    dict

    Raises
    ------
    PathError
        The path does not exist, or could mean several places.

    Examples
    --------
    >>> tables = {"effects": [{"arm": "low", "value": 1.0}, {"arm": "high", "value": 2.0}]}
    >>> with_values(tables, {"effects.high.value": 3.0})["effects"][1]
    {'arm': 'high', 'value': 3.0}
    >>> with_values(tables, {"effects.value": 3.0})
    Traceback (most recent call last):
    trialsim.protocol.declared.paths.PathError: could mean several: write effects.low or effects.high
    """
    changed = deepcopy(dict(tables))
    for path, value in values.items():
        place, last = _find(changed, path)
        place[last] = value
    return changed


def _find(tables: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Return the table or list that holds the last step of a path, and that step."""
    steps = [step for step in _INDEX.sub(r".\1", path).split(".") if step]
    if not steps:
        raise PathError("is empty")
    here: Any = tables
    walked = ""
    for position, step in enumerate(steps):
        if isinstance(here, list) and here and isinstance(here[0], dict) and not _entry_named(here, step):
            here = _only(here, walked)
        key = _key(here, step, walked)
        walked = f"{walked}.{step}".lstrip(".")
        if position == len(steps) - 1:
            return here, key
        here = here[key]
    raise PathError("is empty")


def _entry_named(entries: list[Any], step: str) -> bool:
    return step.isdigit() or any(step in _names(entry) for entry in entries)


def _names(entry: Mapping[str, Any]) -> list[Any]:
    own = [entry[key] for key in _NAMED_BY if key in entry]
    endpoint = entry.get("endpoint")
    return (
        own if endpoint is None or "kind" not in entry else [*own, endpoint, f"{endpoint}_{entry.get('arm')}"]
    )


def _only(entries: list[Any], walked: str) -> Any:
    if len(entries) == 1:
        return entries[0]
    choices = " or ".join(f"{walked}.{(_names(entry) or [i])[0]}" for i, entry in enumerate(entries))
    raise PathError(f"could mean several: write {choices}")


def _key(here: Any, step: str, walked: str) -> Any:
    if isinstance(here, list):
        if step.isdigit() and int(step) < len(here):
            return int(step)
        known_as = [i for i, entry in enumerate(here) if isinstance(entry, dict) and step in _names(entry)]
        if len(known_as) == 1 or (known_as and not any(entry.get("endpoint") for entry in here)):
            return known_as[0]
        if known_as:
            names = " or ".join(f"{walked}.{_names(here[i])[-1]}" for i in known_as)
            raise PathError(f"could mean several: write {names}")
    elif isinstance(here, dict) and step in here:
        return step
    known = sorted(here) if isinstance(here, dict) else []
    choices = f"; there are {', '.join(known)}" if known else ""
    raise PathError(f"has no field {step!r} in {walked or 'the file'}{choices}")


_TABLES = (
    r"\b(endpoints|course|law|uncured|design|enrolment|randomisation|(?:effects|competing)\[\d+\])"
    r"(\.law|\.uncured|\.course)?"
)
_OTHER_KINDS = (
    "joint_effect", "shift", "slope_change", "hazard_ratio", "odds_ratio", "rate_ratio", "piecewise",
    "weibull", "median", "cure", "planned", "sites", "simple", "permuted_blocks", "minimisation", "slowing",
    "dials", "model", "history",
)  # fmt: skip


def without_kinds(field: str) -> str:
    """Return a path as it stands in the file: a table's kind is no step of it.

    Examples
    --------
    >>> without_kinds("endpoints.time_to_event.law.piecewise.hazards")
    'endpoints.law.hazards'
    """
    kinds = (*(one.kind for one in endpoints()), *(one.kind for one in design_kinds()), *_OTHER_KINDS)
    step = rf"{_TABLES}\.(?:{'|'.join(sorted(kinds, key=len, reverse=True))})(?=\.|$)"
    return re.sub(step, r"\1\2", field.replace("endpoints[0]", "endpoints"))
