"""How a file of past placebo participants with one response, count or event each is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from trialsim.errors import HistoryError
from trialsim.protocol.history_table import (
    Codes,
    CovariateColumn,
    HistoryColumns,
    HistoryFilter,
    HistoryJoin,
    HistoryTable,
)
from trialsim.protocol.question import Positive, Slug
from trialsim.protocol.reading import Strict, check_model, duplicates, read_model, read_toml, refuse

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


class OutcomeTerms(Strict):
    """Terms of the prognosis beyond its linear ones; none by default.

    Parameters
    ----------
    splines : tuple of str
        Covariates that may act along a curve.
    interactions : tuple of pairs of str
        Products of two covariates.
    """

    splines: tuple[Slug, ...] = ()
    interactions: tuple[tuple[Slug, Slug], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, given: Any) -> Any:
        for field, problem in _NOT_OF_OUTCOMES.items():
            if isinstance(given, dict) and field in given:
                raise refuse(problem, given[field], field=field, mend="leave it out")
        return given

    @model_validator(mode="after")
    def _check(self) -> OutcomeTerms:
        pairs = tuple(" x ".join(sorted(pair)) for pair in self.interactions)
        for field, named in (("splines", self.splines), ("interactions", pairs)):
            if repeated := duplicates(named):
                raise refuse("a term is named twice", repeated[0], field=field, mend="name it once")
        if alone := [one for one, other in self.interactions if one == other]:
            raise refuse(
                "cannot interact with itself", alone[0], field="interactions", mend="put it under splines"
            )
        return self


_NOT_OF_OUTCOMES = {
    "variance_covariates": "one response, level, count or event has no spread that a covariate could change",
    "visit_scales": "one response, level, count or event has no visits that could differ",
    "study_effects": "studies have effects of their own wherever the history has three or more",
}


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
        Week of assessment where the file has no column of time; of counts, how long everybody was followed.
    levels : tuple of str
        Names of an ordinal outcome's levels, from least to most. The file's cells are these names, unless
        `columns.values` gives the position of each category, from 0.
    prognosis : OutcomeTerms
        Splines and interactions.
    columns, join, filter, missing
        How the file is read; join, filter and missing as in `HistoryTable`.

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
    levels: tuple[Name, ...] = ()
    prognosis: OutcomeTerms = OutcomeTerms()
    columns: OutcomeColumns = OutcomeColumns()
    join: HistoryJoin | None = None
    filter: Annotated[tuple[HistoryFilter, ...], Field(strict=False)] = ()
    missing: Codes | None = None

    @model_validator(mode="after")
    def _check(self) -> OutcomeTable:
        if repeated := duplicates(self.covariates):
            raise refuse("a covariate is named twice", repeated[0], field="covariates", mend="name it once")
        for field, asked in (
            ("splines", self.prognosis.splines),
            ("interactions", tuple(name for pair in self.prognosis.interactions for name in pair)),
        ):
            if unknown := [name for name in asked if name not in self.covariates]:
                raise _no_covariate(unknown[0], f"prognosis.{field}")
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

    def of_family(self, family: str, file: Path | str | None = None) -> OutcomeTable:
        """Return the table with another family; raise a `HistoryError` where the rest does not suit it."""
        return check_model(
            self.model_dump(exclude_unset=True) | {"family": family}, OutcomeTable, HistoryError, file=file
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


def _no_covariate(name: str, field: str) -> PydanticCustomError:
    if name == "baseline":
        return refuse(
            "one response, level, count or event has no value at baseline",
            name,
            field=field,
            mend="name the score at baseline under covariates, and that name here",
        )
    return refuse("is no covariate of the prognosis", name, field=field, mend="name it under covariates too")


def read_outcome_table(path: Path | str) -> OutcomeTable:
    r"""Read the table of an outcome history from a TOML file.

    Parameters
    ----------
    path : Path or str
        A TOML file.

    Returns
    -------
    OutcomeTable
        Checked and frozen.

    Raises
    ------
    HistoryError
        The file cannot be read or breaks a rule; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.toml"
    ...     _ = path.write_text('format = "trialsim.outcome/1"\nendpoint = "response"\nfamily = "binary"\n'
    ...                         'covariates = ["age"]\n[columns]\nparticipant = "id"\noutcome = "resp"\n')
    ...     print(read_outcome_table(path).family)
    binary
    """
    return read_model(path, OutcomeTable, HistoryError)


def is_outcome_table(path: Path | str) -> bool:
    """Return whether a TOML file says that it is the table of an outcome history.

    Parameters
    ----------
    path : Path or str
        A TOML file.

    Returns
    -------
    bool
        By the file's `format`.

    Raises
    ------
    HistoryError
        The file cannot be read.

    Examples
    --------
    >>> is_outcome_table("protocols/alzheimers_phase2.toml")
    False
    """
    return read_toml(path, HistoryError).get("format") == FORMAT
