"""``trialsim twins``: learn the twins of a protocol, see whether they are honest, and update them."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.terminal.options import cache_option, history_option, names_the_file

protocol_argument = click.argument("protocol", type=click.Path(path_type=Path))
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress bars.")


@click.group()
def twins() -> None:
    """Learn the placebo twins of a protocol, validate them out of sample, and update them.

    \b
    Examples:
      trialsim twins validate my-trial/protocols/copd_twins.toml
      trialsim twins whatif my-trial/protocols/copd_twins.toml --add age=10

    A placebo twin is the forecast of what a participant would have on placebo, with its uncertainty.
    """


@twins.command()
@protocol_argument
@history_option
@cache_option
@click.option(
    "--subgroup",
    "subgroups",
    multiple=True,
    metavar="COLUMN",
    help="Also judge by this column of the history, which no model uses; race is judged wherever it stands.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 100),
    default=10,
    show_default=True,
    help="Number of cross-validation folds.",
)
@click.option(
    "--by-group",
    is_flag=True,
    help="Judge subgroups on studies, sites or periods never seen: [history.columns] group names them.",
)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path),
    help="Cohort card of the population that the twins are meant for, which the history is held against; a "
    "protocol with a card has its own.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file of the report; NAME_twins.html here if not given.",
)
@quiet_option
@names_the_file
def validate(
    protocol: Path,
    history: Path | None,
    cache: Path,
    subgroups: tuple[str, ...],
    folds: int,
    by_group: bool,
    cohort: Path | None,
    output: Path | None,
    quiet: bool,
) -> None:
    """Learn the twins of PROTOCOL, judge them, and end with a verdict; the same stands in a report.

    \b
    Examples:
      trialsim twins validate protocol.toml
      trialsim twins validate protocol.toml --history other_arm.csv --by-group --subgroup region

    All but the predictive checks is out of sample: each participant is predicted by a model that did not
    see them. The checks ask whether the model makes such histories, before and after it has learnt. The
    verdict is by two rules that were fixed beforehand: the gate of calibration, and whether the score saves
    more than [sizing] smallest_worthwhile_saving beyond the best analysis without it.
    """
    from rich.console import Console

    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.protocol.declared import read_trial
    from trialsim.report import write_twins_report
    from trialsim.study.people.learning import Fits
    from trialsim.study.validation import ValidationAsked, validate_twins

    trial = read_trial(protocol)
    asked = ValidationAsked(subgroups, by_group, cohort)
    with progress_bars(quiet) as progress:
        found = validate_twins(
            trial, protocol.parent, history, asked, cache=cache, progress=progress, fits=Fits(number=folds)
        )
    console = Console(markup=False)
    console.print(f"History: {found.history}", highlight=False)
    for one in found.findings:
        if one.frame is not None:
            print_frame(one.frame, console, one.title)
        else:
            console.print(one.title, style="bold", highlight=False)
        for note in one.notes:
            console.print(note, highlight=False, markup=False)
    console.print("Verdict", style="bold")
    for sentence in found.verdict:
        console.print(f"{sentence}.", highlight=False, markup=False)
    report = output or Path(f"{trial.name}_twins.html")
    write_twins_report(trial, found, report)
    console.print(f"Report: {report}", highlight=False, soft_wrap=True)


@twins.command()
@protocol_argument
@history_option
@click.option(
    "--interim",
    type=click.Path(path_type=Path),
    help="File of the trial's participants so far, with the history's columns; without it the history "
    "itself shows what each visit adds.",
)
@click.option(
    "--source",
    type=click.Choice(["control", "blinded"]),
    default="blinded",
    show_default=True,
    help="Who is in the interim file: controls, or both arms with their labels unseen.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="CSV or Parquet file for the updated twins."
)
@click.option(
    "--folds",
    type=click.IntRange(2, 100),
    default=10,
    show_default=True,
    help="Number of cross-validation folds, without --interim.",
)
@click.option(
    "--refit",
    is_flag=True,
    help="Also fit again, with the visits so far, and compare with the closed form; without --interim one "
    "fold of the history is the running trial, before its last visit.",
)
@cache_option
@quiet_option
@names_the_file
def update(
    protocol: Path,
    history: Path | None,
    interim: Path | None,
    source: str,
    output: Path | None,
    folds: int,
    refit: bool,
    cache: Path,
    quiet: bool,
) -> None:
    """Condition the twins of PROTOCOL on the visits seen so far, and recalibrate them.

    \b
    Example:
      trialsim twins update protocol.toml --interim so_far.csv --source control -o twins.csv

    Post-baseline data are no covariate for a randomised comparison: updated twins serve forecasts and
    monitoring, never the adjustment of an analysis.
    """
    from rich.console import Console

    from trialsim.cli.twins.asked import ask
    from trialsim.cli.twins.interim import print_interim, print_value
    from trialsim.cli.twins.refit import print_refit_of_fold
    from trialsim.prognosis.living import NO_COVARIATE

    if interim is None and output is not None:
        raise click.UsageError("--output needs --interim: whose twins should be written?")
    if refit and interim is not None and source != "control":
        raise click.UsageError(
            "--refit needs --source control: a refit learns whatever it is given as placebo"
        )
    asked = ask(protocol, history)
    console = Console(markup=False)
    console.print(f"History: {asked.visits.source}")
    if interim is None:
        print_value(asked, folds, quiet, console)
        if refit:
            print_refit_of_fold(asked, folds, cache, quiet, console)
    else:
        print_interim(asked, interim, source, output, refit, cache, quiet, console)
    console.print(NO_COVARIATE, style="yellow")


@twins.command()
@protocol_argument
@history_option
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="What-if: everybody has this value, such as baseline=5. May be repeated.",
)
@click.option(
    "--add",
    "additions",
    multiple=True,
    metavar="NAME=AMOUNT",
    help="What-if: everybody has this much more, such as age=10. May be repeated.",
)
@click.option(
    "--treatment",
    type=(str, float, float),
    metavar="NAME EFFECT SD",
    help="A drug, dose or way of life, with its assumed effect and the effect's uncertainty: in points of a "
    "score, else the log of an odds, rate or hazard ratio.",
)
@click.option(
    "--dose",
    type=float,
    help="Units of dose that the effect of --treatment is multiplied by; 1 if not given.",
)
@click.option(
    "--full-by-week",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Week from which the treatment acts in full; before, its effect grows linearly.",
)
@click.option("--effect-source", help="Where the treatment's effect comes from; needed with --treatment.")
@cache_option
@quiet_option
@names_the_file
def whatif(
    protocol: Path,
    history: Path | None,
    settings: tuple[str, ...],
    additions: tuple[str, ...],
    treatment: tuple[str, float, float] | None,
    dose: float | None,
    full_by_week: float,
    effect_source: str | None,
    cache: Path,
    quiet: bool,
) -> None:
    """Show the twins of PROTOCOL under a changed covariate or an assumed treatment.

    \b
    Examples:
      trialsim twins whatif protocol.toml --add age=10
      trialsim twins whatif protocol.toml --set baseline=5 --treatment drug -0.5 0.2 \\
          --effect-source "trial X"
      trialsim twins whatif protocol.toml --treatment drug -0.1 0.04 --dose 5 \\
          --effect-source "trial X, a mg"
    """
    from trialsim.cli.twins.asked import ask
    from trialsim.cli.twins.what_if import print_what_if
    from trialsim.prognosis import TreatmentTerm

    changes, shifts = _pairs(settings, "--set"), _pairs(additions, "--add")
    term = None
    if treatment is not None:
        if not effect_source:
            raise click.UsageError("--treatment needs --effect-source: a placebo history knows no treatment")
        name, effect, sd = treatment
        term = TreatmentTerm(name, effect_source, effect, sd, 1.0 if dose is None else dose, full_by_week)
    elif dose is not None:
        raise click.UsageError("--dose needs --treatment: a dose of what?")
    print_what_if(ask(protocol, history), changes, shifts, term, cache, quiet)


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, float]:
    """Return NAME=NUMBER pairs of an option."""
    pairs = {}
    for text in texts:
        name, mark, number = (part.strip() for part in text.partition("="))
        try:
            value = float(number)
        except ValueError:
            mark = ""
        if not mark:
            raise click.BadParameter(f"give NAME=NUMBER, not {text!r}", param_hint=option)
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice", param_hint=option)
        pairs[name] = value
    return pairs
