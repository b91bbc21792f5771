"""What a user says of a file of past participants, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from trialsim.errors import HistoryError

KINDS = ("score", "response", "level", "count", "time_to_event")
UNITS = ("days", "weeks", "months", "years")


class UndecidedError(HistoryError):
    """The file does not say; `option` is how to tell, `choices` are what it may be."""

    def __init__(self, problem: str, *, file: Path, option: str, choices: Sequence[str] = ()) -> None:
        self.option, self.choices = option, tuple(choices)
        some = f", one of {', '.join(choices)}" if choices else ""
        if option == "response-is":
            some = f" with some of {', '.join(choices)}" if choices else ' with a bound, such as ">= 50"'
        if option == "levels":
            some = f" with {', '.join(choices)} in their order, least first" if choices else ""
        super().__init__(problem, file=file, mend=f"give --{option}{some}")


@dataclass(frozen=True)
class Told:
    """What the user says; None where the file is to be asked.

    Parameters
    ----------
    outcome, participant, week, time, event, group : str, optional
        Columns of the file.
    kind : str, optional
        Of the endpoint, one of `KINDS`.
    time_unit : str, optional
        Of `time`, and of numbers in `week`.
    covariates : tuple of str, optional
        Columns.
    levels : tuple of str
        Of an ordered outcome, least first.
    response_is : str, optional
        Values of the outcome that are the response, or the event: categories with commas between, or a bound
        such as ``">= 50"``.
    filters : tuple of (str, str)
        Column and the value that is kept.
    join : str, optional
        Plain name of a file of participants beside the history.
    missing : tuple of str, optional
        Codes of every column; empty if all was measured.
    direction, effect, months
        As the protocol has them.
    power : float
    ratio : tuple of float
        Participants of control and active, such as (1, 2).
    """

    outcome: str | None = None
    kind: str | None = None
    participant: str | None = None
    week: str | None = None
    time: str | None = None
    time_unit: str | None = None
    event: str | None = None
    covariates: tuple[str, ...] | None = None
    levels: tuple[str, ...] = ()
    response_is: str | None = None
    group: str | None = None
    filters: tuple[tuple[str, str], ...] = ()
    join: str | None = None
    missing: tuple[str, ...] | None = None
    direction: str | None = None
    effect: float | None = None
    months: float | None = None
    power: float = 0.9
    ratio: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Covariate:
    """A baseline covariate: our name, its column, and the number of each category."""

    name: str
    column: str
    values: dict[str, float] = field(default_factory=dict)
    why: str | None = None


@dataclass(frozen=True)
class Found:
    """What the file says, with the reason of every guess.

    Parameters
    ----------
    file : Path
        The file.
    rows : DataFrame
        What is learnt from: joined, filtered and put into the form that trialsim reads.
    kind, name, outcome : str
        Of the endpoint: its kind, its name with us, and its column.
    participant : str
    week, time, group : str or None
        Columns.
    time_unit : str
    values : dict of str to float
        Number of each category of the outcome, or of each side of a bound of a measurement.
    levels : tuple of str
        Least first; of an ordered outcome.
    weeks : tuple of float
        Visits after the baseline; of a score.
    covariates : tuple of Covariate
    left_out : tuple of (str, str)
        Columns that are no covariates, and why.
    filters : tuple of (str, str or float)
    missing : dict of str to tuple
        Codes by column.
    direction : str
    dropout : float
        Share of the participants without the outcome at its last visit.
    people : int
        Participants with the outcome; of a score, with a baseline and a later visit.
    joined_by : str or None
        The column by which a file of participants is joined.
    changes : tuple of str
        What had to be changed so that trialsim reads the file; if anything, a copy is written.
    why : dict of str to str
        Field to the reason of its guess; what is told has none.
    """

    file: Path
    rows: pd.DataFrame
    kind: str
    name: str
    outcome: str
    participant: str
    week: str | None
    time: str | None
    group: str | None
    time_unit: str
    values: dict[str, float]
    levels: tuple[str, ...]
    weeks: tuple[float, ...]
    covariates: tuple[Covariate, ...]
    left_out: tuple[tuple[str, str], ...]
    filters: tuple[tuple[str, str | float], ...]
    missing: dict[str, tuple[str | float, ...]]
    direction: str
    dropout: float
    people: int
    joined_by: str | None
    changes: tuple[str, ...]
    why: dict[str, str]
