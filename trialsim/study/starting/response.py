"""Which values of a column are the response, or the event, as the user says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.participants import in_ranges, range_of
from trialsim.prognosis.histories.rows import text
from trialsim.study.starting.look import Look, without_codes
from trialsim.study.starting.roles import as_numbers, is_number
from trialsim.study.starting.told import Found, UndecidedError

OPTION = "--response-is"
_OTHER_SIDE = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
_MOST_NAMED = 20


def values_told(look: Look, column: str) -> dict[str, float]:
    """Return the number of each category of a column, or of both sides of a bound, as ``--response-is`` says.

    Parameters
    ----------
    look : Look
        With `response_is` told: categories with commas between, or a bound such as ``">= 50"``.
    column : str
        Of the response or the event; codes for "missing" are known.

    Raises
    ------
    HistoryError
        A category is not in the column, none is left out, or a bound has nobody on one side or no numbers.
    """
    told = look.told.response_is or ""
    cells = without_codes(look, column)
    if (bound := range_of(told)) is not None:
        return _sides(look, column, cells, *bound)
    if told.strip()[:1] in ("<", ">", "="):
        raise _refusal(look, column, "is no bound", 'write a comparison and a number, such as ">= 50"')
    there = sorted(set(text(cells.dropna())))
    asked = [part.strip() for part in told.split(",") if part.strip()]
    named = f"it has {', '.join(there[:_MOST_NAMED])}{', ...' if len(there) > _MOST_NAMED else ''}"
    if is_number(cells) and len(there) > _MOST_NAMED:
        named = "it holds numbers"
    unknown = [one for one in asked if one not in there]
    if unknown or not asked:
        which = ", ".join(unknown) or "nothing"
        raise _refusal(
            look, column, f"names {which}, which is no category of column {column!r}; {named}",
            'write the categories as the file does, or a bound such as ">= 50"',
        )  # fmt: skip
    if len(asked) == len(there):
        raise _refusal(
            look, column, f"takes every category of column {column!r}, so that nobody is left without",
            "name some of them",
        )  # fmt: skip
    return {cell: float(cell in asked) for cell in there}


def _sides(look: Look, column: str, cells: pd.Series, sign: str, bound: float) -> dict[str, float]:
    """Return both sides of a bound of a measurement."""
    if not is_number(cells):
        raise _refusal(
            look, column, f"is a bound, and column {column!r} does not hold numbers",
            "name its categories, with commas between",
        )  # fmt: skip
    values = {f"{sign} {bound:.15g}": 1.0, f"{_OTHER_SIDE[sign]} {bound:.15g}": 0.0}
    met = in_ranges(as_numbers(cells).to_numpy(dtype=float), values, cells.index, look.file, OPTION)
    if not (met == 1).any() or not (met == 0).any():
        who = "everybody" if (met == 1).any() else "nobody"
        raise _refusal(look, column, f"holds for {who} in column {column!r}", "give another bound")
    return values


def _refusal(look: Look, column: str, problem: str, mend: str) -> HistoryError:
    return HistoryError(problem, file=look.file, field=OPTION, value=look.told.response_is, mend=mend)


def open_question(look: Look, column: str) -> UndecidedError:
    """Return the question which of several values are the response, for a column with more than two."""
    cells = without_codes(look, column)
    there = sorted(set(text(cells.dropna())))
    few = len(there) <= _MOST_NAMED
    return UndecidedError(
        f"column {column!r} has {len(there)} values, a response has two; say which of them are the response",
        file=look.file, option="response-is", choices=there if few else (),
    )  # fmt: skip


def outcome_numbers(found: Found, cells: pd.Series) -> Floats:
    """Return the outcomes of cells as the protocol will read them: by category, by range, or as they are."""
    if not found.values:
        return as_numbers(cells).to_numpy(dtype=float)
    categories = text(cells)
    if all(range_of(key) for key in found.values) and not categories.isin(list(found.values)).any():
        measured = as_numbers(cells).to_numpy(dtype=float)
        return in_ranges(measured, found.values, cells.index, found.file, "values")
    return np.asarray(categories.map(found.values), dtype=float)
