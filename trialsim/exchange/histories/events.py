"""Times to an event: as ADTTE has them, or from the dates of an event and of the end of the follow-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Declaration
from trialsim.exchange.histories.placing import NO_DATE, NO_VALUE, OTHER_DAY, USED, Placed, Zeros
from trialsim.exchange.histories.records import Source, days_of, places_of, refuse
from trialsim.exchange.histories.ucum import conversion

PREVALENT, LATER = "on or before day 0", "after the end of follow-up"


def time_to_event(
    source: Source, told: Declaration, zeros: Zeros, people: Sequence[str]
) -> tuple[Placed, pd.DataFrame]:
    """Return the records of a time to an event, and ``person``, ``time`` and the event (1, or 0 if censored).

    Parameters
    ----------
    source : Source
        Where records are.
    told : Declaration
        With an outcome of kind ``time_to_event``.
    zeros : Zeros
        Day 0 of each participant.
    people : sequence of str
        Kept participants.

    Raises
    ------
    HistoryError
        A time is below 0, stands twice, or starts at another day than day 0; an end is not declared.
    """
    own = told.outcome
    meaning = source.meaning(own, "outcome")
    if meaning == "event":
        return _given_times(source, told, zeros, people)
    if meaning != "presence":
        raise refuse(source, "outcome.from", "holds values, not events", "name a table of events", own.from_)
    if not zeros.declared:
        raise refuse(source, "zero", "must say what day 0 is", "declare [zero]")
    return _from_dates(source, told, zeros, people)


def _given_times(
    source: Source, told: Declaration, zeros: Zeros, people: Sequence[str]
) -> tuple[Placed, pd.DataFrame]:
    own = told.outcome
    records = source.records(own, "outcome")
    records = records[records["person"].isin(set(people))].reset_index(drop=True)
    first = _starts(source, records, zeros)
    times = pd.to_numeric(records["value"], errors="coerce").astype(float)
    wrong = (records["value"].notna() & ~times.between(0, 1e9)) | (times.notna() & records["event"].isna())
    if wrong.any():
        raise refuse(
            source, "outcome", f"is no time from day 0 with CNSR beside it in {places_of(records, wrong)}",
            "give a number of 0 or more and CNSR, or leave the participant out",
        )  # fmt: skip
    given = records["unit"].where(records["unit"].notna(), own.unit_if_missing)
    given = given.map(lambda one: told.aliases.get(one, one), na_action="ignore")
    if given.isna().any():
        raise refuse(source, "outcome.unit_if_missing", "must be given: the data name no unit of times",
                     'write "d", "wk", "mo" or "a"')  # fmt: skip
    assert own.unit is not None
    times = times * given.map({unit: _times(source, unit, own.unit) for unit in given.unique()}).astype(float)
    records["number"], records["first"], records["last"], records["cell"] = times, first, first, 0.0
    records["status"] = np.where(times.isna(), NO_VALUE, USED)
    twice = records["person"].duplicated(keep=False) & times.notna()
    if twice.any():
        raise refuse(
            source, "outcome", f"has several times of one participant in {places_of(records, twice)}",
            "name one parameter by code, and one row by where",
        )  # fmt: skip
    known = records[times.notna()]
    rows = pd.DataFrame({"person": known["person"], "time": known["number"], own.name: known["event"]})
    return _placed(records, own.name, rows), rows.reset_index(drop=True)


def _starts(source: Source, records: pd.DataFrame, zeros: Zeros) -> np.ndarray:
    """Return the day from day 0 on which each time starts; refuse another day than 0."""
    first = days_of(records["date"])[0]
    if not zeros.declared:
        return np.full(len(records), np.nan)
    first = first - records["person"].map(zeros.days).astype(float).to_numpy()
    other = np.isfinite(first) & (first != 0)
    if other.any():
        raise refuse(
            source, "outcome",
            f"counts its times from another time zero than [zero] in {places_of(records, other)}",
            "name the start of these times as zero",
        )  # fmt: skip
    return first


def _times(source: Source, given: str, wanted: str) -> float:
    try:
        law = conversion(given, wanted)
    except HistoryError as fault:
        raise refuse(source, "outcome.unit", fault.problem, fault.mend or "", fault.value) from None
    return law.times


def _from_dates(
    source: Source, told: Declaration, zeros: Zeros, people: Sequence[str]
) -> tuple[Placed, pd.DataFrame]:
    own = told.outcome
    if own.until is None:
        raise refuse(
            source, "outcome.until", "must say how long each participant is followed",
            'such as until = { from = "OBSERVATION_PERIOD.observation_period_end_date" } or { from = '
            '"Patient.last_record" }',
        )  # fmt: skip
    ends = _ends(source, told, zeros, people)
    records = source.records(own, "outcome")
    records = records[records["person"].isin(set(people))].reset_index(drop=True)
    zero = records["person"].map(zeros.days).astype(float).to_numpy()
    first, last = (days - zero for days in days_of(records["date"]))
    # Where a date is a month, the event is put in its middle, as a reader of a curve would.
    day = (first + last) / 2
    status = np.where(records["left_out"] != "", records["left_out"], np.where(np.isnan(day), NO_DATE, ""))
    status = status.astype(object)
    free = status == ""
    status[free & (first <= 0)] = PREVALENT
    prevalent = set(records.loc[free & (first <= 0), "person"])
    beyond = free & (first > 0) & ~(day <= records["person"].map(ends).to_numpy(dtype=float))
    status[beyond] = LATER
    free = status == ""
    days = pd.Series(np.where(free, day, np.nan), index=records.index)
    earliest = days.groupby(records["person"]).transform("min")
    status[free] = np.where((days == earliest)[free], USED, OTHER_DAY)
    happened = days.groupby(records["person"]).min().dropna()
    length = _times(source, "d", own.unit or "d")
    rows = pd.DataFrame({"person": [one for one in people if one in ends.index and one not in prevalent]})
    rows["time"] = rows["person"].map(happened).fillna(rows["person"].map(ends)).astype(float) * length
    rows[own.name] = rows["person"].isin(set(happened.index)).astype(float)
    records["number"], records["first"], records["last"] = day * length, first, last
    records["cell"], records["status"] = 0.0, status
    return _placed(records, own.name, rows), rows


def _ends(source: Source, told: Declaration, zeros: Zeros, people: Sequence[str]) -> pd.Series:
    """Return the day on which each participant's follow-up ends: of several periods, the one with day 0."""
    assert told.outcome.until is not None
    records = source.records(told.outcome.until, "outcome.until")
    zero = records["person"].map(zeros.days).astype(float).to_numpy()
    dates = records["date"].where(records["date"] != "", records["value"].fillna("").astype(str))
    end = days_of(dates)[0] - zero
    start = days_of(records["value"].fillna("").astype(str))[0] - zero
    holds = (end > 0) & ~(start > 0) & records["person"].isin(set(people)).to_numpy()
    found = pd.Series(end, index=records.index)[holds].groupby(records["person"][holds]).min()
    if found.empty:
        raise refuse(source, "outcome.until", "nobody is followed beyond day 0", "name another end, or zero")
    return found


def _placed(records: pd.DataFrame, name: str, rows: pd.DataFrame) -> Placed:
    cells = pd.DataFrame({"person": rows["person"], "cell": 0.0, "number": rows["time"]})
    return Placed(name, records, cells)
