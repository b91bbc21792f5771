"""``trialsim history gauntlet``: whether past trials may be borrowed from, each left out in turn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trialsim.design.gauntlet import Gauntlet


@click.command("gauntlet")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--by", help="Columns of figures.csv that make a group. [default: cancer, line, metastatic]")
@click.option("--control", multiple=True, metavar="WORD", help="Word in the label of control arms.")
@click.option("--until", type=float, metavar="MONTHS", help="Cut all follow-up at this time.")
@click.option(
    "--alpha", type=float, default=0.025, show_default=True, help="One-sided level of a claim of benefit."
)
@click.option("--cap", type=float, default=1.5, show_default=True, help="False claims allowed, in levels.")
@click.option(
    "--controls", type=float, default=1 / 3, show_default="a third", help="Share that stays control."
)
@click.option("--splits", type=int, default=400, show_default=True, help="Random splits of each arm.")
@click.option("--seed", type=int, default=20261201, show_default=True, help="Seed of the random splits.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("gauntlet"), show_default=True,
    help="Folder of gauntlet.html and gauntlet.json.",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Show no progress bars.")
def gauntlet(
    folder: Path, by: str | None, control: tuple[str, ...], until: float | None, alpha: float, cap: float,
    controls: float, splits: int, seed: int, output: Path, quiet: bool,
) -> None:  # fmt: skip
    """Ask past trials whether they may be borrowed from: leave each out, and count false claims.

    \b
    Examples:
      trialsim history gauntlet trials
      trialsim history gauntlet trials --by cancer --control docetaxel --until 24

    FOLDER has participants.csv (figure_id, time, event, arm) or one CSV a trial, such as `from-km` writes,
    and may have figures.csv (figure_id, trial, outcome, units, control, cancer, ...). Each control arm is
    cut at random into a control and a treated part, without any effect; the controls borrow from the other
    trials of the group by every method. The gate is shut to a method that claims more often than the cap.
    """
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.design.gauntlet import GauntletRules, run_gauntlet
    from trialsim.report.gauntlet import write_gauntlet
    from trialsim.study.starting.control_arms import read_control_arms

    rules = GauntletRules(alpha, cap, controls, splits, seed)
    columns = None if by is None else [one.strip() for one in by.split(",") if one.strip()]
    read = read_control_arms(folder, by=columns, control=control, until=until)
    with progress_bars(quiet) as progress:
        found = run_gauntlet(read.arms, rules, left_out=read.left_out, progress=progress)
    source = f"{len(found.arms)} control arms of {folder.resolve().name}"
    page = write_gauntlet(found, rules, source, read.by, output)
    _say_gauntlet(found, page)


def _say_gauntlet(found: Gauntlet, page: Path) -> None:
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame

    console = Console()
    for sentence in found.conclusion():
        console.print(f"{sentence}.", soft_wrap=True, highlight=False)
    claims = found.overall[
        ["borrowing", "trials", "false_claims", "lower", "upper", "cap", "worst", "gained_share", "gate"]
    ]
    print_frame(claims, console, "False claims of benefit, 95% interval over trials")
    print_frame(found.alone, console, "Without own controls")
    print_frame(found.groups, console, "Groups")
    if len(found.left_out):
        console.print(f"{len(found.left_out)} figures took no part; the page says why.", soft_wrap=True)
    console.print(f"Page: {page}", soft_wrap=True, highlight=False)
