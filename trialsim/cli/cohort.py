"""``trialsim cohort``: look at a cohort card, and draw participants from it."""

from __future__ import annotations

from pathlib import Path

import click

CARD = click.argument("card", type=click.Path(path_type=Path))


@click.group()
def cohort() -> None:
    """Check cohort cards, and draw virtual participants from them."""


@cohort.command()
@CARD
def check(card: Path) -> None:
    """Print what CARD asks, what is attainable, and what is achieved, number by number."""
    from rich.console import Console

    from trialsim.cli.tables import print_frame
    from trialsim.population import check_card, read_card

    found = read_card(card)
    console = Console()
    console.print(f"[bold]{found.title}[/bold]  ({found.name}, {found.content_hash()[:12]})")
    print_frame(check_card(found), console)


@cohort.command()
@CARD
@click.option("-n", "--participants", type=click.IntRange(1, 10_000_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="CSV or Parquet file.")
def draw(card: Path, participants: int, seed: int, output: Path) -> None:
    """Draw virtual participants from CARD into a file, before any eligibility."""
    from trialsim.cli.tables import write_frame
    from trialsim.population import draw_covariates, read_card
    from trialsim.streams import stream

    frame = draw_covariates(read_card(card), participants, stream(seed, "", 0, "register")).to_frame()
    write_frame(frame, output)
    click.echo(f"wrote {participants} virtual participants to {output}")
