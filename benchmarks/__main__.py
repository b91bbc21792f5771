"""Run benchmarks: ``python -m benchmarks [NAME ...] --json``.

Every module ``benchmarks/bench_*.py`` offers ``BENCHMARKS``: a mapping from a benchmark's name to a
function without arguments that yields `Figure`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any

import click

import benchmarks
from benchmarks.figure import Figure

Benchmark = Callable[..., Iterable[Figure]]


def find_benchmarks() -> dict[str, Benchmark]:
    """Return every benchmark by name, in alphabetical order."""
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("bench_"):
            found |= importlib.import_module(f"benchmarks.{module.name}").BENCHMARKS
    return dict(sorted(found.items()))


def as_json_line(figure: Figure) -> str:
    """Return a figure as one JSON object."""
    return json.dumps(vars(figure) | {"met": figure.met}, ensure_ascii=False)


def as_line(figure: Figure) -> str:
    """Return a figure as one line of text."""
    verdict = {True: "met", False: "NOT MET", None: ""}[figure.met]
    sign = "<=" if figure.at_most else ">="
    goal = "" if figure.goal is None else f"(goal {sign} {figure.goal:g}) "
    rest = "; ".join(part for part in (figure.peer, figure.limit) if part)
    return f"{figure.name:45s} {figure.value:12.5g} {figure.unit:12s} {goal}{verdict} {rest}"


def as_row(figure: Figure) -> str:
    """Return a figure as a row of a Markdown table."""
    verdict = {True: "met", False: "**not met**", None: ""}[figure.met]
    goal = "" if figure.goal is None else f"{'≤' if figure.at_most else '≥'} {figure.goal:g}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3g} ×"
    cells = (
        figure.name,
        f"{figure.value:.4g} {figure.unit}",
        goal,
        verdict,
        figure.peer,
        ratio,
        figure.limit,
    )
    return "| " + " | ".join(cell or "" for cell in cells) + " |"


HEADING = """| figure | measured | goal | | peer in the same run | ratio | limit |
| --- | --- | --- | --- | --- | --- | --- |"""


def _seeds(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and 1 <= int(first) <= int(last)):
        raise click.BadParameter(f"{text!r} is no range of seeds: write FIRST-LAST, such as 9-20")
    return int(first), int(last)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@click.option("--list", "list_only", is_flag=True, help="Print the names and stop.")
@click.option("--minutes", type=click.FloatRange(0.1, 600), help="Of a soak, such as explorer_soak.")
@click.option("--seeds", metavar="FIRST-LAST", callback=_seeds, help="Of refused_for_luck, such as 9-20.")
@click.option("--fraction", type=click.Choice(["1", "2", "4"]), help="One in so many cells of null_scored_*.")
@click.option("--endpoint", help="The only kind of endpoint of null_scored_*, such as recurrent.")
def main(names: tuple[str, ...], as_json: bool, markdown: bool, list_only: bool, **options: Any) -> None:
    """Measure the named figures, or all of them."""
    known = find_benchmarks()
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise click.UsageError(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}")
    if list_only:
        click.echo("\n".join(known))
        return
    show = as_row if markdown else as_json_line if as_json else as_line
    if markdown:
        click.echo(HEADING)
    for name, settings in _settings(tuple(names or known), known, options).items():
        for figure in known[name](**settings):
            click.echo(show(figure))


def _settings(
    names: tuple[str, ...], known: dict[str, Benchmark], options: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what each benchmark is told: the options that it takes."""
    given = {option: value for option, value in options.items() if value is not None}
    taken = {name: inspect.signature(known[name]).parameters for name in names}
    for option in given:
        if not any(option in parameters for parameters in taken.values()):
            raise click.UsageError(f"--{option} is read by none of {', '.join(names)}")
    return {
        name: {option: value for option, value in given.items() if option in parameters}
        for name, parameters in taken.items()
    }


if __name__ == "__main__":
    main()
