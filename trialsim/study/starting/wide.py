"""Tables with one row a participant and one column a visit, made long."""

from __future__ import annotations

import re
from collections import defaultdict

import pandas as pd

from trialsim.study.starting.roles import is_number
from trialsim.study.starting.visits import week_of

_PARTS = re.compile(
    r"(?P<stem>.+?)[ _.-]*(?P<visit>"
    r"(?:weeks?|wk|w|months?|mon|mth|m|days?|d|baseline|base|bl)[ _.-]*\d*(?:\.\d+)?)$",
    re.IGNORECASE,
)
FEWEST = 2


def visits_beside(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the columns of each score that has one for each of its visits, with their weeks.

    A score has a baseline and at least one later visit.

    Examples
    --------
    >>> visits_beside(pd.DataFrame({"fev1_bl": [1.2], "fev1_wk4": [1.3], "FEV1_M3": [1.1], "age": [60]}))
    {'fev1': {'fev1_bl': 0.0, 'fev1_wk4': 4.0, 'FEV1_M3': 13.0}}
    """
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name in rows:
        parts = _PARTS.fullmatch(str(name))
        if parts is None or not is_number(rows[name]):
            continue
        visit = re.sub(r"(?<=[a-z])(?=\d)", " ", parts["visit"].lower())
        week = week_of(visit)
        if week is not None:
            found[parts["stem"].lower()][str(name)] = week
    return {
        stem: dict(sorted(columns.items(), key=lambda one: one[1]))
        for stem, columns in found.items()
        if len(columns) >= FEWEST
        and min(columns.values()) == 0
        and len(set(columns.values())) == len(columns)
    }


def made_long(
    rows: pd.DataFrame, participant: str, columns: dict[str, float], score: str, week: str
) -> pd.DataFrame:
    """Return one row a participant and visit; other columns stand in each of them, missing visits in none."""
    others = [name for name in rows if name not in columns]
    parts = []
    for name, weeks in columns.items():
        part = rows[others].copy()
        part[week], part[score] = weeks, rows[name]
        parts.append(part)
    long = pd.concat(parts).dropna(subset=[score])
    return long.sort_values([participant, week], kind="stable").set_axis(pd.RangeIndex(1, len(long) + 1))
