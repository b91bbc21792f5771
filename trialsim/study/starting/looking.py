"""Look at a file of past participants, and say what is what in it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.missing_codes import blanked
from trialsim.prognosis.histories.arms import arm_columns, is_control
from trialsim.prognosis.histories.rows import text
from trialsim.study.starting import roles
from trialsim.study.starting.at_visits import long_form, of_visits, visits_in_rows
from trialsim.study.starting.gathering import Filters
from trialsim.study.starting.look import Look, cell_of
from trialsim.study.starting.one_each import of_one
from trialsim.study.starting.response import OPTION
from trialsim.study.starting.spelling import read_spelled
from trialsim.study.starting.told import Found, Told, UndecidedError
from trialsim.study.starting.wide import visits_beside

NUMBERED = "participant"


def look_at(path: Path, told: Told) -> Found:
    """Return what a file of past placebo participants holds.

    Parameters
    ----------
    path : Path
        CSV in any spelling, or Parquet.
    told : Told
        What the user says.

    Returns
    -------
    Found

    Raises
    ------
    UndecidedError
        The file does not say, and nobody has told.
    HistoryError
        The file cannot be used, or a named column is not in it.
    """
    rows, changes = read_spelled(path)
    look = Look(path, told, rows, list(changes))
    _join(look)
    for column, option in (
        (told.outcome, "outcome"),
        (told.participant, "participant"),
        (told.week, "week"),
        (told.time, "time"),
        (told.event, "event"),
        (told.group, "group"),
        *((name, "covariates") for name in told.covariates or ()),
        *((name, "filter") for name, _ in told.filters),
    ):
        beside = option == "outcome" and column is not None and column.lower() in visits_beside(look.rows)
        look.require(None if beside else column, option)
    filters = _filtered(look)
    participant = _participant(look)
    if told.missing is not None:
        for name in look.rows:
            look.rows[name] = blanked(look.rows[name], [cell_of(code) for code in told.missing])
    repeated = look.rows[participant].duplicated().any()
    if repeated and told.response_is is not None:
        raise HistoryError(
            "says which values are the response, and participants have several rows", file=path,
            field=OPTION, value=told.response_is, mend="keep one row a participant, by --filter if need be",
        )  # fmt: skip
    wide = (
        {}
        if told.response_is is not None or repeated or told.week or told.time or told.event
        else visits_beside(look.rows)
    )
    if wide and told.kind in (None, "score") and (told.outcome is None or told.outcome.lower() in wide):
        return of_visits(look, participant, filters, *long_form(look, participant, wide))
    if repeated:
        return of_visits(look, participant, filters, *visits_in_rows(look, participant))
    return of_one(look, participant, filters)


def _join(look: Look) -> None:
    if look.told.join is None:
        return
    beside, changes = read_spelled(look.file.parent / look.told.join)
    by = look.told.participant or roles.participant_of(look.rows)
    if by is None or by not in beside:
        raise UndecidedError(
            f"no column names the participant in both files: {look.told.join} has "
            f"{', '.join(map(str, beside.columns))}",
            file=look.file,
            option="participant",
        )
    if beside[by].duplicated().any():
        raise HistoryError(
            "names a participant more than once",
            file=look.file.parent / look.told.join,
            field=by,
            mend="keep one row a participant",
        )
    keys = text(look.rows[by])
    both = [str(name) for name in beside if name in look.rows and name != by]
    if both:
        look.changes.append(f"columns that also stand in {look.told.join} are read from {look.file.name}")
    people = beside.drop(columns=both)
    people = people.set_index(pd.Index(text(people[by]))).drop(columns=by)
    if not keys.isin(people.index).all():
        raise HistoryError(
            f"holds participants who are not in {look.told.join}",
            file=look.file,
            field=by,
            mend="leave them out, or join another file",
        )
    look.rows = pd.concat([look.rows, people.loc[keys].set_index(look.rows.index)], axis=1)
    look.joined_by = by
    look.changes += changes


def _filtered(look: Look) -> Filters:
    """Keep the rows that are asked for, and of several arms the one that is called a control."""
    filters: list[tuple[str, str | float]] = []
    for column, value in look.told.filters:
        filters.append((column, _keep(look, column, value)))
    named = {
        look.told.outcome,
        look.told.event,
        look.told.week,
        look.told.group,
        *(look.told.covariates or ()),
    }
    answered = {column for column, _ in filters} | {one for one in named if one}
    for column, levels in arm_columns(look.rows, answered).items():
        control = [level for level in levels if is_control(level)]
        cells = sorted(set(text(look.rows[column]).dropna()))
        if len(control) != 1:
            raise UndecidedError(
                f"column {column!r} looks like a treatment arm with {len(levels)} levels; twins are learnt "
                "from placebo alone",
                file=look.file,
                option="filter",
                choices=[f"{column}={cell}" for cell in cells],
            )
        cell = next(cell for cell in cells if str(cell).strip().lower() == control[0])
        filters.append((column, _keep(look, column, str(cell))))
        look.why[f"filter.{column}"] = (
            "the file holds several arms, and this level says that it is the control"
        )
    return tuple(filters)


def _keep(look: Look, column: str, value: str) -> str | float:
    kept: str | float = cell_of(value) if roles.is_number(look.rows[column]) else value
    cells = look.rows[column]
    same = roles.as_numbers(cells) == kept if isinstance(kept, float) else text(cells) == kept
    if not same.any():
        raise HistoryError(
            "keeps no row of the file",
            file=look.file,
            field="--filter",
            value=f"{column}={value}",
            mend="write the value as the file does",
        )
    look.rows = look.rows[same]
    return kept


def _participant(look: Look) -> str:
    found = look.told.participant or roles.participant_of(look.rows)
    if found is None:
        look.rows = look.rows.assign(**{NUMBERED: range(1, len(look.rows) + 1)})
        look.changes.append("no column names the participant, so that rows are numbered")
        look.why["participant"] = "no column names the participant: each row is taken as one"
        return NUMBERED
    if look.told.participant is None:
        look.why["participant"] = "by its name"
    if look.rows[found].isna().any():
        raise HistoryError(
            "has rows without a value", file=look.file, field=found, mend="name every participant"
        )
    return found
