"""``trialsim cohort``: look at a cohort card, draw participants from it, or learn one from data."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trialsim.cli.cohort_data import compare_people, count, imitate, release
from trialsim.cli.individuals import limit_of, read_individuals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from rich.console import Console

    from trialsim.population import CohortCard
    from trialsim.population.drawing.sensitivity import Answer

CARD = click.argument("card", type=click.Path(path_type=Path))
SEED = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the random numbers."
)
SENSITIVITY_PARTICIPANTS = 20_000


@click.group()
def cohort() -> None:
    """Check cohort cards, draw virtual participants from them, and learn cards from data.

    \b
    Examples:
      trialsim init my-trial
      trialsim cohort check my-trial/cohorts/copd.toml
      trialsim cohort draw my-trial/cohorts/copd.toml -n 1000 -o people.csv

    A card describes a population by published numbers: means, SDs, shares and correlations, each with its
    source. No value of a person is in it.
    """


@cohort.command()
@CARD
@click.option(
    "--calibrate",
    is_flag=True,
    help="Also draw 100,000 people, weight them until each printed number is met, and show how well.",
)
@click.option(
    "--sensitivity",
    metavar="COVARIATE",
    help="Also show how far the R² of COVARIATE, explained by the others, depends on "
    "assumed distributions and on correlations that nobody published.",
)
@SEED
def check(card: Path, calibrate: bool, sensitivity: str | None, seed: int) -> None:
    """Print for each number of CARD what it says, what is possible, and what a drawn population has.

    \b
    Examples:
      trialsim cohort check my-trial/cohorts/copd.toml
      trialsim cohort check my-trial/cohorts/copd.toml --calibrate --sensitivity age
    """
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.population import check_card, draw_calibrated, read_card
    from trialsim.streams import stream

    found = read_card(card)
    console = Console(markup=False)
    console.print(f"{found.title}  ({found.name}, {found.content_hash()[:12]})", style="bold")
    console.print(f"The numbers describe the {found.describes} population.", highlight=False)
    print_frame(check_card(found), console)
    if calibrate:
        drawn = draw_calibrated(found, 100_000, stream(seed, "", 0, "register"))
        print_frame(drawn.certificate, console, "After the tilt, 100,000 participants")
        console.print(f"Effective size of the tilt: {drawn.effective_share:.4f} of the participants drawn.")
    if sensitivity:
        _print_sensitivity(found, sensitivity, stream(seed, "", 0, "analysis"), console)


def _print_sensitivity(
    card: CohortCard, covariate: str, generator: np.random.Generator, console: Console
) -> None:
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.errors import InputError
    from trialsim.population import correlation_sensitivity, family_sensitivity

    if covariate not in card.names:
        raise InputError(
            "the card has no such covariate",
            field="--sensitivity",
            value=covariate,
            mend=f"use one of {', '.join(card.names)}",
        )
    answer = explained_by_the_others(covariate)
    families = family_sensitivity(card, answer, SENSITIVITY_PARTICIPANTS, generator)
    print_frame(families, console, f"R² of {covariate} on the others, by family of margin")
    frame = correlation_sensitivity(card, answer, SENSITIVITY_PARTICIPANTS, generator)
    worlds = frame.loc[frame["draw"] >= 0, "answer"]
    low, middle, high = (float(worlds.quantile(share)) for share in (0.05, 0.5, 0.95))
    console.print(
        f"R² of {covariate} on the others: {float(frame['answer'].iloc[0]):.3f} as on the card;"
        f" {low:.3f} to {high:.3f} (median {middle:.3f}) in nine tenths of the draws, if correlations that no"
        " source prints are drawn at random and all printed numbers are kept.",
        highlight=False,
    )


def explained_by_the_others(covariate: str) -> Answer:
    """Return the answer: R² of the linear regression of a covariate on all others."""
    import numpy as np

    from trialsim.data import Covariates

    def answer(people: Covariates) -> float:
        y = people.column(covariate)
        others = people.select([name for name in people.names if name != covariate]).values
        design = np.column_stack([np.ones(len(y)), others])
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        return float(1 - residual.var() / y.var())

    return answer


@cohort.command()
@CARD
@click.option(
    "-n",
    "--participants",
    type=click.IntRange(1, 1_000_000_000),
    default=1000,
    show_default=True,
    help="Number of participants to draw.",
)
@SEED
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="CSV or Parquet file to write to."
)
@click.option(
    "--calibrated",
    is_flag=True,
    help="Weight the draw until every number of the card is met; at most 1,000,000 participants.",
)
@click.option(
    "--missing", is_flag=True, help="Leave values out as often as the card's [[missing]] tables say."
)
def draw(card: Path, participants: int, seed: int, output: Path, calibrated: bool, missing: bool) -> None:
    """Draw virtual participants from CARD into a file, before any eligibility.

    \b
    Example:
      trialsim cohort draw my-trial/cohorts/copd.toml -n 1000 -o people.csv

    A plain draw to Parquet is streamed: memory does not grow with the number of participants.
    """
    from trialsim.population import draw_calibrated, draw_covariates, make_missing, read_card
    from trialsim.population.drawing.streaming import stream_to_parquet
    from trialsim.streams import stream

    found = read_card(card)
    generator = stream(seed, "", 0, "register")
    if output.suffix == ".parquet" and not (calibrated or missing):
        stream_to_parquet(found, participants, generator, output)
    else:
        _require_small(participants)
        if calibrated:
            people = draw_calibrated(found, participants, generator).covariates
        else:
            people = draw_covariates(found, participants, generator)
        if missing:
            people = make_missing(people, found.missing, stream(seed, "", 1, "register"))
        _write(people.to_frame(), output)
    click.echo(f"wrote {participants} virtual participants of {found.content_hash()[:12]} to {output}")


def _require_small(participants: int) -> None:
    from trialsim.errors import InputError

    if participants > 1_000_000:
        raise InputError(
            "only a plain draw to Parquet is streamed",
            field="--participants",
            value=participants,
            mend="ask for at most 1,000,000, or write a .parquet file without --calibrated and --missing",
        )


def _refuse_ending(output: Path, ending: str) -> None:
    from trialsim.errors import InputError

    if output.suffix != ending:
        raise InputError("unknown kind of file", file=output, value=output.suffix, mend=f"end it in {ending}")


def _write(frame: pd.DataFrame, output: Path) -> None:
    from trialsim.cli.terminal.tables import write_frame

    write_frame(frame, output)


@cohort.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="TOML file to write the card to."
)
@click.option("--columns", help="Baseline covariates to learn, separated by commas.  [default: all]")
@click.option(
    "--limits",
    multiple=True,
    metavar="COLUMN=LOW:HIGH",
    help="Limits of a column that are known without the data, such as mmse=0:30. Give it once a column.",
)
@click.option(
    "--missing",
    multiple=True,
    metavar="[COLUMN=]CODES",
    help="Cells that mean missing, such as 999,.M or sex=9; NONE if every number was measured.",
)
@click.option("--population", required=True, help="Who the participants are, in words; stands on the card.")
@click.option(
    "--period", required=True, help="When they were seen, such as 2015 to 2019; stands on the card."
)
@click.option(
    "--citation", required=True, help="Where the data come from, as one would cite it; stands on the card."
)
@click.option(
    "--licence",
    required=True,
    help="Licence or permission under which the data are used; stands on the card.",
)
@click.option(
    "--describes",
    type=click.Choice(["enrolled", "source"]),
    required=True,
    help="enrolled: they passed a trial's criteria already; source: the population before any criteria.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day on which a date in the data can lie, such as 2025-12-31; later "
    "ones are refused.  [default: today]",
)
def fit(
    data: Path,
    output: Path,
    columns: str | None,
    limits: tuple[str, ...],
    missing: tuple[str, ...],
    population: str,
    period: str,
    citation: str,
    licence: str,
    describes: str,
    as_of: datetime | None,
) -> None:
    """Learn a card from DATA, one row a participant; the card holds no participant's value.

    \b
    Example:
      trialsim cohort fit baseline.csv -o card.toml --limits age=18:100 --limits mmse=0:30 \\
          --population "Early disease" --period "2015 to 2019" --citation "Our trial 12" \\
          --licence internal --describes enrolled
    """
    from trialsim.population.card_files.writing import write_card
    from trialsim.population.individual_data.fitting import CardFacts, fit_card

    _refuse_ending(output, ".toml")
    frame = read_individuals(data, columns)
    name = output.stem
    facts = CardFacts(name, population, population, period, citation, licence, describes)
    day = as_of.date() if as_of else date.today()
    codes = _codes(missing, [str(name) for name in frame.columns])
    card = fit_card(frame, facts, limits=dict(map(limit_of, limits)), as_of=day, missing=codes)
    write_card(card, output)
    click.echo(f"wrote {output}: {len(card.names)} covariates of {card.n} participants")


def _codes(given: tuple[str, ...], columns: list[str]) -> dict[str, list[str | float]] | None:
    """Return the codes for "missing" of each column, those without a name for all; None if none are given."""
    from trialsim.errors import InputError

    if not given:
        return None
    found: dict[str, list[str | float]] = {}
    for text in given:
        column, named, codes = text.rpartition("=")
        if named and column not in columns:
            raise InputError("there is no such column", field="--missing", value=column, mend="mend its name")
        cells = [] if codes == "NONE" else [_code(code) for code in codes.split(",")]
        for name in [column] if named else columns:
            found.setdefault(name, []).extend(cells)
    return found


def _code(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


@cohort.command()
@CARD
@SEED
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="HTML page to write to.")
def plot(card: Path, seed: int, output: Path) -> None:
    """Draw every margin of CARD and its correlations on one page.

    \b
    Example:
      trialsim cohort plot my-trial/cohorts/copd.toml -o copd.html
    """
    from trialsim.population import read_card
    from trialsim.population.plot import write_plot
    from trialsim.streams import stream

    _refuse_ending(output, ".html")
    write_plot(read_card(card), 50_000, stream(seed, "", 0, "register"), output)
    click.echo(f"wrote {output}")


for command, name in (
    (compare_people, "compare"),
    (count, "count"),
    (release, "release"),
    (imitate, "imitate"),
):
    cohort.add_command(command, name)
