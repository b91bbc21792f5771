"""The ``[history]`` of a declared trial: a file of past placebo participants, or as many to generate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.history_table import Codes, CovariateColumn, HistoryFilter, HistoryJoin
from trialsim.protocol.question import Text
from trialsim.protocol.reading import Strict, refuse

Name = Annotated[str, Field(min_length=1)]


class HistoryColumns(Strict):
    """What the columns of the file are called; our own names where they are left out.

    Parameters
    ----------
    participant : str
        Identifier of the participant.
    week : str
        Nominal week of a score at visits, one row a visit; week 0 is the baseline.
    time : str, optional
        Follow-up until the event, the last contact or the count; one row a participant.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of `time`.
    outcome : str, optional
        The outcome; the endpoint's own name if not given.
    values : dict of str to float
        Number of each category of the outcome, such as ``{"yes": 1, "no": 0}``, or of each side of a
        bound of a measurement, such as ``{">= 50": 1, "< 50": 0}``; empty for numbers.
    group : str, optional
        Study or site, for validation by group.
    covariates : dict of str to str or CovariateColumn
        Our name of a covariate to its column.
    """

    participant: Name = "participant"
    week: Name = "week"
    time: Name | None = None
    time_unit: Literal["days", "weeks", "months", "years"] = "weeks"
    outcome: Name | None = None
    values: dict[str, float] = Field(default_factory=dict)
    group: Name | None = None
    covariates: dict[str, Name | CovariateColumn] = Field(default_factory=dict)


class HistoryDeclared(Strict):
    """Past placebo participants.

    `file` is a path relative to the protocol; the command line's ``--history`` takes its place. Without a
    file, `generated` participants are drawn from the card and the disease model, which is optimistic by
    construction. `missing` names codes that mean no value, such as ``[999, ".M"]``, of every column or by
    column; empty if every number was measured. If it is not given, numbers that look like codes are refused.
    """

    file: Text | None = None
    generated: Annotated[int, Field(ge=20, le=1_000_000)] | None = None
    week: Annotated[float, Field(gt=0)] | None = None
    columns: HistoryColumns = HistoryColumns()
    join: HistoryJoin | None = None
    filter: Annotated[tuple[HistoryFilter, ...], Field(strict=False)] = ()
    missing: Codes | None = None

    @model_validator(mode="after")
    def _check(self) -> HistoryDeclared:
        if self.file is not None and self.generated is not None:
            raise refuse(
                "stands beside file: which of the two?", self.generated, field="generated",
                mend="give either file or generated",
            )  # fmt: skip
        return self
