"""``trialsim federate``: one model from several sites that may not pool their data."""

from __future__ import annotations

from pathlib import Path

import click

FAMILIES = ("gaussian", "logistic", "poisson")


@click.group()
def federate() -> None:
    """Fit one model to the data of several sites that may not pool them.

    \b
    Examples:
      trialsim federate ask --family logistic --outcome died --covariates age,sex \\
          --sites north,south -o round1.json                          the coordinator
      trialsim federate answer round1.json north.csv --site north -o north1.json   each site
      trialsim federate combine round1.json north1.json south1.json -o round2.json the coordinator

    combine writes the question of the next round, or, once the model is found, prints it; two to ten rounds
    are usual. Questions and answers are small JSON files that a person can read. An answer holds sums over at
    least 11 people, and nobody's values. The result equals that of the pooled data.
    """


@federate.command()
@click.option(
    "--family",
    type=click.Choice(FAMILIES),
    required=True,
    help="Family of the model: gaussian for a number, logistic for yes or no, poisson for a count.",
)
@click.option(
    "--outcome", required=True, metavar="COLUMN", help="Column of the outcome, the same name at each site."
)
@click.option(
    "--covariates",
    default="",
    metavar="A,B,C",
    help="Columns of numbers that each site has, such as age,sex.",
)
@click.option(
    "--exposure", metavar="COLUMN", help="Column of the time each person was followed, for a poisson model."
)
@click.option("--sites", required=True, metavar="A,B,C", help="Names of all sites, such as north,south.")
@click.option(
    "--site-effects/--no-site-effects",
    default=True,
    show_default=True,
    help="Whether each site has a constant of its own.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("round1.json"),
    show_default=True,
    help="File of the first question.",
)
def ask(
    family: str,
    outcome: str,
    covariates: str,
    exposure: str | None,
    sites: str,
    site_effects: bool,
    output: Path,
) -> None:
    """Write the question of the first round, for every site.

    \b
    Example:
      trialsim federate ask --family logistic --outcome died --covariates age,sex \\
          --sites north,south -o round1.json
    """
    from trialsim.analysis.federated import messages

    question = messages.ask(
        family, outcome, _names(covariates), _names(sites), exposure=exposure, site_effects=site_effects
    )
    _refuse_other(output, messages.to_json(question))
    _write(messages.to_json(question), output)
    click.echo(f"wrote {output}: send it to {', '.join(question.sites)}")


@federate.command()
@click.argument("question", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--site", required=True, help="Your site, as the question names it.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON file to send back."
)
def answer(question: Path, data: Path, site: str, output: Path) -> None:
    """Answer a QUESTION from your DATA (CSV or Parquet), which stay with you.

    \b
    Example:
      trialsim federate answer round1.json north.csv --site north -o north1.json
    """
    from trialsim.analysis.federated import answers, messages
    from trialsim.cli.analyse.reading import DataFile
    from trialsim.errors import AnalysisError

    if output.resolve() in (question.resolve(), data.resolve()):
        raise AnalysisError("is a file that this command reads", field="--output", value=output,
                            mend="name another file")  # fmt: skip
    asked = messages.read_message(question, messages.Question)
    file = DataFile.read(data, None, ())
    roles = {"outcome": [asked.outcome], "covariates": list(asked.covariates)}
    roles |= {"exposure": [asked.exposure]} if asked.exposure else {}
    for role, names in roles.items():
        if absent := [name for name in names if name not in file.names]:
            raise AnalysisError(
                f"is not a column of the file; the question has it as its {role}", file=data, field="column",
                value=absent[0], mend=f"rename one of {', '.join(file.names)}, or ask for another question",
            )  # fmt: skip
    said = answers.answer(asked, file.as_read(roles), site)
    _write(messages.to_json(said), output)
    click.echo(
        f"wrote {output}: sums over {said.participants} people; {said.left_out} without a value left out"
    )


@federate.command()
@click.argument("question", type=click.Path(path_type=Path))
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ANSWER...")
@click.option(
    "--without", default="", metavar="A,B", help="Sites whose answers are left out on purpose, such as north."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Question of the next round.  [default: roundN.json]",
)
def combine(question: Path, answers: tuple[Path, ...], without: str, output: Path | None) -> None:
    """Combine the ANSWERs to a QUESTION: the model, or the question of the next round.

    \b
    Example:
      trialsim federate combine round1.json north1.json south1.json -o round2.json
    """
    from trialsim.analysis.federated import combining, messages

    asked = messages.read_message(question, messages.Question)
    given = [messages.read_message(path, messages.Answer) for path in answers]
    found = combining.combine(asked, given, _names(without))
    if isinstance(found, combining.FederatedResult):
        click.echo(str(found))
        return
    target = output or question.with_name(f"round{found.round}.json")
    _refuse_other(target, messages.to_json(found))
    _write(messages.to_json(found), target)
    click.echo(f"wrote {target}: round {found.round}, send it to {', '.join(found.sites)}")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _refuse_other(path: Path, text: str) -> None:
    """Refuse to lose a question, which its answers name, or the answer that -o names by mistake."""
    from trialsim.errors import AnalysisError

    if path.exists() and path.read_bytes() != text.encode():
        raise AnalysisError("exists already, and differs", file=path, mend="choose another -o, or delete it")


def _write(text: str, path: Path) -> None:
    from trialsim.errors import AnalysisError
    from trialsim.protocol.writing import whole_file

    with whole_file(path, AnalysisError) as scratch:
        scratch.write_text(text, encoding="utf-8")
