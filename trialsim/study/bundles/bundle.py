"""Run bundles: a folder that holds a study's inputs, results and a manifest of hashes over them."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.errors import BundleError
from trialsim.study.running.durable import flush_folder, flush_tree
from trialsim.study.running.lock import only_run

FORMAT = "trialsim.bundle/2"
# Its manifests carry no hash of themselves.
UNSEALED = "trialsim.bundle/1"
MANIFEST = "manifest.json"
SEAL = "seal"
CHECKPOINTS = "blocks"
PACKAGES = ("trialsim", "numpy", "scipy", "pandas", "numba", "pymc", "nutpie", "arviz", "pyarrow")


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


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table as Parquet and as CSV, side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def write_json(content: Any, path: Path) -> None:
    """Write JSON with sorted keys, so that equal content has equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest: the facts of the run, versions, the SHA-256 of every file and of all this.

    Parameters
    ----------
    folder : Path
        The bundle, complete but for its manifest.
    facts : mapping
        Protocol, seed and input hashes.

    Returns
    -------
    dict
        The manifest. ``results`` hashes only what the inputs determine, so it is the same for any
        number of workers and any later run.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = (Path(place) / "table.csv").write_text("a,b")
    ...     manifest = seal(Path(place), {"kind": "example"})
    >>> sorted(manifest["files"]), manifest["kind"]
    (['table.csv'], 'example')
    """
    files = {
        str(path.relative_to(folder).as_posix()): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest: dict[str, Any] = {
        "format": FORMAT,
        **facts,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()},
        "files": files,
        "results": _digest(_results(files)),
    }
    manifest[SEAL] = _digest(manifest)
    write_json(manifest, folder / MANIFEST)
    return manifest


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
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BundleError(
            "has no readable manifest", file=folder, mend="give the folder of a run bundle"
        ) from None
    if not isinstance(manifest, dict) or manifest.get("format") not in (FORMAT, UNSEALED):
        raise BundleError("is not a bundle of this version", file=folder / MANIFEST, mend=f"use {FORMAT}")
    if not _as_sealed(manifest):
        return [f"{MANIFEST}: changed, so that no file can be held against it"]
    listed = manifest["files"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    problems = [f"{name}: missing" for name in sorted(set(listed) - found)]
    problems += [f"{name}: not in the manifest" for name in sorted(found - set(listed))]
    problems += [
        f"{name}: changed" for name in sorted(found & set(listed)) if file_hash(folder / name) != listed[name]
    ]
    return problems


def _as_sealed(manifest: dict[str, Any]) -> bool:
    """Return whether a manifest has the hashes of its own content."""
    listed = manifest.get("files")
    if not isinstance(listed, dict) or manifest.get("results") != _digest(_results(listed)):
        return False
    content = {key: value for key, value in manifest.items() if key != SEAL}
    unsealed = manifest["format"] == UNSEALED and SEAL not in manifest
    return unsealed or manifest.get(SEAL) == _digest(content)


def _results(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that the inputs determine."""
    return {name: digest for name, digest in files.items() if name.startswith("results/")}


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
