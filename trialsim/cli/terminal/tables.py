"""Tables on the terminal and in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.cli.terminal.as_json import collected
from trialsim.errors import InputError
from trialsim.protocol.writing import whole_file

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table


def print_frame(frame: pd.DataFrame, console: Console, title: str | None = None) -> None:
    """Print a tidy table; a wide and short one is turned on its side, a pipe gets its full width.

    With ``--json`` the table is collected as it is.
    """
    if (found := collected()) is not None:
        found.add_table(title or "table", frame)
        return
    names = [str(name) if "." in str(name) else str(name).replace("_", " ") for name in frame.columns]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    numeric = [frame[name].dtype.kind in "if" for name in frame.columns]
    table = _table(title, names, rows, numeric)
    turned = _sideways(title, names, rows)
    if _natural_width(table, console) > console.width >= _natural_width(turned, console):
        table = turned
    if not console.is_terminal:
        console.width = max(console.width, _natural_width(table, console))
    console.print(table)


def _natural_width(table: Table, console: Console) -> int:
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=10_000), table).maximum


def _table(title: str | None, names: list[str], rows: list[list[str]], numeric: list[bool]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for name, right in zip(names, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _sideways(title: str | None, names: list[str], rows: list[list[str]]) -> Table:
    """Return the table with a row for each column; the first column heads the others."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column(names[0], justify="left")
    for row in rows:
        table.add_column(row[0], justify="right", overflow="fold")
    for position, name in enumerate(names[1:], start=1):
        table.add_row(name, *(row[position] for row in rows))
    return table


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
    with whole_file(path) as scratch:
        if path.suffix == ".csv":
            frame.to_csv(scratch, index=False, lineterminator="\n")
        else:
            frame.to_parquet(scratch, index=False)
