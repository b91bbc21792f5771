"""``trialsim guidance``: what a run answers to what guidances ask of a report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--of", metavar="KEY,...", help="Which: m15, ai, e20, bayesian, external, spirit, sap.  [default: all]"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False),
    help="Folder of guidances.html and guidances.json.  [default: RUN-guidances, beside the run]",
)  # fmt: skip
@click.option(
    "--history", type=click.Path(path_type=Path), help="File of the history that its people come from."
)
def guidance(run: Path, of: str | None, output: Path | None, history: Path | None) -> None:
    """Write what a RUN answers to what guidances ask of a report, and what its protocol must still say.

    \b
      trialsim guidance reports/example
      trialsim guidance reports/example --of m15,sap -o for_the_meeting

    ICH M15, FDA's seven steps for models that learn, ICH E20, FDA on Bayesian methods, EMA on external
    controls, SPIRIT and CONSORT 2025, and a paragraph for the statistical analysis plan. Each item is
    answered from the run, each number found in one of its tables with its Monte Carlo error, or it is blocked
    with the field of the protocol to add. Nothing claims that a guidance is met. Docs: docs/guidances.md.
    """
    from trialsim.cli.terminal.as_json import collected
    from trialsim.cli.terminal.written import refuse_inside
    from trialsim.report.guidances import answer_guidances, write_guidances

    folder = output or run.resolve().with_name(f"{run.resolve().name}-guidances")
    refuse_inside(folder, run)
    found = answer_guidances(run, [key.strip() for key in of.split(",")] if of else [], history)
    page = write_guidances(found, folder)
    for each, _ in found.of:
        answered, items = found.count(each)
        click.echo(f"{each.key:9} {answered:>2} of {items:>2} items answered  {each.title}")
    for field in dict.fromkeys(one.field for _, _, one in found.blocked):
        click.echo(f"blocked: add [{field}]")
    if (collects := collected()) is not None:
        collects.facts |= {"run": str(run), "page": str(page), "blocked": len(found.blocked)}
    click.echo(f"Page: {page}", color=False)
