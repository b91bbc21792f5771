"""A tidy history from records: whom it holds, day 0, the outcome, covariates, and each value's source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialsim.exchange.histories.declaration import Condition, Declaration, Values
from trialsim.exchange.histories.events import time_to_event
from trialsim.exchange.histories.placing import Placed, Zeros, category, check_units, place
from trialsim.exchange.histories.records import Source, days_of, refuse
from trialsim.prognosis.histories.rows import cells_equal

PROVENANCE = (
    "participant", "column", "week", "value", "unit", "given_value", "given_unit", "date", "day", "source",
    "file", "row", "status",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Built:
    """A history, and where each value of it comes from.

    Parameters
    ----------
    history : DataFrame
        One row a participant, or one a participant and week, as `trialsim run` and `trialsim new` read it.
    provenance : DataFrame
        One row a record of a declared column: its value in the column's unit and as it was given, date,
        source, and what became of it.
    columns : tuple of Placed
        Outcome first.
    zeros : Series
        Day 0 in days from 1970, by participant; missing where none is declared.
    left_out : dict of str to int
        Participants of the source who are not in the history, by reason.
    """

    history: pd.DataFrame
    provenance: pd.DataFrame
    columns: tuple[Placed, ...]
    zeros: pd.Series
    left_out: dict[str, int]


def build(source: Source, told: Declaration) -> Built:
    r"""Return the history that a declaration makes of a source.

    Parameters
    ----------
    source : Source
        A folder of one format.
    told : Declaration
        What to read.

    Returns
    -------
    Built
        The history. Participants are ``p0001``, ``p0002``, … and sites ``site01``, … in the order of the
        source's identifiers, which are in none of it.

    Raises
    ------
    HistoryError
        Something that is declared is not there, or nobody is left.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from trialsim.exchange.histories.adam import AdamFolder
    >>> told = Declaration.model_validate({
    ...     "outcome": {"name": "adas", "from": "ADQS", "visit": "AVISITN", "weeks": (0, 24)}})
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "adsl.csv").write_text("USUBJID,AGE\nx,61\n")
    ...     _ = (Path(folder) / "adqs.csv").write_text("USUBJID,AVISITN,AVAL\nx,0,20\nx,24,23\n")
    ...     build(AdamFolder(Path(folder)), told).history["adas"].tolist()
    [20.0, 23.0]
    """
    check_units(told, source.path)
    if source.needs_zero and told.zero is None:
        raise refuse(
            source, "zero", "must say what day 0 is", 'such as zero = { from = "Condition", code = ... }'
        )
    everybody = source.people()
    zeros = _zeros(source, told, everybody)
    left_out: dict[str, int] = {}
    people = everybody
    for number, condition in enumerate(told.keep):
        kept = _meeting(source, condition, f"keep[{number}]", zeros, people)
        _count(left_out, f"keep[{number}]", len(people) - len(kept))
        people = kept
        if not people:
            raise refuse(source, f"keep[{number}]", "leaves nobody", "look at the values of the column")
    if zeros.declared:
        dated = [one for one in people if np.isfinite(zeros.days.get(one, np.nan))]
        _count(left_out, "no exact day 0", len(people) - len(dated))
        people = dated
    outcome, rows = _outcome(source, told, zeros, people)
    seen = set(rows.loc[rows[told.outcome.name].notna(), "person"])
    _count(left_out, "no outcome", len(people) - len(seen))
    people = sorted(seen)
    if not people:
        raise refuse(source, "outcome", "nobody has a value at any visit", "look at code, visit and window")
    placed = [outcome]
    history = rows[rows["person"].isin(seen)]
    for name, values in told.covariates.items():
        one = place(source, values, f"covariates.{name}", told, zeros, people)
        placed.append(replace(one, name=name))
        history = history.merge(
            one.cells[["person", "number"]].rename(columns={"number": name}), on="person", how="left"
        )
    if told.site is not None:
        history = history.assign(site=history["person"].map(_sites(source, told, people)))
    names = _sequential(people, "p", 4)
    return Built(
        _tidy(history, told, names), _provenance(source, placed, told, names), tuple(placed),
        pd.Series({names[one]: zeros.days.get(one, np.nan) for one in people}, dtype=float),
        left_out,
    )  # fmt: skip


def _count(left_out: dict[str, int], why: str, number: int) -> None:
    if number:
        left_out[why] = number


def _zeros(source: Source, told: Declaration, people: Sequence[str]) -> Zeros:
    if told.zero is None:
        return Zeros()
    records = source.records(told.zero, "zero")
    dates = records["date"]
    if told.zero.column is not None:
        dates = dates.where(dates != "", records["value"].fillna("").astype(str))
    first, last = days_of(dates)
    exact = np.where(first == last, first, np.nan)
    usable = pd.Series(exact, index=records.index).where(records["left_out"] == "")
    grouped = usable.groupby(records["person"])
    days = grouped.min() if told.zero.pick == "first" else grouped.max()
    # An inexact date before the first exact one could be day 0: then day 0 is not known.
    if told.zero.pick == "first":
        vague = pd.Series(np.where(first == last, np.nan, first), index=records.index)
        earliest = vague.groupby(records["person"]).min().reindex(days.index)
        days = days.where(~(earliest <= days))
    if not days.notna().any():
        raise refuse(source, "zero", "nobody has an exact date of it", "name another column or code")
    return Zeros(days.reindex(list(people)).astype(float), declared=True)


def _meeting(
    source: Source, condition: Condition, field: str, zeros: Zeros, people: Sequence[str]
) -> list[str]:
    """Return who meets a condition; a dated record after day 0 says nothing of whom to enrol."""
    records = source.records(condition, field)
    records = records[records["left_out"] == ""]
    met = np.ones(len(records), dtype=bool)
    if condition.equals is not None or condition.one_of is not None:
        wanted = (condition.equals,) if condition.one_of is None else condition.one_of
        met = np.logical_or.reduce([cells_equal(records["value"], one) for one in wanted])
    if condition.at_least is not None or condition.at_most is not None:
        numbers = pd.to_numeric(records["value"], errors="coerce").astype(float).to_numpy()
        low = -np.inf if condition.at_least is None else condition.at_least
        high = np.inf if condition.at_most is None else condition.at_most
        met &= (numbers >= low) & (numbers <= high)
    if zeros.declared and source.is_dated(condition):
        last = days_of(records["date"])[1]
        zero = records["person"].map(zeros.days).astype(float).to_numpy()
        met &= ~(last > zero) & np.isfinite(last)
    having = set(records.loc[met, "person"])
    return [one for one in people if (one in having) != condition.absent]


def _outcome(
    source: Source, told: Declaration, zeros: Zeros, people: Sequence[str]
) -> tuple[Placed, pd.DataFrame]:
    """Return the outcome, and one row a participant, or one a participant and week."""
    own = told.outcome
    if own.kind == "time_to_event":
        return time_to_event(source, told, zeros, people)
    found = place(source, own, "outcome", told, zeros, people)
    placed = replace(found, name=own.name)
    weeks = own.weeks or ((own.week,) if own.week is not None else ())
    grid = pd.DataFrame(
        {
            "person": np.repeat(np.array(people, dtype=object), len(weeks)),
            "cell": np.tile(np.arange(len(weeks), dtype=float), len(people)),
            "week": np.tile(np.array(weeks, dtype=float), len(people)),
        }
    )
    rows = grid.merge(found.cells.rename(columns={"number": own.name}), on=["person", "cell"], how="left")
    rows[own.name] = rows[own.name].astype(float)
    return placed, rows.drop(columns="cell" if own.weeks else ["cell", "week"])


def _sites(source: Source, told: Declaration, people: Sequence[str]) -> dict[str, str]:
    assert told.site is not None
    records = source.records(told.site, "site")
    records = records[records["person"].isin(set(people)) & records["value"].notna()]
    labels = records.groupby("person")["value"].agg(lambda one: sorted({str(label) for label in one}))
    if (labels.map(len) > 1).any():
        raise refuse(
            source, "site", f"{int((labels.map(len) > 1).sum())} participants are in two sites",
            "correct the site, or the identifier of one of them",
        )  # fmt: skip
    if len(labels) < len(people):
        raise refuse(source, "site", f"{len(people) - len(labels)} participants have no site",
                     "name the site of each")  # fmt: skip
    own = labels.map(lambda one: one[0])
    shown = _sequential(sorted(own.unique()), "site", 2)
    return {str(person): shown[label] for person, label in own.items()}


def _sequential(names: Sequence[str], stem: str, least: int) -> dict[str, str]:
    """Return ``p0001``, ``p0002``, … for identifiers, in their order as texts."""
    width = max(least, len(str(len(names))))
    return {name: f"{stem}{number:0{width}d}" for number, name in enumerate(names, start=1)}


def _tidy(history: pd.DataFrame, told: Declaration, names: dict[str, str]) -> pd.DataFrame:
    own = told.outcome
    first = ["participant", *(["site"] if told.site is not None else [])]
    middle = ["week"] if own.weeks else ["time"] if own.kind == "time_to_event" else []
    made = history.assign(participant=history["person"].map(names))
    made = made[[*first, *middle, own.name, *told.covariates]]
    return made.sort_values(["participant", *(["week"] if own.weeks else [])], ignore_index=True)


def _provenance(
    source: Source, placed: Sequence[Placed], told: Declaration, names: dict[str, str]
) -> pd.DataFrame:
    parts = []
    sources = sorted({str(one) for each in placed for one in each.records["source"].unique()})
    shown = source.shown(sources)
    for number, one in enumerate(placed):
        values = told.outcome if number == 0 else told.covariates[one.name]
        rows = one.records[one.records["person"].isin(names)]
        birth = one.meaning == "birth"
        weeks = _weeks(rows, values)
        parts.append(
            pd.DataFrame(
                {
                    "participant": rows["person"].map(names),
                    "column": one.name,
                    "week": weeks,
                    "value": rows["number"],
                    "unit": values.unit or ("a" if birth else ""),
                    "given_value": _given(rows, values),
                    "given_unit": rows["unit"].fillna(""),
                    # A date of birth tells who it is; its year does for an age.
                    "date": rows["date"].str[:4] if birth else rows["date"].str[:10],
                    "day": (rows["first"] + rows["last"]) / 2 if not birth else np.nan,
                    "source": rows["source"].map(shown),
                    "file": rows["file"],
                    "row": rows["row"].astype(int),
                    "status": rows["status"],
                }
            )
        )
    made = pd.concat([one for one in parts if len(one)] or parts, ignore_index=True)
    return made[list(PROVENANCE)].sort_values(
        ["column", "participant", "week", "day", "file", "row"], kind="stable", ignore_index=True
    )


def _weeks(rows: pd.DataFrame, values: Values) -> pd.Series:
    weeks = getattr(values, "weeks", ()) or (getattr(values, "week", None) or 0.0,)
    cell = rows["cell"].to_numpy(dtype=float)
    inside = cell >= 0
    return pd.Series(
        np.where(inside, np.array(weeks, dtype=float)[np.where(inside, cell, 0).astype(int)], np.nan),
        index=rows.index,
    )


def _given(rows: pd.DataFrame, values: Values) -> pd.Series:
    """Return values as they were given: numbers, and categories that are declared; no other text."""
    numbers = pd.to_numeric(rows["value"], errors="coerce")
    shown = rows["value"].where(numbers.notna() | rows["value"].map(category).isin(list(values.values)))
    return shown.where(shown.notna(), "").astype(str)
