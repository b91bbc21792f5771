"""What two declarations ask differently, one row a field."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

ABSENT = "–"
# Lists of tables are matched by what names their entries, so that an entry that is added moves no other.
_NAMES = ("name", "cause", "field", "covariate")


def changed_fields(first: dict[str, Any], other: dict[str, Any]) -> pd.DataFrame:
    """Return the fields in which two declarations differ.

    Parameters
    ----------
    first, other : dict
        Declared trials with all defaults filled in, as `DeclaredTrial.to_dict` gives them.

    Returns
    -------
    DataFrame
        ``field`` (path in the file; an entry of a list by its name), ``first`` and ``other``; in the order of
        the first declaration. A field that one of them lacks is ``–``.

    Examples
    --------
    >>> arms = {"arms": [{"name": "placebo", "allocation": 1.0}], "seed": 1}
    >>> more = {"arms": [{"name": "placebo", "allocation": 2.0}], "seed": 1}
    >>> changed_fields(arms, more).to_dict("records")
    [{'field': 'arms[placebo].allocation', 'first': '1.0', 'other': '2.0'}]
    """
    before, after = _flat(first), _flat(other)
    rows = [
        {"field": field, "first": before.get(field, ABSENT), "other": after.get(field, ABSENT)}
        for field in dict.fromkeys([*before, *after])
        if before.get(field, ABSENT) != after.get(field, ABSENT)
    ]
    return pd.DataFrame(rows, columns=["field", "first", "other"])


def _flat(value: Any, where: str = "") -> dict[str, str]:
    """Return every leaf by its path; lists of plain values are leaves."""
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{where}.{key}".lstrip("."))
        return found
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        found = {}
        for place, inner in enumerate(value):
            found |= _flat(inner, f"{where}[{_name(inner, place)}]")
        return found
    return {where: value if isinstance(value, str) else json.dumps(value)}


def _name(entry: dict[str, Any], place: int) -> str:
    return str(next((entry[key] for key in _NAMES if entry.get(key)), place))
