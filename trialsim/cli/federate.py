"""``trialsim federate``: one model from several sites that may not pool their data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trialsim.analysis.federated.ledger import Ledger
    from trialsim.analysis.federated.noise import Noise

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

    \b
    Masked, so that the coordinator sees the sum over all sites alone:
      trialsim federate key --site north -o north.pem                 each site, once
      trialsim federate ledger --site north -o north.ledger.json      each site, once
      trialsim federate ask ... --key north.public.json --key south.public.json ...
      trialsim federate answer ... --key north.pem --ledger north.ledger.json
      trialsim federate again round2.json --without south -o round2b.json          if south does not answer

    With noise, so that nobody's being there can be told: ask --bound age=18:100 --rho 0.05 --rounds 4.
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
    "--key", "keys", multiple=True, type=click.Path(path_type=Path),
    help="Public key of a site, for masks; one of each.",
)  # fmt: skip
@click.option(
    "--bound", "bounds", multiple=True, metavar="COLUMN=LOW:HIGH",
    help="For noise: range of each covariate and of a Gaussian outcome, known without the data.",
)  # fmt: skip
@click.option("--rho", type=float, help="For noise: what one round costs (zCDP).")
@click.option("--rounds", type=click.IntRange(1, 25), help="For noise: how many.  [default: 1; logistic 4]")
@click.option("--delta", type=float, help="For noise: delta at which epsilon is told.  [default: 1e-6]")
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
    keys: tuple[Path, ...],
    bounds: tuple[str, ...],
    rho: float | None,
    rounds: int | None,
    delta: float | None,
    output: Path,
) -> None:
    """Write the question of the first round, for every site.

    \b
    Example:
      trialsim federate ask --family logistic --outcome died --covariates age,sex \\
          --sites north,south -o round1.json
    """
    from trialsim.analysis.federated import asking, masks, messages

    question = asking.ask(
        family, outcome, _names(covariates), _names(sites), exposure=exposure, site_effects=site_effects,
        keys=[messages.read_message(path, messages.PublicKey) for path in keys],
        noise=_noise(family, bounds, rho, rounds, delta),
    )  # fmt: skip
    _refuse_other(output, messages.to_json(question))
    _write(messages.to_json(question), output)
    click.echo(f"wrote {output}: send it to {', '.join(question.sites)}")
    if question.masked:
        click.echo(f"keys {masks.fingerprint(question)}: sites compare this by telephone")
        if site_effects and len(question.sites) > 1:
            click.echo(
                "With a constant for each site the sum still tells each site's own people, events and means "
                "of covariates; --no-site-effects hides them."
            )
    if question.noise is not None:
        click.echo(f"all {question.noise.rounds} rounds spend {question.noise.spent(question.noise.rounds)}")


@federate.command()
@click.option("--site", required=True, help="Your site, as the question will name it.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="PEM file of the private key."
)
def key(site: str, output: Path) -> None:
    """Make a site's key for masks: a private one, which stays, and SITE.public.json for the coordinator.

    \b
    Example:
      trialsim federate key --site north -o north.pem
    """
    import os

    from trialsim.analysis.federated import masks, messages
    from trialsim.errors import AnalysisError

    private, public = masks.new_key(site)
    told = output.with_name(f"{site}.public.json")
    for path in (output, told):
        if path.exists():
            raise AnalysisError("exists already", file=path, mend="choose another -o; a key is for one study")
    _write(messages.to_json(public), told)
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    click.echo(f"wrote {output}: keep it; wrote {told}: send it to the coordinator")


@federate.command()
@click.option("--site", required=True, help="Your site, as the question will name it.")
@click.option("--epsilon", type=float, default=0.0, help="Budget of all noisy answers.  [default: none]")
@click.option("--delta", type=float, default=1e-6, show_default=True, help="At which epsilon is meant.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON file of the ledger."
)
def ledger(site: str, epsilon: float, delta: float, output: Path) -> None:
    """Begin the ledger of what a site answers and what it spends; it stays with the data.

    \b
    Example:
      trialsim federate ledger --site north --epsilon 3 -o north.ledger.json
    """
    from trialsim.analysis.federated.ledger import Ledger
    from trialsim.errors import AnalysisError

    if output.exists():
        raise AnalysisError(
            "exists already: what was spent is spent",
            file=output,
            mend="go on with it: one set of people, one ledger",
        )
    _write(Ledger(site, epsilon, delta).to_json(), output)
    click.echo(f"wrote {output}")


@federate.command()
@click.argument("question", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--site", required=True, help="Your site, as the question names it.")
@click.option("--key", type=click.Path(path_type=Path), help="Your private key, where answers are masked.")
@click.option(
    "--ledger", "ledger_file", type=click.Path(path_type=Path),
    help="Your ledger, where answers are masked or noisy.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON file to send back."
)
def answer(
    question: Path, data: Path, site: str, key: Path | None, ledger_file: Path | None, output: Path
) -> None:
    """Answer a QUESTION from your DATA (CSV or Parquet), which stay with you.

    \b
    Examples:
      trialsim federate answer round1.json north.csv --site north -o north1.json
      trialsim federate answer round1.json north.csv --site north --key north.pem \\
          --ledger north.ledger.json -o north1.json
    """
    from trialsim.analysis.federated import answers, masks, messages
    from trialsim.cli.analyse.reading import DataFile
    from trialsim.errors import AnalysisError

    read = [path.resolve() for path in (question, data, key, ledger_file) if path is not None]
    if output.resolve() in read:
        raise AnalysisError("is a file that this command reads", field="--output", value=output,
                            mend="name another file")  # fmt: skip
    asked = messages.read_message(question, messages.Question)
    if asked.masked != (key is not None):
        raise AnalysisError(
            "is needed: answers are masked" if asked.masked else "is not asked for", field="--key",
            mend="give the file of `trialsim federate key`" if asked.masked else "leave it out",
        )  # fmt: skip
    kept = _kept_ledger(asked.masked or asked.noise is not None, ledger_file)
    if kept is not None:
        kept.admit(asked, site)
    private = masks.read_key(key) if key is not None else None
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
    text = messages.to_json(said if private is None else masks.mask(asked, said, private))
    if kept is not None and ledger_file is not None:
        # What is spent is written before what it bought: a crash between the two can only waste.
        entered = kept.with_answer(asked, text)
        _write(entered.to_json(), ledger_file)
    _write(text, output)
    people = "people of the site" if asked.noise is not None else f"{said.participants} people"
    left = "" if asked.noise is not None else f"; {said.left_out} without a value left out"
    click.echo(f"wrote {output}: sums over {people}{left}")
    if private is not None:
        click.echo(f"keys {masks.fingerprint(asked)}: compare this with the other sites by telephone")
    if kept is not None and kept.answered_with(asked):
        click.echo(
            "This round was answered before: whoever gets all answers of both can tell the site that is "
            "left out now."
        )
    if asked.noise is not None and kept is not None:
        click.echo(f"this answer spends {asked.noise.spent(1)}; {entered.in_words()}")


def _kept_ledger(needed: bool, path: Path | None) -> Ledger | None:
    from trialsim.analysis.federated.ledger import read_ledger
    from trialsim.errors import AnalysisError

    if needed != (path is not None):
        raise AnalysisError(
            "is needed: answers are masked or noisy" if needed else "is not asked for", field="--ledger",
            mend="begin one by `trialsim federate ledger`" if needed else "leave it out",
        )  # fmt: skip
    return None if path is None else read_ledger(path)


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
    given: list[messages.Answer | messages.MaskedAnswer] = [
        messages.read_message(path, messages.MaskedAnswer)
        if asked.masked
        else messages.read_message(path, messages.Answer)
        for path in answers
    ]
    found = combining.combine(asked, given, _names(without))
    if not isinstance(found, messages.Question):
        click.echo(str(found))
        return
    target = output or question.with_name(f"round{found.round}.json")
    _refuse_other(target, messages.to_json(found))
    _write(messages.to_json(found), target)
    click.echo(f"wrote {target}: round {found.round}, send it to {', '.join(found.present)}")
    if found.noise is not None:
        click.echo(
            f"round {asked.round} of {found.noise.rounds}: {found.noise.spent(asked.round)} spent so far"
        )


@federate.command()
@click.argument("question", type=click.Path(path_type=Path))
@click.option("--without", required=True, metavar="A,B", help="Sites that do not answer, such as west.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File of the question without them.",
)
def again(question: Path, without: str, output: Path) -> None:
    """Ask a masked round again without sites that do not answer, since masks with them do not cancel.

    Answers to the first QUESTION are of no use any more: delete them, and any that comes late.

    \b
    Example:
      trialsim federate again round2.json --without west -o round2b.json
    """
    from trialsim.analysis.federated import messages

    found = messages.read_message(question, messages.Question).again_without(_names(without))
    _refuse_other(output, messages.to_json(found))
    _write(messages.to_json(found), output)
    click.echo(f"wrote {output}: send it to {', '.join(found.present)}; delete all answers to {question}")


def _noise(
    family: str, bounds: tuple[str, ...], rho: float | None, rounds: int | None, delta: float | None
) -> Noise | None:
    """Return the noise that options ask for."""
    from trialsim.analysis.federated.noise import Noise
    from trialsim.errors import AnalysisError

    if rho is None:
        for name, given in (("--bound", bounds), ("--rounds", rounds), ("--delta", delta)):
            if given:
                raise AnalysisError(
                    "needs --rho", field=name, mend="give what one round may cost, such as 0.05"
                )
        return None
    limits = []
    for text in bounds:
        column, equals, range_ = text.rpartition("=")
        low, colon, high = range_.partition(":")
        try:
            if not (column and equals and colon):
                raise ValueError("form")
            limits.append((column, float(low), float(high)))
        except ValueError:
            raise AnalysisError(
                "is no COLUMN=LOW:HIGH", field="--bound", value=text, mend="write it like age=18:100"
            ) from None
    needed = 4 if family == "logistic" else 1
    return Noise(tuple(limits), rho, needed if rounds is None else rounds, 1e-6 if delta is None else delta)


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
