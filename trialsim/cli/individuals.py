"""What the commands on individual data share: their file, and the public limits of its columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


LARGEST_LIMIT = 1e15


def read_individuals(data: Path, columns: str | None) -> pd.DataFrame:
    """Return the rows of a file of participants, all columns or those that are named."""
    import pandas as pd

    from trialsim.errors import InputError
    from trialsim.prognosis.histories.rows import read_parquet, require_file

    require_file(data)
    try:
        frame = read_parquet(data) if data.suffix == ".parquet" else pd.read_csv(data)
    except (OSError, ValueError) as fault:
        raise InputError(
            f"cannot be read: {type(fault).__name__}", file=data, mend="give a CSV or Parquet file"
        ) from None
    wanted = columns.split(",") if columns else [str(name) for name in frame.columns]
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        raise InputError("there is no such column", file=data, field=absent[0], mend="mend --columns")
    return frame[wanted]


def limit_of(text: str) -> tuple[str, tuple[float, float]]:
    """Return the column and the limits of a text such as mmse=0:30."""
    from trialsim.errors import InputError

    name, _, interval = text.partition("=")
    try:
        low, high = (float(end) for end in interval.split(":"))
        if not -LARGEST_LIMIT <= low < high <= LARGEST_LIMIT:
            raise ValueError
    except ValueError:
        raise InputError(
            "must be COLUMN=LOW:HIGH within 1e15",
            field="--limits",
            value=text,
            mend="write it like mmse=0:30",
        ) from None
    return name, (low, high)
