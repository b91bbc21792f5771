"""The data file of ``trialsim analyse``: the columns that a method reads, as numbers or labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.cli.analyse.arguments import flag
from trialsim.errors import AnalysisError, HistoryError
from trialsim.exchange.adam import read_dataset_json
from trialsim.missing_codes import blanked, code_like
from trialsim.prognosis.histories.rows import numbers, read_table, text, where

# Roles whose cells are labels, whatever they look like: "01" is not "1".
LABELS = ("arm", "participant", "strata")
# Roles whose cells must be numbers.
NUMBERS = (
    "time",
    "entry",
    "start",
    "stop",
    "exposure",
    "score",
    "score_sd",
    "dose",
    "risk",
    "first",
    "second",
)
# Roles that are measured: where a number far from all others may be a code for "missing".
_NOT_MEASURED = (*LABELS, "visit", "event", "period")


@dataclass(frozen=True)
class DataFile:
    """A data file, not yet read as a method reads it.

    Parameters
    ----------
    path : Path
        CSV, Parquet or Dataset-JSON.
    rows : DataFrame
        All of it; CSV as text.
    codes : tuple of (str or float), or None
        Codes for "missing"; None where nobody has told them.
    factors : tuple of str
        Columns whose numbers are labels.
    """

    path: Path
    rows: pd.DataFrame
    codes: tuple[str | float, ...] | None = None
    factors: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, codes: tuple[str | float, ...] | None, factors: Sequence[str]) -> DataFile:
        """Read a file, or refuse it by its name."""
        try:
            rows = read_dataset_json(path) if path.suffix.lower() == ".json" else read_table(path)
        except HistoryError as fault:
            raise AnalysisError(
                fault.problem, file=path, field=fault.field, value=fault.value, mend=fault.mend
            ) from None
        found = cls(path, rows, codes, tuple(factors))
        for name in factors:
            found._require(name, "--factors")
        return found

    @property
    def names(self) -> list[str]:
        """Columns."""
        return [str(name) for name in self.rows.columns]

    def as_read(self, roles: dict[str, list[str]]) -> pd.DataFrame:
        """Return the columns of a method by their role, as numbers or labels.

        Raises
        ------
        AnalysisError
            A column is not there, mixes numbers and text, or holds what looks like a code for "missing".
        """
        found: dict[str, pd.Series] = {}
        for role, names in roles.items():
            for name in names:
                self._require(name, flag(role))
                if name not in found:
                    found[name] = self._column(name, role)
        return pd.DataFrame(found).reset_index(drop=True)

    def _require(self, name: str, typed: str) -> None:
        if name not in self.names:
            raise AnalysisError(
                "is not a column of the file", file=self.path, field=typed, value=name,
                mend=f"use one of {', '.join(self.names)}",
            )  # fmt: skip

    def _column(self, name: str, role: str) -> pd.Series:
        given = self.rows[name]
        measured = role not in _NOT_MEASURED and name not in self.factors
        if measured and self.codes:
            given = blanked(given, self.codes)
        if role in LABELS or name in self.factors:
            return text(given)
        if not (pd.api.types.is_numeric_dtype(given) or pd.api.types.is_string_dtype(given)):
            return given  # a category or a date of a Parquet file is read as it is
        if pd.api.types.is_bool_dtype(given):
            return given
        values = pd.to_numeric(given, errors="coerce")
        if role not in NUMBERS and given.notna().any() and values.isna().all():
            return given
        return self._numbers(given, name, measured)

    def _numbers(self, given: pd.Series, name: str, measured: bool) -> pd.Series:
        try:
            values = numbers(given, self.path)
        except HistoryError as fault:
            raise AnalysisError(
                fault.problem, file=self.path, field=name,
                mend="correct the cells, leave missing ones empty, name codes by --missing, or read the "
                f"column as labels by --factors {name}",
            ) from None  # fmt: skip
        if measured and self.codes is None:
            _refuse_codes(pd.Series(code_like(values), index=given.index), name, self.path)
        whole = np.isfinite(values).all() and (values == np.round(values)).all()
        return pd.Series(values.astype(np.int64) if whole else values, index=given.index)


def _refuse_codes(found: pd.Series, column: str, path: Path) -> None:
    if found.any():
        raise AnalysisError(
            f"holds what looks like a code for a missing value, far from all others, in {where(found)}",
            file=path, field=column,
            mend="declare the codes, such as --missing 999, or --missing none if all of them were measured; "
            "or leave missing cells empty",
        )  # fmt: skip


def label_in(data: pd.DataFrame, column: str, word: str, typed: str, path: Path) -> object:
    """Return the label of a column that a word means.

    Raises
    ------
    AnalysisError
        The column has no such label.
    """
    values = data[column].dropna()
    for label in _levels(values):
        if str(label) == word or _same_number(label, word):
            return label
    # The labels of arms, visits and causes are the design's words, not a participant's values.
    raise AnalysisError(
        f"is not in column {column!r}", file=path, field=typed, value=word,
        mend=f"use one of {', '.join(map(str, _levels(values)[:12]))}",
    )  # fmt: skip


def _levels(values: pd.Series) -> list[object]:
    return [one.item() if isinstance(one, np.generic) else one for one in values.unique()]


def _same_number(label: object, word: str) -> bool:
    try:
        return isinstance(label, (int, float)) and float(word) == label
    except ValueError:
        return False


def codes_of(words: Collection[str]) -> tuple[str | float, ...] | None:
    """Return the codes of ``--missing``: None if not given, empty for ``none``."""
    parts = [part.strip() for word in words for part in word.split(",") if part.strip()]
    if not parts:
        return None
    return () if parts == ["none"] else tuple(_code(part) for part in parts)


def _code(part: str) -> str | float:
    try:
        return float(part)
    except ValueError:
        return part
