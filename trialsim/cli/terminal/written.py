"""Answers of commands as files: rows as CSV, Parquet or JSON, figures as HTML; never into a sealed run."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def write_rows(frame: pd.DataFrame, output: Path) -> None:
    """Write a table by the file's ending: .csv, .parquet or .json."""
    from trialsim.cli.terminal.tables import write_frame

    if output.suffix != ".json":
        write_frame(frame, output)
        return
    _write_text(frame.to_json(orient="records", indent=2) + "\n", output)


def write_figure(figure: go.Figure, output: Path, title: str) -> None:
    """Write a figure as one HTML page that needs no network, under a title."""
    if output.suffix != ".html":
        raise InputError("unknown kind of figure", file=output, value=output.suffix, mend="end it in .html")
    figure.update_layout(title=title)
    page = figure.to_html(include_plotlyjs=True, full_html=True)
    head = f'<html lang="en">\n<head>\n    <title>{escape(title)}</title>'
    _write_text(page.replace("<html>\n<head>", head, 1), output)


def refuse_inside(output: Path, run: Path) -> None:
    """Refuse to write into a run, which would then not be as it was sealed."""
    if output.resolve().is_relative_to(run.resolve()):
        raise InputError("lies in the run, which is sealed", field="--output", value=output,
                         mend="name a place outside it")  # fmt: skip


def _write_text(text: str, output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise InputError(
            f"cannot be written: {fault.strerror}", file=output, mend="choose another file"
        ) from None
