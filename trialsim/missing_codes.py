"""Numbers that stand for "missing": 999, 9999, -99 and their kind, told from measured values.

A reader is told which cells are missing by a list of codes. Where nobody has told it, a column is searched
for values that look like codes, and refused rather than averaged: guessing would drop measured values in
silence. A value looks like a code when all of the following hold:

- it is written in nines, eights or sevens (9, 99, 98, 97, 999.9, …), or the negative of such a number;
- it lies outside all other values of the column, which are at least five;
- it is **isolated**. If it stands for two people or more: farther from the others than they are from each
  other (a single digit such as 9: stands for three or more, and is more than twice as far). If it stands for
  one: more than five times as far, and among logarithms too: the long tail of a laboratory value is none;
- or it is negative, and nobody else is below 0 (a single digit such as -9: stands for three or more).

So a genuine 99 among ages, percentiles or saturations is left alone, and 999 among ages is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trialsim.data import Bools, Floats

Code = str | bool | int | float
# Codes of every column, codes by column, or None where nobody has told them.
MissingCodes = Sequence[Code] | Mapping[str, Sequence[Code]] | None

FEWEST_OTHERS = 5
_REPEATED = 2
_REPEATED_DIGIT = 3
_FAR = 1.0
_FAR_DIGIT = 2.0
_FAR_ALONE = 5.0
_PATTERN = re.compile(r"(9|8|99*[789]|88+|77+|9\.9+|99+\.9+)")

MEND = (
    "declare the codes, such as missing = [999], or missing = [] if all of them were measured; "
    "or leave missing cells empty"
)


def code_like(values: Floats) -> Bools:
    """Return which values (n,) of a column look like codes for "missing".

    Parameters
    ----------
    values : ndarray (n,)
        One a participant; NaN where missing.

    Examples
    --------
    >>> code_like(np.array([0.0, 2, 1, 0, 3, 1, 999, 999])).tolist()
    [False, False, False, False, False, False, True, True]
    >>> bool(code_like(np.array([61.0, 99, 84, 47, 99, 72, 90, 55])).any())
    False
    """
    found = np.zeros(len(values), dtype=bool)
    levels, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    patterned = np.array([_is_patterned(level) for level in levels], dtype=bool)
    others = np.repeat(levels[~patterned], counts[~patterned])
    if len(others) < FEWEST_OTHERS:
        return found
    for level, count in zip(levels[patterned], counts[patterned], strict=True):
        if _is_isolated(float(level), int(count), others):
            found |= values == level
    return found


def declared(codes: MissingCodes, column: str) -> Sequence[Code] | None:
    """Return the codes of a column, empty if all of it was measured; None if nobody has told.

    Examples
    --------
    >>> declared((999,), "age"), declared({"age": (999,)}, "sex"), declared(None, "age")
    ((999,), None, None)
    """
    if codes is None:
        return None
    return codes.get(column) if isinstance(codes, Mapping) else codes


def blanked(column: pd.Series, codes: Sequence[Code]) -> pd.Series:
    """Return a column without the cells that are codes: numbers equal as numbers, texts as texts.

    Examples
    --------
    >>> blanked(pd.Series(["1", "999.0", ".M", "4"]), (999, ".M")).tolist()
    ['1', nan, nan, '4']
    """
    wrong = np.zeros(len(column), dtype=bool)
    given = pd.to_numeric(column, errors="coerce")
    for code in codes:
        if isinstance(code, (int, float)) and not isinstance(code, bool):
            wrong |= (given == code).to_numpy(dtype=bool, na_value=False)
        else:
            wrong |= (column.astype("string") == str(code)).to_numpy(dtype=bool, na_value=False)
    return column.mask(wrong) if wrong.any() else column


def _is_patterned(level: float) -> bool:
    """Return whether a number is written in nines, eights or sevens, as codes are."""
    return bool(_PATTERN.fullmatch(f"{abs(level):.10g}"))


def _is_isolated(level: float, count: int, others: Floats) -> bool:
    low, high = float(others.min()), float(others.max())
    if low <= level <= high:
        return False
    digit = abs(level) < 10
    if level < 0 <= low:
        return not digit or count >= _REPEATED_DIGIT
    gap = level - high if level > high else low - level
    if digit:
        return count >= _REPEATED_DIGIT and gap > _FAR_DIGIT * (high - low)
    if count >= _REPEATED:
        return gap > _FAR * (high - low)
    return gap > _FAR_ALONE * (high - low) and _is_far_in_logarithms(level, others)


def _is_far_in_logarithms(level: float, others: Floats) -> bool:
    """Return whether a value is as isolated among logarithms, where the column has them."""
    if level < 0 or others.min() < 0:
        return True
    logs = np.log1p(others) if others.min() == 0 else np.log(others)
    own = np.log1p(level) if others.min() == 0 else np.log(level)
    return bool(own - logs.max() > logs.max() - logs.min())
