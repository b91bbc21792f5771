"""``trialsim init``: lay out example protocols and cohort cards."""

from __future__ import annotations

from pathlib import Path

import click

FOLDERS = ("protocols", "cohorts")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
def init(folder: Path, force: bool) -> None:
    """Lay out example protocols and cohort cards in FOLDER.

    \b
    Examples:
      trialsim init my-trial
      trialsim run my-trial/protocols/alzheimers_phase2.toml

    Each protocol runs on its own: a history of placebo participants is generated from its card.
    """
    written = [target for name in FOLDERS for target in _copy(name, folder, force)]
    for target in written:
        click.echo(f"wrote {target}")
    click.echo(f"\nNext:  trialsim run {folder / 'protocols' / 'alzheimers_phase2.toml'}")


def _copy(name: str, folder: Path, force: bool) -> list[Path]:
    from trialsim.errors import InputError

    files = sorted(example_folder(name).glob("*.toml"))
    targets = [folder / name / file.name for file in files]
    if not force and (there := [target for target in targets if target.exists()]):
        raise InputError("exists already", file=there[0], mend="choose another folder, or give --force")
    try:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, target in zip(files, targets, strict=True):
            target.write_bytes(file.read_bytes())
    except OSError as fault:
        raise InputError(
            f"cannot be written: {fault.strerror}", file=folder, mend="choose another folder"
        ) from None
    return targets


def example_folder(name: str) -> Path:
    """Return the folder of the shipped protocols or cohorts, in a wheel or in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "examples" / name
    return installed if installed.is_dir() else package.parent / name
