"""A data set with what its variables mean: names, labels, types, and where each value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from trialsim.errors import BundleError

Kind = Literal["string", "integer", "double"]
# What a SAS transport file of version 5 can hold; the other formats keep to it, so that all say the same.
LONGEST_NAME = 8
LONGEST_LABEL = 40
LONGEST_TEXT = 200
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")


@dataclass(frozen=True)
class Variable:
    """One column.

    Parameters
    ----------
    name : str
        At most 8 letters, digits and underscores, in capitals.
    label : str
        At most 40 characters.
    kind : {'string', 'integer', 'double'}
        Type of its values; each may be missing.
    origin : str
        How a value comes about, as a sentence.

    Raises
    ------
    BundleError
        A name or label that a transport file cannot hold.

    Examples
    --------
    >>> Variable("AVAL", "Analysis Value", "double", "Simulated").name
    'AVAL'
    """

    name: str
    label: str
    kind: Kind
    origin: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BundleError(
                f"must have at most {LONGEST_NAME} capitals, digits and underscores",
                field="name",
                value=self.name,
            )
        if not 0 < len(self.label) <= LONGEST_LABEL:
            raise BundleError(f"must have 1 to {LONGEST_LABEL} characters", field="label", value=self.label)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with its variables, in their order.

    Parameters
    ----------
    name, label : str
        Such as ``ADSL`` and what it holds; the label says that nobody in it is real.
    variables : tuple of Variable
        One a column.
    keys : tuple of str
        Columns that tell rows apart and order them.
    frame : DataFrame
        The values, with exactly these columns.

    Raises
    ------
    BundleError
        Columns that are not the variables, or two rows with the same keys.
    """

    name: str
    label: str
    variables: tuple[Variable, ...]
    keys: tuple[str, ...]
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if [one.name for one in self.variables] != list(self.frame.columns):
            raise BundleError("must have a variable for each column", field=self.name)
        if self.keys and self.frame.duplicated(list(self.keys)).any():
            raise BundleError(
                "must have one row for each value of its keys", field=self.name, value=self.keys
            )

    def rows(self) -> list[list[str | int | float | None]]:
        """Return the values row by row; a missing one is None.

        Examples
        --------
        >>> one = Variable("AVAL", "Analysis Value", "double", "Simulated")
        >>> Dataset("ADX", "X", (one,), (), pd.DataFrame({"AVAL": [1.5, np.nan]})).rows()
        [[1.5], [None]]
        """
        columns = [plain(self.frame[one.name], one.kind) for one in self.variables]
        return [list(row) for row in zip(*columns, strict=True)]


def plain(values: pd.Series, kind: Kind) -> list[str | int | float | None]:
    """Return a column as plain numbers and texts; a missing or infinite number, or an empty text, is None."""
    if kind == "string":
        return [None if one is None or one != one or one == "" else str(one) for one in values]
    numbers = values.to_numpy(dtype=np.float64)
    as_number = int if kind == "integer" else float
    return [as_number(one) if np.isfinite(one) else None for one in numbers]


def short_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a name of at most 8 capitals for each name, all different and none of those taken.

    Parameters
    ----------
    names : iterable of str
        Such as names of covariates.
    taken : iterable of str
        Names that are in use.

    Returns
    -------
    dict
        From each name to the short one: its first 8 letters, or fewer and a number.

    Examples
    --------
    >>> short_names(["disease_months", "disease_years", "age"], taken=["AGE"])
    {'disease_months': 'DISEASE_', 'disease_years': 'DISEASE1', 'age': 'AGE1'}
    """
    used, found = set(taken), {}
    for name in names:
        stem = re.sub(r"[^A-Z0-9_]", "_", name.upper())
        stem = (stem if stem[:1].isalpha() or stem[:1] == "_" else f"_{stem}")[:LONGEST_NAME]
        short, number = stem, 1
        while short in used:
            short = f"{stem[: LONGEST_NAME - len(str(number))]}{number}"
            number += 1
        used.add(short)
        found[name] = short
    return found


def short_label(text: str) -> str:
    """Return a text cut to what a label may hold.

    Examples
    --------
    >>> short_label("Duration of the disease since the first symptom, in months")
    'Duration of the disease since the first…'
    """
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…"
