"""What a history is made of: one small TOML file, in the same words for every format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from trialsim.errors import HistoryError
from trialsim.protocol.reading import Strict, read_toml

Name = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Cell = str | bool | int | float
Code = Annotated[str, Field(min_length=1, max_length=400)] | int
Positive = Annotated[float, Field(gt=0, strict=False)]
Number = Annotated[float, Field(strict=False)]
Window = Annotated[tuple[Number, Number], Field(strict=False)]
OWN_COLUMNS = ("participant", "site", "week", "time", "event")


class Linear(Strict):
    """A law that UCUM does not know: ``times * x + plus`` turns numbers of a unit into the column's unit."""

    from_: Name = Field(alias="from")
    times: Number
    plus: Number = 0.0


class Place(Strict):
    """Where values stand in the data.

    Parameters
    ----------
    from : str
        A table, such as ``Observation``, ``ADLB`` or ``MEASUREMENT``, or a column, such as ``ADSL.AGE``.
    code : str, int or tuple of them, optional
        What was measured: PARAMCD, ``system|code``, or a concept id; one of several.
    where : dict, optional
        Columns of the table and what they must hold, such as ``{ ANL01FL = "Y" }``; ``""`` for empty cells.
    """

    from_: Name = Field(alias="from")
    code: Code | Annotated[tuple[Code, ...], Field(strict=False, min_length=1)] | None = None
    where: dict[Name, Cell] = Field(default_factory=dict)

    @property
    def table(self) -> str:
        """Table, without a column."""
        return self.from_.partition(".")[0]

    @property
    def column(self) -> str | None:
        """Column of the table, if one is named."""
        return self.from_.partition(".")[2] or None

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes as texts; empty if none is given."""
        given = () if self.code is None else self.code if isinstance(self.code, tuple) else (self.code,)
        return tuple(str(one) for one in given)


class Values(Place):
    """A column of the history.

    Parameters
    ----------
    visit : str, optional
        Column of the table with the nominal week (ADaM); without it, visits are told by days from `zero`.
    window : tuple of float, optional
        Days around the visit, or before day 0 of a covariate, of which values count.
    pick : {'nearest', 'last', 'first', 'mean'}
        Which of several days in the window.
    unit : str, optional
        UCUM code of the column; values in other units are turned into it.
    unit_if_missing : str, optional
        Unit of values that name none; without it they are left out, and counted.
    molar_mass : float, optional
        g/mol, between moles and grams.
    convert : tuple of Linear
        Laws between units that UCUM does not know, such as HbA1c.
    values : dict of str to float
        Numbers of categories.
    tolerance : float, optional
        Difference of two values of one day that is no contradiction, in `unit`.
    prefer : tuple of str
        Sources of which the first decides a contradiction; without it the cell is left empty.
    range : tuple of float, optional
        Plausible values, in `unit`.
    outdated_after : float
        Days before day 0 from which a value is graded as outdated.
    """

    visit: Name | None = None
    window: Window | None = None
    pick: Literal["nearest", "last", "first", "mean"] | None = None
    unit: Name | None = None
    unit_if_missing: Name | None = None
    molar_mass: Positive | None = None
    convert: Annotated[tuple[Linear, ...], Field(strict=False)] = ()
    values: dict[str, Number] = Field(default_factory=dict)
    tolerance: Annotated[float, Field(ge=0, strict=False)] | None = None
    prefer: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    range: Window | None = None
    outdated_after: Positive = 180.0

    @model_validator(mode="after")
    def _goes_together(self) -> Values:
        for name, pair in (("window", self.window), ("range", self.range)):
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{name} must be written as [lowest, highest]")
        if self.unit is None and (self.molar_mass or self.convert or self.unit_if_missing):
            raise ValueError("molar_mass, convert and unit_if_missing need unit, the unit of the column")
        if self.values and self.unit is not None:
            raise ValueError("values are of categories, which have no unit")
        return self


class Outcome(Values):
    """The endpoint.

    Parameters
    ----------
    name : str
        Of its column.
    weeks : tuple of float
        Nominal weeks of a score at visits, 0 among them: one row a participant and visit.
    week : float, optional
        Of a single assessment: one row a participant.
    kind : {'value', 'time_to_event'}
        Whether a value or an event is read.
    until : Place, optional
        Date that ends the follow-up of a time to an event, where the table of events does not hold it.
    """

    name: Column
    weeks: Annotated[tuple[Number, ...], Field(strict=False)] = ()
    week: Number | None = None
    kind: Literal["value", "time_to_event"] = "value"
    until: Place | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Outcome:
        if self.kind == "time_to_event":
            if self.weeks or self.week is not None or self.values:
                raise ValueError("a time to an event has no weeks and no values")
            if self.unit is None:
                raise ValueError('a time to an event needs unit, that of its time, such as "mo" or "d"')
            return self
        if bool(self.weeks) == (self.week is not None):
            raise ValueError("give weeks, of a score at visits, or week, of a single assessment")
        if self.weeks and (0.0 not in self.weeks or len(set(self.weeks)) < 2 or min(self.weeks) < 0):
            raise ValueError("weeks must hold 0, the baseline, and later ones")
        if self.until is not None:
            raise ValueError("until belongs to a time to an event")
        return self


class Condition(Place):
    """Whom to keep: who has a value that meets the condition, or any record where none is given."""

    equals: Cell | None = None
    one_of: Annotated[tuple[Cell, ...], Field(strict=False, min_length=1)] | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    absent: bool = False


class Zero(Place):
    """Day 0 of each participant: the date in a column, or that of the first or last record of a kind."""

    pick: Literal["first", "last"] = "first"


class Declaration(Strict):
    """A history to be made.

    Parameters
    ----------
    outcome : Outcome
        The endpoint.
    covariates : dict of str to Values
        Baseline covariates by their names.
    zero : Zero, optional
        Day 0; needed wherever visits are told by dates.
    time_zero : str, optional
        What day 0 means, in words that histories of other sources share, such as ``randomisation``.
    site : Place, optional
        Study or site of a participant.
    keep : tuple of Condition
        All must hold.
    aliases : dict of str to str
        What the data call a unit, to its UCUM code.
    missing : tuple of float
        Numbers that stand for a missing value.
    """

    outcome: Outcome
    covariates: dict[Column, Values] = Field(default_factory=dict)
    zero: Zero | None = None
    time_zero: Name | None = None
    site: Place | None = None
    keep: Annotated[tuple[Condition, ...], Field(strict=False)] = ()
    aliases: dict[Name, Name] = Field(default_factory=dict)
    missing: Annotated[tuple[Number, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Declaration:
        names = [self.outcome.name, *self.covariates]
        taken = [one for one in names if one.lower() in OWN_COLUMNS and one != "event"]
        if taken or len({one.lower() for one in names}) < len(names):
            raise ValueError(
                f"names of columns must differ from each other and from {', '.join(OWN_COLUMNS)}"
            )
        return self


def read_declaration(path: Path) -> Declaration:
    r"""Read what a history is made of.

    Parameters
    ----------
    path : Path
        TOML file.

    Returns
    -------
    Declaration
        What it says.

    Raises
    ------
    HistoryError
        A field is unknown, missing or impossible; it is named.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = '[outcome]\nname = "adas"\nfrom = "ADQS"\nvisit = "AVISITN"\nweeks = [0, 24]'
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "map.toml").write_text(text)
    ...     read_declaration(Path(folder) / "map.toml").outcome.table
    'ADQS'
    """
    tables = read_toml(path, HistoryError)
    try:
        return Declaration.model_validate(_frozen(tables))
    except ValidationError as fault:
        first = fault.errors()[0]
        field = re.sub(
            r"\.(\d+)", r"[\1]", ".".join(str(part) for part in first["loc"] if not _is_kind(part))
        )
        said = first["msg"].removeprefix("Value error, ")
        raise HistoryError(
            said[0].lower() + said[1:], file=path, field=field or None,
            mend="trialsim history from-adam --help, or docs/history.md, shows each field",
        ) from None  # fmt: skip


def _is_kind(part: object) -> bool:
    """Return whether a part of an error's place names a type of a union, not a field."""
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "bool", "tuple"})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value
