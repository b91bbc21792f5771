"""Which column is what: the participant, the visit, the outcome, an event and its time, a site."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from trialsim.study.starting.visits import is_unplanned, nominal_weeks, unit_of_name, weeks_of_column

MOST_VISITS = 60
_FEWEST_A_VISIT = 5
_PARTICIPANT = (
    "usubjid",
    "subjid",
    "participant",
    "participantid",
    "subject",
    "subjectid",
    "subjectno",
    "subjectnumber",
    "subjectnr",
    "patient",
    "patientid",
    "patientno",
    "patientnumber",
    "patientnr",
    "patnr",
    "patno",
    "patid",
    "ptid",
    "pid",
    "personid",
    "recordid",
    "caseid",
    "id",
    "no",
    "nr",
)
_EVENT = re.compile(
    r"(event|status|death|died|dead|cens(or(ed|ing)?)?|relapse|recurrence|progression|fail(ure|ed)?)"
    r"(event|flag|ind|status)?|deathevent|eventstatus"
)
_TIME = re.compile(
    r"(time|futime|followup|fu|survival|survtime|duration|tte|os|pfs|dfs|days|months|years)"
    r"(to(event|death|relapse|followup))?(days|months|years|weeks)?|"
    r"(days|months|weeks|years)to\w*"
)
_DAY = re.compile(r".*(day|days|ady|dy)")
_CHANGE = re.compile(r"(.*(chg|change|diff|delta|pct|percent).*)")
_BASE = re.compile(
    r"(bas|base|baseline|bl|basval|basevalue|baselinevalue)(val|value|score)?|.*(baseline|_base|_bl)"
)
_OUTCOME = re.compile(
    r"(aval|outcome|response|responder|result|endpoint|score|value|success|improved|cured).*|y"
)
_GROUP = re.compile(
    r"(study|trial|pooled)?(id)?(site|centre|center|hospital|investigator|inv|study)(id|no|pooled|gr)*|poolinv|country"
)
_UNLIKELY = re.compile(r"(visit|seq|flag|anl|locf|row|index).*|.*(fl|seq)")


def plain(name: object) -> str:
    """Return a column's name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def participant_of(rows: pd.DataFrame) -> str | None:
    """Return the column that names the participant by what it is called, with a value in every row.

    Examples
    --------
    >>> participant_of(pd.DataFrame({"Age": [50, 60], "Pat.-Nr.": ["a", "b"]}))
    'Pat.-Nr.'
    """
    named = {
        plain(name): str(name) for name in rows if rows[name].notna().all() and len(rows[name].unique()) > 1
    }
    return next((named[one] for one in _PARTICIPANT if one in named), None)


def visit_of(rows: pd.DataFrame, participant: str, taken: Collection[str]) -> str | None:
    """Return the column of the visit: it changes within participants, and has few values."""
    changing = changing_columns(rows, participant, taken)
    few = [name for name in changing if _is_planned(rows[name])]
    by_unit = [name for name in few if unit_of_name(name) and _known(rows[name], unit_of_name(name))]
    by_text = [name for name in few if _known(rows[name], None)]
    by_visit = [name for name in few if re.fullmatch(r"a?(visit|vis)(n|num|no|nr)?", plain(name))]
    for names in (by_unit, by_text, by_visit):
        if names:
            return names[0]
    return None


def _is_planned(column: pd.Series) -> bool:
    values = column.nunique()
    return 2 <= values <= MOST_VISITS and column.notna().sum() >= _FEWEST_A_VISIT * values


def _known(column: pd.Series, unit: str | None) -> bool:
    """Return whether the names of a column's visits say their weeks, but for screening and its kind."""
    weeks = pd.Series(weeks_of_column(column, unit), index=column.index)
    open_ = column[weeks.isna() & column.notna()]
    return len(weeks.dropna().unique()) > 1 and all(is_unplanned(str(name)) for name in open_.unique())


def week_values(rows: pd.DataFrame, visit: str, unit: str | None) -> tuple[pd.Series, str] | None:
    """Return the week of each row and how it was found, or None if the column does not say."""
    column = rows[visit]
    named = unit or unit_of_name(visit)
    if (named and _known(column, named)) or _known(column, None):
        weeks = pd.Series(weeks_of_column(column, named), index=rows.index)
        return weeks, f"its visits are read as {named}" if named else "the names of its visits say the week"
    for day in [str(name) for name in rows if _DAY.fullmatch(plain(name)) and str(name) != visit]:
        weeks_by_visit = nominal_weeks(column, rows[day])
        if weeks_by_visit is not None:
            weeks = column.astype(str).map(weeks_by_visit).where(column.notna())
            return weeks.astype(float), f"each visit is put at the median of {day}, in whole weeks"
    return None


