"""``trialsim verify``: hold a run bundle against its manifest."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def verify(bundle: Path) -> None:
    """Check that every file of a run BUNDLE is the one that its manifest lists.

    This shows that nothing was changed, lost or added since the run (tamper-evident); it does not run
    the trial again. To do that, run the protocol in the bundle's inputs/ and compare the results hash.
    """
    from trialsim.errors import BundleError
    from trialsim.study import check_bundle

    problems = check_bundle(bundle)
    if problems:
        raise BundleError("; ".join(problems), file=bundle, mend="get the bundle again from its source")
    click.echo(f"{bundle}: every file is as listed in its manifest")
