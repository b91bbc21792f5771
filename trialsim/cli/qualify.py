"""``trialsim qualify``: published numbers computed again on the user's machine."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("qualification"), show_default=True,
    help="Folder of qualification.html and qualification.json.",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Show no progress bars.")
def qualify(output: Path, quiet: bool) -> None:
    """Compute published numbers on this machine, offline, and write ours beside theirs.

    \b
    Example:
      trialsim qualify -o qualification

    The page and the JSON file hold every number with its source, the digits in which both agree, whether it
    passes, and what is installed. It takes a minute or two. The exit code is 0 only if every number passes.
    """
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.errors import QualificationError
    from trialsim.report.qualification_page import write_qualification
    from trialsim.study.qualification import qualify as compute

    with progress_bars(quiet) as progress:
        found = compute(progress=progress)
    page = write_qualification(found, output)
    click.echo(f"{found.in_words()}.")
    click.echo(f"Page: {page}", color=False)
    if not found.passes:
        missed = ", ".join(one.name for one in found.held if not one.passes)
        raise QualificationError(
            f"these numbers do not come out: {missed}", file=page,
            mend="compare versions and processor with a machine on which they do, and report it",
        )  # fmt: skip
