"""``trialsim compare``: what changed between runs, and what of it is beyond Monte Carlo error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.study.comparison.compare import Comparison


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Write all answers and their differences to this .csv or .parquet file.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Print every answer, not only those beyond error.")
def compare(runs: tuple[Path, ...], output: Path | None, every: bool) -> None:
    """Compare run bundles with the first of them: inputs, sizes, power and type I error.

    \b
    Examples:
      trialsim compare reports/plan_a reports/plan_b
      trialsim compare reports/plan_a reports/plan_b --all -o differences.csv

    Cells and analyses are matched by name. Where both runs have the same replicates, what they share by
    their random numbers cancels, so that small differences can be seen.
    """
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import write_frame
    from trialsim.study.comparison.compare import compare_runs

    console, parts = Console(markup=False), []
    for one in compare_runs(runs):
        _print(one, console, every)
        for frame in (one.sizes, one.answers):
            parts.append(frame.assign(first_run=one.first, other_run=one.other))
    if output is not None:
        write_frame(pd.concat(parts, ignore_index=True), output)


def _print(one: Comparison, console: Console, every: bool) -> None:

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.report.frames import frame_table

    console.print(f"\n{one.other} beside {one.first} (first)", style="bold")
    for sentence in one.in_words():
        console.print(f"{sentence}.")
    if len(one.inputs):
        print_frame(one.inputs, console, "What was asked")
    for frame, title in ((one.sizes, "Sizes"), (one.answers, "Answers")):
        shown = frame if every or frame.empty else frame[frame["beyond_error"]]
        if len(shown):
            table = frame_table(shown, f"{title} (difference ± Monte Carlo SE)")
            print_frame(table.to_frame(), console, table.caption)
