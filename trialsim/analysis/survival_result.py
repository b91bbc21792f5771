"""How a survival analysis of one trial prints: a title, a few facts, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pandas as pd
from scipy import special

Facts = dict[str, str]
Tables = dict[str, pd.DataFrame]


class Printed:
    """A result that prints like a statistician's output, in a terminal and in a notebook."""

    _missing = "–"

    def _facts(self) -> Facts:
        """Return what precedes the tables."""
        raise NotImplementedError

    def _tables(self) -> Tables:
        """Return the printed tables by title."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        facts = "".join(f"<div>{escape(f'{name}: {text}')}</div>" for name, text in self._facts().items())
        tables = "".join(
            f"<h4>{escape(title)}</h4>{table.to_html(float_format=number, index=False, na_rep=self._missing)}"
            for title, table in self._tables().items()
        )
        return facts + tables

    def _lines(self) -> Iterator[str]:
        for name, text in self._facts().items():
            yield f"{name}: {text}"
        for title, table in self._tables().items():
            yield ""
            yield title
            yield table.to_string(float_format=number, index=False, na_rep=self._missing)


def number(value: float) -> str:
    """Return a number with six significant digits."""
    return f"{value:.6g}"


def p_text(value: float) -> str:
    """Return a p value as text.

    Examples
    --------
    >>> p_text(0.03217), p_text(2e-7)
    ('0.03217', '<0.0001')
    """
    return "<0.0001" if value < 1e-4 else f"{value:.4g}"


def half_width(level: float) -> float:
    """Return the standard normal quantile of a two-sided interval of the given level."""
    return float(special.ndtri(0.5 + level / 2.0))
