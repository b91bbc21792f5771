"""What a method of ``trialsim design`` answers, and how it is shown."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.terminal.as_json import collected
from trialsim.errors import AnalysisError, DesignError

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 80


@dataclass(frozen=True)
class Answer:
    """What was found.

    Parameters
    ----------
    headline : str
        One sentence with the size or the power, and at what level.
    facts : mapping of str to number or text
        What the size rests on, and what comes with it.
    tables : mapping of str to DataFrame
        Tables by title, each at most 80 columns wide.
    note : str or None
        What the reader should know about the formula.
    """

    headline: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    note: str | None = None

    def frame(self) -> pd.DataFrame:
        """Return the first table, or the facts as one row."""
        import pandas as pd

        if self.tables:
            return next(iter(self.tables.values()))
        return pd.DataFrame([dict(self.facts)])


def answers(method: Callable[..., Answer]) -> Callable[..., None]:
    """Return a method of the command that shows its answer, with errors that name the options."""

    @click.option(
        "--csv",
        "csv_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the first table to a .csv file.",
    )
    @functools.wraps(method)
    def shown(csv_file: Path | None, **given: Any) -> None:
        try:
            answer = method(**given)
        except (AnalysisError, DesignError) as refusal:
            name = str(refusal.field).split(".")[0].split("[")[0]
            if name in given:
                refusal.field = f"--{name.replace('_', '-')}"
            raise
        show(answer, csv_file)

    return shown


def show(answer: Answer, csv_file: Path | None) -> None:
    """Print an answer, and write its first table where it was asked for."""
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame, write_frame

    if csv_file is not None:
        if csv_file.suffix != ".csv":
            raise DesignError("must end in .csv", field="--csv", value=str(csv_file))
        write_frame(answer.frame(), csv_file)
    if (found := collected()) is not None:
        found.said += [line for line in (answer.headline, answer.note) if line is not None]
        found.facts |= {_key(name): value for name, value in answer.facts.items()}
        for title, table in answer.tables.items():
            found.add_table(title, table)
        return
    console = Console(width=WIDTH, highlight=False)
    console.print(answer.headline)
    widest = max((len(name) for name in answer.facts), default=0)
    for name, value in answer.facts.items():
        console.print(f"  {name.ljust(widest)}  {shown_number(value)}")
    for title, table in answer.tables.items():
        print_frame(table, console, f"\n{title}")
    if answer.note is not None:
        console.print(answer.note)


def shown_number(value: Any) -> str:
    """Return a number with what its size deserves, or a text.

    Examples
    --------
    >>> shown_number(168.11884), shown_number(0.93648), shown_number(12)
    ('168.12', '0.9365', '12')
    """
    if not isinstance(value, float):
        return str(value)
    if math.isinf(value):
        return "infinite"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


def _key(title: str) -> str:
    return title.split(",")[0].strip().lower().replace(" ", "_")


FEWEST = 20
FEW = (
    "This is a formula for large samples, and here it asks for fewer than {fewest}: the true power can be "
    "far from it. Simulate the design (trialsim run) before you rely on it."
)


def few(needed: float, note: str | None = None) -> str | None:
    """Return the note of an answer, with a warning where a large-sample formula asks for very few.

    Parameters
    ----------
    needed : float
        Participants or events that the formula asks for.
    note : str, optional
        What is said besides.

    Examples
    --------
    >>> few(300.0) is None, "large samples" in str(few(4.0))
    (True, True)
    """
    said = [note] if note is not None else []
    if needed < FEWEST:
        said.append(FEW.format(fewest=FEWEST))
    return " ".join(said) or None


def two_arms(size: Any, power: float) -> dict[str, Any]:
    """Return the facts of a two-arm size, exact and rounded up."""
    control, active = size.whole
    return {
        "controls": control,
        "active": active,
        "total": control + active,
        "total by the formula": float(size.total),
        "power": float(power),
    }
