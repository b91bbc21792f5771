"""``trialsim run``: a protocol from its file to its answer."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.terminal.options import (
    bundle_option,
    cache_option,
    history_option,
    names_the_file,
    scheduler_option,
    workers_option,
)


@click.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@history_option
@workers_option
@scheduler_option
@cache_option
@bundle_option
@click.option(
    "--replicates",
    type=click.IntRange(100),
    help="Simulated trials of each scenario, in place of the protocol's number.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of all random numbers, in place of the protocol's."
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be simulated, and simulate nothing.")
@click.option("--quiet", is_flag=True, help="Show no progress bars.")
@names_the_file
def run(
    protocol: Path,
    history: Path | None,
    workers: int,
    scheduler: str | None,
    cache: Path,
    output: Path,
    replicates: int | None,
    seed: int | None,
    only_plan: bool,
    quiet: bool,
) -> None:
    """Run the trial in PROTOCOL, a TOML file: sizes, operating characteristics, and what they rest on.

    \b
    Examples:
      trialsim run my-trial/protocols/survival_delayed_effect.toml
      trialsim run my-trial/protocols/depression_estimands.toml --plan

    The file says everything: endpoint, arms, enrolment, randomisation, why people stop, looks and
    adaptation, analyses, scenarios, and a grid whose axes each have a reason. What cannot be is refused
    before anything runs. Where the protocol learns placebo twins and no --history is given, they learn from
    participants that are generated from the protocol's own cohort card, which is optimistic by construction.

    The run bundle holds report.html, every table as Parquet and CSV, every replicate, and a manifest of
    hashes. A run that was stopped or killed goes on from its finished blocks when the same command is given
    again.
    """
    from trialsim.cli.declared import run_declared

    run_declared(protocol, history, workers, scheduler, cache, output, replicates, seed, only_plan, quiet)
