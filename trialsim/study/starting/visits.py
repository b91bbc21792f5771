"""From visits as people write them, such as "Week 12", "Month 6" or "Baseline", to weeks."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.protocol.outcome_table import WEEKS_IN

_UNITS = {
    "d": "days", "day": "days", "days": "days", "tag": "days", "w": "weeks", "wk": "weeks", "wks": "weeks",
    "week": "weeks", "weeks": "weeks", "woche": "weeks", "m": "months", "mo": "months", "mon": "months",
    "mth": "months", "month": "months", "months": "months", "monat": "months", "y": "years", "yr": "years",
    "year": "years", "years": "years",
}  # fmt: skip
_BASELINE = re.compile(r"(base ?line|bl|base|randomi[sz]ation|rand|enrol?ment|inclusion)( visit)?")
_NOT_PLANNED = re.compile(r"(screening|unscheduled|early term.*|et|follow.?up|end of .*|eot|eos)( .*)?")
_MONTHS_OF_12 = 52.0 / 12.0


def week_of(visit: str, unit: str | None = None) -> float | None:
    """Return the week of a visit, or None if its name does not say.

    Months are twelfths of 52 weeks, so that month 6 is week 26; day 1 of a study is its baseline.

    Examples
    --------
    >>> [week_of(name) for name in ("Baseline", "Week 12", "Month 6", "WK 4", "V3 (week 8)", "Visit 3")]
    [0.0, 12.0, 26.0, 4.0, 8.0, None]
    >>> week_of("28", "days")
    4.0
    """
    name = re.sub(r"[^a-z0-9.+-]+", " ", visit.strip().lower()).strip()
    if _BASELINE.fullmatch(name):
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", name):
        return None if unit is None else _in_weeks(float(name), unit)
    for found in re.finditer(r"([a-z]+)[ .-]*(\d+(?:\.\d+)?)", name):
        if found[1] in _UNITS:
            return _in_weeks(float(found[2]), _UNITS[found[1]])
    for found in re.finditer(r"(\d+(?:\.\d+)?)[ .-]*([a-z]+)", name):
        if found[2] in _UNITS:
            return _in_weeks(float(found[1]), _UNITS[found[2]])
    return None


def unit_of_name(name: str) -> str | None:
    """Return the unit of time that a column's name says.

    Examples
    --------
    >>> [unit_of_name(name) for name in ("avisit_week", "MONTH", "days_to_death_or_last_contact", "time")]
    ['weeks', 'months', 'days', None]
    """
    parts = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return next((_UNITS[part] for part in parts if len(part) > 1 and part in _UNITS), None)


def weeks_of_column(column: pd.Series, unit: str | None) -> Floats:
    """Return the week of each row (n,), NaN where a visit's name does not say."""
    cells = column.dropna().unique()
    if pd.api.types.is_numeric_dtype(column):
        known: dict[object, float | None] = {
            cell: _in_weeks(float(cell), unit) if unit else None for cell in cells
        }
    else:
        known = {cell: week_of(str(cell), unit) for cell in cells}
    return np.asarray(column.map(known), dtype=float)


def is_unplanned(visit: str) -> bool:
    """Return whether a visit has no planned week, as screening or an early end has not."""
    return bool(_NOT_PLANNED.fullmatch(re.sub(r"[^a-z0-9]+", " ", visit.lower()).strip()))


def nominal_weeks(visit: pd.Series, day: pd.Series) -> dict[str, float] | None:
    """Return the week of each visit by the median day at which it took place, or None if these are not apart.

    Examples
    --------
    >>> nominal_weeks(pd.Series(["4", "5", "4", "5"]), pd.Series([7.0, 14.0, 8.0, 13.0]))
    {'4': 1.0, '5': 2.0}
    """
    medians = pd.to_numeric(day, errors="coerce").groupby(visit.astype(str)).median().dropna()
    weeks = (medians / 7).round()
    # Study day 1 is the baseline.
    weeks[medians <= 1] = 0.0
    if len(weeks) != visit.nunique() or weeks.duplicated().any() or (weeks < 0).any():
        return None
    return {str(name): float(week) for name, week in weeks.items()}


def _in_weeks(number: float, unit: str) -> float:
    if unit == "days":
        return 0.0 if number <= 1 else round(number / 7, 2)
    weeks = {"weeks": 1.0, "months": _MONTHS_OF_12, "years": float(round(WEEKS_IN["years"]))}[unit]
    return round(number * weeks, 2)
