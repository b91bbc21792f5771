"""A file while it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.missing_codes import blanked
from trialsim.study.starting.covariates import codes_of
from trialsim.study.starting.told import Told


@dataclass
class Look:
    """A file while it is looked at: its rows, what was changed in them, and why.

    `visits` is the column that names the visit of a row.
    """

    file: Path
    told: Told
    rows: pd.DataFrame
    changes: list[str]
    why: dict[str, str] = field(default_factory=dict)
    missing: dict[str, tuple[str | float, ...]] = field(default_factory=dict)
    joined_by: str | None = None
    visits: str | None = None

    def require(self, column: str | None, option: str) -> None:
        """Raise if a column that an option names is not in the file."""
        if column is not None and column not in self.rows:
            raise HistoryError(
                f"column {column!r} is not in the file; it has {', '.join(map(str, self.rows.columns))}",
                file=self.file,
                field=f"--{option}",
                mend="name a column as the file does",
            )


def guess_codes(look: Look, participant: str, columns: list[str], changing: bool = False) -> None:
    """Note the cells of some columns that look like codes for "missing", unless the user has told them."""
    if look.told.missing is not None:
        return
    for name in columns:
        if found := codes_of(look.rows[name], None if changing else look.rows[participant]):
            look.missing[name] = found
            look.why["missing"] = "far from all other values, or words for it"


def without_codes(look: Look, column: str) -> pd.Series:
    """Return a column with its codes for "missing" left empty."""
    return blanked(look.rows[column], look.missing.get(column, ()))


def cell_of(code: str) -> str | float:
    """Return a code as a number, where it is one."""
    try:
        return float(code)
    except ValueError:
        return code
