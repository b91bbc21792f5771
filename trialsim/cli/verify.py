"""``trialsim verify``: which level of proof a run bundle reaches, and what was not checked."""

from __future__ import annotations

from pathlib import Path

import click

LEVELS = ("V0", "V1", "V2", "V3", "V4", "V5")


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--level", type=click.Choice(LEVELS), help="The level to reach.  [default: V1; V2 with --replay]"
)
@click.option("--replay", "blocks", type=click.IntRange(1), help="V2: compute so many blocks again.")
@click.option("--nonce", help="V2: text of your own that chooses the blocks.  [default: drawn]")
@click.option("--expect", help="Root or seal that you were given by another way than with the bundle.")
@click.option(
    "--signed-by", type=click.Path(path_type=Path), help="Public key (PEM) that it must be signed by."
)
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    help="The history that the simulated people come from, if the run does not hold it itself.",
)
def verify(
    bundle: Path, level: str | None, blocks: int | None, nonce: str | None, expect: str | None,
    signed_by: Path | None, history: Path | None,
) -> None:  # fmt: skip
    """Say which level of proof a run BUNDLE reaches, and what was not checked.

    \b
    Examples:
      trialsim verify reports/BUNDLE
      trialsim verify reports/BUNDLE --replay 20 --nonce "words of your own"

    \b
      V0 integrity    every file is the one that was sealed
      V1 arithmetic   tables and report are computed again from the replicates
      V2 spot replay  blocks that you choose with --nonce are computed again from the inputs
      V3 full replay  every block is
      V4 oracles      V2, and published numbers are computed on this machine (trialsim qualify)
      V5 refit        V2, and the posterior is fitted again from the history and compared

    Whoever changes a bundle can make its hashes again: compare the root with the one that you were given
    (--expect), ask for the maker's signature (--signed-by), and go on to V2. Docs: docs/verification.md.
    """
    from trialsim.cli.terminal.as_json import collected
    from trialsim.errors import BundleError, InputError
    from trialsim.report.again import page_again
    from trialsim.study.verification import verify_bundle

    asked = level or ("V1" if blocks is None and nonce is None else "V2")
    for name, given in (("--replay", blocks), ("--nonce", nonce)):
        if given is not None and asked not in ("V2", "V4", "V5"):
            raise InputError(
                f"chooses nothing at level {asked}", field=name, value=given, mend="use --level V2"
            )
    found = verify_bundle(
        bundle, asked, expect=expect, blocks=blocks, nonce=nonce, history=history, page=page_again,
        signed_by=signed_by,
    )  # fmt: skip
    if found.problems:
        reached = f" ({', '.join(found.reached)} held)" if found.reached else ""
        raise BundleError(
            f"{found.findings[-1].level} does not hold{reached}: " + "; ".join(found.problems[:20]),
            file=bundle,
            mend="get the bundle again from its source, or compare the manifest's versions with yours",
        )
    if (collects := collected()) is not None:
        collects.facts |= {"bundle": str(bundle), "levels": list(found.reached)}
    click.echo(f"{bundle}: {', '.join(found.reached)} hold")
    for line in found.in_words():
        click.echo(line)
