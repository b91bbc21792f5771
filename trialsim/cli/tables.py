"""Tables on the terminal and in files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


def print_frame(frame: pd.DataFrame, console: Console, title: str | None = None) -> None:
    """Print a tidy table, numbers to the right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for name in frame.columns:
        numeric = frame[name].dtype.kind in "if"
        table.add_column(str(name).replace("_", " "), justify="right" if numeric else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return "" if value is None else str(value)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table to CSV or Parquet, by the file's ending; the file is complete or absent."""
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(
            "unknown kind of file", file=path, value=path.suffix, mend="end it in .csv or .parquet"
        )
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            frame.to_csv(scratch, index=False, lineterminator="\n")
        else:
            frame.to_parquet(scratch, index=False)
        os.replace(scratch, path)
    except OSError as fault:
        raise InputError(
            f"cannot be written: {fault.strerror}", file=path, mend="choose another file"
        ) from None
    finally:
        scratch.unlink(missing_ok=True)
