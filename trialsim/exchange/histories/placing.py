"""From records to one value a participant and visit: units, windows, and contradictions that stay seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Declaration, Outcome, Values
from trialsim.exchange.histories.records import Meaning, Source, days_of, places_of, refuse
from trialsim.exchange.histories.ucum import Law, conversion, unit_of
from trialsim.prognosis.histories.rows import LARGEST_NUMBER

DAYS_A_WEEK, DAYS_A_YEAR = 7.0, 365.25
BEFORE = (-365.0, 0.0)
SAME_BUT_FOR_ROUNDING = 0.01
USED, AGREES, OTHER_DAY, NO_UNIT = "used", "agrees", "another day was nearer", "no unit"
CONTRADICTS, OVERRULED = "contradiction: cell left empty", "contradiction: another source preferred"
NO_DATE, COARSE, OUTSIDE = "no date", "date too coarse", "outside the windows"
NO_VALUE, NO_ZERO = "no value", "participant without day 0"


@dataclass(frozen=True)
class Zeros:
    """Day 0 of each participant, as a day from 1970.

    Parameters
    ----------
    days : Series
        By the source's identifier; empty where none is declared.
    declared : bool
        Whether days are told from it.
    """

    days: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    declared: bool = False


@dataclass(frozen=True, eq=False)
class Placed:
    """A column with its records.

    Parameters
    ----------
    name : str
        Of the column.
    records : DataFrame
        Of kept participants, with ``number`` (in the column's unit), ``first`` and ``last`` day after day 0,
        ``cell`` (position of the visit) and ``status``, which says what became of each.
    cells : DataFrame
        ``person``, ``cell``, ``number``; what the history holds.
    meaning : str
        What a record says; see `Meaning`.
    """

    name: str
    records: pd.DataFrame
    cells: pd.DataFrame
    meaning: Meaning = "value"


def place(
    source: Source, values: Values, name: str, told: Declaration, zeros: Zeros, people: Sequence[str]
) -> Placed:
    """Return a column of the history with what became of each of its records.

    Parameters
    ----------
    source : Source
        Where records are.
    values : Values
        The column.
    name : str
        Its name, for errors as ``covariates.age``.
    told : Declaration
        Aliases and missing codes.
    zeros : Zeros
        Day 0 of each participant.
    people : sequence of str
        Kept participants.

    Returns
    -------
    Placed
        Records and cells.

    Raises
    ------
    HistoryError
        A unit is unknown, a category has no number, or days are counted from another day 0.
    """
    meaning = source.meaning(values, name)
    records = source.records(values, name, values.visit)
    records = records[records["person"].isin(set(people))].reset_index(drop=True)
    _place_in_time(source, records, values, name, zeros)
    if meaning == "value":
        records["number"] = _numbers(source, records, values, name, told)
    elif meaning == "birth":
        records["number"] = _ages(records, zeros)
    elif meaning == "presence":
        records["number"] = 1.0
    else:
        raise refuse(source, f"{name}.from", "holds times to events, which are no values at a visit",
                     'say kind = "time_to_event" of the outcome, or name a column', values.from_)  # fmt: skip
    _to_cells(source, records, values, name, zeros, attribute=not source.is_dated(values))
    cells = _presence(records, people) if meaning == "presence" else _choose(records, values)
    return Placed(name, records, cells, meaning)


def _place_in_time(source: Source, records: pd.DataFrame, values: Values, name: str, zeros: Zeros) -> None:
    first, last = days_of(records["date"])
    if zeros.declared:
        zero = records["person"].map(zeros.days).astype(float).to_numpy()
        first, last = first - zero, last - zero
        told = records["day"].to_numpy(dtype=float)
        other = np.isfinite(told) & (first == last) & (told != first)
        if other.any():
            raise refuse(
                source, name,
                f"counts its days from another time zero than [zero] in {places_of(records, other)}",
                "name the time zero of the data, or leave these rows out",
            )  # fmt: skip
    else:
        first, last = np.full(len(records), np.nan), np.full(len(records), np.nan)
    own = records["day"].to_numpy(dtype=float)
    records["first"] = np.where(np.isnan(first), own, first)
    records["last"] = np.where(np.isnan(last), own, last)


def category(value: object) -> object:
    """Return a value as the text that names its category: a whole number without its point."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return f"{value:.15g}"
    return value


def _ages(records: pd.DataFrame, zeros: Zeros) -> pd.Series:
    """Return years from birth to day 0; of a year or month of birth, from its middle."""
    ages = -(records["first"] + records["last"]) / 2 / DAYS_A_YEAR
    born = np.isfinite(days_of(records["date"])[0])
    records.loc[ages.isna() & born, "left_out"] = NO_ZERO
    records.loc[ages.isna() & ~born, "left_out"] = NO_DATE
    return ages


def _numbers(source: Source, records: pd.DataFrame, values: Values, name: str, told: Declaration) -> Floats:
    """Return numbers in the column's unit (n,); what cannot be used is marked in `left_out`."""
    given = records["value"]
    empty = given.isna().to_numpy() & (records["left_out"] == "").to_numpy()
    records.loc[empty, "left_out"] = NO_VALUE
    used = (records["left_out"] == "").to_numpy()
    if values.values:
        numbers = given.map(category).map(values.values).astype(float)
        strange = used & numbers.isna().to_numpy()
        if strange.any():
            raise refuse(
                source, f"{name}.values",
                f"does not name every category: not that of {places_of(records, strange)}",
                "give each category a number; what it is stays unsaid, as it may be a person's",
            )  # fmt: skip
        return np.asarray(numbers, dtype=np.float64)
    numbers = pd.to_numeric(given.where(used), errors="coerce").astype(float)
    wrong = used & ~(numbers.abs() <= LARGEST_NUMBER).to_numpy()
    if wrong.any():
        raise refuse(
            source, name, f"is no usable number in {places_of(records, wrong)}",
            "give categories numbers by values = { ... }, or correct the data",
        )  # fmt: skip
    coded = numbers.isin(told.missing).to_numpy()
    records.loc[coded, "left_out"] = NO_VALUE
    return _in_unit(source, records, np.asarray(numbers, dtype=np.float64), values, name, told)


def _in_unit(
    source: Source, records: pd.DataFrame, numbers: Floats, values: Values, name: str, told: Declaration
) -> Floats:
    units = records["unit"].where(records["unit"].notna() & (records["unit"] != ""), None)
    units = units.map(lambda one: told.aliases.get(one, one), na_action="ignore")
    if values.unit is None:
        known = sorted({str(one) for one in units.dropna().unique()})
        if len(known) > 1:
            raise refuse(source, name, "has values of several units", "declare unit, that of the column",
                         ", ".join(known[:8]))  # fmt: skip
        return numbers
    if values.unit_if_missing is not None:
        units = units.fillna(values.unit_if_missing)
    else:
        lacking = (units.isna() & (records["left_out"] == "")).to_numpy()
        records.loc[lacking, "left_out"] = NO_UNIT
    found = np.array(numbers)
    for unit in units.dropna().unique():
        law = _law(source, str(unit), values, name)
        of_unit = (units == unit).to_numpy()
        found[of_unit] = law.times * numbers[of_unit] + law.plus
    return found


def _law(source: Source, unit: str, values: Values, name: str) -> Law:
    assert values.unit is not None
    for own in values.convert:
        if own.from_ == unit:
            return Law(own.times, own.plus)
    try:
        return conversion(unit, values.unit, values.molar_mass)
    except HistoryError as fault:
        raise refuse(source, f"{name}.unit", fault.problem, fault.mend or "", fault.value) from None


def check_units(told: Declaration, path: object) -> None:
    """Refuse a declared unit that UCUM does not have, before data are read."""
    named: list[tuple[str, str | None]] = [(f"aliases.{key}", unit) for key, unit in told.aliases.items()]
    for name, one in (
        ("outcome", told.outcome),
        *((f"covariates.{k}", v) for k, v in told.covariates.items()),
    ):
        named += [(f"{name}.unit", one.unit), (f"{name}.unit_if_missing", one.unit_if_missing)]
    for name, unit in named:
        try:
            if unit is not None:
                unit_of(unit)
        except HistoryError as fault:
            raise HistoryError(
                fault.problem, file=str(path), field=name, value=fault.value, mend=fault.mend
            ) from None


def _to_cells(
    source: Source, records: pd.DataFrame, values: Values, name: str, zeros: Zeros, attribute: bool
) -> None:
    """Give each record the visit it belongs to, its distance from it, and why it has none."""
    visits = _visits(values)
    cell, distance = np.zeros(len(records)), np.zeros(len(records))
    status = np.array(records["left_out"], dtype=object)
    free = status == ""
    if values.visit is not None:
        weeks = records["week"].to_numpy(dtype=float)
        match = np.abs(weeks[:, None] - np.array(visits)[None, :]) < 1e-9
        cell = np.where(match.any(axis=1), match.argmax(axis=1), -1.0)
        status[free & (cell < 0)] = OUTSIDE
    elif not attribute:
        day = (records["first"] + records["last"]).to_numpy(dtype=float) / 2
        if zeros.declared or np.isfinite(day).any():
            cell, distance, status = _by_day(source, records, values, name, visits, status, zeros)
        elif isinstance(values, Outcome) and values.weeks:
            raise refuse(
                source, name, "says neither a visit nor a day",
                'give visit, the column of nominal weeks, such as "AVISITN", or [zero] and window',
            )  # fmt: skip
    records["cell"], records["distance"], records["status"] = cell, distance, status


def _visits(values: Values) -> tuple[float, ...]:
    if isinstance(values, Outcome):
        return values.weeks or (values.week if values.week is not None else 0.0,)
    return (0.0,)


def _by_day(
    source: Source, records: pd.DataFrame, values: Values, name: str, visits: Sequence[float],
    status: np.ndarray, zeros: Zeros,
) -> tuple[Floats, Floats, np.ndarray]:  # fmt: skip
    first, last = records["first"].to_numpy(dtype=float), records["last"].to_numpy(dtype=float)
    window = values.window
    if window is None and isinstance(values, Outcome):
        raise refuse(source, f"{name}.window", "must be given where visits are told by days",
                     "write the days around each visit, such as window = [-14, 14]")  # fmt: skip
    low, high = window or BEFORE
    if not isinstance(values, Outcome) and high > 0:
        raise refuse(source, f"{name}.window", "reaches beyond day 0: what is known later is no covariate",
                     "end the window at 0", list(window or ()))  # fmt: skip
    cell, distance = np.full(len(records), -1.0), np.full(len(records), np.inf)
    coarse = np.zeros(len(records), dtype=bool)
    for place_, week in enumerate(visits):
        target = DAYS_A_WEEK * week
        # The baseline is measured before treatment: its window ends at day 0.
        until = min(target + high, 0.0) if week == 0 else target + high
        inside = (first >= target + low) & (last <= until)
        coarse |= (last >= target + low) & (first <= until) & ~inside
        apart = np.abs((first + last) / 2 - target)
        nearer = inside & (apart < distance)
        cell[nearer], distance[nearer] = place_, apart[nearer]
    free = status == ""
    unknown = np.isnan(first)
    no_zero = unknown & (records["date"] != "").to_numpy() & zeros.declared
    if zeros.declared:
        no_zero &= records["person"].map(zeros.days).isna().to_numpy()
    status[free & unknown] = NO_DATE
    status[free & no_zero] = NO_ZERO
    status[free & ~unknown & (cell < 0)] = OUTSIDE
    status[free & ~unknown & (cell < 0) & coarse] = COARSE
    return cell, distance, status


def _presence(records: pd.DataFrame, people: Sequence[str]) -> pd.DataFrame:
    """Return 1 for who has a record in the window and 0 for all others."""
    used = records["status"] == ""
    records.loc[used, "status"] = USED
    having = set(records.loc[used, "person"])
    return pd.DataFrame(
        {"person": list(people), "cell": 0.0, "number": [float(one in having) for one in people]}
    )


def _choose(records: pd.DataFrame, values: Values) -> pd.DataFrame:
    """Return one number a participant and visit, and mark what became of each record."""
    free = records[(records["status"] == "") & (records["cell"] >= 0)].copy()
    free["when"] = ((free["first"] + free["last"]) / 2).fillna(0.0)
    pick = values.pick or ("nearest" if isinstance(values, Outcome) else "last")
    keys = ["person", "cell"]
    if pick == "nearest":
        # Of two days as near, the earlier.
        order = free["distance"] + (free["when"] - free.groupby(keys)["when"].transform("min")) * 1e-9
    else:
        order = free["when"] * (1.0 if pick == "first" else -1.0)
    chosen = free
    if pick != "mean" and values.visit is None:
        best = order == order.groupby([free["person"], free["cell"]]).transform("min")
        records.loc[free.index[~best], "status"] = OTHER_DAY
        chosen = free[best]
    if chosen.empty:
        return pd.DataFrame({"person": [], "cell": [], "number": []}).astype({"person": object})
    return _decided(records, chosen, values, pick)


def _decided(records: pd.DataFrame, chosen: pd.DataFrame, values: Values, pick: str) -> pd.DataFrame:
    if pick == "mean":
        records.loc[chosen.index, "status"] = USED
        return chosen.groupby(["person", "cell"])["number"].mean().reset_index()
    rank = {source: place_ for place_, source in enumerate(values.prefer)}
    chosen = chosen.assign(rank=chosen["source"].map(rank).fillna(len(rank)))
    chosen = chosen.sort_values(["person", "cell", "rank"], kind="stable")
    groups = chosen.groupby(["person", "cell"])
    leader = groups["number"].transform("first")
    allowed = _tolerance(chosen, values)
    differs = (chosen["number"] - leader).abs() > allowed
    contradicted = differs.groupby([chosen["person"], chosen["cell"]]).transform("any")
    best = groups["rank"].transform("min")
    of_best = chosen["rank"] == best
    # A preferred source decides only where it does not contradict itself.
    split = (differs & of_best).groupby([chosen["person"], chosen["cell"]]).transform("any")
    decided = contradicted & (best < len(rank)) & ~split
    top = ~chosen.duplicated(["person", "cell"])
    status = np.where(top, USED, AGREES).astype(object)
    status[(decided & differs).to_numpy()] = OVERRULED
    status[(contradicted & ~decided).to_numpy()] = CONTRADICTS
    records.loc[chosen.index, "status"] = status
    kept = (top & (~contradicted | decided)).to_numpy(dtype=bool)
    return chosen.loc[kept, ["person", "cell", "number"]].reset_index(drop=True)


def _tolerance(chosen: pd.DataFrame, values: Values) -> pd.Series:
    """Return how far two values may be apart: as declared, or by rounding where their units differ."""
    if values.tolerance is not None:
        return pd.Series(values.tolerance, index=chosen.index)
    several = chosen.groupby(["person", "cell"])["unit"].transform("nunique") > 1
    size = chosen.groupby(["person", "cell"])["number"].transform("first").abs()
    return (several * SAME_BUT_FOR_ROUNDING + 1e-9) * size
