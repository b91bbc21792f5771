"""The order of visits: that of their numbers, of their category, or of their names where these have one.

The rule for text, written down so that nothing is guessed:

- Names that differ by one number only have the order of that number: "Week 4", "Week 12"; "V1", "V10";
  "4", "12". Upper and lower case and spaces do not count. A minus is a sign after a space, "Day -1", and a
  hyphen between two parts of a name if all names have it, "Visit-2".
- Names in time units (minute, hour, day, week, month, year) have the order of time if no convention can
  turn it round: a month is 28 to 31 days, a year 336 to 366, and day d is d - 1 or d days after the start.
  "Week 12" is before "Month 6"; "Week 26" and "Month 6" are refused, and so are "Day 1" and "Week 0".
- "Baseline" is at time 0, and "Screening" before it.
- Names with several numbers have an order if each follows a unit and the units become smaller,
  "Cycle 2 Day 8", or if they are dates such as "2020-03-31".

Everything else, such as "End of treatment", has no order of its own: `visits=` must say it, or a column of
numbers. A text column made into an unordered pandas category is read as text, because pandas sorts it so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.tidy_frame import as_numbers, codes_of
from trialsim.data import Ints
from trialsim.errors import AnalysisError

DAYS: dict[str, tuple[float, float]] = {
    "minute": (1.0 / 1440.0, 1.0 / 1440.0),
    "hour": (1.0 / 24.0, 1.0 / 24.0),
    "day": (1.0, 1.0),
    "week": (7.0, 7.0),
    "month": (28.0, 31.0),
    "year": (336.0, 366.0),
}
UNITS: dict[str, str] = {
    "min": "minute", "mins": "minute", "minutes": "minute", "h": "hour", "hr": "hour", "hrs": "hour",
    "hours": "hour", "d": "day", "days": "day", "w": "week", "wk": "week", "wks": "week", "weeks": "week",
    "mo": "month", "mos": "month", "mon": "month", "mth": "month", "mths": "month", "months": "month",
    "y": "year", "yr": "year", "yrs": "year", "years": "year", **{name: name for name in DAYS},
}  # fmt: skip
NESTED = ("period", "cycle", "c", "year", "month", "week", "day", "hour", "minute")
WORDS: dict[str, tuple[float, float]] = {"screening": (-np.inf, -1e-9), "baseline": (0.0, 0.0)}
NUMBER = re.compile(r"((?<![^\W_])-\s*)?([0-9]+(?:\.[0-9]+)?)")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Name(NamedTuple):
    """A name of a visit: the text around its numbers, and the numbers."""

    text: tuple[str, ...]
    numbers: tuple[float, ...]


class _Span(NamedTuple):
    """The unit of a name, and the first and last time that it can mean."""

    unit: str
    low: tuple[float, ...]
    high: tuple[float, ...]


def visits_in_order(
    data: pd.DataFrame, visit: str, visits: Sequence[object] | str | None
) -> tuple[Ints, tuple[object, ...]]:
    """Return the position of each row's visit (-1 where it is missing), and the visits in order.

    Parameters
    ----------
    data : DataFrame
    visit : str
        Column of visits.
    visits : sequence or str, optional
        All visits in order; or the column of numbers that says the order, such as AVISITN. Else the order of
        numbers, dates, a category, or of the names by the rule of this module.

    Raises
    ------
    AnalysisError
        If the visits have no order of their own, or what says it does not fit the data.

    Examples
    --------
    >>> rows = pd.DataFrame({"visit": ["Month 6", "Week 12", "Week 4"]})
    >>> visits_in_order(rows, "visit", None)[1]
    ('Week 4', 'Week 12', 'Month 6')
    """
    column = data[visit]
    codes, labels = codes_of(column, unused=True)
    if visits is None and (len(labels) < 2 or _has_order(column)):
        return codes, tuple(labels)
    if isinstance(visits, str):
        order = _by_numbers(data, visit, visits, codes, labels)
    elif visits is not None:
        order = _as_asked(list(visits), labels, visit)
    else:
        order = _of_names(labels, visit)
    place = np.full(len(labels) + 1, -1, np.int64)
    place[order] = np.arange(len(order))
    return place[codes], tuple(labels[k] for k in order)


def _has_order(column: pd.Series) -> bool:
    """Return whether numbers, dates, or a category that somebody has put in order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        return (
            bool(column.cat.ordered)
            or not categories.is_monotonic_increasing
            or _has_order(categories.to_series())
        )
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(column) or kinds.is_datetime64_any_dtype(column))


