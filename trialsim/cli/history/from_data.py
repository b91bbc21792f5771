"""``trialsim history from-adam``: a tidy history from the records of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trialsim.exchange.histories.building import Built
    from trialsim.exchange.histories.records import Source

FILE = click.Path(path_type=Path, dir_okay=False)
DATA = click.Path(path_type=Path)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that every format has."""
    for option in (
        click.option("--force", is_flag=True, help="Overwrite outputs that are there."),
        click.option("--no-dates", is_flag=True, help="Leave calendar dates out; days from day 0 stay."),
        click.option(
            "-o", "--output", type=FILE, default=Path("history.csv"), show_default=True,
            help="CSV of the history; its provenance is written beside it.",
        ),
        click.option(
            "--map", "declaration", type=FILE, required=True,
            help="TOML: which columns, codes, units and windows.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("from-adam")
@click.argument("folder", type=DATA)
@_options
def from_adam(folder: Path, declaration: Path, output: Path, no_dates: bool, force: bool) -> None:
    """Make a history of the ADaM data sets in FOLDER: ADSL, and BDS or TTE data sets beside it.

    Files are Dataset-JSON 1.1, SAS transport files (XPORT 5), CSV or Parquet, one data set each, named as it
    is: adsl.json, adqs.xpt. --map says what to read:

    \b
      keep = [{ from = "ADSL.TRT01P", equals = "Placebo" }, { from = "ADSL.ITTFL", equals = "Y" }]
      site = { from = "ADSL.SITEID" }
      [outcome]
      name = "adas"
      from = "ADQS"                    # AVAL; ADQS.CHG and ADQS.BASE name other columns
      code = "ACTOT"                   # PARAMCD
      where = { ANL01FL = "Y", DTYPE = "" }
      visit = "AVISITN"                # weeks; or [zero] and window, for days
      weeks = [0, 8, 16, 24]           # or week = 24, for one row a participant
      [covariates]
      age = { from = "ADSL.AGE" }
      female = { from = "ADSL.SEX", values = { F = 1, M = 0 } }

    \b
    A time to an event (CNSR = 0 is the event):
      outcome = { name = "death", from = "ADTTE", code = "OS", kind = "time_to_event", unit = "mo",
                  unit_if_missing = "d" }

    Participants are named p0001, p0002, ... and sites site01, ... in the order of the data's identifiers,
    which are in no output. Each value keeps its source, date and unit in OUTPUT's .provenance.csv. Values of
    one visit that contradict each other are shown there, and their cell is left empty unless prefer decides.

    \b
    Example:
      trialsim history from-adam adam --map map.toml -o placebo.csv
      trialsim new placebo.csv --outcome adas --week week
    """
    from trialsim.exchange.histories import AdamFolder

    _make(AdamFolder, folder, declaration, output, not no_dates, force)


def _make(
    reader: Callable[[Path], Source], folder: Path, declaration: Path, output: Path, dates: bool, force: bool
) -> None:
    from trialsim.exchange.histories import build, read_declaration, refuse_output, write

    refuse_output(output, folder, force)
    told = read_declaration(declaration)
    built = build(reader(folder), told)
    write(built, output, dates)
    _say(built, output, told.outcome.name)


def _say(built: Built, output: Path, outcome: str) -> None:
    from rich.console import Console

    console = Console()
    people = built.history["participant"].nunique()
    console.print(f"{people:,} participants, {len(built.history):,} rows", soft_wrap=True)
    for why, number in built.left_out.items():
        console.print(f"left out: {number:,} by {why}", soft_wrap=True, markup=False)
    console.print(f"wrote {output}, and where each value comes from beside it", soft_wrap=True)
    words = f"--event {outcome} --time time" if "time" in built.history else f"--outcome {outcome}"
    week = " --week week" if "week" in built.history else ""
    console.print(f"Next:  trialsim new {output} {words}{week}", soft_wrap=True)
