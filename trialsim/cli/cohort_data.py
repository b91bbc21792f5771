"""``trialsim cohort`` for individual data: how faithful copies are, and what they give away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from trialsim.data import Covariates

FILE = click.Path(path_type=Path, dir_okay=False)
SEED = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the random numbers."
)
LIMITS = click.option(
    "--limits",
    multiple=True,
    metavar="COLUMN=LOW:HIGH",
    help="Limits of a column that are known without the data, such as mmse=0:30. Give it once a column.",
)


def _people(path: Path, columns: str | None = None) -> Covariates:
    from trialsim.cli.individuals import read_individuals
    from trialsim.population.individual_data.fitting import coded

    return coded(read_individuals(path, columns))


@click.command("compare")
@click.argument("real", type=FILE)
@click.argument("synthetic", type=FILE)
@click.option(
    "--at-least",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Also compare the group with at least this value, such as age=75.",
)
@click.option(
    "--holdout",
    type=FILE,
    help="Real participants of the same population that SYNTHETIC was not made from: "
    "the fair comparison for privacy.",
)
@click.option(
    "--reference",
    type=FILE,
    help="A synthetic copy that was made without REAL: shows whether one can tell who was used.",
)
@click.option(
    "--keys",
    help="Columns that an outsider may know, such as age,sex: shows how many people are unique by them.",
)
@click.option(
    "--outcome",
    help="Column of a change from baseline: shows the size of a trial by either data, "
    "with --baseline and --effect.",
)
@click.option("--baseline", help="Column with the baseline value of --outcome.")
@click.option(
    "--effect", type=float, help="Difference in means that this trial should find, in units of --outcome."
)
@SEED
@click.option("-o", "--output", type=FILE, help="CSV or Parquet file to write every measure to.")
def compare_people(
    real: Path,
    synthetic: Path,
    at_least: tuple[str, ...],
    holdout: Path | None,
    reference: Path | None,
    keys: str | None,
    outcome: str | None,
    baseline: str | None,
    effect: float | None,
    seed: int,
    output: Path | None,
) -> None:
    """Say how faithful SYNTHETIC participants are to REAL ones, and what they give away.

    \b
    Example:
      trialsim cohort compare real.csv drawn.csv --at-least age=75 --holdout others.csv
    """
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame, write_frame
    from trialsim.population.individual_data.fidelity import fidelity_report, minimum_by_measure

    console = Console()
    people, copy = _people(real), _people(synthetic)
    report = fidelity_report(people, copy, [_group(text, people) for text in at_least])
    print_frame(minimum_by_measure(report).round(4), console, "Fidelity, the worst of each measure")
    _print_privacy(people, copy, holdout, reference, keys, console)
    if outcome is not None:
        print_frame(
            _decision(people, copy, outcome, baseline, effect, seed).round(3), console, "Sizes of a trial"
        )
    if output is not None:
        write_frame(report, output)
        click.echo(f"wrote {output}: {len(report)} measures")


def _group(text: str, people: Covariates) -> Any:
    from trialsim.protocol.eligibility import Criterion

    column, _, value = text.partition("=")
    if column not in people.names:
        raise InputError("there is no such column", field="--at-least", value=column, mend="mend its name")
    try:
        return Criterion(covariate=column, at_least=float(value))
    except ValueError:
        raise InputError(
            "must be COLUMN=VALUE", field="--at-least", value=text, mend="write it like age=75"
        ) from None


def _print_privacy(
    people: Covariates,
    copy: Covariates,
    holdout: Path | None,
    reference: Path | None,
    keys: str | None,
    console: Console,
) -> None:
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.population.individual_data.privacy import (
        closer_to_training,
        membership_risk,
        nearest_record_distances,
        unique_key_rates,
    )

    if reference is not None and holdout is None:
        raise InputError("goes with --holdout", field="--reference", value=reference, mend="give both")
    print_frame(nearest_record_distances(people, copy).round(4), console, "Distance to the nearest real one")
    if holdout is not None:
        others = _people(holdout)
        share = closer_to_training(people, others, copy)
        console.print(f"Nearer to REAL than to the others: {share:.3f} of the copy; 0.5 is safe.")
        if reference is not None:
            risk = membership_risk(people, others, copy, _people(reference))
            console.print(
                f"Membership attack: area {risk.auc:.3f} ({risk.low:.3f} to {risk.high:.3f}), 0.5 is "
                f"guessing; {risk.true_positive_rate:.1%} found at 1% false alarms.",
                highlight=False,
            )
    if keys is not None:
        names = _known(keys, people)
        for name, rate in unique_key_rates(people, copy, names).items():
            console.print(f"{name.replace('_', ' ')} by {', '.join(names)}: {rate:.4f}", highlight=False)


def _known(keys: str, people: Covariates) -> list[str]:
    names = keys.split(",")
    absent = [name for name in names if name not in people.names]
    if absent:
        raise InputError("there is no such column", field="--keys", value=absent[0], mend="mend its name")
    return names


def _decision(
    people: Covariates, copy: Covariates, outcome: str, baseline: str | None, effect: float | None, seed: int
) -> pd.DataFrame:
    from trialsim.design import SizingQuestion
    from trialsim.streams import stream
    from trialsim.study.control_arm.fidelity_of_decision import decision_fidelity

    if baseline is None or effect is None:
        raise InputError(
            "needs --baseline and --effect", field="--outcome", value=outcome, mend="give all three"
        )
    covariates = [name for name in people.names if name not in (outcome, baseline)]
    chance = stream(seed, "", 0, "analysis")
    return decision_fidelity(people, copy, outcome, baseline, covariates, SizingQuestion(effect), chance)


@click.command()
@click.argument("data", type=FILE)
@click.option("--keys", required=True, help="Columns to count by, with commas, such as sex,region.")
@click.option(
    "--smallest",
    type=click.IntRange(2),
    default=10,
    show_default=True,
    help="Smallest number of people that is shown; smaller cells are left out.",
)
@click.option("-o", "--output", type=FILE, help="CSV or Parquet file to write to.")
def count(data: Path, keys: str, smallest: int, output: Path | None) -> None:
    """Count DATA's participants in a table without small cells, and without what gives them away.

    \b
    Example:
      trialsim cohort count baseline.csv --keys sex,region --smallest 10 -o counts.csv
    """
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame, write_frame
    from trialsim.population.individual_data.privacy import released_counts

    people = _people(data, keys)
    table = released_counts(people, _known(keys, people), smallest)
    print_frame(table, Console(), f"Counts below {smallest} are hidden")
    if output is not None:
        write_frame(table, output)


@click.command()
@click.argument("data", type=FILE)
@click.option(
    "--epsilon",
    type=click.FloatRange(0, min_open=True),
    required=True,
    help="ε of differential privacy: the smaller, the more noise and the more privacy; 1 is usual.",
)
@click.option(
    "--delta",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    required=True,
    help="δ of differential privacy: the chance that the promise fails; far below 1 "
    "over the number of people.",
)
@click.option("--columns", help="Columns to release, with commas, such as age,sex.  [default: all]")
@LIMITS
@click.option(
    "--bins",
    type=click.IntRange(2, 200),
    default=10,
    show_default=True,
    help="Number of bins of each column's histogram.",
)
@click.option(
    "-o", "--output", type=FILE, required=True, help="CSV or Parquet file to write the histograms to."
)
def release(
    data: Path, epsilon: float, delta: float, columns: str | None, limits: tuple[str, ...], bins: int,
    output: Path,
) -> None:  # fmt: skip
    """Release DATA's histograms and correlations with differential privacy (needs trialsim[privacy]).

    \b
    Example:
      trialsim cohort release baseline.csv --epsilon 1 --delta 1e-6 --limits age=18:100 -o histograms.csv

    Bins and cut points come from the public --limits alone, never from the data.
    """
    import numpy as np
    from rich.console import Console

    from trialsim.cli.individuals import limit_of
    from trialsim.cli.terminal.tables import print_frame, write_frame
    from trialsim.population.individual_data.release import private_release

    people = _people(data, columns)
    known = dict(map(limit_of, limits))
    absent = [name for name in people.names if name not in known]
    if absent:
        raise InputError("needs public limits", field="--limits", value=absent[0], mend="give LOW:HIGH")
    edges = {name: np.linspace(*known[name], bins + 1) for name in people.names}
    cuts = {name: sum(known[name]) / 2 for name in people.names}
    found = private_release(people, edges, cuts, epsilon, delta)
    console = Console()
    print_frame(found.accounting.round(6), console, "What the budget is spent on")
    console.print(found.verdict, highlight=False)
    if found.latent is not None:
        import pandas as pd

        frame = pd.DataFrame(found.latent.round(3), columns=list(people.names))
        frame.insert(0, "covariate", list(people.names))
        print_frame(frame, console, "Latent correlations")
    write_frame(found.histograms, output)
    click.echo(f"wrote {output}: {len(people.names)} histograms of {len(people)} participants")


@click.command()
@click.argument("data", type=FILE)
@click.option(
    "-n",
    "--participants",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="Number of participants to draw.",
)
@click.option("--columns", help="Columns to imitate, with commas, such as age,sex.  [default: all]")
@LIMITS
@SEED
@click.option("-o", "--output", type=FILE, required=True, help="CSV or Parquet file to write to.")
def imitate(
    data: Path, participants: int, columns: str | None, limits: tuple[str, ...], seed: int, output: Path
) -> None:
    """Draw participants like those of DATA by a vine copula (needs trialsim[vine]).

    \b
    Example:
      trialsim cohort imitate baseline.csv -n 500 --limits age=18:100 -o drawn.csv

    A card keeps one correlation a pair; a vine keeps the shape of the dependence too. Compare the result with
    the data by trialsim cohort compare.
    """
    from trialsim.cli.individuals import limit_of, read_individuals
    from trialsim.cli.terminal.tables import write_frame
    from trialsim.population.individual_data.fitting import CardFacts, fit_card
    from trialsim.population.individual_data.vine import fit_vine
    from trialsim.streams import stream

    frame = read_individuals(data, columns)
    name = data.stem
    facts = CardFacts(
        name, name, f"participants of {name}", "as in the data", f"the file {name}", "as the data"
    )
    card = fit_card(frame, facts, limits=dict(map(limit_of, limits)))
    people = fit_vine(frame, card).draw(participants, stream(seed, "", 0, "register"))
    write_frame(people.to_frame(), output)
    click.echo(f"wrote {participants} participants like the {len(frame)} of {data.name} to {output}")