def _as_asked(asked: list[object], labels: Sequence[object], field: str) -> list[int]:
    for label in asked:
        if label not in labels:
            raise AnalysisError("is not a visit in the data", field=field, value=label)
    for label in labels:
        if label not in asked:
            raise AnalysisError(
                "is in the data and not among the visits asked for",
                field=field,
                value=label,
                mend="add it to `visits`, or take its rows out",
            )
    if len(asked) > len(labels):
        raise AnalysisError("names a visit twice", field="visits", value=asked, mend="name every visit once")
    return [list(labels).index(label) for label in asked]


def _by_numbers(
    data: pd.DataFrame, visit: str, name: str, codes: Ints, labels: Sequence[object]
) -> list[int]:
    """Return the order that a column of numbers says: one number a visit, another for each."""
    if name not in data.columns:
        raise AnalysisError(
            "is no column of the data", field="visits", value=name, mend="give a list of visits or a column"
        )
    numbers = as_numbers(data[name])
    first: list[float] = []
    for position, label in enumerate(labels):
        found = np.unique(numbers[(codes == position) & ~np.isnan(numbers)])
        if len(found) != 1:
            raise AnalysisError(
                f"visit {label} has {'no number' if not len(found) else 'several numbers'} in it",
                field=name,
                mend="give every visit one number",
            )
        first.append(float(found[0]))
    if len(set(first)) < len(first):
        raise AnalysisError(f"two visits of {visit} have the same number", field=name)
    return sorted(range(len(labels)), key=first.__getitem__)


def _of_names(labels: Sequence[object], field: str) -> list[int]:
    """Return the order of names by the rule of the module."""
    names = [_parsed(str(label)) for label in labels]
    if all(isinstance(label, (int, float)) for label in labels):
        return list(range(len(labels)))
    if len({name.text for name in names}) == 1 and (len(names[0].numbers) == 1 or _nested(names[0])):
        spans = [_Span("", name.numbers, name.numbers) for name in names]
    elif all(DATE.fullmatch(str(label).strip()) for label in labels):
        days = [(float(pd.Timestamp(str(label)).toordinal()),) for label in labels]
        spans = [_Span("", day, day) for day in days]
    else:
        spans = [_span(name, label, field) for name, label in zip(names, labels, strict=True)]
    order = sorted(range(len(labels)), key=lambda k: spans[k].low)
    for earlier, later in pairwise(order):
        one, other = spans[earlier], spans[later]
        same_unit = one.unit == other.unit and one.low < other.low
        if not (same_unit or one.high < other.low):
            raise _no_order(labels[later], field, f"cannot be put before or after {labels[earlier]}")
    return order


def _no_order(label: object, field: str, why: str) -> AnalysisError:
    return AnalysisError(
        f"{why}: the visits have no order of their own",
        field=field,
        value=label,
        mend="give visits=[...] in order, or visits= the column of numbers that orders them",
    )


def _parsed(label: str) -> _Name:
    """Return the text and numbers of a name, without case, spaces and what separates them."""
    plain = label.casefold().replace("\N{MINUS SIGN}", "-").strip()
    numbers = [(-1.0 if sign else 1.0) * float(digits) for sign, digits in NUMBER.findall(plain)]
    pieces = NUMBER.sub("\0", plain).split("\0")
    return _Name(tuple(re.sub(r"\s+", "", piece) for piece in pieces), tuple(numbers))


def _word(text: str) -> str:
    return UNITS.get(text.strip(" .:_-/(),"), text.strip(" .:_-/(),"))


def _nested(name: _Name) -> bool:
    """Return whether every number follows a unit, and the units become smaller."""
    units = [_word(text) for text in name.text[:-1]]
    known = [NESTED.index(unit) for unit in units if unit in NESTED]
    return len(known) == len(units) and known == sorted(set(known)) and not _word(name.text[-1])


def _span(name: _Name, label: object, field: str) -> _Span:
    """Return the unit of a name, and the earliest and latest time, in days, that it can mean."""
    text = "".join(name.text)
    whole = _word(text)
    if not name.numbers and whole in WORDS:
        low, high = WORDS[whole]
        return _Span(whole, (low,), (high,))
    # A hyphen that some names have and others do not may be a minus.
    if len(name.numbers) != 1 or whole not in DAYS or "-" in text:
        raise _no_order(label, field, "is not a time, and does not differ from the others by a number only")
    number, (least, most) = name.numbers[0], DAYS[whole]
    ends = sorted((number * least, number * most))
    start = ends[0] - 1.0 if whole == "day" and number > 0.0 else ends[0]
    return _Span(whole, (start,), (ends[1],))
