"""How ``trialsim size`` shows what it finds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.study.from_numbers.sized import Sized


def show(answer: Sized, figure: Path | None, output: Path | None) -> None:
    """Print an answer and write what was asked for."""
    from rich.console import Console

    from trialsim.cli.terminal.as_json import collected
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.cli.terminal.written import write_figure, write_rows
    from trialsim.design.control_arm import savings_frame

    frame = savings_frame(answer.found, answer.analysis)
    if output is not None:
        write_rows(frame, output)
    if figure is not None:
        gain = "cost" if "cost" in answer.gains else "participants"
        drawn = answer.table.plot(gain)
        if gain == "cost":
            drawn.update_layout(yaxis_title="cost saved, in the currency of the prices")
        write_figure(drawn, figure, f"What the score saves: {gain}")
    if (collects := collected()) is not None:
        collects.said.append(answer.headline)
        tables = {"Sizes": frame, "Savings": _shown(answer)}
        for name, one in (tables | {name: part.to_frame() for name, part in answer.more.items()}).items():
            collects.add_table(name, one)
        if answer.warning is not None:
            collects.facts["warning"] = answer.warning
        return
    console = Console(markup=False)
    console.print(answer.headline)
    if answer.warning is not None:
        console.print(f"Warning: {answer.warning}.")
    print_frame(frame, console, f"Prognostic adjustment beyond baseline {answer.analysis}")
    if len(answer.gains) > 2:
        print_frame(_wide(_shown(answer)), console, f"Saved beyond baseline {answer.analysis}")
    for name, part in answer.more.items():
        console.print(f"\n{name}:")
        console.print(str(part))


def _shown(answer: Sized) -> pd.DataFrame:
    """Return the savings that were asked for: an unknown price or rate of enrolment is no saving of 0."""
    frame = answer.table.to_frame()
    return frame[frame["gain"].isin(answer.gains)]


def _wide(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the savings with one column a gain, each with its interval in words."""
    import pandas as pd

    words = [
        "infeasible"
        if math.isnan(value)
        else f"{value:,.1f}" + ("" if math.isnan(low) else f" ({low:,.1f} to {high:,.1f})")
        for value, low, high in zip(frame["value"], frame["lower"], frame["upper"], strict=True)
    ]
    told = pd.DataFrame({**{name: frame[name] for name in ("figure", "way", "gain")}, "told": words})
    ways = told[["figure", "way"]].drop_duplicates().reset_index(drop=True)
    for gain, part in told.groupby("gain", sort=False):
        ways[str(gain)] = part["told"].to_list()
    return ways
