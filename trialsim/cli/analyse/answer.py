"""What ``trialsim analyse`` gives: a listing, or JSON; and a folder of tables, listing and figure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.terminal.as_json import collected
from trialsim.cli.terminal.tables import write_frame
from trialsim.cli.terminal.written import write_figure
from trialsim.protocol.writing import whole_file

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.registry import Estimator


@dataclass(frozen=True)
class Analysed:
    """A result with what it answers.

    Parameters
    ----------
    estimator : Estimator
        How the data were read.
    path : Path
        The data.
    rows : int
        Rows of the file.
    options : dict
        As asked, in words.
    result : object
        Of the estimator.
    """

    estimator: Estimator
    path: Path
    rows: int
    options: dict[str, str]
    result: Any

    def listing(self) -> str:
        """Return the result as it prints."""
        from trialsim.analysis.by_name import listing_of

        return listing_of(self.result, f"{self.estimator.what}")

    def content(self) -> dict[str, Any]:
        """Return all of it for JSON; what is not a finite number is null."""
        one = self.estimator
        return {
            "method": one.name,
            "estimand": one.estimand,
            "scale": one.scale,
            "data": {"file": self.path.name, "rows": self.rows},
            "options": self.options,
            "tables": {
                name: json.loads(table.to_json(orient="records", double_precision=15, default_handler=str))
                for name, table in self.tables().items()
            },
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tidy tables by name."""
        from trialsim.analysis.by_name import tables_of

        return tables_of(self.result)

    def show(self) -> None:
        """Print the listing; with ``--json`` the tables are collected, and what they answer."""
        if (found := collected()) is None:
            click.echo(self.listing())
            return
        content = self.content()
        found.tables |= content.pop("tables")
        found.facts |= content

    def write(self, folder: Path) -> list[Path]:
        """Write listing, tables, JSON and, where the result has one, a figure; return the files."""
        import pandas as pd

        # Everything is made before anything is written.
        tables, listing = self.tables(), self.listing()
        content = json.dumps(self.content(), indent=2, ensure_ascii=False) + "\n"
        # A bare table has pandas' own plot, which is no figure of the result.
        drawn = None if isinstance(self.result, pd.DataFrame) else getattr(self.result, "plot", None)
        figure = None if drawn is None else drawn()
        written = []
        for name, text in (("listing.txt", listing + "\n"), ("result.json", content)):
            with whole_file(folder / name) as scratch:
                scratch.write_text(text, encoding="utf-8")
            written.append(folder / name)
        for name, table in tables.items():
            write_frame(table, folder / f"{name}.csv")
            written.append(folder / f"{name}.csv")
        if figure is not None:
            write_figure(figure, folder / "figure.html", listing.split("\n", 1)[0])
            written.append(folder / "figure.html")
        return written
