"""``trialsim analyse``: read a trial's data by any registered method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.analyse.arguments import (
    Words,
    check_named,
    columns_of,
    example_of,
    flag,
    value_of,
)
from trialsim.errors import AnalysisError, InputError

if TYPE_CHECKING:
    from trialsim.cli.analyse.reading import DataFile
    from trialsim.registry import Estimator, Option

# The column in which an option's label is looked up.
_COLUMN_OF = {
    "control": "arm", "active": "arm", "reference": "arm", "shift": "arm", "external": "arm",
    "cause": "event", "censored": "event", "at_visit": "visit", "visits": "visit", "common_mean_at": "visit",
}  # fmt: skip


class _Command(click.Command):
    """A command whose help is that of a method once one is named."""

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        method = context.params.get("method")
        if method is None:
            super().format_help(context, formatter)
        else:
            formatter.write(_help_of(method))


@click.command(
    cls=_Command, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True}
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="DATA [OPTIONS OF THE METHOD]")
@click.option("--method", metavar="NAME", is_eager=True, help="How the data are read; --methods lists them.")
@click.option("--methods", is_flag=True, help="List the methods: what they read and what they estimate.")
@click.option("--score", multiple=True, metavar="COLUMNS", help="Prognostic scores: further covariates.")
@click.option("--missing", multiple=True, metavar="CODES",
              help="Numbers or words that mean missing, such as 999,-9; none if there are none.")  # fmt: skip
@click.option("--factors", multiple=True, metavar="COLUMNS", help="Columns whose numbers are labels.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Write listing, tables (CSV), JSON and a figure (HTML) into this folder.")  # fmt: skip
def analyse(
    words: tuple[str, ...],
    method: str | None,
    methods: bool,
    score: tuple[str, ...],
    missing: tuple[str, ...],
    factors: tuple[str, ...],
    output: Path | None,
) -> None:
    """Read a trial's data (CSV, Parquet or Dataset-JSON) by a named method.

    \b
    Examples:
      trialsim analyse adas.csv --method ancova --outcome change --arm arm --control placebo \\
          --covariates baseline --score twin
      trialsim analyse visits.csv --method mmrm --outcome change --arm arm --control placebo \\
          --visit week --participant id --covariates baseline --df kenward-roger -o mmrm
      trialsim analyse deaths.csv --method cox --time months --event died --arm arm \\
          --control placebo --covariates age

    Columns are named by --outcome (or --time and --event), --arm, --control, --visit, --participant,
    --covariates, --strata; several with commas. The other options are those of the method:
    trialsim analyse --method NAME --help shows them, with an example.

    \b
    Means          ancova, prognostic-adjustment, t-test, dunnett, dose-response, crossover
    Visits         mmrm, j2r, cr, cir, lmcf, mar, tipping
    Responses      g-computation, two-proportions, mantel-haenszel
    Ordered        proportional-odds, probabilistic-index, win-odds
    Counts         negative-binomial, lwyy
    Events         kaplan-meier, log-rank, adjusted-log-rank, max-combo, cox, rmst, weibull
    Several causes cumulative-incidence, gray, fine-gray
    Past controls  past-controls, borrowed-controls, external-controls,
                   external-controls-survival
    P values       several-hypotheses
    """
    from trialsim.registry import estimator

    if methods:
        _list()
        return
    if method is None:
        raise AnalysisError("is needed", field="--method", mend="name one of trialsim analyse --methods")
    try:
        one = estimator(method)
    except AnalysisError as fault:
        fault.field = "--method" if fault.field == "method" else fault.field
        raise
    given = Words.of(words)
    path = _only_file(given.positional)
    try:
        _run(one, path, given.named, score, missing, factors, output)
    except InputError as fault:
        fault.file = fault.file or path
        raise


def _only_file(positional: list[str]) -> Path:
    if len(positional) != 1:
        problem = "is needed: the data" if not positional else "is one file; these are several words"
        raise AnalysisError(
            problem, field="DATA", value=positional or None,
            mend="write trialsim analyse DATA.csv --method NAME ..., with commas between several columns",
        )  # fmt: skip
    return Path(positional[0])


def _run(
    one: Estimator, path: Path, named: dict[str, list[str]], score: tuple[str, ...], missing: tuple[str, ...],
    factors: tuple[str, ...], output: Path | None,
) -> None:  # fmt: skip
    from trialsim.analysis.by_name.by_method import with_score
    from trialsim.cli.analyse.answer import Analysed
    from trialsim.cli.analyse.reading import DataFile, codes_of
    from trialsim.cli.terminal.options import _writable

    scored = {"score"} & one.options.keys() if score else set()
    check_named(one, [*named, *scored])
    file = DataFile.read(path, codes_of(missing), _split(factors))
    scores = columns_of(score, file.names)
    values = _values(one, file, named)
    single = one.options.get("score")
    alone = single is not None and single.kind == "column" and len(scores) == 1
    values = with_score(one, (scores[0] if alone else scores) or None, values)
    data = file.as_read(_roles(one, values, scores))
    values |= _labels(one, file, data, named, values)
    if output is not None:
        _writable_folder(output, _writable)
    result = one.frame(data, **values)
    shown = {flag(name): ", ".join(words) for name, words in named.items()}
    shown |= {"--score": ", ".join(scores)} if scores else {}
    found = Analysed(one, path, len(file.rows), shown, result)
    if output is not None:
        written = found.write(output)
    found.show()
    if output is not None:
        click.echo("\nWritten: " + ", ".join(str(path) for path in written), err=True)


def _writable_folder(folder: Path, check: Any) -> None:
    try:
        check(None, None, folder)
    except InputError as fault:
        fault.field, fault.mend = "--output", "give a folder that can be written"
        raise


def _split(words: tuple[str, ...]) -> list[str]:
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def _values(one: Estimator, file: DataFile, named: dict[str, list[str]]) -> dict[str, Any]:
    """Return the values of all options that are not labels in a column."""
    return {
        name: value_of(one.options[name], words, file.names)
        for name, words in named.items()
        if one.options[name].kind not in ("label", "labels")
    }


def _roles(one: Estimator, values: dict[str, Any], scores: list[str]) -> dict[str, list[str]]:
    """Return the columns by role; a score is read as a number, whatever else it is."""
    found = {"score": scores} if scores else {}
    for name, value in values.items():
        kind = one.options[name].kind
        if kind in ("column", "columns"):
            found[name] = [*found.get(name, []), *([value] if kind == "column" else value)]
    return found


def _labels(
    one: Estimator, file: DataFile, data: Any, named: dict[str, list[str]], values: dict[str, Any]
) -> dict[str, Any]:
    """Return labels as the column has them: 1 where it holds numbers, "1" where it holds text."""
    from trialsim.cli.analyse.reading import label_in

    found: dict[str, Any] = {}
    for name, words in named.items():
        option: Option = one.options[name]
        if option.kind not in ("label", "labels"):
            continue
        column = values.get(_COLUMN_OF.get(name, ""))
        if option.kind == "labels":
            parts = [part.strip() for word in words for part in word.split(",")]
            if parts == [parts[0]] and parts[0] in file.names:
                raise AnalysisError(
                    "gives the visits in order, such as 4,8,12", field=flag(name), value=parts[0]
                )
            if column is None:
                raise AnalysisError("needs a column", field=flag(name), mend="name it by --visit")
            found[name] = [label_in(data, column, part, flag(name), file.path) for part in parts]
        elif column is None:
            found[name] = value_of(option, words, file.names)
        else:
            word = value_of(option, words, file.names)
            found[name] = label_in(data, column, word, flag(name), file.path)
    return found


def _list() -> None:
    from trialsim.registry import estimators

    for one in estimators():
        click.echo(f"{one.name.replace('_', '-')}\n    reads      {one.reads}")
        click.echo(f"    estimates  {one.estimand} ({one.scale})")
    click.echo("\nOptions and an example of each: trialsim analyse --method NAME --help")


def _help_of(method: str) -> str:
    from trialsim.registry import estimator

    one = estimator(method)
    lines = [
        one.what, "", f"Reads      {one.reads}", f"Estimates  {one.estimand} ({one.scale})", "", "Options:",
        *(_line_of(option) for option in one.options.values()),
    ]  # fmt: skip
    if one.adjusts and "score" not in one.options:
        lines.append("  --score COLUMNS  prognostic scores, as further covariates")
    lines += ["  --missing, --factors, --json, -o FOLDER: see trialsim analyse --help", "", "Example:"]
    return "\n".join([*lines, f"  {example_of(one)}", ""])


def _line_of(option: Option) -> str:
    shown = "|".join(option.choices) if option.choices else option.kind.upper()
    default = option.default
    note = "required" if option.required else f"default {default}" if default not in (None, (), "") else ""
    if option.kind in ("weight", "weights"):
        from trialsim.cli.analyse.arguments import WEIGHTS

        note = WEIGHTS + ("; several with spaces" if option.kind == "weights" else "")
    return f"  {flag(option.name)} {shown}" + (f"  [{note}]" if note else "")
