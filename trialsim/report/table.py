"""A table as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of text; the first column names the row, the others are numbers unless `text` says so."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    text: bool = False
