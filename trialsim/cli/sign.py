"""``trialsim sign``: say who made a run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Private Ed25519 key (PEM).")
def sign(bundle: Path, key: Path) -> None:
    """Sign the seal of a run BUNDLE; the signature lies beside it, in BUNDLE.sig.

    \b
    Examples:
      openssl genpkey -algorithm ed25519 -out key.pem
      openssl pkey -in key.pem -pubout -out public.pem
      trialsim sign reports/BUNDLE --key key.pem
      trialsim verify reports/BUNDLE --signed-by public.pem

    The bundle keeps its root and seal. Give the public key to verifiers by another way than with the bundle.
    """
    from trialsim.study.verification.signature import sign_bundle

    click.echo(f"wrote {sign_bundle(bundle, key)}")
    if key.stat().st_mode & 0o077:
        click.echo(f"Others on this machine can read {key}: chmod 600 {key}", err=True)
