"""Run bundles: a folder that holds a study's inputs, results and a manifest of hashes over them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trialsim.errors import BundleError
from trialsim.study.bundles.alone.files import UnsoundError, file_sha256
from trialsim.study.bundles.alone.script import SCRIPT, script_text
from trialsim.study.bundles.alone.sealing import (
    FORMAT,
    MANIFEST,
    PLACE_OF_ROOT,
    REPORT,
    cells_of,
    integrity,
    log_head,
    log_lines,
    page_of,
    results_of,
    root_of,
    seal_of,
)
from trialsim.study.bundles.machine import machine, versions
from trialsim.study.running.durable import flush_folder, flush_tree
from trialsim.study.running.lock import only_run

CHECKPOINTS = "blocks"


@contextmanager
def new_bundle(target: Path) -> Iterator[Path]:
    """Open a bundle for writing, and put it in place only when everything has been written.

    Work is done in a hidden folder beside the target, which also holds checkpoints (`checkpoint_folder`).
    It outlives a run that fails, if a block was finished by then, and goes when the bundle is in place.
    A run that leaves nothing takes the folders with it that it made.

    Parameters
    ----------
    target : Path
        The folder that the bundle becomes; an earlier bundle of the same name is replaced.

    Yields
    ------
    Path
        A temporary folder beside the target.

    Raises
    ------
    BundleError
        The folder cannot be written, something that is no bundle stands in its place, or another run is
        writing the same bundle.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     with new_bundle(Path(place) / "mine") as folder:
    ...         _ = (folder / "table.csv").write_text("a,b")
    ...         _ = seal(folder, {"kind": "example"})
    ...     print(check_bundle(Path(place) / "mine"))
    []
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise BundleError(
            "exists and is no run bundle", file=target, mend="move it away, or choose another --output"
        )
    work = target.parent / f".{target.name}.work"
    scratch, replaced = work / "bundle", work / "replaced"
    made = _absent(target.parent)
    try:
        with only_run(work / "lock", target):
            _put_back(replaced, target)
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                scratch.mkdir()
                yield scratch
                _put_in_place(scratch, target, replaced)
                shutil.rmtree(work / CHECKPOINTS, ignore_errors=True)
            finally:
                _tidy(work)
                _remove_empty(made)
    except OSError as fault:
        raise BundleError(
            f"cannot be written: {fault}",
            file=target,
            mend="free space or choose another --output, and run the same command again",
        ) from None


def _put_in_place(scratch: Path, target: Path, replaced: Path) -> None:
    """Give a finished bundle its name, durably: the checkpoints that it was made of go after this."""
    flush_tree(scratch)
    if target.exists():
        target.rename(replaced)
    try:
        scratch.rename(target)
    except OSError:
        _put_back(replaced, target)
        raise
    flush_folder(target.parent)


def _put_back(replaced: Path, target: Path) -> None:
    """Undo half of a replacement: a run can be killed after the old bundle went, and before the new came."""
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)


def checkpoint_folder(scratch: Path) -> Path:
    """Return the folder of checkpoints that belongs to the temporary folder of a new bundle.

    Parameters
    ----------
    scratch : Path
        What `new_bundle` gives.

    Returns
    -------
    Path
        Beside it.

    Examples
    --------
    >>> checkpoint_folder(Path("reports/.one.work/bundle")).as_posix()
    'reports/.one.work/blocks'
    """
    return scratch.parent / CHECKPOINTS


def kept_blocks(target: Path) -> int:
    """Return how many finished blocks an unfinished run of a bundle has left.

    Parameters
    ----------
    target : Path
        The bundle to be.

    Returns
    -------
    int
        0 where no run was left unfinished.

    Examples
    --------
    >>> kept_blocks(Path("reports/never_run"))
    0
    """
    return sum(1 for _ in (target.parent / f".{target.name}.work" / CHECKPOINTS).rglob("*.parquet"))


def _tidy(work: Path) -> None:
    """Remove what a run leaves, but for finished blocks and blocks in quarantine."""
    for left in ("bundle", "replaced"):
        shutil.rmtree(work / left, ignore_errors=True)
    if not any(work.rglob("*.parquet")):
        shutil.rmtree(work, ignore_errors=True)


def _absent(folder: Path) -> list[Path]:
    """Return the folders that do not exist yet, from a folder upward."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that this run made and left nothing in, from the innermost outward."""
    for folder in folders:
        if not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def write_json(content: Any, path: Path, *, in_order: bool = False) -> None:
    """Write JSON with sorted keys, so that equal content has equal bytes; or in the order that it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, sort_keys=not in_order, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the script that checks the bundle, put the root on the report, and write the manifest.

    Parameters
    ----------
    folder : Path
        The bundle, complete but for these.
    facts : mapping
        Protocol, seed and input hashes.

    Returns
    -------
    dict
        The manifest: the facts, versions and machine, the size and SHA-256 of every file, and of it all

        - ``results``, of the files under ``results/``: the numbers, whatever the report says of them;
        - ``root``, a Merkle root over blocks, cells and every file that the inputs decide, the report too:
          the same for any number of workers and any later run with the same versions;
        - ``seal``, of the whole manifest: versions, machine and the log of this one run too.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = (Path(place) / "table.csv").write_text("a,b")
    ...     manifest = seal(Path(place), {"kind": "example"})
    >>> sorted(manifest["files"]), manifest["kind"], len(manifest["root"])
    (['table.csv', 'verify.py'], 'example', 64)
    """
    (folder / SCRIPT).write_text(script_text(), encoding="utf-8")
    manifest: dict[str, Any] = {
        "format": FORMAT,
        **facts,
        "versions": versions(),
        "machine": machine(),
        "files": _files(folder),
        "cells": cells_of(folder),
        "log": log_head(log_lines(folder)),
        "page": page_of(folder, PLACE_OF_ROOT),
    }
    manifest["results"] = results_of(manifest["files"])
    manifest["root"] = root_of(manifest, manifest["files"], manifest["cells"])
    if (page := folder / REPORT).exists():
        page.write_bytes(page.read_bytes().replace(PLACE_OF_ROOT.encode(), manifest["root"].encode()))
        manifest["files"][REPORT]["sha256"] = file_sha256(page, REPORT)
    manifest["seal"] = seal_of(manifest)
    write_json(manifest, folder / MANIFEST)
    return manifest


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and hash of every file of a bundle."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name, name)}
        for name in names
    }


def check_bundle(folder: Path) -> list[str]:
    """Return what differs between a bundle and its manifest, in words; an empty list means nothing.

    A manifest that is not as it was sealed is the only thing said: nothing can be held against it.

    Parameters
    ----------
    folder : Path
        The bundle.

    Returns
    -------
    list of str
        One sentence for each difference.

    Raises
    ------
    BundleError
        There is no manifest, or it is no bundle's.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     table = Path(place) / "table.csv"
    ...     _ = table.write_text("a,b")
    ...     _ = seal(Path(place), {"kind": "example"})
    ...     _ = table.write_text("a,c")
    ...     print(check_bundle(Path(place)))
    ['table.csv: changed']
    """
    try:
        return integrity(folder)
    except UnsoundError as fault:
        raise unsound(fault, folder) from None


def unsound(fault: UnsoundError, folder: Path) -> BundleError:
    """Return a part of a bundle that cannot be what a run wrote, as an error with its mend."""
    return BundleError(
        fault.problem, file=folder / fault.name, mend="give the folder of a whole run bundle of this version"
    )
