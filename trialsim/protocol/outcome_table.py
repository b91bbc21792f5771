"""How a file of past placebo participants with one response, count or event each is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.history_table import (
    Codes,
    CovariateColumn,
    HistoryColumns,
    HistoryFilter,
    HistoryJoin,
    HistoryTable,
)
from trialsim.protocol.question import Positive, Slug
from trialsim.protocol.reading import Strict, duplicates, refuse

WEEKS_IN = {"days": 1 / 7, "weeks": 1.0, "months": 365.25 / 84, "years": 365.25 / 7}

Name = Annotated[str, Field(min_length=1)]


class OutcomeColumns(Strict):
    """What the columns of the file are called; one row is one participant.

    Parameters
    ----------
    participant : str
        Column of the participant's identifier.
    outcome : str, optional
        Column of the response, category, count or event; the endpoint's own name if not given.
    values : dict of str to float
        Number of each category of the outcome, such as ``{"yes": 1, "no": 0}``, or of each side of a
        bound of a measurement, such as ``{">= 50": 1, "< 50": 0}``; empty for numbers.
    time : str, optional
        Column of the follow-up or exposure; needed for events, not for a response at one week.
    time_unit : str
        Of that column: ``days``, ``weeks``, ``months`` or ``years``.
    group : str, optional
        Column of the study or site, for validation by group.
    covariates : dict of str to str or CovariateColumn
        As in `HistoryColumns`.
    """

    participant: Name = "participant"
    outcome: Name | None = None
    values: dict[str, float] = Field(default_factory=dict)
    time: Name | None = None
    time_unit: Literal["days", "weeks", "months", "years"] = "weeks"
    group: Name | None = None
    covariates: dict[str, Name | CovariateColumn] = Field(default_factory=dict)


class OutcomeTable(Strict):
    """How a history of one outcome a participant is read: its family, covariates and columns.

    Made from the ``[history]`` of a protocol, and what its endpoint and twins are.

    Parameters
    ----------
    endpoint : str
        Name of the outcome, and of its column unless the table names another.
    family : str
        Such as ``binary``, ``weibull`` or ``piecewise``; see docs/twins.md.
    covariates : tuple of str
        Baseline covariates that the twin may use.
    week : float, optional
        Week of assessment where the file has no column of time; of counts, how long everybody was followed.
    levels : tuple of str
        Names of an ordinal outcome's levels, from least to most. The file's cells are these names, unless
        `columns.values` gives the position of each category, from 0.
    columns, join, filter, missing
        How the file is read; join, filter and missing as in `HistoryTable`.

    Examples
    --------
    >>> table = OutcomeTable.model_validate({
    ...     "endpoint": "response", "family": "binary", "week": 24.0,
    ...     "covariates": ("age",), "columns": {"outcome": "resp", "values": {"Y": 1.0, "N": 0.0}},
    ... })
    >>> table.family, table.outcome_column
    ('binary', 'resp')
    """

    endpoint: Slug
    family: Slug
    covariates: Annotated[tuple[Slug, ...], Field(min_length=1)]
    week: Positive | None = None
    levels: tuple[Name, ...] = ()
    columns: OutcomeColumns = OutcomeColumns()
    join: HistoryJoin | None = None
    filter: Annotated[tuple[HistoryFilter, ...], Field(strict=False)] = ()
    missing: Codes | None = None

    @model_validator(mode="after")
    def _check(self) -> OutcomeTable:
        if repeated := duplicates(self.covariates):
            raise refuse("a covariate is named twice", repeated[0], field="covariates", mend="name it once")
        if self.levels:
            self._check_levels()
        return self

    def _check_levels(self) -> None:
        if self.family != "ordinal":
            raise refuse(
                f"a {self.family} outcome has no levels",
                self.levels,
                field="levels",
                mend="leave them out, or use family ordinal",
            )
        if repeated := duplicates(self.levels):
            raise refuse("a level is named twice", repeated[0], field="levels", mend="name it once")
        positions = set(self.columns.values.values())
        if positions and positions != set(range(len(self.levels))):
            raise refuse(
                f"must give the positions 0 to {len(self.levels) - 1} of the levels",
                self.columns.values,
                field="columns.values",
                mend="number the categories as levels names them, or leave values out if the cells are names",
            )

    @property
    def outcome_column(self) -> str:
        """Column of the outcome."""
        return self.columns.outcome or self.endpoint

    @property
    def outcome_values(self) -> dict[str, float]:
        """Number of each category of the outcome; empty where the column holds numbers."""
        return self.columns.values or {name: float(k) for k, name in enumerate(self.levels)}

    @property
    def rows(self) -> HistoryTable:
        """What to join and which rows to keep, in the terms of `HistoryTable`."""
        own = self.columns
        columns = HistoryColumns(participant=own.participant, group=own.group, covariates=own.covariates)
        return HistoryTable(columns=columns, join=self.join, filter=self.filter, missing=self.missing)
