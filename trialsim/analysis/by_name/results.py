"""What any result gives to a file: its listing and its tidy tables."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pandas as pd

from trialsim.analysis.one_trial.printed import Printed, as_shown
from trialsim.errors import AnalysisError

ESTIMATES = "estimates"


def listing_of(result: Any, title: str = "") -> str:
    """Return a result as it prints; a bare table under a title.

    Parameters
    ----------
    result : object
        Of an estimator.
    title : str
        Above a bare table.

    Returns
    -------
    str

    Examples
    --------
    >>> print(listing_of(pd.DataFrame({"estimate": [1.5], "p_value": [0.03]}), "Change"))
    Change
     estimate p_value
       1.5000  0.0300
    """
    if isinstance(result, pd.DataFrame):
        return f"{title}\n{as_shown(result).to_string(index=False)}".lstrip("\n")
    return str(result)


def tables_of(result: Any) -> dict[str, pd.DataFrame]:
    """Return the tidy tables of a result by name; the first is ``estimates``.

    Parameters
    ----------
    result : DataFrame or object with ``to_frame()``
        Of an estimator. Its public attributes that are declared as tables come too.

    Returns
    -------
    dict of str to DataFrame

    Raises
    ------
    AnalysisError
        The result has no table.

    Examples
    --------
    >>> list(tables_of(pd.DataFrame({"estimate": [1.5]})))
    ['estimates']
    """
    if isinstance(result, pd.DataFrame):
        return {ESTIMATES: result}
    found: dict[str, pd.DataFrame] = {}
    if hasattr(result, "to_frame"):
        found[ESTIMATES] = _plain(result.to_frame())
    elif isinstance(result, Printed):
        for title, table in result._tables().items():
            found[_file_name(title) if found else ESTIMATES] = _plain(table)
    if not found:
        raise AnalysisError("has no table", field="result", value=type(result).__name__)
    for name in _declared_tables(type(result)):
        table = _plain(getattr(result, name))
        if not any(table.equals(other) for other in found.values()):
            found[name] = table
    return found


def _declared_tables(kind: type) -> list[str]:
    """Return the public fields and properties that are annotated as a data frame."""
    names = [one.name for one in fields(kind) if _last(one.type) == "DataFrame"] if is_dataclass(kind) else []
    for name in dir(kind):
        getter = getattr(getattr(kind, name), "fget", None) or getattr(getattr(kind, name), "func", None)
        if getter is not None and _last(getattr(getter, "__annotations__", {}).get("return")) == "DataFrame":
            names.append(name)
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def _last(annotation: object) -> str:
    return (annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")).split(".")[-1]


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose named index is a column."""
    named = [name for name in table.index.names if name is not None]
    return table.reset_index() if named else table.reset_index(drop=True)


def _file_name(title: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    return "_".join(words) or "table"