def changing_columns(rows: pd.DataFrame, participant: str, taken: Collection[str] = ()) -> list[str]:
    """Return the columns that have more than one value within some participant."""
    names = [str(name) for name in rows if str(name) != participant and str(name) not in taken]
    most = rows.groupby(participant)[names].nunique().max()
    return [name for name in names if most[name] > 1]


def outcome_at_visits(
    rows: pd.DataFrame, participant: str, taken: Collection[str]
) -> tuple[list[str], str | None, str]:
    """Return the columns that may be the score, the column of its baseline if it has one, and why.

    Where a column is another one less a constant of the participant, it is the change from baseline, and that
    names both.
    """
    changing = [
        name
        for name in changing_columns(rows, participant, taken)
        if is_number(rows[name])
        and rows[name].nunique() > 2
        and not _DAY.fullmatch(plain(name))
        and not _UNLIKELY.fullmatch(plain(name))
    ]
    scores = [name for name in changing if not _CHANGE.fullmatch(plain(name))]
    bases = [
        str(name)
        for name in rows
        if str(name) not in (*changing, *taken, participant)
        and _BASE.fullmatch(_flat(name))
        and is_number(rows[name])
    ]
    for score in scores:
        for base in bases:
            for change in set(changing) - set(scores):
                if _is_change(rows, score, base, change):
                    return [score], base, f"{change} is its change from {base}"
    named = [name for name in scores if _OUTCOME.fullmatch(plain(name))]
    if len(named) == 1:
        return named, bases[0] if bases else None, "it is called so, and changes from visit to visit"
    return scores, bases[0] if bases else None, "the only number that changes from visit to visit"


def _flat(name: object) -> str:
    return re.sub(r"[^a-z0-9_]", "", str(name).lower())


def _is_change(rows: pd.DataFrame, score: str, base: str, change: str) -> bool:
    gap = (as_numbers(rows[score]) - as_numbers(rows[base]) - as_numbers(rows[change])).dropna()
    return len(gap) > _FEWEST_A_VISIT and bool((gap.abs() < 1e-6).mean() > 0.95)


def baseline_columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns whose name says that they hold a baseline value."""
    return [str(name) for name in rows if _BASE.fullmatch(_flat(name)) and is_number(rows[name])]


def event_and_time(rows: pd.DataFrame, taken: Collection[str]) -> tuple[str | None, str | None]:
    """Return the columns of an event (two values) and of its time, by their names."""
    names = [str(name) for name in rows if str(name) not in taken]
    events = [name for name in names if _EVENT.fullmatch(plain(name)) and rows[name].nunique() == 2]
    times = [
        name
        for name in names
        if _TIME.fullmatch(plain(name)) and is_number(rows[name]) and rows[name].nunique() > 10
    ]
    return (events[0] if events else None), (times[0] if times else None)


def outcome_of_one(rows: pd.DataFrame, taken: Collection[str]) -> list[str]:
    """Return the columns whose name says that they are the one outcome of a participant."""
    return [str(name) for name in rows if str(name) not in taken and _OUTCOME.fullmatch(plain(name))]


def group_of(rows: pd.DataFrame, participant: str, taken: Iterable[str]) -> str | None:
    """Return the column of the study or site with the fewest levels, each with five participants or more."""
    first = rows.groupby(participant).first()
    found = [
        str(name)
        for name in first
        if name not in set(taken)
        and _GROUP.fullmatch(plain(name))
        and first[name].notna().all()
        and 2 <= first[name].nunique() <= len(first) / _FEWEST_A_VISIT
    ]
    return min(found, key=lambda name: first[name].nunique(), default=None)


def is_number(column: pd.Series) -> bool:
    """Return whether nine in ten of the cells that are given are numbers, and none is a date or a truth."""
    if pd.api.types.is_bool_dtype(column):
        return False
    seen = column.dropna()
    return len(seen) > 0 and bool(as_numbers(seen).notna().mean() >= 0.9)


def as_numbers(column: pd.Series) -> pd.Series:
    """Return a column as numbers, NaN where a cell is none."""
    return pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan).astype(float)


def group_like(name: str) -> bool:
    """Return whether a column's name is that of a study or site."""
    return bool(_GROUP.fullmatch(plain(name)))
