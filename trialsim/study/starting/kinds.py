"""What kind of endpoint a column holds, which way is worse, and what its categories count as."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from trialsim.study.starting.covariates import ordered
from trialsim.study.starting.roles import as_numbers, is_number
from trialsim.study.starting.told import UndecidedError

MOST_LEVELS = 10
_YES = {
    "yes", "y", "true", "1", "responder", "response", "event", "dead", "died", "death", "improved", "cured",
    "positive", "success", "recovered", "relapse", "failure", "ja", "oui",
}  # fmt: skip
_GOOD = re.compile(
    r"(respon|success|improv|cure|recover|remission|heal|fev|fvc|qol|quality|walk|function|cd4|survived|egfr|mmse|"
    r"alive|haemoglobin|hemoglobin|visual|acuity)"
)
_BAD = re.compile(
    r"(death|died|dead|event|relapse|fail|severity|pain|adas|hamd|hamatotl|madrs|updrs|cdr|npi|exacerb|bleed|"
    r"stroke|infection|hospital|progress|hba1c|pressure|load|symptom|depress|anx)"
)


def kind_of_values(column: pd.Series) -> tuple[str | None, str]:
    """Return the kind of endpoint that one value a participant makes, and why; None for a measurement.

    Examples
    --------
    >>> kind_of_values(pd.Series(["yes", "no", "yes"]))
    ('response', 'it has two values')
    >>> kind_of_values(pd.Series([0, 3, 1, 12, 2, 0, 25, 7, 1, 5, 9, 4, 6]))[0]
    'count'
    """
    seen = column.dropna()
    if seen.nunique() == 2:
        return "response", "it has two values"
    if not is_number(column):
        return (
            ("level", f"it has {seen.nunique()} categories")
            if 3 <= seen.nunique() <= MOST_LEVELS
            else (None, "")
        )
    numbers = as_numbers(seen).dropna()
    whole = bool((numbers == numbers.round()).all()) and numbers.min() >= 0
    if whole and numbers.nunique() <= MOST_LEVELS and numbers.max() - numbers.min() < MOST_LEVELS:
        # Counts have many zeros and a tail; levels are spread.
        if (
            numbers.min() == 0
            and (numbers == 0).mean() > 0.25
            and numbers.value_counts().sort_index().is_monotonic_decreasing
        ):
            return "count", "whole numbers from 0 that get rarer the larger they are"
        return "level", f"it has {numbers.nunique()} whole numbers"
    return ("count", "whole numbers from 0") if whole and numbers.min() < 5 else (None, "")


def direction_of(kind: str, name: str) -> tuple[str, str]:
    """Return which way is better, and why.

    Examples
    --------
    >>> direction_of("response", "responder")[0], direction_of("score", "hamdtl17")[0]
    ('higher_is_better', 'higher_is_worse')
    """
    if kind in ("time_to_event", "count"):
        return "higher_is_worse", "an event is taken to be bad"
    if _GOOD.search(name.lower()):
        return "higher_is_better", "by its name"
    if _BAD.search(name.lower()):
        return "higher_is_worse", "by its name"
    return "higher_is_worse", "nothing in the file says it: please check"


def values_of_two(column: pd.Series) -> tuple[dict[str, float], str]:
    """Return the number of each of two categories, empty for 0 and 1, and why."""
    cells = sorted(column.dropna().astype(str).unique())
    if set(cells) <= {"0", "1"} or (is_number(column) and set(as_numbers(column).dropna()) <= {0.0, 1.0}):
        return {}, ""
    yes = [cell for cell in cells if cell.strip().lower() in _YES]
    one = yes[0] if len(yes) == 1 else cells[-1]
    why = (
        "by its name"
        if len(yes) == 1
        else "the last by the alphabet or the larger is taken as 1: please check"
    )
    return {cell: float(cell == one) for cell in cells}, why


def levels_of(column: pd.Series, told: tuple[str, ...], file: Path) -> tuple[tuple[str, ...], str | None]:
    """Return the levels of an ordered outcome, least first, and why.

    Raises
    ------
    UndecidedError
        Words whose order nothing says.
    """
    cells = [str(cell) for cell in column.dropna().unique()]
    if told:
        if set(told) != set(cells):
            raise UndecidedError(
                f"column {column.name!r} has {len(cells)} levels, not these {len(told)}",
                file=file,
                option="levels",
                choices=sorted(cells),
            )
        return told, None
    if is_number(column) and as_numbers(column).notna().sum() == column.notna().sum():
        return tuple(sorted(cells, key=float)), "in the order of their numbers"
    if order := ordered(cells):
        return order, "in the order of their words"
    raise UndecidedError(
        f"column {column.name!r} has {len(cells)} categories: which is least, which most?",
        file=file,
        option="levels",
        choices=sorted(cells),
    )
