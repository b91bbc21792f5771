"""Files with one row a participant: a response, levels, a count, or a time to an event."""

from __future__ import annotations

from trialsim.errors import HistoryError
from trialsim.study.starting import roles
from trialsim.study.starting.gathering import Filters, all_of_it
from trialsim.study.starting.kinds import kind_of_values, levels_of, values_of_two
from trialsim.study.starting.look import Look, guess_codes, without_codes
from trialsim.study.starting.response import OPTION, open_question, values_told
from trialsim.study.starting.told import KINDS, Found, UndecidedError
from trialsim.study.starting.visits import unit_of_name


def of_one(look: Look, participant: str, filters: tuple[tuple[str, str | float], ...]) -> Found:
    """Return what is found in a file with one row a participant."""
    told = look.told
    event, time = _event(look, participant)
    if told.response_is is not None and told.kind not in (None, "response", "time_to_event"):
        raise HistoryError(
            f"says which values are the response, and a {told.kind} has none", file=look.file,
            field=OPTION, value=told.response_is, mend="leave it out, or give --kind response",
        )  # fmt: skip
    if event is not None and time is not None and told.kind in (None, "time_to_event"):
        if told.kind is None:
            look.why["kind"] = "an event with a column of its time"
        return _of_event(look, participant, filters, event, time)
    if told.kind == "time_to_event":
        raise UndecidedError(
            "no column says the event, or none its time", file=look.file, option="time" if event else "event"
        )
    outcome = told.outcome or event
    if outcome is None:
        named = roles.outcome_of_one(look.rows, {participant})
        if len(named) != 1:
            raise UndecidedError(
                "no column, or no single one, is called an outcome",
                file=look.file,
                option="outcome",
                choices=named,
            )
        outcome = named[0]
        look.why["outcome"] = "by its name"
    guess_codes(look, participant, [outcome])
    values = without_codes(look, outcome)
    asked = told.kind or ("response" if told.response_is is not None else None)
    kind, why = (asked, "") if asked else kind_of_values(values)
    if kind is None or kind == "score":
        raise HistoryError(
            "holds one measurement a participant: a score needs its baseline and its visits",
            file=look.file,
            field=outcome,
            value=kind,
            mend=f"give a row for each visit, or --kind, one of {', '.join(KINDS[1:])}",
        )
    if asked is None:
        look.why["kind"] = why
    known = values.notna()
    dropout = 1 - float(known.mean())
    if not known.all():
        look.rows = look.rows[known]
        look.changes.append(f"{int((~known).sum())} participants without {outcome} are left out")
    levels: tuple[str, ...] = ()
    recoded: dict[str, float] = {}
    if kind == "response":
        if told.response_is is None and look.rows[outcome].nunique() > 2:
            raise open_question(look, outcome)
        recoded = _two(look, outcome)
    if kind == "level":
        levels, ordering = levels_of(look.rows[outcome], told.levels, look.file)
        if ordering:
            look.why["levels"] = ordering
    return all_of_it(
        look,
        participant,
        filters,
        kind,
        outcome,
        int(known.sum()),
        dropout,
        time=told.time,
        values=recoded,
        levels=levels,
        unit=unit_of(look, told.time) if told.time else "weeks",
    )


def _two(look: Look, column: str) -> dict[str, float]:
    """Return the number of each value of a response or an event, told or guessed; empty for 0 and 1."""
    if look.told.response_is is not None:
        return values_told(look, column)
    values, how = values_of_two(look.rows[column])
    if how:
        look.why["values"] = how
    return values


def _event(look: Look, participant: str) -> tuple[str | None, str | None]:
    told = look.told
    if told.event or (told.kind == "time_to_event" and told.outcome):
        event = told.event or told.outcome
        time = told.time or roles.event_and_time(look.rows, {participant})[1]
    elif told.outcome or told.kind not in (None, "time_to_event"):
        return None, None
    else:
        event, time = roles.event_and_time(look.rows, {participant})
        time = told.time or time
        if event and time:
            look.why["outcome"] = "by its name, with two values; 1 is taken as the event: please check"
    if event and time and told.time is None:
        look.why["time"] = "by its name"
    return event, time


def _of_event(look: Look, participant: str, filters: Filters, event: str, time: str) -> Found:
    unit = unit_of(look, time)
    known = look.rows[event].notna() & (roles.as_numbers(look.rows[time]) > 0)
    if not known.all():
        look.rows = look.rows[known]
        look.changes.append(
            f"{int((~known).sum())} participants without {event}, or without a {time} above 0, are left out"
        )
    if look.told.response_is is None and look.rows[event].nunique() != 2:
        raise HistoryError(
            "must have two values, event and no event",
            file=look.file,
            field=event,
            mend="name another --event, or say by --response-is which of its values are the event",
        )
    values = _two(look, event)
    return all_of_it(
        look,
        participant,
        filters,
        "time_to_event",
        event,
        int(known.sum()),
        0.0,
        time=time,
        values=values,
        unit=unit,
    )


def unit_of(look: Look, time: str) -> str:
    """Return the unit of a column of times: as told, by its name, or by the longest of them."""
    if look.told.time_unit:
        return look.told.time_unit
    if unit := unit_of_name(time):
        look.why["time_unit"] = "by the name of the column"
        return unit
    longest = float(roles.as_numbers(look.rows[time]).max())
    look.why["time_unit"] = f"the longest is {longest:.0f}: please check"
    return "days" if longest > 200 else "months" if longest > 15 else "years"
