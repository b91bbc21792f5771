"""``trialsim new``: from a file of past placebo participants to a protocol that runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trialsim.study.starting import Found, Start, Told, UndecidedError

KINDS = ("score", "response", "level", "count", "time_to_event")
UNITS = ("days", "weeks", "months", "years")
DIRECTIONS = ("higher_is_better", "higher_is_worse")


@click.command()
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--outcome", "--endpoint", metavar="COLUMN", help="Column of the endpoint.")
@click.option(
    "--kind", type=click.Choice(KINDS), help="What it is: a score at visits, yes or no, ordered levels, ..."
)
@click.option("--participant", metavar="COLUMN", help="Column that says which participant a row is of.")
@click.option(
    "--week", "--visit", metavar="COLUMN", help='The visit: weeks, or names such as "Week 12", "Month 6".'
)
@click.option("--time", metavar="COLUMN", help="Time to the event or the last contact; follow-up of a count.")
@click.option("--time-unit", type=click.Choice(UNITS), help="Unit of --time, or of numbers in --week.")
@click.option("--event", metavar="COLUMN", help="Whether the event came: two values.")
@click.option("--covariates", metavar="A,B,C", help="Baseline columns that the twins learn from.")
@click.option("--group", metavar="COLUMN", help="Column of the study or site.")
@click.option(
    "--levels", metavar="A,B,C", help="Levels of an ordered outcome, least first, such as none,mild,severe."
)
@click.option(
    "--response-is",
    metavar="A,B",
    help='Values of --outcome that are the response, or of --event the event: categories, or ">= 50".',
)
@click.option(
    "--filter", "filters", metavar="COLUMN=VALUE", multiple=True, help="Rows to keep; may be repeated."
)
@click.option("--join", metavar="FILE", help="A file beside HISTORY with one row a participant.")
@click.option(
    "--missing", metavar="CODES", help='Codes that mean no value, such as "999,.M"; "" if there are none.'
)
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Which way is better.")
@click.option(
    "--effect", type=float, help="What the trial assumes: points added, or an odds, rate or hazard ratio."
)
@click.option(
    "--months",
    type=click.FloatRange(0, 600, min_open=True),
    help="When the outcome is known, or counted until.",
)
@click.option(
    "--allocation", metavar="A:C", default="1:1", show_default=True, help="Active to control, such as 2:1."
)
@click.option(
    "--power",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.9,
    show_default=True,
    help="Power that the trial should have: a probability.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("protocol.toml"),
    show_default=True,
    help="TOML file to write the protocol to.",
)
@click.option(
    "--yes", is_flag=True, help="Ask no question: open ones are refused with the option that answers them."
)
@click.option("--force", is_flag=True, help="Overwrite a protocol that differs.")
@click.pass_context
def new(context: click.Context, history: Path, output: Path, yes: bool, force: bool, **given: Any) -> None:
    """Write a protocol from HISTORY, a CSV or Parquet file of past placebo participants.

    \b
    Examples:
      trialsim new placebo_arm.csv
      trialsim new adas.csv --outcome adas11 --filter arm=placebo --join subjects.csv -o trial.toml
      trialsim new deaths.csv --event died --time days --covariates age,sex --effect 0.75 --allocation 2:1
      trialsim new strokes.csv --outcome state --response-is "recovered,independent" --months 6

    One row a participant, or one a participant and visit. The file is looked at: who, when, what, and which
    columns are known at baseline. Every guess stands in the protocol with `# guessed: why`; what no file can
    say, such as the effect, with `# yours to set`. Where the file leaves a question open, you are asked, or
    told which option answers it. Several treatment arms are never taken for placebo.

    Nothing is written before the protocol and its history are read back as `trialsim run` reads them. A file
    that is spelled otherwise (semicolons, decimal commas, text visits, a column for each visit) stays: a
    copy of the columns that are used is written beside the protocol. It holds participants' data.

    A digital protocol (USDM 4, STUDY.json) in the place of HISTORY makes a draft: what USDM has no field for,
    such as level, power and effect, is a TODO that trialsim run refuses until it is filled.
    """
    from trialsim.study.starting import check_start

    if history.suffix == ".json":
        _refuse_options(context, list(given))
        _draft(history, output, force)
        return
    told = _told(**given)
    found, told = _looked(history, told, asks=not yes and sys.stdin.isatty())
    start = check_start(found, told, output)
    _refuse_overwriting(start.protocol, start.text, force)
    start.write()
    _say(start, told)


def _refuse_options(context: click.Context, names: list[str]) -> None:
    """Refuse options about a file of participants beside a digital protocol, which has no such file."""
    from trialsim.errors import InputError

    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = "filter" if name == "filters" else name.replace("_", "-")
            raise InputError("says nothing about a digital protocol", field=f"--{option}",
                             mend="leave it out, and edit the draft")  # fmt: skip


def _draft(study: Path, output: Path, force: bool) -> None:
    from trialsim.exchange import draft_protocol, read_usdm
    from trialsim.protocol.reading import BLANK
    from trialsim.protocol.writing import whole_file

    text = draft_protocol(read_usdm(study))
    _refuse_overwriting(output, text, force)
    with whole_file(output) as scratch:
        scratch.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}: a draft with {text.count(BLANK + ':')} blanks, each marked {BLANK}")


def _told(**given: Any) -> Told:
    from trialsim.study.starting import Told

    filters = tuple(_filter(one) for one in given.pop("filters"))
    covariates, missing = _list(given.pop("covariates")), _list(given.pop("missing"))
    levels = _list(given.pop("levels")) or ()
    active, control = _allocation(given.pop("allocation"))
    return Told(
        filters=filters,
        ratio=(control, active),
        levels=levels,
        covariates=covariates,
        missing=missing,
        **given,
    )


def _list(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _filter(text: str) -> tuple[str, str]:
    from trialsim.errors import InputError

    column, equals, value = text.partition("=")
    if not (equals and column.strip() and value.strip()):
        raise InputError(
            "is no condition", field="--filter", value=text, mend="write COLUMN=VALUE, such as arm=placebo"
        )
    return column.strip(), value.strip()


def _allocation(text: str) -> tuple[float, float]:
    from trialsim.errors import InputError

    try:
        active, control = (float(part) for part in text.split(":"))
    except ValueError:
        active = control = 0.0
    if not (0 < active <= 100 and 0 < control <= 100):
        raise InputError(
            "is no ratio", field="--allocation", value=text, mend="write active:control, such as 2:1"
        )
    return active, control


def _looked(history: Path, told: Told, asks: bool) -> tuple[Found, Told]:
    """Return what is found, asking the questions that the file leaves open where somebody can answer."""
    from trialsim.study.starting import UndecidedError, look_at

    while True:
        try:
            found = look_at(history, told)
        except UndecidedError as question:
            if not asks:
                raise
            told = _answered(told, question)
            continue
        return found, told


def _answered(told: Told, question: UndecidedError) -> Told:
    from dataclasses import replace

    click.echo(f"{question.problem[0].upper()}{question.problem[1:]}")
    for number, choice in enumerate(question.choices, start=1):
        click.echo(f"  {number}  {choice}")
    text = str(click.prompt(f"--{question.option}")).strip()
    if text.isdigit() and 0 < int(text) <= len(question.choices):
        text = question.choices[int(text) - 1]
    if question.option == "filter":
        return replace(told, filters=(*told.filters, _filter(text)))
    name = question.option.replace("-", "_")
    answer: dict[str, Any] = {name: _list(text) if name in ("levels", "covariates") else text}
    return replace(told, **answer)


def _refuse_overwriting(there: Path, text: str, force: bool) -> None:
    """Refuse to lose a protocol that somebody may have edited."""
    from trialsim.errors import InputError

    if not force and there.exists() and there.read_bytes() != text.encode():
        raise InputError("exists already, and differs", file=there, mend="choose another -o, or give --force")


def _say(start: Start, told: Told) -> None:
    found = start.found
    click.echo(f"wrote {start.protocol}")
    if start.copy is not None:
        click.echo(f"wrote {start.copy}: participants' data, in the form that trialsim reads")
    click.echo(f"\n{found.file.name}: {found.people} participants with {found.outcome}, a {found.kind}.")
    lines = [line for line in start.text.splitlines() if "   # guessed: " in line]
    if lines:
        click.echo("Check what was guessed:")
    for line in lines:
        value, _, why = line.partition("   # guessed: ")
        click.echo(f"  {value if len(value) <= 60 else value[:57] + '...'}  ({why})")
    yours = [line for line in start.text.splitlines() if "   # yours to set" in line]
    if yours:
        click.echo("Set what no file can say:")
    for line in yours:
        click.echo(f"  {line.partition('   # yours')[0]}")
    click.echo(f"\nNext:  trialsim run {start.protocol} --plan\n       trialsim run {start.protocol}")
