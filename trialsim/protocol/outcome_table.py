"""How a file of past placebo participants with one response, count or event each is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from trialsim.errors import HistoryError
from trialsim.protocol.history_table import (
    CovariateColumn,
    HistoryColumns,
    HistoryFilter,
    HistoryJoin,
    HistoryTable,
)
from trialsim.protocol.question import Positive, Slug
from trialsim.protocol.reading import Strict, read_model, read_toml

FORMAT = "trialsim.outcome/1"
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
        Number of each category of the outcome, such as ``{"yes": 1, "no": 0}``; empty for numbers.
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
    """A history of one outcome a participant: its family, covariates and columns.

    Parameters
    ----------
    endpoint : str
        Name of the outcome, and of its column unless the table names another.
    family : str
        Such as ``binary``, ``weibull`` or ``piecewise``; see docs/twins.md.
    covariates : tuple of str
        Baseline covariates that the twin may use.
    seed : int
        Of the fits and folds.
    week : float, optional
        Week of assessment where the file has no column of time.
    columns, join, filter
        How the file is read; join and filter as in `HistoryTable`.

    Examples
    --------
    >>> table = OutcomeTable.model_validate({
    ...     "format": "trialsim.outcome/1", "endpoint": "response", "family": "binary", "week": 24.0,
    ...     "covariates": ("age",), "columns": {"outcome": "resp", "values": {"Y": 1.0, "N": 0.0}},
    ... })
    >>> table.family, table.outcome_column
    ('binary', 'resp')
    """

    format: Literal["trialsim.outcome/1"]
    endpoint: Slug
    family: Slug
    covariates: Annotated[tuple[Slug, ...], Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 20261121
    week: Positive | None = None
    columns: OutcomeColumns = OutcomeColumns()
    join: HistoryJoin | None = None
    filter: Annotated[tuple[HistoryFilter, ...], Field(strict=False)] = ()

    @property
    def outcome_column(self) -> str:
        """Column of the outcome."""
        return self.columns.outcome or self.endpoint

    @property
    def rows(self) -> HistoryTable:
        """What to join and which rows to keep, in the terms of `HistoryTable`."""
        own = self.columns
        columns = HistoryColumns(participant=own.participant, group=own.group, covariates=own.covariates)
        return HistoryTable(columns=columns, join=self.join, filter=self.filter)


def read_outcome_table(path: Path | str) -> OutcomeTable:
    """Read the table of an outcome history from a TOML file.

    Raises
    ------
    HistoryError
        The file cannot be read or breaks a rule; every broken rule is named with field, value and mend.
    """
    return read_model(path, OutcomeTable, HistoryError)


def is_outcome_table(path: Path | str) -> bool:
    """Return whether a TOML file says that it is the table of an outcome history.

    Raises
    ------
    HistoryError
        The file cannot be read.
    """
    return read_toml(path, HistoryError).get("format") == FORMAT
