"""How near the tables of one process come to those of another, and the page that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from tests.processors.runs import LEVEL
from trialsim.study.bundles.replay import IDENTICAL, NEAR, agreement

A, B, C = "A", "B", "C"
_OF = {IDENTICAL: A, NEAR: B}


@dataclass(frozen=True)
class Comparison:
    """How near two sets of tables of one run come.

    Parameters
    ----------
    letter : {"A", "B", "C"}
        Identical bytes; every number within 1e-9 and every decision the same; or less.
    farthest : float
        The largest difference, relative to the number or to the root mean square of its column.
    decisions : int
        Words, counts and decisions that differ, and p values on the other side of the level.
    where : str
        Table and column of the first decision that differs, or else of the largest difference.
    """

    letter: str
    farthest: float = 0.0
    decisions: int = 0
    where: str = ""

    def in_words(self) -> str:
        """Return a cell of the page."""
        if self.letter == A:
            return "A"
        if self.decisions:
            return f"**C: {self.decisions} decisions differ** ({self.where})"
        return f"{self.letter} ({self.farthest:.0e})" if self.letter == B else (
            f"**C: numbers differ by {self.farthest:.0e}** ({self.where})"
        )  # fmt: skip


def tables_in(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables that a process left of one run."""
    found = {}
    for path in sorted(folder.glob("*.parquet"), key=lambda one: int(one.stem)):
        content = pq.read_table(path)
        found[content.schema.metadata[b"table"].decode()] = content.to_pandas()
    return found


def compared(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> Comparison:
    """Compare every table of a run with that of another process."""
    if list(one) != list(other):
        return Comparison(C, np.inf, 1, "the list of tables")
    worst = Comparison(A)
    for name, frame in one.items():
        found = _of_table(name, frame, other[name])
        worst = max(worst, found, key=lambda one: (one.letter, one.decisions, one.farthest))
    return worst


def _of_table(name: str, one: pd.DataFrame, other: pd.DataFrame) -> Comparison:
    letter = _OF.get(agreement(one, other, LEVEL), C)
    if letter == A:
        return Comparison(A)
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return Comparison(C, np.inf, 1, f"{name}: rows or columns")
    farthest, decisions, where, decided = 0.0, 0, "", ""
    for column in one.columns:
        changed = _decisions(column, one[column], other[column])
        decisions += changed
        decided = decided or (f"{name}: {column}" if changed else "")
        apart = _apart(one[column], other[column])
        if apart > farthest:
            farthest, where = apart, f"{name}: {column}"
    return Comparison(letter, farthest, decisions, decided or where or name)


def _decisions(name: str, one: pd.Series, other: pd.Series) -> int:
    if name.endswith("p_value"):
        return int(((one <= LEVEL) != (other <= LEVEL)).sum())
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return 0
    same = (one == other) | (one.isna() & other.isna())
    return int((~same).sum())


def _apart(one: pd.Series, other: pd.Series) -> float:
    """Return the largest difference of two columns of numbers; infinite where only one has a number."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return 0.0
    a, b = one.to_numpy(), other.to_numpy()
    if (np.isnan(a) != np.isnan(b)).any():
        return np.inf
    with np.errstate(invalid="ignore"):
        gap = np.where(a == b, 0.0, np.abs(a - b))
    gap = gap[~np.isnan(a)]
    seen = a[np.isfinite(a)]
    scale = float(np.sqrt(np.mean(seen**2))) if len(seen) else 0.0
    size = np.maximum(np.maximum(np.abs(a), np.abs(b))[~np.isnan(a)], scale)
    return float(np.max(gap / np.where(size > 0, size, 1.0), initial=0.0))
