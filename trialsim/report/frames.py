"""Tidy frames as tables of text: every estimate stands beside its Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialsim.report.labels import label

NAMED = ("scenario", "analysis", "estimand")
ERROR = "_mcse"
ROUNDING = 1e-12


def frame_table(frame: pd.DataFrame, caption: str, *, text: bool = False) -> Table:
    """Return a tidy frame as a table; a column `x_mcse` is printed with `x`, as ``x ± error``.

    Parameters
    ----------
    frame : DataFrame
        One row a line of the table.
    caption : str
        What the table shows.
    text : bool
        Whether all columns are words.

    Returns
    -------
    Table

    Examples
    --------
    >>> table = frame_table(pd.DataFrame({"scenario": ["null"], "rate": [0.05], "rate_mcse": [0.002]}), "x")
    >>> table.columns, table.rows
    (['scenario', 'rate'], [['null', '0.0500 ± 0.0020']])
    """
    names = [name for name in frame.columns if not (name.endswith(ERROR) and name[: -len(ERROR)] in frame)]
    rows = [[_cell(row, name) for name in names] for row in frame.to_dict("records")]
    # A path of the file, such as design.keep_best, stands as it does there.
    return Table([name if "." in name else name.replace("_", " ") for name in names], rows, caption, text)


def _cell(row: dict[Any, Any], name: str) -> str:
    return in_print(row[name], row.get(name + ERROR))


def in_print(value: object, error: object = None) -> str:
    """Return a value as a table prints it, with its Monte Carlo error where it has one.

    Examples
    --------
    >>> in_print(0.05, 0.002), in_print(444.0, 0.0)
    ('0.0500 ± 0.0020', '444')
    """
    # An error that only rounding leaves belongs to an exact number.
    if isinstance(value, float) and isinstance(error, float) and error > ROUNDING * abs(value):
        digits = _digits(error)
        return f"{value:,.{digits}f} ± {error:,.{digits}f}"
    return plain(value)


def _digits(error: float) -> int:
    """Return the decimals that show two digits of an error."""
    return max(0, 1 - math.floor(math.log10(error)))


def plain(value: object) -> str:
    """Return a value as a reader expects it: nothing for a missing one, four digits of a number.

    Examples
    --------
    >>> plain(0.123456), plain(float("nan")), plain(1200), plain("null_drift")
    ('0.1235', '', '1,200', 'null_drift')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(one) for one in value)
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Table:
    """A table of text; the first column names the row, the others are numbers unless `text` says so."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    text: bool = False

    def worded(self) -> list[bool]:
        """Return which columns hold words: numbers stand to the right, words to the left.

        Examples
        --------
        >>> frame_table(pd.DataFrame({"analysis": ["a"], "why": ["declared"], "n": [3]}), "x").worded()
        [True, True, False]
        """
        return [
            self.text or position == 0 or any(row[position][:1].isalpha() for row in self.rows)
            for position in range(len(self.columns))
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a frame of text."""
        return pd.DataFrame(list(self.rows), columns=list(self.columns))

    def in_print(self) -> Table:
        """Return the table with scenarios, analyses and estimands as they are called in print."""
        named = [name in NAMED for name in self.columns]
        rows = [
            [label(cell) if of_name else cell for of_name, cell in zip(named, row, strict=True)]
            for row in self.rows
        ]
        return replace(self, rows=rows)
