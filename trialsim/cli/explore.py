"""``trialsim explore``: what-if in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.terminal.options import cache_option, history_option


@click.command()
@click.argument("start", type=click.Path(path_type=Path), required=False, metavar="[RUN | PROTOCOL | CARD]")
@history_option
@cache_option
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8765,
    show_default=True,
    help="Where the page is on this machine; the next free one if it is taken, and 0 for any.",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def explore(start: Path | None, history: Path | None, cache: Path, port: int, no_browser: bool) -> None:
    """Open a page on this machine where numbers move: sizes, power, frontier, months, and one participant.

    \b
    Examples:
      trialsim explore                                       an example design
      trialsim explore my-trial/protocols/copd_twins.toml    the numbers of a protocol
      trialsim explore reports/alzheimers_phase2-1f2e3d4c5b  a run, with its twins
      trialsim explore my-trial/cohorts/heart_failure.toml   people of a card, in a disease model

    Move a slider and the formulas of trialsim size answer at once; the page shows the command that gives the
    same numbers. Press "Simulate" and the engine checks them. Save the design as a protocol for trialsim run,
    or copy its link: the state is in the address, after the #.

    Only this machine can open the page, and only with the token of this start that is in the address below.
    Nothing is sent anywhere and nothing is written. Ctrl-C ends it.
    """
    from trialsim.cli.terminal.as_json import collected, print_now
    from trialsim.explore import open_explorer, start_with
    from trialsim.explore.session import Session

    started = start_with(start, history)
    for warning in started.warnings:
        click.secho(f"Warning: {warning}", err=True, fg="yellow")
    with open_explorer(Session(started, cache), port) as explorer:
        if port not in (0, explorer.guard.port):
            click.echo(f"Port {port} is taken: this is port {explorer.guard.port}.")
        click.echo(f"{started.title}: {explorer.guard.address}\nCtrl-C ends it.")
        if (found := collected()) is not None:
            found.facts |= {"title": started.title, "address": explorer.guard.address}
            print_now(found)
        if not no_browser:
            click.launch(explorer.guard.address)
        try:
            explorer.serve()
        except KeyboardInterrupt:
            click.echo("Ended.")
