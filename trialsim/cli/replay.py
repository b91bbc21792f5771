"""``trialsim replay``: look at one simulated trial."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("cell")
@click.argument("replicate", type=click.IntRange(0))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="CSV or Parquet file to write the participants to.",
)
@click.option("--rows", type=click.IntRange(0), help="Number of participants to print.  [default: all]")
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    help="The history that the simulated people come from, if the run does not hold it itself.",
)
def replay(
    bundle: Path, cell: str, replicate: int, output: Path | None, rows: int | None, history: Path | None
) -> None:
    """Simulate trial REPLICATE of CELL in a run BUNDLE again: its virtual participants and its analyses.

    \b
    Examples:
      trialsim replay reports/BUNDLE alternative 17
      trialsim replay reports/BUNDLE alternative 17 --rows 5 -o trial_17.csv

    The bundle's examples/trials.csv names trials that are worth a look.
    """
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame, write_frame
    from trialsim.errors import BundleError
    from trialsim.study import open_bundle, replay_declared_trial
    from trialsim.study.bundles.replay import by_analysis

    study = open_bundle(bundle, history)
    trial = replay_declared_trial(study, study.cell(cell), replicate)
    console = Console(markup=False)
    shown = trial.participants if rows is None else trial.participants.head(rows)
    people = study.trial.population
    who = "virtual participants"
    if people is not None and people.kind == "history":
        who = "participants, drawn from the history: their baseline values are those of real people"
    click.echo(f"{cell}, trial {replicate}: {len(trial.participants)} {who}")
    # A table of this width would be squeezed beyond reading; plain text wraps or scrolls.
    click.echo(shown.to_string(index=False, na_rep="", float_format="{:.4g}".format))
    print_frame(by_analysis(trial.computed), console, "Its analyses")
    if output is not None:
        write_frame(trial.participants, output)
        click.echo(f"wrote {len(trial.participants)} {who} to {output}")
    if not trial.identical:
        raise BundleError(
            f"the analyses of trial {replicate} of {cell} differ from the recorded row",
            file=bundle,
            mend="see which numeric class is reached: trialsim verify --replay",
        )
    click.echo("The analyses are the recorded row, byte for byte.")
