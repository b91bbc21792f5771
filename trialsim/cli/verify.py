"""``trialsim verify``: hold a run bundle against its manifest, and compute parts of it again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--replay", "blocks", type=click.IntRange(1), help="Compute so many blocks again.")
@click.option("--nonce", help="Text of your own that chooses the blocks, with --replay.  [default: drawn]")
@click.option(
    "--history", type=click.Path(path_type=Path), help="File of the history that its people come from."
)
def verify(bundle: Path, blocks: int | None, nonce: str | None, history: Path | None) -> None:
    """Check that every file of a run BUNDLE is the one that its manifest lists.

    This shows that nothing was changed, lost or added since the run (tamper-evident). With --replay,
    blocks that the run could not foresee are computed again from the bundle's inputs, and compared.
    """
    from trialsim.errors import BundleError, InputError
    from trialsim.study import check_bundle

    if nonce is not None and blocks is None:
        raise InputError(
            "chooses nothing without --replay", field="--nonce", value=nonce, mend="add --replay N"
        )
    problems = check_bundle(bundle)
    if problems:
        raise BundleError("; ".join(problems), file=bundle, mend="get the bundle again from its source")
    click.echo(f"{bundle}: every file is as listed in its manifest")
    if blocks is not None:
        _replay(bundle, blocks, nonce, history)


def _replay(bundle: Path, blocks: int, nonce: str | None, history: Path | None) -> None:
    import secrets

    from trialsim.errors import BundleError
    from trialsim.study import open_bundle, replay_blocks
    from trialsim.study.bundles.replay import DIFFERENT, IDENTICAL, SAME_DECISIONS

    study = open_bundle(bundle, history)
    if changed := study.changed_inputs():
        raise BundleError(
            f"the inputs do not have the hashes of the manifest: {', '.join(changed)}",
            file=bundle,
            mend="get the bundle again from its source",
        )
    nonce = nonce or secrets.token_hex(8)
    replayed = replay_blocks(study, blocks, nonce)
    if different := [one for one in replayed if one.agreement == DIFFERENT]:
        raise BundleError(
            "computed again, these blocks are different: "
            + ", ".join(f"{one.cell} {one.index}" for one in different),
            file=bundle,
            mend="compare the versions in the manifest with yours",
        )
    reached = IDENTICAL if all(one.agreement == IDENTICAL for one in replayed) else SAME_DECISIONS
    click.echo(f"{len(replayed)} blocks chosen by the nonce {nonce!r}, computed again: {reached}")
