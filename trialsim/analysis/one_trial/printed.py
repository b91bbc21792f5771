"""How every analysis of one trial prints: a title, a few facts, tables, and notes."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
import pandas as pd
from scipy import special

from trialsim.notebook import InNotebook

Facts = dict[str, str]
Tables = dict[str, pd.DataFrame]

_INDENT = "  "
_MISSING = "–"
_DECIMALS = {"df": 1, "statistic": 3}
_SMALL = 0.01  # a column of smaller numbers shows significant digits


class Printed(InNotebook, ABC):
    """A result that prints like a statistician's output, in a terminal and in a notebook."""

    @abstractmethod
    def _title(self) -> str:
        """Return what was analysed, in one line."""

    def _facts(self) -> Facts:
        """Return what precedes the tables, by a word or two."""
        return {}

    @abstractmethod
    def _tables(self) -> Tables:
        """Return the printed tables by title."""

    def _notes(self) -> Sequence[str]:
        """Return what a reader should know besides."""
        return ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        facts = "".join(f"<div>{escape(f'{name}: {text}')}</div>" for name, text in self._facts().items())
        tables = "".join(
            f"<h4>{escape(title)}</h4>{as_shown(table).to_html(index=False)}"
            for title, table in self._tables().items()
        )
        notes = "".join(f"<div>{escape(f'Note: {note}')}</div>" for note in self._notes())
        return f"<h3>{escape(self._title())}</h3>{facts}{tables}{notes}"

    def _lines(self) -> Iterator[str]:
        yield self._title()
        facts = self._facts()
        width = max(map(len, facts), default=0)
        for name, text in facts.items():
            yield f"{_INDENT}{name:<{width}}  {text}"
        for title, table in self._tables().items():
            yield ""
            yield title
            yield textwrap.indent(as_shown(table).to_string(index=False), _INDENT)
        for note in self._notes():
            yield f"Note: {note}"


def as_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its numbers as text: p values never as 0, other numbers to four decimals."""
    columns = {name: _shown(str(name), frame[name]) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def _shown(name: str, column: pd.Series) -> list[str]:
    if not pd.api.types.is_float_dtype(column):
        return [str(value) for value in column]
    if name == "p_value":
        return [_MISSING if np.isnan(value) else p_text(value) for value in column]
    known = column[np.isfinite(column)]
    if name in ("visit", "time", "probability"):
        return [_MISSING if np.isnan(value) else number(value) for value in column]
    small = 0.0 < known.abs().max() < _SMALL
    form = "{:.4g}" if small else f"{{:.{_DECIMALS.get(name, 4)}f}}"
    return [_MISSING if np.isnan(value) else form.format(value) for value in column]


def number(value: float) -> str:
    """Return a number with six significant digits."""
    return f"{value:.6g}"


def p_text(value: float) -> str:
    """Return a p value as text.

    Examples
    --------
    >>> p_text(0.03217), p_text(2e-7)
    ('0.0322', '<.0001')
    """
    return "<.0001" if value < 1e-4 else f"{value:.4f}"


def counts_text(counts: dict[str, int]) -> str:
    """Return the participants of all arms in words.

    Examples
    --------
    >>> counts_text({"placebo": 40, "drug": 41})
    '81 (placebo 40, drug 41)'
    """
    return f"{sum(counts.values())} ({', '.join(f'{name} {size}' for name, size in counts.items())})"


def half_width(level: float) -> float:
    """Return the standard normal quantile of a two-sided interval of the given level."""
    return float(special.ndtri(0.5 + level / 2.0))
